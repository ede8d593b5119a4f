/* invalidate.h - which events make which answers worthless; rows of main.c's SUBSCRIPTIONS, all in
 * broadcast mode: every replica keeps its own cache. */
#pragma once

#include "events/consumer.h"

event_handler invalidate_product_created;
event_handler invalidate_product_updated;
event_handler invalidate_product_published;
event_handler invalidate_product_unpublished;
event_handler invalidate_variant_created;
event_handler invalidate_variant_updated;
event_handler invalidate_variant_removed;
event_handler invalidate_category; /* CategoryCreated, CategoryUpdated */
event_handler invalidate_price_changed;
event_handler invalidate_prices; /* PriceListChanged, TaxRateChanged */
event_handler invalidate_shipping;
event_handler invalidate_stock_reserved;
event_handler invalidate_stock_released;
event_handler invalidate_stock_committed;
event_handler invalidate_stock_changed;

/* For consumer_on_gap(): `state` is the gateway. */
void invalidate_everything(void *state);
