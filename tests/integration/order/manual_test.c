/* manual_test.c - the sale with manual payment, from the money to the last parcel. */
#include "suites.h"

static struct status ship(const struct sale *sale, const char *fulfillment_id,
                          const char *shipment_id, int64_t line_two, Order__V1__Order **ret_order)
{
    Order__V1__ShipFulfillmentRequest req = ORDER__V1__SHIP_FULFILLMENT_REQUEST__INIT;
    Order__V1__ShipFulfillmentResponse reply = ORDER__V1__SHIP_FULFILLMENT_RESPONSE__INIT;
    Order__V1__ShipmentLine line = ORDER__V1__SHIPMENT_LINE__INIT;
    Order__V1__ShipmentLine *lines[] = {&line};

    req.fulfillment_id = fulfillment_id;
    req.shipment_id = shipment_id;
    req.carrier = "DHL";
    req.tracking_number = "JD014600006281";
    line.line_id = "2";
    line.quantity = line_two;
    if (line_two > 0) {
        req.lines = lines;
        req.n_lines = 1;
    }
    TRY(order_ship_fulfillment(world_ctx(sale->daemon), &req, &reply));
    if (ret_order != NULL)
        *ret_order = reply.order;
    return status_ok();
}

static struct status deliver(const struct sale *sale, const char *shipment_id)
{
    Order__V1__DeliverShipmentRequest req = ORDER__V1__DELIVER_SHIPMENT_REQUEST__INIT;
    Order__V1__DeliverShipmentResponse reply = ORDER__V1__DELIVER_SHIPMENT_RESPONSE__INIT;

    req.shipment_id = shipment_id;
    return order_deliver_shipment(world_ctx(sale->daemon), &req, &reply);
}

static struct status cancel(const struct sale *sale, int64_t expected_version,
                            Order__V1__Order **ret_order)
{
    Order__V1__CancelOrderRequest req = ORDER__V1__CANCEL_ORDER_REQUEST__INIT;
    Order__V1__CancelOrderResponse reply = ORDER__V1__CANCEL_ORDER_RESPONSE__INIT;

    req.order_id = sale->checkout_id;
    req.reason = "changed their mind";
    req.expected_version = expected_version;
    TRY(order_cancel_order(world_ctx(sale->daemon), &req, &reply));
    if (ret_order != NULL)
        *ret_order = reply.order;
    return status_ok();
}

/* The fulfillment of that warehouse. */
static const Order__V1__Fulfillment *from(const Order__V1__Order *order, const char *warehouse_id)
{
    for (size_t i = 0; i < order->n_fulfillments; i++)
        if (str_equal(order->fulfillments[i]->warehouse_id, warehouse_id))
            return order->fulfillments[i];
    return NULL;
}

START_TEST(manual_money_is_held_in_one_transaction)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");
    Order__V1__AuthorizeTendersResponse reply;

    then_ok(sale_authorize(&sale, &reply));

    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_AUTHORIZED);
    ck_assert_int_eq(reply.checkout->tenders[0]->amount_minor, SALE_TOTAL);
    ck_assert_int_eq(reply.checkout->tenders[0]->state,
                     ORDER__V1__PAYMENT_STATE__PAYMENT_STATE_AUTHORIZED);
    then_published_as_example("orders", &order__v1__payment_authorized__schema);
    then_ok(sale_authorize(&sale, &reply));
    ck_assert_int_eq(outbox_count("PaymentAuthorized"), 1);
}
END_TEST

START_TEST(an_order_is_placed_with_everything_on_it)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");
    Order__V1__Order *order;

    then_ok(sale_place(&sale, &order));

    ck_assert_str_eq(order->id, sale.checkout_id);
    ck_assert_str_eq(order->number, "T-100001");
    ck_assert_int_eq(order->payment_status, ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_PAID);
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_IN_PROGRESS);
    ck_assert_int_eq(order->captured->minor_units, SALE_TOTAL);
    ck_assert_int_eq(order->n_lines, 2);
    ck_assert_int_eq(order->n_fulfillments, 2);
    ck_assert_str_eq(order->party->email, "anna@example.com");
    ck_assert_str_eq(order->party->shipping_address->city, "Berlin");
    ck_assert_int_eq(order->quote->total_minor, SALE_TOTAL);
    ck_assert_str_eq(order->seller->tax_id, "DE123456789");
    ck_assert_int_eq(checkout_now(&sale)->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_PLACED);
    ck_assert_str_eq(world_sql_text("SELECT unit_discounts::text FROM order_line"
                                    " WHERE line_id = '2'"),
                     "[[1, 100]]");
    then_published_as_example("orders", &order__v1__order_placed__schema);
    then_published_as_example("orders", &order__v1__payment_captured__schema);
    then_books_balance();
}
END_TEST

START_TEST(what_is_held_at_once_is_placed_in_the_same_transaction)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__AuthorizeTendersResponse reply;
    Order__V1__Order *order;

    sale.is_placing = true;
    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_authorize_with_all(&sale, &reply));

    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_PLACED);
    ck_assert_str_eq(reply.checkout->order_number, reply.order->number);
    ck_assert_int_eq(reply.order->payment_status, ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_PAID);
    ck_assert_int_eq(
        world_sql_int("SELECT count(DISTINCT number) FROM (SELECT xmin::text FROM orders"
                      " UNION ALL SELECT xmin::text FROM checkout"
                      " UNION ALL SELECT xmin::text FROM payment"
                      " UNION ALL SELECT xmin::text FROM payment_entry) AS writer (number)"),
        1);
    then_ok(sale_authorize(&sale, &reply));
    ck_assert_str_eq(reply.order->id, sale.checkout_id);
    then_ok(sale_place(&sale, &order));
    ck_assert_str_eq(order->number, reply.order->number);
    ck_assert_int_eq(outbox_count("PaymentAuthorized"), 1);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    ck_assert_int_eq(outbox_count("OrderPlaced"), 1);
    then_books_balance();
}
END_TEST

START_TEST(what_was_authorized_without_placing_is_placed_by_the_next_call)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");
    Order__V1__AuthorizeTendersResponse reply;

    sale.is_placing = true;
    then_ok(sale_authorize(&sale, &reply));

    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_PLACED);
    ck_assert_int_eq(outbox_count("PaymentAuthorized"), 1);
    ck_assert_int_eq(outbox_count("OrderPlaced"), 1);
    then_books_balance();
}
END_TEST

START_TEST(the_order_reads_as_it_was_answered)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");
    Order__V1__Order *placed, *again;

    then_ok(sale_place(&sale, &placed));
    then_ok(sale_place(&sale, &again));

    ck_assert_str_eq(placed->number, again->number);
    ck_assert_int_eq(again->version, 1);
    ck_assert_int_eq(again->n_fulfillments, 2);
    ck_assert_int_eq(again->payments[0]->n_entries, 2);
    ck_assert_str_eq(again->payments[0]->entries[0]->kind, "AUTHORIZE");
    ck_assert_str_eq(again->payments[0]->entries[1]->kind, "CAPTURE");
    ck_assert_str_eq(again->payments[0]->entries[1]->outcome, "SUCCEEDED");
    ck_assert_int_eq(outbox_count("OrderPlaced"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM orders"), 1);
}
END_TEST

START_TEST(the_buyer_is_told_and_the_snapshot_knows_no_person)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");

    (void)sale;
    then_published_as_example("orders", &platform__v1__send_notification__schema);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM outbox"
                                   " WHERE topic = 'platform.notification.commands.v1'"
                                   " AND position('anna@example.com'::bytea IN payload) > 0"
                                   " AND position('T-100001'::bytea IN payload) > 0"
                                   " AND position('70.00 EUR'::bytea IN payload) > 0"),
                     1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM outbox WHERE topic LIKE 'order.%%'"
                                   " AND position('anna@example.com'::bytea IN payload) > 0"),
                     0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM order_revision"
                                   " WHERE position('anna'::bytea IN snapshot) > 0"
                                   " OR position('Hauptstr'::bytea IN snapshot) > 0"),
                     0);
}
END_TEST

START_TEST(no_order_without_its_money)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");

    world_sql("UPDATE payment SET authorized_minor = authorized_minor - 1");

    then_reason(sale_place(&sale, NULL), STATUS_FAILED_PRECONDITION, "PAYMENT_MISSING");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM orders"), 0);
}
END_TEST

START_TEST(nobody_changes_a_snapshot)
{
    (void)given_placed(given_order_daemon(), "manual");

    ck_assert_int_eq(world_sql_int("SELECT has_table_privilege('order_app',"
                                   " 'orders.order_revision', 'UPDATE')::int"),
                     0);
    ck_assert_int_eq(world_sql_int("SELECT has_table_privilege('order_app',"
                                   " 'orders.payment_entry', 'UPDATE, DELETE')::int"),
                     0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
                                   " AND tgrelid = 'orders.order_revision'::regclass"),
                     1);
}
END_TEST

START_TEST(what_is_paid_when_it_is_placed_is_packed_at_once)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");

    then_ok(when_captured_is_heard(&sale));

    Order__V1__Order *order = order_now(&sale);
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_IN_PROGRESS);
    ck_assert_int_eq(order->version, 1);
    const Order__V1__Fulfillment *f = from(order, WAREHOUSE_B);
    ck_assert_int_eq(f->state, ORDER__V1__FULFILLMENT_STATE__FULFILLMENT_STATE_READY);
    ck_assert_int_eq(f->n_shipments, 1);
    ck_assert_int_eq(f->shipments[0]->state, ORDER__V1__SHIPMENT_STATE__SHIPMENT_STATE_PREPARING);
    ck_assert_int_eq(f->shipments[0]->lines[0]->quantity, 2);
    ck_assert_int_eq(outbox_count("OrderFulfillmentChanged"), 0);
    then_books_balance();
}
END_TEST

START_TEST(a_capture_heard_before_the_order_is_placed_waits_for_it)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");
    struct ctx *ctx = world_ctx(sale.daemon);
    Order__V1__PaymentCaptured body = ORDER__V1__PAYMENT_CAPTURED__INIT;
    Order__V1__PaymentSummary payment = ORDER__V1__PAYMENT_SUMMARY__INIT;
    const struct event event = {.id = uuid_v7(), .key = payment_of(&sale)};
    bool is_started;

    struct db_tx *tx = NULL;
    struct payment row;
    then_ok(db_begin(ctx, &tx));
    then_ok(store_load_payment(tx, payment_of(&sale), true, &row));
    then_ok(capture_start(tx, &row, 0, &is_started)); // as from the provider's own console
    body.payment = &payment;
    // without an order id
    then_ok(order_on_payments_captured(ctx, tx, &(struct event_item){&event, &body}, 1));
    then_ok(db_commit(&tx));
    then_ok(sale_place(&sale, NULL));

    ck_assert_int_eq(order_now(&sale)->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_IN_PROGRESS);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    then_books_balance();
}
END_TEST

START_TEST(the_example_of_a_capture_is_understood)
{
    struct daemon *daemon = given_order_daemon();
    struct ctx *ctx = world_ctx(daemon);
    const Order__V1__PaymentCaptured *body =
        example_of(ctx->arena, &order__v1__payment_captured__schema);
    const struct event event = {.id = uuid_v7()};
    struct db_tx *tx = NULL;

    then_ok(db_begin(ctx, &tx));
    then_reason(order_on_payments_captured(ctx, tx, &(struct event_item){&event, body}, 1),
                STATUS_NOT_FOUND, "NOT_FOUND");
    db_rollback(&tx); // an order that is nowhere: parked, since it cannot be
}
END_TEST

START_TEST(parcels_leave_and_arrive_until_the_order_is_closed)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    Order__V1__Order *order = order_now(&sale);
    const char *a = from(order, WAREHOUSE_A)->id, *b = from(order, WAREHOUSE_B)->id;
    const char *parcel = "018f0000-0000-7000-8000-00000000aaaa";

    then_reason(ship(&sale, b, parcel, 3, NULL), STATUS_INVALID_ARGUMENT, "SHIP_QUANTITY_EXCEEDED");
    then_ok(ship(&sale, b, parcel, 1, &order));
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_PARTIALLY_SHIPPED);
    then_published_as_example("orders", &order__v1__shipment_shipped__schema);
    then_ok(ship(&sale, b, parcel, 1, &order));
    ck_assert_int_eq(outbox_count("ShipmentShipped"), 1);
    then_reason(cancel(&sale, 0, NULL), STATUS_FAILED_PRECONDITION, "ORDER_SHIPPED");
    then_ok(ship(&sale, b, "", 0, NULL));
    then_ok(ship(&sale, a, "", 0, &order));
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_SHIPPED);
    then_books_balance();

    then_ok(deliver(&sale, parcel));
    then_published_as_example("orders", &order__v1__shipment_delivered__schema);
    for (size_t i = 0; i < order->n_fulfillments; i++)
        for (size_t k = 0; k < order->fulfillments[i]->n_shipments; k++)
            then_ok(deliver(&sale, order->fulfillments[i]->shipments[k]->id));
    order = order_now(&sale);
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_DELIVERED);
    ck_assert_int_eq(order->state, ORDER__V1__ORDER_STATE__ORDER_STATE_CLOSED);
    then_books_balance();
}
END_TEST

START_TEST(a_parcels_id_is_not_taken_from_another_fulfillment)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    struct sale other = given_sale(sale.daemon, "manual");

    const char *parcel = from(order_now(&sale), WAREHOUSE_B)->shipments[0]->id;
    other.client_key = "another-key";
    then_ok(sale_begin(&other, NULL));
    then_ok(sale_price(&other));
    then_ok(sale_reserve(&other));
    then_ok(sale_authorize(&other, NULL));
    then_ok(sale_place(&other, NULL));

    then_reason(ship(&sale, from(order_now(&sale), WAREHOUSE_A)->id, parcel, 0, NULL),
                STATUS_ALREADY_EXISTS, "SHIPMENT_ID_TAKEN");
    then_reason(ship(&other, from(order_now(&other), WAREHOUSE_A)->id, parcel, 0, NULL),
                STATUS_ALREADY_EXISTS, "SHIPMENT_ID_TAKEN");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM shipment WHERE state <> 1"), 0);
}
END_TEST

START_TEST(a_parcel_that_has_not_left_cannot_arrive)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");

    then_reason(deliver(&sale, from(order_now(&sale), WAREHOUSE_A)->shipments[0]->id),
                STATUS_FAILED_PRECONDITION, "SHIPMENT_NOT_SHIPPED");
}
END_TEST

START_TEST(a_cancelled_order_is_refunded_and_traced)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    Order__V1__ListOrderAuditRequest req = ORDER__V1__LIST_ORDER_AUDIT_REQUEST__INIT;
    Order__V1__ListOrderAuditResponse audit = ORDER__V1__LIST_ORDER_AUDIT_RESPONSE__INIT;
    Order__V1__Order *order;

    then_reason(cancel(&sale, 2, NULL), STATUS_ABORTED, "VERSION_CONFLICT");
    then_ok(cancel(&sale, 1, &order));
    then_ok(cancel(&sale, 1, &order));

    ck_assert_int_eq(order->state, ORDER__V1__ORDER_STATE__ORDER_STATE_CANCELLED);
    ck_assert_int_eq(order->payment_status, ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_REFUNDED);
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_CANCELLED);
    ck_assert_int_eq(order->refunded->minor_units, SALE_TOTAL);
    ck_assert_str_eq(order->cancel_reason, "changed their mind");
    ck_assert_int_eq(outbox_count("OrderCancelled"), 1);
    then_published_as_example("orders", &order__v1__order_cancelled__schema);
    then_published_as_example("orders", &order__v1__payment_refunded__schema);
    req.order_id = sale.checkout_id;
    then_ok(order_list_order_audit(world_ctx(sale.daemon), &req, &audit));
    ck_assert_int_eq(audit.n_entries, 1);
    ck_assert_str_eq(audit.entries[0]->action, "order.cancel");
    ck_assert_str_eq(audit.entries[0]->actor, "key:test");
    then_books_balance();
}
END_TEST

START_TEST(money_on_ship_is_taken_with_the_first_parcel)
{
    struct sale sale = given_placed(given_order_daemon(), "manual-ship");
    Order__V1__Order *order = order_now(&sale);

    ck_assert_int_eq(order->payment_status, ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_AUTHORIZED);
    ck_assert_int_eq(order->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_IN_PROGRESS);
    then_ok(ship(&sale, from(order, WAREHOUSE_B)->id, "", 1, &order));

    ck_assert_int_eq(order->payment_status, ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_PAID);
    then_books_balance();
}
END_TEST

START_TEST(money_on_ship_may_be_taken_by_hand_in_parts)
{
    struct sale sale = given_placed(given_order_daemon(), "manual-ship");
    Order__V1__CapturePaymentRequest req = ORDER__V1__CAPTURE_PAYMENT_REQUEST__INIT;
    Order__V1__CapturePaymentResponse reply = ORDER__V1__CAPTURE_PAYMENT_RESPONSE__INIT;
    struct ctx *ctx = world_ctx(sale.daemon);

    req.order_id = sale.checkout_id;
    req.payment_id = uuid_text(ctx->arena, payment_of(&sale));
    req.amount_minor = 1000;
    then_ok(order_capture_payment(ctx, &req, &reply));
    ck_assert_int_eq(reply.order->payment_status,
                     ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_PARTIALLY_PAID);
    then_published_as_example("orders", &order__v1__order_payment_changed__schema);
    req.amount_minor = SALE_TOTAL;
    then_reason(order_capture_payment(world_ctx(sale.daemon), &req, &reply),
                STATUS_FAILED_PRECONDITION, "CAPTURE_EXCEEDS_AUTHORIZATION");
    req.amount_minor = 0;
    then_ok(order_capture_payment(world_ctx(sale.daemon), &req, &reply));
    ck_assert_int_eq(reply.order->captured->minor_units, SALE_TOTAL);
    then_ok(order_capture_payment(world_ctx(sale.daemon), &req, &reply));
    ck_assert_int_eq(reply.order->captured->minor_units, SALE_TOTAL);
    then_ok(cancel(&sale, 0, NULL));
    then_reason(order_capture_payment(world_ctx(sale.daemon), &req, &reply),
                STATUS_FAILED_PRECONDITION, "ORDER_NOT_OPEN");
    then_books_balance();
}
END_TEST

START_TEST(orders_are_listed_by_customer_and_status_page_by_page)
{
    struct daemon *daemon = given_order_daemon();
    Order__V1__ListOrdersRequest req = ORDER__V1__LIST_ORDERS_REQUEST__INIT;
    Order__V1__ListOrdersResponse first = ORDER__V1__LIST_ORDERS_RESPONSE__INIT;
    Order__V1__ListOrdersResponse second = ORDER__V1__LIST_ORDERS_RESPONSE__INIT;
    Order__V1__ListOrdersResponse none = ORDER__V1__LIST_ORDERS_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;

    for (int i = 0; i < 3; i++)
        (void)given_placed(daemon, "manual");
    page.page_size = 2;
    req.page = &page;
    req.customer_id = CUSTOMER;
    req.payment_status = ORDER__V1__PAYMENT_STATUS__PAYMENT_STATUS_PAID;
    then_ok(order_list_orders(world_ctx(daemon), &req, &first));
    page.page_token = first.page->next_page_token;
    then_ok(order_list_orders(world_ctx(daemon), &req, &second));

    ck_assert_int_eq(first.n_orders, 2);
    ck_assert_str_eq(first.orders[0]->number, "T-100003");
    ck_assert_int_eq(first.orders[0]->n_lines, 2);
    ck_assert_int_eq(first.orders[1]->n_fulfillments, 2);
    ck_assert_int_eq(first.orders[1]->n_payments, 1);
    ck_assert_int_eq(second.n_orders, 1);
    ck_assert_str_eq(second.orders[0]->number, "T-100001");
    ck_assert_str_eq(second.page->next_page_token, "");
    page.page_token = "";
    req.state = ORDER__V1__ORDER_STATE__ORDER_STATE_CANCELLED;
    then_ok(order_list_orders(world_ctx(daemon), &req, &none));
    ck_assert_int_eq(none.n_orders, 0);
}
END_TEST

START_TEST(an_order_is_found_by_its_number)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    Order__V1__GetOrderRequest req = ORDER__V1__GET_ORDER_REQUEST__INIT;
    Order__V1__GetOrderResponse reply = ORDER__V1__GET_ORDER_RESPONSE__INIT;

    req.number = "T-100001";
    then_ok(order_get_order(world_ctx(sale.daemon), &req, &reply));
    ck_assert_str_eq(reply.order->id, sale.checkout_id);
    req.number = "T-1";
    then_code(order_get_order(world_ctx(sale.daemon), &req, &reply), STATUS_NOT_FOUND);
}
END_TEST

START_TEST(accounts_are_made_once)
{
    struct daemon *daemon = given_order_daemon();
    Order__V1__CreateProviderAccountRequest req = ORDER__V1__CREATE_PROVIDER_ACCOUNT_REQUEST__INIT;
    Order__V1__CreateProviderAccountResponse reply =
        ORDER__V1__CREATE_PROVIDER_ACCOUNT_RESPONSE__INIT;
    Order__V1__ListProviderAccountsRequest list_req =
        ORDER__V1__LIST_PROVIDER_ACCOUNTS_REQUEST__INIT;
    Order__V1__ListProviderAccountsResponse list = ORDER__V1__LIST_PROVIDER_ACCOUNTS_RESPONSE__INIT;
    Order__V1__ProviderAccount account = ORDER__V1__PROVIDER_ACCOUNT__INIT;
    const char *currencies[] = {"EUR", "USD"};

    account.code = "bank";
    account.provider = "manual";
    account.capture_policy = ORDER__V1__CAPTURE_POLICY__CAPTURE_POLICY_ON_SHIP;
    account.is_active = true;
    account.currency_codes = currencies;
    account.n_currency_codes = 2;
    req.account = &account;
    then_ok(order_create_provider_account(world_ctx(daemon), &req, &reply));
    then_reason(order_create_provider_account(world_ctx(daemon), &req, &reply),
                STATUS_ALREADY_EXISTS, "PROVIDER_ACCOUNT_EXISTS");
    account.provider = "paypal";
    then_reason(order_create_provider_account(world_ctx(daemon), &req, &reply),
                STATUS_INVALID_ARGUMENT, "UNKNOWN_PROVIDER");
    then_ok(order_list_provider_accounts(world_ctx(daemon), &list_req, &list));

    ck_assert_int_eq(list.n_accounts, 5);
    ck_assert_str_eq(list.accounts[0]->code, "bank");
    ck_assert_str_eq(list.accounts[0]->currency_codes[1], "USD");
}
END_TEST

static void *place(void *closure)
{
    struct sale *sale = closure;

    then_ok(sale_place(sale, NULL));
    return NULL;
}

START_TEST(many_places_at_once_make_one_order)
{
    enum { RACERS = 8 };
    struct sale sale = given_authorized(given_order_daemon(), "manual");
    pthread_t threads[RACERS];

    for (int i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, place, &sale);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM orders"), 1);
    ck_assert_int_eq(outbox_count("OrderPlaced"), 1);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    then_books_balance();
}
END_TEST

void manual_case(Suite *suite)
{
    TCase *manual = world_case(suite, "manual");

    tcase_add_test(manual, manual_money_is_held_in_one_transaction);
    tcase_add_test(manual, an_order_is_placed_with_everything_on_it);
    tcase_add_test(manual, what_is_held_at_once_is_placed_in_the_same_transaction);
    tcase_add_test(manual, what_was_authorized_without_placing_is_placed_by_the_next_call);
    tcase_add_test(manual, the_order_reads_as_it_was_answered);
    tcase_add_test(manual, the_buyer_is_told_and_the_snapshot_knows_no_person);
    tcase_add_test(manual, no_order_without_its_money);
    tcase_add_test(manual, nobody_changes_a_snapshot);
    tcase_add_test(manual, what_is_paid_when_it_is_placed_is_packed_at_once);
    tcase_add_test(manual, a_capture_heard_before_the_order_is_placed_waits_for_it);
    tcase_add_test(manual, the_example_of_a_capture_is_understood);
    tcase_add_test(manual, parcels_leave_and_arrive_until_the_order_is_closed);
    tcase_add_test(manual, a_parcels_id_is_not_taken_from_another_fulfillment);
    tcase_add_test(manual, a_parcel_that_has_not_left_cannot_arrive);
    tcase_add_test(manual, a_cancelled_order_is_refunded_and_traced);
    tcase_add_test(manual, money_on_ship_is_taken_with_the_first_parcel);
    tcase_add_test(manual, money_on_ship_may_be_taken_by_hand_in_parts);
    tcase_add_test(manual, orders_are_listed_by_customer_and_status_page_by_page);
    tcase_add_test(manual, an_order_is_found_by_its_number);
    tcase_add_test(manual, accounts_are_made_once);
    tcase_add_test(manual, many_places_at_once_make_one_order);
}
