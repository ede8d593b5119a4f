/* order_status_test.c - statuses follow from sums, for every combination of them. */
#include "suites.h"

/* What each status means, said another way than the function does. */
static bool is_right_payment(enum payment_status status, const struct payment_sums *s)
{
    const bool is_paid = s->captured >= s->total;

    switch (status) {
    case PAYMENT_STATUS_REFUNDED:
        return s->refunded > 0 && s->refunded >= s->captured;
    case PAYMENT_STATUS_PARTIALLY_REFUNDED:
        return s->refunded > 0 && s->refunded < s->captured;
    case PAYMENT_STATUS_PAID:
        return s->refunded == 0 && is_paid;
    case PAYMENT_STATUS_FAILED:
        return s->refunded == 0 && !is_paid && s->has_failed;
    case PAYMENT_STATUS_PARTIALLY_PAID:
        return s->refunded == 0 && !is_paid && !s->has_failed && s->captured > 0;
    case PAYMENT_STATUS_AUTHORIZED:
        return s->captured == 0 && !is_paid && !s->has_failed && s->authorized >= s->total;
    case PAYMENT_STATUS_VOIDED:
        return s->captured == 0 && s->authorized < s->total && s->has_voided;
    case PAYMENT_STATUS_PENDING:
        return s->captured == 0 && s->authorized < s->total && !s->has_voided && !s->has_failed;
    default:
        return false;
    }
}

START_TEST(payment_status_is_right_for_every_combination)
{
    static const int64_t AMOUNTS[] = {0, 5, 10};

    for (int i = 0; i < 3 * 3 * 3 * 2 * 2 * 2; i++) {
        const struct payment_sums sums = {
            .refunded = AMOUNTS[i % 3],
            .captured = AMOUNTS[i / 3 % 3],
            .authorized = AMOUNTS[i / 9 % 3],
            .has_failed = i / 27 % 2,
            .has_voided = i / 54 % 2,
            .total = i / 108 % 2 * 10,
        };
        if (sums.refunded > sums.captured || sums.captured > sums.authorized)
            continue; // the ledger does not let it come to that
        ck_assert_msg(is_right_payment(order_payment_status(&sums), &sums),
                      "status %d, total %d authorized %d captured %d refunded %d failed %d void %d",
                      (int)order_payment_status(&sums), (int)sums.total, (int)sums.authorized,
                      (int)sums.captured, (int)sums.refunded, sums.has_failed, sums.has_voided);
    }
}
END_TEST

START_TEST(fulfillment_status_is_right_for_every_combination)
{
    enum { ORDERED = 4 };

    for (int cancelled = 0; cancelled <= ORDERED; cancelled++)
        for (int shipped = 0; shipped + cancelled <= ORDERED; shipped++)
            for (int delivered = 0; delivered <= shipped; delivered++)
                for (int started = 0; started < 2; started++) {
                    const struct quantity_sums sums = {ORDERED, shipped, delivered, cancelled,
                                                       started};
                    const int wanted = ORDERED - cancelled;
                    enum fulfillment_status right = FULFILLMENT_STATUS_UNFULFILLED;
                    if (wanted == 0)
                        right = FULFILLMENT_STATUS_CANCELLED;
                    else if (delivered == wanted)
                        right = FULFILLMENT_STATUS_DELIVERED;
                    else if (shipped == wanted)
                        right = FULFILLMENT_STATUS_SHIPPED;
                    else if (shipped > 0)
                        right = FULFILLMENT_STATUS_PARTIALLY_SHIPPED;
                    else if (started)
                        right = FULFILLMENT_STATUS_IN_PROGRESS;
                    ck_assert_int_eq(order_fulfillment_status(&sums), right);
                }
}
END_TEST

START_TEST(an_order_is_complete_when_it_is_paid_and_delivered)
{
    for (int payment = PAYMENT_STATUS_PENDING; payment <= PAYMENT_STATUS_REFUNDED; payment++)
        for (int sent = FULFILLMENT_STATUS_UNFULFILLED; sent <= FULFILLMENT_STATUS_CANCELLED;
             sent++)
            ck_assert_int_eq(
                order_is_complete((enum payment_status)payment, (enum fulfillment_status)sent),
                payment == PAYMENT_STATUS_PAID && sent == FULFILLMENT_STATUS_DELIVERED);
}
END_TEST

void order_status_case(Suite *suite)
{
    TCase *statuses = tcase_create("order statuses");

    tcase_add_test(statuses, payment_status_is_right_for_every_combination);
    tcase_add_test(statuses, fulfillment_status_is_right_for_every_combination);
    tcase_add_test(statuses, an_order_is_complete_when_it_is_paid_and_delivered);
    suite_add_tcase(suite, statuses);
}
