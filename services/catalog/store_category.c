/* store_category.c - the statements of the category tree. A category knows its whole path, so no
 * reader ever walks the tree. */
#include "category.h"

#include "common/str.h"
#include "store.h"

#define CATEGORY_COLUMNS                                                                           \
    "c.id, c.parent_id, c.code, c.position, c.version, c.path, text.locales, text.names, "         \
    "text.slugs"
#define CATEGORY_COLUMN_TYPES "uutiiUTTT"
#define CATEGORY_TEXTS                                                                             \
    " CROSS JOIN LATERAL (SELECT array_agg(part.locale) AS locales,"                               \
    "  array_agg(part.name) AS names, array_agg(part.slug) AS slugs FROM ("                        \
    "  SELECT * FROM catalog.category_text WHERE category_id = c.id ORDER BY position) part) text"

/* Two moves at once could make a circle that neither of them sees. Foreign keys of products take a
 * weaker lock and do not wait. */
static const struct db_stmt LOCK_TREE = {
    .name = "lock_category_tree",
    .in = "",
    .out = "",
    .sql = "LOCK TABLE catalog.category IN SHARE ROW EXCLUSIVE MODE",
};

static const struct db_stmt FIND_FAMILY = {
    .name = "find_category_family",
    .in = "uut",
    .out = CATEGORY_COLUMN_TYPES,
    .sql = "SELECT " CATEGORY_COLUMNS " FROM catalog.category c" CATEGORY_TEXTS
           " WHERE c.id = $1 OR c.id = $2 OR c.code = $3",
};

static const struct db_stmt MEASURE_TREE = {
    .name = "measure_category_tree",
    .in = "u",
    .out = "ii",
    .sql = "SELECT coalesce(max(cardinality(path)) FILTER (WHERE path @> ARRAY[$1]), 0)::bigint,"
           " count(*) FROM catalog.category",
};

static const struct db_stmt FIND_CATEGORY_SLUGS = {
    .name = "find_category_slugs",
    .in = "TT",
    .out = "ttu",
    .sql = "SELECT t.locale, t.slug, t.category_id"
           " FROM unnest($1, $2) AS wanted(locale, slug)"
           " JOIN catalog.category_text t ON t.locale = wanted.locale AND t.slug >= wanted.slug"
           "  AND t.slug < wanted.slug || '-:'",
};

static const struct db_stmt ADD_CATEGORY = {
    .name = "add_category",
    .in = "uutiiU",
    .out = "",
    .sql = "INSERT INTO catalog.category (id, parent_id, code, position, version, path)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
};

static const struct db_stmt CHANGE_CATEGORY = {
    .name = "change_category",
    .in = "uutiiU",
    .out = "",
    .sql = "UPDATE catalog.category SET parent_id = $2, code = $3, position = $4, version = $5,"
           " path = $6 WHERE id = $1",
};

/* What is below goes along: the first $3 steps of its path become $2. */
static const struct db_stmt MOVE_DESCENDANTS = {
    .name = "move_category_descendants",
    .in = "uUi",
    .out = "",
    .sql = "UPDATE catalog.category SET path = $2 || path[$3::int + 1 : cardinality(path)]"
           " WHERE path @> ARRAY[$1] AND id <> $1",
};

static const struct db_stmt REMOVE_CATEGORY_TEXTS = {
    .name = "remove_category_texts",
    .in = "u",
    .out = "",
    .sql = "DELETE FROM catalog.category_text WHERE category_id = $1",
};

static const struct db_stmt ADD_CATEGORY_TEXTS = {
    .name = "add_category_texts",
    .in = "uTTT",
    .out = "",
    .sql = "INSERT INTO catalog.category_text (category_id, locale, slug, name, position)"
           " SELECT $1, row.locale, row.slug, row.name, row.position"
           " FROM unnest($2, $3, $4) WITH ORDINALITY AS row(locale, slug, name, position)",
};

static const struct db_stmt LIST_CATEGORIES = {
    .name = "list_categories",
    .in = "i",
    .out = CATEGORY_COLUMN_TYPES,
    .sql = "SELECT " CATEGORY_COLUMNS " FROM catalog.category c" CATEGORY_TEXTS
           " ORDER BY cardinality(c.path), c.position, c.code LIMIT $1",
    .read_only = true,
};

static Catalog__V1__Category *read_category(struct ctx *ctx, const struct db_rows *rows,
                                            size_t row);
static void read_family(struct ctx *ctx, const struct db_rows *rows,
                        const Catalog__V1__Category *wanted, struct category_state *state);

struct status store_claim_category(struct db_tx *tx, const Catalog__V1__Category *wanted,
                                   const char *const *slugs, struct category_state *ret_state)
{
    struct ctx *ctx = db_ctx(tx);
    struct uuid id = store_id_of(wanted->id);
    const char **locales = arena_array(ctx->arena, const char *, wanted->n_texts);
    for (size_t i = 0; i < wanted->n_texts; i++)
        locales[i] = wanted->texts[i]->locale;
    struct db_call calls[] = {
        {&LOCK_TREE, DB_NONE, {0}},
        {&FIND_FAMILY,
         DB_ARGS(db_uuid(id), db_uuid(store_id_of(wanted->parent_id)), db_text(wanted->code)),
         {0}},
        {&MEASURE_TREE, DB_ARGS(db_uuid(id)), {0}},
        {&FIND_CATEGORY_SLUGS,
         DB_ARGS(db_texts(locales, wanted->n_texts), db_texts(slugs, wanted->n_texts)),
         {0}},
    };

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    struct category_state state = {
        .deepest = db_get_int(&calls[2].rows, 0, 0),
        .count = db_get_int(&calls[2].rows, 0, 1),
        .slugs = map_create(ctx->arena, calls[3].rows.count),
    };
    read_family(ctx, &calls[1].rows, wanted, &state);
    for (size_t i = 0; i < calls[3].rows.count; i++)
        map_set(state.slugs,
                claim_slug(ctx->arena, "", db_get_text(&calls[3].rows, i, 0),
                           db_get_text(&calls[3].rows, i, 1)),
                uuid_text(ctx->arena, db_get_uuid(&calls[3].rows, i, 2)));
    *ret_state = state;
    return status_ok();
}

struct status store_write_category(struct db_tx *tx, const struct category_change *change)
{
    const Catalog__V1__Category *wanted = change->wanted;
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid id = store_id_of(wanted->id);
    bool is_new = change->depth_before == 0;
    const char **columns[3];
    for (size_t c = 0; c < ARRAY_LEN(columns); c++)
        columns[c] = arena_array(arena, const char *, wanted->n_texts);
    for (size_t i = 0; i < wanted->n_texts; i++) {
        columns[0][i] = wanted->texts[i]->locale;
        columns[1][i] = wanted->texts[i]->slug;
        columns[2][i] = wanted->texts[i]->name;
    }

    TRY(db_later(tx, is_new ? &ADD_CATEGORY : &CHANGE_CATEGORY,
                 DB_ARGS(db_uuid(id), db_uuid_or_null(store_id_of(wanted->parent_id)),
                         db_text(wanted->code), db_int(wanted->position), db_int(wanted->version),
                         db_uuids(change->path, change->depth))));
    if (change->moves)
        TRY(db_later(tx, &MOVE_DESCENDANTS,
                     DB_ARGS(db_uuid(id), db_uuids(change->path, change->depth),
                             db_int((int64_t)change->depth_before))));
    if (!is_new)
        TRY(db_later(tx, &REMOVE_CATEGORY_TEXTS, DB_ARGS(db_uuid(id))));
    return db_later(tx, &ADD_CATEGORY_TEXTS,
                    DB_ARGS(db_uuid(id), db_texts(columns[0], wanted->n_texts),
                            db_texts(columns[1], wanted->n_texts),
                            db_texts(columns[2], wanted->n_texts)));
}

struct status store_list_categories(struct db_tx *tx, Catalog__V1__Category ***ret_categories,
                                    size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_CATEGORIES, DB_ARGS(db_int(CATEGORIES_MAX)), &rows));
    *ret_count = rows.count;
    *ret_categories = arena_array(db_ctx(tx)->arena, Catalog__V1__Category *, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        (*ret_categories)[i] = read_category(db_ctx(tx), &rows, i);
    return status_ok();
}

static Catalog__V1__Category *read_category(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Catalog__V1__Category *category = arena_new(ctx->arena, Catalog__V1__Category);
    struct uuid parent = db_get_uuid(rows, row, 1);
    size_t count;
    const char *const *locales = db_get_texts(ctx, rows, row, 6, &count);
    const char *const *names = db_get_texts(ctx, rows, row, 7, &count);
    const char *const *slugs = db_get_texts(ctx, rows, row, 8, &count);

    catalog__v1__category__init(category);
    category->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    category->parent_id = uuid_is_nil(parent) ? "" : uuid_text(ctx->arena, parent);
    category->code = db_get_text(rows, row, 2);
    category->position = (int32_t)db_get_int(rows, row, 3);
    category->version = db_get_int(rows, row, 4);
    category->n_texts = count;
    category->texts = arena_array(ctx->arena, Catalog__V1__CategoryText *, count);
    for (size_t i = 0; i < count; i++) {
        category->texts[i] = arena_new(ctx->arena, Catalog__V1__CategoryText);
        catalog__v1__category_text__init(category->texts[i]);
        category->texts[i]->locale = locales[i];
        category->texts[i]->name = names[i];
        category->texts[i]->slug = slugs[i];
    }
    return category;
}

/* Itself, its parent to be, and who has its code: three at most. */
static void read_family(struct ctx *ctx, const struct db_rows *rows,
                        const Catalog__V1__Category *wanted, struct category_state *state)
{
    for (size_t i = 0; i < rows->count; i++) {
        Catalog__V1__Category *category = read_category(ctx, rows, i);
        size_t depth;
        const struct uuid *path = db_get_uuids(ctx, rows, i, 5, &depth);
        if (str_equal(category->id, wanted->id)) {
            state->stored = category;
            state->path = path;
            state->depth = depth;
        }
        if (str_equal(category->id, wanted->parent_id)) {
            state->has_parent = true;
            state->parent_path = path;
            state->parent_depth = depth;
        }
        if (str_equal(category->code, wanted->code))
            state->code_owner = category->id;
    }
}

const struct db_stmt *const STORE_CATEGORY_STATEMENTS[] = {
    &LOCK_TREE,
    &FIND_FAMILY,
    &MEASURE_TREE,
    &FIND_CATEGORY_SLUGS,
    &ADD_CATEGORY,
    &CHANGE_CATEGORY,
    &MOVE_DESCENDANTS,
    &REMOVE_CATEGORY_TEXTS,
    &ADD_CATEGORY_TEXTS,
    &LIST_CATEGORIES,
    NULL,
};
