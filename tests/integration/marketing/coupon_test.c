/* coupon_test.c - codes are unique whatever their case, and limits never fall below their use. */
#include "suites.h"

#include "example.h"
#include "marketing/v1/events.schema.h"

static struct status getting(const char *id, const char *code, Marketing__V1__Coupon **ret_coupon)
{
    Marketing__V1__GetCouponRequest req = MARKETING__V1__GET_COUPON_REQUEST__INIT;
    Marketing__V1__GetCouponResponse rep = MARKETING__V1__GET_COUPON_RESPONSE__INIT;
    req.id = id;
    req.code = code;
    struct status status = marketing_get_coupon(world_ctx(marketing), &req, &rep);
    *ret_coupon = rep.coupon;
    return status;
}

static struct status updating(Marketing__V1__Coupon *coupon, int64_t expected_version)
{
    Marketing__V1__UpdateCouponRequest req = MARKETING__V1__UPDATE_COUPON_REQUEST__INIT;
    Marketing__V1__UpdateCouponResponse rep = MARKETING__V1__UPDATE_COUPON_RESPONSE__INIT;
    req.coupon = coupon;
    req.expected_version = expected_version;
    return marketing_update_coupon(world_ctx(marketing), &req, &rep);
}

START_TEST(a_coupon_is_found_by_id_and_by_code)
{
    given_marketing();
    Marketing__V1__Coupon *found;
    const char *id = given_coupon("Sun-10", (struct limits){5, 1});

    then_ok(getting(id, "", &found));
    ck_assert_str_eq(found->code, "Sun-10");
    then_ok(getting("", " sun-10 ", &found));
    ck_assert_str_eq(found->id, id);
    then_reason(getting("", "moon", &found), STATUS_NOT_FOUND, "COUPON_NOT_FOUND");
    then_reason(getting(id, "sun-10", &found), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_published_as_example("marketing", &marketing__v1__coupon_changed__schema);
}
END_TEST

START_TEST(a_code_is_taken_whatever_its_case)
{
    given_marketing();
    Marketing__V1__Coupon *made;
    given_coupon("SUN", (struct limits){0, 0});
    then_reason(
        creating_coupon("sun", given_promotion("other", true), (struct limits){0, 0}, &made),
        STATUS_ALREADY_EXISTS, "COUPON_CODE_TAKEN");
}
END_TEST

START_TEST(a_coupon_of_no_promotion_is_refused)
{
    given_marketing();
    Marketing__V1__Coupon *made;
    const char *nobody = uuid_text(world_ctx(marketing)->arena, uuid_v7());
    then_reason(creating_coupon("SUN", nobody, (struct limits){0, 0}, &made), STATUS_NOT_FOUND,
                "PROMOTION_NOT_FOUND");
}
END_TEST

START_TEST(a_limit_does_not_fall_below_what_is_used)
{
    given_marketing();
    Marketing__V1__Coupon *coupon;
    const char *id = given_coupon("SUN", (struct limits){5, 0});
    then_ok(holding(uuid_v7(), "SUN", "anna"));
    then_ok(holding(uuid_v7(), "SUN", "ben"));
    then_ok(getting(id, "", &coupon));

    coupon->usage_limit = 1;
    then_reason(updating(coupon, 0), STATUS_FAILED_PRECONDITION, "COUPON_LIMIT_TOO_LOW");
    coupon->usage_limit = 2;
    then_reason(updating(coupon, 1), STATUS_ABORTED, "VERSION_CONFLICT"); // holds counted on
    then_ok(updating(coupon, coupon->version));
    then_reason(holding(uuid_v7(), "SUN", "cleo"), STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE");
}
END_TEST

START_TEST(coupons_of_a_promotion_are_listed)
{
    given_marketing();
    Marketing__V1__Coupon *made;
    const char *first = given_promotion("first", true);
    given_coupon("OTHER", (struct limits){0, 0});
    then_ok(creating_coupon("A", first, (struct limits){0, 0}, &made));
    then_ok(creating_coupon("B", first, (struct limits){0, 0}, &made));
    Marketing__V1__ListCouponsRequest req = MARKETING__V1__LIST_COUPONS_REQUEST__INIT;
    Marketing__V1__ListCouponsResponse rep = MARKETING__V1__LIST_COUPONS_RESPONSE__INIT;
    req.promotion_id = first;

    then_ok(marketing_list_coupons(world_ctx(marketing), &req, &rep));

    ck_assert_int_eq((int)rep.n_coupons, 2);
}
END_TEST

void coupon_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "coupons");

    tcase_add_test(tcase, a_coupon_is_found_by_id_and_by_code);
    tcase_add_test(tcase, a_code_is_taken_whatever_its_case);
    tcase_add_test(tcase, a_coupon_of_no_promotion_is_refused);
    tcase_add_test(tcase, a_limit_does_not_fall_below_what_is_used);
    tcase_add_test(tcase, coupons_of_a_promotion_are_listed);
}
