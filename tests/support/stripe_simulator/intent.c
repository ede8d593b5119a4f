/* intent.c - payment intents and what they look like. */
#include "simulator.h"

#include <assert.h>
#include <inttypes.h>

static const char *const STATUS_NAMES[] = {
    [INTENT_REQUIRES_METHOD] = "requires_payment_method",
    [INTENT_REQUIRES_ACTION] = "requires_action",
    [INTENT_REQUIRES_CAPTURE] = "requires_capture",
    [INTENT_SUCCEEDED] = "succeeded",
    [INTENT_CANCELED] = "canceled",
};

struct intent *intent_find(struct simulator *self, const char *id)
{
    for (size_t i = 0; i < self->intent_count; i++)
        if (str_equal(self->intents[i].id, id))
            return &self->intents[i];
    return NULL;
}

struct intent *intent_find_by_key(struct simulator *self, const char *payment_key)
{
    for (size_t i = 0; i < self->intent_count; i++)
        if (str_equal(self->intents[i].payment_key, payment_key))
            return &self->intents[i];
    return NULL;
}

struct intent *intent_add(struct simulator *self)
{
    assert(self->intent_count < INTENTS_MAX);
    struct intent *intent = &self->intents[self->intent_count++];

    intent->id = arena_printf(self->arena, "pi_sim_%06zu", self->intent_count);
    return intent;
}

/* The buyer did, or failed, what the bank asked for. */
void intent_complete(struct simulator *self, struct intent *intent, bool is_success)
{
    intent->status = is_success ? INTENT_REQUIRES_CAPTURE : INTENT_REQUIRES_METHOD;
    intent->capturable = is_success ? intent->amount : 0;
    intent->failure = is_success ? NULL : "payment_intent_authentication_failure";
    notice_add(self,
               is_success ? "payment_intent.amount_capturable_updated"
                          : "payment_intent.payment_failed",
               intent);
}

static void member(struct json_writer *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

static void member_int(struct json_writer *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void write_metadata(struct json_writer *json, const struct intent *intent)
{
    json_key(json, "metadata");
    json_begin_object(json);
    member(json, "payment_id", str_or_empty(intent->payment_id));
    member(json, "checkout_id", str_or_empty(intent->checkout_id));
    member(json, "payment_key", str_or_empty(intent->payment_key));
    json_end_object(json);
}

/* Always expanded: whoever does not ask for it does not look. */
void charge_write(struct json_writer *json, const struct intent *intent)
{
    json_begin_object(json);
    member(json, "id", arena_printf(json->out->arena, "ch_of_%s", intent->id));
    member(json, "object", "charge");
    member(json, "payment_intent", intent->id);
    member_int(json, "amount_captured", intent->received);
    member_int(json, "amount_refunded", intent->refunded);
    write_metadata(json, intent);
    json_end_object(json);
}

void intent_write(struct json_writer *json, const struct intent *intent)
{
    struct arena *arena = json->out->arena;

    json_begin_object(json);
    member(json, "id", intent->id);
    member(json, "object", "payment_intent");
    member(json, "status", STATUS_NAMES[intent->status]);
    member_int(json, "amount", intent->amount);
    member_int(json, "amount_capturable", intent->capturable);
    member_int(json, "amount_received", intent->received);
    member(json, "currency", intent->currency);
    member(json, "client_secret", arena_printf(arena, "%s_secret_sim", intent->id));
    write_metadata(json, intent);
    json_key(json, "latest_charge");
    charge_write(json, intent);
    if (intent->status == INTENT_REQUIRES_ACTION) {
        json_key(json, "next_action");
        json_begin_object(json);
        member(json, "type", "redirect_to_url");
        json_key(json, "redirect_to_url");
        json_begin_object(json);
        member(json, "url", arena_printf(arena, "https://bank.example/3ds/%s", intent->id));
        json_end_object(json);
        json_end_object(json);
    }
    if (intent->failure != NULL) {
        json_key(json, "last_payment_error");
        json_begin_object(json);
        member(json, "type", "card_error");
        member(json, "code", "card_declined");
        member(json, "decline_code", intent->failure);
        json_end_object(json);
    }
    json_end_object(json);
}
