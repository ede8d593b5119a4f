/* state.c - what the relay reads and keeps in Postgres: every statement on schema relay.
 *
 * Positions live in the database that they are positions of, so a failover cannot separate them. */
#include "postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const LOAD_WAL =
    "SELECT is_bootstrapped, system_id, timeline, end_lsn FROM relay.wal_position WHERE slot = $1";
static const char *const SAVE_WAL =
    "INSERT INTO relay.wal_position AS p (slot, is_bootstrapped, system_id, timeline, end_lsn)"
    " VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (slot) DO UPDATE SET is_bootstrapped = EXCLUDED.is_bootstrapped,"
    " system_id = EXCLUDED.system_id, timeline = EXCLUDED.timeline,"
    " end_lsn = EXCLUDED.end_lsn, updated_at = now()";
static const char *const LOAD_SLOT =
    "SELECT active, wal_status = 'lost', confirmed_flush_lsn FROM pg_replication_slots"
    " WHERE slot_name = $1";
static const char *const HAS_PUBLICATION = "SELECT 1 FROM pg_publication WHERE pubname = $1";
static const char *const RETAINED =
    "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots"
    " WHERE slot_name = $1";
static const char *const TRY_LOCK =
    "SELECT pg_try_advisory_lock(hashtextextended('relay ' || $1, 0))";
static const char *const UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('relay ' || $1, 0))";
static const char *const LIMIT_IDLE =
    "SELECT set_config('idle_session_timeout', $1, false),"
    " set_config('idle_in_transaction_session_timeout', $2, false)";
static const char *const DECLARE_HISTORY =
    "DECLARE history NO SCROLL CURSOR FOR SELECT topic, key, headers, payload, created_at"
    " FROM relay.outbox ORDER BY source, seq";
static const char *const FETCH_HISTORY = "FETCH 500 FROM history";
static const char *const LOAD_SNAPSHOT =
    "SELECT done, coalesce(running::text, ''), source, seq FROM relay.snapshot_position"
    " WHERE slot = $1";
static const char *const SAVE_SNAPSHOT =
    "INSERT INTO relay.snapshot_position AS p (slot, done, running, source, seq)"
    " VALUES ($1, $2::pg_snapshot, nullif($3, '')::pg_snapshot, $4, $5)"
    " ON CONFLICT (slot) DO UPDATE SET done = EXCLUDED.done, running = EXCLUDED.running,"
    " source = EXCLUDED.source, seq = EXCLUDED.seq, updated_at = now()";
static const char *const CURRENT_SNAPSHOT = "SELECT pg_current_snapshot()";
/* A row lock is released only after its owner became visible, so every snapshot that shows the
 * later writer of a key also shows the earlier one; inside a difference, seq is the order per key.
 */
static const char *const FETCH_DIFFERENCE =
    "SELECT source, seq::text, topic, key, headers, payload, created_at FROM relay.outbox"
    " WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND xid < pg_snapshot_xmax($2::pg_snapshot)"
    "   AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)"
    "   AND pg_visible_in_snapshot(xid, $2::pg_snapshot)"
    "   AND (outbox.source, outbox.seq) > ($3::text, $4::bigint)"
    " ORDER BY outbox.source, outbox.seq LIMIT 1000"; /* bare, seq would be the text above */
static const char *const LOAD_STREAM =
    "SELECT last_id FROM relay.stream_position WHERE stream = $1";
static const char *const SAVE_STREAM =
    "INSERT INTO relay.stream_position AS p (stream, last_id) VALUES ($1, $2)"
    " ON CONFLICT (stream) DO UPDATE SET last_id = EXCLUDED.last_id, updated_at = now()";

static const char *const LIST_PARKED_KEYS = "SELECT DISTINCT topic, key FROM relay.parked";
static const char *const PARK =
    "INSERT INTO relay.parked (topic, key, headers, payload, created_at, reason)"
    " VALUES ($1, $2, $3, $4, to_timestamp($5::double precision / 1000000), $6)";
static const char *const LIST_RESOLVED =
    "SELECT id::text, resolution, topic, key, headers, payload, created_at FROM relay.parked AS p"
    " WHERE resolution IS NOT NULL AND NOT EXISTS (SELECT FROM relay.parked AS q"
    "       WHERE q.topic = p.topic AND q.key = p.key AND q.id < p.id)"
    " ORDER BY id LIMIT 100";
static const char *const FORGET_PARKED = "DELETE FROM relay.parked WHERE id = $1";

static struct status run(struct relay *relay, const char *sql, const char *const *values,
                         int value_count, PGresult **ret_result);
static struct status execute(struct relay *relay, const char *sql, const char *const *values,
                             int value_count);
static const char *bytea_text(struct arena *arena, struct db_bytes bytes);
static const char *text_at(struct relay *relay, const PGresult *result, int column);

struct status state_load_wal(struct relay *relay, struct wal_state *ret_state)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;
    struct wal_state state = {0};

    TRY(run(relay, LOAD_WAL, (const char *const[]){relay->slot}, 1, &result));
    if (PQntuples(result) > 0) {
        state.is_known = true;
        state.is_bootstrapped = *PQgetvalue(result, 0, 0) == 't';
        state.system_id = text_at(relay, result, 1);
        state.timeline = text_at(relay, result, 2);
        (void)lsn_parse(PQgetvalue(result, 0, 3), &state.end_lsn);
    }
    *ret_state = state;
    return status_ok();
}

struct status state_save_wal(struct relay *relay, const struct wal_state *state)
{
    const char *values[] = {relay->slot, state->is_bootstrapped ? "t" : "f", state->system_id,
                            state->timeline, lsn_text(relay, state->end_lsn)};

    return execute(relay, SAVE_WAL, values, ARRAY_LEN(values));
}

struct status state_load_slot(struct relay *relay, struct slot_state *ret_slot)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;
    struct slot_state slot = {0};

    TRY(run(relay, LOAD_SLOT, (const char *const[]){relay->slot}, 1, &result));
    if (PQntuples(result) > 0) {
        slot.exists = true;
        slot.is_active = *PQgetvalue(result, 0, 0) == 't';
        slot.is_lost = *PQgetvalue(result, 0, 1) == 't';
        (void)lsn_parse(PQgetvalue(result, 0, 2), &slot.confirmed_lsn);
    }
    *ret_slot = slot;
    return status_ok();
}

struct status state_has_publication(struct relay *relay, bool *ret_exists)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    TRY(run(relay, HAS_PUBLICATION, (const char *const[]){relay->publication}, 1, &result));
    *ret_exists = PQntuples(result) > 0;
    return status_ok();
}

struct status state_retained(struct relay *relay, int64_t *ret_bytes)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    TRY(run(relay, RETAINED, (const char *const[]){relay->slot}, 1, &result));
    if (PQntuples(result) == 0 || !str_to_int64(PQgetvalue(result, 0, 0), ret_bytes))
        *ret_bytes = 0;
    return status_ok();
}

struct status state_try_lock(struct relay *relay, bool *ret_is_locked)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    TRY(run(relay, TRY_LOCK, (const char *const[]){relay->slot}, 1, &result));
    *ret_is_locked = *PQgetvalue(result, 0, 0) == 't';
    return status_ok();
}

struct status state_unlock(struct relay *relay)
{
    return execute(relay, UNLOCK, (const char *const[]){relay->slot}, 1);
}

/* A page of history may have to wait for Kafka, so a transaction gets longer. */
struct status state_limit_idle(struct relay *relay, bool is_limited)
{
    const char *values[] = {is_limited ? "10s" : "0", is_limited ? "60s" : "0"};

    return execute(relay, LIMIT_IDLE, values, ARRAY_LEN(values));
}

struct status state_begin_history(struct relay *relay, const char *snapshot)
{
    const char *set = arena_printf(relay->ctx.arena, "SET TRANSACTION SNAPSHOT '%s'", snapshot);

    TRY(execute(relay, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0));
    TRY(execute(relay, set, NULL, 0)); /* takes no parameters; the name is the server's own */
    return execute(relay, DECLARE_HISTORY, NULL, 0);
}

struct status state_fetch_history(struct relay *relay, PGresult **ret_page)
{
    const struct query query = {.sql = FETCH_HISTORY, .is_binary = true};

    return postgres_query(relay, relay->state, &query, ret_page);
}

struct status state_end_history(struct relay *relay)
{
    return execute(relay, "COMMIT", NULL, 0);
}

/* Before the first poll nothing is done: '3:3:' shows no transaction at all. */
struct status state_load_snapshot(struct relay *relay, struct snapshot_state *ret_state)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;
    struct snapshot_state state = {"3:3:", "", "", "0"};

    TRY(run(relay, LOAD_SNAPSHOT, (const char *const[]){relay->slot}, 1, &result));
    if (PQntuples(result) > 0)
        state = (struct snapshot_state){text_at(relay, result, 0), text_at(relay, result, 1),
                                        text_at(relay, result, 2), text_at(relay, result, 3)};
    *ret_state = state;
    return status_ok();
}

struct status state_save_snapshot(struct relay *relay, const struct snapshot_state *state)
{
    const char *values[] = {relay->slot, state->done, state->running, state->source, state->seq};

    return execute(relay, SAVE_SNAPSHOT, values, ARRAY_LEN(values));
}

struct status state_current_snapshot(struct relay *relay, const char **ret_snapshot)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    TRY(run(relay, CURRENT_SNAPSHOT, NULL, 0, &result));
    *ret_snapshot = text_at(relay, result, 0);
    return status_ok();
}

struct status state_fetch_difference(struct relay *relay, const struct snapshot_state *state,
                                     PGresult **ret_page)
{
    const char *values[] = {state->done, state->running, state->source, state->seq};
    const struct query query = {FETCH_DIFFERENCE, values, ARRAY_LEN(values), true};

    return postgres_query(relay, relay->state, &query, ret_page);
}

struct status state_load_streams(struct relay *relay, const char *const *streams, size_t count,
                                 const char **ret_ids)
{
    for (size_t i = 0; i < count; i++) {
        _cleanup_(postgres_clear) PGresult *result = NULL;

        TRY(run(relay, LOAD_STREAM, &streams[i], 1, &result));
        ret_ids[i] = PQntuples(result) > 0 ? text_at(relay, result, 0) : "0-0";
    }
    return status_ok();
}

struct status state_save_streams(struct relay *relay, const char *const *streams,
                                 const char *const *ids, size_t count)
{
    TRY(execute(relay, "BEGIN", NULL, 0));
    for (size_t i = 0; i < count; i++)
        TRY(execute(relay, SAVE_STREAM, (const char *const[]){streams[i], ids[i]}, 2));
    return execute(relay, "COMMIT", NULL, 0);
}

struct status state_list_parked_keys(struct relay *relay, PGresult **ret_keys)
{
    const struct query query = {.sql = LIST_PARKED_KEYS, .is_binary = true};

    return postgres_query(relay, relay->state, &query, ret_keys);
}

struct status state_park(struct relay *relay, const struct outbox_row *row, const char *reason)
{
    struct arena *arena = relay->ctx.arena;
    const char *time = arena_printf(arena, "%" PRId64, row->time_us);
    const char *topic = arena_strndup(arena, row->topic.data, row->topic.length);
    const char *values[] = {topic,
                            bytea_text(arena, row->key),
                            bytea_text(arena, row->headers),
                            bytea_text(arena, row->payload),
                            time,
                            reason};

    return execute(relay, PARK, values, ARRAY_LEN(values));
}

struct status state_list_resolved(struct relay *relay, PGresult **ret_rows)
{
    const struct query query = {.sql = LIST_RESOLVED, .is_binary = true};

    return postgres_query(relay, relay->state, &query, ret_rows);
}

struct status state_forget_parked(struct relay *relay, const char *id)
{
    return execute(relay, FORGET_PARKED, &id, 1);
}

const char *lsn_text(struct relay *relay, uint64_t lsn)
{
    return arena_printf(relay->ctx.arena, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32),
                        (uint32_t)lsn);
}

bool lsn_parse(const char *text, uint64_t *ret_lsn)
{
    uint32_t high;
    uint32_t low;

    if (sscanf(text, "%" SCNx32 "/%" SCNx32, &high, &low) != 2)
        return false;
    *ret_lsn = (uint64_t)high << 32 | low;
    return true;
}

static struct status run(struct relay *relay, const char *sql, const char *const *values,
                         int value_count, PGresult **ret_result)
{
    const struct query query = {sql, values, value_count, false};

    return postgres_query(relay, relay->state, &query, ret_result);
}

static struct status execute(struct relay *relay, const char *sql, const char *const *values,
                             int value_count)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    return run(relay, sql, values, value_count, &result);
}

static const char *text_at(struct relay *relay, const PGresult *result, int column)
{
    return arena_strdup(relay->ctx.arena, PQgetvalue(result, 0, column));
}

static const char *bytea_text(struct arena *arena, struct db_bytes bytes)
{
    return arena_printf(arena, "\\x%s", str_hex(arena, bytes.data, bytes.length));
}
