/* upsert_template.c - what the shop says, by kind of message and language. */
#include "platform.h"
#include "template.h"

#include "common/str.h"
#include "platform/v1/service.handlers.h"

#include <string.h>

const struct error_def TEMPLATE_NOT_FOUND = {
    STATUS_NOT_FOUND, "TEMPLATE_NOT_FOUND",
    "write a template of this kind; messages that waited for it go out then"};

static void check_source(struct ctx *ctx, const char *field, const char *source,
                         enum template_form form);

struct status platform_upsert_template(struct ctx *ctx,
                                       const Platform__V1__UpsertTemplateRequest *req,
                                       Platform__V1__UpsertTemplateResponse *rep)
{
    Platform__V1__Template *template = req->template_;
    const char *name = arena_printf(ctx->arena, "%s/%s", template->kind, template->locale);
    bool is_written = false;

    check_code(ctx, "template.kind", template->kind, is_code, "letters, digits, '-', '_' and '.'");
    check_code(ctx, "template.locale", template->locale, is_locale, "a BCP 47 tag: de, de-AT");
    check_source(ctx, "template.subject", template->subject, TEMPLATE_LINE);
    check_source(ctx, "template.text", template->text, TEMPLATE_TEXT);
    check_source(ctx, "template.html", template->html, TEMPLATE_HTML);
    TRY(check_done(ctx, "template"));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_upsert_template(tx, template, &is_written));
    if (!is_written)
        return ctx_fail(ctx, &TOO_MANY_SETTINGS, "there are %d templates", TEMPLATES_MAX);
    TRY(db_audit(tx, "upsert_template", uuid_v5((struct uuid){0}, name, strlen(name)), name));
    rep->template_ = template;
    return db_commit(&tx);
}

struct status platform_list_templates(struct ctx *ctx,
                                      const Platform__V1__ListTemplatesRequest *req,
                                      Platform__V1__ListTemplatesResponse *rep)
{
    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_templates(tx, &rep->templates, &rep->n_templates);
}

/* Rendered with nothing, a template shows whether its sections match. */
static void check_source(struct ctx *ctx, const char *field, const char *source,
                         enum template_form form)
{
    const char *text;
    const char *problem =
        template_render(ctx->arena, source, form, &(struct template_data){0}, &text);

    if (problem != NULL)
        ctx_violation(ctx, field, NULL, problem);
}
