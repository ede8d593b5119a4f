/* category.c - the category tree. Writes queue behind each other, so what one decides about the
 * tree (no circle, not too deep, slugs free) still holds when it commits. */
#include "category.h"

#include "catalog/v1/events.schema.h"
#include "catalog/v1/service.handlers.h"
#include "common/str.h"
#include "events/outbox.h"
#include "store.h"

#include <inttypes.h>
#include <string.h>

const struct event_kind CATEGORY_CREATED = {"catalog.category.events.v1",
                                            &catalog__v1__category_created__schema, "category id"};
const struct event_kind CATEGORY_UPDATED = {"catalog.category.events.v1",
                                            &catalog__v1__category_updated__schema, "category id"};

const struct error_def INVALID_CATEGORY = {STATUS_INVALID_ARGUMENT, "INVALID_CATEGORY",
                                           "correct the fields that the violations name"};
const struct error_def CATEGORY_NOT_FOUND = {STATUS_NOT_FOUND, "CATEGORY_NOT_FOUND",
                                             "list the categories to find its id"};
const struct error_def CATEGORY_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "CATEGORY_CODE_TAKEN",
                                              "codes are unique; change the category that has it"};
const struct error_def CATEGORY_CYCLE = {STATUS_FAILED_PRECONDITION, "CATEGORY_CYCLE",
                                         "a category cannot be below itself"};
const struct error_def CATEGORY_TOO_DEEP = {STATUS_FAILED_PRECONDITION, "CATEGORY_TOO_DEEP",
                                            "a tree has at most 16 levels"};
const struct error_def TOO_MANY_CATEGORIES = {STATUS_FAILED_PRECONDITION, "TOO_MANY_CATEGORIES",
                                              "an installation has at most 5000 categories"};

static struct status check(struct ctx *ctx, const Catalog__V1__Category *category);
static struct status claim(struct db_tx *tx, const Catalog__V1__Category *category,
                           struct category_state *ret_state);
static struct status place(struct ctx *ctx, Catalog__V1__Category *category,
                           const struct category_state *state, struct category_change *ret_change);
static struct status settle_slugs(struct ctx *ctx, Catalog__V1__Category *category,
                                  const struct category_state *state);
static Catalog__V1__Category *copy(struct ctx *ctx, const Catalog__V1__Category *category);
static bool is_same(struct ctx *ctx, const Catalog__V1__Category *a,
                    const Catalog__V1__Category *b);

struct status catalog_create_category(struct ctx *ctx,
                                      const Catalog__V1__CreateCategoryRequest *req,
                                      Catalog__V1__CreateCategoryResponse *rep)
{
    Catalog__V1__Category *category = copy(ctx, req->category);
    Catalog__V1__CategoryCreated event = CATALOG__V1__CATEGORY_CREATED__INIT;
    struct category_state state;
    struct category_change change;

    category->id = uuid_text(ctx->arena, uuid_v7());
    category->version = 1;
    TRY(check(ctx, category));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(claim(tx, category, &state));
    if (state.count >= CATEGORIES_MAX)
        return ctx_fail(ctx, &TOO_MANY_CATEGORIES, "%" PRId64 " categories", state.count);
    TRY(place(ctx, category, &state, &change));
    TRY(store_write_category(tx, &change));
    event.category = category;
    TRY(outbox_add(tx, &CATEGORY_CREATED, store_id_of(category->id), 1, &event));
    TRY(db_audit(tx, "create_category", store_id_of(category->id), category->code));
    rep->category = category;
    return db_commit(&tx);
}

/* A category that is already as asked for is left alone. */
struct status catalog_update_category(struct ctx *ctx,
                                      const Catalog__V1__UpdateCategoryRequest *req,
                                      Catalog__V1__UpdateCategoryResponse *rep)
{
    Catalog__V1__Category *category = copy(ctx, req->category);
    Catalog__V1__CategoryUpdated event = CATALOG__V1__CATEGORY_UPDATED__INIT;
    struct category_state state;
    struct category_change change;

    TRY(check(ctx, category));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(claim(tx, category, &state));
    if (state.stored == NULL)
        return ctx_fail_field(ctx, &CATEGORY_NOT_FOUND, "category.id", category->id,
                              "the id of a category");
    TRY(ctx_check_version(ctx, req->expected_version, state.stored->version));
    category->version = state.stored->version;
    TRY(place(ctx, category, &state, &change));
    rep->category = category;
    if (is_same(ctx, category, state.stored))
        return db_commit(&tx);
    category->version++;
    TRY(store_write_category(tx, &change));
    event.category = category;
    TRY(outbox_add(tx, &CATEGORY_UPDATED, store_id_of(category->id), category->version, &event));
    TRY(db_audit(tx, "update_category", store_id_of(category->id), category->code));
    return db_commit(&tx);
}

struct status catalog_list_categories(struct ctx *ctx,
                                      const Catalog__V1__ListCategoriesRequest *req,
                                      Catalog__V1__ListCategoriesResponse *rep)
{
    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_categories(tx, &rep->categories, &rep->n_categories);
}

static struct status check(struct ctx *ctx, const Catalog__V1__Category *category)
{
    struct map *locales = map_create(ctx->arena, category->n_texts);

    if (category->n_texts == 0)
        ctx_violation(ctx, "category.texts", "", "at least one text");
    for (size_t i = 0; i < category->n_texts; i++) {
        const Catalog__V1__CategoryText *text = category->texts[i];
        if (!locale_is_valid(text->locale) || map_get(locales, text->locale) != NULL)
            ctx_violation(ctx, arena_printf(ctx->arena, "category.texts[%zu].locale", i),
                          text->locale, "a BCP 47 tag such as en or de-AT, each once");
        if (*text->slug != '\0' && !slug_is_valid(text->slug))
            ctx_violation(ctx, arena_printf(ctx->arena, "category.texts[%zu].slug", i), text->slug,
                          "lower-case letters, digits and single hyphens between them");
        map_set(locales, text->locale, locales);
    }
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &INVALID_CATEGORY, "category %s", category->code);
    return status_ok();
}

static struct status claim(struct db_tx *tx, const Catalog__V1__Category *category,
                           struct category_state *ret_state)
{
    struct arena *arena = db_ctx(tx)->arena;
    const char **slugs = arena_array(arena, const char *, category->n_texts);

    for (size_t i = 0; i < category->n_texts; i++)
        slugs[i] = *category->texts[i]->slug != '\0'
                       ? category->texts[i]->slug
                       : slug_derive(arena, category->texts[i]->name, category->code, category->id);
    return store_claim_category(tx, category, slugs, ret_state);
}

/* Where in the tree it goes, and whether everything below it may go along. */
static struct status place(struct ctx *ctx, Catalog__V1__Category *category,
                           const struct category_state *state, struct category_change *ret_change)
{
    if (state->code_owner != NULL && !str_equal(state->code_owner, category->id))
        return ctx_fail_field(ctx, &CATEGORY_CODE_TAKEN, "category.code", category->code,
                              "a code that no other category has");
    if (*category->parent_id != '\0' && !state->has_parent)
        return ctx_fail_field(ctx, &CATEGORY_NOT_FOUND, "category.parentId", category->parent_id,
                              "the id of a category, or empty for a root");
    struct uuid id = store_id_of(category->id);
    for (size_t i = 0; i < state->parent_depth; i++)
        if (uuid_equal(state->parent_path[i], id))
            return ctx_fail_field(ctx, &CATEGORY_CYCLE, "category.parentId", category->parent_id,
                                  "a category that is not below this one");
    size_t depth = state->parent_depth + 1;
    size_t below = state->stored != NULL ? (size_t)state->deepest - state->depth : 0;
    if (depth + below > CATEGORY_DEPTH_MAX)
        return ctx_fail_field(
            ctx, &CATEGORY_TOO_DEEP, "category.parentId", category->parent_id,
            arena_printf(ctx->arena, "a parent that leaves %zu levels", below + 1));
    TRY(settle_slugs(ctx, category, state));

    struct uuid *path = arena_array(ctx->arena, struct uuid, depth);
    for (size_t i = 0; i < state->parent_depth; i++)
        path[i] = state->parent_path[i];
    path[depth - 1] = id;
    *ret_change = (struct category_change){
        .wanted = category,
        .path = path,
        .depth = depth,
        .depth_before = state->depth,
        .moves = state->stored != NULL &&
                 !str_equal(state->stored->parent_id, category->parent_id) && below > 0,
    };
    return status_ok();
}

/* As with products: a slug that is asked for must be free, one that we make steps aside. */
static struct status settle_slugs(struct ctx *ctx, Catalog__V1__Category *category,
                                  const struct category_state *state)
{
    for (size_t i = 0; i < category->n_texts; i++) {
        Catalog__V1__CategoryText *text = category->texts[i];
        for (size_t j = 0; state->stored != NULL && j < state->stored->n_texts; j++)
            if (*text->slug == '\0' && str_equal(state->stored->texts[j]->locale, text->locale))
                text->slug = state->stored->texts[j]->slug;
        if (*text->slug == '\0') {
            const char *base = slug_derive(ctx->arena, text->name, category->code, category->id);
            text->slug =
                slug_free(ctx->arena, state->slugs, arena_printf(ctx->arena, " %s", text->locale),
                          base, category->id);
        }
        const char *owner =
            map_get(state->slugs, claim_slug(ctx->arena, "", text->locale, text->slug));
        if (owner != NULL && !str_equal(owner, category->id))
            return ctx_fail_field(ctx, &SLUG_TAKEN,
                                  arena_printf(ctx->arena, "category.texts[%zu].slug", i),
                                  text->slug, "a slug that no other category has in this locale");
    }
    return status_ok();
}

static Catalog__V1__Category *copy(struct ctx *ctx, const Catalog__V1__Category *category)
{
    Catalog__V1__Category *copied = arena_memdup(ctx->arena, category, sizeof *category);
    copied->texts = arena_array(ctx->arena, Catalog__V1__CategoryText *, category->n_texts);
    for (size_t i = 0; i < category->n_texts; i++)
        copied->texts[i] = arena_memdup(ctx->arena, category->texts[i], sizeof *category->texts[i]);
    return copied;
}

static bool is_same(struct ctx *ctx, const Catalog__V1__Category *a, const Catalog__V1__Category *b)
{
    size_t length = catalog__v1__category__get_packed_size(a);
    uint8_t *left = arena_alloc(ctx->arena, length);
    uint8_t *right = arena_alloc(ctx->arena, length);

    if (length != catalog__v1__category__get_packed_size(b))
        return false;
    catalog__v1__category__pack(a, left);
    catalog__v1__category__pack(b, right);
    return memcmp(left, right, length) == 0;
}
