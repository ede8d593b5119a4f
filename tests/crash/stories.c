/* stories.c - the stories; see stories.h. */
#include "stories.h"

#include "board.h"
#include "client.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PRICE_MINOR = 2500,
    RAISE_MINOR = 400,
    RAISED_MINOR = PRICE_MINOR + RAISE_MINOR,
    PLENTY = 100000,
    NAME_LENGTH = 128,
    OPERATOR_MS = 60000,
    OPERATOR_PAUSE_US = 50000,
};

#define MANUAL "{\"providerAccount\":\"manual\"}"
#define CARD_OF(method) "{\"providerAccount\":\"stripe\",\"paymentMethod\":\"" method "\"}"

/* What all stories sell; told to the cases' processes by fork. */
static char plenty_id[NAME_LENGTH], plenty_slug[NAME_LENGTH], short_id[NAME_LENGTH],
    coupon[NAME_LENGTH];

void stories_begin(void)
{
    struct item plenty = given_item(PRICE_MINOR, PLENTY), one = given_item(PRICE_MINOR, 1);

    snprintf(plenty_id, sizeof plenty_id, "%s", plenty.variant_id);
    snprintf(plenty_slug, sizeof plenty_slug, "%s", plenty.slug);
    snprintf(short_id, sizeof short_id, "%s", one.variant_id);
    snprintf(coupon, sizeof coupon, "%s", given_coupon(PLENTY));
}

/* --- carts and purchases ----------------------------------------------------------------- */

static void given_a_cart_of(struct plot *plot, const char *variant_id, int64_t quantity)
{
    plot->email = plot->email != NULL ? plot->email : "ada@buyer.example";
    plot->cart = given_cart_of(plot->email, (struct item){.variant_id = variant_id}, quantity);
    given_coupon_in(plot->cart, coupon);
    plot->total = total_of(plot->cart);
    plot->key = new_key();
    plot->tenders = MANUAL;
}

static void given_a_cart(struct plot *plot)
{
    given_a_cart_of(plot, plenty_id, 1);
}

static struct answer check_out(const void *what)
{
    const struct plot *plot = what;
    struct answer answer = when_tendering(plot->cart, plot->total, plot->tenders, plot->key);

    ck_assert_msg(answer.status != 409 || !is_passing(answer),
                  "a buyer was told of somebody else's locks: %s", answer.text);
    return answer;
}

static void when_bought(struct plot *plot)
{
    struct answer answer = expect(insist(check_out, plot), 201);

    plot->order = text_at(answer, "orderId");
    plot->checkout = text_at(answer, "id");
}

/* What was answered stays true, and the same key leads to the same order. */
static void then_sold(struct plot *plot)
{
    struct answer checkout = expect(
        store_patiently("GET", arena_printf(arena, "/checkouts/%s", plot->checkout), NULL), 200);
    struct answer again = expect(insist(check_out, plot), 201);

    ck_assert_str_eq(text_at(checkout, "orderId"), plot->order);
    ck_assert_str_eq(text_at(again, "orderId"), plot->order);
    later(LATER_PAID, plot->order, plot->checkout);
    later(LATER_CLOSED, plot->cart, plot->checkout);
}

const struct story SALE = {"sale", given_a_cart, when_bought, then_sold};

static void given_a_card(struct plot *plot)
{
    given_a_cart(plot);
    plot->tenders = CARD_OF("pm_card_visa");
}

const struct story CARD = {"card", given_a_card, when_bought, then_sold};

/* --- refusals: compensations ------------------------------------------------------------- */

static void given_a_bad_card(struct plot *plot)
{
    given_a_cart(plot);
    plot->tenders = CARD_OF("pm_card_chargeDeclined");
}

static void when_declined(struct plot *plot)
{
    expect_problem(insist(check_out, plot), 409, "PAYMENT_DECLINED");
}

static void then_open(struct plot *plot)
{
    expect_problem(insist(check_out, plot), 409, "PAYMENT_DECLINED"); // also when asked again
    later(LATER_OPEN, plot->cart, plot->key);
}

const struct story DECLINED = {"declined", given_a_bad_card, when_declined, then_open};

/* The first is held before the second is declined. */
static void given_two_cards(struct plot *plot)
{
    given_a_cart(plot);
    plot->tenders = "{\"providerAccount\":\"stripe\",\"paymentMethod\":\"pm_card_visa\","
                    "\"amountMinor\":\"1000\"}," CARD_OF("pm_card_chargeDeclined");
}

const struct story TWO_CARDS = {"two_cards", given_two_cards, when_declined, then_open};

static void given_too_many(struct plot *plot)
{
    given_a_cart_of(plot, short_id, 2);
}

static void when_refused(struct plot *plot)
{
    expect_problem(insist(check_out, plot), 409, "INSUFFICIENT_STOCK");
}

static void then_open_still(struct plot *plot)
{
    later(LATER_OPEN, plot->cart, plot->key);
}

const struct story SHORT = {"short", given_too_many, when_refused, then_open_still};

/* --- afterwards -------------------------------------------------------------------------- */

static struct answer cancel_order(const void *what)
{
    const struct plot *plot = what;
    return admin("POST", arena_printf(arena, "/orders/%s/cancel", plot->order),
                 "{\"reason\":\"the buyer changed their mind\"}");
}

static void given_a_paid_order(struct plot *plot)
{
    given_a_card(plot);
    when_bought(plot);
    await(arena_printf(arena, "/orders/%s", plot->order), "paymentStatus", "PAYMENT_STATUS_PAID");
}

static void when_cancelled(struct plot *plot)
{
    expect(insist(cancel_order, plot), 200);
}

static void then_refunded(struct plot *plot)
{
    until(arena_printf(arena, "/orders/%s", plot->order), "state", "ORDER_STATE_CANCELLED");
    later(LATER_REFUNDED, plot->order, plot->checkout);
}

const struct story CANCELLED = {"cancelled", given_a_paid_order, when_cancelled, then_refunded};

/* The bank tells the provider, the provider tells us, and the buyer comes back. */
static void given_a_buyer_at_the_bank(struct plot *plot)
{
    given_a_cart(plot);
    plot->tenders = CARD_OF("pm_card_authenticationRequired");
    plot->checkout = text_at(expect(patiently(check_out, plot), 202), "id");
    await(arena_printf(arena, "/checkouts/%s", plot->checkout), "state",
          "CHECKOUT_STATE_ACTION_REQUIRED"); // the provider may be slower than an answer
}

static void when_confirmed(struct plot *plot)
{
    expect(simulator("/complete",
                     arena_printf(arena, "checkout_id=%s&outcome=succeed", plot->checkout)),
           200);
    when_bought(plot);
}

const struct story BANK = {"bank", given_a_buyer_at_the_bank, when_confirmed, then_sold};

/* The provider is away for a moment; the buyer too, for good. One who was not answered and asks
 * again may find the order. */
static void when_resumed(struct plot *plot)
{
    expect(simulator("/script", "operation=create&behaviour=unavailable&count=1"), 200);
    struct answer begun = patiently(check_out, plot);
    plot->checkout = text_at(expect(begun, begun.status == 201 ? 201 : 202), "id");
    plot->order = text_at(await(arena_printf(arena, "/checkouts/%s", plot->checkout), "state",
                                "CHECKOUT_STATE_PLACED"),
                          "orderId");
}

const struct story RESUMED = {"resumed", given_a_card, when_resumed, then_sold};

static void when_left_to_expire(struct plot *plot)
{
    plot->key = new_key();
    shop_script(arena_printf(arena,
                             "call Inventory/Reserve '{\"reservationId\":\"%s\",\"ttlMs\":\"200\","
                             "\"lines\":[{\"lineId\":\"1\",\"variantId\":\"%s\","
                             "\"quantity\":\"1\"}]}'",
                             plot->key, plenty_id));
}

static void then_expired(struct plot *plot)
{
    const char *ask =
        arena_printf(arena,
                     "until TORG_VAR='%s' '%s/deploy/local/call' Inventory/GetReservation "
                     "'{\"reservationId\":\"%s\"}' | grep -q EXPIRED; do sleep 0.1; done",
                     shop_setting("TORG_SHOP_VAR"), shop_setting("TORG_ROOT"), plot->key);
    ck_assert_int_eq(system(ask), 0);
}

const struct story EXPIRED = {"expired", NULL, when_left_to_expire, then_expired};

/* --- carts, imports, mails --------------------------------------------------------------- */

static struct answer add_line(const void *what)
{
    const struct plot *plot = what;
    return store(
        "POST", arena_printf(arena, "/carts/%s/lines", plot->cart),
        arena_printf(arena, "{\"lines\":[{\"variantId\":\"%s\",\"quantity\":\"1\"}]}", plenty_id),
        plot->key);
}

static void when_a_line_is_added(struct plot *plot)
{
    expect(insist(add_line, plot), 200);
}

static void then_added_once(struct plot *plot)
{
    struct answer cart =
        expect(store_patiently("GET", arena_printf(arena, "/carts/%s", plot->cart), NULL), 200);
    ck_assert_int_eq(int_at(cart, "cart.lines.0.quantity"), 2);
    ck_assert_ptr_null(node_at(cart, "cart.lines.1"));
}

const struct story ADD_LINE = {"add_line", given_a_cart, when_a_line_is_added, then_added_once};

static struct answer upload(const void *what)
{
    const struct plot *plot = what;
    struct answer answer = admin_csv(
        arena_printf(arena,
                     "/imports/products?channel_id=%s&price_list_id=%s&warehouse_id=%s&locale=en"
                     "&tax_category_code=standard&file_name=crash.csv",
                     id_by_code("/channels", "channels", "eu"),
                     id_by_code("/price-lists", "priceLists", "eur-gross"),
                     id_by_code("/warehouses", "warehouses", "hamburg")),
        arena_printf(arena,
                     "Title,Handle,Option1 Name,Option1 Value,Variant Price,Variant SKU,"
                     "Variant Inventory Qty,Published,Status\r\n"
                     "Imported,%s,Size,S,12.50,%s-s,7,true,active\r\n",
                     plot->key, plot->key));
    answer.status = answer.status == 202 ? 200 : answer.status; // accepted is final here
    return answer;
}

static void when_imported(struct plot *plot)
{
    plot->key = arena_printf(arena, "import-%s", new_key());
    struct answer import = expect(insist(upload, plot), 200);
    plot->order = text_at(import, "import.id");
}

static void then_on_sale_once(struct plot *plot)
{
    admin_until(arena_printf(arena, "/imports/%s", plot->order), "import.state",
                "IMPORT_STATE_SUCCEEDED");
    struct answer product =
        until(arena_printf(arena, "/products/%s", plot->key), "product.variants.0.available", "7");
    ck_assert_ptr_null(node_at(product, "product.variants.1"));
}

const struct story IMPORT = {"import", NULL, when_imported, then_on_sale_once};

static void given_a_new_buyer(struct plot *plot)
{
    plot->email = new_email();
    given_a_cart(plot);
}

static void then_mailed(struct plot *plot)
{
    then_sold(plot);
    later(LATER_MAILED, plot->email, "Subject: ");
}

const struct story MAIL = {"mail", given_a_new_buyer, when_bought, then_mailed};

/* --- the relay and the consumers --------------------------------------------------------- */

static void when_the_slot_is_forgotten(struct plot *plot)
{
    const char *line = arena_printf(
        arena, "TORG_VAR='%s' '%s/tests/crash/forget_slot' >>'%s/log/scripts.log' 2>&1",
        shop_setting("TORG_SHOP_VAR"), shop_setting("TORG_ROOT"), shop_setting("TORG_SHOP_VAR"));
    ck_assert_int_eq(system(line), 0);
    when_bought(plot);
}

const struct story RELAY_ANEW = {"relay_anew", given_a_cart, when_the_slot_is_forgotten, then_sold};

static void when_the_relays_are_stopped(struct plot *plot)
{
    when_bought(plot);
    shop_script("restart outbox-relay outbox-relay-2");
}

const struct story RELAY_STOPPED = {"relay_stopped", given_a_cart, when_the_relays_are_stopped,
                                    then_sold};

static void when_a_consumer_is_stopped(struct plot *plot)
{
    when_bought(plot);
    shop_script(arena_printf(arena, "restart %s", plot->daemon));
}

const struct story CONSUMER_STOPPED = {"consumer_stopped", given_a_cart, when_a_consumer_is_stopped,
                                       then_sold};

/* --- what cannot be handled -------------------------------------------------------------- */

static void refuse_at(enum crash_point point, const char *daemon)
{
    struct crash_slot slot = {.action = CRASH_REFUSE};

    atomic_init(&slot.countdown, 1);
    board_arm(daemon, point, &slot);
}

/* Of whom every consumer hears: an order, its payment, its mail. */
static void given_a_new_buyer_with_a_card(struct plot *plot)
{
    given_a_new_buyer(plot);
    plot->tenders = CARD_OF("pm_card_visa");
}

static void when_no_event_can_be_handled(struct plot *plot)
{
    refuse_at(CRASH_CONSUMER_HANDLED, plot->daemon);
    when_bought(plot);
}

static struct answer parked_at(const struct plot *plot)
{
    const char *path = arena_printf(arena, "/parked-events?service=%s", plot->daemon);
    return expect(admin_patiently("GET", path, NULL), 200);
}

static bool is_dead(struct answer parked)
{
    const struct json_node *state = node_at(parked, "events.0.state");
    return state != NULL && strcmp(state->text, "PARKED_STATE_DEAD") == 0;
}

static struct answer retry(const struct plot *plot, struct answer parked)
{
    return admin_patiently("POST",
                           arena_printf(arena, "/parked-events/%s/%s/resolve", plot->daemon,
                                        text_at(parked, "events.0.id")),
                           "{\"resolution\":\"PARKED_RESOLUTION_RETRY\"}");
}

/* The cause is gone. What still had attempts left heals by itself, for the rest there is the
 * operator. */
static void then_nothing_is_parked(struct plot *plot)
{
    int64_t deadline_us = clock_monotonic_us() + OPERATOR_MS * INT64_C(1000);
    struct answer parked;

    board_disarm(plot->daemon, CRASH_CONSUMER_HANDLED);
    while (node_at(parked = parked_at(plot), "events.0") != NULL) {
        ck_assert_msg(clock_monotonic_us() < deadline_us, "still parked after %d s: %s",
                      OPERATOR_MS / 1000, parked.text);
        if (is_dead(parked))
            (void)retry(plot, parked);
        usleep(OPERATOR_PAUSE_US);
    }
    then_mailed(plot);
}

const struct story PARKED = {"parked", given_a_new_buyer_with_a_card, when_no_event_can_be_handled,
                             then_nothing_is_parked};

static void when_no_attempt_succeeds(struct plot *plot)
{
    refuse_at(CRASH_PARKED_HANDLED, plot->daemon);
    when_no_event_can_be_handled(plot);
}

static void then_an_attempt_succeeds(struct plot *plot)
{
    board_disarm(plot->daemon, CRASH_PARKED_HANDLED);
    then_nothing_is_parked(plot);
}

const struct story PARKED_AGAIN = {"parked_again", given_a_new_buyer_with_a_card,
                                   when_no_attempt_succeeds, then_an_attempt_succeeds};

static void when_an_operator_tries_again(struct plot *plot)
{
    int64_t deadline_us = clock_monotonic_us() + OPERATOR_MS * INT64_C(1000);
    struct answer parked;

    when_no_attempt_succeeds(plot);
    while (!is_dead(parked = parked_at(plot))) {
        ck_assert_msg(clock_monotonic_us() < deadline_us, "not given up after %d s: %s",
                      OPERATOR_MS / 1000, parked.text);
        usleep(OPERATOR_PAUSE_US);
    }
    board_disarm(plot->daemon, CRASH_PARKED_HANDLED);
    struct answer retried = retry(plot, parked);
    ck_assert_msg(retried.status / 100 == 2 || retried.status == 404, // 404: that fast
                  "trying again: %ld %s", retried.status, retried.text);
}

const struct story PARKED_DEAD = {"parked_dead", given_a_new_buyer_with_a_card,
                                  when_an_operator_tries_again, then_nothing_is_parked};

/* --- caches ------------------------------------------------------------------------------ */

/* Both gateways and both carts remember prices. */
static void given_a_shown_product(struct plot *plot)
{
    plot->item = given_item(PRICE_MINOR, PLENTY);
    given_a_cart_of(plot, plot->item.variant_id, 1);
    expect(store_patiently("GET", arena_printf(arena, "/products/%s", plot->item.slug), NULL), 200);
}

static void when_the_price_changes(struct plot *plot)
{
    given_price(plot->item, RAISED_MINOR);
}

static void then_both_show_it(struct plot *plot)
{
    plot->total += RAISE_MINOR;
    for (int i = 0; i < shop_replicas(); i++, shop_turn()) {
        await(arena_printf(arena, "/products/%s", plot->item.slug),
              "product.variants.0.price.price.minorUnits", arena_printf(arena, "%d", RAISED_MINOR));
        await(arena_printf(arena, "/carts/%s", plot->cart), "quote.totalMinor",
              arena_printf(arena, "%" PRId64, plot->total));
    }
    when_bought(plot);
    then_sold(plot);
}

const struct story REPRICED = {"repriced", given_a_shown_product, when_the_price_changes,
                               then_both_show_it};
