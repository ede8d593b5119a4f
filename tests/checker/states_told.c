/* states_told.c - the last state that a topic tells of something is the state that its row has.
 *
 * A row of the table says which members of which events are compared with which columns. Members
 * are those of the event's JSON; "a|b" is b where a is absent, "a+b" a sum, "@type" the event's
 * type. */
#include "families.h"

#include "common/json.h"
#include "common/map.h"
#include "journal.h"
#include "watch_schemas.h"

#include <stdio.h>
#include <string.h>

enum { PATHS_MAX = 8, SPEC_MAX = 400 };

struct told {
    const char *topic;
    const char *types; /* short names, between spaces; NULL: all of the topic */
    const char *list;  /* a list of the message: each item tells a state; or NULL */
    const char *key;   /* members, by spaces */
    const char *value;
    const char *schema;
    const char *sql; /* (key, value) of those whose keys are in $1, an array of text */
};

#define AMONG(column) column " = ANY ($1::text[]::uuid[])"

/* Reservations are told on a topic of their own: of a level, what they do not move is compared. */
static const struct told STOCK_LEVEL = {
    .topic = "inventory.stock.events.v1",
    .key = "level.stockItemId level.warehouseId",
    .value = "level.available+level.reserved+level.allocated+level.quarantine level.quarantine",
    .schema = "inventory",
    .sql = "SELECT concat_ws(' ', stock_item_id, warehouse_id),"
           "       concat_ws(' ', available + reserved + allocated + quarantine, quarantine)"
           "  FROM inventory.stock_level WHERE (stock_item_id, warehouse_id) IN ("
           "       SELECT split_part(key, ' ', 1)::uuid, split_part(key, ' ', 2)::uuid"
           "         FROM unnest($1::text[]) AS key)",
};

static const struct told RESERVATION = {
    .topic = "inventory.reservation.events.v1",
    .key = "reservationId",
    .value = "@type",
    .schema = "inventory",
    .sql = "SELECT id::text, 'inventory.v1.' || CASE WHEN state IN ('held', 'pinned')"
           "  THEN 'StockReserved' WHEN state = 'committed' THEN 'StockCommitted'"
           "  ELSE 'StockReleased' END FROM inventory.reservation WHERE " AMONG("id"),
};

static const struct told ORDER = {
    .topic = "order.order.events.v1",
    .key = "order.orderId",
    .value = "order.number order.state order.paymentStatus order.fulfillmentStatus order.version"
             " order.total.minorUnits order.total.currencyCode",
    .schema = "orders",
    .sql = "SELECT id::text, concat_ws(' ', number,"
           " 'ORDER_STATE_' || (ARRAY['OPEN', 'CANCELLED', 'CLOSED'])[state],"
           " 'PAYMENT_STATUS_' || (ARRAY['PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID',"
           "   'FAILED', 'VOIDED', 'PARTIALLY_REFUNDED', 'REFUNDED'])[payment_status],"
           " 'FULFILLMENT_STATUS_' || (ARRAY['UNFULFILLED', 'IN_PROGRESS', 'PARTIALLY_SHIPPED',"
           "   'SHIPPED', 'DELIVERED', 'CANCELLED'])[fulfillment_status],"
           " version, total_minor, currency_code) FROM orders.orders WHERE " AMONG("id"),
};

static const struct told PAYMENT = {
    .topic = "order.payment.events.v1",
    .key = "payment.paymentId",
    .value = "payment.amount.minorUnits payment.captured.minorUnits payment.refunded.minorUnits",
    .schema = "orders",
    .sql = "SELECT id::text, concat_ws(' ', amount_minor, captured_minor, refunded_minor)"
           "  FROM orders.payment WHERE " AMONG("id"),
};

static const struct told CHECKOUT_CANCELLED = {
    .topic = "order.checkout.events.v1",
    .types = " CheckoutCancelled ",
    .key = "checkoutId",
    .value = "@type cartId failureReason",
    .schema = "orders",
    .sql = "SELECT id::text, concat_ws(' ', CASE state WHEN 9 THEN 'order.v1.CheckoutCancelled'"
           "  ELSE 'state ' || state END, cart_id, coalesce(failure_reason, ''))"
           "  FROM orders.checkout WHERE " AMONG("id"),
};

static const struct told COUPON = {
    .topic = "marketing.coupon.events.v1",
    .key = "couponId|coupon.id",
    .value = "heldCount|coupon.heldCount redeemedCount|coupon.redeemedCount",
    .schema = "marketing",
    .sql = "SELECT id::text, concat_ws(' ', held_count, redeemed_count) FROM marketing.coupon"
           " WHERE " AMONG("id"),
};

static const struct told PROMOTION = {
    .topic = "marketing.promotion.events.v1",
    .key = "promotion.id",
    .value = "promotion.code promotion.isActive promotion.priority",
    .schema = "marketing",
    .sql = "SELECT id::text, concat_ws(' ', code, is_active::text, priority)"
           "  FROM marketing.promotion WHERE " AMONG("id"),
};

static const struct told PRODUCT = {
    .topic = "catalog.product.events.v1",
    .key = "product.id",
    .value = "product.handle product.version product.vendor",
    .schema = "catalog",
    .sql = "SELECT id::text, concat_ws(' ', handle, version, vendor) FROM catalog.product"
           " WHERE " AMONG("id"),
};

static const struct told VARIANT = {
    .topic = "catalog.variant.events.v1",
    .types = " VariantCreated VariantUpdated ",
    .key = "variant.id",
    .value = "variant.productId variant.sku variant.version",
    .schema = "catalog",
    .sql = "SELECT id::text, concat_ws(' ', product_id, sku, version) FROM catalog.variant"
           " WHERE " AMONG("id"),
};

static const struct told CATEGORY = {
    .topic = "catalog.category.events.v1",
    .key = "category.id",
    .value = "category.code category.version",
    .schema = "catalog",
    .sql = "SELECT id::text, concat_ws(' ', code, version) FROM catalog.category"
           " WHERE " AMONG("id"),
};

static const struct told PRICE = {
    .topic = "pricing.price.events.v1",
    .types = " PriceChanged ",
    .list = "prices",
    .key = "priceId",
    .value = "variantId minQuantity unitPrice.unscaled unitPrice.scale",
    .schema = "pricing",
    .sql = "SELECT id::text, concat_ws(' ', variant_id, min_quantity, unit_unscaled, unit_scale)"
           "  FROM pricing.price WHERE " AMONG("id"),
};

static const struct told PRICE_LIST = {
    .topic = "pricing.price.events.v1",
    .types = " PriceListChanged ",
    .key = "priceListId",
    .value = "code currencyCode isActive",
    .schema = "pricing",
    .sql = "SELECT id::text, concat_ws(' ', code, currency_code, is_active::text)"
           "  FROM pricing.price_list WHERE " AMONG("id"),
};

static const struct told TAX_RATE = {
    .topic = "pricing.tax.events.v1",
    .key = "taxRateId",
    .value = "taxCategoryCode countryCode percentage.unscaled percentage.scale",
    .schema = "pricing",
    .sql = "SELECT id::text, concat_ws(' ', tax_category_code, country_code, percentage_unscaled,"
           " percentage_scale) FROM pricing.tax_rate WHERE " AMONG("id"),
};

static const struct told CHANNEL = {
    .topic = "platform.channel.events.v1",
    .key = "channelId",
    .value = "code storeId isActive",
    .schema = "platform",
    .sql = "SELECT id::text, concat_ws(' ', code, store_id, is_active::text)"
           "  FROM platform.channel WHERE " AMONG("id"),
};

static const struct told SHIPPING_OPTION = {
    .topic = "platform.shipping.events.v1",
    .key = "shippingOptionId",
    .value = "channelId isActive",
    .schema = "platform",
    .sql = "SELECT id::text, concat_ws(' ', channel_id, is_active::text)"
           "  FROM platform.shipping_option WHERE " AMONG("id"),
};

static const struct told API_KEY = {
    .topic = "platform.key.events.v1",
    .key = "apiKeyId",
    .value = "@type",
    .schema = "platform",
    .sql = "SELECT id::text, CASE WHEN revoked_at IS NOT NULL THEN 'platform.v1.ApiKeyRevoked'"
           "  ELSE 'in force' END FROM platform.api_key WHERE " AMONG("id"),
};

/* A delivery that is tried again by hand is pending until its next event. */
static const struct told DELIVERY = {
    .topic = "platform.delivery.events.v1",
    .key = "deliveryId",
    .value = "@type kind",
    .schema = "platform",
    .sql = "SELECT id::text, concat_ws(' ', CASE state WHEN 'sent' THEN 'platform.v1.DeliverySent'"
           "  ELSE 'platform.v1.DeliveryFailed' END, kind) FROM platform.delivery"
           " WHERE " AMONG("id"),
};

static const struct told CUSTOMER = {
    .topic = "customer.customer.events.v1",
    .key = "customerId",
    .value = "customerGroup locale",
    .schema = "customer",
    .sql = "SELECT id::text, concat(customer_group, ' ', locale) FROM customer.account"
           " WHERE " AMONG("id"),
};

#define TOLD(row, is_called, means)                                                                \
    {                                                                                              \
        .name = "told-" is_called, .meaning = "the last " means " told on its topic is its row's", \
        .when = SETTLED, .sources = SOURCE_TOPICS, .told = &(row)                                  \
    }

const struct invariant STATES_TOLD[] = {
    TOLD(STOCK_LEVEL, "stock", "quantity on hand of a stock item in a warehouse"),
    TOLD(RESERVATION, "reservation", "state of a reservation"),
    TOLD(ORDER, "order", "state, statuses, version and total of an order"),
    TOLD(PAYMENT, "payment", "amounts of a payment"),
    TOLD(CHECKOUT_CANCELLED, "checkout", "end of a cancelled checkout"),
    TOLD(COUPON, "coupon", "counts of a coupon"),
    TOLD(PROMOTION, "promotion", "state of a promotion"),
    TOLD(PRODUCT, "product", "version of a product"),
    TOLD(VARIANT, "variant", "version of a variant"),
    TOLD(CATEGORY, "category", "version of a category"),
    TOLD(PRICE, "price", "value of a price"),
    TOLD(PRICE_LIST, "price-list", "state of a price list"),
    TOLD(TAX_RATE, "tax-rate", "value of a tax rate"),
    TOLD(CHANNEL, "channel", "state of a channel"),
    TOLD(SHIPPING_OPTION, "shipping-option", "state of a shipping option"),
    TOLD(API_KEY, "api-key", "state of an API key"),
    TOLD(DELIVERY, "delivery", "outcome of a delivery"),
    TOLD(CUSTOMER, "customer", "group and locale of a customer"),
    {0},
};

struct told_state {
    const struct told *told;
    const char *key, *value;
    const struct record *record;
    struct told_state *next;
};

static const struct message_schema *schema_of(const char *type)
{
    for (const struct message_schema *const *schema = WATCH_SCHEMAS; *schema != NULL; schema++)
        if (strcmp((*schema)->descriptor->name, type) == 0)
            return *schema;
    return NULL;
}

static const struct json_node *decode(struct arena *arena, const struct record *record,
                                      const void *payload, size_t length)
{
    const struct message_schema *schema = schema_of(record->type);
    const struct json_node *root = NULL;
    struct buffer json;

    if (schema == NULL)
        return NULL;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(schema->descriptor, arena_protobuf(arena), length, payload);
    if (message == NULL)
        return NULL;
    buffer_init(&json, arena, 4096);
    json_encode(&json, schema, message, true);
    return json_parse(arena, json.data, json.length, &root).code == STATUS_OK ? root : NULL;
}

static const char *text_of(const struct json_node *node)
{
    if (node == NULL)
        return "";
    return node->kind == JSON_TRUE ? "true" : node->kind == JSON_FALSE ? "false" : node->text;
}

/* 64-bit integers are strings in JSON. */
static int64_t sum_of(const struct json_node *root, char *paths)
{
    int64_t sum = 0, value = 0;
    char *rest = NULL;

    for (char *one = strtok_r(paths, "+", &rest); one != NULL; one = strtok_r(NULL, "+", &rest))
        if (str_to_int64(str_or_empty(text_of(json_at(root, one))), &value))
            sum += value;
    return sum;
}

/* "a.b|c d": the member a.b, or c where it is absent, then d; between spaces. */
static const char *members(struct arena *arena, const struct record *record,
                           const struct json_node *root, const char *spec)
{
    char *paths = arena_strdup(arena, spec);
    char *rest = NULL;
    struct buffer out;

    buffer_init(&out, arena, 128);
    for (char *path = strtok_r(paths, " ", &rest); path; path = strtok_r(NULL, " ", &rest)) {
        const struct json_node *node = NULL;
        char *others = NULL;
        buffer_puts(&out, out.length > 0 || path != paths ? " " : "");
        if (strcmp(path, "@type") == 0) {
            buffer_puts(&out, record->type);
            continue;
        }
        if (strchr(path, '+') != NULL) {
            buffer_put_int(&out, sum_of(root, path));
            continue;
        }
        for (char *one = strtok_r(path, "|", &others); one && node == NULL;
             one = strtok_r(NULL, "|", &others))
            node = json_at(root, one);
        buffer_puts(&out, str_or_empty(text_of(node)));
    }
    return out.data;
}

static void keep_state(struct journal *journal, const struct told *told,
                       const struct record *record, const struct json_node *root)
{
    const char *key = members(journal->scratch, record, root, told->key);
    const char *value = members(journal->scratch, record, root, told->value);
    const char *name = arena_printf(journal->scratch, "%s %s%s %s", told->topic,
                                    str_or_empty(told->list), str_or_empty(told->types), key);
    struct told_state *state = map_get(journal->told, name);

    if (state == NULL) {
        state = arena_new(journal->arena, struct told_state);
        *state = (struct told_state){
            .told = told, .key = arena_strdup(journal->arena, key), .next = journal->told_first};
        journal->told_first = state;
        map_set(journal->told, name, state);
    }
    state->record = record;
    if (!str_equal(state->value, value))
        state->value = arena_strdup(journal->arena, value);
}

static bool tells(const struct told *told, const struct record *record)
{
    const char *name = strrchr(record->type, '.');

    if (told == NULL || !str_equal(told->topic, record->topic) || name == NULL)
        return false;
    if (told->types == NULL)
        return true;
    char word[SPEC_MAX];
    snprintf(word, sizeof word, " %s ", name + 1);
    return strstr(told->types, word) != NULL;
}

void told_keep(struct journal *journal, const struct record *record, const void *payload,
               size_t length)
{
    const struct json_node *root = NULL;

    for (const struct invariant *row = STATES_TOLD; row->name != NULL; row++) {
        if (!tells(row->told, record))
            continue;
        if (root == NULL)
            root = decode(journal->scratch, record, payload, length);
        if (root == NULL)
            break;
        if (row->told->list == NULL) {
            keep_state(journal, row->told, record, root);
            continue;
        }
        const struct json_node *list = json_member(root, row->told->list);
        for (const struct json_node *item = list ? list->child : NULL; item; item = item->next)
            keep_state(journal, row->told, record, item);
    }
    arena_reset(journal->scratch);
}

/* Keys as an array of Postgres; they are ids, and ids need no quotes but for their spaces. */
static const char *keys_of(struct audit *audit, const struct journal *journal,
                           const struct told *told)
{
    struct buffer out;

    buffer_init(&out, audit->arena, 1 << 16);
    buffer_putc(&out, '{');
    for (const struct told_state *state = journal->told_first; state; state = state->next)
        if (state->told == told && audit_covers(audit, state->record->id))
            buffer_printf(&out, "%s\"%s\"", out.length > 1 ? "," : "", state->key);
    buffer_putc(&out, '}');
    return out.data;
}

void told_check(struct audit *audit, const struct told *told, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);
    _cleanup_(result_clear) PGresult *rows =
        journal == NULL
            ? NULL
            : database_query_keys(audit, told->schema, told->sql, keys_of(audit, journal, told));
    struct map *values = rows == NULL ? NULL : map_create(audit->arena, 1024);

    for (int i = 0; rows != NULL && i < PQntuples(rows); i++)
        map_set(values, PQgetvalue(rows, i, 0), PQgetvalue(rows, i, 1));
    for (const struct told_state *state = rows == NULL ? NULL : journal->told_first; state;
         state = state->next) {
        if (state->told != told || !audit_covers(audit, state->record->id))
            continue;
        const char *value = map_get(values, state->key);
        findings->checked++;
        if (value == NULL)
            findings_add(audit, findings, state->key, "%s said '%s', there is no row",
                         state->record->type, state->value);
        else if (strcmp(value, state->value) != 0)
            findings_add(audit, findings, state->key, "%s %s said '%s', the row says '%s'",
                         state->record->type, state->record->id, state->value, value);
    }
}
