/* given.h - what an end-to-end test starts from: something to sell, a cart ready to be bought. */
#pragma once

#include "shop.h"

struct item {
    const char *product_id, *variant_id, *slug;
};

/* A product of its own, published in channel eu at this gross price, with stock in Hamburg. */
struct item given_item(int64_t price_minor, int64_t stock);
void given_price(struct item item, int64_t price_minor);
void given_unpublished(struct item item);
/* Promotion and coupon that take 5 off any order; the coupon may be used `limit` times. */
const char *given_coupon(int64_t limit);
const char *given_limited_coupon(int64_t limit, int64_t limit_per_customer); /* 0: none */
void given_coupon_in(const char *cart_id, const char *code);

/* A cart with address, e-mail and the standard shipping: its id. */
const char *given_cart(struct item item, int64_t quantity);
const char *given_cart_of(const char *email, struct item item, int64_t quantity);
const char *new_email(void);
int64_t total_of(const char *cart_id);

const char *new_key(void);
/* Checks out with these tenders: JSON objects, comma-separated. */
struct answer when_tendering(const char *cart_id, int64_t total_minor, const char *tenders,
                             const char *key);
struct answer when_buying(const char *cart_id, int64_t total_minor, const char *key);
/* By card: `method` is Stripe's name of one. */
struct answer when_paying_with(const char *method, const char *cart_id);
struct answer when_paying(const char *cart_id, int64_t total_minor, const char *method,
                          const char *key);
/* Buys, follows a 202 to its end, and answers the placed checkout. */
struct answer bought(const char *cart_id);
int64_t available(struct item item);
void then_ledger_agrees(void); /* every balance is the sum of its movements */
/* Of the demo shop, by its code: id_by_code("/warehouses", "warehouses", "hamburg"). */
const char *id_by_code(const char *path, const char *list, const char *code);
