/* shop.h - a running shop as its clients see it: the JSON API, the events on Kafka, the scripts of
 * deploy/local. tests/run starts the shop and says where it is (TORG_SHOP_*). */
#pragma once

#include "common/arena.h"
#include "common/json.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

struct answer {
    long status;
    const struct json_node *body; /* NULL when it is not JSON */
    const char *text;             /* as it came */
    int64_t took_us;
};

/* A case whose tests each begin with an arena of their own; `arena` is theirs. It and the
 * connection belong to one thread: see shop_connect. */
TCase *shop_case(Suite *suite, const char *name);
int shop_run(Suite *suite); /* main()'s exit status */
extern _Thread_local struct arena *arena;

/* One request. `json` may be NULL; `key` is an Idempotency-Key or NULL. Paths begin behind
 * /store/v1, of channel eu, and /admin/v1. */
struct answer store(const char *method, const char *path, const char *json, const char *key);
/* No answer, or one that says to come again (408, 429, 503, 504, CONFLICT): the same request under
 * the same key is right. */
bool is_passing(struct answer answer);
/* Asks by way of one gateway after the other while the answer is a passing one, at most 20 s. */
struct answer patiently(struct answer (*ask)(const void *what), const void *what);
/* So, under a key of its own. */
struct answer store_patiently(const char *method, const char *path, const char *json);
struct answer admin_patiently(const char *method, const char *path, const char *json);
/* A change made for that version: If-Match. */
struct answer store_for_version(const char *method, const char *path, const char *json,
                                const char *key, int64_t version);
/* With one more header, or another publishable key. */
struct answer store_with(const char *method, const char *path, const char *json, const char *header,
                         const char *value);
/* As a signed-in customer, with an Idempotency-Key. */
struct answer store_keyed(const char *method, const char *path, const char *json, const char *key,
                          const char *token);
struct answer admin(const char *method, const char *path, const char *json);
struct answer admin_csv(const char *path, const char *csv); /* POST */
struct answer admin_as(const char *key, const char *path);  /* GET with another API key */
struct answer anonymous(const char *path); /* GET without any key; the whole path */
/* What stands in for Stripe: script it by POST, with a form; `form` NULL asks. */
struct answer simulator(const char *path, const char *form);
struct answer mailbox(const char *address); /* the mails to somebody, as text */
/* In a thread, before its first request: its arena, a connection of its own, and which gateway of
 * the replicas it goes to (any number, taken modulo). */
void shop_connect(struct arena *own, int gateway);
void shop_turn(void);       /* to the other gateway, where there are two */
void shop_disconnect(void); /* the arena stays: it is the caller's */
void shop_forked(void);     /* in a child, before its first request: a connection of its own */

/* Members by dotted path, items by number: "lines.0.id". A missing text fails the test; a missing
 * number is 0. */
const char *text_at(struct answer answer, const char *path);
int64_t int_at(struct answer answer, const char *path); /* of a number or of a string of digits */
const struct json_node *node_at(struct answer answer, const char *path); /* NULL when absent */

/* The answer has this status (and problem reason); otherwise the test fails and prints it. */
struct answer expect(struct answer answer, long status);
struct answer expect_problem(struct answer answer, long status, const char *reason);

/* Polls, patiently, until the member is `wanted`, at most 20 s. NULL: false, zero or absent, which
 * JSON may all say by leaving it out. */
struct answer until(const char *path, const char *member, const char *wanted);
struct answer admin_until(const char *path, const char *member, const char *wanted);
struct answer mail_until(const char *address, const char *phrase); /* until a mail contains it */
const char *shop_setting(const char *name); /* TORG_SHOP_*, which must be set */

/* Waits until every one of these event types (NULL-terminated) has arrived on Kafka with this
 * correlation id (a checkout's), at most 20 s. */
void then_events(const char *correlation_id, const char *const *types);
/* How many such events there are now. */
int event_count(const char *correlation_id, const char *type);

/* A script of deploy/local on this shop: shop_script("restart --kill order-2"). */
void shop_script(const char *command);
int shop_replicas(void);
