/* stripe_provider.c - Stripe's PaymentIntents, authorized now and captured later.
 *
 * Sources: docs.stripe.com/api/payment_intents, /api/idempotent_requests, /error-low-level.
 *
 * Only a definite answer is a decline. A time-out, a reset, any 5xx, 409 (the same key is being
 * processed), 429 and a refused credential say nothing about the money: the same key is sent again.
 * Stripe replays a 500 for its key, so a retry first looks for the payment by our id in its
 * metadata.
 */
#include "payment_provider.h"

#include "chassis/http_client.h"
#include "common/clock.h"
#include "common/compiler.h"
#include "common/json.h"
#include "common/str.h"

#include <ctype.h>
#include <inttypes.h>

/* What the adapter was written against; without it an account's default version decides. */
static const char API_VERSION[] = "2024-06-20";

enum {
    SIGNATURE_TOLERANCE_S = 300,
    CONNECT_TIMEOUT_MS = 1000,
    ANSWER_MAX = 1 << 20,
    RECORD_MS = 500, /* of the caller's time, left for writing the answer down */
};

const struct error_def WEBHOOK_REFUSED = {
    STATUS_UNAUTHENTICATED, "WEBHOOK_REFUSED",
    "The signature is missing, wrong or too old: check the endpoint's secret"};

static payment_operation authorize, capture, cancel, refund, query;
static struct status verify_webhook(struct payment_provider *self, struct ctx *ctx,
                                    const char *signature, const char *body, size_t length,
                                    struct webhook_notice *ret_notice);

static const struct payment_provider_ops OPS = {
    .name = "stripe",
    .is_single_capture = true,
    .authorize = authorize,
    .capture = capture,
    .cancel = cancel,
    .refund = refund,
    .query = query,
    .verify_webhook = verify_webhook,
};

/* One request and what came back: status 0 when nothing did. */
struct exchange {
    const char *method, *path, *key;
    struct buffer form;
    int status;
    const struct json_node *body; /* NULL when it is not JSON */
};

static void send(struct payment_provider *self, struct ctx *ctx, struct exchange *exchange);
static void add(struct exchange *exchange, const char *name, const char *value);
static void add_int(struct exchange *exchange, const char *name, int64_t value);
static void add_origin(struct ctx *ctx, struct exchange *exchange,
                       const struct payment_order *order);
static struct exchange exchange_of(struct ctx *ctx, const char *method, const char *path,
                                   const char *key);
static bool find(struct payment_provider *self, struct ctx *ctx, const struct payment_order *order,
                 bool *ret_is_sure, const struct json_node **ret_intent);
static void read_answer(struct ctx *ctx, const struct exchange *exchange,
                        struct payment_answer *ret_answer);
static void read_intent(struct ctx *ctx, const struct json_node *intent,
                        struct payment_answer *ret_answer);
static void cancel_anew(struct payment_provider *self, struct ctx *ctx,
                        const struct payment_order *order, struct payment_answer *ret_answer);
static const struct json_node *find_refund(struct payment_provider *self, struct ctx *ctx,
                                           const struct payment_order *order, bool *ret_is_sure);
static void read_refund(struct ctx *ctx, const struct json_node *refund,
                        struct payment_answer *ret_answer);
static const char *reason_of(struct ctx *ctx, const struct json_node *error);
static bool is_definite(int status, const struct json_node *error);

struct stripe_provider stripe_provider_of(struct stripe_settings settings)
{
    return (struct stripe_provider){.base = {&OPS}, .settings = settings};
}

static void authorize(struct payment_provider *self, struct ctx *ctx,
                      const struct payment_order *order, struct payment_answer *ret_answer)
{
    const struct json_node *intent;
    bool is_sure;

    if (order->is_retry && find(self, ctx, order, &is_sure, &intent)) {
        read_intent(ctx, intent, ret_answer);
        return;
    }
    struct exchange exchange = exchange_of(ctx, "POST", "/v1/payment_intents", order->key);
    add_int(&exchange, "amount", order->amount_minor);
    add(&exchange, "currency", order->currency_code);
    add(&exchange, "capture_method", "manual");
    add(&exchange, "confirm", "true");
    add(&exchange, "payment_method", str_or_empty(order->payment_method));
    add(&exchange, "automatic_payment_methods[enabled]", "true");
    if (str_is_empty(order->return_url))
        add(&exchange, "automatic_payment_methods[allow_redirects]", "never");
    else
        add(&exchange, "return_url", order->return_url);
    add_origin(ctx, &exchange, order);
    send(self, ctx, &exchange);
    read_answer(ctx, &exchange, ret_answer);
}

static int capture_under(const char *key, struct payment_provider *self, struct ctx *ctx,
                         const struct payment_order *order, struct payment_answer *ret_answer)
{
    const char *path =
        arena_printf(ctx->arena, "/v1/payment_intents/%s/capture", str_or_empty(order->reference));
    struct exchange exchange = exchange_of(ctx, "POST", path, key);

    add_int(&exchange, "amount_to_capture", order->amount_minor);
    send(self, ctx, &exchange);
    read_answer(ctx, &exchange, ret_answer);
    if (ret_answer->outcome == OUTCOME_AUTHORIZED) // refused, and still only held
        *ret_answer = (struct payment_answer){
            .outcome = OUTCOME_REFUSED,
            .failure_reason = reason_of(ctx, json_member(exchange.body, "error"))};
    return exchange.status;
}

/* A 500 is replayed for its key for a day, so the intent is asked what is true. Still held, it is
 * captured under a new key: an intent is captured once, whatever the keys. */
static void capture(struct payment_provider *self, struct ctx *ctx,
                    const struct payment_order *order, struct payment_answer *ret_answer)
{
    char key[UUID_TEXT_LENGTH + 1];
    struct payment_answer found = {0};

    if (capture_under(order->key, self, ctx, order, ret_answer) != 500)
        return;
    query(self, ctx, order, &found);
    if (found.outcome == OUTCOME_AUTHORIZED) {
        uuid_format(uuid_v7(), key);
        (void)capture_under(key, self, ctx, order, ret_answer);
    } else if (found.outcome == OUTCOME_CAPTURED) {
        *ret_answer = found;
    }
}

static int cancel_under(const char *key, struct payment_provider *self, struct ctx *ctx,
                        const struct payment_order *order, struct payment_answer *ret_answer)
{
    const char *path = arena_printf(ctx->arena, "/v1/payment_intents/%s/cancel", order->reference);
    struct exchange exchange = exchange_of(ctx, "POST", path, key);

    send(self, ctx, &exchange);
    read_answer(ctx, &exchange, ret_answer);
    return exchange.status;
}

/* As with a capture: the 500 is replayed, so the intent is asked; cancelling twice does no harm. */
static void cancel_anew(struct payment_provider *self, struct ctx *ctx,
                        const struct payment_order *order, struct payment_answer *ret_answer)
{
    char key[UUID_TEXT_LENGTH + 1];
    struct payment_answer found = {0};

    query(self, ctx, order, &found);
    if (found.outcome == OUTCOME_VOIDED || found.outcome == OUTCOME_CAPTURED) {
        *ret_answer = found;
    } else if (found.outcome == OUTCOME_AUTHORIZED || found.outcome == OUTCOME_ACTION) {
        uuid_format(uuid_v7(), key);
        (void)cancel_under(key, self, ctx, order, ret_answer);
    }
}

/* Without a name the payment may never have arrived. It is looked for rather than sent again, which
 * could authorize it; what cannot be found for long enough does not exist, and should it show up
 * after all, its webhook finds the tombstone. */
static void cancel(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer)
{
    const struct stripe_provider *stripe = container_of(self, struct stripe_provider, base);
    const char *reference = order->reference;
    const struct json_node *intent;
    bool is_sure = false;

    if (reference == NULL && find(self, ctx, order, &is_sure, &intent))
        reference = json_text(json_member(intent, "id"));
    if (reference == NULL) {
        if (is_sure && order->age_ms >= stripe->settings.settle_ms)
            ret_answer->outcome = OUTCOME_VOIDED;
        return;
    }
    struct payment_order named = *order;
    named.reference = reference;
    if (cancel_under(order->key, self, ctx, &named, ret_answer) == 500)
        cancel_anew(self, ctx, &named, ret_answer);
    ret_answer->reference = reference;
    if (ret_answer->outcome == OUTCOME_ACTION || ret_answer->outcome == OUTCOME_AUTHORIZED)
        ret_answer->outcome = OUTCOME_UNKNOWN; // refused for now: asked again
}

static int refund_under(const char *key, struct payment_provider *self, struct ctx *ctx,
                        const struct payment_order *order, struct payment_answer *ret_answer)
{
    struct exchange exchange = exchange_of(ctx, "POST", "/v1/refunds", key);

    add(&exchange, "payment_intent", str_or_empty(order->reference));
    add_int(&exchange, "amount", order->amount_minor);
    add_origin(ctx, &exchange, order);
    send(self, ctx, &exchange);
    const struct json_node *error = json_member(exchange.body, "error");
    if (exchange.status == 200)
        read_refund(ctx, exchange.body, ret_answer);
    else if (is_definite(exchange.status, error))
        *ret_answer = (struct payment_answer){.outcome = OUTCOME_REFUSED,
                                              .failure_reason = reason_of(ctx, error)};
    return exchange.status;
}

/* A refund carries our key in its metadata, under whatever key it was sent: behind a 500, which is
 * replayed, it is looked for, and sent under a new key only when it is not there. */
static void refund(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer)
{
    char key[UUID_TEXT_LENGTH + 1];
    const struct json_node *found = NULL;
    bool is_sure = false;

    if (refund_under(order->key, self, ctx, order, ret_answer) != 500)
        return;
    found = find_refund(self, ctx, order, &is_sure);
    if (found != NULL) {
        read_refund(ctx, found, ret_answer);
    } else if (is_sure) {
        uuid_format(uuid_v7(), key);
        (void)refund_under(key, self, ctx, order, ret_answer);
    }
}

/* docs.stripe.com/api/refunds/list: the newest first, and it does not lag as the search does. */
static const struct json_node *find_refund(struct payment_provider *self, struct ctx *ctx,
                                           const struct payment_order *order, bool *ret_is_sure)
{
    const char *path = arena_printf(ctx->arena, "/v1/refunds?limit=100&payment_intent=%s",
                                    str_or_empty(order->reference));
    struct exchange exchange = exchange_of(ctx, "GET", path, NULL);

    send(self, ctx, &exchange);
    const struct json_node *data = json_member(exchange.body, "data");
    *ret_is_sure = exchange.status == 200 && data != NULL;
    for (data = *ret_is_sure ? data->child : NULL; data != NULL; data = data->next)
        if (str_equal(json_text(json_at(data, "metadata.payment_key")), order->key))
            return data;
    return NULL;
}

static void read_refund(struct ctx *ctx, const struct json_node *refund,
                        struct payment_answer *ret_answer)
{
    const char *status = json_text(json_member(refund, "status"));

    if (str_equal(status, "succeeded") || str_equal(status, "pending"))
        ret_answer->outcome = OUTCOME_REFUNDED; // pending: accepted, the bank takes days
    else if (str_equal(status, "failed"))
        *ret_answer = (struct payment_answer){.outcome = OUTCOME_REFUSED,
                                              .failure_reason = reason_of(ctx, NULL)};
}

static void query(struct payment_provider *self, struct ctx *ctx, const struct payment_order *order,
                  struct payment_answer *ret_answer)
{
    const char *path =
        arena_printf(ctx->arena, "/v1/payment_intents/%s?expand%%5B%%5D=latest_charge",
                     str_or_empty(order->reference)); // an intent does not tell its refunds
    struct exchange exchange = exchange_of(ctx, "GET", path, NULL);

    send(self, ctx, &exchange);
    if (exchange.status == 200)
        read_intent(ctx, exchange.body, ret_answer);
}

static struct status verify_webhook(struct payment_provider *self, struct ctx *ctx,
                                    const char *signature, const char *body, size_t length,
                                    struct webhook_notice *ret_notice)
{
    const struct stripe_provider *stripe = container_of(self, struct stripe_provider, base);
    const struct json_node *event;

    if (!stripe_signature_is_valid(signature, body, length, stripe->settings.webhook_secret,
                                   clock_now_us() / 1000000, SIGNATURE_TOLERANCE_S))
        return ctx_fail(ctx, &WEBHOOK_REFUSED, "signature");
    TRY(json_parse(ctx->arena, body, length, &event));
    const struct json_node *object = json_at(event, "data.object");
    const bool is_intent = str_equal(json_text(json_member(object, "object")), "payment_intent");
    *ret_notice = (struct webhook_notice){
        .event_id = json_text(json_member(event, "id")),
        .type = str_or_empty(json_text(json_member(event, "type"))),
        .reference = json_text(json_member(object, is_intent ? "id" : "payment_intent")),
    };
    if (str_is_empty(ret_notice->event_id))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "an event without an id");
    (void)uuid_parse(json_text(json_at(object, "metadata.payment_id")), &ret_notice->payment_id);
    return status_ok();
}

/* By our own id in its metadata. ret_is_sure: the search was answered, so "not found" means it. The
 * search lags by up to a minute. */
static bool find(struct payment_provider *self, struct ctx *ctx, const struct payment_order *order,
                 bool *ret_is_sure, const struct json_node **ret_intent)
{
    const char *path =
        arena_printf(ctx->arena,
                     "/v1/payment_intents/search?limit=1&query=metadata%%5B%%27payment_key%%27%%5D"
                     "%%3A%%27%s%%27",
                     order->authorization_key);
    struct exchange exchange = exchange_of(ctx, "GET", path, NULL);

    send(self, ctx, &exchange);
    const struct json_node *data = json_member(exchange.body, "data");
    *ret_is_sure = exchange.status == 200 && data != NULL;
    *ret_intent = *ret_is_sure ? data->child : NULL;
    return *ret_intent != NULL;
}

static struct exchange exchange_of(struct ctx *ctx, const char *method, const char *path,
                                   const char *key)
{
    struct exchange exchange = {.method = method, .path = path, .key = key};

    buffer_init(&exchange.form, ctx->arena, 512);
    return exchange;
}

/* application/x-www-form-urlencoded */
static void add(struct exchange *exchange, const char *name, const char *value)
{
    const char *const parts[] = {name, value};

    if (exchange->form.length > 0)
        buffer_putc(&exchange->form, '&');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (i == 1)
            buffer_putc(&exchange->form, '=');
        for (const char *at = parts[i]; *at != '\0'; at++) {
            if (isalnum((unsigned char)*at) || *at == '-' || *at == '_' || *at == '.')
                buffer_putc(&exchange->form, *at);
            else
                buffer_printf(&exchange->form, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
}

static void add_int(struct exchange *exchange, const char *name, int64_t value)
{
    add(exchange, name, arena_printf(exchange->form.arena, "%" PRId64, value));
}

static void add_origin(struct ctx *ctx, struct exchange *exchange,
                       const struct payment_order *order)
{
    add(exchange, "metadata[payment_id]", uuid_text(ctx->arena, order->payment_id));
    add(exchange, "metadata[checkout_id]", uuid_text(ctx->arena, order->checkout_id));
    add(exchange, "metadata[payment_key]", order->key);
}

static void send(struct payment_provider *self, struct ctx *ctx, struct exchange *exchange)
{
    const struct stripe_provider *stripe = container_of(self, struct stripe_provider, base);
    const int64_t left_ms = ctx_remaining_ms(ctx) - RECORD_MS;
    struct http_header headers[4] = {
        {"Authorization", arena_printf(ctx->arena, "Bearer %s", stripe->settings.secret)},
        {"Stripe-Version", API_VERSION},
        {"Content-Type", "application/x-www-form-urlencoded"},
        {"Idempotency-Key", exchange->key},
    };
    const struct http_call call = {
        .method = exchange->method,
        .url = arena_printf(ctx->arena, "%s%s", stripe->settings.url, exchange->path),
        .headers = headers,
        .header_count = exchange->key == NULL ? 3 : 4,
        .body = exchange->form.data,
        .body_length = exchange->form.length,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = left_ms < stripe->settings.timeout_ms ? left_ms : stripe->settings.timeout_ms,
        .answer_max = ANSWER_MAX,
        .allow_private = true, // the address is the operator's, not a stranger's
    };
    struct http_answer answer;

    if (left_ms <= 0)
        return;
    struct status status = http_fetch(ctx, &call, &answer);

    if (status.code != STATUS_OK)
        return; // status 0: nothing is known
    exchange->status = answer.status;
    status = json_parse(ctx->arena, answer.body, answer.body_length, &exchange->body);
    if (status.code != STATUS_OK)
        exchange->body = NULL;
}

/* An error may carry the intent it is about: then that is the answer, whatever the status. */
static void read_answer(struct ctx *ctx, const struct exchange *exchange,
                        struct payment_answer *ret_answer)
{
    const struct json_node *error = json_member(exchange->body, "error");
    const struct json_node *intent = json_member(error, "payment_intent");

    if (exchange->status == 200) {
        read_intent(ctx, exchange->body, ret_answer);
        return;
    }
    if (!is_definite(exchange->status, error))
        return;
    if (intent != NULL)
        read_intent(ctx, intent, ret_answer);
    if (ret_answer->outcome == OUTCOME_UNKNOWN || ret_answer->outcome == OUTCOME_REFUSED) {
        ret_answer->outcome = OUTCOME_REFUSED;
        ret_answer->failure_reason = reason_of(ctx, error);
    }
}

/* docs.stripe.com/payments/paymentintents/lifecycle */
static void read_intent(struct ctx *ctx, const struct json_node *intent,
                        struct payment_answer *ret_answer)
{
    const char *status = str_or_empty(json_text(json_member(intent, "status")));

    ret_answer->reference = json_text(json_member(intent, "id"));
    if (str_equal(status, "requires_capture")) {
        ret_answer->outcome = OUTCOME_AUTHORIZED;
        (void)json_to_int64(json_member(intent, "amount_capturable"),
                            &ret_answer->authorized_minor);
    } else if (str_equal(status, "succeeded")) {
        ret_answer->outcome = OUTCOME_CAPTURED;
        (void)json_to_int64(json_member(intent, "amount_received"), &ret_answer->captured_minor);
        (void)json_to_int64(json_at(intent, "latest_charge.amount_refunded"),
                            &ret_answer->refunded_minor);
    } else if (str_equal(status, "canceled")) {
        ret_answer->outcome = OUTCOME_VOIDED;
    } else if (str_equal(status, "requires_action")) {
        ret_answer->outcome = OUTCOME_ACTION;
        ret_answer->action_url = json_text(json_at(intent, "next_action.redirect_to_url.url"));
        ret_answer->client_secret = json_text(json_member(intent, "client_secret"));
    } else if (str_equal(status, "requires_payment_method")) {
        ret_answer->outcome = OUTCOME_REFUSED;
        ret_answer->failure_reason = reason_of(ctx, json_member(intent, "last_payment_error"));
    }
    // processing, requires_confirmation and what we do not know yet: it will change
}

/* The bank's word, else Stripe's: "INSUFFICIENT_FUNDS". */
static const char *reason_of(struct ctx *ctx, const struct json_node *error)
{
    const char *code = json_text(json_member(error, "decline_code"));

    if (code == NULL)
        code = json_text(json_member(error, "code"));
    char *reason = arena_strdup(ctx->arena, code == NULL ? "PROVIDER_REFUSED" : code);
    for (char *at = reason; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return reason;
}

/* 402 is the card's answer, 400 and 404 are about the request. A key that came with other
 * parameters says nothing about the payment that it belongs to. */
static bool is_definite(int status, const struct json_node *error)
{
    if (str_equal(json_text(json_member(error, "type")), "idempotency_error"))
        return false;
    return error != NULL && (status == 400 || status == 402 || status == 404);
}
