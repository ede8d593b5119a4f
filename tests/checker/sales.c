/* sales.c - checkouts and the orders they became. An order has the id of its checkout, so one
 * window of ids finds both by their primary keys. */
#include "families.h"

#define WINDOW "id >= $1 AND id < $2"

const struct invariant SALES[] = {
    {
        .name = "order-checkout",
        .meaning = "each order has exactly one checkout, placed, with its cart, number, customer,"
                   " currency, reservation and total; each placed checkout has its order",
        .left = {"orders", "SELECT id::text, concat_ws(' ', cart_id, number, customer_id,"
                           " currency_code, reservation_id, total_minor)"
                           " FROM orders.orders WHERE " WINDOW},
        .right = {"orders", "SELECT id::text, concat_ws(' ', cart_id, order_number, customer_id,"
                            " currency_code, reservation_id, expected_minor)"
                            " FROM orders.checkout WHERE state = 7 AND " WINDOW},
        .both_ways = true,
    },
    {
        .name = "order-once-per-cart",
        .meaning = "no two orders come from one cart",
        .schema = "orders",
        .broken = "SELECT cart_id::text, count(*) > 1,"
                  "       format('%s orders: %s', count(*), string_agg(number, ', '))"
                  "  FROM orders.orders WHERE " WINDOW " GROUP BY cart_id",
    },
    {
        .name = "order-number",
        .meaning = "no two orders have one number",
        .schema = "orders",
        .broken = "SELECT number, count(*) > 1, format('%s orders', count(*))"
                  "  FROM orders.orders WHERE " WINDOW " GROUP BY number",
    },
    {
        .name = "checkout-client-key",
        .meaning = "no idempotency key of a client began two checkouts",
        .schema = "orders",
        .broken = "SELECT client_key, count(*) > 1, format('%s checkouts', count(*))"
                  "  FROM orders.checkout WHERE " WINDOW " GROUP BY client_key",
    },
    {
        .name = "checkout-live-cart",
        .meaning = "no cart has two live checkouts",
        .schema = "orders",
        .broken = "SELECT cart_id::text, count(*) > 1, format('%s live checkouts', count(*))"
                  "  FROM orders.checkout WHERE is_live GROUP BY cart_id",
    },
    {
        .name = "checkout-state",
        .meaning = "a checkout has what the way to its state leaves behind: a frozen price from"
                   " PRICED on, a reservation from RESERVED on, a reason when cancelled",
        .schema = "orders",
        .broken =
            "SELECT id::text,"
            "       (state BETWEEN 2 AND 7 AND snapshot IS NULL)"
            "       OR (state BETWEEN 3 AND 7 AND reservation_id IS NULL)"
            "       OR (state = 7) <> (order_number IS NOT NULL)"
            "       OR (state IN (8, 9) AND failure_reason IS NULL)"
            "       OR epoch < 1 OR event_count < 0,"
            "       format('state %s, snapshot %s, reservation %s, order %s, failure %s, epoch %s',"
            "              state, snapshot IS NOT NULL, reservation_id IS NOT NULL, order_number,"
            "              failure_reason, epoch)"
            "  FROM orders.checkout WHERE " WINDOW,
    },
    {
        .name = "checkout-deadline",
        .meaning = "no checkout is live beyond its deadline and the grace",
        .schema = "orders",
        .broken = "SELECT id::text, deadline < now() - $3 * interval '1 second',"
                  "       format('state %s, deadline %s', state, deadline)"
                  "  FROM orders.checkout WHERE is_live",
    },
    {
        .name = "checkout-driven",
        .meaning = "no live checkout waits longer than the grace for somebody to drive it",
        .schema = "orders",
        .broken = "SELECT id::text, greatest(wake_time, lease_until)"
                  "       < now() - $3 * interval '1 second',"
                  "       format('state %s, to be woken %s, lease until %s', state, wake_time,"
                  "              lease_until)"
                  "  FROM orders.checkout WHERE is_live",
    },
    {
        .name = "checkout-under-way",
        .meaning = "no saga is under way, but for those that wait for their buyer",
        .when = SETTLED,
        .is_quiescence = true,
        .schema = "orders",
        .broken = "SELECT id::text, state <> 5 OR wake_time <= now(),"
                  "       format('state %s, to be woken %s', state, wake_time)"
                  "  FROM orders.checkout WHERE is_live",
    },
    {
        .name = "order-snapshot",
        .meaning = "what an order says it sold is what was frozen: revisions without gaps, each"
                   " with the hash of its bytes",
        .schema = "orders",
        .broken = "SELECT concat_ws(' ', o.id, r.revision),"
                  "       r.revision IS NULL OR snapshot_hash <> sha256(snapshot)"
                  "       OR o.revision <> max(r.revision) OVER (PARTITION BY o.id)"
                  "       OR o.revision <> count(*) OVER (PARTITION BY o.id),"
                  "       format('revision %s of %s', r.revision, o.revision)"
                  "  FROM orders.orders AS o"
                  "  LEFT JOIN orders.order_revision AS r ON r.order_id = o.id"
                  " WHERE o.id >= $1 AND o.id < $2",
    },
    {
        .name = "order-parts",
        .meaning = "an order has lines and a party, and its lines are on fulfillments",
        .schema = "orders",
        .broken = "SELECT o.id::text, lines.count = 0 OR party.order_id IS NULL"
                  "       OR lines.quantity <> parts.quantity,"
                  "       format('%s lines of %s units, %s on fulfillments, party %s', lines.count,"
                  "              lines.quantity, parts.quantity, party.order_id IS NOT NULL)"
                  "  FROM orders.orders AS o LEFT JOIN orders.party ON party.order_id = o.id,"
                  "       LATERAL (SELECT count(*), coalesce(sum(quantity), 0) AS quantity"
                  "                  FROM orders.order_line WHERE order_id = o.id) AS lines,"
                  "       LATERAL (SELECT coalesce(sum(l.quantity), 0) AS quantity"
                  "                  FROM orders.fulfillment AS f"
                  "                  JOIN orders.fulfillment_line AS l ON l.fulfillment_id = f.id"
                  "                 WHERE f.order_id = o.id) AS parts"
                  " WHERE o.id >= $1 AND o.id < $2",
    },
    {
        .name = "order-shipped",
        .meaning = "what a line says has been shipped is on its fulfillments and in its parcels",
        .schema = "orders",
        .broken =
            "WITH part AS ("
            " SELECT f.order_id, l.line_id, sum(l.shipped_quantity) AS shipped"
            "   FROM orders.fulfillment AS f"
            "   JOIN orders.fulfillment_line AS l ON l.fulfillment_id = f.id"
            "  WHERE f.order_id >= $1 AND f.order_id < $2 GROUP BY 1, 2),"
            " parcel AS ("
            " SELECT f.order_id, l.line_id, sum(l.quantity) AS shipped"
            "   FROM orders.fulfillment AS f JOIN orders.shipment AS s ON s.fulfillment_id = f.id"
            "   JOIN orders.shipment_line AS l ON l.shipment_id = s.id"
            "  WHERE s.state IN (2, 3) AND f.order_id >= $1 AND f.order_id < $2 GROUP BY 1, 2)"
            " SELECT concat_ws(' ', line.order_id, line.line_id),"
            "        line.shipped_quantity <> coalesce(part.shipped, 0)"
            "        OR line.shipped_quantity <> coalesce(parcel.shipped, 0),"
            "        format('shipped %s; fulfillments say %s, parcels %s', line.shipped_quantity,"
            "               part.shipped, parcel.shipped)"
            "   FROM orders.order_line AS line"
            "   LEFT JOIN part USING (order_id, line_id) LEFT JOIN parcel USING (order_id, line_id)"
            "  WHERE line.order_id >= $1 AND line.order_id < $2",
    },
    {
        .name = "order-fulfillment-status",
        .meaning = "an order's fulfillment status is what its lines amount to",
        .schema = "orders",
        .broken =
            "SELECT o.id::text,"
            "       NOT CASE WHEN wanted <= 0 THEN fulfillment_status = 6"
            "                WHEN delivered >= wanted THEN fulfillment_status = 5"
            "                WHEN shipped >= wanted THEN fulfillment_status = 4"
            "                WHEN shipped > 0 THEN fulfillment_status = 3"
            "                ELSE fulfillment_status IN (1, 2) END,"
            "       format('status %s; %s wanted, %s shipped, %s delivered', fulfillment_status,"
            "              wanted, shipped, delivered)"
            "  FROM orders.orders AS o,"
            "       LATERAL (SELECT coalesce(sum(quantity - cancelled_quantity), 0) AS wanted,"
            "                       coalesce(sum(shipped_quantity), 0) AS shipped,"
            "                       coalesce(sum(delivered_quantity), 0) AS delivered"
            "                  FROM orders.order_line WHERE order_id = o.id) AS lines"
            " WHERE o.id >= $1 AND o.id < $2",
    },
    {0},
};
