/* runs_test.c - who else drives a cart's checkout in this process. */
#include "suites.h"

#include "checkout/runs.h"

START_TEST(a_run_is_alone_until_another_of_its_cart_or_checkout_begins)
{
    struct checkout_runs *runs = checkout_runs_create(begin_ctx()->arena);
    struct checkout_run first, second, other, third;

    ck_assert(checkout_run_enter(runs, &first, "cart-1", NULL));
    ck_assert(!checkout_run_enter(runs, &second, "cart-1", NULL));
    ck_assert(checkout_run_enter(runs, &other, "cart-2", NULL));
    checkout_run_name(&first, "cart-1", "checkout-1");
    checkout_run_leave(&second);
    ck_assert(!checkout_run_enter(runs, &third, NULL, "checkout-1")); // a webhook's
    checkout_run_leave(&third);
    checkout_run_leave(&first);
    checkout_run_leave(&first); // cleaning up twice is cleaning up
    ck_assert(checkout_run_enter(runs, &third, NULL, "checkout-1"));
    ck_assert(!checkout_run_enter(runs, &first, "cart-2", NULL));
    checkout_runs_destroy(runs);
    end_ctx();
}
END_TEST

TCase *runs_case(void)
{
    TCase *runs = tcase_create("runs");

    tcase_add_test(runs, a_run_is_alone_until_another_of_its_cart_or_checkout_begins);
    return runs;
}
