/* buyer.c - buys: as a guest or signed in, by card or not, with a coupon or not, and sometimes
 * leaves. A checkout without an answer is asked again with the same key until there is one. */
#include "torture.h"

#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHECKOUT_TRIES = 60, STEP_TRIES = 4, LOOKS = 60, PRICES_SEEN = 3 };

static const char PASSWORD[] = "correct horse battery";
static const char ADDRESSES[] =
    "{\"shippingAddress\":{\"fullName\":\"Ada Buyer\",\"line1\":\"Hafenstrasse 1\","
    "\"city\":\"Hamburg\",\"postalCode\":\"20359\",\"countryCode\":\"DE\"},"
    "\"billingAddress\":{\"fullName\":\"Ada Buyer\",\"line1\":\"Hafenstrasse 1\","
    "\"city\":\"Hamburg\",\"postalCode\":\"20359\",\"countryCode\":\"DE\"}}";

static const char *const CART_SHOWN[] = {"cart", "cart.id", "total", "quote.totalMinor", NULL};
static const char *const CHECKOUT_SHOWN[] = {
    "checkout", "id", "state", "state", "order", "orderId", "paid", "total.minorUnits", NULL};

struct purchase {
    const char *cart, *path; /* /carts/ID */
    int64_t total;
    const char *method; /* of a card, NULL: manual */
};

/* An access token lives ten minutes; a new session now and then is what people do anyway. */
static void sign_in(struct client *client)
{
    const bool is_new = *client->email == '\0';
    const char *operation = is_new ? "register" : "login";
    const char *email = is_new ? arena_printf(client->arena, "%s-%s@buyer.example", client->name,
                                              client_new_key(client))
                               : client->email;

    *client->token = '\0';
    struct request request = {
        .operation = operation,
        .method = "POST",
        .path = arena_printf(client->arena, "/account/%s", operation),
        .body =
            arena_printf(client->arena, "{\"email\":\"%s\",\"password\":\"%s\"}", email, PASSWORD),
        .facts = arena_printf(client->arena, "email=%s", email),
    };
    struct reply reply = client_insist(client, &request, STEP_TRIES);
    const char *token = reply_text(reply, "tokens.accessToken");
    if (*token == '\0')
        return;
    if (is_new)
        (void)snprintf(client->email, sizeof client->email, "%s", email);
    (void)snprintf(client->token, sizeof client->token, "%s", token);
}

static struct reply step(struct client *client, const struct purchase *purchase,
                         const char *operation, const char *method, const char *body)
{
    struct request request = {
        .operation = operation,
        .method = method,
        .path = arena_printf(client->arena, "%s/%s", purchase->path, operation),
        .body = body,
        .facts = arena_printf(client->arena, "cart=%s", purchase->cart),
    };
    return client_insist(client, &request, STEP_TRIES);
}

static bool create(struct client *client, struct purchase *purchase)
{
    const struct item item = client->shop->items[dice_roll(&client->dice, ITEMS)];
    int64_t quantity = dice_between(&client->dice, 1, 3);
    struct request request = {
        .operation = "cart",
        .method = "POST",
        .path = "/carts",
        .body = arena_printf(client->arena,
                             "{\"email\":\"%s\",\"lines\":[{\"variantId\":\"%s\",\"quantity\":\""
                             "%" PRId64 "\"}]}",
                             *client->email ? client->email : "guest@buyer.example",
                             item.variant_id, quantity),
        .facts =
            arena_printf(client->arena, "variant=%s quantity=%" PRId64, item.variant_id, quantity),
        .shown = CART_SHOWN,
    };
    struct reply reply = client_insist(client, &request, STEP_TRIES);

    purchase->cart = reply_text(reply, "cart.id");
    purchase->path = arena_printf(client->arena, "/carts/%s", purchase->cart);
    return *purchase->cart != '\0';
}

static bool look_at_total(struct client *client, struct purchase *purchase)
{
    struct request request = {
        .operation = "cart-read",
        .method = "GET",
        .path = purchase->path,
        .facts = arena_printf(client->arena, "cart=%s", purchase->cart),
        .shown = CART_SHOWN,
    };
    struct reply reply = client_insist(client, &request, STEP_TRIES);

    purchase->total = reply_int(reply, "quote.totalMinor");
    return reply.outcome == OUTCOME_OK;
}

static bool fill_in(struct client *client, struct purchase *purchase)
{
    if (*client->token != '\0' &&
        step(client, purchase, "customer", "PUT", NULL).outcome != OUTCOME_OK)
        return false;
    if (dice_chance(&client->dice, 25))
        (void)step(client, purchase, "coupons", "POST",
                   arena_printf(client->arena, "{\"couponCode\":\"%s\"}",
                                client->shop->coupons[dice_roll(&client->dice, COUPONS)]));
    if (step(client, purchase, "addresses", "PUT", ADDRESSES).outcome != OUTCOME_OK)
        return false;
    struct reply options = step(client, purchase, "shipping-options", "GET", NULL);
    const char *body = arena_printf(client->arena, "{\"shippingOptionId\":\"%s\"}",
                                    reply_text(options, "shippingOptions.0.id"));
    return options.outcome == OUTCOME_OK &&
           step(client, purchase, "shipping-option", "PUT", body).outcome == OUTCOME_OK &&
           look_at_total(client, purchase);
}

static void choose_tender(struct client *client, struct purchase *purchase)
{
    int64_t roll = dice_roll(&client->dice, 100);

    if (roll < 45)
        purchase->method = NULL;
    else if (roll < 85)
        purchase->method = "pm_card_visa";
    else if (roll < 92)
        purchase->method = "pm_card_chargeDeclined";
    else
        purchase->method = "pm_card_authenticationRequired";
}

static struct request checkout_request(struct client *client, const struct purchase *purchase)
{
    const char *tender =
        purchase->method == NULL
            ? "\"providerAccount\":\"manual\""
            : arena_printf(client->arena, "\"providerAccount\":\"stripe\",\"paymentMethod\":\"%s\"",
                           purchase->method);
    return (struct request){
        .operation = "checkout",
        .method = "POST",
        .path = "/checkouts",
        .body = arena_printf(client->arena,
                             "{\"cartId\":\"%s\",\"expectedTotal\":{\"minorUnits\":\"%" PRId64
                             "\",\"currencyCode\":\"EUR\"},\"tenders\":[{%s}]}",
                             purchase->cart, purchase->total, tender),
        .key = client_new_key(client),
        .facts = arena_printf(client->arena, "cart=%s total=%" PRId64 " method=%s", purchase->cart,
                              purchase->total, purchase->method ? purchase->method : "manual"),
        .shown = CHECKOUT_SHOWN,
    };
}

static bool is_placed(struct reply reply)
{
    return str_equal(reply_text(reply, "state"), "CHECKOUT_STATE_PLACED");
}

/* The buyer at the bank agrees, fails, or never comes back. */
static void act_at_bank(struct client *client, const char *checkout)
{
    int64_t roll = dice_roll(&client->dice, 100);

    if (roll < 80)
        client_simulate(client, "complete",
                        arena_printf(client->arena, "checkout_id=%s&outcome=%s", checkout,
                                     roll < 60 ? "succeed" : "fail"));
}

/* Follows a 202 until the checkout has ended or the shop closes. */
static struct reply wait_for_end(struct client *client, struct reply reply,
                                 const struct request *asked)
{
    const char *checkout = reply_text(reply, "id");
    struct request look = {
        .operation = "checkout-read",
        .method = "GET",
        .path = arena_printf(client->arena, "/checkouts/%s", checkout),
        .facts = arena_printf(client->arena, "of=%s checkout=%s", asked->key, checkout),
        .shown = CHECKOUT_SHOWN,
    };
    bool has_acted = false;

    for (int i = 0; i < LOOKS && !client_is_done(client); i++) {
        if (reply.outcome == OUTCOME_OK && is_placed(reply))
            return reply;
        if (reply.outcome == OUTCOME_REFUSED)
            return reply;
        if (!has_acted && str_equal(reply_text(reply, "state"), "CHECKOUT_STATE_ACTION_REQUIRED"))
            act_at_bank(client, checkout);
        has_acted |= str_equal(reply_text(reply, "state"), "CHECKOUT_STATE_ACTION_REQUIRED");
        client_pause(client, 300, 900);
        reply = client_insist(client, &look, STEP_TRIES);
    }
    return reply;
}

/* Until somebody says what became of it. */
static struct reply insist_on_checkout(struct client *client, const struct request *request)
{
    struct reply reply = client_send(client, request);

    for (int i = 1; i < CHECKOUT_TRIES && reply.outcome >= OUTCOME_UNAVAILABLE; i++) {
        if (client_is_done(client))
            return reply; // verify.c finds out
        client->gateway = (client->gateway + 1) % GATEWAYS;
        client_pause(client, 100, 1500);
        reply = client_send(client, request);
    }
    if (reply.status == 202)
        reply = wait_for_end(client, reply, request);
    return reply;
}

static void check_out(struct client *client, struct purchase *purchase)
{
    for (int i = 0; i < PRICES_SEEN && !client_is_done(client); i++) {
        struct request request = checkout_request(client, purchase);
        struct reply reply = insist_on_checkout(client, &request);
        if (reply.outcome == OUTCOME_OK && is_placed(reply)) {
            history_sold();
            orders_remember(reply_text(reply, "orderId"));
            if (dice_chance(&client->dice, 15)) // an answer that got lost on the way, say
                (void)client_insist(client, &request, STEP_TRIES);
            return;
        }
        if (!str_equal(reply.reason, "PRICE_CHANGED") || !look_at_total(client, purchase))
            return;
    }
}

static void buy(struct client *client)
{
    struct purchase purchase = {0};

    if (!create(client, &purchase) || !fill_in(client, &purchase))
        return;
    if (dice_chance(&client->dice, 10))
        return; // an abandoned cart
    choose_tender(client, &purchase);
    check_out(client, &purchase);
}

void *buyer_run(void *argument)
{
    struct client *client = argument;
    const bool has_account = str_starts_with(client->name, "customer");

    for (; !client_is_done(client); client->round++) {
        if (has_account && (client->round % 100 == 0 || *client->token == '\0'))
            sign_in(client);
        buy(client);
        client_pause(client, 50, 400);
        arena_reset(client->arena);
    }
    return NULL;
}
