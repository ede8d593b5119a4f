/* flows.c - the flows that tests/load/run measures. */
#include "flow.h"

#include <stdio.h>
#include <string.h>

#define STORE "/store/v1"
#define BUYER                                                                                      \
    "{\"fullName\":\"Ada Buyer\",\"line1\":\"Hafenstrasse 1\",\"city\":\"Hamburg\","               \
    "\"postalCode\":\"20359\",\"countryCode\":\"DE\"}"
#define ADDRESSES "{\"shippingAddress\":" BUYER ",\"billingAddress\":" BUYER "}"
#define LINES "{\"lines\":[{\"variantId\":\"{variant}\",\"quantity\":\"1\"}]}"
#define PURCHASE                                                                                   \
    "{\"cartId\":\"{cart}\",\"expectedTotal\":{\"minorUnits\":\"{total}\",\"currencyCode\":"       \
    "\"EUR\"},\"tenders\":[{\"providerAccount\":\"manual\"}]}"
#define PLACED "\"state\":\"CHECKOUT_STATE_PLACED\""

static const struct request LIST[] = {
    {.name = "list",
     .method = "GET",
     .path = STORE "/products?page_size=20&page_token={page}",
     .takes = {{"price", "products.0.price.gross.minorUnits"}}},
    {0},
};

static const struct request DETAIL[] = {
    {.name = "detail",
     .method = "GET",
     .path = STORE "/products/{slug}",
     .takes = {{"available", "product.variants.0.available"}}},
    {0},
};

static const struct request ADD_A_LINE[] = {
    {.name = "create cart",
     .method = "POST",
     .path = STORE "/carts",
     .body = "{}",
     .takes = {{"cart", "cart.id"}}},
    {.name = "add a line",
     .method = "POST",
     .path = STORE "/carts/{cart}/lines",
     .body = LINES,
     .takes = {{"total", "quote.totalMinor"}}},
    {0},
};

static const struct request CHECKOUT[] = {
    {.name = "create cart",
     .method = "POST",
     .path = STORE "/carts",
     .body = "{\"email\":\"buyer-{unique}@buyer.example\"}",
     .takes = {{"cart", "cart.id"}}},
    {.name = "add line 1", .method = "POST", .path = STORE "/carts/{cart}/lines", .body = LINES},
    {.name = "add line 2",
     .method = "POST",
     .path = STORE "/carts/{cart}/lines",
     .body = "{\"lines\":[{\"variantId\":\"{variant_2}\",\"quantity\":\"2\"}]}"},
    {.name = "address",
     .method = "PUT",
     .path = STORE "/carts/{cart}/addresses",
     .body = ADDRESSES},
    {.name = "shipping options",
     .method = "GET",
     .path = STORE "/carts/{cart}/shipping-options",
     .takes = {{"shipping", "shippingOptions.0.id"}}},
    {.name = "shipping",
     .method = "PUT",
     .path = STORE "/carts/{cart}/shipping-option",
     .body = "{\"shippingOptionId\":\"{shipping}\"}",
     .takes = {{"total", "quote.totalMinor"}}},
    {.name = "pay, complete",
     .method = "POST",
     .path = STORE "/checkouts",
     .header = "Idempotency-Key: {unique}\r\n",
     .body = PURCHASE,
     .takes = {{"checkout", "id"}, {"order", "orderId"}}},
    {.name = "wait",
     .method = "GET",
     .path = STORE "/checkouts/{checkout}",
     .takes = {{"order", "orderId"}},
     .follows_accepted = true,
     .done = PLACED},
    {.name = "read order",
     .method = "GET",
     .path = STORE "/orders/{order}",
     .takes = {{"number", "number"}}},
    {0},
};

static const struct request PREPARE[] = {
    {.name = "create cart",
     .method = "POST",
     .path = STORE "/carts",
     .body = "{\"email\":\"buyer-{unique}@buyer.example\",\"lines\":[{\"variantId\":\"{variant}\","
             "\"quantity\":\"1\"}]}",
     .takes = {{"cart", "cart.id"}}},
    {.name = "address",
     .method = "PUT",
     .path = STORE "/carts/{cart}/addresses",
     .body = ADDRESSES},
    {.name = "shipping options",
     .method = "GET",
     .path = STORE "/carts/{cart}/shipping-options",
     .takes = {{"shipping", "shippingOptions.0.id"}}},
    {.name = "shipping",
     .method = "PUT",
     .path = STORE "/carts/{cart}/shipping-option",
     .body = "{\"shippingOptionId\":\"{shipping}\"}",
     .takes = {{"total", "quote.totalMinor"}}},
    {0},
};

static const struct request COMPLETE[] = {
    {.name = "pay, complete",
     .method = "POST",
     .path = STORE "/checkouts",
     .header = "Idempotency-Key: {unique}\r\n",
     .body = PURCHASE,
     .takes = {{"checkout", "id"}},
     .may_be_refused = true},
    {.name = "wait",
     .method = "GET",
     .path = STORE "/checkouts/{checkout}",
     .follows_accepted = true,
     .done = PLACED},
    {0},
};

static const struct request BYTES[] = {
    {.name = "bytes", .method = "GET", .path = "/bytes"},
    {0},
};

static const struct flow FLOWS[] = {
    {"list", "a page of 20 products with price and stock", LIST, NULL},
    {"detail", "one product with prices and stock of its variants", DETAIL, NULL},
    {"line", "create a cart, add a line; the totals are in the answer", ADD_A_LINE, NULL},
    {"checkout", "from an empty cart to the order that is read back", CHECKOUT, NULL},
    {"buy", "the same up to the answer that the order is placed", CHECKOUT, "read order"},
    {"prepare", "a cart with one line that is ready to be bought", PREPARE, NULL},
    {"complete", "buy a prepared cart", COMPLETE, NULL},
    {"bytes", "what web_floor answers", BYTES, NULL},
};

const struct flow *flow_find(const char *name)
{
    for (size_t i = 0; i < sizeof FLOWS / sizeof FLOWS[0]; i++)
        if (strcmp(FLOWS[i].name, name) == 0)
            return &FLOWS[i];
    return NULL;
}

void flows_print(void)
{
    for (size_t i = 0; i < sizeof FLOWS / sizeof FLOWS[0]; i++)
        fprintf(stderr, "  %-10s %s\n", FLOWS[i].name, FLOWS[i].doc);
}
