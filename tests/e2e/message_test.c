/* message_test.c - what the shop says without being asked: mails to buyers, alerts to its owner,
 * webhooks to who orders new stock. tests/e2e/settings makes carts lonely after seconds. */
#include "given.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WEBHOOK_WAIT_MS = 20000, REQUEST_MAX = 64 * 1024 };

START_TEST(the_buyer_is_told_about_the_order_by_mail)
{
    const char *email = new_email();

    struct answer checkout = bought(given_cart_of(email, given_item(1900, 5), 1));

    struct answer mails = mail_until(email, text_at(checkout, "orderNumber"));
    ck_assert_msg(node_at(mails, "1") == NULL, "more than one mail: %s", mails.text);
}
END_TEST

START_TEST(who_leaves_a_cart_behind_is_reminded_once)
{
    const char *email = new_email();
    const char *cart = given_cart_of(email, given_item(1900, 5), 1);

    struct answer mails = mail_until(email, "Subject: ");

    ck_assert_msg(node_at(mails, "1") == NULL, "more than one mail: %s", mails.text);
    struct answer log = admin_until(arena_printf(arena, "/deliveries?subject_id=%s", cart),
                                    "deliveries.0.state", "DELIVERY_STATE_SENT");
    ck_assert_str_eq(text_at(log, "deliveries.0.kind"), "cart_recovery");
    bought(cart); // and can still buy it
}
END_TEST

/* --- low stock ------------------------------------------------------------------------------ */

static int listen_for_webhooks(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(shop_setting("TORG_SHOP_WEBHOOKS_PORT"), NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_msg(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0,
                  "nobody can listen on the port of webhooks");
    return fd;
}

static bool is_whole(const char *request, size_t length)
{
    const char *end = strstr(request, "\r\n\r\n"),
               *announced = strcasestr(request, "content-length:");
    if (end == NULL || announced == NULL)
        return false;
    size_t body = strtoul(announced + strlen("content-length:"), NULL, 10);
    return length >= (size_t)(end - request) + 4 + body;
}

static const char *receive_webhook(int listener)
{
    static const char ANSWER[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    char *request = arena_alloc(arena, REQUEST_MAX);
    size_t length = 0;
    int fd = accept(listener, NULL, NULL);

    request[0] = '\0';
    while (!is_whole(request, length)) {
        ssize_t count = recv(fd, request + length, REQUEST_MAX - 1 - length, 0);
        if (count <= 0)
            break;
        length += (size_t)count;
        request[length] = '\0';
    }
    (void)!write(fd, ANSWER, sizeof ANSWER - 1);
    close(fd);
    return request;
}

static const char *webhook_about(int listener, const char *phrase)
{
    int64_t deadline_us = clock_monotonic_us() + WEBHOOK_WAIT_MS * INT64_C(1000);
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    while (clock_monotonic_us() < deadline_us) {
        if (poll(&waiting, 1, 100) <= 0)
            continue;
        const char *request = receive_webhook(listener);
        if (strstr(request, phrase) != NULL)
            return request;
    }
    ck_abort_msg("no webhook about %s within %d s", phrase, WEBHOOK_WAIT_MS / 1000);
    return NULL;
}

/* The stock item behind the only variant; its owner wants to hear when two or less are left. */
static const char *given_threshold(struct item item)
{
    struct answer mapped = expect(
        admin("GET", arena_printf(arena, "/variants/%s/stock-items", item.variant_id), NULL), 200);
    const char *stock_item = text_at(mapped, "components.0.stockItemId");
    expect(admin("PUT",
                 arena_printf(arena, "/stock-levels/%s/%s/policy",
                              id_by_code("/warehouses", "warehouses", "hamburg"), stock_item),
                 "{\"lowThreshold\":\"2\"}"),
           200);
    return stock_item;
}

START_TEST(low_stock_is_mailed_to_the_owner_and_posted_to_who_reorders)
{
    int listener = listen_for_webhooks();
    struct item item = given_item(1900, 5);
    const char *stock_item = given_threshold(item);

    bought(given_cart(item, 3));

    const char *webhook = webhook_about(listener, stock_item);
    ck_assert_ptr_nonnull(strstr(webhook, "POST /reorder "));
    ck_assert_ptr_nonnull(strcasestr(webhook, "torg-signature: t="));
    ck_assert_ptr_nonnull(strstr(webhook, "inventory.v1.StockLow"));
    admin_until(
        arena_printf(arena, "/deliveries?subject_id=%s&state=DELIVERY_STATE_SENT", stock_item),
        "deliveries.1.state", "DELIVERY_STATE_SENT");
    mail_until("stock@torg.example", stock_item);
    bought(given_cart(item, 1)); // below the threshold already: not said again
    struct answer log = expect(
        admin("GET", arena_printf(arena, "/deliveries?subject_id=%s", stock_item), NULL), 200);
    ck_assert_msg(node_at(log, "deliveries.2") == NULL, "said again: %s", log.text);
    close(listener);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message");
    TCase *message = shop_case(suite, "message");
    tcase_add_test(message, the_buyer_is_told_about_the_order_by_mail);
    tcase_add_test(message, who_leaves_a_cart_behind_is_reminded_once);
    tcase_add_test(message, low_stock_is_mailed_to_the_owner_and_posted_to_who_reorders);
    return shop_run(suite);
}
