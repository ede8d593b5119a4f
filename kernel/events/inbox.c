/* inbox.c - the position that fences and the rows that tell seen events from new ones. */
#include "consuming.h"

#include <string.h>

const struct error_def EVENT_FENCED = {STATUS_FAILED_PRECONDITION, "EVENT_FENCED",
                                       "another replica has handled these records; nothing to do"};
const struct error_def EVENT_ID_OUT_OF_RANGE = {
    STATUS_OUT_OF_RANGE, "EVENT_ID_OUT_OF_RANGE",
    "the event's id is no UUIDv7 of the days that the inbox has partitions for"};

const struct db_stmt INBOX_MOVE_POSITION = {
    .name = "move_inbox_position",
    .in = "ttiii", /* consumer, topic, part, first, next */
    .out = "i",
    .sql = "INSERT INTO inbox_position AS p (consumer, topic, part, next_off)"
           " VALUES ($1, $2, $3, $5)"
           " ON CONFLICT (consumer, topic, part) DO UPDATE"
           " SET next_off = EXCLUDED.next_off, updated_at = now() WHERE p.next_off <= $4"
           " RETURNING next_off",
};

const struct db_stmt INBOX_ADD = {
    .name = "add_to_inbox",
    .in = "ttiUI", /* consumer, topic, part, event_ids, offs */
    .out = "u",
    .sql = "INSERT INTO inbox (consumer, topic, part, event_id, off)"
           " SELECT $1, $2, $3, e.id, e.off FROM unnest($4::uuid[], $5::bigint[]) AS e(id, off)"
           " ON CONFLICT DO NOTHING RETURNING event_id",
};

const struct db_stmt INBOX_FIND_PARKED_KEYS = {
    .name = "find_parked_keys",
    .in = "ttB", /* consumer, topic, keys */
    .out = "b",
    .sql = "SELECT DISTINCT key FROM inbox_parked"
           " WHERE consumer = $1 AND topic = $2 AND key = ANY ($3)",
    .read_only = true,
};

const struct db_stmt INBOX_LIST_POSITIONS = {
    .name = "list_inbox_positions",
    .in = "tT", /* consumer, topics */
    .out = "tii",
    .sql = "SELECT topic, part, next_off FROM inbox_position"
           " WHERE consumer = $1 AND topic = ANY ($2)",
    .read_only = true,
};

const struct db_stmt INBOX_RESET_POSITION = {
    .name = "reset_inbox_position",
    .in = "ttii", /* consumer, topic, part, next_off */
    .out = "",
    .sql = "UPDATE inbox_position SET next_off = $4, updated_at = now()"
           " WHERE consumer = $1 AND topic = $2 AND part = $3",
};

static void mark_new(const struct db_rows *rows, const struct record *records, size_t count,
                     struct inbox_entry *entries);
static void mark_blocked(const struct db_rows *rows, const struct record *records, size_t count,
                         struct inbox_entry *entries);
static bool is_wanted(const struct record *record);

struct status inbox_enter(struct events *self, struct db_tx *tx, const struct record *records,
                          size_t count, struct inbox_entry *ret_entries)
{
    struct ctx *ctx = db_ctx(tx);
    const struct record *first = &records[0];
    struct uuid *ids = arena_array(ctx->arena, struct uuid, count);
    int64_t *offsets = arena_array(ctx->arena, int64_t, count);
    struct db_bytes *keys = arena_array(ctx->arena, struct db_bytes, count);
    size_t wanted = 0;

    for (size_t i = 0; i < count; i++) {
        ret_entries[i] = (struct inbox_entry){false, false};
        if (!is_wanted(&records[i]))
            continue;
        ids[wanted] = records[i].event.id;
        offsets[wanted] = records[i].offset;
        keys[wanted++] = records[i].key;
    }

    struct db_call calls[] = {
        {.stmt = &INBOX_MOVE_POSITION,
         .args = DB_ARGS(db_text(self->consumer), db_text(first->topic), db_int(first->partition),
                         db_int(first->offset), db_int(records[count - 1].offset + 1))},
        {.stmt = &INBOX_ADD,
         .args = DB_ARGS(db_text(self->consumer), db_text(first->topic), db_int(first->partition),
                         db_uuids(ids, wanted), db_ints(offsets, wanted))},
        {.stmt = &INBOX_FIND_PARKED_KEYS,
         .args = DB_ARGS(db_text(self->consumer), db_text(first->topic), db_blobs(keys, wanted))},
    };
    struct status status = db_batch(tx, calls, wanted == 0 ? 1 : ARRAY_LEN(calls));
    /* The only CHECK that these statements can meet is the lack of a partition. */
    if (status.code != STATUS_OK && strcmp(db_sqlstate(tx), "23514") == 0)
        return ctx_fail(ctx, &EVENT_ID_OUT_OF_RANGE, "%s from offset %lld", first->topic,
                        (long long)first->offset);
    TRY(status);
    if (calls[0].rows.count == 0)
        return ctx_fail(ctx, &EVENT_FENCED, "%s/%lld is beyond offset %lld", first->topic,
                        (long long)first->partition, (long long)first->offset);
    mark_new(&calls[1].rows, records, count, ret_entries);
    mark_blocked(&calls[2].rows, records, count, ret_entries);
    return status_ok();
}

struct status inbox_fence(struct events *self, struct db_tx *tx, const struct record *record)
{
    struct db_rows rows;

    TRY(db_many(tx, &INBOX_MOVE_POSITION,
                DB_ARGS(db_text(self->consumer), db_text(record->topic), db_int(record->partition),
                        db_int(record->offset), db_int(record->offset + 1)),
                &rows));
    if (rows.count == 0)
        return ctx_fail(db_ctx(tx), &EVENT_FENCED, "%s is beyond offset %lld", record->topic,
                        (long long)record->offset);
    return status_ok();
}

struct status inbox_positions(struct events *self, struct ctx *ctx, const char *const *topics,
                              size_t topic_count, const struct inbox_position **ret_positions,
                              size_t *ret_count)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    struct db_rows rows;

    TRY(db_begin_read(ctx, &tx));
    TRY(db_many(tx, &INBOX_LIST_POSITIONS,
                DB_ARGS(db_text(self->consumer), db_texts(topics, topic_count)), &rows));

    struct inbox_position *positions = arena_array(ctx->arena, struct inbox_position, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        positions[i] = (struct inbox_position){db_get_text(&rows, i, 0), db_get_int(&rows, i, 1),
                                               db_get_int(&rows, i, 2)};
    *ret_positions = positions;
    *ret_count = rows.count;
    return status_ok();
}

struct status inbox_reset(struct events *self, struct ctx *ctx,
                          const struct inbox_position *position)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    TRY(db_later(tx, &INBOX_RESET_POSITION,
                 DB_ARGS(db_text(self->consumer), db_text(position->topic),
                         db_int(position->partition), db_int(position->next_offset))));
    return db_commit(&tx);
}

/* Rows come in insertion order, which is record order; an id twice in one batch is new once. */
static void mark_new(const struct db_rows *rows, const struct record *records, size_t count,
                     struct inbox_entry *entries)
{
    size_t at = 0;

    for (size_t row = 0; row < rows->count; row++) {
        struct uuid id = db_get_uuid(rows, row, 0);

        for (size_t i = 0; i < count; i++, at++) {
            size_t candidate = at % count;
            if (is_wanted(&records[candidate]) && !entries[candidate].is_new &&
                uuid_equal(records[candidate].event.id, id)) {
                entries[candidate].is_new = true;
                break;
            }
        }
    }
}

static void mark_blocked(const struct db_rows *rows, const struct record *records, size_t count,
                         struct inbox_entry *entries)
{
    for (size_t row = 0; row < rows->count; row++) {
        struct db_bytes key = db_get_bytes(rows, row, 0);

        for (size_t i = 0; i < count; i++)
            if (records[i].key.length == key.length &&
                memcmp(records[i].key.data, key.data, key.length) == 0)
                entries[i].is_blocked = true;
    }
}

static bool is_wanted(const struct record *record)
{
    return record->malformed.code == STATUS_OK && record->subscription != NULL;
}
