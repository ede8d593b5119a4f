/* deliver.c - mail and webhooks: the attempts, and what becomes of them.
 *
 * The delivery's row is the truth, the task only makes it move. A round is one task with its
 * attempts; its number in the task's key keeps a retry by hand from meeting the task that is just
 * ending. The worker may die between the server's yes and our row: then the same mail goes out
 * again under the same Message-ID, the same webhook under the same id. */
#include "platform.h"

#include "chassis/crash_point.h"
#include "chassis/http_client.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "platform/v1/events.schema.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define DELIVERY_TOPIC "platform.delivery.events.v1"

const struct event_kind DELIVERY_SENT = {DELIVERY_TOPIC, &platform__v1__delivery_sent__schema,
                                         "delivery id"};
const struct event_kind DELIVERY_FAILED = {DELIVERY_TOPIC, &platform__v1__delivery_failed__schema,
                                           "delivery id"};

const struct error_def MAIL_NOT_CONFIGURED = {
    STATUS_FAILED_PRECONDITION, "MAIL_NOT_CONFIGURED",
    "set PLATFORM_SMTP_URL and PLATFORM_SENDER, then retry the delivery"};
const struct error_def WEBHOOK_REFUSED = {STATUS_UNAVAILABLE, "WEBHOOK_REFUSED",
                                          "the receiver answered with another status than 2xx"};

static const char *const OUTCOMES[] = {"pending", "sent", "failed", NULL};
struct metric DELIVERIES = {
    .name = "platform_delivery_attempts_total",
    .type = METRIC_COUNTER,
    .doc = "Attempts to deliver, by what the delivery was afterwards",
    .label_name = "state",
    .label_values = OUTCOMES,
};

/* Of an attempt's time, for writing down what came of it. */
static const int64_t RECORD_US = 2000000;
enum { ANSWER_MAX = 64 * 1024, CONNECT_TIMEOUT_MS = 3000 };

typedef struct status send_function(struct ctx *ctx, const struct delivery *delivery);

static struct status send_mail(struct ctx *ctx, const struct task *task);
static struct status post_webhook(struct ctx *ctx, const struct task *task);
static struct status attempt(struct ctx *ctx, const struct task *task, send_function *send);
static struct status mail(struct ctx *ctx, const struct delivery *delivery);
static struct status post(struct ctx *ctx, const struct delivery *delivery);
static bool may_pass(struct status status);
static struct status record(struct ctx *ctx, const struct task *task,
                            const struct delivery *delivery, const struct attempt_outcome *outcome,
                            const char *reason);
static struct status publish(struct db_tx *tx, const struct delivery *delivery, int64_t version,
                             const char *error);

/* Five seconds, doubling up to an hour: ten attempts take three quarters of an hour. */
const struct task_kind SEND_MAIL = {"send_mail", send_mail, 7500, 10, 5000, 3600000};
const struct task_kind POST_WEBHOOK = {"post_webhook", post_webhook, 7500, 10, 5000, 3600000};

static const struct task_kind *kind_of(const struct delivery *delivery)
{
    return delivery->channel == PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_EMAIL
               ? &SEND_MAIL
               : &POST_WEBHOOK;
}

static const char *key_of(struct ctx *ctx, const struct delivery *delivery)
{
    return arena_printf(ctx->arena, "%s:%" PRId64, uuid_text(ctx->arena, delivery->id),
                        delivery->round);
}

struct status deliver_later(struct db_tx *tx, const struct delivery *delivery)
{
    return task_add(tx, kind_of(delivery), key_of(db_ctx(tx), delivery), "", 0, 0);
}

struct status deliver_now(struct db_tx *tx, const struct delivery *delivery)
{
    return task_wake(tx, kind_of(delivery), key_of(db_ctx(tx), delivery));
}

static struct status send_mail(struct ctx *ctx, const struct task *task)
{
    return attempt(ctx, task, mail);
}

static struct status post_webhook(struct ctx *ctx, const struct task *task)
{
    return attempt(ctx, task, post);
}

static struct status load(struct ctx *ctx, const struct task *task, struct delivery *ret_delivery)
{
    const size_t id_length = strcspn(task->key, ":");
    const struct uuid id = parsed(arena_strndup(ctx->arena, task->key, id_length));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin_read(ctx, &tx));
    return store_find_delivery(tx, id, ret_delivery);
}

static struct status attempt(struct ctx *ctx, const struct task *task, send_function *send)
{
    struct attempt_outcome outcome = {PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_SENT, ""};
    struct delivery delivery;

    TRY(load(ctx, task, &delivery));
    if (delivery.state != PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING)
        return status_ok(); // another worker had our lease
    ctx->deadline_us -= RECORD_US;
    struct status sent = send(ctx, &delivery);
    ctx->deadline_us += RECORD_US;
    if (sent.code != STATUS_OK) {
        const bool goes_on = may_pass(sent) && !task->is_last;
        outcome.state = goes_on ? PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING
                                : PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_FAILED;
        outcome.error = arena_printf(ctx->arena, "%s: %s", sent.reason, str_or_empty(sent.detail));
    }
    TRY(record(ctx, task, &delivery, &outcome, str_or_empty(sent.reason)));
    metric_add(&DELIVERIES, (int)outcome.state - 1, 1);
    return outcome.state == PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING ? sent
                                                                                 : status_ok();
}

/* Whether trying again may help. */
static bool may_pass(struct status status)
{
    switch (status.code) {
    case STATUS_UNAVAILABLE:
    case STATUS_DEADLINE_EXCEEDED:
    case STATUS_UNKNOWN:
    case STATUS_ABORTED:
    case STATUS_RESOURCE_EXHAUSTED:
        return true;
    default:
        return false;
    }
}

static struct status mail(struct ctx *ctx, const struct delivery *delivery)
{
    const struct platform *self = ctx_state(ctx);
    const char *domain = strchr(delivery->sender, '@');
    const struct mail message = {
        .from = delivery->sender,
        .to = delivery->recipient,
        .subject = delivery->subject,
        .text = delivery->body,
        .html = str_is_empty(delivery->html) ? NULL : delivery->html,
        .message_id = arena_printf(ctx->arena, "%s%s", uuid_text(ctx->arena, delivery->id),
                                   str_or_empty(domain)),
    };

    if (str_is_empty(self->smtp_url) || domain == NULL)
        return ctx_fail(ctx, &MAIL_NOT_CONFIGURED, "no mail server or no sender");
    TRY(mail_send(ctx, self->smtp_url, &message));
    return crash_point(CRASH_MAIL_SENT, NULL);
}

static struct status post(struct ctx *ctx, const struct delivery *delivery)
{
    const struct platform *self = ctx_state(ctx);
    const struct http_header headers[] = {
        {"Content-Type", "application/cloudevents+json; charset=utf-8"},
        {"Torg-Delivery", uuid_text(ctx->arena, delivery->id)},
        {"Torg-Signature", webhook_signature(ctx->arena, self->webhook_secret,
                                             clock_now_us() / 1000000, delivery->body)},
    };
    const struct http_call call = {
        .method = "POST",
        .url = delivery->recipient,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = delivery->body,
        .body_length = strlen(delivery->body),
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = self->webhook_timeout_ms,
        .answer_max = ANSWER_MAX,
        .allow_private = self->webhook_allow_private,
    };
    struct http_answer answer;

    TRY(http_fetch(ctx, &call, &answer));
    if (answer.status < 200 || answer.status > 299)
        return ctx_fail(ctx, &WEBHOOK_REFUSED, "HTTP %d", answer.status);
    return status_ok();
}

/* The time is signed with the body, so that a receiver can refuse what is replayed later. */
const char *webhook_signature(struct arena *arena, const char *secret, int64_t seconds,
                              const char *body)
{
    const char *time = arena_printf(arena, "%" PRId64 ".", seconds);
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    return arena_printf(arena, "t=%" PRId64 ",v1=%s", seconds, str_hex(arena, mac, sizeof mac));
}

/* The round's end and its task's are one commit. */
static struct status record(struct ctx *ctx, const struct task *task,
                            const struct delivery *delivery, const struct attempt_outcome *outcome,
                            const char *reason)
{
    const bool goes_on = outcome->state == PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING;
    const bool is_sent = outcome->state == PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_SENT;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    int64_t version;

    TRY(db_begin(ctx, &tx));
    TRY(store_settle_delivery(tx, delivery, outcome, &version));
    if (version == 0 && !goes_on)
        return status_ok(); // somebody else's attempt ended the round
    if (!goes_on) {
        TRY(publish(tx, delivery, version, is_sent ? NULL : reason));
        TRY(task_end(tx, task));
    }
    return db_commit(&tx);
}

/* `error` NULL: it was sent. The reason alone: what a server says may quote the recipient. */
static struct status publish(struct db_tx *tx, const struct delivery *delivery, int64_t version,
                             const char *error)
{
    struct ctx *ctx = db_ctx(tx);
    Platform__V1__DeliverySent sent = PLATFORM__V1__DELIVERY_SENT__INIT;
    Platform__V1__DeliveryFailed failed = PLATFORM__V1__DELIVERY_FAILED__INIT;

    sent.delivery_id = failed.delivery_id = uuid_text(ctx->arena, delivery->id);
    sent.kind = failed.kind = delivery->kind;
    if (!uuid_is_nil(delivery->subject_id))
        sent.subject_id = failed.subject_id = uuid_text(ctx->arena, delivery->subject_id);
    if (error == NULL)
        return outbox_add(tx, &DELIVERY_SENT, delivery->id, version, &sent);
    failed.last_error = error;
    return outbox_add(tx, &DELIVERY_FAILED, delivery->id, version, &failed);
}
