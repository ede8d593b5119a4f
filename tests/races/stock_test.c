/* stock_test.c - one item received, adjusted, counted, moved between warehouses and bought at once:
 * every unit is somewhere, and none is there twice. */
#include "crowd.h"
#include "outcome.h"

#include <inttypes.h>

enum { BUYERS = 60, CLERKS = 48, STOCK = 200, EACH = 4 };

struct depot {
    struct item item;
    int64_t total;
    const char *carts[BUYERS], *hamburg, *reno;
    struct answer sales[BUYERS], works[CLERKS];
};

static struct answer move(struct depot *depot, const char *from, const char *to)
{
    return admin("POST", "/stock/transfers",
                 arena_printf(arena,
                              "{\"fromWarehouseId\":\"%s\",\"toWarehouseId\":\"%s\",\"lines\":"
                              "[{\"variantId\":\"%s\",\"quantity\":\"%d\"}]}",
                              from, to, depot->item.variant_id, EACH));
}

static struct answer adjust(struct depot *depot, const char *warehouse, const char *reason)
{
    return admin("POST", "/stock/adjustments",
                 arena_printf(arena,
                              "{\"warehouseId\":\"%s\",\"variantId\":\"%s\",\"quantity\":\"%d\","
                              "\"adjustmentReason\":\"ADJUSTMENT_REASON_%s\"}",
                              warehouse, depot->item.variant_id, EACH, reason));
}

static struct answer out(struct depot *depot)
{
    return move(depot, depot->hamburg, depot->reno);
}

static struct answer back(struct depot *depot)
{
    return move(depot, depot->reno, depot->hamburg);
}

static struct answer found(struct depot *depot)
{
    return adjust(depot, depot->hamburg, "FOUND");
}

static struct answer lost(struct depot *depot)
{
    return adjust(depot, depot->reno, "LOST");
}

static struct answer set_apart(struct depot *depot)
{
    return adjust(depot, depot->hamburg, "QUARANTINED");
}

static struct answer receive(struct depot *depot)
{
    return admin("POST", "/stock/receipts",
                 arena_printf(arena,
                              "{\"warehouseId\":\"%s\",\"lines\":"
                              "[{\"variantId\":\"%s\",\"quantity\":\"%d\"}]}",
                              depot->hamburg, depot->item.variant_id, EACH));
}

/* What a clerk does, and how it changes what can be sold. */
static const struct {
    struct answer (*act)(struct depot *depot);
    int64_t change;
} WORKS[] = {{out, 0},      {found, EACH},      {back, 0},
             {lost, -EACH}, {set_apart, -EACH}, {receive, EACH}};

static void prepare(int number, void *race)
{
    struct depot *depot = race;
    depot->carts[number] = given_cart_of(new_email(), depot->item, 1);
}

static void buy_or_work(int number, void *race)
{
    struct depot *depot = race;
    if (number < BUYERS)
        depot->sales[number] = followed(when_buying(depot->carts[number], depot->total, new_key()));
    else
        depot->works[number - BUYERS] = WORKS[(size_t)number % ARRAY_LEN(WORKS)].act(depot);
    (void)stock_of(depot->item); // never below nothing, whenever one looks
}

static const struct expected_answer DONE_OR_NOT_THERE[] = {
    {200, NULL}, {201, NULL}, {409, "INSUFFICIENT_STOCK"}, {0}};

START_TEST(stock_that_is_moved_adjusted_and_sold_at_once_adds_up)
{
    static struct depot depot;
    int64_t left = STOCK, sold = 0;
    depot.item = given_item(1900, STOCK);
    depot.hamburg = id_by_code("/warehouses", "warehouses", "hamburg");
    depot.reno = id_by_code("/warehouses", "warehouses", "reno");
    expect(out(&depot), 200); // so that there is something to lose and to bring back
    crowd_share(BUYERS, prepare, &depot);
    depot.total = total_of(depot.carts[0]);

    int64_t took_us = crowd(BUYERS + CLERKS, buy_or_work, &depot);

    crowd_report("60 buyers", depot.sales, BUYERS, took_us);
    crowd_report("48 clerks", depot.works, CLERKS, took_us);
    then_only(depot.sales, BUYERS, DONE_OR_NOT_THERE);
    then_only(depot.works, CLERKS, DONE_OR_NOT_THERE);
    for (int i = 0; i < BUYERS; i++)
        sold += depot.sales[i].status < 300;
    for (int i = 0; i < CLERKS; i++)
        if (depot.works[i].status < 300)
            left += WORKS[(size_t)(i + BUYERS) % ARRAY_LEN(WORKS)].change;
    then_stock_settles(depot.item, (struct stock){.available = left - sold, .allocated = sold});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stock race");
    TCase *stock = race_case(suite, "stock");
    tcase_add_test(stock, stock_that_is_moved_adjusted_and_sold_at_once_adds_up);
    return shop_run(suite);
}
