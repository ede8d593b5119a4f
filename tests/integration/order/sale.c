/* sale.c - see sale.h. */
#include "sale.h"

#include <string.h>

const char WAREHOUSE_A[] = "018f0000-0000-7000-8000-0000000000a1";
const char WAREHOUSE_B[] = "018f0000-0000-7000-8000-0000000000b2";
const char CUSTOMER[] = "018f0000-0000-7000-8000-00000000c057";

static const char MUG[] = "018f0000-0000-7000-8000-000000000111";
static const char TEE[] = "018f0000-0000-7000-8000-000000000222";
static const char STORE[] = "018f0000-0000-7000-8000-000000000333";
static const char CHANNEL[] = "018f0000-0000-7000-8000-000000000444";
static const char COUPON[] = "018f0000-0000-7000-8000-000000000555";

static const struct {
    const char *line_id, *variant_id, *sku, *name;
    int64_t quantity, gross, net, tax, discount;
} LINES[] = {
    {"1", MUG, "MUG-BLUE", "Blue mug", 2, 2500, 2101, 399, 0},
    {"2", TEE, "TEE-RED-M", "Red tee", 3, 4500, 3782, 718, 100},
};

static const struct {
    const char *line_id, *variant_id, *warehouse_id;
    int64_t quantity;
} PARTS[] = {
    {"1", MUG, WAREHOUSE_A, 2},
    {"2", TEE, WAREHOUSE_A, 1},
    {"2", TEE, WAREHOUSE_B, 2},
};

static Order__V1__CheckoutSnapshot *snapshot(struct ctx *ctx, const struct sale *sale);
static Cart__V1__Cart *cart(struct ctx *ctx, const struct sale *sale);
static Cart__V1__Quote *quote(struct ctx *ctx);
static Common__V1__Address *address(struct ctx *ctx);
static Order__V1__CheckoutAllocation **parts(struct ctx *ctx);
static const char *reservation_of(struct ctx *ctx, const struct sale *sale);

struct daemon *given_order_daemon(void)
{
    struct daemon *daemon = world_start(&ORDER);

    world_sql("INSERT INTO orders.provider_account (code, provider, capture_policy, is_active)"
              " VALUES ('manual', 'manual', 1, true), ('manual-ship', 'manual', 2, true),"
              " ('stripe', 'stripe', 1, true), ('stripe-ship', 'stripe', 2, true)");
    return daemon;
}

struct sale given_sale(struct daemon *daemon, const char *account)
{
    struct ctx *ctx = world_ctx(daemon);
    const char *cart_id = uuid_text(ctx->arena, uuid_v7());

    return (struct sale){
        .daemon = daemon,
        .cart_id = cart_id,
        .client_key = arena_printf(ctx->arena, "guest/%s", cart_id),
        .account = account,
        .payment_method = str_starts_with(account, "stripe") ? "pm_card_visa" : "",
    };
}

struct status sale_begin(struct sale *sale, Order__V1__BeginCheckoutResponse *ret_reply)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    Order__V1__BeginCheckoutRequest req = ORDER__V1__BEGIN_CHECKOUT_REQUEST__INIT;
    Order__V1__BeginCheckoutResponse reply = ORDER__V1__BEGIN_CHECKOUT_RESPONSE__INIT;
    Order__V1__TenderInput tender = ORDER__V1__TENDER_INPUT__INIT;
    Order__V1__TenderInput second = ORDER__V1__TENDER_INPUT__INIT;
    Order__V1__TenderInput *tenders[] = {&tender, &second};

    second.provider_account = sale->second_account;
    second.payment_method = sale->second_method;
    tender.amount_minor = sale->first_minor;
    tender.provider_account = sale->account;
    tender.payment_method = sale->payment_method;
    tender.return_url = "https://shop.example/back";
    req.cart_id = sale->cart_id;
    req.cart_version = 7;
    req.client_key = sale->client_key;
    req.fingerprint = "f1";
    req.expected_total = message_money(ctx, SALE_TOTAL, "EUR");
    req.tenders = tenders;
    req.n_tenders = sale->second_account == NULL ? 1 : 2;
    req.driver = "gateway-1";
    req.lease_ms = LEASE_MS;
    req.is_sole_run = sale->is_sole_run;
    TRY(order_begin_checkout(ctx, &req, &reply));
    sale->checkout_id = reply.checkout->id;
    sale->epoch = reply.epoch;
    if (ret_reply != NULL)
        *ret_reply = reply;
    return status_ok();
}

struct status sale_price(struct sale *sale)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    Order__V1__AdvanceCheckoutRequest req = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    Order__V1__AdvanceCheckoutResponse reply = ORDER__V1__ADVANCE_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.to_state = ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_PRICED;
    req.snapshot = snapshot(ctx, sale);
    return order_advance_checkout(ctx, &req, &reply);
}

struct status sale_reserve(struct sale *sale)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    Order__V1__AdvanceCheckoutRequest req = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    Order__V1__AdvanceCheckoutResponse reply = ORDER__V1__ADVANCE_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.to_state = ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_RESERVED;
    req.reservation_id = reservation_of(ctx, sale);
    req.lease_ms = LEASE_MS;
    req.n_allocations = ARRAY_LEN(PARTS);
    req.allocations = parts(ctx);
    return order_advance_checkout(ctx, &req, &reply);
}

struct status sale_advance(struct sale *sale, enum checkout_state to, const char *reason)
{
    Order__V1__AdvanceCheckoutRequest req = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    Order__V1__AdvanceCheckoutResponse reply = ORDER__V1__ADVANCE_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.to_state = (Order__V1__CheckoutState)to;
    req.failure_reason = reason;
    req.failure_code = sale->failure_code;
    return order_advance_checkout(world_ctx(sale->daemon), &req, &reply);
}

struct status sale_authorize(struct sale *sale, Order__V1__AuthorizeTendersResponse *ret_reply)
{
    Order__V1__AuthorizeTendersRequest req = ORDER__V1__AUTHORIZE_TENDERS_REQUEST__INIT;
    Order__V1__AuthorizeTendersResponse reply = ORDER__V1__AUTHORIZE_TENDERS_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.lease_ms = sale->renew_ms;
    req.place = sale->is_placing;
    TRY(order_authorize_tenders(world_ctx(sale->daemon), &req, &reply));
    if (ret_reply != NULL)
        *ret_reply = reply;
    return status_ok();
}

struct status sale_authorize_with_all(struct sale *sale,
                                      Order__V1__AuthorizeTendersResponse *ret_reply)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    Order__V1__AuthorizeTendersRequest req = ORDER__V1__AUTHORIZE_TENDERS_REQUEST__INIT;
    Order__V1__AuthorizeTendersResponse reply = ORDER__V1__AUTHORIZE_TENDERS_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.snapshot = snapshot(ctx, sale);
    req.reservation_id = reservation_of(ctx, sale);
    req.n_allocations = ARRAY_LEN(PARTS);
    req.allocations = parts(ctx);
    req.place = sale->is_placing;
    TRY(order_authorize_tenders(ctx, &req, &reply));
    if (ret_reply != NULL)
        *ret_reply = reply;
    return status_ok();
}

struct status sale_place(struct sale *sale, Order__V1__Order **ret_order)
{
    Order__V1__PlaceOrderRequest req = ORDER__V1__PLACE_ORDER_REQUEST__INIT;
    Order__V1__PlaceOrderResponse reply = ORDER__V1__PLACE_ORDER_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    TRY(order_place_order(world_ctx(sale->daemon), &req, &reply));
    if (ret_order != NULL)
        *ret_order = reply.order;
    return status_ok();
}

struct status sale_void(struct sale *sale, Order__V1__VoidTendersResponse *ret_reply)
{
    Order__V1__VoidTendersRequest req = ORDER__V1__VOID_TENDERS_REQUEST__INIT;
    Order__V1__VoidTendersResponse reply = ORDER__V1__VOID_TENDERS_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.lease_ms = sale->renew_ms;
    TRY(order_void_tenders(world_ctx(sale->daemon), &req, &reply));
    if (ret_reply != NULL)
        *ret_reply = reply;
    return status_ok();
}

struct status sale_claim(struct sale *sale, Order__V1__ClaimCheckoutResponse *ret_reply)
{
    Order__V1__ClaimCheckoutRequest req = ORDER__V1__CLAIM_CHECKOUT_REQUEST__INIT;
    Order__V1__ClaimCheckoutResponse reply = ORDER__V1__CLAIM_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.driver = "gateway-2";
    req.lease_ms = LEASE_MS;
    req.is_sole_run = sale->is_sole_run;
    TRY(order_claim_checkout(world_ctx(sale->daemon), &req, &reply));
    sale->epoch = reply.epoch;
    if (ret_reply != NULL)
        *ret_reply = reply;
    return status_ok();
}

struct status sale_release(struct sale *sale, int64_t wake_after_ms)
{
    Order__V1__ReleaseCheckoutRequest req = ORDER__V1__RELEASE_CHECKOUT_REQUEST__INIT;
    Order__V1__ReleaseCheckoutResponse reply = ORDER__V1__RELEASE_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.wake_after_ms = wake_after_ms;
    return order_release_checkout(world_ctx(sale->daemon), &req, &reply);
}

struct sale given_reserved(struct daemon *daemon, const char *account)
{
    struct sale sale = given_sale(daemon, account);

    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_price(&sale));
    then_ok(sale_reserve(&sale));
    return sale;
}

struct sale given_authorized(struct daemon *daemon, const char *account)
{
    struct sale sale = given_reserved(daemon, account);

    then_ok(sale_authorize(&sale, NULL));
    ck_assert_int_eq(checkout_now(&sale)->state,
                     ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_AUTHORIZED);
    return sale;
}

struct sale given_placed(struct daemon *daemon, const char *account)
{
    struct sale sale = given_authorized(daemon, account);

    then_ok(sale_place(&sale, NULL));
    return sale;
}

Order__V1__Order *order_now(const struct sale *sale)
{
    Order__V1__GetOrderRequest req = ORDER__V1__GET_ORDER_REQUEST__INIT;
    Order__V1__GetOrderResponse reply = ORDER__V1__GET_ORDER_RESPONSE__INIT;

    req.id = sale->checkout_id;
    then_ok(order_get_order(world_ctx(sale->daemon), &req, &reply));
    return reply.order;
}

Order__V1__Checkout *checkout_now(const struct sale *sale)
{
    Order__V1__GetCheckoutRequest req = ORDER__V1__GET_CHECKOUT_REQUEST__INIT;
    Order__V1__GetCheckoutResponse reply = ORDER__V1__GET_CHECKOUT_RESPONSE__INIT;

    req.checkout_id = sale->checkout_id;
    then_ok(order_get_checkout(world_ctx(sale->daemon), &req, &reply));
    return reply.checkout;
}

struct uuid payment_of(const struct sale *sale)
{
    return payment_id_of(message_uuid(sale->checkout_id), 1);
}

struct status when_captures_are_heard(struct daemon *daemon, const char *const *order_ids,
                                      size_t count)
{
    struct ctx *ctx = world_ctx(daemon);
    struct event_item *items = arena_array(ctx->arena, struct event_item, count);
    struct event *events = arena_array(ctx->arena, struct event, count);
    Order__V1__PaymentCaptured *bodies = arena_array(ctx->arena, Order__V1__PaymentCaptured, count);
    Order__V1__PaymentSummary *payments = arena_array(ctx->arena, Order__V1__PaymentSummary, count);

    for (size_t i = 0; i < count; i++) {
        order__v1__payment_captured__init(&bodies[i]);
        order__v1__payment_summary__init(&payments[i]);
        payments[i].order_id = order_ids[i];
        bodies[i].payment = &payments[i];
        events[i] = (struct event){.id = uuid_v7(), .type = "captured"};
        items[i] = (struct event_item){&events[i], &bodies[i]};
    }
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(order_on_payments_captured(ctx, tx, items, count));
    return db_commit(&tx);
}

struct status when_captured_is_heard(const struct sale *sale)
{
    return when_captures_are_heard(sale->daemon, &sale->checkout_id, 1);
}

int64_t outbox_count(const char *type)
{
    return world_sql_int("SELECT count(*) FROM outbox"
                         " WHERE position(convert_to('order.v1.%s', 'UTF8') IN headers) > 0",
                         type);
}

void then_books_balance(void)
{
    ck_assert_int_eq(0,
                     world_sql_int("SELECT count(*) FROM orders.orders o WHERE NOT EXISTS"
                                   " (SELECT FROM orders.order_line l WHERE l.order_id = o.id)"));
    ck_assert_int_eq(0, world_sql_int("SELECT count(*) FROM orders.payment p, LATERAL ("
                                      " SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 2),"
                                      "  0) AS captured, coalesce(sum(amount_minor) FILTER"
                                      "  (WHERE kind = 4), 0) AS refunded"
                                      " FROM orders.payment_entry e WHERE e.payment_id = p.id"
                                      " AND outcome = 2) AS ledger"
                                      " WHERE p.captured_minor <> ledger.captured"
                                      " OR p.refunded_minor <> ledger.refunded"));
    ck_assert_int_eq(0, world_sql_int("SELECT count(*) FROM orders.order_revision"
                                      " WHERE snapshot_hash <> sha256(snapshot)"));
    // every aggregate's events are numbered without gaps
    ck_assert_int_eq(
        0, world_sql_int("SELECT count(*) FROM (SELECT topic, key, count(*) AS events,"
                         " max(aggregate_version) AS last, min(aggregate_version) AS first,"
                         " count(DISTINCT aggregate_version) AS distinct_events FROM outbox"
                         " GROUP BY topic, key) AS a WHERE first <> 1 OR last <> events"
                         " OR distinct_events <> events"));
    ck_assert_int_eq(
        0, world_sql_int("SELECT count(*) FROM orders.fulfillment_line fl JOIN orders.fulfillment f"
                         " ON f.id = fl.fulfillment_id GROUP BY f.order_id, fl.line_id"
                         " HAVING sum(fl.shipped_quantity) <> (SELECT shipped_quantity"
                         " FROM orders.order_line l WHERE l.order_id = f.order_id"
                         " AND l.line_id = fl.line_id)"));
}

static Order__V1__CheckoutSnapshot *snapshot(struct ctx *ctx, const struct sale *sale)
{
    Order__V1__CheckoutSnapshot *out = arena_new(ctx->arena, Order__V1__CheckoutSnapshot);
    Order__V1__SellerSnapshot *seller = arena_new(ctx->arena, Order__V1__SellerSnapshot);

    order__v1__checkout_snapshot__init(out);
    order__v1__seller_snapshot__init(seller);
    seller->legal_entity = "Torg Demo GmbH";
    seller->tax_id = "DE123456789";
    seller->store_id = STORE;
    seller->store_name = "Torg Demo";
    seller->channel_code = "eu";
    out->cart = cart(ctx, sale);
    out->quote = quote(ctx);
    out->quote->n_lines -= sale->is_line_unquoted;
    out->seller = seller;
    out->coupon_ids = arena_array(ctx->arena, const char *, 1);
    out->coupon_ids[0] = COUPON;
    out->n_coupon_ids = 1;
    return out;
}

static Cart__V1__Cart *cart(struct ctx *ctx, const struct sale *sale)
{
    Cart__V1__Cart *out = arena_new(ctx->arena, Cart__V1__Cart);

    cart__v1__cart__init(out);
    out->id = sale->cart_id;
    out->version = 7;
    out->state = CART__V1__CART_STATE__CART_STATE_FROZEN;
    out->channel_id = CHANNEL;
    out->currency_code = "EUR";
    out->country_code = "DE";
    out->locale = "de-DE";
    out->customer_id = CUSTOMER;
    out->email = "anna@example.com";
    out->shipping_address = address(ctx);
    out->billing_address = address(ctx);
    out->lines = arena_array(ctx->arena, Cart__V1__CartLine *, ARRAY_LEN(LINES));
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        Cart__V1__CartLine *line = arena_new(ctx->arena, Cart__V1__CartLine);
        cart__v1__cart_line__init(line);
        line->line_id = LINES[i].line_id;
        line->variant_id = LINES[i].variant_id;
        line->quantity = LINES[i].quantity;
        out->lines[out->n_lines++] = line;
    }
    return out;
}

static Cart__V1__Quote *quote(struct ctx *ctx)
{
    Cart__V1__Quote *out = arena_new(ctx->arena, Cart__V1__Quote);

    cart__v1__quote__init(out);
    out->currency_code = "EUR";
    out->currency_exponent = 2;
    out->total_minor = SALE_TOTAL;
    out->lines = arena_array(ctx->arena, Cart__V1__QuoteLine *, ARRAY_LEN(LINES));
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        Cart__V1__QuoteLine *line = arena_new(ctx->arena, Cart__V1__QuoteLine);
        Cart__V1__UnitDiscount *unit = arena_new(ctx->arena, Cart__V1__UnitDiscount);
        cart__v1__quote_line__init(line);
        cart__v1__unit_discount__init(unit);
        line->line_id = LINES[i].line_id;
        line->variant_id = LINES[i].variant_id;
        line->product_id = STORE;
        line->sku = LINES[i].sku;
        line->name = LINES[i].name;
        line->quantity = LINES[i].quantity;
        line->gross_minor = LINES[i].gross;
        line->net_minor = LINES[i].net;
        line->tax_minor = LINES[i].tax;
        line->discount_minor = LINES[i].discount;
        unit->count = 1;
        unit->amount_minor = LINES[i].discount;
        if (LINES[i].discount > 0) {
            line->unit_discounts = arena_array(ctx->arena, Cart__V1__UnitDiscount *, 1);
            line->unit_discounts[line->n_unit_discounts++] = unit;
        }
        out->lines[out->n_lines++] = line;
    }
    return out;
}

static Common__V1__Address *address(struct ctx *ctx)
{
    Common__V1__Address *out = arena_new(ctx->arena, Common__V1__Address);

    common__v1__address__init(out);
    out->full_name = "Anna Schmidt";
    out->line1 = "Hauptstr. 1";
    out->city = "Berlin";
    out->postal_code = "10115";
    out->country_code = "DE";
    return out;
}

static const char *reservation_of(struct ctx *ctx, const struct sale *sale)
{
    return uuid_text(ctx->arena, uuid_derive_n(message_uuid(sale->checkout_id), "reservation", 1));
}

static Order__V1__CheckoutAllocation **parts(struct ctx *ctx)
{
    Order__V1__CheckoutAllocation **all =
        arena_array(ctx->arena, Order__V1__CheckoutAllocation *, ARRAY_LEN(PARTS));
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        Order__V1__CheckoutAllocation *part = arena_new(ctx->arena, Order__V1__CheckoutAllocation);
        order__v1__checkout_allocation__init(part);
        part->line_id = PARTS[i].line_id;
        part->variant_id = PARTS[i].variant_id;
        part->stock_item_id = PARTS[i].variant_id;
        part->warehouse_id = PARTS[i].warehouse_id;
        part->quantity = PARTS[i].quantity;
        part->variant_quantity = PARTS[i].quantity;
        all[i] = part;
    }
    return all;
}
