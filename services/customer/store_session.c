/* store_session.c - the statements of sessions and their refresh tokens. */
#include "customer.h"

static const struct db_stmt ADD_SESSION = {
    .name = "add_session",
    .in = "uuti", /* id, customer, user agent, life in ms */
    .out = "dd",
    .sql = "INSERT INTO customer.session (id, customer_id, user_agent, expires_at)"
           " VALUES ($1, $2, $3, now() + $4 * interval '1 ms') RETURNING now(), expires_at",
};

static const struct db_stmt TRIM_SESSIONS = {
    .name = "trim_sessions",
    .in = "ui", /* customer, how many may stay */
    .out = "",
    .sql = "DELETE FROM customer.session WHERE id IN (SELECT id FROM"
           " (SELECT id, row_number() OVER (ORDER BY used_at DESC, id DESC) AS place"
           "    FROM customer.session WHERE customer_id = $1) AS ranked WHERE place > $2)",
};

static const struct db_stmt ADD_TOKEN = {
    .name = "add_token",
    .in = "bu",
    .out = "",
    .sql = "INSERT INTO customer.refresh_token (digest, session_id) VALUES ($1, $2)",
};

/* Both rows are locked, the session first as where it ends: of two uses at once, the second waits
 * and then sees the first. */
static const struct db_stmt LOCK_TOKEN = {
    .name = "lock_token",
    .in = "b",
    .out = "uuttddff",
    .sql = "SELECT session.id, account.id, account.customer_group, account.locale, now(),"
           " session.expires_at, token.used_at IS NOT NULL, session.expires_at <= now()"
           "  FROM customer.refresh_token AS token"
           "  JOIN customer.session ON session.id = token.session_id"
           "  JOIN customer.account ON account.id = session.customer_id"
           " WHERE token.digest = $1 FOR UPDATE OF session, token",
};

static const struct db_stmt USE_TOKEN = {
    .name = "use_token",
    .in = "bui", /* digest, session, life in ms */
    .out = "dd",
    .sql = "WITH used AS (UPDATE customer.refresh_token SET used_at = now() WHERE digest = $1)"
           " UPDATE customer.session SET used_at = now(),"
           " expires_at = now() + $3 * interval '1 ms' WHERE id = $2 RETURNING now(), expires_at",
};

static const struct db_stmt END_SESSION = {
    .name = "end_session",
    .in = "u",
    .out = "",
    .sql = "DELETE FROM customer.session WHERE id = $1",
};

static const struct db_stmt END_SESSIONS = {
    .name = "end_sessions",
    .in = "u",
    .out = "",
    .sql = "DELETE FROM customer.session WHERE customer_id = $1",
};

static void read_times(const struct db_rows *rows, size_t column, struct session *session)
{
    session->now_us = db_get_time(rows, 0, column);
    session->expires_at_us = db_get_time(rows, 0, column + 1);
}

struct status store_add_session(struct db_tx *tx, struct session *session, int64_t ttl_ms)
{
    struct db_rows rows;

    TRY(db_one(tx, &ADD_SESSION,
               DB_ARGS(db_uuid(session->id), db_uuid(session->customer_id),
                       db_text(session->user_agent), db_int(ttl_ms)),
               &rows));
    read_times(&rows, 0, session);
    return status_ok();
}

struct status store_trim_sessions(struct db_tx *tx, struct uuid customer_id, int64_t most)
{
    return db_later(tx, &TRIM_SESSIONS, DB_ARGS(db_uuid(customer_id), db_int(most)));
}

struct status store_add_token(struct db_tx *tx, const uint8_t *digest, struct uuid session_id)
{
    return db_later(tx, &ADD_TOKEN,
                    DB_ARGS(db_blob(digest, TOKEN_DIGEST_BYTES), db_uuid(session_id)));
}

struct status store_lock_token(struct db_tx *tx, const uint8_t *digest, struct token_row *ret_row,
                               bool *ret_found)
{
    struct db_rows rows;

    TRY(db_many(tx, &LOCK_TOKEN, DB_ARGS(db_blob(digest, TOKEN_DIGEST_BYTES)), &rows));
    *ret_found = rows.count > 0;
    if (!*ret_found)
        return status_ok();
    *ret_row = (struct token_row){
        .session = {.id = db_get_uuid(&rows, 0, 0), .customer_id = db_get_uuid(&rows, 0, 1)},
        .account = {.id = db_get_uuid(&rows, 0, 1),
                    .customer_group = db_get_text(&rows, 0, 2),
                    .locale = db_get_text(&rows, 0, 3)},
        .is_used = db_get_bool(&rows, 0, 6),
        .is_expired = db_get_bool(&rows, 0, 7),
    };
    read_times(&rows, 4, &ret_row->session);
    return status_ok();
}

struct status store_use_token(struct db_tx *tx, const uint8_t *digest, int64_t ttl_ms,
                              struct session *session)
{
    struct db_rows rows;

    TRY(db_one(tx, &USE_TOKEN,
               DB_ARGS(db_blob(digest, TOKEN_DIGEST_BYTES), db_uuid(session->id), db_int(ttl_ms)),
               &rows));
    read_times(&rows, 0, session);
    return status_ok();
}

struct status store_end_session(struct db_tx *tx, struct uuid session_id)
{
    return db_later(tx, &END_SESSION, DB_ARGS(db_uuid(session_id)));
}

struct status store_end_sessions(struct db_tx *tx, struct uuid customer_id)
{
    return db_later(tx, &END_SESSIONS, DB_ARGS(db_uuid(customer_id)));
}

const struct db_stmt *const STORE_SESSION_STATEMENTS[] = {
    &ADD_SESSION, &TRIM_SESSIONS, &ADD_TOKEN,    &LOCK_TOKEN,
    &USE_TOKEN,   &END_SESSION,   &END_SESSIONS, NULL,
};
