/* breaches.c - the broken states, smallest first: one row that is wrong. */
#include "breaches.h"

#include <stddef.h>

/* An id of this moment. */
#define NEW                                                                                        \
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')"               \
    " || '70008000000000000001')::uuid"
#define SOLD "(SELECT max(id::text)::uuid FROM orders.orders WHERE state = 1)"
#define PAID                                                                                       \
    "(SELECT max(id::text)::uuid FROM orders.payment WHERE captured_minor > 0"                     \
    " AND refunded_minor = 0 AND order_id IS NOT NULL AND provider = 'stripe')"
#define LEVEL                                                                                      \
    "(stock_item_id, warehouse_id) = (SELECT stock_item_id, warehouse_id"                          \
    " FROM inventory.stock_level ORDER BY version DESC LIMIT 1)"
#define USED                                                                                       \
    "(SELECT checkout_id FROM marketing.hold WHERE state = 'redeemed'"                             \
    " ORDER BY checkout_id DESC LIMIT 1)"
#define COUPON "(SELECT coupon_id FROM marketing.coupon_use WHERE checkout_id = " USED " LIMIT 1)"
#define UNBOUND "ALTER TABLE marketing.coupon DROP CONSTRAINT coupon_not_overused;"
#define LATEST(table) "(SELECT max(id::text)::uuid FROM " table ")"
#define RESERVED(state, expire_time)                                                               \
    "INSERT INTO inventory.reservation (id, state, expire_time, pin_time, event_sequence)"         \
    " VALUES (" NEW ", '" state "', " expire_time ", now(), 1)"
#define CHECKOUT(set) "UPDATE orders.checkout SET " set " WHERE id = " SOLD
#define ENTRY(number, outcome, key)                                                                \
    "INSERT INTO orders.payment_entry (payment_id, kind, number, outcome, id, amount_minor,"       \
    " provider_key) VALUES (" PAID ", 2, " number ", " outcome ", " NEW ", 100, '" key "')"
#define TASK(due)                                                                                  \
    "INSERT INTO orders.task (id, kind, key, payload, due_at)"                                     \
    " VALUES (" NEW ", 'capture_payment', 'breach', '', " due ")"

const struct breach BREACHES[] = {
    {"stock-levels", .sql = "UPDATE inventory.stock_level SET available = available + 1"
                            " WHERE " LEVEL},
    {"stock-outside",
     .sql = "UPDATE inventory.outside_balance SET balance = balance + 1 WHERE (stock_item_id,"
            " account) = (SELECT stock_item_id, account FROM inventory.outside_balance LIMIT 1)"},
    {"stock-zero-sum", .sql = "UPDATE inventory.stock_level SET allocated = allocated + 1"
                              " WHERE " LEVEL},
    {"stock-not-negative",
     .sql = "ALTER TABLE inventory.stock_level DROP CONSTRAINT stock_level_reserved_check;"
            "UPDATE inventory.stock_level SET reserved = -1 WHERE " LEVEL},
    {"stock-promised", .sql = "UPDATE inventory.stock_level SET reserved = reserved + 1"
                              " WHERE " LEVEL},
    {"stock-rules",
     .sql = "INSERT INTO inventory.movement (id, kind, stock_item_id, from_warehouse_id,"
            " from_account, to_warehouse_id, to_account, quantity, cause_id, actor)"
            " SELECT " NEW ", 'commit', stock_item_id, warehouse_id, 'available', warehouse_id,"
            " 'allocated', 1, " NEW ", 'breach' FROM inventory.stock_level LIMIT 1"},
    {"reservation-movements",
     .sql = "INSERT INTO inventory.movement (id, kind, stock_item_id, from_warehouse_id,"
            " from_account, to_warehouse_id, to_account, quantity, cause_id, actor)"
            " SELECT " NEW ", kind, stock_item_id, from_warehouse_id, from_account,"
            " to_warehouse_id, to_account, quantity, cause_id, actor FROM inventory.movement"
            " WHERE kind = 'commit' ORDER BY id DESC LIMIT 1"},
    {"reservation-overdue", .sql = RESERVED("held", "now() - interval '1 hour'")},
    {"reservation-pinned", .sql = RESERVED("pinned", "NULL")},
    {"reservation-committed", .sql = RESERVED("committed", "NULL")},
    {"order-reservation",
     .sql = "UPDATE orders.order_line SET quantity = quantity + 1 WHERE order_id = " SOLD},
    {"order-cancelled-stock", .sql = "UPDATE orders.orders SET state = 2 WHERE id = " SOLD},
    {"checkout-cancelled-stock", .sql = CHECKOUT("state = 9")},
    {"order-checkout", .sql = "DELETE FROM orders.checkout WHERE id = " SOLD},
    {"order-once-per-cart",
     .sql = "CREATE TEMP TABLE twin ON COMMIT DROP AS SELECT * FROM orders.orders WHERE id = " SOLD
            "; UPDATE twin SET id = " NEW ", number = 'T-0';"
            "INSERT INTO orders.orders SELECT * FROM twin"},
    {"order-number",
     .sql = "ALTER TABLE orders.orders DROP CONSTRAINT orders_number_key;"
            "CREATE TEMP TABLE twin ON COMMIT DROP AS SELECT * FROM orders.orders WHERE id = " SOLD
            "; UPDATE twin SET id = " NEW ", cart_id = id;"
            "INSERT INTO orders.orders SELECT * FROM twin"},
    {"checkout-client-key", .sql = "DROP INDEX orders.checkout_client_key;"
                                   "UPDATE orders.checkout SET client_key = 'breach' WHERE id IN"
                                   " (SELECT id FROM orders.checkout ORDER BY id DESC LIMIT 2)"},
    {"checkout-live-cart", .sql = "DROP INDEX orders.checkout_live_cart;"
                                  "UPDATE orders.checkout SET state = 1, cart_id = " SOLD
                                  " WHERE id IN"
                                  " (SELECT id FROM orders.checkout ORDER BY id DESC LIMIT 2)"},
    {"checkout-state", .sql = CHECKOUT("snapshot = NULL")},
    {"checkout-deadline", .sql = CHECKOUT("state = 1, deadline = now() - interval '1 hour'")},
    {"checkout-driven", .sql = CHECKOUT("state = 1, wake_time = now() - interval '1 hour',"
                                        " lease_until = now() - interval '1 hour'")},
    {"checkout-under-way", .sql = CHECKOUT("state = 4")},
    {"order-snapshot",
     .sql = "INSERT INTO orders.order_revision SELECT order_id, 2, '\\x00', snapshot_hash"
            " FROM orders.order_revision WHERE order_id = " SOLD ";"
            "UPDATE orders.orders SET revision = 2 WHERE id = " SOLD},
    {"order-parts", .sql = "DELETE FROM orders.party WHERE order_id = " SOLD},
    {"order-shipped",
     .sql = "UPDATE orders.order_line SET shipped_quantity = 1 WHERE order_id = " SOLD},
    {"order-fulfillment-status",
     .sql = "UPDATE orders.orders SET fulfillment_status = 5 WHERE id = " SOLD},
    {"payment-ledger", .sql = ENTRY("9", "2", "breach")},
    {"payment-within",
     .sql = "UPDATE orders.payment SET authorized_minor = amount_minor + 1 WHERE id = " PAID},
    {"payment-once", .sql = ENTRY("1", "3", "breach")},
    {"payment-counted", .sql = ENTRY("9", "1", "breach")},
    {"payment-order", .sql = "UPDATE orders.payment SET order_id = NULL WHERE id = " PAID},
    {"payment-given-back", .sql = CHECKOUT("state = 9, update_time = now() - interval '1 hour'")},
    {"order-payments",
     .sql = "UPDATE orders.payment SET amount_minor = amount_minor + 1 WHERE id = " PAID},
    {"order-payment-status",
     .sql = "UPDATE orders.orders SET payment_status = 1 WHERE id = (SELECT order_id"
            " FROM orders.payment WHERE id = " PAID ")"},
    {"provider-book",
     .sql = "UPDATE orders.payment SET captured_minor = captured_minor - 1 WHERE id = " PAID},
    {"provider-book", .sql = "DELETE FROM orders.payment WHERE id = " PAID},
    {"coupon-counts", .sql =
                          UNBOUND "UPDATE marketing.coupon SET redeemed_count = redeemed_count + 1"
                                  " WHERE id = " COUPON},
    {"coupon-limits", .sql = UNBOUND "UPDATE marketing.coupon SET usage_limit = 1,"
                                     " redeemed_count = 5 WHERE id = " COUPON},
    {"coupon-uses", .sql = "UPDATE marketing.coupon_use SET is_live = false"
                           " WHERE checkout_id = " USED},
    {"coupon-hold", .sql = "UPDATE marketing.hold SET state = 'held' WHERE checkout_id = " USED},
    {"coupon-orders", .sql = "DELETE FROM marketing.hold WHERE checkout_id = " USED},
    {"coupon-orders",
     .sql = "UPDATE marketing.hold SET checkout_id = " NEW " WHERE checkout_id = " USED},
    {"cart-frozen", .kind = BREACH_CART},
    {"cart-bought", .kind = BREACH_CART,
     .sql = "UPDATE orders.orders SET cart_id = current_setting('breach.cart')::uuid WHERE id "
            "= " SOLD},
    {"cart-published", .kind = BREACH_CART},
    {"cart-sequence", .kind = BREACH_CART},
    {"outbox-published", .sql = "INSERT INTO orders.outbox (event_id, topic, key, headers, payload,"
                                " aggregate_version) VALUES (" NEW
                                ", 'order.order.events.v1', '\\x01', '', '', 1)"},
    {"topic-phantom",
     .sql = "DELETE FROM orders.outbox WHERE event_id = (SELECT event_id FROM orders.outbox"
            " WHERE topic = 'order.order.events.v1' ORDER BY event_id DESC LIMIT 1)"},
    {"topic-order", .kind = BREACH_TOPIC},
    {"topic-repeats", .kind = BREACH_TOPIC},
    {"topic-envelope", .kind = BREACH_TOPIC},
    {"relay-slot",
     .sql = "INSERT INTO relay.wal_position (slot, is_bootstrapped, system_id, timeline, end_lsn)"
            " VALUES ('breach', true, '', '', '0/0')"},
    {"relay-parked", .sql = "INSERT INTO relay.parked (topic, key, headers, payload, created_at,"
                            " reason) VALUES ('breach', '', '', '', now(), 'breach')"},
    {"told-stock", .sql = "UPDATE inventory.stock_level SET available = available + 1"
                          " WHERE " LEVEL},
    {"told-reservation", .sql = "UPDATE inventory.reservation SET state = 'released' WHERE id ="
                                " (SELECT reservation_id FROM orders.orders WHERE id = " SOLD ")"},
    {"told-order", .sql = "UPDATE orders.orders SET version = version + 1 WHERE id = " SOLD},
    {"told-payment",
     .sql = "UPDATE orders.payment SET amount_minor = amount_minor + 1 WHERE id = " PAID},
    {"told-checkout", .sql = "UPDATE orders.checkout SET failure_reason = 'BREACH' WHERE id ="
                             " (SELECT max(id::text)::uuid FROM orders.checkout WHERE state = 9)"},
    {"told-coupon", .sql = UNBOUND "UPDATE marketing.coupon SET redeemed_count = redeemed_count + 1"
                                   " WHERE id = " COUPON},
    {"told-promotion", .sql = "UPDATE marketing.promotion SET is_active = NOT is_active"
                              " WHERE id = " LATEST("marketing.promotion")},
    {"told-product", .sql = "UPDATE catalog.product SET vendor = 'breach'"
                            " WHERE id = " LATEST("catalog.product")},
    {"told-variant", .sql = "UPDATE catalog.variant SET sku = 'breach'"
                            " WHERE id = " LATEST("catalog.variant")},
    {"told-category", .sql = "UPDATE catalog.category SET version = version + 1"
                             " WHERE id = " LATEST("catalog.category")},
    {"told-price", .sql = "UPDATE pricing.price SET unit_unscaled = unit_unscaled + 1"
                          " WHERE id = " LATEST("pricing.price")},
    {"told-price-list", .sql = "UPDATE pricing.price_list SET code = 'breach'"
                               " WHERE id = " LATEST("pricing.price_list")},
    {"told-tax-rate", .sql = "UPDATE pricing.tax_rate SET percentage_unscaled = 1"
                             " WHERE id = " LATEST("pricing.tax_rate")},
    {"told-channel", .sql = "UPDATE platform.channel SET code = 'breach'"
                            " WHERE id = " LATEST("platform.channel")},
    {"told-shipping-option", .sql = "UPDATE platform.shipping_option SET is_active = NOT is_active"
                                    " WHERE id = " LATEST("platform.shipping_option")},
    {"told-api-key", .sql = "UPDATE platform.api_key SET revoked_at = NULL"},
    {"told-delivery", .sql = "UPDATE platform.delivery SET kind = 'breach' WHERE state = 'sent'"},
    {"told-customer", .sql = "UPDATE customer.account SET locale = 'breach'"},
    {"inbox-handled", .sql = "DELETE FROM marketing.inbox"},
    {"inbox-known", .sql = "INSERT INTO marketing.inbox (consumer, event_id, topic, part, off)"
                           " VALUES ('marketing', " NEW ", 'order.order.events.v1', 0, 999999999)"},
    {"inbox-once", .sql = "INSERT INTO marketing.inbox (consumer, event_id, topic, part, off)"
                          " SELECT consumer, " NEW ", topic, part, off FROM marketing.inbox"
                          " LIMIT 1"},
    {"inbox-position", .sql = "UPDATE marketing.inbox_position SET next_off = 0"},
    {"inbox-position", .sql = "UPDATE marketing.inbox_position SET next_off = 999999999"},
    {"group-position", .kind = BREACH_GROUP},
    {"inbox-parked",
     .sql = "INSERT INTO marketing.inbox_parked (id, consumer, topic, part, off, event_id, type,"
            " key, sequence, headers, payload, reason) VALUES (" NEW ", 'marketing', 'breach', 0,"
            " 0, " NEW ", 'breach', '', 1, '', '', 'breach')"},
    {"task-pending", .sql = TASK("now() + interval '1 hour'")},
    {"task-overdue", .sql = TASK("now() - interval '1 hour'")},
    {"delivery-once", .kind = BREACH_TOPIC},
    {"order-confirmation",
     .sql = "DELETE FROM platform.delivery WHERE kind = 'order_placed' AND subject_id = " SOLD},
    {"append-only-rights", .sql = "GRANT UPDATE ON orders.payment_entry TO order_app"},
    {"append-only-rights", .sql = "ALTER TABLE orders.order_revision DISABLE TRIGGER USER"},
    {"append-only-rows", .kind = BREACH_COMMITTED,
     .sql = "SET session_replication_role = replica;"
            "BEGIN; UPDATE orders.order_revision SET snapshot = snapshot; ROLLBACK;"
            "SELECT pg_stat_force_next_flush()",
     .mend = "SELECT pg_stat_reset_single_table_counters('orders.order_revision'::regclass)"},
    {.invariant = NULL},
};
