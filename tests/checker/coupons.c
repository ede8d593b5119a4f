/* coupons.c - who holds and who used a coupon, and that the orders say so too. */
#include "families.h"

#include "common/json.h"
#include "common/map.h"
#include "order/v1/service.pb-c.h"

#include <string.h>

static check check_uses;

#define TOUCHED                                                                                    \
    "touched AS MATERIALIZED (SELECT DISTINCT coupon_id FROM marketing.coupon_use"                 \
    " WHERE checkout_id >= $1 AND checkout_id < $2)"

const struct invariant COUPONS[] = {
    {
        .name = "coupon-counts",
        .meaning = "what a coupon counts as held and redeemed are its live uses",
        .schema = "marketing",
        .broken = "WITH " TOUCHED ", used AS (SELECT u.coupon_id,"
                  "  count(*) FILTER (WHERE h.state = 'held') AS held,"
                  "  count(*) FILTER (WHERE h.state = 'redeemed') AS redeemed"
                  "  FROM touched JOIN marketing.coupon_use AS u"
                  "    ON u.coupon_id = touched.coupon_id AND u.is_live"
                  "  JOIN marketing.hold AS h ON h.checkout_id = u.checkout_id"
                  " GROUP BY u.coupon_id)"
                  " SELECT c.id::text, held_count <> coalesce(held, 0)"
                  "        OR redeemed_count <> coalesce(redeemed, 0),"
                  "        format('%s: %s held and %s redeemed; uses say %s and %s', c.code,"
                  "               held_count, redeemed_count, coalesce(held, 0),"
                  "               coalesce(redeemed, 0))"
                  "   FROM touched JOIN marketing.coupon AS c ON c.id = touched.coupon_id"
                  "   LEFT JOIN used ON used.coupon_id = c.id",
    },
    {
        .name = "coupon-limits",
        .meaning = "no coupon is used more often than it may be, in all or by one customer",
        .schema = "marketing",
        .broken =
            "WITH " TOUCHED " SELECT concat_ws(' ', c.id, u.customer_key),"
            "        (usage_limit > 0 AND held_count + redeemed_count > usage_limit)"
            "        OR (per_customer_limit > 0 AND count(*) > per_customer_limit),"
            "        format('%s: %s of %s uses, %s of %s by one customer', c.code,"
            "               held_count + redeemed_count, usage_limit, count(*), per_customer_limit)"
            "   FROM touched JOIN marketing.coupon AS c ON c.id = touched.coupon_id"
            "   JOIN marketing.coupon_use AS u ON u.coupon_id = c.id AND u.is_live"
            "  GROUP BY c.id, u.customer_key",
    },
    {
        .name = "coupon-uses",
        .meaning = "a use is live exactly while its hold is held or redeemed, and of a coupon that"
                   " the hold names",
        .schema = "marketing",
        .broken = "SELECT concat_ws(' ', h.checkout_id, u.coupon_id),"
                  "       u.is_live <> (h.state <> 'released')"
                  "       OR NOT u.coupon_id = ANY (h.coupon_ids)"
                  "       OR (h.state = 'redeemed') <> (h.order_id IS NOT NULL),"
                  "       format('hold %s, use live %s, order %s', h.state, u.is_live, h.order_id)"
                  "  FROM marketing.hold AS h JOIN marketing.coupon_use AS u"
                  "    ON u.checkout_id = h.checkout_id"
                  " WHERE h.checkout_id >= $1 AND h.checkout_id < $2",
    },
    {
        .name = "coupon-hold",
        .meaning = "no coupon is held for a checkout that is no longer alive",
        .when = SETTLED,
        .left = {"marketing", "SELECT checkout_id::text, '' FROM marketing.hold"
                              " WHERE state = 'held' AND checkout_id >= $1 AND checkout_id < $2"},
        .right = {"orders", "SELECT id::text, '' FROM orders.checkout WHERE is_live"},
    },
    {
        .name = "coupon-orders",
        .meaning =
            "the coupons redeemed are those that the orders were sold with; a cancelled order"
            " gave them back",
        .when = SETTLED,
        .check = check_uses,
    },
    {0},
};

/* Coupon ids of an order's snapshot, in their order, joined by commas. */
static const char *coupons_of(struct audit *audit, const char *hex)
{
    size_t length = strlen(hex) / 2;
    uint8_t *bytes = arena_alloc(audit->arena, length);
    struct buffer out;

    buffer_init(&out, audit->arena, 64);
    buffer_puts(&out, "");
    if (!str_from_hex(hex, bytes, length))
        return out.data;
    Order__V1__CheckoutSnapshot *snapshot =
        order__v1__checkout_snapshot__unpack(arena_protobuf(audit->arena), length, bytes);
    for (size_t i = 0; snapshot != NULL && i < snapshot->n_coupon_ids; i++)
        buffer_printf(&out, "%s%s", i == 0 ? "" : ",", snapshot->coupon_ids[i]);
    return out.data;
}

static bool is_same_set(const char *a, const char *b)
{
    size_t count = 1;
    const char *at = a;

    if (strlen(a) != strlen(b))
        return false;
    for (; (at = strchr(at, ',')) != NULL; at++)
        count++;
    for (at = a; count > 0; count--, at += strcspn(at, ",") + 1) {
        char id[37] = "";
        size_t length = strcspn(at, ",");
        if (length >= sizeof id)
            return false;
        memcpy(id, at, length);
        if (strstr(b, id) == NULL)
            return false;
    }
    return true;
}

static void check_uses(struct audit *audit, struct findings *findings)
{
    struct map *redeemed = map_create(audit->arena, 1024);
    _cleanup_(result_clear) PGresult *holds =
        database_query(audit, "marketing",
                       "SELECT checkout_id, array_to_string(coupon_ids, ',') FROM marketing.hold"
                       " WHERE state = 'redeemed' AND checkout_id >= $1 AND checkout_id < $2");
    _cleanup_(result_clear) PGresult *orders =
        holds == NULL ? NULL
                      : database_query(audit, "orders",
                                       "SELECT o.id, encode(r.snapshot, 'hex'), o.state = 2"
                                       "  FROM orders.orders AS o"
                                       "  JOIN orders.order_revision AS r"
                                       "    ON r.order_id = o.id AND r.revision = 1"
                                       " WHERE o.id >= $1 AND o.id < $2");

    if (orders == NULL)
        return;
    for (int i = 0; i < PQntuples(holds); i++)
        map_set(redeemed, PQgetvalue(holds, i, 0), PQgetvalue(holds, i, 1));
    for (int i = 0; i < PQntuples(orders); i++) {
        const char *id = PQgetvalue(orders, i, 0);
        const bool is_cancelled = *PQgetvalue(orders, i, 2) == 't';
        const char *sold = is_cancelled ? "" : coupons_of(audit, PQgetvalue(orders, i, 1));
        const char *used = map_get(redeemed, id);
        findings->checked++;
        if (!is_same_set(sold, str_or_empty(used)))
            findings_add(audit, findings, id, "sold with '%s', redeemed '%s'", sold,
                         str_or_empty(used));
        map_set(redeemed, id, NULL); // what remains has no order
    }
    for (int i = 0; i < PQntuples(holds); i++) {
        const char *left = map_get(redeemed, PQgetvalue(holds, i, 0));
        if (!str_is_empty(left))
            findings_add(audit, findings, PQgetvalue(holds, i, 0), "redeemed '%s' without an order",
                         left);
    }
}
