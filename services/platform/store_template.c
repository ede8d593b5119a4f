/* store_template.c - the statements of templates. */
#include "platform.h"

#define TEMPLATE_COLUMNS "kind, locale, subject, text, html, template.version"
#define TEMPLATE_COLUMN_TYPES "ttttti"

static const struct db_stmt UPSERT_TEMPLATE = {
    .name = "upsert_template",
    .in = "ttttti", /* ..., the most there may be */
    .out = "i",
    .sql = "INSERT INTO platform.template (kind, locale, subject, text, html)"
           " SELECT $1, $2, $3, $4, $5"
           "  WHERE EXISTS (SELECT FROM platform.template WHERE kind = $1 AND locale = $2)"
           "     OR (SELECT count(*) FROM platform.template) < $6"
           " ON CONFLICT (kind, locale) DO UPDATE SET subject = excluded.subject,"
           " text = excluded.text, html = excluded.html, version = template.version + 1"
           " RETURNING version",
};

static const struct db_stmt LIST_TEMPLATES = {
    .name = "list_templates",
    .in = "i",
    .out = TEMPLATE_COLUMN_TYPES,
    .sql = "SELECT " TEMPLATE_COLUMNS " FROM platform.template ORDER BY kind, locale LIMIT $1",
    .read_only = true,
};

/* The locale, its language, English, whatever there is; with the address of the store that says it.
 */
static const struct db_stmt CHOOSE_TEMPLATE = {
    .name = "choose_template",
    .in = "ttu", /* kind, locale, store or NULL */
    .out = TEMPLATE_COLUMN_TYPES "t",
    .sql = "SELECT " TEMPLATE_COLUMNS ", coalesce(store.sender_email, '')"
           "  FROM platform.template LEFT JOIN platform.store ON store.id = $3"
           " WHERE kind = $1"
           " ORDER BY locale = $2 DESC, locale = split_part($2, '-', 1) DESC,"
           "          split_part(locale, '-', 1) = split_part($2, '-', 1) DESC,"
           "          locale = 'en' DESC, locale LIMIT 1",
    .read_only = true,
};

static Platform__V1__Template *read_template(struct ctx *ctx, const struct db_rows *rows,
                                             size_t row)
{
    Platform__V1__Template *template = arena_new(ctx->arena, Platform__V1__Template);

    platform__v1__template__init(template);
    template->kind = db_get_text(rows, row, 0);
    template->locale = db_get_text(rows, row, 1);
    template->subject = db_get_text(rows, row, 2);
    template->text = db_get_text(rows, row, 3);
    template->html = db_get_text(rows, row, 4);
    template->version = db_get_int(rows, row, 5);
    return template;
}

struct status store_upsert_template(struct db_tx *tx, Platform__V1__Template *template,
                                    bool *ret_written)
{
    struct db_rows rows;

    TRY(db_many(tx, &UPSERT_TEMPLATE,
                DB_ARGS(db_text(template->kind), db_text(template->locale),
                        db_text(template->subject), db_text(template->text),
                        db_text(template->html), db_int(TEMPLATES_MAX)),
                &rows));
    *ret_written = rows.count > 0;
    if (*ret_written)
        template->version = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_list_templates(struct db_tx *tx, Platform__V1__Template ***ret_templates,
                                   size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LIST_TEMPLATES, DB_ARGS(db_int(TEMPLATES_MAX)), &rows));
    *ret_templates = arena_array(ctx->arena, Platform__V1__Template *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_templates)[i] = read_template(ctx, &rows, i);
    return status_ok();
}

struct status store_choose_template(struct db_tx *tx, const char *kind, const char *locale,
                                    struct uuid store_id, struct chosen_template *ret_chosen)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found =
        db_one(tx, &CHOOSE_TEMPLATE,
               DB_ARGS(db_text(kind), db_text(locale), db_uuid_or_null(store_id)), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail(ctx, &TEMPLATE_NOT_FOUND, "%s", kind);
    TRY(found);
    ret_chosen->template = read_template(ctx, &rows, 0);
    ret_chosen->sender = db_get_text(&rows, 0, 6);
    return status_ok();
}

const struct db_stmt *const STORE_TEMPLATE_STATEMENTS[] = {
    &UPSERT_TEMPLATE,
    &LIST_TEMPLATES,
    &CHOOSE_TEMPLATE,
    NULL,
};
