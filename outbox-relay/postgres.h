/* postgres.h - libpq for a single thread: connect, query, and the relay's schema (state.c). */
#pragma once

#include "relay.h"

#include <libpq-fe.h>

/* `replication` opens a walsender connection. Timeouts so that a dead peer is noticed. */
struct status postgres_connect(struct relay *relay, const char *url, bool replication,
                               PGconn **ret_native);
/* For _cleanup_. */
void postgres_clear(PGresult **result);

/* Parameters are text; `is_binary` is the format of the result. */
struct query {
    const char *sql;
    const char *const *values;
    int value_count;
    bool is_binary;
};
struct status postgres_query(struct relay *relay, PGconn *native, const struct query *query,
                             PGresult **ret_result);
/* The row of a binary result: topic, key, headers, payload, created_at from column `first` on. */
struct outbox_row postgres_row(const PGresult *result, int row, int first);
bool postgres_is_alive(PGconn *native); /* reads what the server said unasked */

/* state.c: schema relay. Positions are committed when these return. */
struct wal_state {
    bool is_known; /* there is a row */
    bool is_bootstrapped;
    const char *system_id;
    const char *timeline;
    uint64_t end_lsn;
};
struct status state_load_wal(struct relay *relay, struct wal_state *ret_state);
struct status state_save_wal(struct relay *relay, const struct wal_state *state);

struct slot_state {
    bool exists;
    bool is_active;
    bool is_lost; /* invalidated: its WAL is gone */
    uint64_t confirmed_lsn;
};
struct status state_load_slot(struct relay *relay, struct slot_state *ret_slot);
struct status state_has_publication(struct relay *relay, bool *ret_exists);
struct status state_retained(struct relay *relay, int64_t *ret_bytes);
/* Advisory lock of this session of the state connection. */
struct status state_try_lock(struct relay *relay, bool *ret_is_locked);
struct status state_unlock(struct relay *relay);
/* While limited, the server ends this session when it is silent for 10 s, and so frees its lock. */
struct status state_limit_idle(struct relay *relay, bool is_limited);

/* All outbox rows that an exported snapshot shows, page by page, in a transaction of its own. */
struct status state_begin_history(struct relay *relay, const char *snapshot);
struct status state_fetch_history(struct relay *relay, PGresult **ret_page);
struct status state_end_history(struct relay *relay);

/* Snapshot difference. `running` is "" between two polls. */
struct snapshot_state {
    const char *done;
    const char *running;
    const char *source; /* page position: schema and sequence number */
    const char *seq;
};
struct status state_load_snapshot(struct relay *relay, struct snapshot_state *ret_state);
struct status state_save_snapshot(struct relay *relay, const struct snapshot_state *state);
struct status state_current_snapshot(struct relay *relay, const char **ret_snapshot);
enum { SNAPSHOT_PAGE = 1000 };
/* Columns: source, seq (text in binary form), then those of postgres_row(). */
struct status state_fetch_difference(struct relay *relay, const struct snapshot_state *state,
                                     PGresult **ret_page);

/* The cart's streams; ids parallel to streams, "0-0" when unknown. */
struct status state_load_streams(struct relay *relay, const char *const *streams, size_t count,
                                 const char **ret_ids);
struct status state_save_streams(struct relay *relay, const char *const *streams,
                                 const char *const *ids, size_t count);
/* Records that the broker refused. `keys` of parked records as topic and key, text and binary. */
struct status state_list_parked_keys(struct relay *relay, PGresult **ret_keys);
struct status state_park(struct relay *relay, const struct outbox_row *row, const char *reason);
/* What an operator decided about the oldest record of its key: columns id (text in binary form),
 * resolution, then those of postgres_row(). */
struct status state_list_resolved(struct relay *relay, PGresult **ret_rows);
struct status state_forget_parked(struct relay *relay, const char *id);
const char *lsn_text(struct relay *relay, uint64_t lsn);
bool lsn_parse(const char *text, uint64_t *ret_lsn);
