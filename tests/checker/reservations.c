/* reservations.c - what is promised to whom, and that somebody still wants it. */
#include "families.h"

const struct invariant RESERVATIONS[] = {
    {
        .name = "reservation-movements",
        .meaning = "a reservation's movements leave exactly what its state says: once reserved,"
                   " once committed, once given back",
        .schema = "inventory",
        .broken =
            "WITH moved AS ("
            " SELECT cause_id, stock_item_id,"
            "        coalesce(from_warehouse_id, to_warehouse_id) AS warehouse_id,"
            "        sum(CASE kind WHEN 'reserve' THEN quantity ELSE -quantity END)"
            "          FILTER (WHERE kind <> 'cancel') AS reserved,"
            "        sum(CASE kind WHEN 'commit' THEN quantity ELSE -quantity END)"
            "          FILTER (WHERE kind IN ('commit', 'cancel')) AS committed"
            "   FROM inventory.movement"
            "  WHERE id >= $1 AND cause_id >= $1 AND cause_id < $2"
            "    AND kind IN ('reserve', 'release', 'expire', 'commit', 'cancel')"
            "  GROUP BY 1, 2, 3),"
            " wanted AS ("
            " SELECT r.id AS cause_id, l.stock_item_id, l.warehouse_id, r.state,"
            "        sum(CASE WHEN state IN ('held', 'pinned') THEN quantity ELSE 0 END)"
            "          AS reserved,"
            "        sum(CASE WHEN state = 'committed' THEN quantity"
            "                 WHEN state = 'released' THEN shipped_quantity ELSE 0 END)"
            "          AS committed"
            "   FROM inventory.reservation AS r"
            "   JOIN inventory.reservation_line AS l ON l.reservation_id = r.id"
            "  WHERE r.id >= $1 AND r.id < $2 GROUP BY 1, 2, 3, 4)"
            " SELECT concat_ws(' ', cause_id, stock_item_id, warehouse_id),"
            "        coalesce(moved.reserved, 0) <> coalesce(wanted.reserved, 0)"
            "        OR coalesce(moved.committed, 0) <> coalesce(wanted.committed, 0),"
            "        format('%s with %s reserved and %s committed; movements say %s and %s',"
            "               coalesce(state, 'no reservation'), wanted.reserved, wanted.committed,"
            "               coalesce(moved.reserved, 0), coalesce(moved.committed, 0))"
            "   FROM moved FULL JOIN wanted USING (cause_id, stock_item_id, warehouse_id)",
    },
    {
        .name = "reservation-overdue",
        .meaning = "no hold outlives its time by more than the grace, unless its checkout lives",
        .left = {"inventory", "SELECT id::text, '' FROM inventory.reservation"
                              " WHERE state = 'held'"
                              "   AND expire_time < now() - $3 * interval '1 second'"},
        .right = {"orders", "SELECT reservation_id::text, '' FROM orders.checkout"
                            " WHERE is_live AND reservation_id IS NOT NULL"},
    },
    {
        .name = "reservation-pinned",
        .meaning = "whatever is held or pinned belongs to a checkout that is still alive",
        .when = SETTLED,
        .left = {"inventory", "SELECT id::text, '' FROM inventory.reservation"
                              " WHERE state = 'pinned'"
                              " UNION ALL SELECT id::text, '' FROM inventory.reservation"
                              " WHERE state = 'held' AND expire_time < now()"},
        .right = {"orders", "SELECT reservation_id::text, '' FROM orders.checkout"
                            " WHERE is_live AND reservation_id IS NOT NULL"},
    },
    {
        .name = "reservation-committed",
        .meaning = "no reservation is committed without an order that has it",
        .when = SETTLED,
        .left = {"inventory", "SELECT id::text, '' FROM inventory.reservation"
                              " WHERE state = 'committed' AND id >= $1 AND id < $2"},
        .right = {"orders", "SELECT reservation_id::text, '' FROM orders.orders"
                            " WHERE state <> 2 AND id >= $1 AND id < $2"},
    },
    {
        .name = "order-reservation",
        .meaning = "each line of a placed order has exactly what it sold committed, once, and"
                   " nothing else is committed",
        .when = SETTLED,
        .left = {"orders", "SELECT concat_ws(' ', o.reservation_id, l.line_id, l.variant_id),"
                           "       l.quantity::text"
                           "  FROM orders.orders AS o"
                           "  JOIN orders.order_line AS l ON l.order_id = o.id"
                           " WHERE o.state <> 2 AND o.reservation_id IS NOT NULL"
                           "   AND o.id >= $1 AND o.id < $2"},
        .right = {"inventory", "SELECT concat_ws(' ', r.id, l.line_id, l.variant_id),"
                               "       sum(l.variant_quantity)::text"
                               "  FROM inventory.reservation AS r"
                               "  JOIN inventory.reservation_line AS l ON l.reservation_id = r.id"
                               " WHERE r.state = 'committed' AND r.id >= $1 AND r.id < $2"
                               " GROUP BY r.id, l.line_id, l.variant_id"},
        .both_ways = true,
    },
    {
        .name = "order-cancelled-stock",
        .meaning = "the reservation of a cancelled order is given back",
        .when = SETTLED,
        .left = {"orders", "SELECT reservation_id::text, '' FROM orders.orders"
                           " WHERE state = 2 AND reservation_id IS NOT NULL"
                           "   AND id >= $1 AND id < $2"},
        .right = {"inventory", "SELECT id::text, '' FROM inventory.reservation"
                               " WHERE state = 'released' AND id >= $1 AND id < $2"},
    },
    {
        .name = "checkout-cancelled-stock",
        .meaning = "a reservation that a checkout still knows and that is not given back belongs to"
                   " a checkout that was not cancelled",
        .when = SETTLED,
        .left = {"inventory", "SELECT id::text, '' FROM inventory.reservation"
                              " WHERE state IN ('pinned', 'committed')"
                              "   AND id >= $1 AND id < $2"},
        .right = {"orders", "SELECT reservation_id::text, '' FROM orders.checkout"
                            " WHERE state <> 9 AND reservation_id IS NOT NULL"
                            "   AND id >= $1 AND id < $2"},
    },
    {0},
};
