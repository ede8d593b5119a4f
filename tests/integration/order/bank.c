/* bank.c - see bank.h. */
#include "bank.h"

#include "chassis/http_client.h"
#include "common/json.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_TRIES = 400, TRY_PAUSE_US = 5000 };

static int bank_port;

static int free_port(void);
static bool is_up(void);
static const char *call(const struct sale *sale, const char *method, const char *path,
                        const char *form);

void given_bank(void)
{
    char listen[64], url[64];

    bank_port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", bank_port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", bank_port);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("STRIPE_SIMULATOR_LISTEN", listen, 1);
        setenv("STRIPE_SIMULATOR_THREADS", "16", 1);
        setenv("LOG_LEVEL", "error", 1);
        execl(STRIPE_SIMULATOR, "stripe-simulator", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < START_TRIES && !is_up(); i++)
        usleep(TRY_PAUSE_US);
    world_setenv("ORDER_STRIPE_URL", url);
    world_setenv("ORDER_STRIPE_SECRET", "sk_test_bank");
    world_setenv("ORDER_STRIPE_WEBHOOK_SECRET", "whsec_simulator");
    world_setenv("ORDER_STRIPE_TIMEOUT", "250ms");
}

void bank_script(const struct sale *sale, const char *operation, const char *behaviour, int count)
{
    char form[200];

    snprintf(form, sizeof form, "operation=%s&behaviour=%s&count=%d&delay_ms=400", operation,
             behaviour, count);
    ck_assert_ptr_nonnull(call(sale, "POST", "/control/script", form));
}

void bank_complete(const struct sale *sale, const char *outcome)
{
    struct ctx *ctx = world_ctx(sale->daemon);

    ck_assert_ptr_nonnull(call(sale, "POST", "/control/complete",
                               arena_printf(ctx->arena, "payment_id=%s&outcome=%s",
                                            uuid_text(ctx->arena, payment_of(sale)), outcome)));
}

void bank_refund(const struct sale *sale, int64_t amount)
{
    struct ctx *ctx = world_ctx(sale->daemon);

    ck_assert_ptr_nonnull(call(sale, "POST", "/control/refund",
                               arena_printf(ctx->arena, "payment_id=%s&amount=%" PRId64,
                                            uuid_text(ctx->arena, payment_of(sale)), amount)));
}

struct bank_book bank_book(const struct sale *sale)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    const char *payment_id = uuid_text(ctx->arena, payment_of(sale));
    const char *text = call(sale, "GET", "/control/book", NULL);
    const struct json_node *root;
    struct bank_book book = {0};

    then_ok(json_parse(ctx->arena, text, strlen(text), &root));
    for (const struct json_node *node = json_member(root, "intents")->child; node != NULL;
         node = node->next) {
        int64_t held, captured, refunded;
        if (!str_equal(json_text(json_member(node, "payment_id")), payment_id))
            continue;
        ck_assert(json_to_int64(json_member(node, "held"), &held));
        ck_assert(json_to_int64(json_member(node, "captured"), &captured));
        ck_assert(json_to_int64(json_member(node, "refunded"), &refunded));
        book.intents++;
        book.held += held;
        book.captured += captured;
        book.refunded += refunded;
    }
    return book;
}

struct status bank_webhook(const struct sale *sale, const char *type, bool spoil,
                           const char **ret_checkout_id)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    Order__V1__ReceiveWebhookRequest req = ORDER__V1__RECEIVE_WEBHOOK_REQUEST__INIT;
    Order__V1__ReceiveWebhookResponse reply = ORDER__V1__RECEIVE_WEBHOOK_RESPONSE__INIT;
    const char *text = call(sale, "GET", "/control/webhooks", NULL);
    const struct json_node *root, *found = NULL;

    then_ok(json_parse(ctx->arena, text, strlen(text), &root));
    for (const struct json_node *node = root->child; node != NULL; node = node->next)
        if (str_equal(json_text(json_member(node, "type")), type))
            found = node;
    ck_assert_msg(found != NULL, "the bank sent no %s", type);
    char *body = arena_strdup(ctx->arena, json_text(json_member(found, "body")));
    if (spoil)
        body[strlen(body) / 2] ^= 1;
    req.provider_account = "stripe";
    req.signature = json_text(json_member(found, "signature"));
    req.body.data = (uint8_t *)body;
    req.body.len = strlen(body);
    TRY(order_receive_webhook(ctx, &req, &reply));
    if (ret_checkout_id != NULL)
        *ret_checkout_id = reply.checkout_id;
    return status_ok();
}

void then_bank(const struct sale *sale, int64_t intents, int64_t held, int64_t captured,
               int64_t refunded)
{
    const struct bank_book book = bank_book(sale);

    ck_assert_int_eq(book.intents, intents);
    ck_assert_int_eq(book.held, held);
    ck_assert_int_eq(book.captured, captured);
    ck_assert_int_eq(book.refunded, refunded);
}

static const char *call(const struct sale *sale, const char *method, const char *path,
                        const char *form)
{
    struct ctx *ctx = world_ctx(sale->daemon);
    const struct http_header type = {"Content-Type", "application/x-www-form-urlencoded"};
    struct http_answer answer = {0};
    const struct http_call request = {
        .method = method,
        .url = arena_printf(ctx->arena, "http://127.0.0.1:%d%s", bank_port, path),
        .headers = &type,
        .header_count = 1,
        .body = str_or_empty(form),
        .body_length = strlen(str_or_empty(form)),
        .timeout_ms = 5000,
        .allow_private = true,
    };

    then_ok(http_fetch(ctx, &request, &answer));
    return answer.status == 200 ? answer.body : NULL;
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool is_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bank_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return is_connected;
}

struct sale given_card(const char *payment_method)
{
    given_bank();
    struct sale sale = given_sale(given_order_daemon(), "stripe");

    sale.payment_method = payment_method;
    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_price(&sale));
    then_ok(sale_reserve(&sale));
    return sale;
}

void then_authorizing(struct sale *sale, enum checkout_state wanted)
{
    Order__V1__AuthorizeTendersResponse reply;

    then_ok(sale_authorize(sale, &reply));
    ck_assert_int_eq((int)reply.checkout->state, (int)wanted);
}

/* Tasks wait for seconds between attempts; a test does not. */
void until_payment_status(const struct sale *sale, enum payment_status wanted)
{
    world_until((int64_t)wanted,
                "WITH hurry AS (UPDATE orders.task SET due_at = now() WHERE lease_until IS NULL"
                " AND due_at > now()) SELECT payment_status FROM orders.orders WHERE id = '%s'",
                sale->checkout_id);
}

void when_cancelled(const struct sale *sale)
{
    Order__V1__CancelOrderRequest req = ORDER__V1__CANCEL_ORDER_REQUEST__INIT;
    Order__V1__CancelOrderResponse reply = ORDER__V1__CANCEL_ORDER_RESPONSE__INIT;

    req.order_id = sale->checkout_id;
    req.reason = "late";
    then_ok(order_cancel_order(world_ctx(sale->daemon), &req, &reply));
}
