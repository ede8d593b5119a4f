/* store_delivery.c - the statements of deliveries. */
#include "platform.h"

#include "common/str.h"

#define DELIVERY_COLUMNS                                                                           \
    "id, cause_id, kind, channel, state, round, sender, recipient, locale, subject, body, html,"   \
    " subject_id, attempts, last_error, created_at, sent_at"
#define DELIVERY_COLUMN_TYPES "uutttittttttuitdd"

static const char *const CHANNELS[] = {
    [PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_EMAIL] = "email",
    [PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_WEBHOOK] = "webhook",
};

static const char *const STATES[] = {
    [PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING] = "pending",
    [PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_SENT] = "sent",
    [PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_FAILED] = "failed",
};

static const struct db_stmt ADD_DELIVERY = {
    .name = "add_delivery",
    .in = "uuttttttttu",
    .out = "",
    .sql = "INSERT INTO platform.delivery (id, cause_id, kind, channel, sender, recipient, locale,"
           " subject, body, html, subject_id)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
           " ON CONFLICT (cause_id) DO NOTHING",
};

static const struct db_stmt FIND_DELIVERY = {
    .name = "find_delivery",
    .in = "u",
    .out = DELIVERY_COLUMN_TYPES,
    .sql = "SELECT " DELIVERY_COLUMNS " FROM platform.delivery WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_DELIVERY = {
    .name = "lock_delivery",
    .in = "u",
    .out = DELIVERY_COLUMN_TYPES,
    .sql = "SELECT " DELIVERY_COLUMNS " FROM platform.delivery WHERE id = $1 FOR UPDATE",
};

/* The newest first. Bodies stay out: a page of them could be megabytes. */
static const struct db_stmt LIST_DELIVERIES = {
    .name = "list_deliveries",
    .in = "tuui", /* state, subject, before, limit */
    .out = DELIVERY_COLUMN_TYPES,
    .sql = "SELECT id, cause_id, kind, channel, state, round, sender, recipient, locale, subject,"
           " '', '', subject_id, attempts, last_error, created_at, sent_at"
           "  FROM platform.delivery"
           " WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR subject_id = $2)"
           "   AND ($3::uuid IS NULL OR id < $3)"
           " ORDER BY id DESC LIMIT $4",
    .read_only = true,
};

static const struct db_stmt SETTLE_DELIVERY = {
    .name = "settle_delivery",
    .in = "uitt", /* id, round, state, error */
    .out = "i",
    .sql = "UPDATE platform.delivery SET state = $3, last_error = $4, attempts = attempts + 1,"
           " sent_at = CASE WHEN $3 = 'sent' THEN now() END,"
           " version = version + CASE WHEN $3 = 'pending' THEN 0 ELSE 1 END"
           " WHERE id = $1 AND round = $2 AND state = 'pending' RETURNING version",
};

static const struct db_stmt REOPEN_DELIVERY = {
    .name = "reopen_delivery",
    .in = "ui", /* id, round */
    .out = "",
    .sql = "UPDATE platform.delivery SET state = 'pending', round = $2 WHERE id = $1",
};

static const struct db_stmt ERASE_DELIVERIES = {
    .name = "erase_deliveries",
    .in = "ii", /* age in ms, limit */
    .out = "",
    .sql = "UPDATE platform.delivery SET recipient = NULL, subject = '', body = '', html = ''"
           " WHERE id IN (SELECT id FROM platform.delivery"
           "   WHERE recipient IS NOT NULL AND state <> 'pending'"
           "     AND created_at < now() - $1 * interval '1 ms'"
           "   ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
};

static int index_of(const char *const *names, size_t count, const char *name);
static void read_delivery(const struct db_rows *rows, size_t row, struct delivery *delivery);
static struct status find(struct db_tx *tx, const struct db_stmt *stmt, struct uuid id,
                          struct delivery *ret_delivery);

struct status store_add_delivery(struct db_tx *tx, const struct delivery *delivery, bool *ret_added)
{
    int64_t count;

    TRY(db_exec(tx, &ADD_DELIVERY,
                DB_ARGS(db_uuid(delivery->id), db_uuid(delivery->cause_id), db_text(delivery->kind),
                        db_text(CHANNELS[delivery->channel]), db_text(delivery->sender),
                        db_text(delivery->recipient), db_text(delivery->locale),
                        db_text(delivery->subject), db_text(delivery->body),
                        db_text(delivery->html), db_uuid_or_null(delivery->subject_id)),
                &count));
    *ret_added = count > 0;
    return status_ok();
}

struct status store_find_delivery(struct db_tx *tx, struct uuid id, struct delivery *ret_delivery)
{
    return find(tx, &FIND_DELIVERY, id, ret_delivery);
}

struct status store_lock_delivery(struct db_tx *tx, struct uuid id, struct delivery *ret_delivery)
{
    return find(tx, &LOCK_DELIVERY, id, ret_delivery);
}

struct status store_list_deliveries(struct db_tx *tx, const struct delivery_filter *filter,
                                    struct delivery **ret_deliveries, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &LIST_DELIVERIES,
                DB_ARGS(db_text(STATES[filter->state]), db_uuid_or_null(filter->subject_id),
                        db_uuid_or_null(filter->before), db_int(filter->limit)),
                &rows));
    *ret_deliveries = arena_array(db_ctx(tx)->arena, struct delivery, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        read_delivery(&rows, i, &(*ret_deliveries)[i]);
    return status_ok();
}

struct status store_settle_delivery(struct db_tx *tx, const struct delivery *delivery,
                                    const struct attempt_outcome *outcome, int64_t *ret_version)
{
    struct db_rows rows;

    *ret_version = 0;
    TRY(db_many(tx, &SETTLE_DELIVERY,
                DB_ARGS(db_uuid(delivery->id), db_int(delivery->round),
                        db_text(STATES[outcome->state]), db_text(outcome->error)),
                &rows));
    if (rows.count > 0)
        *ret_version = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_reopen_delivery(struct db_tx *tx, struct delivery *delivery)
{
    delivery->round++;
    delivery->state = PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING;
    return db_later(tx, &REOPEN_DELIVERY, DB_ARGS(db_uuid(delivery->id), db_int(delivery->round)));
}

struct status store_erase_deliveries(struct db_tx *tx, int64_t age_ms, int64_t limit,
                                     int64_t *ret_count)
{
    return db_exec(tx, &ERASE_DELIVERIES, DB_ARGS(db_int(age_ms), db_int(limit)), ret_count);
}

static struct status find(struct db_tx *tx, const struct db_stmt *stmt, struct uuid id,
                          struct delivery *ret_delivery)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, stmt, DB_ARGS(db_uuid(id)), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &DELIVERY_NOT_FOUND, "id", uuid_text(ctx->arena, id),
                              "the id of a delivery");
    TRY(found);
    read_delivery(&rows, 0, ret_delivery);
    return status_ok();
}

static void read_delivery(const struct db_rows *rows, size_t row, struct delivery *delivery)
{
    *delivery = (struct delivery){
        .id = db_get_uuid(rows, row, 0),
        .cause_id = db_get_uuid(rows, row, 1),
        .kind = db_get_text(rows, row, 2),
        .channel = (Platform__V1__DeliveryChannel)index_of(CHANNELS, ARRAY_LEN(CHANNELS),
                                                           db_get_text(rows, row, 3)),
        .state = (Platform__V1__DeliveryState)index_of(STATES, ARRAY_LEN(STATES),
                                                       db_get_text(rows, row, 4)),
        .round = db_get_int(rows, row, 5),
        .sender = db_get_text(rows, row, 6),
        .recipient = db_get_text(rows, row, 7),
        .locale = db_get_text(rows, row, 8),
        .subject = db_get_text(rows, row, 9),
        .body = db_get_text(rows, row, 10),
        .html = db_get_text(rows, row, 11),
        .subject_id = db_get_uuid(rows, row, 12),
        .attempts = db_get_int(rows, row, 13),
        .last_error = db_get_text(rows, row, 14),
        .created_at_us = db_get_time(rows, row, 15),
        .sent_at_us = db_get_time(rows, row, 16),
    };
}

/* The table's CHECK knows the same words; 0 is UNSPECIFIED in both enums. */
static int index_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 1; i < count; i++)
        if (str_equal(names[i], name))
            return (int)i;
    return 0;
}

const struct db_stmt *const STORE_DELIVERY_STATEMENTS[] = {
    &ADD_DELIVERY,    &FIND_DELIVERY,   &LOCK_DELIVERY,    &LIST_DELIVERIES,
    &SETTLE_DELIVERY, &REOPEN_DELIVERY, &ERASE_DELIVERIES, NULL,
};
