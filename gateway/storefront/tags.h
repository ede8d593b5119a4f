/* tags.h - what a storefront's answers are made of, as their cache names it. */
#pragma once

#include "chassis/cache.h"

enum {
    TAG_PRODUCT = 'p',
    TAG_LISTS = 'l', /* which products there are, and where */
    TAG_CATEGORIES = 'c',
    TAG_PRICE = '$', /* id: variant */
    TAG_PRICES = '*',
    TAG_STOCK = 's', /* id: variant */
    TAG_SHIPPING = 'o',
};
