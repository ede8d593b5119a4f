/* api.c - the part of Stripe's API that the adapter uses, with its idempotency keys and its faults.
 */
#include "simulator.h"

#include <assert.h>
#include <string.h>
#include <time.h>

/* One request on its way through. */
struct work {
    struct ctx *ctx;
    struct simulator *self;
    const struct http_request *request;
    enum operation operation;
    struct script script;
    int status;
    struct json_writer json;
    struct buffer body;
};

static enum operation operation_of(const struct http_request *request);
static int64_t amount_of(const struct work *work);
static struct intent *searched(const struct work *work);
static void process(struct work *work);
static void create(struct work *work);
static void capture(struct work *work, struct intent *intent);
static void cancel(struct work *work, struct intent *intent);
static void refund(struct work *work);
static void write_refund(struct work *work, size_t i);
static void list_refunds(struct work *work);
static void search(struct work *work);
static void refuse(struct work *work, int status, const char *type, const char *code,
                   const struct intent *intent);
static void run_once(struct work *work, const char *key);
static void wait_ms(int64_t ms);

void simulator_api(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response)
{
    struct simulator *self = ctx_state(ctx);
    const char *authorization = http_header_get(request, "Authorization");
    const char *key = http_header_get(request, "Idempotency-Key");
    struct work work = {.ctx = ctx, .self = self, .request = request, .status = 200};

    buffer_init(&work.body, ctx->arena, 1024);
    json_writer_init(&work.json, &work.body);
    work.operation = operation_of(request);
    work.script = script_take(self, work.operation, amount_of(&work));
    const enum behaviour what = work.script.behaviour;
    if (what == DO_DELAY || what == DO_TIMEOUT_BEFORE)
        wait_ms(work.script.delay_ms);

    pthread_mutex_lock(&self->lock);
    self->requests++;
    if (authorization == NULL || !str_starts_with(authorization, "Bearer sk_test"))
        refuse(&work, 401, "invalid_request_error", "api_key_invalid", NULL);
    else if (what == DO_TIMEOUT_BEFORE || what == DO_UNAVAILABLE)
        refuse(&work, 503, "api_error", NULL, NULL);
    else if (what == DO_CONFLICT)
        refuse(&work, 409, "idempotency_error", "idempotency_key_in_use", NULL);
    else if (what == DO_LIMIT)
        refuse(&work, 429, "invalid_request_error", "rate_limit", NULL);
    else
        run_once(&work, key);
    pthread_mutex_unlock(&self->lock);

    if (what == DO_TIMEOUT_AFTER)
        wait_ms(work.script.delay_ms);
    if (str_equal(request->method, "POST"))
        wait_ms(self->answer_delay_ms);
    response->status = work.status;
    response->content_type = "application/json";
    buffer_append(&response->body, work.body.data, work.body.length);
}

static enum operation operation_of(const struct http_request *request)
{
    const bool is_post = str_equal(request->method, "POST");
    const size_t count = request->segment_count;
    const char *const *segments = request->segments;

    if (count == 2 && str_equal(segments[1], "refunds"))
        return is_post ? OP_REFUND : OP_LIST_REFUNDS;
    if (count < 2 || !str_equal(segments[1], "payment_intents"))
        return OP_NONE;
    if (count == 2)
        return is_post ? OP_CREATE : OP_NONE;
    if (count == 3 && !is_post)
        return str_equal(segments[2], "search") ? OP_SEARCH : OP_RETRIEVE;
    if (count == 4 && is_post && str_equal(segments[3], "capture"))
        return OP_CAPTURE;
    if (count == 4 && is_post && str_equal(segments[3], "cancel"))
        return OP_CANCEL;
    return OP_NONE;
}

/* query=metadata['payment_key']:'<key>'; the caller holds the lock. */
static struct intent *searched(const struct work *work)
{
    static const char BEFORE[] = "metadata['payment_key']:'";
    const char *query = str_or_empty(form_get(work->ctx, work->request->query, "query"));

    if (!str_starts_with(query, BEFORE))
        return NULL;
    const char *key = query + strlen(BEFORE);
    return intent_find_by_key(work->self, arena_strndup(work->ctx->arena, key, strcspn(key, "'")));
}

/* Of the intent that the request is about; 0 when there is none. */
static int64_t amount_of(const struct work *work)
{
    const struct http_request *request = work->request;
    const struct intent *intent = NULL;

    if (work->operation == OP_CREATE)
        return form_int(work->ctx, request->body, "amount");
    pthread_mutex_lock(&work->self->lock);
    if (work->operation == OP_REFUND)
        intent = intent_find(work->self, form_get(work->ctx, request->body, "payment_intent"));
    else if (work->operation == OP_SEARCH)
        intent = searched(work);
    else if (request->segment_count > 2)
        intent = intent_find(work->self, request->segments[2]);
    const int64_t amount = intent == NULL ? 0 : intent->amount;
    pthread_mutex_unlock(&work->self->lock);
    return amount;
}

/* A key is answered as it was the first time, a 500 included; with another request it is refused.
 */
static void run_once(struct work *work, const char *key)
{
    struct simulator *self = work->self;
    const char *request =
        arena_printf(work->ctx->arena, "%s?%s", work->request->path, work->request->body);

    for (size_t i = 0; key != NULL && i < self->reply_count; i++) {
        const struct reply *known = &self->replies[i];
        if (!str_equal(known->key, key))
            continue;
        if (!str_equal(known->request, request)) {
            refuse(work, 400, "idempotency_error", NULL, NULL);
            return;
        }
        work->status = known->status;
        buffer_puts(&work->body, known->body);
        return;
    }
    if (work->script.behaviour != DO_ERROR_BEFORE)
        process(work);
    if (work->script.behaviour == DO_ERROR_BEFORE || work->script.behaviour == DO_ERROR_AFTER) {
        work->body.length = 0;
        json_writer_init(&work->json, &work->body);
        refuse(work, 500, "api_error", NULL, NULL);
    }
    if (key == NULL)
        return;
    assert(self->reply_count < REPLIES_MAX);
    self->replies[self->reply_count++] = (struct reply){
        .key = arena_strdup(self->arena, key),
        .request = arena_strdup(self->arena, request),
        .body = arena_strndup(self->arena, work->body.data, work->body.length),
        .status = work->status,
    };
}

static void process(struct work *work)
{
    struct intent *intent = NULL;

    if (work->request->segment_count > 2)
        intent = intent_find(work->self, work->request->segments[2]);
    if (work->operation == OP_NONE) {
        refuse(work, 404, "invalid_request_error", "url_unknown", NULL);
    } else if (work->operation == OP_CREATE) {
        create(work);
    } else if (work->operation == OP_REFUND) {
        refund(work);
    } else if (work->operation == OP_LIST_REFUNDS) {
        list_refunds(work);
    } else if (work->operation == OP_SEARCH) {
        search(work);
    } else if (intent == NULL) {
        refuse(work, 404, "invalid_request_error", "resource_missing", NULL);
    } else if (work->operation == OP_CAPTURE) {
        capture(work, intent);
    } else if (work->operation == OP_CANCEL) {
        cancel(work, intent);
    } else {
        intent_write(&work->json, intent);
    }
}

static void create(struct work *work)
{
    struct simulator *self = work->self;
    const char *form = work->request->body;
    const char *method = str_or_empty(form_get(work->ctx, form, "payment_method"));
    const enum behaviour what = work->script.behaviour;

    if (form_int(work->ctx, form, "amount") <= 0 ||
        !str_equal(form_get(work->ctx, form, "capture_method"), "manual") ||
        !str_equal(form_get(work->ctx, form, "confirm"), "true")) {
        refuse(work, 400, "invalid_request_error", "parameter_invalid", NULL);
        return;
    }
    struct intent *intent = intent_add(self);
    intent->amount = form_int(work->ctx, form, "amount");
    intent->currency = arena_strdup(self->arena, form_get(work->ctx, form, "currency"));
    intent->payment_id =
        arena_strdup(self->arena, form_get(work->ctx, form, "metadata[payment_id]"));
    intent->checkout_id =
        arena_strdup(self->arena, form_get(work->ctx, form, "metadata[checkout_id]"));
    intent->payment_key =
        arena_strdup(self->arena, form_get(work->ctx, form, "metadata[payment_key]"));
    if (what == DO_DECLINE || str_starts_with(method, "pm_card_chargeDeclined")) {
        intent->status = INTENT_REQUIRES_METHOD;
        intent->failure =
            strstr(method, "InsufficientFunds") != NULL ? "insufficient_funds" : "generic_decline";
        notice_add(self, "payment_intent.payment_failed", intent);
        refuse(work, 402, "card_error", intent->failure, intent);
        return;
    }
    if (what == DO_ACTION || str_equal(method, "pm_card_authenticationRequired")) {
        intent->status = INTENT_REQUIRES_ACTION;
        notice_add(self, "payment_intent.requires_action", intent);
    } else {
        intent_complete(self, intent, true);
    }
    intent_write(&work->json, intent);
}

static void capture(struct work *work, struct intent *intent)
{
    const int64_t amount = form_int(work->ctx, work->request->body, "amount_to_capture");

    if (intent->status != INTENT_REQUIRES_CAPTURE || amount > intent->capturable) {
        refuse(work, 400, "invalid_request_error", "payment_intent_unexpected_state", intent);
        return;
    }
    if (work->script.behaviour == DO_DECLINE) {
        intent->status = INTENT_CANCELED;
        intent->capturable = 0;
        refuse(work, 400, "invalid_request_error", "charge_expired_for_capture", intent);
        return;
    }
    if (work->script.behaviour == DO_REFUSE) { // and the money is still held
        refuse(work, 402, "card_error", "processing_error", intent);
        return;
    }
    intent->status = INTENT_SUCCEEDED;
    intent->received = amount;
    intent->capturable = 0;
    notice_add(work->self, "payment_intent.succeeded", intent);
    intent_write(&work->json, intent);
}

static void cancel(struct work *work, struct intent *intent)
{
    if (intent->status == INTENT_SUCCEEDED || intent->status == INTENT_CANCELED) {
        refuse(work, 400, "invalid_request_error", "payment_intent_unexpected_state", intent);
        return;
    }
    intent->status = INTENT_CANCELED;
    intent->capturable = 0;
    notice_add(work->self, "payment_intent.canceled", intent);
    intent_write(&work->json, intent);
}

static void refund(struct work *work)
{
    struct simulator *self = work->self;
    struct intent *intent =
        intent_find(self, form_get(work->ctx, work->request->body, "payment_intent"));
    const int64_t amount = form_int(work->ctx, work->request->body, "amount");

    if (intent == NULL || amount <= 0 || amount > intent->received - intent->refunded) {
        refuse(work, 400, "invalid_request_error", "charge_already_refunded", NULL);
        return;
    }
    if (work->script.behaviour == DO_DECLINE) {
        refuse(work, 400, "invalid_request_error", "refund_disputed_payment", NULL);
        return;
    }
    assert(self->refund_count < REFUNDS_MAX);
    intent->refunded += amount;
    self->refunds[self->refund_count++] = (struct refund){
        .intent_id = intent->id,
        .payment_key = arena_strdup(
            self->arena, form_get(work->ctx, work->request->body, "metadata[payment_key]")),
        .amount = amount,
    };
    notice_add(self, "charge.refunded", intent);
    write_refund(work, self->refund_count - 1);
}

static void write_refund(struct work *work, size_t i)
{
    const struct refund *refund = &work->self->refunds[i];

    json_begin_object(&work->json);
    json_key(&work->json, "id");
    json_string(&work->json, arena_printf(work->ctx->arena, "re_sim_%06zu", i + 1));
    json_key(&work->json, "object");
    json_string(&work->json, "refund");
    json_key(&work->json, "status");
    json_string(&work->json, "succeeded");
    json_key(&work->json, "amount");
    json_int(&work->json, refund->amount);
    json_key(&work->json, "metadata");
    json_begin_object(&work->json);
    json_key(&work->json, "payment_key");
    json_string(&work->json, refund->payment_key);
    json_end_object(&work->json);
    json_end_object(&work->json);
}

static void list_refunds(struct work *work)
{
    const char *intent_id = form_get(work->ctx, work->request->query, "payment_intent");

    json_begin_object(&work->json);
    json_key(&work->json, "object");
    json_string(&work->json, "list");
    json_key(&work->json, "data");
    json_begin_array(&work->json);
    for (size_t i = work->self->refund_count; i-- > 0;)
        if (str_equal(work->self->refunds[i].intent_id, intent_id))
            write_refund(work, i);
    json_end_array(&work->json);
    json_end_object(&work->json);
}

static void search(struct work *work)
{
    const struct intent *found = searched(work);

    json_begin_object(&work->json);
    json_key(&work->json, "object");
    json_string(&work->json, "search_result");
    json_key(&work->json, "data");
    json_begin_array(&work->json);
    if (found != NULL && work->script.behaviour != DO_MISS)
        intent_write(&work->json, found);
    json_end_array(&work->json);
    json_end_object(&work->json);
}

static void refuse(struct work *work, int status, const char *type, const char *code,
                   const struct intent *intent)
{
    work->status = status;
    json_begin_object(&work->json);
    json_key(&work->json, "error");
    json_begin_object(&work->json);
    json_key(&work->json, "type");
    json_string(&work->json, type);
    if (code != NULL) {
        json_key(&work->json, status == 402 ? "decline_code" : "code");
        json_string(&work->json, code);
    }
    if (intent != NULL) {
        json_key(&work->json, "payment_intent");
        intent_write(&work->json, intent);
    }
    json_end_object(&work->json);
    json_end_object(&work->json);
}

static void wait_ms(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

const char *form_get(struct ctx *ctx, const char *form, const char *name)
{
    const struct http_request request = {.query = form};
    const char *value;

    return http_query_get(ctx, &request, name, &value) ? value : NULL;
}

int64_t form_int(struct ctx *ctx, const char *form, const char *name)
{
    const char *text = form_get(ctx, form, name);
    int64_t value = 0;

    if (text != NULL && !str_to_int64(text, &value))
        return 0;
    return value;
}
