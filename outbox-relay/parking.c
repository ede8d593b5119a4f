/* parking.c - a record that the broker refuses waits in relay.parked, the later ones of its key
 * behind it, and the others go on.
 *
 * The outbox's CHECKs make this rare; it takes a topic whose limit is below theirs. An operator
 * sets relay.parked.resolution of the oldest record of a key to 'retry' or 'skip'. */
#include "chassis/log.h"
#include "common/clock.h"
#include "postgres.h"

#include <string.h>

enum { SETTLE_INTERVAL_US = 2 * 1000 * 1000 };

static const char *key_text(struct arena *arena, struct db_bytes topic, struct db_bytes key);
static struct db_bytes cell(const PGresult *result, int row, int column);

struct status parking_load(struct relay *relay)
{
    _cleanup_(postgres_clear) PGresult *keys = NULL;

    TRY(state_list_parked_keys(relay, &keys));
    arena_reset(relay->parked_arena);
    relay->parked_keys = NULL;
    relay->parking_at_us = clock_monotonic_us() + SETTLE_INTERVAL_US;
    int count = PQntuples(keys);
    metric_set(&RELAY_PARKED, 0, count);
    if (count == 0)
        return status_ok();
    relay->parked_keys = map_create(relay->parked_arena, (size_t)count);
    for (int i = 0; i < count; i++)
        map_set(relay->parked_keys,
                key_text(relay->parked_arena, cell(keys, i, 0), cell(keys, i, 1)), relay);
    return status_ok();
}

bool parking_holds(const struct relay *relay, const struct outbox_row *row)
{
    return map_get(relay->parked_keys, key_text(relay->ctx.arena, row->topic, row->key)) != NULL;
}

/* Committed before it returns, so the position may pass the record. */
struct status parking_add(struct relay *relay, const struct outbox_row *row, const char *reason)
{
    const char *key = key_text(relay->ctx.arena, row->topic, row->key);

    TRY(state_park(relay, row, reason));
    if (relay->parked_keys == NULL)
        relay->parked_keys = map_create(relay->parked_arena, 1);
    map_set(relay->parked_keys, key, relay);
    metric_set(&RELAY_PARKED, 0, (int64_t)map_count(relay->parked_keys));
    return status_ok();
}

/* A retried record is published through the outbox's window and awaited, then forgotten: in this
 * order a crash repeats it and cannot lose it. */
struct status parking_settle(struct relay *relay)
{
    struct source *source = relay->sources[SOURCE_OUTBOX];
    _cleanup_(postgres_clear) PGresult *rows = NULL;

    if (relay->parked_keys == NULL || clock_monotonic_us() < relay->parking_at_us ||
        window_is_open(&source->window))
        return status_ok();
    relay->parking_at_us = clock_monotonic_us() + SETTLE_INTERVAL_US;
    TRY(state_list_resolved(relay, &rows));
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *id = PQgetvalue(rows, i, 0);

        if (strcmp(PQgetvalue(rows, i, 1), "retry") == 0) {
            struct outbox_row row = postgres_row(rows, i, 2);
            uint64_t position = source->window.confirmed;

            TRY(relay_wait_empty(relay, source));
            window_begin(&source->window, row.time_us);
            uint64_t ticket = window_sent(&source->window, row_bytes(&row));
            TRY(publisher_send(relay->publisher, &row, ticket * SOURCES + SOURCE_OUTBOX));
            window_end(&source->window, position);
            TRY(relay_wait_empty(relay, source));
        }
        TRY(state_forget_parked(relay, id));
        log_info(&relay->ctx, "parked_settled", LOG_STR("id", id),
                 LOG_STR("resolution", PQgetvalue(rows, i, 1)));
    }
    return parking_load(relay);
}

static const char *key_text(struct arena *arena, struct db_bytes topic, struct db_bytes key)
{
    return arena_printf(arena, "%.*s %s", (int)topic.length, (const char *)topic.data,
                        str_hex(arena, key.data, key.length));
}

static struct db_bytes cell(const PGresult *result, int row, int column)
{
    return (struct db_bytes){PQgetvalue(result, row, column),
                             (size_t)PQgetlength(result, row, column)};
}
