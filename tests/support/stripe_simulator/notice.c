/* notice.c - webhooks: signed as Stripe signs them, sent late, twice, backwards or not at all. */
#include "simulator.h"

#include "chassis/http_client.h"
#include "common/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

enum { BATCH = 32, SEND_TIMEOUT_MS = 5000 };

static bool next_due(struct simulator *self, int64_t now_us, struct notice *ret_notice);

void notice_add(struct simulator *self, const char *type, const struct intent *intent)
{
    struct json_writer json;
    struct buffer body;

    assert(self->notice_count < NOTICES_MAX);
    struct notice *notice = &self->notices[self->notice_count++];
    notice->id = arena_printf(self->arena, "evt_sim_%06zu", self->notice_count);
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

/* A receiver that does not answer 2xx gets it again, as Stripe does. */
struct status notices_send(struct ctx *ctx)
{
    struct simulator *self = ctx_state(ctx);
    struct notice notice;

    for (int i = 0; i < BATCH && !str_is_empty(self->webhook_url); i++) {
        if (!next_due(self, clock_monotonic_us(), &notice))
            break;
        struct http_header headers[] = {
            {"Content-Type", "application/json"},
            {"Stripe-Signature", notice_signature(ctx->arena, self, notice.body)},
        };
        const struct http_call call = {
            .method = "POST",
            .url = self->webhook_url,
            .headers = headers,
            .header_count = ARRAY_LEN(headers),
            .body = notice.body,
            .body_length = strlen(notice.body),
            .timeout_ms = SEND_TIMEOUT_MS,
            .allow_private = true,
        };
        struct http_answer answer = {0};
        struct status sent = http_fetch(ctx, &call, &answer);
        if (sent.code == STATUS_OK && answer.status / 100 == 2)
            continue;
        pthread_mutex_lock(&self->lock);
        for (size_t k = 0; k < self->notice_count; k++)
            if (str_equal(self->notices[k].id, notice.id)) {
                self->notices[k].copies++;
                self->notices[k].due_us = clock_monotonic_us() + 500000;
            }
        pthread_mutex_unlock(&self->lock);
    }
    return status_ok();
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
