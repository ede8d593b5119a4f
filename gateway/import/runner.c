/* runner.c - one import at a time, under a lease that every batch renews.
 *
 * A batch is sent, then its end is recorded with the offset of the next product's first row: a
 * runner that dies in between leaves a batch that its successor sends again, and that changes
 * nothing. Rows are told from each other by their line, so what is refused twice is listed once. */
#include "import/import.h"

#include "import/batch.h"
#include "import/chunks.h"
#include "import/handles.h"

#include "catalog/v1/service.client.h"
#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "common/str.h"
#include "gateway.h"
#include "gateway/v1/import.pb-c.h"

#include <string.h>

enum {
    BATCH_TIMEOUT_MS = 30000,
    RELEASE_LEASE_MS = 1000, /* soon free for another replica */
    ERRORS_AT_ONCE = 1000,   /* of one request */
    BATCH_MEMORY_MAX = 4 * 1024 * 1024,
};

struct run {
    struct ctx *job; /* lives as long as the job */
    struct ctx ctx;  /* of the batch */
    const Catalog__V1__Import *import;
    int64_t epoch;
    struct chunks chunks;
    struct csv_reader *reader;
    struct columns columns;
    struct handles *handles;
    struct batch batch;
    struct report report;
    struct draft *draft;              /* the product whose rows are being read */
    Catalog__V1__ImportCounts counts; /* of what was recorded */
    Catalog__V1__ImportCounts since;  /* of what comes with the next record */
    struct csv_place position;        /* as recorded */
    bool is_stopped;
};

/* What a record says besides how far it came. */
struct outcome {
    int64_t lease_ms;
    size_t first_error;
    Catalog__V1__ImportState state;
    const char *failure;
};

static struct status lease(struct ctx *ctx, const Catalog__V1__LeaseImportResponse **ret_lease);
static struct status open_file(struct run *run, const Catalog__V1__LeaseImportResponse *lease,
                               const char **ret_failure);
static struct status go_to(struct run *run, struct csv_place position);
static struct status work(struct run *run);
static struct status take_row(struct run *run, const struct csv_row *row);
static void refuse_row(struct run *run, const struct csv_row *row);
static struct status finish_draft(struct run *run, struct csv_place next);
static struct status send(struct run *run);
static struct status flush(struct run *run, struct csv_place next);
static void add_counts(Catalog__V1__ImportCounts *counts, const Catalog__V1__ImportCounts *more);
static struct status record_errors(struct run *run);
static struct status record(struct run *run, const struct outcome *outcome);
static struct status end(struct run *run, Catalog__V1__ImportState state, const char *failure);
static struct status settle(struct run *run, struct status status);

/* Runs until the job ends, the daemon stops or something fails: the sweep does nothing else. */
struct status import_run(struct ctx *ctx)
{
    const Catalog__V1__LeaseImportResponse *leased;
    struct run run = {.job = ctx};
    const char *failure = NULL;

    struct status status = lease(ctx, &leased);
    if (status_reason_is(status, "NO_IMPORT_WAITING"))
        return status_ok();
    TRY(status);
    TRY(crash_point(CRASH_IMPORT_LEASED, NULL));

    run.import = leased->import;
    run.epoch = leased->epoch;
    ctx->caller.reason = arena_printf(ctx->arena, "import %s", run.import->id);
    ctx_init(&run.ctx, ctx->daemon, "import:batch", BATCH_TIMEOUT_MS);
    run.ctx.caller.reason = ctx->caller.reason;
    chunks_open(&run.chunks, ctx->daemon, run.import->id, run.import->chunk_count);
    log_info(ctx, "import_begins", LOG_STR("import", run.import->id), LOG_INT("epoch", run.epoch));

    status = open_file(&run, leased, &failure);
    if (status.code == STATUS_OK && failure)
        status = end(&run, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED, failure);
    else if (status.code == STATUS_OK)
        status = work(&run);
    status = settle(&run, status);
    chunks_close(&run.chunks);
    ctx_finish(&run.ctx);
    return status;
}

static struct status lease(struct ctx *ctx, const Catalog__V1__LeaseImportResponse **ret_lease)
{
    const struct gateway *self = ctx_state(ctx);
    Catalog__V1__LeaseImportRequest request = CATALOG__V1__LEASE_IMPORT_REQUEST__INIT;

    request.runner = self->replica;
    request.lease_ms = self->import_lease_ms;
    return catalog_v1_lease_import(ctx, &request, ret_lease);
}

/* The header, and from there to where the runner before us came. */
static struct status open_file(struct run *run, const Catalog__V1__LeaseImportResponse *lease,
                               const char **ret_failure)
{
    struct csv_row header;
    bool is_end;

    report_begin(&run->report, run->ctx.arena);
    run->counts = *run->import->counts;
    catalog__v1__import_counts__init(&run->since);
    run->handles = handles_create(run->job->arena);
    run->reader = csv_reader_create(run->job->arena, &run->chunks.source);
    TRY(csv_next(run->reader, &header, &is_end));
    if (is_end) {
        *ret_failure = "the file is empty";
        return status_ok();
    }
    *ret_failure = columns_read(run->job->arena, &header, &run->columns);
    run->position = csv_position(run->reader);
    if (*ret_failure || lease->runner_state.len == 0)
        return status_ok();

    Gateway__V1__ImportPosition *state = gateway__v1__import_position__unpack(
        arena_protobuf(run->job->arena), lease->runner_state.len, lease->runner_state.data);
    if (!state)
        return ctx_fail(run->job, &ERROR_INTERNAL, "the runner's state cannot be read");
    run->report.listed = state->listed;
    return go_to(run, (struct csv_place){state->offset, state->line});
}

/* Handles that were read once already are read again, to know those that repeat. */
static struct status go_to(struct run *run, struct csv_place position)
{
    struct csv_row row;
    bool is_end = false;

    while (csv_position(run->reader).offset < position.offset) {
        TRY(csv_next(run->reader, &row, &is_end));
        if (is_end || row.start.offset >= position.offset)
            break;
        if (row.problem == CSV_GOOD)
            (void)handles_add(run->handles, columns_get(&run->columns, &row, COLUMN_HANDLE));
    }
    csv_seek(run->reader, position);
    run->position = position;
    return status_ok();
}

static struct status work(struct run *run)
{
    struct csv_row row;
    bool is_end = false;

    while (!run->is_stopped) {
        TRY(csv_next(run->reader, &row, &is_end));
        if (is_end)
            break;
        TRY(take_row(run, &row));
    }
    if (run->is_stopped)
        return status_ok();
    TRY(finish_draft(run, csv_position(run->reader)));
    TRY(flush(run, csv_position(run->reader)));
    return end(run, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED, "");
}

static struct status take_row(struct run *run, const struct csv_row *row)
{
    const char *handle =
        row->problem == CSV_GOOD ? columns_get(&run->columns, row, COLUMN_HANDLE) : "";
    bool is_next = *handle && !(run->draft && str_equal(run->draft->handle, handle));

    if (is_next)
        TRY(finish_draft(run, row->start));
    if (run->is_stopped)
        return status_ok();
    if (!run->draft && run->report.count > ERRORS_AT_ONCE)
        TRY(flush(run, row->start));

    run->since.rows_read++;
    if (*handle == '\0') {
        refuse_row(run, row);
        return status_ok();
    }
    if (is_next) {
        const struct draft_source source = {run->ctx.arena, &run->report, &run->columns,
                                            run->import->target};
        run->draft = draft_begin(&source, handle);
        run->draft->is_repeated = !handles_add(run->handles, handle);
        draft_add(run->draft, row);
        if (handles_count(run->handles) == HANDLES_MAX)
            return end(run, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED,
                       "a file has at most 1048575 products: split it");
        return status_ok();
    }
    draft_add(run->draft, row);
    return status_ok();
}

/* A row that nobody can say the product of. */
static void refuse_row(struct run *run, const struct csv_row *row)
{
    static const struct {
        const char *reason, *detail;
    } PROBLEMS[] = {
        [CSV_GOOD] = {"MISSING_HANDLE", "every row names its product"},
        [CSV_BAD_QUOTES] = {"BAD_QUOTES", "a quote is not closed, or stands inside of a field"},
        [CSV_BAD_ENCODING] = {"BAD_ENCODING", "the file must be UTF-8"},
        [CSV_FIELD_TOO_LONG] = {"FIELD_TOO_LONG", "a field has at most 64 KiB"},
        [CSV_ROW_TOO_LONG] = {"ROW_TOO_LONG", "a row has at most 1 MiB; is a quote not closed?"},
        [CSV_WRONG_FIELD_COUNT] = {"WRONG_FIELD_COUNT", "as many fields as the first line has"},
    };
    struct refusal refusal = {.line = row->start.line,
                              .reason = PROBLEMS[row->problem].reason,
                              .detail = PROBLEMS[row->problem].detail};

    if (row->problem == CSV_GOOD)
        refusal.column = run->columns.names[COLUMN_HANDLE];
    if (row->problem == CSV_BAD_ENCODING)
        refusal.value = row->fields[row->problem_field];
    for (int i = 0; row->problem == CSV_BAD_ENCODING && i < COLUMN_COUNT; i++)
        if (run->columns.at[i] == (int)row->problem_field)
            refusal.column = run->columns.names[i];
    run->since.rows_refused++;
    report_add(&run->report, &refusal);
}

/* `next` is where the next product begins. */
static struct status finish_draft(struct run *run, struct csv_place next)
{
    struct draft *draft = run->draft;
    struct batch *batch = &run->batch;

    if (!draft)
        return status_ok();
    run->draft = NULL;
    if (draft_finish(draft)) {
        if (!batch_has_room(batch, draft))
            TRY(send(run));
        batch_add(batch, draft);
    } else {
        run->since.products_refused++;
        run->since.rows_refused += draft->refused_count + draft->excess_count;
    }
    bool is_full = batch->count == BATCH_PRODUCTS_MAX || run->report.count > ERRORS_AT_ONCE ||
                   arena_used(run->ctx.arena) > BATCH_MEMORY_MAX;
    return is_full || ctx_is_draining(run->job) ? flush(run, next) : status_ok();
}

static struct status send(struct run *run)
{
    struct batch *batch = &run->batch;

    run->ctx.deadline_us = clock_monotonic_us() + BATCH_TIMEOUT_MS * INT64_C(1000);
    if (batch->count > 0)
        TRY(batch_send(&run->ctx, run->import->target, batch, &run->since));
    for (size_t i = 0; i < batch->count; i++)
        run->since.rows_refused += batch->drafts[i]->refused_count + batch->drafts[i]->excess_count;
    *batch = (struct batch){.count = 0};
    return status_ok();
}

/* Sends what is ready and records that everything before `next` is done. */
static struct status flush(struct run *run, struct csv_place next)
{
    const struct gateway *self = ctx_state(run->job);
    bool is_draining = ctx_is_draining(run->job);

    TRY(send(run));
    TRY(crash_point(CRASH_IMPORT_BATCH_SENT, NULL));
    TRY(record_errors(run));
    add_counts(&run->counts, &run->since);
    catalog__v1__import_counts__init(&run->since);
    run->position = next;
    TRY(record(run, &(struct outcome){.lease_ms =
                                          is_draining ? RELEASE_LEASE_MS : self->import_lease_ms}));
    TRY(crash_point(CRASH_IMPORT_RECORDED, NULL));
    ctx_renew(&run->ctx, BATCH_TIMEOUT_MS);
    report_begin(&run->report, run->ctx.arena);
    run->is_stopped = is_draining;
    return status_ok();
}

static void add_counts(Catalog__V1__ImportCounts *counts, const Catalog__V1__ImportCounts *more)
{
    counts->rows_read += more->rows_read;
    counts->rows_refused += more->rows_refused;
    counts->products_created += more->products_created;
    counts->products_updated += more->products_updated;
    counts->products_unchanged += more->products_unchanged;
    counts->products_refused += more->products_refused;
    counts->prices_changed += more->prices_changed;
    counts->stock_changed += more->stock_changed;
}

/* Those that one request has no room for go ahead of the record that they belong to. */
static struct status record_errors(struct run *run)
{
    const struct gateway *self = ctx_state(run->job);

    while (run->report.count > ERRORS_AT_ONCE) {
        size_t first = run->report.count - ERRORS_AT_ONCE;
        TRY(record(run,
                   &(struct outcome){.lease_ms = self->import_lease_ms, .first_error = first}));
        run->report.count = first;
    }
    return status_ok();
}

static struct status record(struct run *run, const struct outcome *outcome)
{
    Catalog__V1__RecordImportProgressRequest request =
        CATALOG__V1__RECORD_IMPORT_PROGRESS_REQUEST__INIT;
    const Catalog__V1__RecordImportProgressResponse *response;
    Gateway__V1__ImportPosition state = GATEWAY__V1__IMPORT_POSITION__INIT;

    state.offset = run->position.offset;
    state.line = run->position.line;
    state.listed = run->report.listed;
    run->counts.bytes_read = run->position.offset;
    request.runner_state.data =
        arena_alloc(run->ctx.arena, gateway__v1__import_position__get_packed_size(&state));
    request.runner_state.len =
        gateway__v1__import_position__pack(&state, request.runner_state.data);
    request.import_id = run->import->id;
    request.epoch = run->epoch;
    request.lease_ms = outcome->lease_ms;
    request.counts = &run->counts;
    request.errors = run->report.errors + outcome->first_error;
    request.n_errors = run->report.count - outcome->first_error;
    request.ignored_columns = run->columns.ignored;
    request.n_ignored_columns = run->columns.ignored_count;
    request.final_state = outcome->state;
    request.failure = str_or_empty(outcome->failure);
    run->ctx.deadline_us = clock_monotonic_us() + BATCH_TIMEOUT_MS * INT64_C(1000);
    return catalog_v1_record_import_progress(&run->ctx, &request, &response);
}

static struct status end(struct run *run, Catalog__V1__ImportState state, const char *failure)
{
    run->is_stopped = true;
    TRY(record(
        run, &(struct outcome){.lease_ms = RELEASE_LEASE_MS, .state = state, .failure = failure}));
    log_info(run->job, "import_ends", LOG_STR("import", run->import->id),
             LOG_INT("rows", run->counts.rows_read), LOG_INT("refused", run->counts.rows_refused),
             LOG_STR("failure", failure));
    return status_ok();
}

static bool is_retriable(struct status status)
{
    return status.code == STATUS_UNAVAILABLE || status.code == STATUS_ABORTED ||
           status.code == STATUS_DEADLINE_EXCEEDED || status.code == STATUS_RESOURCE_EXHAUSTED ||
           status.code == STATUS_CANCELLED || status.code == STATUS_UNKNOWN;
}

/* What may pass by itself is left to the next runner, soon; what cannot ends the job. */
static struct status settle(struct run *run, struct status status)
{
    if (status.code == STATUS_OK)
        return status;
    if (status_reason_is(status, "IMPORT_LEASE_LOST")) {
        log_warn(run->job, "import_lost", LOG_STR("import", run->import->id));
        return status_ok();
    }
    status.detail = arena_strdup(run->job->arena, status.detail);
    status.violations = NULL;
    if (run->report.count > ERRORS_AT_ONCE)
        run->report.count = ERRORS_AT_ONCE;
    if (!is_retriable(status))
        return end(run, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED,
                   arena_printf(run->job->arena, "%s: %.500s", status.reason,
                                str_or_empty(status.detail)));
    (void)record(run, &(struct outcome){.lease_ms = RELEASE_LEASE_MS}); // else the lease runs out
    return status;
}
