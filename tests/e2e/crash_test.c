/* crash_test.c - daemons die while the shop sells: nothing is lost, nothing is sold twice. */
#include "given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SALES = 20 };

/* Kills and starts the daemon again, in a process of its own, while the caller sells. */
static pid_t start_killing(const char *instance)
{
    pid_t pid = fork();
    if (pid == 0) {
        shop_script(arena_printf(arena, "restart --kill %s", instance));
        _exit(0);
    }
    return pid;
}

/* Sells until the order is placed: any failure on the way is retried with the same key. */
static struct answer persistently_bought(const char *cart, int64_t total)
{
    const char *key = new_key();
    struct answer answer = {0};
    for (int attempt = 0; attempt < 100; attempt++) {
        answer = when_buying(cart, total, key);
        if (answer.status == 201)
            return answer;
        ck_assert_msg(answer.status == 0 || answer.status == 202 || answer.status >= 429,
                      "a sale was refused: %ld %s", answer.status, answer.text);
        usleep(200 * 1000);
    }
    ck_abort_msg("a sale did not end within 20 s: %ld %s", answer.status, answer.text);
    return answer;
}

static void sell_while_killing(const char *instance)
{
    struct item item = given_item(1500, SALES);
    const char *carts[SALES];
    const char *orders[SALES];
    for (int i = 0; i < SALES; i++)
        carts[i] = given_cart(item, 1);
    int64_t total = total_of(carts[0]); // all alike

    pid_t killer = start_killing(instance);
    for (int i = 0; i < SALES; i++)
        orders[i] = text_at(persistently_bought(carts[i], total), "orderId");
    int state = 0;
    waitpid(killer, &state, 0);

    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "%s was not restarted", instance);
    for (int i = 0; i < SALES; i++)
        until(arena_printf(arena, "/orders/%s", orders[i]), "paymentStatus", "PAYMENT_STATUS_PAID");
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", NULL);
    then_ledger_agrees();
}

static const char *const VICTIMS[] = {"order", "inventory", "cart", "outbox-relay"};

START_TEST(sales_survive_the_death_of_a_daemon)
{
    sell_while_killing(VICTIMS[_i]);
}
END_TEST

START_TEST(sales_survive_the_death_of_a_replica)
{
    sell_while_killing("gateway-2");
}
END_TEST

START_TEST(events_of_a_sale_arrive_after_the_relay_was_killed)
{
    const char *cart = given_cart(given_item(1500, 5), 1);
    struct answer checkout = bought(cart);

    shop_script("restart --kill outbox-relay");

    then_events(text_at(checkout, "id"),
                (const char *const[]){"order.v1.OrderPlaced", "order.v1.PaymentCaptured", NULL});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crash");
    TCase *crash = shop_case(suite, "crash");
    tcase_add_loop_test(crash, sales_survive_the_death_of_a_daemon, 0, ARRAY_LEN(VICTIMS));
    if (shop_replicas() > 1)
        tcase_add_test(crash, sales_survive_the_death_of_a_replica);
    tcase_add_test(crash, events_of_a_sale_arrive_after_the_relay_was_killed);
    return shop_run(suite);
}
