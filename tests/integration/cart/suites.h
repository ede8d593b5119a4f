/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "cart.h"
#include "cart/v1/service.client.h"
#include "cart/v1/service.handlers.h"
#include "chassis/rpc.h"
#include "common/str.h"
#include "world.h"

extern const struct service CART;
extern const struct service CATALOG;
extern const struct service PRICING;
extern const struct service MARKETING;

void create_case(Suite *suite);
void lines_case(Suite *suite);
void details_case(Suite *suite);
void coupon_case(Suite *suite);
void checkout_case(Suite *suite);
void abandoned_case(Suite *suite);
void crowd_case(Suite *suite);
void stored_case(Suite *suite);
void memory_case(Suite *suite);

/* shop.c: a channel of one country (DE, 19 % in the price), mugs for 10.00 EUR and tees for 25.00.
 */
extern struct daemon *cart;
extern const char *channel, *mug, *tee, *unpriced, *mug_product;
void given_shop(void);
void given_price(const char *variant, int64_t cents);
/* 10 % off the order for who has the code; `conditions` is more of the promotion's JSON. */
void given_coupon(const char *code, const char *conditions);
void given_unpublished_mug(void);
/* The events of the last changes reach the cart daemon: there is no Kafka here. */
void given_events_arrived(void);

/* A call over HTTP. The request is JSON, in which ' stands for ". */
struct call {
    const struct rpc_method_ref *method;
    const char *key;        /* Idempotency-Key, or NULL */
    const char *actor;      /* NULL: the back office */
    const char *channel_id; /* of the storefront they came through; NULL: none */
};
/* All answers of cart show the same three fields at the same places. */
typedef Cart__V1__GetCartResponse view;
extern const view *said;                 /* the last answer */
extern const struct violation *objected; /* the last refusal's, or NULL */
struct status asking(struct call call, const char *format, ...) _printf_(2, 3);
#define call_of(name) ((struct call){.method = &cart_v1_##name##__method})

const char *given_cart(void); /* two mugs */
struct status adding(const char *cart_id, const char *variant, int quantity);
struct status getting(const char *cart_id);
struct status freezing(const char *cart_id, const char *checkout_id);
struct status thawing(const char *cart_id, const char *checkout_id);
struct status closing(const char *cart_id, const char *checkout_id);
const char *new_id(void);
void then_problem(Cart__V1__ProblemKind kind, const char *line_id);
void then_allowed(const char *field, const char *allowed); /* the first violation of the refusal */

/* stream.c: what the carts' streams hold. */
struct entry {
    const char *type;
    struct uuid key;
    int64_t sequence;
    struct db_bytes headers;
    struct db_bytes payload;
};
/* Of one cart's topic, in order; NULL: of all carts, commands too. Good until the next look. */
size_t published(const char *cart_id, struct entry **ret_entries);
size_t published_of(const char *type);
/* Sequence 1, 2, 3 ... of these types, and nothing else. */
void then_published(const char *cart_id, const char *types);
/* The newest entry of the type is its example, as then_published_as_example() compares. */
void then_example(const struct message_schema *body);
void given_reader(void); /* by given_shop() */
struct status redis_says(struct redis_reply *ret_reply, const char *format, ...) _printf_(2, 3);
