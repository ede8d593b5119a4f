/* partition.c - tables by UUIDv7 range need a partition before the first row of a day.
 *
 * The work is a function of the schema's owner (migrations/0002_partition.sql), so the running role
 * needs no DDL. It is safe to run on every replica. */
#include "db_wire.h"

#include "chassis/log.h"

static const struct db_stmt MAKE_PARTITIONS = {
    .name = "partition_make",
    .in = "i", /* days ahead */
    .out = "ii",
    .sql = "SELECT made, dropped FROM make_partitions($1)",
};

const struct db_stmt *const PARTITION_STATEMENTS[] = {&MAKE_PARTITIONS, NULL};

struct status partition_sweep(struct ctx *ctx)
{
    struct db_rows rows;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    TRY(db_one(tx, &MAKE_PARTITIONS, DB_ARGS(db_int(ctx->daemon->settings.partition_days)), &rows));
    TRY(db_commit(&tx));
    if (db_get_int(&rows, 0, 0) > 0 || db_get_int(&rows, 0, 1) > 0)
        log_info(ctx, "partitions_maintained", LOG_INT("made", db_get_int(&rows, 0, 0)),
                 LOG_INT("dropped", db_get_int(&rows, 0, 1)));
    return status_ok();
}
