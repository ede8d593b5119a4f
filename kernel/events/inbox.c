/* inbox.c - the position that fences and the rows that tell seen events from new ones. */
#include "consuming.h"

#include <string.h>

const struct error_def EVENT_FENCED = {STATUS_FAILED_PRECONDITION, "EVENT_FENCED",
                                       "another replica has handled these records; nothing to do"};
const struct error_def EVENT_ID_OUT_OF_RANGE = {
    STATUS_OUT_OF_RANGE, "EVENT_ID_OUT_OF_RANGE",
    "the event's id is no UUIDv7 of the days that the inbox has partitions for"};

/* No row when the position is beyond the batch, or when it was moved after this statement's
 * snapshot was taken: what was parked with that move would not be seen. `given` holds its arrays
 * behind a subquery, where the planner does not count them: it would plan anew for each call
 * otherwise. */
const struct db_stmt INBOX_ENTER = {
    .name = "enter_inbox",
    .in = "ttiiiUIB", /* consumer, topic, part, first, next; event_ids, offs, keys */
    .out = "II",      /* offs of new events, offs of parked keys */
    .sql = "WITH moved AS ("
           "  INSERT INTO inbox_position AS p (consumer, topic, part, next_off)"
           "  VALUES ($1, $2, $3, $5)"
           "  ON CONFLICT (consumer, topic, part) DO UPDATE"
           "  SET next_off = EXCLUDED.next_off, updated_at = now()"
           "  WHERE p.next_off <= $4 AND p.next_off = (SELECT seen.next_off"
           "    FROM inbox_position AS seen WHERE (consumer, topic, part) = ($1, $2, $3))"
           "  RETURNING next_off),"
           " given AS (SELECT * FROM unnest(ARRAY(SELECT unnest($6)), ARRAY(SELECT unnest($7)),"
           "  ARRAY(SELECT unnest($8))) AS given (event_id, off, key)),"
           " added AS ("
           "  INSERT INTO inbox (consumer, topic, part, event_id, off)"
           "  SELECT $1, $2, $3, event_id, off FROM moved, given ORDER BY off"
           "  ON CONFLICT DO NOTHING RETURNING off)"
           " SELECT ARRAY(SELECT off FROM added),"
           "  ARRAY(SELECT off FROM given WHERE EXISTS (SELECT FROM inbox_parked AS parked"
           "    WHERE (consumer, topic) = ($1, $2) AND parked.key = given.key))"
           "  FROM moved",
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

/* The part of a batch that somebody here wants, column by column. */
struct wanted {
    struct uuid *ids;
    int64_t *offsets;
    struct db_bytes *keys;
    size_t count;
};

static struct status enter(struct events *self, struct db_tx *tx, const struct record *first,
                           int64_t next_offset, const struct wanted *wanted,
                           struct db_rows *ret_rows);
static struct status refuse(struct events *self, struct db_tx *tx, const struct record *first);
static struct status list_positions(struct events *self, struct db_tx *tx,
                                    const char *const *topics, size_t topic_count,
                                    const struct inbox_position **ret_positions, size_t *ret_count);
static struct wanted pick_wanted(struct arena *arena, const struct record *records, size_t count);
static bool is_wanted(const struct record *record);
static bool has(const int64_t *offsets, size_t count, int64_t offset);

struct status inbox_enter(struct events *self, struct db_tx *tx, const struct record *records,
                          size_t count, struct inbox_entry *ret_entries)
{
    struct ctx *ctx = db_ctx(tx);
    const struct wanted wanted = pick_wanted(ctx->arena, records, count);
    struct db_rows rows;
    size_t new_count;
    size_t blocked_count;

    TRY(enter(self, tx, &records[0], records[count - 1].offset + 1, &wanted, &rows));
    const int64_t *new = db_get_ints(ctx, &rows, 0, 0, &new_count);
    const int64_t *blocked = db_get_ints(ctx, &rows, 0, 1, &blocked_count);
    for (size_t i = 0; i < count; i++)
        ret_entries[i] = (struct inbox_entry){
            .is_new = has(new, new_count, records[i].offset),
            .is_blocked = has(blocked, blocked_count, records[i].offset),
        };
    return status_ok();
}

struct status inbox_fence(struct events *self, struct db_tx *tx, const struct record *record)
{
    const struct wanted nothing = {0};
    struct db_rows rows;

    return enter(self, tx, record, record->offset + 1, &nothing, &rows);
}

struct status inbox_positions(struct events *self, struct ctx *ctx, const char *const *topics,
                              size_t topic_count, const struct inbox_position **ret_positions,
                              size_t *ret_count)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin_read(ctx, &tx));
    return list_positions(self, tx, topics, topic_count, ret_positions, ret_count);
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

static struct status enter(struct events *self, struct db_tx *tx, const struct record *first,
                           int64_t next_offset, const struct wanted *wanted,
                           struct db_rows *ret_rows)
{
    struct status status = db_many(
        tx, &INBOX_ENTER,
        DB_ARGS(db_text(self->consumer), db_text(first->topic), db_int(first->partition),
                db_int(first->offset), db_int(next_offset), db_uuids(wanted->ids, wanted->count),
                db_ints(wanted->offsets, wanted->count), db_blobs(wanted->keys, wanted->count)),
        ret_rows);

    /* The only CHECK that the statement can meet is the lack of a partition. */
    if (status.code != STATUS_OK && strcmp(db_sqlstate(tx), "23514") == 0)
        return ctx_fail(db_ctx(tx), &EVENT_ID_OUT_OF_RANGE, "%s from offset %lld", first->topic,
                        (long long)first->offset);
    TRY(status);
    return ret_rows->count == 1 ? status_ok() : refuse(self, tx, first);
}

/* A batch that is behind has nothing to do; one that only met a moving position is tried again. */
static struct status refuse(struct events *self, struct db_tx *tx, const struct record *first)
{
    const struct inbox_position *positions;
    size_t count;

    TRY(list_positions(self, tx, &first->topic, 1, &positions, &count));
    for (size_t i = 0; i < count; i++)
        if (positions[i].partition == first->partition && positions[i].next_offset > first->offset)
            return ctx_fail(db_ctx(tx), &EVENT_FENCED, "%s/%lld is beyond offset %lld",
                            first->topic, (long long)first->partition, (long long)first->offset);
    return ctx_fail(db_ctx(tx), &ERROR_CONFLICT, "the position of %s/%lld is moving", first->topic,
                    (long long)first->partition);
}

static struct status list_positions(struct events *self, struct db_tx *tx,
                                    const char *const *topics, size_t topic_count,
                                    const struct inbox_position **ret_positions, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &INBOX_LIST_POSITIONS,
                DB_ARGS(db_text(self->consumer), db_texts(topics, topic_count)), &rows));

    struct inbox_position *positions =
        arena_array(db_ctx(tx)->arena, struct inbox_position, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        positions[i] = (struct inbox_position){db_get_text(&rows, i, 0), db_get_int(&rows, i, 1),
                                               db_get_int(&rows, i, 2)};
    *ret_positions = positions;
    *ret_count = rows.count;
    return status_ok();
}

static struct wanted pick_wanted(struct arena *arena, const struct record *records, size_t count)
{
    struct wanted wanted = {
        .ids = arena_array(arena, struct uuid, count),
        .offsets = arena_array(arena, int64_t, count),
        .keys = arena_array(arena, struct db_bytes, count),
    };

    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&records[i]))
            continue;
        wanted.ids[wanted.count] = records[i].event.id;
        wanted.offsets[wanted.count] = records[i].offset;
        wanted.keys[wanted.count++] = records[i].key;
    }
    return wanted;
}

static bool is_wanted(const struct record *record)
{
    return record->malformed.code == STATUS_OK && record->subscription != NULL;
}

static bool has(const int64_t *offsets, size_t count, int64_t offset)
{
    for (size_t i = 0; i < count; i++)
        if (offsets[i] == offset)
            return true;
    return false;
}
