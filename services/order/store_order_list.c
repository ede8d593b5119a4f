/* store_order_list.c - reading orders: one or a page of them, always in one round trip.
 *
 * Every statement answers in the order of orders (newest first), then of what hangs on them, so
 * that one pass over the rows deals them out. Each is there twice, by "=" for one order and by ANY
 * for a page: a plan for an array is never cheap enough to be kept, and one order is the hot case.
 */
#include "store.h"

#define ORDER_COLUMNS                                                                              \
    "o.id, o.number, o.state, o.payment_status, o.fulfillment_status, o.version, o.revision,"      \
    " o.channel_id, o.customer_id, o.cart_id, o.reservation_id, o.locale, o.currency_code,"        \
    " o.total_minor, o.cancel_reason, o.place_time, o.update_time, p.email, p.shipping_address,"   \
    " p.billing_address"
#define ORDER_OUT "utiiiiiuuuuttitddtbb"

#define ORDERS_FROM " FROM orders.orders o JOIN orders.party p ON p.order_id = o.id"
#define SNAPSHOT_FROM                                                                              \
    " JOIN orders.order_revision r ON r.order_id = o.id AND r.revision = o.revision"

static const struct db_stmt LIST_ORDERS = {
    .name = "list_orders",
    .in = "U",
    .out = ORDER_OUT "b",
    .sql = "SELECT " ORDER_COLUMNS ", NULL::bytea" ORDERS_FROM
           " WHERE o.id = ANY ($1) ORDER BY o.id DESC",
    .read_only = true,
};

static const struct db_stmt GET_ORDER = {
    .name = "get_order",
    .in = "u",
    .out = ORDER_OUT "b",
    .sql = "SELECT " ORDER_COLUMNS ", r.snapshot" ORDERS_FROM SNAPSHOT_FROM " WHERE o.id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_ORDER = {
    .name = "lock_order",
    .in = "u",
    .out = ORDER_OUT "b",
    .sql = "SELECT " ORDER_COLUMNS ", r.snapshot" ORDERS_FROM SNAPSHOT_FROM
           " WHERE o.id = $1 FOR UPDATE OF o",
};

// tidy: macro: a statement's text is a constant, and here there are two of it
#define LINES_SQL(which)                                                                           \
    "SELECT order_id, line_id, parent_line_id, sku, name, variant_id, product_id, quantity,"       \
    " gross_minor, net_minor, tax_minor, discount_minor, unit_discounts::text,"                    \
    " shipped_quantity, delivered_quantity, cancelled_quantity"                                    \
    " FROM orders.order_line WHERE order_id " which " ORDER BY order_id DESC, position"
#define LINES_OUT "uttttuuiiiiitiii"

static const struct db_stmt GET_LINES = {.name = "get_order_lines",
                                         .in = "u",
                                         .out = LINES_OUT,
                                         .sql = LINES_SQL("= $1"),
                                         .read_only = true};
static const struct db_stmt LIST_LINES = {.name = "list_order_lines",
                                          .in = "U",
                                          .out = LINES_OUT,
                                          .sql = LINES_SQL("= ANY ($1)"),
                                          .read_only = true};

/* A row per line. */
// tidy: macro: a statement's text is a constant, and here there are two of it
#define FULFILLMENTS_SQL(which)                                                                    \
    "SELECT f.order_id, f.id, f.warehouse_id, f.state, line.line_id, line.variant_id,"             \
    " line.quantity, line.shipped_quantity FROM orders.fulfillment f"                              \
    " JOIN orders.fulfillment_line line ON line.fulfillment_id = f.id"                             \
    " WHERE f.order_id " which " ORDER BY f.order_id DESC, f.id, line.line_id"
#define FULFILLMENTS_OUT "uuuituii"

static const struct db_stmt GET_FULFILLMENTS = {.name = "get_fulfillments",
                                                .in = "u",
                                                .out = FULFILLMENTS_OUT,
                                                .sql = FULFILLMENTS_SQL("= $1"),
                                                .read_only = true};
static const struct db_stmt LIST_FULFILLMENTS = {.name = "list_fulfillments",
                                                 .in = "U",
                                                 .out = FULFILLMENTS_OUT,
                                                 .sql = FULFILLMENTS_SQL("= ANY ($1)"),
                                                 .read_only = true};

/* A row per line, or one without. */
// tidy: macro: a statement's text is a constant, and here there are two of it
#define SHIPMENTS_SQL(which)                                                                       \
    "SELECT f.order_id, s.id, s.fulfillment_id, s.state, s.carrier, s.tracking_number,"            \
    " s.ship_time, s.deliver_time, line.line_id, line.quantity"                                    \
    " FROM orders.fulfillment f JOIN orders.shipment s ON s.fulfillment_id = f.id"                 \
    " LEFT JOIN orders.shipment_line line ON line.shipment_id = s.id"                              \
    " WHERE f.order_id " which " ORDER BY f.order_id DESC, s.create_time, s.id, line.line_id"
#define SHIPMENTS_OUT "uuuittddti"

static const struct db_stmt GET_SHIPMENTS = {.name = "get_shipments",
                                             .in = "u",
                                             .out = SHIPMENTS_OUT,
                                             .sql = SHIPMENTS_SQL("= $1"),
                                             .read_only = true};
static const struct db_stmt LIST_SHIPMENTS = {.name = "list_shipments",
                                              .in = "U",
                                              .out = SHIPMENTS_OUT,
                                              .sql = SHIPMENTS_SQL("= ANY ($1)"),
                                              .read_only = true};

static const struct db_stmt LIST_ENTRIES = {
    .name = "list_payment_entries",
    .in = "U", /* payments */
    .out = "uuiiittd",
    .sql = "SELECT payment_id, id, kind, outcome, amount_minor, provider_reference, failure_reason,"
           " create_time FROM orders.payment_entry"
           " WHERE payment_id = ANY (ARRAY(SELECT unnest($1)))" // its length unseen: planned once
           " ORDER BY payment_id, create_time, id",
    .read_only = true,
};

static const struct db_stmt FIND_TO_PACK = {
    .name = "find_orders_to_pack",
    .in = "U",
    .out = "uf",
    .sql = "SELECT o.id, EXISTS (SELECT FROM orders.fulfillment f"
           " WHERE f.order_id = o.id AND f.state = 1) FROM orders.orders o"
           " WHERE o.id = ANY (ARRAY(SELECT unnest($1))) ORDER BY o.id",
    .read_only = true,
};

static const struct db_stmt FIND_ORDER = {
    .name = "find_order",
    .in = "t",
    .out = "u",
    .sql = "SELECT id FROM orders.orders WHERE number = $1",
    .read_only = true,
};

static const struct db_stmt FIND_ORDER_OF_FULFILLMENT = {
    .name = "find_order_of_fulfillment",
    .in = "u",
    .out = "u",
    .sql = "SELECT order_id FROM orders.fulfillment WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt FIND_ORDER_OF_SHIPMENT = {
    .name = "find_order_of_shipment",
    .in = "u",
    .out = "u",
    .sql = "SELECT f.order_id FROM orders.shipment s"
           " JOIN orders.fulfillment f ON f.id = s.fulfillment_id WHERE s.id = $1",
    .read_only = true,
};

static const struct db_stmt LIST_IDS = {
    .name = "list_order_ids",
    .in = "uiiii", /* before, state, payment status, fulfillment status, limit */
    .out = "u",
    .sql = "SELECT id FROM orders.orders WHERE ($1::uuid IS NULL OR id < $1)"
           " AND ($2::bigint = 0 OR state = $2) AND ($3::bigint = 0 OR payment_status = $3)"
           " AND ($4::bigint = 0 OR fulfillment_status = $4) ORDER BY id DESC LIMIT $5",
    .read_only = true,
};

static const struct db_stmt LIST_IDS_OF_CUSTOMER = {
    .name = "list_order_ids_of_customer",
    .in = "uuiiii", /* customer, then as above */
    .out = "u",
    .sql = "SELECT id FROM orders.orders WHERE customer_id = $1 AND ($2::uuid IS NULL OR id < $2)"
           " AND ($3::bigint = 0 OR state = $3) AND ($4::bigint = 0 OR payment_status = $4)"
           " AND ($5::bigint = 0 OR fulfillment_status = $5) ORDER BY id DESC LIMIT $6",
    .read_only = true,
};

static const struct db_stmt LIST_AUDIT = {
    .name = "list_order_audit",
    .in = "uui", /* order, before, limit */
    .out = "udttttt",
    .sql = "SELECT id, occurred_at, actor, on_behalf_of, action, reason, detail FROM audit"
           " WHERE entity_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    .read_only = true,
};

const struct db_stmt *const STORE_ORDER_LIST_STATEMENTS[] = {
    &LIST_ORDERS,
    &GET_ORDER,
    &LOCK_ORDER,
    &GET_LINES,
    &LIST_LINES,
    &GET_FULFILLMENTS,
    &LIST_FULFILLMENTS,
    &GET_SHIPMENTS,
    &LIST_SHIPMENTS,
    &LIST_ENTRIES,
    &FIND_TO_PACK,
    &FIND_ORDER,
    &FIND_ORDER_OF_FULFILLMENT,
    &FIND_ORDER_OF_SHIPMENT,
    &LIST_IDS,
    &LIST_IDS_OF_CUSTOMER,
    &LIST_AUDIT,
    NULL,
};

enum { TENDERS_MAX = 5 };

/* What one batch asks for. */
enum { ORDERS, LINES, FULFILLMENTS, SHIPMENTS, PAYMENTS, ENTRIES };

/* A result that is dealt out order by order; `next` is the first row not dealt. */
struct deck {
    const struct db_rows *rows;
    size_t next;
};

static struct order *deal(struct ctx *ctx, const struct db_call *calls);
static struct order read_order(const struct db_rows *rows, size_t row);
static void deal_lines(struct ctx *ctx, struct deck *deck, struct order *order);
static void deal_fulfillments(struct ctx *ctx, struct deck *deck, struct order *order);
static void deal_shipments(struct ctx *ctx, struct deck *deck, struct order *order);
static void deal_payments(const struct payment_list *all, size_t *next, struct order *order);
static struct ledger_entry *read_entries(struct ctx *ctx, const struct db_rows *rows);
static size_t rows_of(const struct deck *deck, struct uuid order_id);
static struct status find(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                          struct uuid *ret_id);
static struct status read_ids(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                              struct uuid **ret_ids, size_t *ret_count);

struct status store_load_order(struct db_tx *tx, struct uuid id, bool for_update,
                               struct order *ret_order)
{
    struct ctx *ctx = db_ctx(tx);
    const struct db_value key = db_uuid(id);
    const struct db_args args = {&key, 1};
    struct uuid payment_ids[TENDERS_MAX];
    struct db_call calls[] = {
        [ORDERS] = {for_update ? &LOCK_ORDER : &GET_ORDER, args, {0}},
        [LINES] = {&GET_LINES, args, {0}},
        [FULFILLMENTS] = {&GET_FULFILLMENTS, args, {0}},
        [SHIPMENTS] = {&GET_SHIPMENTS, args, {0}},
        [PAYMENTS] = store_payments_call(&key, for_update),
        [ENTRIES] = {&LIST_ENTRIES, DB_ARGS(db_uuids(payment_ids, TENDERS_MAX)), {0}},
    };

    for (int64_t i = 0; i < TENDERS_MAX; i++)
        payment_ids[i] = payment_id_of(id, i + 1);
    // who changes the order does not need the ledger that it is about to append to
    TRY(db_batch(tx, calls, for_update ? ENTRIES : ENTRIES + 1));
    if (calls[ORDERS].rows.count == 0)
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "order %s", uuid_text(ctx->arena, id));
    *ret_order = *deal(ctx, calls);
    if (!for_update) {
        ret_order->entries = read_entries(ctx, &calls[ENTRIES].rows);
        ret_order->entry_count = calls[ENTRIES].rows.count;
    }
    return status_ok();
}

struct status store_load_orders(struct db_tx *tx, const struct uuid *ids, size_t count,
                                struct order **ret_orders, size_t *ret_count)
{
    const struct db_value key = db_uuids(ids, count);
    const struct db_args args = {&key, 1};
    struct db_call calls[] = {
        [ORDERS] = {&LIST_ORDERS, args, {0}},
        [LINES] = {&LIST_LINES, args, {0}},
        [FULFILLMENTS] = {&LIST_FULFILLMENTS, args, {0}},
        [SHIPMENTS] = {&LIST_SHIPMENTS, args, {0}},
        [PAYMENTS] = store_payments_call(&key, false),
    };

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    *ret_orders = deal(db_ctx(tx), calls);
    *ret_count = calls[ORDERS].rows.count;
    return status_ok();
}

struct status store_find_to_pack(struct db_tx *tx, const struct uuid *ids, size_t count,
                                 struct order_to_pack **ret_orders, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &FIND_TO_PACK, DB_ARGS(db_uuids(ids, count)), &rows));
    struct order_to_pack *orders = arena_array(db_ctx(tx)->arena, struct order_to_pack, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        orders[i] = (struct order_to_pack){db_get_uuid(&rows, i, 0), db_get_bool(&rows, i, 1)};
    *ret_orders = orders;
    *ret_count = rows.count;
    return status_ok();
}

struct status store_find_order(struct db_tx *tx, const char *number, struct uuid *ret_id)
{
    return find(tx, &FIND_ORDER, DB_ARGS(db_text(number)), ret_id);
}

struct status store_find_order_of_fulfillment(struct db_tx *tx, struct uuid id, struct uuid *ret_id)
{
    return find(tx, &FIND_ORDER_OF_FULFILLMENT, DB_ARGS(db_uuid(id)), ret_id);
}

struct status store_find_order_of_shipment(struct db_tx *tx, struct uuid id, struct uuid *ret_id)
{
    return find(tx, &FIND_ORDER_OF_SHIPMENT, DB_ARGS(db_uuid(id)), ret_id);
}

struct status store_list_order_ids(struct db_tx *tx, const struct order_filter *f,
                                   struct uuid **ret_ids, size_t *ret_count)
{
    if (uuid_is_nil(f->customer_id))
        return read_ids(tx, &LIST_IDS,
                        DB_ARGS(db_uuid_or_null(f->before), db_int(f->state),
                                db_int(f->payment_status), db_int(f->fulfillment_status),
                                db_int(f->limit)),
                        ret_ids, ret_count);
    return read_ids(tx, &LIST_IDS_OF_CUSTOMER,
                    DB_ARGS(db_uuid(f->customer_id), db_uuid_or_null(f->before), db_int(f->state),
                            db_int(f->payment_status), db_int(f->fulfillment_status),
                            db_int(f->limit)),
                    ret_ids, ret_count);
}

struct status store_list_audit(struct db_tx *tx, struct uuid order_id, struct uuid before,
                               int64_t limit, struct db_rows *ret_rows)
{
    return db_many(tx, &LIST_AUDIT,
                   DB_ARGS(db_uuid(order_id), db_uuid_or_null(before), db_int(limit)), ret_rows);
}

static struct order *deal(struct ctx *ctx, const struct db_call *calls)
{
    const size_t count = calls[ORDERS].rows.count;
    const struct payment_list payments = store_payments_read(ctx, &calls[PAYMENTS].rows);
    struct deck lines = {&calls[LINES].rows, 0};
    struct deck fulfillments = {&calls[FULFILLMENTS].rows, 0};
    struct deck shipments = {&calls[SHIPMENTS].rows, 0};
    struct order *orders = arena_array(ctx->arena, struct order, count);
    size_t next_payment = 0;

    for (size_t i = 0; i < count; i++) {
        orders[i] = read_order(&calls[ORDERS].rows, i);
        deal_lines(ctx, &lines, &orders[i]);
        deal_fulfillments(ctx, &fulfillments, &orders[i]);
        deal_shipments(ctx, &shipments, &orders[i]);
        deal_payments(&payments, &next_payment, &orders[i]);
    }
    return orders;
}

static struct order read_order(const struct db_rows *rows, size_t row)
{
    return (struct order){
        .id = db_get_uuid(rows, row, 0),
        .number = db_get_text(rows, row, 1),
        .state = (enum order_state)db_get_int(rows, row, 2),
        .payment_status = (enum payment_status)db_get_int(rows, row, 3),
        .fulfillment_status = (enum fulfillment_status)db_get_int(rows, row, 4),
        .version = db_get_int(rows, row, 5),
        .revision = db_get_int(rows, row, 6),
        .channel_id = db_get_uuid(rows, row, 7),
        .customer_id = db_get_uuid(rows, row, 8),
        .cart_id = db_get_uuid(rows, row, 9),
        .reservation_id = db_get_uuid(rows, row, 10),
        .locale = db_get_text(rows, row, 11),
        .currency_code = db_get_text(rows, row, 12),
        .total_minor = db_get_int(rows, row, 13),
        .cancel_reason = db_get_text(rows, row, 14),
        .place_us = db_get_time(rows, row, 15),
        .update_us = db_get_time(rows, row, 16),
        .party = {.email = db_get_text(rows, row, 17),
                  .shipping_address = db_get_bytes(rows, row, 18),
                  .billing_address = db_get_bytes(rows, row, 19)},
        .snapshot = db_get_bytes(rows, row, 20),
    };
}

static void deal_lines(struct ctx *ctx, struct deck *deck, struct order *order)
{
    order->line_count = rows_of(deck, order->id);
    order->lines = arena_array(ctx->arena, struct order_line, order->line_count);
    for (size_t i = 0; i < order->line_count; i++) {
        const size_t row = deck->next++;
        order->lines[i] = (struct order_line){
            .line_id = db_get_text(deck->rows, row, 1),
            .parent_line_id = db_get_text(deck->rows, row, 2),
            .sku = db_get_text(deck->rows, row, 3),
            .name = db_get_text(deck->rows, row, 4),
            .variant_id = db_get_uuid(deck->rows, row, 5),
            .product_id = db_get_uuid(deck->rows, row, 6),
            .quantity = db_get_int(deck->rows, row, 7),
            .gross_minor = db_get_int(deck->rows, row, 8),
            .net_minor = db_get_int(deck->rows, row, 9),
            .tax_minor = db_get_int(deck->rows, row, 10),
            .discount_minor = db_get_int(deck->rows, row, 11),
            .unit_discounts = db_get_text(deck->rows, row, 12),
            .shipped = db_get_int(deck->rows, row, 13),
            .delivered = db_get_int(deck->rows, row, 14),
            .cancelled = db_get_int(deck->rows, row, 15),
        };
    }
}

/* A new fulfillment begins where the id changes. */
static void deal_fulfillments(struct ctx *ctx, struct deck *deck, struct order *order)
{
    const size_t count = rows_of(deck, order->id);
    struct fulfillment_line *lines = arena_array(ctx->arena, struct fulfillment_line, count);

    order->fulfillments = arena_array(ctx->arena, struct fulfillment, count);
    for (size_t i = 0; i < count; i++) {
        const size_t row = deck->next++;
        const struct uuid id = db_get_uuid(deck->rows, row, 1);
        struct fulfillment *last = &order->fulfillments[order->fulfillment_count];
        if (order->fulfillment_count == 0 || !uuid_equal(last[-1].id, id)) {
            *last = (struct fulfillment){
                .id = id,
                .order_id = order->id,
                .warehouse_id = db_get_uuid(deck->rows, row, 2),
                .state = (enum fulfillment_state)db_get_int(deck->rows, row, 3),
                .lines = &lines[i],
            };
            order->fulfillment_count++;
        } else {
            last--;
        }
        last->line_count++;
        lines[i] = (struct fulfillment_line){
            .fulfillment_id = id,
            .line_id = db_get_text(deck->rows, row, 4),
            .variant_id = db_get_uuid(deck->rows, row, 5),
            .quantity = db_get_int(deck->rows, row, 6),
            .shipped = db_get_int(deck->rows, row, 7),
        };
    }
}

/* One more than there are: shipping may add a parcel. */
static void deal_shipments(struct ctx *ctx, struct deck *deck, struct order *order)
{
    const size_t count = rows_of(deck, order->id);
    const size_t room = count + order->fulfillment_count + 1;
    struct shipment_line *lines = arena_array(ctx->arena, struct shipment_line, count);

    order->shipments = arena_array(ctx->arena, struct shipment, room);
    for (size_t i = 0; i < count; i++) {
        const size_t row = deck->next++;
        const struct uuid id = db_get_uuid(deck->rows, row, 1);
        struct shipment *last = &order->shipments[order->shipment_count];
        if (order->shipment_count == 0 || !uuid_equal(last[-1].id, id)) {
            *last = (struct shipment){
                .id = id,
                .fulfillment_id = db_get_uuid(deck->rows, row, 2),
                .state = (enum shipment_state)db_get_int(deck->rows, row, 3),
                .carrier = db_get_text(deck->rows, row, 4),
                .tracking_number = db_get_text(deck->rows, row, 5),
                .ship_us = db_get_time(deck->rows, row, 6),
                .deliver_us = db_get_time(deck->rows, row, 7),
                .lines = &lines[i],
            };
            order->shipment_count++;
        } else {
            last--;
        }
        if (db_is_null(deck->rows, row, 8))
            continue; // being prepared
        lines[i] = (struct shipment_line){.shipment_id = id,
                                          .line_id = db_get_text(deck->rows, row, 8),
                                          .quantity = db_get_int(deck->rows, row, 9)};
        last->line_count++;
    }
}

static void deal_payments(const struct payment_list *all, size_t *next, struct order *order)
{
    order->payments = (struct payment_list){.items = &all->items[*next]};
    while (*next < all->count && uuid_equal(all->items[*next].checkout_id, order->id)) {
        order->payments.count++;
        (*next)++;
    }
}

static struct ledger_entry *read_entries(struct ctx *ctx, const struct db_rows *rows)
{
    struct ledger_entry *entries = arena_array(ctx->arena, struct ledger_entry, rows->count);

    for (size_t i = 0; i < rows->count; i++)
        entries[i] = (struct ledger_entry){
            .payment_id = db_get_uuid(rows, i, 0),
            .id = db_get_uuid(rows, i, 1),
            .kind = (enum entry_kind)db_get_int(rows, i, 2),
            .outcome = (enum entry_outcome)db_get_int(rows, i, 3),
            .amount = db_get_int(rows, i, 4),
            .provider_reference = db_get_text(rows, i, 5),
            .failure_reason = db_get_text(rows, i, 6),
            .time_us = db_get_time(rows, i, 7),
        };
    return entries;
}

/* How many of the rows not dealt yet are the order's. */
static size_t rows_of(const struct deck *deck, struct uuid order_id)
{
    size_t count = 0;

    while (deck->next + count < deck->rows->count &&
           uuid_equal(db_get_uuid(deck->rows, deck->next + count, 0), order_id))
        count++;
    return count;
}

static struct status find(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                          struct uuid *ret_id)
{
    struct db_rows rows;

    TRY(db_one(tx, stmt, args, &rows));
    *ret_id = db_get_uuid(&rows, 0, 0);
    return status_ok();
}

static struct status read_ids(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                              struct uuid **ret_ids, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, stmt, args, &rows));
    *ret_ids = arena_array(db_ctx(tx)->arena, struct uuid, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_ids)[i] = db_get_uuid(&rows, i, 0);
    return status_ok();
}
