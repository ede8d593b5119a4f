/* notice.c - webhooks: signed as Stripe signs them, sent late, twice, backwards or not at all. */
#include "simulator.h"

#include "chassis/http_client.h"
#include "common/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

enum { SEND_TIMEOUT_MS = 10000, AGAIN_US = 500 * 1000 };

static void *send_one(void *opaque);
static bool next_due(struct simulator *self, int64_t now_us, struct notice *ret_notice);

void notice_add(struct simulator *self, const char *type, const struct intent *intent)
{
    struct json_writer json;
    struct buffer body;

    assert(self->notice_count < NOTICES_MAX);
    struct notice *notice = &self->notices[self->notice_count++];
    // another life's ids would be taken for webhooks that came twice
    notice->id =
        arena_printf(self->arena, "evt_sim_%" PRIx64 "_%06zu", self->begun_ms, self->notice_count);
    notice->type = type;
    notice->copies = self->notice_copies;
    notice->due_us = clock_monotonic_us() + self->notice_delay_ms * 1000;
    buffer_init(&body, self->arena, 1024);
    json_writer_init(&json, &body);
    json_begin_object(&json);
    json_key(&json, "id");
    json_string(&json, notice->id);
    json_key(&json, "object");
    json_string(&json, "event");
    json_key(&json, "type");
    json_string(&json, type);
    json_key(&json, "data");
    json_begin_object(&json);
    json_key(&json, "object");
    if (str_starts_with(type, "charge."))
        charge_write(&json, intent);
    else
        intent_write(&json, intent);
    json_end_object(&json);
    json_end_object(&json);
    notice->body = body.data;
}

const char *notice_signature(struct arena *arena, const struct simulator *self, const char *body)
{
    const char *secret = self->webhook_secret;
    const char *time = arena_printf(arena, "%" PRId64, clock_now_us() / 1000000);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    return arena_printf(arena, "t=%s,v1=%s", time, str_hex(arena, mac, sizeof mac));
}

/* Each in a thread of its own, as far as there are senders. */
struct status notices_send(struct ctx *ctx)
{
    struct simulator *self = ctx_state(ctx);

    for (int i = 0; i < SENDERS && !str_is_empty(self->webhook_url); i++) {
        struct sender *sender = &self->senders[i];
        pthread_mutex_lock(&self->lock);
        bool is_busy = sender->is_busy;
        pthread_mutex_unlock(&self->lock);
        if (is_busy)
            continue;
        if (sender->has_thread)
            pthread_join(sender->thread, NULL);
        sender->has_thread = false;
        if (!next_due(self, clock_monotonic_us(), &sender->notice))
            break;
        sender->self = self;
        sender->daemon = ctx->daemon;
        sender->is_busy = true;
        sender->has_thread = pthread_create(&sender->thread, NULL, send_one, sender) == 0;
        assert(sender->has_thread);
    }
    return status_ok();
}

void notices_stop(struct simulator *self)
{
    for (int i = 0; i < SENDERS; i++)
        if (self->senders[i].has_thread)
            pthread_join(self->senders[i].thread, NULL);
}

/* A receiver that does not answer 2xx gets it again, as Stripe does. */
static void *send_one(void *opaque)
{
    struct sender *sender = opaque;
    struct simulator *self = sender->self;
    struct http_answer answer = {0};
    struct ctx ctx;

    ctx_init(&ctx, sender->daemon, "webhook", SEND_TIMEOUT_MS);
    const struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"Stripe-Signature", notice_signature(ctx.arena, self, sender->notice.body)},
    };
    const struct http_call call = {
        .method = "POST",
        .url = self->webhook_url,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = sender->notice.body,
        .body_length = strlen(sender->notice.body),
        .timeout_ms = SEND_TIMEOUT_MS,
        .allow_private = true,
    };
    struct status sent = http_fetch(&ctx, &call, &answer);
    pthread_mutex_lock(&self->lock);
    for (size_t k = 0; k < self->notice_count; k++)
        if ((sent.code != STATUS_OK || answer.status / 100 != 2) &&
            str_equal(self->notices[k].id, sender->notice.id)) {
            self->notices[k].copies++;
            self->notices[k].due_us = clock_monotonic_us() + AGAIN_US;
        }
    sender->is_busy = false;
    pthread_mutex_unlock(&self->lock);
    ctx_finish(&ctx);
    return NULL;
}

static bool next_due(struct simulator *self, int64_t now_us, struct notice *ret_notice)
{
    bool is_found = false;

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; !is_found && i < self->notice_count; i++) {
        struct notice *notice = &self->notices[self->is_reversed ? self->notice_count - 1 - i : i];
        if (notice->copies == 0 || notice->due_us > now_us)
            continue;
        notice->copies--;
        *ret_notice = *notice;
        is_found = true;
    }
    pthread_mutex_unlock(&self->lock);
    return is_found;
}
