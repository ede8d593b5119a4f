/* carts.c - drafts: frozen only while their checkout lives, closed when they were bought, and told
 * on their topic event by event. */
#include "carts.h"

#include "families.h"

#include "cart/v1/service.pb-c.h"
#include "common/map.h"
#include "common/uuid.h"
#include "journal.h"

#include <inttypes.h>

static check check_frozen, check_bought, check_stream, check_sequence;

const struct invariant CARTS[] = {
    {
        .name = "cart-frozen",
        .meaning = "a frozen cart belongs to a checkout that is alive",
        .when = SETTLED,
        .sources = SOURCE_CARTS,
        .check = check_frozen,
    },
    {
        .name = "cart-bought",
        .meaning = "the cart of an order is closed, or gone",
        .when = SETTLED,
        .sources = SOURCE_CARTS,
        .check = check_bought,
    },
    {
        .name = "cart-published",
        .meaning = "each event in a stream of Redis is on its topic",
        .when = SETTLED,
        .is_quiescence = true,
        .sources = SOURCE_CARTS | SOURCE_TOPICS,
        .check = check_stream,
    },
    {
        .name = "cart-sequence",
        .meaning = "the last event of a cart on the topic is the last that the cart knows of",
        .when = SETTLED,
        .sources = SOURCE_CARTS | SOURCE_TOPICS,
        .check = check_sequence,
    },
    {0},
};

/* The column's values of a query, each once. */
static struct map *set_of(struct audit *audit, const char *schema, const char *sql)
{
    _cleanup_(result_clear) PGresult *rows = database_query(audit, schema, sql);

    if (rows == NULL)
        return NULL;
    struct map *set = map_create(audit->arena, (size_t)PQntuples(rows) + 16);
    for (int i = 0; i < PQntuples(rows); i++)
        map_set(set, PQgetvalue(rows, i, 0), set);
    return set;
}

static void check_frozen(struct audit *audit, struct findings *findings)
{
    const struct carts *carts = carts_read(audit);
    struct map *live = carts == NULL ? NULL
                                     : set_of(audit, "orders",
                                              "SELECT concat_ws(' ', cart_id, id)"
                                              "  FROM orders.checkout WHERE is_live");

    for (size_t i = 0; live != NULL && i < carts->count; i++) {
        const struct cart *cart = &carts->carts[i];
        if (cart->state != CART__V1__CART_STATE__CART_STATE_FROZEN)
            continue;
        findings->checked++;
        if (!map_get(live, arena_printf(audit->arena, "%s %s", cart->id, cart->checkout_id)))
            findings_add(audit, findings, cart->id, "is frozen by checkout %s", cart->checkout_id);
    }
}

static void check_bought(struct audit *audit, struct findings *findings)
{
    const struct carts *carts = carts_read(audit);
    struct map *bought = carts == NULL ? NULL
                                       : set_of(audit, "orders",
                                                "SELECT cart_id FROM orders.orders"
                                                " WHERE id >= $1 AND id < $2");

    for (size_t i = 0; bought != NULL && i < carts->count; i++) {
        const struct cart *cart = &carts->carts[i];
        if (map_get(bought, cart->id) == NULL)
            continue;
        findings->checked++;
        if (cart->state != CART__V1__CART_STATE__CART_STATE_CLOSED)
            findings_add(audit, findings, cart->id, "was bought and is in state %d", cart->state);
    }
}

static void check_stream(struct audit *audit, struct findings *findings)
{
    const struct carts *carts = carts_read(audit);
    const struct journal *journal = carts ? journal_read(audit) : NULL;

    for (size_t i = 0; journal != NULL && i < carts->waiting_count; i++) {
        const struct waiting_event *event = &carts->waiting[i];
        findings->checked++;
        if (journal_find(journal, event->id) == NULL)
            findings_add(audit, findings, event->id, "waits in %s", event->stream);
    }
}

static void check_sequence(struct audit *audit, struct findings *findings)
{
    const struct carts *carts = carts_read(audit);
    const struct journal *journal = carts ? journal_read(audit) : NULL;
    struct map *last = map_create(audit->arena, 1 << 14);
    struct uuid id;

    for (size_t i = 0; journal != NULL && i < journal->count; i++)
        if (str_equal(journal->records[i]->topic, "cart.cart.events.v1") &&
            journal->records[i]->first == NULL)
            map_set(last, journal->records[i]->key, journal->records[i]);
    for (size_t i = 0; journal != NULL && i < carts->count; i++) {
        const struct cart *cart = &carts->carts[i];
        if (!uuid_parse(cart->id, &id))
            continue;
        const struct record *record =
            map_get(last, str_hex(audit->arena, id.bytes, sizeof id.bytes));
        findings->checked++;
        if (record == NULL || record->sequence != cart->sequence)
            findings_add(audit, findings, cart->id,
                         "the topic's last event is %" PRId64 ", the cart's %" PRId64,
                         record ? record->sequence : 0, cart->sequence);
    }
}
