/* twice_test.c - the same thing done twice at the same moment: it happens once, and whoever came
 * second is told. */
#include "crowd.h"
#include "outcome.h"

#include <inttypes.h>
#include <string.h>

enum { TABS = 8, ROUNDS = 6, TIMES = 4, ALL = ROUNDS * TIMES };

struct twice {
    const char *paths[ROUNDS], *bodies[ALL], *checkouts[ROUNDS];
    int64_t versions[ROUNDS];
    struct answer answers[ALL];
};

static void then_one_of_each_round(const struct twice *twice, long status, long problem,
                                   const char *reason)
{
    const struct expected_answer expected[] = {{status, NULL}, {problem, reason}, {0}};
    then_only(twice->answers, ALL, expected);
    for (int round = 0; round < ROUNDS; round++)
        ck_assert_msg(count_answers(&twice->answers[round * TIMES], TIMES, status, NULL) == 1,
                      "round %d had another number of winners than one", round);
}

/* --- carts ------------------------------------------------------------------------------------ */

static void add_a_line(int number, void *race)
{
    struct twice *tabs = race;
    tabs->answers[number] = store("POST", tabs->paths[0], tabs->bodies[0], NULL);
}

START_TEST(lines_added_in_several_tabs_are_all_there)
{
    static struct twice tabs;
    struct item item = given_item(1900, 100);
    const char *cart = given_cart(item, 1);
    tabs.paths[0] = arena_printf(arena, "/carts/%s/lines", cart);
    tabs.bodies[0] = arena_printf(arena, "{\"lines\":[{\"variantId\":\"%s\",\"quantity\":\"1\"}]}",
                                  item.variant_id);

    crowd(TABS, add_a_line, &tabs);

    for (int i = 0; i < TABS; i++)
        expect(tabs.answers[i], 200);
    struct answer seen =
        expect(store("GET", arena_printf(arena, "/carts/%s", cart), NULL, NULL), 200);
    ck_assert_int_eq(int_at(seen, "cart.lines.0.quantity"), 1 + TABS);
    ck_assert_ptr_null(node_at(seen, "cart.lines.1"));
}
END_TEST

static void change_my_version(int number, void *race)
{
    struct twice *tabs = race;
    tabs->answers[number] =
        store_for_version("PUT", tabs->paths[number / TIMES], tabs->bodies[number], NULL,
                          tabs->versions[number / TIMES]);
}

START_TEST(of_two_tabs_that_change_the_same_version_one_is_told)
{
    static struct twice tabs;
    for (int round = 0; round < ROUNDS; round++) {
        const char *cart = given_cart(given_item(1900, 10), 1);
        struct answer seen =
            expect(store("GET", arena_printf(arena, "/carts/%s", cart), NULL, NULL), 200);
        tabs.versions[round] = int_at(seen, "cart.version");
        tabs.paths[round] = arena_printf(arena, "/carts/%s/email", cart);
    }
    for (int i = 0; i < ALL; i++)
        tabs.bodies[i] = arena_printf(arena, "{\"email\":\"%s\"}", new_email());

    crowd(ALL, change_my_version, &tabs);

    then_one_of_each_round(&tabs, 200, 409, "CART_VERSION_CONFLICT");
}
END_TEST

/* --- accounts ----------------------------------------------------------------------------------
 */

static void post(int number, void *race)
{
    struct twice *twice = race;
    twice->answers[number] = store("POST", twice->paths[0], twice->bodies[number], NULL);
}

static const char *registration(void)
{
    return arena_printf(arena, "{\"email\":\"%s\",\"password\":\"correct horse battery\"}",
                        new_email());
}

START_TEST(an_address_that_registers_twice_has_one_account)
{
    static struct twice twice;
    twice.paths[0] = "/account/register";
    for (int i = 0; i < ALL; i++)
        twice.bodies[i] = i % TIMES == 0 ? registration() : twice.bodies[i - 1];

    crowd(ALL, post, &twice);

    then_one_of_each_round(&twice, 201, 409, "EMAIL_TAKEN");
}
END_TEST

START_TEST(a_refresh_token_used_twice_is_good_for_one_and_ends_the_session)
{
    static struct twice twice;
    twice.paths[0] = "/account/refresh";
    for (int i = 0; i < ALL; i++)
        twice.bodies[i] =
            i % TIMES != 0
                ? twice.bodies[i - 1]
                : arena_printf(
                      arena, "{\"refreshToken\":\"%s\"}",
                      text_at(expect(store("POST", "/account/register", registration(), NULL), 201),
                              "tokens.refreshToken"));

    crowd(ALL, post, &twice);

    then_one_of_each_round(&twice, 200, 401, NULL);
    for (int i = 0; i < ALL; i++)
        if (twice.answers[i].status == 200)
            expect(store("POST", "/account/refresh",
                         arena_printf(arena, "{\"refreshToken\":\"%s\"}",
                                      text_at(twice.answers[i], "tokens.refreshToken")),
                         NULL),
                   401);
}
END_TEST

/* --- goods -------------------------------------------------------------------------------------
 */

static void create(int number, void *race)
{
    struct twice *twice = race;
    twice->answers[number] = admin("POST", "/products", twice->bodies[number]);
}

START_TEST(a_sku_belongs_to_one_product)
{
    static struct twice twice;
    const char *sku = NULL;
    for (int i = 0; i < ALL; i++) {
        const char *name = arena_printf(arena, "twice-%s", new_key());
        sku = i % TIMES == 0 ? name : sku;
        twice.bodies[i] =
            arena_printf(arena,
                         "{\"handle\":\"%s\",\"taxCategoryCode\":\"standard\",\"texts\":"
                         "[{\"locale\":\"en\",\"name\":\"%s\",\"slug\":\"%s\"}],"
                         "\"variants\":[{\"sku\":\"%s\"}]}",
                         name, name, name, sku);
    }

    crowd(ALL, create, &twice);

    then_one_of_each_round(&twice, 201, 409, "SKU_TAKEN");
}
END_TEST

static void import(int number, void *race)
{
    struct twice *twice = race;
    twice->answers[number] = expect(admin_csv(twice->paths[0], twice->bodies[number]), 202);
}

static int64_t imported(struct answer import, const char *what)
{
    return int_at(import, arena_printf(arena, "import.counts.%s", what));
}

START_TEST(an_import_posted_twice_makes_its_products_once)
{
    static struct twice twice;
    const char *handles[ROUNDS];
    twice.paths[0] =
        arena_printf(arena,
                     "/imports/products?channel_id=%s&price_list_id=%s&warehouse_id=%s&locale=en"
                     "&tax_category_code=standard&file_name=twice.csv",
                     id_by_code("/channels", "channels", "eu"),
                     id_by_code("/price-lists", "priceLists", "eur-gross"),
                     id_by_code("/warehouses", "warehouses", "hamburg"));
    for (int i = 0; i < ALL; i++) {
        handles[i / TIMES] =
            i % TIMES == 0 ? arena_printf(arena, "twice-%s", new_key()) : handles[i / TIMES];
        const char *handle = handles[i / TIMES];
        twice.bodies[i] = arena_printf(
            arena,
            "Title,Handle,Variant Price,Variant SKU,Variant Inventory Qty,Published,Status\r\n"
            "Twice,%s,12.50,%s,7,true,active\r\n",
            handle, handle);
    }

    crowd(ALL, import, &twice);

    for (int round = 0; round < ROUNDS; round++) {
        int64_t created = 0, refused = 0;
        for (int i = round * TIMES; i < (round + 1) * TIMES; i++) {
            struct answer end = admin_until(
                arena_printf(arena, "/imports/%s", text_at(twice.answers[i], "import.id")),
                "import.state", "IMPORT_STATE_SUCCEEDED");
            created += imported(end, "productsCreated");
            refused += imported(end, "rowsRefused");
        }
        struct answer product = expect(
            store("GET", arena_printf(arena, "/products/%s", handles[round]), NULL, NULL), 200);
        ck_assert_int_eq(created, 1);
        ck_assert_int_eq(refused, 0);
        ck_assert_int_eq(int_at(product, "product.variants.0.available"), 7);
    }
}
END_TEST

/* --- money -------------------------------------------------------------------------------------
 */

static void cancel_or_capture(int number, void *race)
{
    struct twice *twice = race;
    const char *order = twice->checkouts[number / TIMES];
    hesitate(20 * 1000);
    if (number % 2 == 0)
        twice->answers[number] = admin("POST", arena_printf(arena, "/orders/%s/cancel", order),
                                       "{\"reason\":\"raced\"}");
    else
        twice->answers[number] = admin("POST",
                                       arena_printf(arena, "/orders/%s/payments/%s/capture", order,
                                                    twice->paths[number / TIMES]),
                                       "{}");
}

START_TEST(an_order_cancelled_while_it_is_captured_keeps_no_money)
{
    static struct twice twice;
    struct item item = given_item(2500, ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        struct answer placed =
            expect(when_paying_with("pm_card_visa", given_cart_of(new_email(), item, 1)), 201);
        twice.checkouts[round] = text_at(placed, "id");
        struct answer order = expect(
            admin("GET", arena_printf(arena, "/orders/%s", twice.checkouts[round]), NULL), 200);
        twice.paths[round] = text_at(order, "order.payments.0.id");
    }

    crowd(ALL, cancel_or_capture, &twice);

    for (int i = 0; i < ALL; i++)
        ck_assert_msg(twice.answers[i].status == 200 || twice.answers[i].status == 409, "%ld: %s",
                      twice.answers[i].status, twice.answers[i].text);
    for (int round = 0; round < ROUNDS; round++) {
        admin_until(arena_printf(arena, "/orders/%s", twice.checkouts[round]), "order.state",
                    "ORDER_STATE_CANCELLED");
        struct book book = book_until(twice.checkouts[round], 0);
        ck_assert_msg(book.held == 0 && book.captured == book.refunded,
                      "order %s: held %" PRId64 ", captured %" PRId64 ", refunded %" PRId64,
                      twice.checkouts[round], book.held, book.captured, book.refunded);
    }
    then_stock_settles(item, (struct stock){.available = ROUNDS});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("twice");
    TCase *twice = race_case(suite, "twice");
    tcase_add_test(twice, lines_added_in_several_tabs_are_all_there);
    tcase_add_test(twice, of_two_tabs_that_change_the_same_version_one_is_told);
    tcase_add_test(twice, an_address_that_registers_twice_has_one_account);
    tcase_add_test(twice, a_refresh_token_used_twice_is_good_for_one_and_ends_the_session);
    tcase_add_test(twice, a_sku_belongs_to_one_product);
    tcase_add_test(twice, an_import_posted_twice_makes_its_products_once);
    tcase_add_test(twice, an_order_cancelled_while_it_is_captured_keeps_no_money);
    return shop_run(suite);
}
