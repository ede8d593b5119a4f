/* store_order.c - orders, their snapshots, parties and lines. */
#include "store.h"

/* The order with all it has from its first moment: six tables, one statement. */
static const struct db_stmt ADD_ORDER = {
    .name = "add_order",
    .in = "utiiiuuuuttidbtbb" /* the order, its snapshot and its party */
          "TTUUTTIIIIIJ"      /* lines: 18 to 29 */
          "UUI"               /* fulfillments: 30 to 32 */
          "UTUI",             /* their lines: 33 to 36 */
    .out = "",
    .sql = "WITH placed AS ("
           " INSERT INTO orders.orders (id, number, state, payment_status, fulfillment_status,"
           " version, channel_id, customer_id, cart_id, reservation_id, locale, currency_code,"
           " total_minor, place_time, update_time)"
           " VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, $13)),"
           " frozen AS ("
           " INSERT INTO orders.order_revision (order_id, revision, snapshot, snapshot_hash)"
           " VALUES ($1, 1, $14, sha256($14))),"
           " buyer AS ("
           " INSERT INTO orders.party (order_id, email, shipping_address, billing_address)"
           " VALUES ($1, $15, $16, $17)),"
           " bought AS ("
           " INSERT INTO orders.order_line (order_id, line_id, position, parent_line_id,"
           " variant_id, product_id, sku, name, quantity, gross_minor, net_minor, tax_minor,"
           " discount_minor, unit_discounts)"
           " SELECT $1, line.id, line.position, line.parent, line.variant, line.product, line.sku,"
           " line.name, line.quantity, line.gross, line.net, line.tax, line.discount, line.units"
           " FROM unnest($18::text[], $19::text[], $20::uuid[], $21::uuid[], $22::text[],"
           " $23::text[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[],"
           " $28::bigint[], $29::jsonb[])"
           " WITH ORDINALITY AS line (id, parent, variant, product, sku, name, quantity, gross,"
           " net, tax, discount, units, position)),"
           " packed AS ("
           " INSERT INTO orders.fulfillment (id, order_id, warehouse_id, state)"
           " SELECT f.id, $1, f.warehouse_id, f.state"
           " FROM unnest($30::uuid[], $31::uuid[], $32::bigint[]) AS f (id, warehouse_id, state))"
           " INSERT INTO orders.fulfillment_line (fulfillment_id, line_id, variant_id, quantity)"
           " SELECT * FROM unnest($33::uuid[], $34::text[], $35::uuid[], $36::bigint[])",
};

static const struct db_stmt SAVE_ORDER = {
    .name = "save_order",
    .in = "uiiiit",
    .out = "",
    .sql = "UPDATE orders.orders SET state = $2, payment_status = $3, fulfillment_status = $4,"
           " version = $5, cancel_reason = $6, update_time = clock_timestamp() WHERE id = $1",
};

static const struct db_stmt SAVE_LINES = {
    .name = "save_order_lines",
    .in = "uTIII",
    .out = "",
    .sql = "UPDATE orders.order_line AS line SET shipped_quantity = now.shipped,"
           " delivered_quantity = now.delivered, cancelled_quantity = now.cancelled"
           " FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])"
           " AS now (line_id, shipped, delivered, cancelled)"
           " WHERE line.order_id = $1 AND line.line_id = now.line_id"
           " AND (line.shipped_quantity, line.delivered_quantity, line.cancelled_quantity)"
           " IS DISTINCT FROM (now.shipped, now.delivered, now.cancelled)",
};

/* What every sale does once: a statement without arrays, whose plan is kept. */
static const struct db_stmt OPEN_FULFILLMENTS = {
    .name = "open_fulfillments",
    .in = "u",
    .out = "",
    .sql = "UPDATE orders.fulfillment SET state = 2 WHERE order_id = $1 AND state = 1",
};

static const struct db_stmt SAVE_FULFILLMENTS = {
    .name = "save_fulfillments",
    .in = "UI", /* ids, states */
    .out = "",
    .sql = "UPDATE orders.fulfillment AS f SET state = now.state"
           " FROM unnest($1::uuid[], $2::bigint[]) AS now (id, state)"
           " WHERE f.id = now.id AND f.state <> now.state",
};

static const struct db_stmt SAVE_FULFILLMENT_LINES = {
    .name = "save_fulfillment_lines",
    .in = "UTI", /* fulfillments, lines, shipped */
    .out = "",
    .sql = "UPDATE orders.fulfillment_line AS line SET shipped_quantity = now.shipped"
           " FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS now (id, line_id, shipped)"
           " WHERE line.fulfillment_id = now.id AND line.line_id = now.line_id"
           " AND line.shipped_quantity <> now.shipped",
};

static const struct db_stmt PUT_SHIPMENTS = {
    .name = "put_shipments",
    .in = "UUITT", /* ids, fulfillments, states, carriers, tracking numbers */
    .out = "",
    .sql = "INSERT INTO orders.shipment (id, fulfillment_id, state, carrier, tracking_number,"
           " ship_time, deliver_time)"
           " SELECT s.id, s.fulfillment_id, s.state, s.carrier, s.number,"
           " CASE WHEN s.state IN (2, 3) THEN clock_timestamp() END,"
           " CASE WHEN s.state = 3 THEN clock_timestamp() END"
           " FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])"
           " AS s (id, fulfillment_id, state, carrier, number)"
           " ON CONFLICT (id) DO UPDATE SET state = excluded.state, carrier = excluded.carrier,"
           " tracking_number = excluded.tracking_number,"
           " ship_time = coalesce(shipment.ship_time, excluded.ship_time),"
           " deliver_time = coalesce(shipment.deliver_time, excluded.deliver_time)"
           " WHERE shipment.state <> excluded.state",
};

static const struct db_stmt ADD_SHIPMENT_LINES = {
    .name = "add_shipment_lines",
    .in = "uTI", /* shipment, lines, quantities */
    .out = "",
    .sql = "INSERT INTO orders.shipment_line (shipment_id, line_id, quantity)"
           " SELECT $1, * FROM unnest($2::text[], $3::bigint[])",
};

const struct db_stmt *const STORE_ORDER_STATEMENTS[] = {
    &ADD_ORDER,         &SAVE_ORDER,         &SAVE_LINES,
    &OPEN_FULFILLMENTS, &SAVE_FULFILLMENTS,  &SAVE_FULFILLMENT_LINES,
    &PUT_SHIPMENTS,     &ADD_SHIPMENT_LINES, NULL,
};

/* Rows as columns: the order's lines, its fulfillments, the lines of all fulfillments. */
struct lines {
    const char **ids, **parents, **skus, **names, **units;
    struct uuid *variants, *products;
    int64_t *quantities, *gross, *net, *tax, *discounts;
};

struct packages {
    struct uuid *ids, *warehouses;
    int64_t *states;
};

struct parts {
    struct uuid *fulfillments, *variants;
    const char **lines;
    int64_t *quantities, *shipped;
    size_t count;
};

static struct lines lines_of(struct ctx *ctx, const struct order *order);
static struct packages packages_of(struct ctx *ctx, const struct order *order);
static struct parts parts_of(struct ctx *ctx, const struct order *order);
static struct db_value blob_or_null(struct db_bytes bytes);

struct status store_add_order(struct db_tx *tx, const struct order *o)
{
    struct ctx *ctx = db_ctx(tx);
    const struct lines lines = lines_of(ctx, o);
    const struct packages packages = packages_of(ctx, o);
    const struct parts parts = parts_of(ctx, o);
    const size_t n = o->line_count;

    return db_later(
        tx, &ADD_ORDER,
        DB_ARGS(db_uuid(o->id), db_text(o->number), db_int(o->state), db_int(o->payment_status),
                db_int(o->fulfillment_status), db_uuid_or_null(o->channel_id),
                db_uuid_or_null(o->customer_id), db_uuid(o->cart_id),
                db_uuid_or_null(o->reservation_id), db_text(o->locale), db_text(o->currency_code),
                db_int(o->total_minor), db_time(o->place_us),
                db_blob(o->snapshot.data, o->snapshot.length), db_text(o->party.email),
                blob_or_null(o->party.shipping_address), blob_or_null(o->party.billing_address),
                db_texts(lines.ids, n), db_texts(lines.parents, n), db_uuids(lines.variants, n),
                db_uuids(lines.products, n), db_texts(lines.skus, n), db_texts(lines.names, n),
                db_ints(lines.quantities, n), db_ints(lines.gross, n), db_ints(lines.net, n),
                db_ints(lines.tax, n), db_ints(lines.discounts, n), db_jsons(lines.units, n),
                db_uuids(packages.ids, o->fulfillment_count),
                db_uuids(packages.warehouses, o->fulfillment_count),
                db_ints(packages.states, o->fulfillment_count),
                db_uuids(parts.fulfillments, parts.count), db_texts(parts.lines, parts.count),
                db_uuids(parts.variants, parts.count), db_ints(parts.quantities, parts.count)));
}

struct status store_save_order(struct db_tx *tx, const struct order *o)
{
    return db_later(tx, &SAVE_ORDER,
                    DB_ARGS(db_uuid(o->id), db_int(o->state), db_int(o->payment_status),
                            db_int(o->fulfillment_status), db_int(o->version),
                            db_text(o->cancel_reason)));
}

struct status store_save_lines(struct db_tx *tx, const struct order *o)
{
    struct arena *arena = db_ctx(tx)->arena;
    const char **ids = arena_array(arena, const char *, o->line_count);
    int64_t *shipped = arena_array(arena, int64_t, o->line_count);
    int64_t *delivered = arena_array(arena, int64_t, o->line_count);
    int64_t *cancelled = arena_array(arena, int64_t, o->line_count);

    for (size_t i = 0; i < o->line_count; i++) {
        ids[i] = o->lines[i].line_id;
        shipped[i] = o->lines[i].shipped;
        delivered[i] = o->lines[i].delivered;
        cancelled[i] = o->lines[i].cancelled;
    }
    return db_later(tx, &SAVE_LINES,
                    DB_ARGS(db_uuid(o->id), db_texts(ids, o->line_count),
                            db_ints(shipped, o->line_count), db_ints(delivered, o->line_count),
                            db_ints(cancelled, o->line_count)));
}

struct status store_open_fulfillments(struct db_tx *tx, struct uuid order_id)
{
    return db_later(tx, &OPEN_FULFILLMENTS, DB_ARGS(db_uuid(order_id)));
}

struct status store_save_fulfillments(struct db_tx *tx, const struct order *o)
{
    struct ctx *ctx = db_ctx(tx);
    const struct packages packages = packages_of(ctx, o);
    const struct parts parts = parts_of(ctx, o);

    TRY(db_later(tx, &SAVE_FULFILLMENTS,
                 DB_ARGS(db_uuids(packages.ids, o->fulfillment_count),
                         db_ints(packages.states, o->fulfillment_count))));
    return db_later(tx, &SAVE_FULFILLMENT_LINES,
                    DB_ARGS(db_uuids(parts.fulfillments, parts.count),
                            db_texts(parts.lines, parts.count),
                            db_ints(parts.shipped, parts.count)));
}

struct status store_put_shipments(struct db_tx *tx, const struct order *o)
{
    struct arena *arena = db_ctx(tx)->arena;
    const size_t count = o->shipment_count;
    struct uuid *ids = arena_array(arena, struct uuid, count);
    struct uuid *fulfillments = arena_array(arena, struct uuid, count);
    int64_t *states = arena_array(arena, int64_t, count);
    const char **carriers = arena_array(arena, const char *, count);
    const char **numbers = arena_array(arena, const char *, count);

    for (size_t i = 0; i < count; i++) {
        ids[i] = o->shipments[i].id;
        fulfillments[i] = o->shipments[i].fulfillment_id;
        states[i] = o->shipments[i].state;
        carriers[i] = str_or_empty(o->shipments[i].carrier);
        numbers[i] = str_or_empty(o->shipments[i].tracking_number);
    }
    return db_later(tx, &PUT_SHIPMENTS,
                    DB_ARGS(db_uuids(ids, count), db_uuids(fulfillments, count),
                            db_ints(states, count), db_texts(carriers, count),
                            db_texts(numbers, count)));
}

struct status store_add_shipment_lines(struct db_tx *tx, const struct shipment *shipment)
{
    struct arena *arena = db_ctx(tx)->arena;
    const size_t count = shipment->line_count;
    const char **ids = arena_array(arena, const char *, count);
    int64_t *quantities = arena_array(arena, int64_t, count);

    for (size_t i = 0; i < count; i++) {
        ids[i] = shipment->lines[i].line_id;
        quantities[i] = shipment->lines[i].quantity;
    }
    return db_later(
        tx, &ADD_SHIPMENT_LINES,
        DB_ARGS(db_uuid(shipment->id), db_texts(ids, count), db_ints(quantities, count)));
}

static struct lines lines_of(struct ctx *ctx, const struct order *o)
{
    struct arena *arena = ctx->arena;
    const size_t n = o->line_count;
    const struct lines lines = {
        .ids = arena_array(arena, const char *, n),
        .parents = arena_array(arena, const char *, n),
        .skus = arena_array(arena, const char *, n),
        .names = arena_array(arena, const char *, n),
        .units = arena_array(arena, const char *, n),
        .variants = arena_array(arena, struct uuid, n),
        .products = arena_array(arena, struct uuid, n),
        .quantities = arena_array(arena, int64_t, n),
        .gross = arena_array(arena, int64_t, n),
        .net = arena_array(arena, int64_t, n),
        .tax = arena_array(arena, int64_t, n),
        .discounts = arena_array(arena, int64_t, n),
    };

    for (size_t i = 0; i < n; i++) {
        const struct order_line *line = &o->lines[i];
        lines.ids[i] = line->line_id;
        lines.parents[i] = line->parent_line_id;
        lines.skus[i] = line->sku;
        lines.names[i] = line->name;
        lines.units[i] = line->unit_discounts;
        lines.variants[i] = line->variant_id;
        lines.products[i] = line->product_id;
        lines.quantities[i] = line->quantity;
        lines.gross[i] = line->gross_minor;
        lines.net[i] = line->net_minor;
        lines.tax[i] = line->tax_minor;
        lines.discounts[i] = line->discount_minor;
    }
    return lines;
}

static struct packages packages_of(struct ctx *ctx, const struct order *o)
{
    const struct packages packages = {
        .ids = arena_array(ctx->arena, struct uuid, o->fulfillment_count),
        .warehouses = arena_array(ctx->arena, struct uuid, o->fulfillment_count),
        .states = arena_array(ctx->arena, int64_t, o->fulfillment_count),
    };

    for (size_t i = 0; i < o->fulfillment_count; i++) {
        packages.ids[i] = o->fulfillments[i].id;
        packages.warehouses[i] = o->fulfillments[i].warehouse_id;
        packages.states[i] = o->fulfillments[i].state;
    }
    return packages;
}

static struct parts parts_of(struct ctx *ctx, const struct order *o)
{
    struct parts parts = {0};
    size_t total = 0;

    for (size_t i = 0; i < o->fulfillment_count; i++)
        total += o->fulfillments[i].line_count;
    parts.fulfillments = arena_array(ctx->arena, struct uuid, total);
    parts.variants = arena_array(ctx->arena, struct uuid, total);
    parts.lines = arena_array(ctx->arena, const char *, total);
    parts.quantities = arena_array(ctx->arena, int64_t, total);
    parts.shipped = arena_array(ctx->arena, int64_t, total);
    for (size_t i = 0; i < o->fulfillment_count; i++) {
        for (size_t k = 0; k < o->fulfillments[i].line_count; k++) {
            const struct fulfillment_line *line = &o->fulfillments[i].lines[k];
            parts.fulfillments[parts.count] = o->fulfillments[i].id;
            parts.variants[parts.count] = line->variant_id;
            parts.lines[parts.count] = line->line_id;
            parts.quantities[parts.count] = line->quantity;
            parts.shipped[parts.count] = line->shipped;
            parts.count++;
        }
    }
    return parts;
}

static struct db_value blob_or_null(struct db_bytes bytes)
{
    return bytes.data == NULL ? db_null('b') : db_blob(bytes.data, bytes.length);
}
