/* shop.c - products and categories, given in a few words. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/json.h"
#include "common/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

struct daemon *catalog;
struct arena *words;
const char *channel;

void given_catalog(void)
{
    catalog = world_start(&CATALOG);
    words = world_ctx(catalog)->arena;
    channel = uuid_text(words, uuid_v7());
}

/* `json` is changed in place. */
static void *message_of(const struct message_schema *schema, char *json)
{
    ProtobufCMessage *message = NULL;

    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    struct status status = json_decode(words, schema, json, strlen(json), false, &message);
    ck_assert_msg(status.code == STATUS_OK, "%s in %s", str_or_empty(status.detail), json);
    return message;
}

Catalog__V1__Product *product_of(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *json = arena_vprintf(words, format, args);
    va_end(args);
    return message_of(&catalog__v1__product__schema, json);
}

Catalog__V1__Category *category_of(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *json = arena_vprintf(words, format, args);
    va_end(args);
    return message_of(&catalog__v1__category__schema, json);
}

Catalog__V1__Product *mug(const char *handle)
{
    char *sku = arena_strdup(words, handle);
    for (char *at = sku; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return product_of("{'handle': '%s', 'vendor': 'Kiln', 'productType': 'Mug', 'tags': ['new'],"
                      " 'taxCategoryCode': 'standard',"
                      " 'texts': [{'locale': 'en', 'name': 'Mug %s', 'descriptionHtml': '<p>'}],"
                      " 'options': [{'name': 'Colour'}],"
                      " 'images': [{'url': 'https://img/%s.jpg', 'altText': 'a mug'}],"
                      " 'variants': ["
                      "  {'sku': '%s-RED', 'optionValues': ['red'], 'weightGrams': '310'},"
                      "  {'sku': '%s-BLUE', 'optionValues': ['blue'], 'weightGrams': '320',"
                      "   'imageUrl': 'https://img/blue.jpg', 'taxCategoryCode': 'reduced'}]}",
                      handle, handle, handle, sku, sku);
}

struct status creating(Catalog__V1__Product *product, Catalog__V1__Product **ret_product)
{
    Catalog__V1__CreateProductRequest req = CATALOG__V1__CREATE_PRODUCT_REQUEST__INIT;
    Catalog__V1__CreateProductResponse rep = CATALOG__V1__CREATE_PRODUCT_RESPONSE__INIT;
    req.product = product;
    struct status status = catalog_create_product(world_ctx(catalog), &req, &rep);
    *ret_product = rep.product;
    return status;
}

Catalog__V1__Product *given_product(Catalog__V1__Product *product)
{
    Catalog__V1__Product *created;
    then_ok(creating(product, &created));
    return created;
}

struct status updating(Catalog__V1__Product *product, int64_t expected_version,
                       Catalog__V1__Product **ret_product)
{
    Catalog__V1__UpdateProductRequest req = CATALOG__V1__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__V1__UpdateProductResponse rep = CATALOG__V1__UPDATE_PRODUCT_RESPONSE__INIT;
    req.product = product;
    req.expected_version = expected_version;
    struct status status = catalog_update_product(world_ctx(catalog), &req, &rep);
    *ret_product = rep.product;
    return status;
}

struct status publishing(const char *product_id, int64_t publish_time_us,
                         Catalog__V1__Product **ret_product)
{
    struct ctx *ctx = world_ctx(catalog);
    Catalog__V1__PublishProductRequest req = CATALOG__V1__PUBLISH_PRODUCT_REQUEST__INIT;
    Catalog__V1__PublishProductResponse rep = CATALOG__V1__PUBLISH_PRODUCT_RESPONSE__INIT;
    req.product_id = product_id;
    req.channel_id = channel;
    req.publish_time = wire_time(ctx->arena, publish_time_us);
    struct status status = catalog_publish_product(ctx, &req, &rep);
    *ret_product = rep.product;
    return status;
}

struct status unpublishing(const char *product_id, Catalog__V1__Product **ret_product)
{
    Catalog__V1__UnpublishProductRequest req = CATALOG__V1__UNPUBLISH_PRODUCT_REQUEST__INIT;
    Catalog__V1__UnpublishProductResponse rep = CATALOG__V1__UNPUBLISH_PRODUCT_RESPONSE__INIT;
    req.product_id = product_id;
    req.channel_id = channel;
    struct status status = catalog_unpublish_product(world_ctx(catalog), &req, &rep);
    *ret_product = rep.product;
    return status;
}

struct status getting(const char *id, Catalog__V1__Product **ret_product)
{
    Catalog__V1__GetProductRequest req = CATALOG__V1__GET_PRODUCT_REQUEST__INIT;
    Catalog__V1__GetProductResponse rep = CATALOG__V1__GET_PRODUCT_RESPONSE__INIT;
    req.id = id;
    struct status status = catalog_get_product(world_ctx(catalog), &req, &rep);
    *ret_product = rep.product;
    return status;
}

struct status creating_category(Catalog__V1__Category *category,
                                Catalog__V1__Category **ret_category)
{
    Catalog__V1__CreateCategoryRequest req = CATALOG__V1__CREATE_CATEGORY_REQUEST__INIT;
    Catalog__V1__CreateCategoryResponse rep = CATALOG__V1__CREATE_CATEGORY_RESPONSE__INIT;
    req.category = category;
    struct status status = catalog_create_category(world_ctx(catalog), &req, &rep);
    *ret_category = rep.category;
    return status;
}

const char *given_category(const char *code, const char *parent_id)
{
    Catalog__V1__Category *category;
    then_ok(creating_category(category_of("{'code': '%s', 'parentId': '%s',"
                                          " 'texts': [{'locale': 'en', 'name': '%s'}]}",
                                          code, parent_id, code),
                              &category));
    return category->id;
}

int64_t published(const struct event_kind *kind)
{
    return world_sql_int("SELECT count(*) FROM catalog.outbox"
                         " WHERE position(convert_to('%s', 'UTF8') IN headers) > 0",
                         kind->body->descriptor->name);
}

void then_events_are_gapless(void)
{
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM (SELECT FROM catalog.outbox"
                                   " GROUP BY topic, key HAVING min(aggregate_version) <> 1"
                                   " OR max(aggregate_version) <> count(*)) gap"),
                     0);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM catalog.product p WHERE version <> ("
                      " SELECT max(aggregate_version) FROM catalog.outbox"
                      "  WHERE topic = 'catalog.product.events.v1' AND key = uuid_send(p.id))"),
        0);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM catalog.variant v WHERE version <> ("
                      " SELECT max(aggregate_version) FROM catalog.outbox"
                      "  WHERE topic = 'catalog.variant.events.v1' AND key = uuid_send(v.id))"),
        0);
}
