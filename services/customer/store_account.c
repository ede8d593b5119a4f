/* store_account.c - the statements of accounts and of attempts to sign in. */
#include "customer.h"

#define ACCOUNT_COLUMNS                                                                            \
    "account.id, account.email, account.email_key, account.password_hash, account.given_name,"     \
    " account.family_name, account.phone, account.locale, account.customer_group,"                 \
    " account.accepts_marketing, account.version, account.created_at"
#define ACCOUNT_COLUMN_TYPES "uttttttttfid"

/* The window begins with its first attempt, and a locked account is not locked longer by knocking.
 */
static const struct db_stmt COUNT_ATTEMPT = {
    .name = "count_attempt",
    .in = "tii", /* email key, window in ms, the most */
    .out = "i" ACCOUNT_COLUMN_TYPES,
    .sql = "WITH counted AS ("
           "  INSERT INTO customer.sign_in_attempt AS attempt (email_digest, attempts, since)"
           "  VALUES (sha256(convert_to($1, 'UTF8')), 1, now())"
           "  ON CONFLICT (email_digest) DO UPDATE SET"
           "    attempts = CASE WHEN attempt.since < now() - $2 * interval '1 ms' THEN 1"
           "                    ELSE least(attempt.attempts, $3) + 1 END,"
           "    since = CASE WHEN attempt.since < now() - $2 * interval '1 ms' THEN now()"
           "                 ELSE attempt.since END"
           "  RETURNING attempts)"
           " SELECT counted.attempts, " ACCOUNT_COLUMNS
           "  FROM counted LEFT JOIN customer.account ON account.email_key = $1",
};

static const struct db_stmt FORGET_ATTEMPTS = {
    .name = "forget_attempts",
    .in = "t",
    .out = "",
    .sql = "DELETE FROM customer.sign_in_attempt"
           " WHERE email_digest = sha256(convert_to($1, 'UTF8'))",
};

static const struct db_stmt ADD_ACCOUNT = {
    .name = "add_account",
    .in = "uttttttf",
    .out = "d",
    .sql = "INSERT INTO customer.account (id, email, email_key, password_hash, given_name,"
           " family_name, locale, accepts_marketing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
           " RETURNING created_at",
};

static const struct db_stmt FIND_ACCOUNT = {
    .name = "find_account",
    .in = "u",
    .out = ACCOUNT_COLUMN_TYPES,
    .sql = "SELECT " ACCOUNT_COLUMNS " FROM customer.account WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_ACCOUNT = {
    .name = "lock_account",
    .in = "u",
    .out = ACCOUNT_COLUMN_TYPES,
    .sql = "SELECT " ACCOUNT_COLUMNS " FROM customer.account WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt CHANGE_PROFILE = {
    .name = "change_profile",
    .in = "uttttfi",
    .out = "",
    .sql = "UPDATE customer.account SET given_name = $2, family_name = $3, phone = $4, locale = $5,"
           " accepts_marketing = $6, version = $7 WHERE id = $1",
};

static const struct db_stmt CHANGE_PASSWORD = {
    .name = "change_password",
    .in = "ut",
    .out = "",
    .sql = "UPDATE customer.account SET password_hash = $2 WHERE id = $1",
};

static const struct db_stmt SWEEP_ATTEMPTS = {
    .name = "sweep_attempts",
    .in = "i", /* window in ms */
    .out = "",
    .sql = "DELETE FROM customer.sign_in_attempt WHERE email_digest IN ("
           " SELECT email_digest FROM customer.sign_in_attempt"
           "  WHERE since < now() - $1 * interval '1 ms' LIMIT 10000 FOR UPDATE SKIP LOCKED)",
};

static const struct db_stmt SWEEP_SESSIONS = {
    .name = "sweep_sessions",
    .in = "",
    .out = "",
    .sql = "DELETE FROM customer.session WHERE id IN (SELECT id FROM customer.session"
           "  WHERE expires_at < now() LIMIT 10000 FOR UPDATE SKIP LOCKED)",
};

static const struct db_stmt SWEEP_TOKENS = {
    .name = "sweep_tokens",
    .in = "i", /* life of a refresh token in ms */
    .out = "",
    .sql = "DELETE FROM customer.refresh_token WHERE digest IN ("
           " SELECT digest FROM customer.refresh_token"
           "  WHERE used_at < now() - $1 * interval '1 ms' LIMIT 10000 FOR UPDATE SKIP LOCKED)",
};

static void read_account(const struct db_rows *rows, size_t first_column, struct account *account)
{
    *account = (struct account){
        .id = db_get_uuid(rows, 0, first_column),
        .email = db_get_text(rows, 0, first_column + 1),
        .email_key = db_get_text(rows, 0, first_column + 2),
        .password_hash = db_get_text(rows, 0, first_column + 3),
        .given_name = db_get_text(rows, 0, first_column + 4),
        .family_name = db_get_text(rows, 0, first_column + 5),
        .phone = db_get_text(rows, 0, first_column + 6),
        .locale = db_get_text(rows, 0, first_column + 7),
        .customer_group = db_get_text(rows, 0, first_column + 8),
        .accepts_marketing = db_get_bool(rows, 0, first_column + 9),
        .version = db_get_int(rows, 0, first_column + 10),
        .created_at_us = db_get_time(rows, 0, first_column + 11),
    };
}

static struct status find(struct db_tx *tx, const struct db_stmt *stmt, struct uuid id,
                          struct account *ret_account)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, stmt, DB_ARGS(db_uuid(id)), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &CUSTOMER_NOT_FOUND, "customerId", uuid_text(ctx->arena, id),
                              "the id of a customer");
    TRY(found);
    read_account(&rows, 0, ret_account);
    return status_ok();
}

struct status store_count_attempt(struct db_tx *tx, const char *email_key, int64_t window_ms,
                                  int64_t attempts_max, struct account *ret_account,
                                  int64_t *ret_attempts)
{
    struct db_rows rows;

    TRY(db_one(tx, &COUNT_ATTEMPT,
               DB_ARGS(db_text(email_key), db_int(window_ms), db_int(attempts_max)), &rows));
    *ret_attempts = db_get_int(&rows, 0, 0);
    read_account(&rows, 1, ret_account);
    return status_ok();
}

struct status store_forget_attempts(struct db_tx *tx, const char *email_key)
{
    return db_later(tx, &FORGET_ATTEMPTS, DB_ARGS(db_text(email_key)));
}

struct status store_add_account(struct db_tx *tx, struct account *account)
{
    struct db_rows rows;

    TRY(db_one(tx, &ADD_ACCOUNT,
               DB_ARGS(db_uuid(account->id), db_text(account->email), db_text(account->email_key),
                       db_text(account->password_hash), db_text(account->given_name),
                       db_text(account->family_name), db_text(account->locale),
                       db_bool(account->accepts_marketing)),
               &rows));
    account->created_at_us = db_get_time(&rows, 0, 0);
    return status_ok();
}

struct status store_find_account(struct db_tx *tx, struct uuid id, struct account *ret_account)
{
    return find(tx, &FIND_ACCOUNT, id, ret_account);
}

struct status store_lock_account(struct db_tx *tx, struct uuid id, struct account *ret_account)
{
    return find(tx, &LOCK_ACCOUNT, id, ret_account);
}

struct status store_change_profile(struct db_tx *tx, const struct account *account)
{
    return db_later(tx, &CHANGE_PROFILE,
                    DB_ARGS(db_uuid(account->id), db_text(account->given_name),
                            db_text(account->family_name), db_text(account->phone),
                            db_text(account->locale), db_bool(account->accepts_marketing),
                            db_int(account->version)));
}

struct status store_change_password(struct db_tx *tx, struct uuid id, const char *hash)
{
    return db_later(tx, &CHANGE_PASSWORD, DB_ARGS(db_uuid(id), db_text(hash)));
}

struct status store_sweep(struct db_tx *tx, int64_t window_ms, int64_t refresh_ttl_ms)
{
    TRY(db_later(tx, &SWEEP_ATTEMPTS, DB_ARGS(db_int(window_ms))));
    TRY(db_later(tx, &SWEEP_SESSIONS, DB_NONE));
    return db_later(tx, &SWEEP_TOKENS, DB_ARGS(db_int(refresh_ttl_ms)));
}

const struct db_stmt *const STORE_ACCOUNT_STATEMENTS[] = {
    &COUNT_ATTEMPT,
    &FORGET_ATTEMPTS,
    &ADD_ACCOUNT,
    &FIND_ACCOUNT,
    &LOCK_ACCOUNT,
    &CHANGE_PROFILE,
    &CHANGE_PASSWORD,
    &SWEEP_ATTEMPTS,
    &SWEEP_SESSIONS,
    &SWEEP_TOKENS,
    NULL,
};
