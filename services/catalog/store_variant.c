/* store_variant.c - the statements of variants: their changes, and the snapshots that carts take.
 */
#include "store.h"

#include "common/str.h"

static const struct db_stmt ADD_VARIANTS = {
    .name = "add_variants",
    .in = "UUTIITTITT",
    .out = "",
    .sql = "INSERT INTO catalog.variant (id, product_id, sku, version, position, option_values,"
           " barcode, weight_grams, tax_category_code, image_url)"
           " SELECT id, product_id, sku, version, position, list::text[], barcode, weight, tax,"
           " image FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS row(id, product_id,"
           " sku, version, position, list, barcode, weight, tax, image) ORDER BY sku",
};

static const struct db_stmt CHANGE_VARIANTS = {
    .name = "change_variants",
    .in = "UUTIITTITT",
    .out = "",
    .sql = "UPDATE catalog.variant SET sku = row.sku, version = row.version,"
           " position = row.position, option_values = row.list::text[], barcode = row.barcode,"
           " weight_grams = row.weight, tax_category_code = row.tax, image_url = row.image"
           " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS row(id, product_id,"
           " sku, version, position, list, barcode, weight, tax, image)"
           " WHERE variant.id = row.id AND variant.product_id = row.product_id",
};

static const struct db_stmt REMOVE_VARIANTS = {
    .name = "remove_variants",
    .in = "U",
    .out = "",
    .sql = "DELETE FROM catalog.variant WHERE id = ANY ($1)",
};

static const struct db_stmt LOAD_SNAPSHOTS = {
    .name = "load_snapshots",
    .in = "Utu",
    .out = "uutittttitTTUf",
    .sql = "SELECT v.id, v.product_id, v.sku, p.version, coalesce(text.name, ''),"
           " coalesce(text.locale, ''), coalesce(text.slug, ''),"
           " coalesce(nullif(v.tax_category_code, ''), p.tax_category_code), v.weight_grams,"
           " coalesce(nullif(v.image_url, ''), (SELECT url FROM catalog.product_image"
           "   WHERE product_id = p.id ORDER BY position LIMIT 1), ''),"
           " v.option_values, option.names, category.ids,"
           " coalesce((SELECT true FROM catalog.publication" // one row; EXISTS may read them all
           "  WHERE channel_id = $3 AND product_id = p.id AND" PUBLISHED_NOW "), false)"
           " FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS wanted(id, place)"
           " JOIN catalog.variant v ON v.id = wanted.id"
           " JOIN catalog.product p ON p.id = v.product_id"
           " LEFT JOIN LATERAL ("
           "  SELECT t.name, t.locale, t.slug FROM catalog.product_text t WHERE t.product_id = p.id"
           "   ORDER BY t.store_id, t.locale = $2 DESC, t.locale = split_part($2, '-', 1) DESC,"
           "    split_part(t.locale, '-', 1) = split_part($2, '-', 1) DESC, t.position"
           "   LIMIT 1) text ON true"
           " CROSS JOIN LATERAL (SELECT array_agg(part.name) AS names FROM ("
           "  SELECT name FROM catalog.product_option WHERE product_id = p.id ORDER BY position"
           " ) part) option"
           " CROSS JOIN LATERAL (SELECT array_agg(DISTINCT step) AS ids"
           "  FROM catalog.product_category pc JOIN catalog.category c ON c.id = pc.category_id"
           "   CROSS JOIN unnest(c.path) AS step WHERE pc.product_id = p.id) category"
           " ORDER BY wanted.place",
    .read_only = true,
};

/* One list of variants on its way to ADD_VARIANTS or CHANGE_VARIANTS. */
struct variant_columns {
    struct uuid *ids, *products;
    int64_t *versions, *positions, *weights;
    const char **skus, **options, **barcodes, **taxes, **images;
    size_t count;
};

static struct variant_columns make_columns(struct arena *arena, size_t max);
static void add_row(struct arena *arena, struct variant_columns *columns,
                    const Catalog__V1__Variant *variant);
static struct status write_columns(struct db_tx *tx, const struct db_stmt *stmt,
                                   const struct variant_columns *columns);

/* Those that go, first: their SKUs become free. */
struct status store_write_variants(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t added_max = 0, changed_max = 0, removed_max = 0, removed_count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        added_max += batch->plans[i].added_count;
        changed_max += batch->plans[i].changed_count;
        removed_max += batch->plans[i].removed_count;
    }
    struct variant_columns added = make_columns(arena, added_max);
    struct variant_columns changed = make_columns(arena, changed_max);
    struct uuid *removed = arena_array(arena, struct uuid, removed_max);
    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        if (plan->wanted == NULL)
            continue;
        for (size_t j = 0; j < plan->added_count; j++)
            add_row(arena, &added, plan->wanted->variants[plan->added[j]]);
        for (size_t j = 0; j < plan->changed_count; j++)
            add_row(arena, &changed, plan->wanted->variants[plan->changed[j]]);
        for (size_t j = 0; j < plan->removed_count; j++)
            removed[removed_count++] = store_id_of(plan->removed[j]->id);
    }
    if (removed_count > 0)
        TRY(db_later(tx, &REMOVE_VARIANTS, DB_ARGS(db_uuids(removed, removed_count))));
    TRY(write_columns(tx, &CHANGE_VARIANTS, &changed));
    return write_columns(tx, &ADD_VARIANTS, &added);
}

static struct variant_columns make_columns(struct arena *arena, size_t max)
{
    return (struct variant_columns){
        .ids = arena_array(arena, struct uuid, max),
        .products = arena_array(arena, struct uuid, max),
        .versions = arena_array(arena, int64_t, max),
        .positions = arena_array(arena, int64_t, max),
        .weights = arena_array(arena, int64_t, max),
        .skus = arena_array(arena, const char *, max),
        .options = arena_array(arena, const char *, max),
        .barcodes = arena_array(arena, const char *, max),
        .taxes = arena_array(arena, const char *, max),
        .images = arena_array(arena, const char *, max),
    };
}

static void add_row(struct arena *arena, struct variant_columns *columns,
                    const Catalog__V1__Variant *variant)
{
    size_t row = columns->count++;

    columns->ids[row] = store_id_of(variant->id);
    columns->products[row] = store_id_of(variant->product_id);
    columns->versions[row] = variant->version;
    columns->positions[row] = variant->position;
    columns->weights[row] = variant->weight_grams;
    columns->skus[row] = variant->sku;
    columns->options[row] =
        store_array_literal(arena, variant->option_values, variant->n_option_values);
    columns->barcodes[row] = variant->barcode;
    columns->taxes[row] = variant->tax_category_code;
    columns->images[row] = variant->image_url;
}

static struct status write_columns(struct db_tx *tx, const struct db_stmt *stmt,
                                   const struct variant_columns *columns)
{
    size_t count = columns->count;

    if (count == 0)
        return status_ok();
    return db_later(tx, stmt,
                    DB_ARGS(db_uuids(columns->ids, count), db_uuids(columns->products, count),
                            db_texts(columns->skus, count), db_ints(columns->versions, count),
                            db_ints(columns->positions, count), db_texts(columns->options, count),
                            db_texts(columns->barcodes, count), db_ints(columns->weights, count),
                            db_texts(columns->taxes, count), db_texts(columns->images, count)));
}

static Catalog__V1__VariantSnapshot *read_snapshot(struct ctx *ctx, const struct db_rows *rows,
                                                   size_t row)
{
    Catalog__V1__VariantSnapshot *snapshot = arena_new(ctx->arena, Catalog__V1__VariantSnapshot);
    size_t name_count, value_count;
    const char *const *values = db_get_texts(ctx, rows, row, 10, &value_count);
    const char *const *names = db_get_texts(ctx, rows, row, 11, &name_count);
    size_t category_count;
    const struct uuid *categories = db_get_uuids(ctx, rows, row, 12, &category_count);

    catalog__v1__variant_snapshot__init(snapshot);
    snapshot->variant_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    snapshot->product_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 1));
    snapshot->sku = db_get_text(rows, row, 2);
    snapshot->product_version = db_get_int(rows, row, 3);
    snapshot->name = db_get_text(rows, row, 4);
    snapshot->locale = db_get_text(rows, row, 5);
    snapshot->slug = db_get_text(rows, row, 6);
    snapshot->tax_category_code = db_get_text(rows, row, 7);
    snapshot->weight_grams = db_get_int(rows, row, 8);
    snapshot->image_url = db_get_text(rows, row, 9);
    snapshot->is_published = db_get_bool(rows, row, 13);

    snapshot->n_options = value_count < name_count ? value_count : name_count;
    snapshot->options = arena_array(ctx->arena, Catalog__V1__OptionValue *, snapshot->n_options);
    for (size_t i = 0; i < snapshot->n_options; i++) {
        snapshot->options[i] = arena_new(ctx->arena, Catalog__V1__OptionValue);
        catalog__v1__option_value__init(snapshot->options[i]);
        snapshot->options[i]->name = names[i];
        snapshot->options[i]->value = values[i];
    }
    snapshot->n_category_ids = category_count;
    snapshot->category_ids = arena_array(ctx->arena, const char *, category_count);
    for (size_t i = 0; i < category_count; i++)
        snapshot->category_ids[i] = uuid_text(ctx->arena, categories[i]);
    return snapshot;
}

struct status store_load_snapshots(struct db_tx *tx, const struct snapshot_query *query,
                                   Catalog__V1__VariantSnapshot ***ret_snapshots, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOAD_SNAPSHOTS,
                DB_ARGS(db_uuids(query->ids, query->count), db_text(query->locale),
                        db_uuid_or_null(query->channel_id)),
                &rows));
    *ret_count = rows.count;
    *ret_snapshots = arena_array(db_ctx(tx)->arena, Catalog__V1__VariantSnapshot *, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        (*ret_snapshots)[i] = read_snapshot(db_ctx(tx), &rows, i);
    return status_ok();
}

const struct db_stmt *const STORE_VARIANT_STATEMENTS[] = {
    &ADD_VARIANTS, &CHANGE_VARIANTS, &REMOVE_VARIANTS, &LOAD_SNAPSHOTS, NULL,
};
