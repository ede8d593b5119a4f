/* stock.c - the stock ledger: balances are sums of movements, and the books balance.
 *
 * A window looks at the stock items that moved in it, and at all movements of these. Movements are
 * found by stock item (primary key) and by day (partition). */
#include "families.h"

/* The stock items in question. Without a window also those that never moved. */
#define TOUCHED                                                                                    \
    "item AS MATERIALIZED (SELECT DISTINCT stock_item_id AS id FROM inventory.movement"            \
    " WHERE id >= $1 AND id < $2"                                                                  \
    " UNION SELECT id FROM inventory.stock_item"                                                   \
    "  WHERE $1 = '00000000-0000-0000-0000-000000000000')"

#define INSIDE                                                                                     \
    " (VALUES ('available', available), ('reserved', reserved), ('allocated', allocated),"         \
    "  ('quarantine', quarantine)) AS account (account, balance)"

const struct invariant STOCK[] = {
    {
        .name = "stock-levels",
        .meaning = "what a warehouse has available, reserved, allocated and in quarantine is the"
                   " sum of its movements",
        .schema = "inventory",
        .broken =
            "WITH " TOUCHED ", moved AS ("
            " SELECT m.stock_item_id, side.warehouse_id, side.account, sum(side.quantity) AS moved"
            "   FROM item JOIN inventory.movement AS m ON m.stock_item_id = item.id,"
            "        LATERAL (VALUES (to_warehouse_id, to_account, quantity),"
            "                        (from_warehouse_id, from_account, -quantity))"
            "        AS side (warehouse_id, account, quantity)"
            "  WHERE side.warehouse_id IS NOT NULL GROUP BY 1, 2, 3),"
            " balance AS ("
            " SELECT level.stock_item_id, level.warehouse_id, account.account, account.balance"
            "   FROM item JOIN inventory.stock_level AS level ON level.stock_item_id = item.id,"
            "        LATERAL" INSIDE ")"
            " SELECT concat_ws(' ', stock_item_id, warehouse_id, account),"
            "        coalesce(balance, 0) <> coalesce(moved, 0),"
            "        format('the level is %s, its movements sum to %s', balance, moved)"
            "   FROM balance FULL JOIN moved USING (stock_item_id, warehouse_id, account)",
    },
    {
        .name = "stock-outside",
        .meaning = "what suppliers, customers, transit and loss account for is the sum of the"
                   " movements",
        .schema = "inventory",
        .broken = "WITH " TOUCHED ", moved AS ("
                  " SELECT m.stock_item_id, side.account, sum(side.quantity) AS moved"
                  "   FROM item JOIN inventory.movement AS m ON m.stock_item_id = item.id,"
                  "        LATERAL (VALUES (to_warehouse_id, to_account, quantity),"
                  "                        (from_warehouse_id, from_account, -quantity))"
                  "        AS side (warehouse_id, account, quantity)"
                  "  WHERE side.warehouse_id IS NULL GROUP BY 1, 2),"
                  " outside AS (SELECT b.* FROM item JOIN inventory.outside_balance AS b"
                  "   ON b.stock_item_id = item.id)"
                  " SELECT concat_ws(' ', stock_item_id, account),"
                  "        coalesce(balance, 0) <> coalesce(moved, 0),"
                  "        format('the balance is %s, its movements sum to %s', balance, moved)"
                  "   FROM outside FULL JOIN moved USING (stock_item_id, account)",
    },
    {
        .name = "stock-zero-sum",
        .meaning = "all accounts of a stock item, inside and outside, sum to zero",
        .schema = "inventory",
        .broken = "WITH " TOUCHED ", account AS ("
                  " SELECT stock_item_id, available + reserved + allocated + quarantine AS balance"
                  "   FROM item JOIN inventory.stock_level ON stock_item_id = item.id"
                  " UNION ALL SELECT stock_item_id, balance"
                  "   FROM item JOIN inventory.outside_balance ON stock_item_id = item.id)"
                  " SELECT stock_item_id::text, sum(balance) <> 0,"
                  "        format('the accounts sum to %s', sum(balance))"
                  "   FROM account GROUP BY stock_item_id",
    },
    {
        .name = "stock-not-negative",
        .meaning = "nothing inside a warehouse is below zero, but for what may be backordered",
        .schema = "inventory",
        .broken =
            "WITH " TOUCHED " SELECT concat_ws(' ', stock_item_id, warehouse_id, account),"
            "        balance < CASE account WHEN 'available' THEN -backorder_limit ELSE 0 END,"
            "        format('%s, backorders up to %s', balance, backorder_limit)"
            "   FROM item JOIN inventory.stock_level ON stock_item_id = item.id,"
            "        LATERAL" INSIDE,
    },
    {
        .name = "stock-promised",
        .meaning = "reserved is what held and pinned reservations promise, allocated what committed"
                   " ones promise and nobody shipped",
        .schema = "inventory",
        .broken = "WITH " TOUCHED ", promised AS ("
                  " SELECT l.stock_item_id, l.warehouse_id,"
                  "        sum(quantity) FILTER (WHERE state IN ('held', 'pinned')) AS reserved,"
                  "        sum(quantity - shipped_quantity) FILTER (WHERE state = 'committed')"
                  "          AS allocated"
                  "   FROM inventory.reservation AS r"
                  "   JOIN inventory.reservation_line AS l ON l.reservation_id = r.id"
                  "   JOIN item ON item.id = l.stock_item_id"
                  "  WHERE state IN ('held', 'pinned', 'committed') AND finish_time IS NULL"
                  "  GROUP BY 1, 2),"
                  " level AS (SELECT s.* FROM item JOIN inventory.stock_level AS s"
                  "   ON s.stock_item_id = item.id)"
                  " SELECT concat_ws(' ', stock_item_id, warehouse_id),"
                  "        coalesce(level.reserved, 0) <> coalesce(promised.reserved, 0)"
                  "        OR coalesce(level.allocated, 0) <> coalesce(promised.allocated, 0),"
                  "        format('reserved %s and allocated %s; reservations say %s and %s',"
                  "               level.reserved, level.allocated, coalesce(promised.reserved, 0),"
                  "               coalesce(promised.allocated, 0))"
                  "   FROM level FULL JOIN promised USING (stock_item_id, warehouse_id)",
    },
    {
        .name = "stock-rules",
        .meaning = "every movement goes between the accounts that its kind says",
        .schema = "inventory",
        .broken =
            "WITH rule (kind, source, target) AS (VALUES"
            " ('receive', 'supplier', 'available'), ('find', 'loss', 'available'),"
            " ('lose', 'available', 'loss'), ('quarantine', 'available', 'quarantine'),"
            " ('clear', 'quarantine', 'available'), ('scrap', 'quarantine', 'loss'),"
            " ('count', 'loss', 'available'), ('count', 'available', 'loss'),"
            " ('transfer', 'available', 'available'), ('reserve', 'available', 'reserved'),"
            " ('release', 'reserved', 'available'), ('expire', 'reserved', 'available'),"
            " ('commit', 'reserved', 'allocated'), ('cancel', 'allocated', 'available'),"
            " ('ship', 'allocated', 'customer'))"
            " SELECT m.id::text, rule.kind IS NULL OR m.quantity <= 0,"
            "        format('%s of %s from %s to %s', m.kind, quantity, from_account, to_account)"
            "   FROM inventory.movement AS m LEFT JOIN rule"
            "     ON (rule.kind, source, target) = (m.kind, from_account, to_account)"
            "  WHERE m.id >= $1 AND m.id < $2",
    },
    {0},
};
