/* control.c - what tests tell the simulator, and what they ask it.
 *
 *   POST /control/script    operation=create&behaviour=timeout_after&count=1&delay_ms=500
 *                            &amount=1900 for intents of that amount only
 *   POST /control/complete  payment_id=... or checkout_id=..., outcome=succeed|fail    the buyer
 *                            at the bank
 *   POST /control/refund    payment_id=...&amount=1900   as somebody does at the dashboard
 *   POST /control/webhooks  copies=2&delay_ms=100&reverse=1        of webhooks from now on
 *                            &answer_delay_ms=300   they overtake the answers
 *   POST /control/calm      forgets the scripts; webhooks come once and at once
 *   GET  /control/webhooks  all so far, signed now, for a test that delivers them by hand
 *   GET  /control/book      the money, for comparison
 */
#include "simulator.h"

#include <string.h>

static const char *const OPERATIONS[] = {
    [OP_CREATE] = "create",     [OP_CAPTURE] = "capture", [OP_CANCEL] = "cancel",
    [OP_RETRIEVE] = "retrieve", [OP_SEARCH] = "search",   [OP_REFUND] = "refund"};
static const char *const BEHAVIOURS[] = {
    [DO_DECLINE] = "decline",
    [DO_REFUSE] = "refuse",
    [DO_ACTION] = "action",
    [DO_DELAY] = "delay",
    [DO_TIMEOUT_BEFORE] = "timeout_before",
    [DO_TIMEOUT_AFTER] = "timeout_after",
    [DO_ERROR_BEFORE] = "error_before",
    [DO_ERROR_AFTER] = "error_after",
    [DO_UNAVAILABLE] = "unavailable",
    [DO_CONFLICT] = "conflict",
    [DO_LIMIT] = "limit",
    [DO_MISS] = "miss",
};

static bool set_script(struct ctx *ctx, struct simulator *self, const char *form);
static bool complete(struct ctx *ctx, struct simulator *self, const char *form);
static bool give_back(struct ctx *ctx, struct simulator *self, const char *form);
static void set_webhooks(struct ctx *ctx, struct simulator *self, const char *form);
static void calm(struct simulator *self);
static void write_webhooks(const struct simulator *self, struct json_writer *json);
static void write_book(const struct simulator *self, struct json_writer *json);
static int index_of(const char *const *names, size_t count, const char *name);

void simulator_control(struct ctx *ctx, const struct http_request *request,
                       struct http_response *response)
{
    struct simulator *self = ctx_state(ctx);
    const char *what = request->segment_count == 2 ? request->segments[1] : "";
    const bool is_post = str_equal(request->method, "POST");
    struct json_writer json;
    bool is_ok = true;

    json_writer_init(&json, &response->body);
    response->content_type = "application/json";
    pthread_mutex_lock(&self->lock);
    if (is_post && str_equal(what, "script"))
        is_ok = set_script(ctx, self, request->body);
    else if (is_post && str_equal(what, "complete"))
        is_ok = complete(ctx, self, request->body);
    else if (is_post && str_equal(what, "refund"))
        is_ok = give_back(ctx, self, request->body);
    else if (is_post && str_equal(what, "webhooks"))
        set_webhooks(ctx, self, request->body);
    else if (is_post && str_equal(what, "calm"))
        calm(self);
    else if (str_equal(what, "webhooks"))
        write_webhooks(self, &json);
    else if (str_equal(what, "book"))
        write_book(self, &json);
    else
        is_ok = false;
    pthread_mutex_unlock(&self->lock);
    response->status = is_ok ? 200 : 400;
    if (response->body.length == 0)
        buffer_puts(&response->body, "{}");
}

struct script script_take(struct simulator *self, enum operation operation, int64_t amount)
{
    struct script taken = {.behaviour = DO_NOTHING_SPECIAL};

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < SCRIPTS_MAX; i++) {
        struct script *script = &self->scripts[i];
        if (script->count == 0 || script->operation != operation ||
            (script->amount != 0 && script->amount != amount))
            continue;
        script->count--;
        taken = *script;
        break;
    }
    pthread_mutex_unlock(&self->lock);
    return taken;
}

static bool set_script(struct ctx *ctx, struct simulator *self, const char *form)
{
    const int operation =
        index_of(OPERATIONS, ARRAY_LEN(OPERATIONS), form_get(ctx, form, "operation"));
    const int behaviour =
        index_of(BEHAVIOURS, ARRAY_LEN(BEHAVIOURS), form_get(ctx, form, "behaviour"));
    const int64_t count = form_int(ctx, form, "count");

    for (size_t i = 0; operation >= 0 && behaviour >= 0 && i < SCRIPTS_MAX; i++) {
        if (self->scripts[i].count > 0)
            continue;
        self->scripts[i] = (struct script){
            .operation = (enum operation)operation,
            .behaviour = (enum behaviour)behaviour,
            .count = count == 0 ? 1 : count,
            .delay_ms = form_int(ctx, form, "delay_ms"),
            .amount = form_int(ctx, form, "amount"),
        };
        return true;
    }
    return false;
}

static bool complete(struct ctx *ctx, struct simulator *self, const char *form)
{
    const char *payment_id = str_or_empty(form_get(ctx, form, "payment_id"));
    const char *checkout_id = str_or_empty(form_get(ctx, form, "checkout_id"));

    for (size_t i = 0; i < self->intent_count; i++) {
        struct intent *intent = &self->intents[i];
        if (intent->status != INTENT_REQUIRES_ACTION ||
            (!str_equal(intent->payment_id, payment_id) &&
             !str_equal(intent->checkout_id, checkout_id)))
            continue;
        intent_complete(self, intent, str_equal(form_get(ctx, form, "outcome"), "succeed"));
        return true;
    }
    return false;
}

static bool give_back(struct ctx *ctx, struct simulator *self, const char *form)
{
    const char *payment_id = str_or_empty(form_get(ctx, form, "payment_id"));
    const int64_t amount = form_int(ctx, form, "amount");

    for (size_t i = 0; i < self->intent_count; i++) {
        struct intent *intent = &self->intents[i];
        if (!str_equal(intent->payment_id, payment_id) || amount <= 0 ||
            amount > intent->received - intent->refunded)
            continue;
        intent->refunded += amount;
        notice_add(self, "charge.refunded", intent);
        return true;
    }
    return false;
}

static void set_webhooks(struct ctx *ctx, struct simulator *self, const char *form)
{
    self->notice_copies = form_int(ctx, form, "copies");
    self->notice_delay_ms = form_int(ctx, form, "delay_ms");
    self->is_reversed = form_int(ctx, form, "reverse") != 0;
    self->answer_delay_ms = form_int(ctx, form, "answer_delay_ms");
}

static void calm(struct simulator *self)
{
    memset(self->scripts, 0, sizeof self->scripts);
    self->notice_copies = 1;
    self->notice_delay_ms = 0;
    self->is_reversed = false;
    self->answer_delay_ms = 0;
}

static void write_webhooks(const struct simulator *self, struct json_writer *json)
{
    json_begin_array(json);
    for (size_t i = 0; i < self->notice_count; i++) {
        const struct notice *notice = &self->notices[i];
        json_begin_object(json);
        json_key(json, "type");
        json_string(json, notice->type);
        json_key(json, "signature");
        json_string(json, notice_signature(json->out->arena, self, notice->body));
        json_key(json, "body");
        json_string(json, notice->body);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_book(const struct simulator *self, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "begun_ms"); // it forgets when it ends
    json_int(json, self->begun_ms);
    json_key(json, "requests");
    json_int(json, self->requests);
    json_key(json, "intents");
    json_begin_array(json);
    for (size_t i = 0; i < self->intent_count; i++) {
        const struct intent *intent = &self->intents[i];
        const struct {
            const char *name;
            int64_t value;
        } sums[] = {{"amount", intent->amount},
                    {"held", intent->capturable},
                    {"captured", intent->received},
                    {"refunded", intent->refunded}};
        json_begin_object(json);
        json_key(json, "id");
        json_string(json, intent->id);
        json_key(json, "payment_id");
        json_string(json, intent->payment_id);
        json_key(json, "checkout_id");
        json_string(json, intent->checkout_id);
        for (size_t k = 0; k < ARRAY_LEN(sums); k++) {
            json_key(json, sums[k].name);
            json_int(json, sums[k].value);
        }
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static int index_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (str_equal(names[i], name))
            return (int)i;
    return -1;
}
