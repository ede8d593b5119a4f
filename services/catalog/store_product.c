/* store_product.c - reading products. One statement reads a product with all its parts, so no
 * reader ever sees half of a change; a page of them costs what one does.
 *
 * Which products are read is hidden from the planner in a sub-select: it then expects as many
 * whatever the arguments are, so it keeps one plan instead of spending on each call what takes
 * longer than reading a product. */
#include "store.h"

#include "chassis/wire.h"
#include "common/str.h"

#include <assert.h>
#include <string.h>

const struct error_def PRODUCT_NOT_FOUND = {STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND",
                                            "list the products to find its id"};

static const struct db_stmt LOAD_PRODUCTS = {
    .name = "load_products",
    .in = "U",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM unnest($1) WITH ORDINALITY AS wanted(id, place)"
           " JOIN catalog.product p ON p.id = wanted.id" PRODUCT_PARTS " ORDER BY wanted.place",
    .read_only = true,
};

static const struct db_stmt LOCK_PRODUCT = {
    .name = "lock_product",
    .in = "u",
    .out = "d",
    .sql = "SELECT clock_timestamp() FROM catalog.product WHERE id = $1 FOR UPDATE",
};

/* The store's own text wins over the default store's, the locale over its language. */
static const struct db_stmt FIND_BY_SLUG = {
    .name = "find_by_slug",
    .in = "ttuu",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM catalog.product p" PRODUCT_PARTS " WHERE p.id = ("
           "  SELECT t.product_id FROM catalog.product_text t"
           "   WHERE t.slug = $1 AND t.locale IN ($2, split_part($2, '-', 1))"
           "     AND t.store_id IN ($3, '00000000-0000-0000-0000-000000000000')"
           "     AND ($4::uuid IS NULL OR EXISTS ("
           "       SELECT FROM catalog.publication"
           "        WHERE channel_id = $4 AND product_id = t.product_id AND" PUBLISHED_NOW "))"
           "   ORDER BY t.store_id = $3 DESC, t.locale = $2 DESC LIMIT 1)",
    .read_only = true,
};

static const struct db_stmt LIST_ALL = {
    .name = "list_products",
    .in = "ui",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM unnest(ARRAY("
           "  SELECT id FROM catalog.product WHERE id > $1 ORDER BY id LIMIT $2)) AS page(id)"
           " JOIN catalog.product p ON p.id = page.id" PRODUCT_PARTS " ORDER BY p.id",
    .read_only = true,
};

static const struct db_stmt LIST_CHANNEL = {
    .name = "list_products_of_channel",
    .in = "uiu",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM unnest(ARRAY("
           "  SELECT product_id FROM catalog.publication"
           "   WHERE channel_id = $3 AND product_id > $1 AND" PUBLISHED_NOW
           "   ORDER BY product_id LIMIT $2)) AS page(id)"
           " JOIN catalog.product p ON p.id = page.id" PRODUCT_PARTS " ORDER BY p.id",
    .read_only = true,
};

/* The first of each category below, of which the first of all are the page. */
static const struct db_stmt LIST_CATEGORY = {
    .name = "list_products_of_category",
    .in = "uiuu",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM unnest(ARRAY("
           "  SELECT DISTINCT own.product_id FROM catalog.category c CROSS JOIN LATERAL ("
           "    SELECT product_id FROM catalog.product_category pc"
           "     WHERE pc.category_id = c.id AND pc.product_id > $1"
           "       AND ($3::uuid IS NULL OR EXISTS ("
           "         SELECT FROM catalog.publication b WHERE b.channel_id = $3"
           "            AND b.product_id = pc.product_id AND" PUBLISHED_NOW "))"
           "     ORDER BY product_id LIMIT $2) own"
           "   WHERE c.path @> ARRAY[$4] ORDER BY product_id LIMIT $2)) AS page(id)"
           " JOIN catalog.product p ON p.id = page.id" PRODUCT_PARTS " ORDER BY p.id",
    .read_only = true,
};

/* When a date alone publishes the next product of the list. */
static const struct db_stmt NEXT_PUBLISH_TIME = {
    .name = "next_publish_time",
    .in = "uu",
    .out = "d",
    .sql = "SELECT b.publish_time FROM catalog.publication b"
           " WHERE b.channel_id = $1 AND b.state = 2 AND b.publish_time > now()"
           "   AND ($2::uuid IS NULL OR EXISTS ("
           "     SELECT FROM catalog.product_category pc"
           "       JOIN catalog.category c ON c.id = pc.category_id"
           "      WHERE pc.product_id = b.product_id AND c.path @> ARRAY[$2]))"
           " ORDER BY b.publish_time LIMIT 1",
    .read_only = true,
};

static Catalog__V1__Product *read_product(struct ctx *ctx, const struct db_rows *rows, size_t row);
static void read_texts(struct ctx *ctx, const struct db_rows *rows, size_t row,
                       Catalog__V1__Product *product);
static void read_options(struct ctx *ctx, const struct db_rows *rows, size_t row,
                         Catalog__V1__Product *product);
static void read_images(struct ctx *ctx, const struct db_rows *rows, size_t row,
                        Catalog__V1__Product *product);
static void read_publications(struct ctx *ctx, const struct db_rows *rows, size_t row,
                              Catalog__V1__Product *product);
static void read_variants(struct ctx *ctx, const struct db_rows *rows, size_t row,
                          Catalog__V1__Product *product);

struct status store_load_products(struct db_tx *tx, const struct uuid *ids, size_t count,
                                  Catalog__V1__Product ***ret_products, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOAD_PRODUCTS, DB_ARGS(db_uuids(ids, count)), &rows));
    *ret_products = store_read_products(db_ctx(tx), &rows);
    *ret_count = rows.count;
    return status_ok();
}

/* Two statements: what the first waited for, the second sees. */
struct status store_lock_product(struct db_tx *tx, struct uuid id,
                                 Catalog__V1__Product **ret_product, int64_t *ret_now_us)
{
    struct db_call calls[] = {{&LOCK_PRODUCT, DB_ARGS(db_uuid(id)), {0}},
                              {&LOAD_PRODUCTS, DB_ARGS(db_uuids(&id, 1)), {0}}};
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    if (calls[0].rows.count == 0)
        return ctx_fail_field(db_ctx(tx), &PRODUCT_NOT_FOUND, "productId",
                              uuid_text(db_ctx(tx)->arena, id), "the id of a product");
    *ret_now_us = db_get_time(&calls[0].rows, 0, 0);
    *ret_product = read_product(db_ctx(tx), &calls[1].rows, 0);
    return status_ok();
}

struct status store_find_by_slug(struct db_tx *tx, const struct slug_query *query,
                                 Catalog__V1__Product **ret_product)
{
    struct db_rows rows;
    TRY(db_many(tx, &FIND_BY_SLUG,
                DB_ARGS(db_text(query->slug), db_text(query->locale), db_uuid(query->store_id),
                        db_uuid_or_null(query->channel_id)),
                &rows));
    if (rows.count == 0)
        return ctx_fail_field(db_ctx(tx), &PRODUCT_NOT_FOUND, "slug", query->slug,
                              "the slug of a product in this locale, store and channel");
    *ret_product = read_product(db_ctx(tx), &rows, 0);
    return status_ok();
}

struct status store_list_products(struct db_tx *tx, const struct product_filter *filter,
                                  Catalog__V1__Product ***ret_products, size_t *ret_count,
                                  int64_t *ret_valid_until_us)
{
    const struct db_value page[] = {db_uuid(filter->after), db_int(filter->limit),
                                    db_uuid_or_null(filter->channel_id),
                                    db_uuid_or_null(filter->category_id)};
    bool has_channel = !uuid_is_nil(filter->channel_id);
    bool has_category = !uuid_is_nil(filter->category_id);
    struct db_call calls[] = {
        {has_category  ? &LIST_CATEGORY
         : has_channel ? &LIST_CHANNEL
                       : &LIST_ALL,
         {page, has_category  ? 4
                : has_channel ? 3
                              : 2},
         {0}},
        {&NEXT_PUBLISH_TIME, {page + 2, 2}, {0}},
    };

    TRY(db_batch(tx, calls, has_channel ? 2 : 1));
    *ret_products = store_read_products(db_ctx(tx), &calls[0].rows);
    *ret_count = calls[0].rows.count;
    *ret_valid_until_us =
        has_channel && calls[1].rows.count > 0 ? db_get_time(&calls[1].rows, 0, 0) : 0;
    return status_ok();
}

Catalog__V1__Product **store_read_products(struct ctx *ctx, const struct db_rows *rows)
{
    Catalog__V1__Product **products = arena_array(ctx->arena, Catalog__V1__Product *, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        products[i] = read_product(ctx, rows, i);
    return products;
}

/* One column of texts; protobuf-c's lists are arrays of pointers that may change. */
static const char **texts_of(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                             size_t *ret_count)
{
    const char *const *texts = db_get_texts(ctx, rows, row, column, ret_count);
    return arena_memdup(ctx->arena, texts, *ret_count * sizeof *texts);
}

static const char *id_or_empty(struct ctx *ctx, struct uuid id)
{
    return uuid_is_nil(id) ? "" : uuid_text(ctx->arena, id);
}

static Catalog__V1__Product *read_product(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Catalog__V1__Product *product = arena_new(ctx->arena, Catalog__V1__Product);
    catalog__v1__product__init(product);
    product->id = uuid_text(ctx->arena, db_get_uuid(rows, row, PRODUCT_ID));
    product->handle = db_get_text(rows, row, PRODUCT_HANDLE);
    product->version = db_get_int(rows, row, PRODUCT_VERSION);
    product->vendor = db_get_text(rows, row, PRODUCT_VENDOR);
    product->product_type = db_get_text(rows, row, PRODUCT_TYPE);
    product->tags = texts_of(ctx, rows, row, PRODUCT_TAGS, &product->n_tags);
    product->tax_category_code = db_get_text(rows, row, PRODUCT_TAX);
    product->create_time = wire_time(ctx->arena, db_get_time(rows, row, PRODUCT_CREATED_AT));
    product->update_time = wire_time(ctx->arena, db_get_time(rows, row, PRODUCT_UPDATED_AT));

    const struct uuid *categories =
        db_get_uuids(ctx, rows, row, PRODUCT_CATEGORY, &product->n_category_ids);
    product->category_ids = arena_array(ctx->arena, const char *, product->n_category_ids);
    for (size_t i = 0; i < product->n_category_ids; i++)
        product->category_ids[i] = uuid_text(ctx->arena, categories[i]);
    read_texts(ctx, rows, row, product);
    read_options(ctx, rows, row, product);
    read_images(ctx, rows, row, product);
    read_publications(ctx, rows, row, product);
    read_variants(ctx, rows, row, product);
    return product;
}

static void read_texts(struct ctx *ctx, const struct db_rows *rows, size_t row,
                       Catalog__V1__Product *product)
{
    size_t count;
    const struct uuid *stores = db_get_uuids(ctx, rows, row, PRODUCT_TEXT, &count);
    const char *const *columns[6];
    for (size_t c = 0; c < ARRAY_LEN(columns); c++)
        columns[c] = db_get_texts(ctx, rows, row, PRODUCT_TEXT + 1 + c, &count);

    product->n_texts = count;
    product->texts = arena_array(ctx->arena, Catalog__V1__ProductText *, count);
    for (size_t i = 0; i < count; i++) {
        Catalog__V1__ProductText *text = arena_new(ctx->arena, Catalog__V1__ProductText);
        catalog__v1__product_text__init(text);
        text->store_id = id_or_empty(ctx, stores[i]);
        text->locale = columns[0][i];
        text->name = columns[1][i];
        text->slug = columns[2][i];
        text->description_html = columns[3][i];
        text->seo_title = columns[4][i];
        text->seo_description = columns[5][i];
        product->texts[i] = text;
    }
}

/* All options' values come as one list, each option's beside how many of it are its own. */
static void read_options(struct ctx *ctx, const struct db_rows *rows, size_t row,
                         Catalog__V1__Product *product)
{
    size_t count, value_count, next = 0;
    const char *const *names = db_get_texts(ctx, rows, row, PRODUCT_OPTION, &count);
    const int64_t *lengths = db_get_ints(ctx, rows, row, PRODUCT_OPTION + 1, &count);
    const char **values = texts_of(ctx, rows, row, PRODUCT_OPTION + 2, &value_count);

    product->n_options = count;
    product->options = arena_array(ctx->arena, Catalog__V1__ProductOption *, count);
    for (size_t i = 0; i < count; i++) {
        Catalog__V1__ProductOption *option = arena_new(ctx->arena, Catalog__V1__ProductOption);
        catalog__v1__product_option__init(option);
        option->name = names[i];
        option->n_values = (size_t)lengths[i];
        option->values = values + next;
        next += option->n_values;
        product->options[i] = option;
    }
    assert(next == value_count);
}

static void read_images(struct ctx *ctx, const struct db_rows *rows, size_t row,
                        Catalog__V1__Product *product)
{
    const char *const *urls = db_get_texts(ctx, rows, row, PRODUCT_IMAGE, &product->n_images);
    const char *const *alts = db_get_texts(ctx, rows, row, PRODUCT_IMAGE + 1, &product->n_images);

    product->images = arena_array(ctx->arena, Catalog__V1__ProductImage *, product->n_images);
    for (size_t i = 0; i < product->n_images; i++) {
        product->images[i] = arena_new(ctx->arena, Catalog__V1__ProductImage);
        catalog__v1__product_image__init(product->images[i]);
        product->images[i]->url = urls[i];
        product->images[i]->alt_text = alts[i];
    }
}

static void read_publications(struct ctx *ctx, const struct db_rows *rows, size_t row,
                              Catalog__V1__Product *product)
{
    size_t count;
    const struct uuid *channels = db_get_uuids(ctx, rows, row, PRODUCT_PUBLICATION, &count);
    const int64_t *states = db_get_ints(ctx, rows, row, PRODUCT_PUBLICATION + 1, &count);
    const int64_t *times = db_get_ints(ctx, rows, row, PRODUCT_PUBLICATION + 2, &count);

    product->n_publications = count;
    product->publications = arena_array(ctx->arena, Catalog__V1__ProductPublication *, count);
    for (size_t i = 0; i < count; i++) {
        Catalog__V1__ProductPublication *publication =
            arena_new(ctx->arena, Catalog__V1__ProductPublication);
        catalog__v1__product_publication__init(publication);
        publication->channel_id = uuid_text(ctx->arena, channels[i]);
        publication->state = (Catalog__V1__PublicationState)states[i];
        publication->publish_time = wire_time(ctx->arena, times[i]);
        product->publications[i] = publication;
    }
}

/* As options: all variants' values come as one list. */
static void read_variants(struct ctx *ctx, const struct db_rows *rows, size_t row,
                          Catalog__V1__Product *product)
{
    enum {
        SKU = PRODUCT_VARIANT + 1,
        BARCODE,
        TAX,
        IMAGE,
        VERSION,
        POSITION,
        WEIGHT,
        LENGTHS,
        VALUES
    };
    size_t count, value_count, next = 0;
    const struct uuid *ids = db_get_uuids(ctx, rows, row, PRODUCT_VARIANT, &count);
    const char *const *skus = db_get_texts(ctx, rows, row, SKU, &count);
    const char *const *barcodes = db_get_texts(ctx, rows, row, BARCODE, &count);
    const char *const *taxes = db_get_texts(ctx, rows, row, TAX, &count);
    const char *const *images = db_get_texts(ctx, rows, row, IMAGE, &count);
    const int64_t *versions = db_get_ints(ctx, rows, row, VERSION, &count);
    const int64_t *positions = db_get_ints(ctx, rows, row, POSITION, &count);
    const int64_t *weights = db_get_ints(ctx, rows, row, WEIGHT, &count);
    const int64_t *lengths = db_get_ints(ctx, rows, row, LENGTHS, &count);
    const char **values = texts_of(ctx, rows, row, VALUES, &value_count);

    product->n_variants = count;
    product->variants = arena_array(ctx->arena, Catalog__V1__Variant *, count);
    for (size_t i = 0; i < count; i++) {
        Catalog__V1__Variant *variant = arena_new(ctx->arena, Catalog__V1__Variant);
        catalog__v1__variant__init(variant);
        variant->id = uuid_text(ctx->arena, ids[i]);
        variant->product_id = product->id;
        variant->sku = skus[i];
        variant->version = versions[i];
        variant->n_option_values = (size_t)lengths[i];
        variant->option_values = values + next;
        variant->barcode = barcodes[i];
        variant->weight_grams = weights[i];
        variant->tax_category_code = taxes[i];
        variant->image_url = images[i];
        variant->position = (int32_t)positions[i];
        next += variant->n_option_values;
        product->variants[i] = variant;
    }
    assert(next == value_count);
}

const struct db_stmt *const STORE_PRODUCT_STATEMENTS[] = {
    &LOAD_PRODUCTS, &LOCK_PRODUCT,  &FIND_BY_SLUG,      &LIST_ALL,
    &LIST_CHANNEL,  &LIST_CATEGORY, &NEXT_PUBLISH_TIME, NULL,
};
