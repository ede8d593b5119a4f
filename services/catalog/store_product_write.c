/* store_product_write.c - writing products: a statement a table, whatever the number of products.
 *
 * Rows go in by their unique keys in order (handle, slug, SKU; in this order of tables), so two
 * writes that want the same keys wait for each other in one direction only. */
#include "store.h"

#include "chassis/wire.h"
#include "common/str.h"

#include <string.h>

static const struct db_stmt ADD_PRODUCTS = {
    .name = "add_products",
    .in = "UTITTTTDD",
    .out = "",
    .sql = "INSERT INTO catalog.product (id, handle, version, vendor, product_type, tags,"
           " tax_category_code, create_time, update_time)"
           " SELECT id, handle, version, vendor, product_type, tags::text[], tax, created, updated"
           " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS row(id, handle, version, vendor,"
           " product_type, tags, tax, created, updated) ORDER BY handle",
};

static const struct db_stmt CHANGE_PRODUCTS = {
    .name = "change_products",
    .in = "UTITTTTDD",
    .out = "",
    .sql = "UPDATE catalog.product SET handle = row.handle, version = row.version,"
           " vendor = row.vendor, product_type = row.product_type, tags = row.tags::text[],"
           " tax_category_code = row.tax, update_time = row.updated"
           " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS row(id, handle, version, vendor,"
           " product_type, tags, tax, created, updated) WHERE product.id = row.id",
};

static const struct db_stmt REMOVE_TEXTS = {
    .name = "remove_texts",
    .in = "U",
    .out = "",
    .sql = "DELETE FROM catalog.product_text WHERE product_id = ANY ($1)",
};

static const struct db_stmt ADD_TEXTS = {
    .name = "add_texts",
    .in = "UUTTITTTT",
    .out = "",
    .sql = "INSERT INTO catalog.product_text (product_id, store_id, locale, slug, position, name,"
           " description_html, seo_title, seo_description)"
           " SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
           " AS row(product_id, store_id, locale, slug, position, name, description, seo_title,"
           " seo_description) ORDER BY store_id, locale COLLATE \"C\", slug COLLATE \"C\"",
};

static const struct db_stmt REMOVE_OPTIONS = {
    .name = "remove_options",
    .in = "U",
    .out = "",
    .sql = "DELETE FROM catalog.product_option WHERE product_id = ANY ($1)",
};

static const struct db_stmt ADD_OPTIONS = {
    .name = "add_options",
    .in = "UITT",
    .out = "",
    .sql = "INSERT INTO catalog.product_option (product_id, position, name, option_values)"
           " SELECT product_id, position, name, list::text[]"
           " FROM unnest($1, $2, $3, $4) AS row(product_id, position, name, list)",
};

static const struct db_stmt REMOVE_IMAGES = {
    .name = "remove_images",
    .in = "U",
    .out = "",
    .sql = "DELETE FROM catalog.product_image WHERE product_id = ANY ($1)",
};

static const struct db_stmt ADD_IMAGES = {
    .name = "add_images",
    .in = "UITT",
    .out = "",
    .sql = "INSERT INTO catalog.product_image (product_id, position, url, alt_text)"
           " SELECT * FROM unnest($1, $2, $3, $4)",
};

static const struct db_stmt REMOVE_PRODUCT_CATEGORIES = {
    .name = "remove_product_categories",
    .in = "U",
    .out = "",
    .sql = "DELETE FROM catalog.product_category WHERE product_id = ANY ($1)",
};

static const struct db_stmt ADD_PRODUCT_CATEGORIES = {
    .name = "add_product_categories",
    .in = "UIU",
    .out = "",
    .sql = "INSERT INTO catalog.product_category (product_id, position, category_id)"
           " SELECT * FROM unnest($1, $2, $3)",
};

static const struct db_stmt SET_PUBLICATIONS = {
    .name = "set_publications",
    .in = "UUID",
    .out = "",
    .sql = "INSERT INTO catalog.publication (channel_id, product_id, state, publish_time)"
           " SELECT channel_id, product_id, state, CASE WHEN state = 2 THEN publish_time END"
           " FROM unnest($1, $2, $3, $4) AS row(channel_id, product_id, state, publish_time)"
           " ON CONFLICT (channel_id, product_id) DO UPDATE"
           " SET state = excluded.state, publish_time = excluded.publish_time",
};

static struct status write_rows(struct db_tx *tx, const struct product_batch *batch, bool is_new);
static struct status remove_part(struct db_tx *tx, const struct db_stmt *stmt,
                                 const struct product_batch *batch, uint32_t part);
static struct status add_texts(struct db_tx *tx, const struct product_batch *batch);
static struct status add_options(struct db_tx *tx, const struct product_batch *batch);
static struct status add_images(struct db_tx *tx, const struct product_batch *batch);
static struct status add_categories(struct db_tx *tx, const struct product_batch *batch);

/* A product whose publications alone change moves its version too. */
static bool writes_row(const struct product_plan *plan)
{
    return plan->wanted != NULL && !plan_is_unchanged(plan);
}

static bool writes(const struct product_plan *plan, uint32_t part)
{
    return plan->wanted != NULL && (plan->parts & part) != 0;
}

struct status store_write_products(struct db_tx *tx, const struct product_batch *batch)
{
    TRY(write_rows(tx, batch, false));
    return write_rows(tx, batch, true);
}

struct status store_write_parts(struct db_tx *tx, const struct product_batch *batch)
{
    TRY(remove_part(tx, &REMOVE_TEXTS, batch, PART_TEXTS));
    TRY(remove_part(tx, &REMOVE_OPTIONS, batch, PART_OPTIONS));
    TRY(remove_part(tx, &REMOVE_IMAGES, batch, PART_IMAGES));
    TRY(remove_part(tx, &REMOVE_PRODUCT_CATEGORIES, batch, PART_CATEGORIES));
    TRY(add_texts(tx, batch));
    TRY(add_options(tx, batch));
    TRY(add_images(tx, batch));
    return add_categories(tx, batch);
}

struct uuid store_id_of(const char *text)
{
    struct uuid id = {0};

    (void)uuid_parse(text, &id); // "" is nil; anything else was validated, or made by us
    return id;
}

/* As Postgres writes an array: {"a","b"}. An array of arrays has no other way through unnest. */
const char *store_array_literal(struct arena *arena, const char *const *values, size_t count)
{
    struct buffer out;

    buffer_init(&out, arena, 64);
    buffer_putc(&out, '{');
    for (size_t i = 0; i < count; i++) {
        buffer_puts(&out, i > 0 ? ",\"" : "\"");
        for (const char *at = values[i]; *at != '\0'; at++) {
            if (*at == '"' || *at == '\\')
                buffer_putc(&out, '\\');
            buffer_putc(&out, *at);
        }
        buffer_putc(&out, '"');
    }
    buffer_putc(&out, '}');
    return out.data;
}

static struct status write_rows(struct db_tx *tx, const struct product_batch *batch, bool is_new)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, batch->count);
    int64_t *integers[3];
    const char **texts[5];
    size_t count = 0;

    for (size_t c = 0; c < ARRAY_LEN(integers); c++)
        integers[c] = arena_array(arena, int64_t, batch->count);
    for (size_t c = 0; c < ARRAY_LEN(texts); c++)
        texts[c] = arena_array(arena, const char *, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        const Catalog__V1__Product *product = batch->plans[i].wanted;
        if (!writes_row(&batch->plans[i]) || (batch->plans[i].stored == NULL) != is_new)
            continue;
        ids[count] = store_id_of(product->id);
        texts[0][count] = product->handle;
        texts[1][count] = product->vendor;
        texts[2][count] = product->product_type;
        texts[3][count] = store_array_literal(arena, product->tags, product->n_tags);
        texts[4][count] = product->tax_category_code;
        integers[0][count] = product->version;
        integers[1][count] = wire_time_us(product->create_time);
        integers[2][count] = wire_time_us(product->update_time);
        count++;
    }
    if (count == 0)
        return status_ok();
    return db_later(tx, is_new ? &ADD_PRODUCTS : &CHANGE_PRODUCTS,
                    DB_ARGS(db_uuids(ids, count), db_texts(texts[0], count),
                            db_ints(integers[0], count), db_texts(texts[1], count),
                            db_texts(texts[2], count), db_texts(texts[3], count),
                            db_texts(texts[4], count), db_times(integers[1], count),
                            db_times(integers[2], count)));
}

static struct status remove_part(struct db_tx *tx, const struct db_stmt *stmt,
                                 const struct product_batch *batch, uint32_t part)
{
    struct uuid *ids = arena_array(db_ctx(tx)->arena, struct uuid, batch->count);
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (writes(&batch->plans[i], part) && batch->plans[i].stored != NULL)
            ids[count++] = store_id_of(batch->plans[i].wanted->id);
    return count > 0 ? db_later(tx, stmt, DB_ARGS(db_uuids(ids, count))) : status_ok();
}

static struct status add_texts(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t max = 0, count = 0;
    for (size_t i = 0; i < batch->count; i++)
        max += writes(&batch->plans[i], PART_TEXTS) ? batch->plans[i].wanted->n_texts : 0;
    struct uuid *ids = arena_array(arena, struct uuid, max);
    struct uuid *stores = arena_array(arena, struct uuid, max);
    int64_t *positions = arena_array(arena, int64_t, max);
    const char **texts[6];
    for (size_t c = 0; c < ARRAY_LEN(texts); c++)
        texts[c] = arena_array(arena, const char *, max);

    for (size_t i = 0; i < batch->count; i++) {
        const Catalog__V1__Product *product = batch->plans[i].wanted;
        for (size_t j = 0; writes(&batch->plans[i], PART_TEXTS) && j < product->n_texts; j++) {
            const Catalog__V1__ProductText *text = product->texts[j];
            ids[count] = store_id_of(product->id);
            stores[count] = store_id_of(text->store_id);
            positions[count] = (int64_t)j;
            texts[0][count] = text->locale;
            texts[1][count] = text->slug;
            texts[2][count] = text->name;
            texts[3][count] = text->description_html;
            texts[4][count] = text->seo_title;
            texts[5][count] = text->seo_description;
            count++;
        }
    }
    if (count == 0)
        return status_ok();
    return db_later(
        tx, &ADD_TEXTS,
        DB_ARGS(db_uuids(ids, count), db_uuids(stores, count), db_texts(texts[0], count),
                db_texts(texts[1], count), db_ints(positions, count), db_texts(texts[2], count),
                db_texts(texts[3], count), db_texts(texts[4], count), db_texts(texts[5], count)));
}

static struct status add_options(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, batch->count * OPTIONS_MAX);
    int64_t *positions = arena_array(arena, int64_t, batch->count * OPTIONS_MAX);
    const char **names = arena_array(arena, const char *, batch->count *OPTIONS_MAX);
    const char **values = arena_array(arena, const char *, batch->count *OPTIONS_MAX);
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const Catalog__V1__Product *product = batch->plans[i].wanted;
        for (size_t j = 0; writes(&batch->plans[i], PART_OPTIONS) && j < product->n_options; j++) {
            const Catalog__V1__ProductOption *option = product->options[j];
            ids[count] = store_id_of(product->id);
            positions[count] = (int64_t)j;
            names[count] = option->name;
            values[count++] = store_array_literal(arena, option->values, option->n_values);
        }
    }
    if (count == 0)
        return status_ok();
    return db_later(tx, &ADD_OPTIONS,
                    DB_ARGS(db_uuids(ids, count), db_ints(positions, count), db_texts(names, count),
                            db_texts(values, count)));
}

static struct status add_images(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t max = 0, count = 0;
    for (size_t i = 0; i < batch->count; i++)
        max += writes(&batch->plans[i], PART_IMAGES) ? batch->plans[i].wanted->n_images : 0;
    struct uuid *ids = arena_array(arena, struct uuid, max);
    int64_t *positions = arena_array(arena, int64_t, max);
    const char **urls = arena_array(arena, const char *, max);
    const char **alts = arena_array(arena, const char *, max);

    for (size_t i = 0; i < batch->count; i++) {
        const Catalog__V1__Product *product = batch->plans[i].wanted;
        for (size_t j = 0; writes(&batch->plans[i], PART_IMAGES) && j < product->n_images; j++) {
            ids[count] = store_id_of(product->id);
            positions[count] = (int64_t)j;
            urls[count] = product->images[j]->url;
            alts[count++] = product->images[j]->alt_text;
        }
    }
    if (count == 0)
        return status_ok();
    return db_later(tx, &ADD_IMAGES,
                    DB_ARGS(db_uuids(ids, count), db_ints(positions, count), db_texts(urls, count),
                            db_texts(alts, count)));
}

static struct status add_categories(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t max = 0, count = 0;
    for (size_t i = 0; i < batch->count; i++)
        max +=
            writes(&batch->plans[i], PART_CATEGORIES) ? batch->plans[i].wanted->n_category_ids : 0;
    struct uuid *ids = arena_array(arena, struct uuid, max);
    int64_t *positions = arena_array(arena, int64_t, max);
    struct uuid *categories = arena_array(arena, struct uuid, max);

    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        for (size_t j = 0; writes(plan, PART_CATEGORIES) && j < plan->wanted->n_category_ids; j++) {
            ids[count] = store_id_of(plan->wanted->id);
            positions[count] = (int64_t)j;
            categories[count++] = store_id_of(plan->wanted->category_ids[j]);
        }
    }
    if (count == 0)
        return status_ok();
    return db_later(
        tx, &ADD_PRODUCT_CATEGORIES,
        DB_ARGS(db_uuids(ids, count), db_ints(positions, count), db_uuids(categories, count)));
}

struct status store_write_publications(struct db_tx *tx, const struct product_batch *batch)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t max = 0, count = 0;
    for (size_t i = 0; i < batch->count; i++)
        max += batch->plans[i].wanted != NULL ? batch->plans[i].published_count : 0;
    struct uuid *channels = arena_array(arena, struct uuid, max);
    struct uuid *products = arena_array(arena, struct uuid, max);
    int64_t *states = arena_array(arena, int64_t, max);
    int64_t *times = arena_array(arena, int64_t, max);

    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        for (size_t j = 0; plan->wanted != NULL && j < plan->published_count; j++) {
            channels[count] = store_id_of(plan->published[j]->channel_id);
            products[count] = store_id_of(plan->wanted->id);
            states[count] = plan->published[j]->state;
            times[count++] = wire_time_us(plan->published[j]->publish_time);
        }
    }
    if (count == 0)
        return status_ok();
    return db_later(tx, &SET_PUBLICATIONS,
                    DB_ARGS(db_uuids(channels, count), db_uuids(products, count),
                            db_ints(states, count), db_times(times, count)));
}

const struct db_stmt *const STORE_PRODUCT_WRITE_STATEMENTS[] = {
    &ADD_PRODUCTS,
    &CHANGE_PRODUCTS,
    &REMOVE_TEXTS,
    &ADD_TEXTS,
    &REMOVE_OPTIONS,
    &ADD_OPTIONS,
    &REMOVE_IMAGES,
    &ADD_IMAGES,
    &REMOVE_PRODUCT_CATEGORIES,
    &ADD_PRODUCT_CATEGORIES,
    &SET_PUBLICATIONS,
    NULL,
};
