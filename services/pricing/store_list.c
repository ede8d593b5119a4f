/* store_list.c - the statements of price lists. */
#include "pricing.h"

#include "store.h"

static const struct db_stmt LOAD_LIST = {
    .name = "load_list",
    .in = "u",
    .out = LIST_COLUMN_TYPES,
    .sql = "SELECT " LIST_COLUMNS " FROM pricing.price_list WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOAD_LIST_FOR_UPDATE = {
    .name = "load_list_for_update",
    .in = "u",
    .out = LIST_COLUMN_TYPES,
    .sql = "SELECT " LIST_COLUMNS " FROM pricing.price_list WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt ADD_LIST = {
    .name = "add_list",
    .in = "utttuttftiddfi",
    .out = "",
    .sql = "INSERT INTO pricing.price_list (id, code, name, currency_code, channel_id,"
           " country_code, customer_group, is_gross, home_country_code, priority, valid_from,"
           " valid_until, is_active, version)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, 'infinity'), $13,"
           " $14)",
};

static const struct db_stmt CHANGE_LIST = {
    .name = "change_list",
    .in = "utttuttftiddfi",
    .out = "",
    .sql = "UPDATE pricing.price_list SET code = $2, name = $3, currency_code = $4,"
           " channel_id = $5, country_code = $6, customer_group = $7, is_gross = $8,"
           " home_country_code = $9, priority = $10, valid_from = $11,"
           " valid_until = coalesce($12, 'infinity'), is_active = $13, version = $14"
           " WHERE id = $1",
};

static const struct db_stmt BUMP_LIST = {
    .name = "bump_list",
    .in = "u",
    .out = "",
    .sql = "UPDATE pricing.price_list SET version = version + 1 WHERE id = $1",
};

static const struct db_stmt LIST_LISTS = {
    .name = "list_lists",
    .in = "ui",
    .out = LIST_COLUMN_TYPES,
    .sql = "SELECT " LIST_COLUMNS " FROM pricing.price_list WHERE id > $1 ORDER BY id LIMIT $2",
    .read_only = true,
};

void store_read_list(const struct db_rows *rows, size_t row, struct price_list *list)
{
    *list = (struct price_list){
        .id = db_get_uuid(rows, row, 0),
        .code = db_get_text(rows, row, 1),
        .name = db_get_text(rows, row, 2),
        .currency_code = db_get_text(rows, row, 3),
        .channel_id = db_get_uuid(rows, row, 4),
        .country_code = db_get_text(rows, row, 5),
        .customer_group = db_get_text(rows, row, 6),
        .is_gross = db_get_bool(rows, row, 7),
        .home_country_code = db_get_text(rows, row, 8),
        .priority = db_get_int(rows, row, 9),
        .valid_from_us = db_get_time(rows, row, 10),
        .valid_until_us = db_get_time(rows, row, 11),
        .is_active = db_get_bool(rows, row, 12),
        .version = db_get_int(rows, row, 13),
    };
}

struct status store_load_list(struct db_tx *tx, struct uuid id, bool for_update,
                              struct price_list *ret_list)
{
    struct db_rows rows;
    struct status found =
        db_one(tx, for_update ? &LOAD_LIST_FOR_UPDATE : &LOAD_LIST, DB_ARGS(db_uuid(id)), &rows);
    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(db_ctx(tx), &PRICE_LIST_NOT_FOUND, "id",
                              uuid_text(db_ctx(tx)->arena, id), "the id of a price list");
    TRY(found);
    store_read_list(&rows, 0, ret_list);
    return status_ok();
}

static struct status write_list(struct db_tx *tx, const struct db_stmt *stmt,
                                const struct price_list *list)
{
    return db_exec(tx, stmt,
                   DB_ARGS(db_uuid(list->id), db_text(list->code), db_text(list->name),
                           db_text(list->currency_code), db_uuid_or_null(list->channel_id),
                           db_text(list->country_code), db_text(list->customer_group),
                           db_bool(list->is_gross), db_text(list->home_country_code),
                           db_int(list->priority), db_time(list->valid_from_us),
                           db_time_or_null(list->valid_until_us), db_bool(list->is_active),
                           db_int(list->version)),
                   NULL);
}

struct status store_add_list(struct db_tx *tx, const struct price_list *list)
{
    return write_list(tx, &ADD_LIST, list);
}

struct status store_change_list(struct db_tx *tx, const struct price_list *list)
{
    return write_list(tx, &CHANGE_LIST, list);
}

struct status store_bump_list(struct db_tx *tx, struct uuid id)
{
    return db_later(tx, &BUMP_LIST, DB_ARGS(db_uuid(id)));
}

struct status store_list_lists(struct db_tx *tx, struct uuid after, int64_t limit,
                               struct price_list **ret_lists, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_LISTS, DB_ARGS(db_uuid(after), db_int(limit)), &rows));
    *ret_lists = arena_array(db_ctx(tx)->arena, struct price_list, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        store_read_list(&rows, i, &(*ret_lists)[i]);
    return status_ok();
}

const struct db_stmt *const STORE_LIST_STATEMENTS[] = {
    &LOAD_LIST, &LOAD_LIST_FOR_UPDATE, &ADD_LIST, &CHANGE_LIST, &BUMP_LIST, &LIST_LISTS, NULL,
};
