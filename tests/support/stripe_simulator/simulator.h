/* simulator.h - a stand-in for Stripe's PaymentIntents that fails on command. A process of its own.
 *
 * Scripted by payment method, as Stripe's test cards are (pm_card_chargeDeclined,
 * pm_card_authenticationRequired, ...), and by POST /control/script. Its book (GET /control/book)
 * is what tests compare our ledger with. */
#pragma once

#include "chassis/service.h"
#include "common/json.h"

#include <pthread.h>

enum {
    INTENTS_MAX = 20000,
    REPLIES_MAX = 60000,
    SCRIPTS_MAX = 64,
    NOTICES_MAX = 60000,
    REFUNDS_MAX = 20000,
    SENDERS = 8
};

enum intent_status {
    INTENT_REQUIRES_METHOD,
    INTENT_REQUIRES_ACTION,
    INTENT_REQUIRES_CAPTURE,
    INTENT_SUCCEEDED,
    INTENT_CANCELED,
};

struct intent {
    const char *id, *currency, *payment_id, *checkout_id, *payment_key, *failure;
    enum intent_status status;
    int64_t amount, capturable, received, refunded;
};

enum operation {
    OP_CREATE,
    OP_CAPTURE,
    OP_CANCEL,
    OP_RETRIEVE,
    OP_SEARCH,
    OP_REFUND,
    OP_LIST_REFUNDS,
    OP_NONE
};

enum behaviour {
    DO_NOTHING_SPECIAL,
    DO_DECLINE,
    DO_REFUSE, /* a capture, and the money is still held */
    DO_ACTION,
    DO_DELAY,          /* wait, then process */
    DO_TIMEOUT_BEFORE, /* wait, never process */
    DO_TIMEOUT_AFTER,  /* process, then wait */
    DO_ERROR_BEFORE,   /* 500, not processed; replayed for its key */
    DO_ERROR_AFTER,    /* processed, then 500; replayed for its key */
    DO_UNAVAILABLE,    /* 503, not processed, not stored */
    DO_CONFLICT,       /* 409: the key is being processed */
    DO_LIMIT,          /* 429 */
    DO_MISS,           /* a search that finds nothing: its index lags */
};

struct script {
    enum operation operation;
    enum behaviour behaviour;
    int64_t count, delay_ms;
    int64_t amount; /* of the intent that it is for; 0: whichever comes */
};

/* What a key was answered: the same key again gets it again. */
struct reply {
    const char *key, *request, *body;
    int status;
};

struct notice {
    const char *id, *type, *body;
    int64_t due_us;
    int64_t copies; /* left to send */
};

/* One webhook on its way: a receiver that is slow holds up no other. */
struct sender {
    struct simulator *self;
    struct daemon *daemon;
    struct notice notice;
    pthread_t thread;
    bool has_thread, is_busy;
};

struct refund {
    const char *intent_id, *payment_key;
    int64_t amount;
};

struct simulator {
    const char *webhook_url, *webhook_secret;
    int64_t send_interval_ms;
    pthread_mutex_t lock; /* of everything below */
    struct arena *arena;
    struct intent intents[INTENTS_MAX];
    size_t intent_count;
    struct reply replies[REPLIES_MAX];
    size_t reply_count;
    struct script scripts[SCRIPTS_MAX];
    struct notice notices[NOTICES_MAX];
    size_t notice_count;
    int64_t notice_delay_ms, notice_copies; /* of notices from now on */
    int64_t answer_delay_ms;                /* what is done is told so much later */
    bool is_reversed;
    struct refund refunds[REFUNDS_MAX];
    size_t refund_count;
    int64_t requests;
    struct sender senders[SENDERS];
    int64_t begun_ms;
};

/* api.c */
void simulator_api(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response);
/* control.c */
void simulator_control(struct ctx *ctx, const struct http_request *request,
                       struct http_response *response);
/* What the script says about the next request of that kind; used up by asking. */
struct script script_take(struct simulator *self, enum operation operation, int64_t amount);

/* intent.c: the caller holds the lock. */
struct intent *intent_find(struct simulator *self, const char *id);
struct intent *intent_find_by_key(struct simulator *self, const char *payment_key);
struct intent *intent_add(struct simulator *self);
void charge_write(struct json_writer *json, const struct intent *intent);
void intent_write(struct json_writer *json, const struct intent *intent);
void intent_complete(struct simulator *self, struct intent *intent, bool is_success);

/* notice.c: webhooks. */
void notice_add(struct simulator *self, const char *type, const struct intent *intent);
const char *notice_signature(struct arena *arena, const struct simulator *self, const char *body);
struct status notices_send(struct ctx *ctx);
void notices_stop(struct simulator *self);

/* The value of a form or query parameter; NULL when absent. */
const char *form_get(struct ctx *ctx, const char *form, const char *name);
int64_t form_int(struct ctx *ctx, const char *form, const char *name);
