/* signature_test.c - which webhooks are Stripe's. The signatures were made with Python's hmac. */
#include "suites.h"

#include <string.h>

static const char BODY[] = "{\"id\":\"evt_1\"}";
static const char SECRET[] = "whsec_a";

enum { SIGNED_AT = 1700000000, TOLERANCE = 300 };

#define GOOD "97ea69f91fd566038386bacf87292eb0d73a8207414ee62ed313d49996fe0639"
#define OTHER                                                                                      \
    "c0c4c9e4637bb269965a5df170a9c6c3c973e3fafe3d4bed97086daad7fdc63c" /* with another secret */

static const struct {
    const char *label, *header;
    int64_t now;
    bool is_valid;
} CASES[] = {
    {"as signed", "t=1700000000,v1=" GOOD, SIGNED_AT, true},
    {"parts in another order", "v1=" GOOD ",t=1700000000", SIGNED_AT, true},
    {"a scheme we do not know beside it", "t=1700000000,v0=abc,v1=" GOOD, SIGNED_AT, true},
    {"two secrets while one is rolled", "t=1700000000,v1=" OTHER ",v1=" GOOD, SIGNED_AT, true},
    {"just in time", "t=1700000000,v1=" GOOD, SIGNED_AT + TOLERANCE, true},
    {"too late", "t=1700000000,v1=" GOOD, SIGNED_AT + TOLERANCE + 1, false},
    {"from the future", "t=1700000000,v1=" GOOD, SIGNED_AT - TOLERANCE - 1, false},
    {"another secret", "t=1700000000,v1=" OTHER, SIGNED_AT, false},
    {"another time", "t=1700000001,v1=" GOOD, SIGNED_AT, false},
    {"another scheme only", "t=1700000000,v0=" GOOD, SIGNED_AT, false},
    {"cut short", "t=1700000000,v1=abcd", SIGNED_AT, false},
    {"not hexadecimal", "t=1700000000,v1=zz" GOOD, SIGNED_AT, false},
    {"no time", "v1=" GOOD, SIGNED_AT, false},
    {"a time that is no number", "t=17e8,v1=" GOOD, SIGNED_AT, false},
    {"a time that is too long", "t=1700000000000000,v1=" GOOD, SIGNED_AT, false},
    {"nothing", "", SIGNED_AT, false},
    {"commas", ",,,", SIGNED_AT, false},
    {"a longer time in front", "t=170000000099,t=1700000000,v1=" GOOD, SIGNED_AT, true},
};

START_TEST(a_signature_is_judged_by_secret_body_and_time)
{
    ck_assert_msg(stripe_signature_is_valid(CASES[_i].header, BODY, strlen(BODY), SECRET,
                                            CASES[_i].now, TOLERANCE) == CASES[_i].is_valid,
                  "%s", CASES[_i].label);
}
END_TEST

START_TEST(a_changed_body_is_refused)
{
    char body[sizeof BODY];

    for (size_t i = 0; i < strlen(BODY); i++) {
        memcpy(body, BODY, sizeof BODY);
        body[i] ^= 1;
        ck_assert(!stripe_signature_is_valid("t=1700000000,v1=" GOOD, body, strlen(BODY), SECRET,
                                             SIGNED_AT, TOLERANCE));
    }
}
END_TEST

START_TEST(without_a_secret_nothing_is_valid)
{
    ck_assert(!stripe_signature_is_valid("t=1700000000,v1=" GOOD, BODY, strlen(BODY), "", SIGNED_AT,
                                         TOLERANCE));
}
END_TEST

void signature_case(Suite *suite)
{
    TCase *signatures = tcase_create("signatures");

    tcase_add_loop_test(signatures, a_signature_is_judged_by_secret_body_and_time, 0,
                        ARRAY_LEN(CASES));
    tcase_add_test(signatures, a_changed_body_is_refused);
    tcase_add_test(signatures, without_a_secret_nothing_is_valid);
    suite_add_tcase(suite, signatures);
}
