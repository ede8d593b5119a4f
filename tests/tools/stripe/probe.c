/* probe.c - our Stripe adapter, driven from a shell: stripe_test.
 *
 *   stripe-probe requests URL         every request that the adapter can make, once
 *   stripe-probe verify SECRET FILE   reads the signature header from stdin; exit status 0 when it
 * is valid for the file's bytes */
#include "payment_provider.h"

#include "chassis/service.h"
#include "common/clock.h"
#include "common/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, TIMEOUT_MS = 10000, TOLERANCE_S = 300 };

static const struct service PROBE = {.name = "stripe-probe", .doc = "drives the Stripe adapter"};

static int make_requests(const char *url);
static int verify(const char *secret, const char *path);

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "requests") == 0)
        return make_requests(argv[2]);
    if (argc == 4 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2], argv[3]);
    return 64;
}

static int make_requests(const char *url)
{
    struct stripe_provider stripe = stripe_provider_of((struct stripe_settings){
        .url = url, .secret = "sk_test_123", .timeout_ms = TIMEOUT_MS, .settle_ms = 0});
    const struct payment_provider_ops *ops = stripe.base.ops;
    struct payment_order order = {
        .payment_id = uuid_v7(),
        .checkout_id = uuid_v7(),
        .account = "stripe",
        .currency_code = "EUR",
        .payment_method = "pm_card_visa",
        .return_url = "https://shop.example/checkout/back?x=1&y=2",
        .amount_minor = 1299,
    };
    payment_operation *const operations[] = {ops->authorize, ops->capture, ops->cancel, ops->refund,
                                             ops->query};
    struct daemon *daemon;
    struct ctx ctx = {0};
    int port;

    if (service_start(&PROBE, &daemon, &port).code != STATUS_OK)
        return EXIT_FAILURE;
    ctx_init(&ctx, daemon, "probe", TIMEOUT_MS);
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        struct payment_answer answer = {0};
        order.key = uuid_text(ctx.arena, uuid_v7());
        order.authorization_key = order.key;
        order.reference = i == 0 ? NULL : "pi_123456789";
        operations[i](&stripe.base, &ctx, &order, &answer);
        printf("operation %zu: outcome %d %s\n", i, (int)answer.outcome,
               str_or_empty(answer.failure_reason));
        if (i == 0) { // again without a page to return to, and as a retry, which searches first
            order.return_url = "";
            ops->authorize(&stripe.base, &ctx, &order, &answer);
            order.is_retry = true;
            ops->authorize(&stripe.base, &ctx, &order, &answer);
        }
    }
    ctx_finish(&ctx);
    service_stop(daemon);
    return EXIT_SUCCESS;
}

static int verify(const char *secret, const char *path)
{
    struct arena *arena = arena_create(FILE_MAX * 2);
    char *body = arena_alloc(arena, FILE_MAX);
    char header[1024] = "";
    FILE *file = fopen(path, "re");

    if (file == NULL || fgets(header, sizeof header, stdin) == NULL)
        return 66;
    header[strcspn(header, "\n")] = '\0';
    const size_t length = fread(body, 1, FILE_MAX, file);
    fclose(file);
    const bool is_valid = stripe_signature_is_valid(header, body, length, secret,
                                                    clock_now_us() / 1000000, TOLERANCE_S);
    arena_destroy(arena);
    return is_valid ? EXIT_SUCCESS : EXIT_FAILURE;
}
