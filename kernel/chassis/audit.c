/* audit.c - who changed what, in the transaction that changed it. Rows are never changed. */
#include "db_wire.h"

static const struct db_stmt ADD_AUDIT = {
    .name = "audit_add",
    .in = "uttttuttb", /* id, actor, on behalf of, service, action, entity, reason, detail, trace */
    .out = "",
    .sql = "INSERT INTO audit (id, actor, on_behalf_of, service, action, entity_id, reason, detail,"
           " trace_id, occurred_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now())",
};

const struct db_stmt *const AUDIT_STATEMENTS[] = {&ADD_AUDIT, NULL};

struct status db_audit(struct db_tx *tx, const char *action, struct uuid entity_id,
                       const char *detail)
{
    const struct ctx *ctx = db_ctx(tx);
    const struct caller *caller = &ctx->caller;

    return db_later(tx, &ADD_AUDIT,
                    DB_ARGS(db_uuid(uuid_v7()), db_text(str_or_empty(caller->actor)),
                            db_text(caller->on_behalf_of), db_text(str_or_empty(caller->service)),
                            db_text(action), db_uuid(entity_id), db_text(caller->reason),
                            db_text(detail),
                            db_blob(ctx->trace.trace_id, sizeof ctx->trace.trace_id)));
}
