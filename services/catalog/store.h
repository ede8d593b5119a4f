/* store.h - the statements of products, as functions. Only store_*.c runs SQL. */
#pragma once

#include "product.h"

#define PUBLISHED_NOW " state = 2 AND publish_time <= now()"

/* A product `p` with all its parts, each part as arrays in position order. Values of options and of
 * variants come as one list and how long each own part of it is: Postgres' arrays are rectangular.
 */
#define PRODUCT_COLUMNS                                                                            \
    "p.id, p.handle, p.version, p.vendor, p.product_type, p.tags, p.tax_category_code,"            \
    " p.create_time, p.update_time, category.ids, text.*, option.*, option_value.list, image.*,"   \
    " publication.*, variant.*, variant_value.list"
#define PRODUCT_COLUMN_TYPES                                                                       \
    "utittTtdd"                                                                                    \
    "U"                                                                                            \
    "UTTTTTT"                                                                                      \
    "TIT"                                                                                          \
    "TT"                                                                                           \
    "UID"                                                                                          \
    "UTTTTIIIIT"
#define PRODUCT_PARTS                                                                              \
    " CROSS JOIN LATERAL (SELECT array_agg(part.category_id) AS ids FROM ("                        \
    "  SELECT category_id FROM catalog.product_category WHERE product_id = p.id ORDER BY position" \
    ") part) category"                                                                             \
    " CROSS JOIN LATERAL (SELECT array_agg(part.store_id), array_agg(part.locale),"                \
    "  array_agg(part.name), array_agg(part.slug), array_agg(part.description_html),"              \
    "  array_agg(part.seo_title), array_agg(part.seo_description) FROM ("                          \
    "  SELECT * FROM catalog.product_text WHERE product_id = p.id ORDER BY position) part) text"   \
    " CROSS JOIN LATERAL (SELECT array_agg(part.name),"                                            \
    "  array_agg(cardinality(part.option_values)::bigint) FROM ("                                  \
    "  SELECT * FROM catalog.product_option WHERE product_id = p.id ORDER BY position"             \
    ") part) option"                                                                               \
    " CROSS JOIN LATERAL (SELECT array_agg(part.value) AS list FROM ("                             \
    "  SELECT v.value FROM catalog.product_option o,"                                              \
    "   unnest(o.option_values) WITH ORDINALITY AS v(value, place)"                                \
    "   WHERE o.product_id = p.id ORDER BY o.position, v.place) part) option_value"                \
    " CROSS JOIN LATERAL (SELECT array_agg(part.url), array_agg(part.alt_text) FROM ("             \
    "  SELECT * FROM catalog.product_image WHERE product_id = p.id ORDER BY position) part) image" \
    " CROSS JOIN LATERAL (SELECT array_agg(part.channel_id), array_agg(part.state),"               \
    "  array_agg(part.publish_time) FROM ("                                                        \
    "  SELECT * FROM catalog.publication WHERE product_id = p.id ORDER BY channel_id"              \
    ") part) publication"                                                                          \
    " CROSS JOIN LATERAL (SELECT array_agg(part.id), array_agg(part.sku),"                         \
    "  array_agg(part.barcode), array_agg(part.tax_category_code), array_agg(part.image_url),"     \
    "  array_agg(part.version), array_agg(part.position), array_agg(part.weight_grams),"           \
    "  array_agg(cardinality(part.option_values)::bigint) FROM ("                                  \
    "  SELECT * FROM catalog.variant WHERE product_id = p.id ORDER BY position) part) variant"     \
    " CROSS JOIN LATERAL (SELECT array_agg(part.value) AS list FROM ("                             \
    "  SELECT v.value FROM catalog.variant o,"                                                     \
    "   unnest(o.option_values) WITH ORDINALITY AS v(value, place)"                                \
    "   WHERE o.product_id = p.id ORDER BY o.position, v.place) part) variant_value"

/* Columns of PRODUCT_COLUMNS; of a part, the first. */
enum {
    PRODUCT_ID,
    PRODUCT_HANDLE,
    PRODUCT_VERSION,
    PRODUCT_VENDOR,
    PRODUCT_TYPE,
    PRODUCT_TAGS,
    PRODUCT_TAX,
    PRODUCT_CREATED_AT,
    PRODUCT_UPDATED_AT,
    PRODUCT_CATEGORY,
    PRODUCT_TEXT,
    PRODUCT_OPTION = PRODUCT_TEXT + 7,
    PRODUCT_IMAGE = PRODUCT_OPTION + 3,
    PRODUCT_PUBLICATION = PRODUCT_IMAGE + 2,
    PRODUCT_VARIANT = PRODUCT_PUBLICATION + 3,
};

/* store_product.c */
struct status store_load_products(struct db_tx *tx, const struct uuid *ids, size_t count,
                                  Catalog__V1__Product ***ret_products, size_t *ret_count);
/* Locks the row, then reads: PRODUCT_NOT_FOUND. */
struct status store_lock_product(struct db_tx *tx, struct uuid id,
                                 Catalog__V1__Product **ret_product, int64_t *ret_now_us);

struct slug_query {
    const char *slug;
    const char *locale;
    struct uuid store_id;
    struct uuid channel_id; /* nil: published or not */
};
struct status store_find_by_slug(struct db_tx *tx, const struct slug_query *query,
                                 Catalog__V1__Product **ret_product);

struct product_filter {
    struct uuid category_id; /* nil: all */
    struct uuid channel_id;  /* nil: published or not */
    struct uuid after;
    int64_t limit;
};
struct status store_list_products(struct db_tx *tx, const struct product_filter *filter,
                                  Catalog__V1__Product ***ret_products, size_t *ret_count,
                                  int64_t *ret_valid_until_us);
Catalog__V1__Product **store_read_products(struct ctx *ctx, const struct db_rows *rows);

/* store_claim.c: locks the products of these ids and handles in handle order, then reads them and
 * who owns what the request wants. One round trip. */
struct claim_query {
    struct uuid *ids;
    size_t id_count;
    const char **handles;
    size_t handle_count;
    const char **skus;
    size_t sku_count;
    struct uuid *slug_stores; /* with slug_locales and slugs: parallel */
    const char **slug_locales;
    const char **slugs;
    size_t slug_count;
    struct uuid *category_ids;
    size_t category_count;
};
struct claim_result {
    Catalog__V1__Product **products;
    size_t product_count;
    int64_t now_us;
    struct claims claims;
};
struct status store_claim(struct db_tx *tx, const struct claim_query *query,
                          struct claim_result *ret_result);

/* store_product_write.c: each one statement for all plans; nothing waits. */
struct status store_write_products(struct db_tx *tx, const struct product_batch *batch);
struct status store_write_parts(struct db_tx *tx, const struct product_batch *batch);
struct status store_write_variants(struct db_tx *tx, const struct product_batch *batch);
struct status store_write_publications(struct db_tx *tx, const struct product_batch *batch);

/* An id of a message; "" is nil. */
struct uuid store_id_of(const char *text);
const char *store_array_literal(struct arena *arena, const char *const *values, size_t count);

/* store_variant.c */
struct snapshot_query {
    const struct uuid *ids;
    size_t count;
    const char *locale;
    struct uuid channel_id; /* nil: nothing counts as published */
};
struct status store_load_snapshots(struct db_tx *tx, const struct snapshot_query *query,
                                   Catalog__V1__VariantSnapshot ***ret_snapshots,
                                   size_t *ret_count);
