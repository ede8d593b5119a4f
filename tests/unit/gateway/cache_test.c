/* cache_test.c - what a cache may still answer, and what an event has ended. */
#include "suites.h"

#include "chassis/cache.h"
#include "common/clock.h"
#include "common/v1/money.pb-c.h"

#include <string.h>

enum { BYTES = 1024 * 1024, TTL_MS = 60000, TAG = 's' };

static const struct cache_tag MUG = {TAG, "mug"}, TEE = {TAG, "tee"};

static struct cache *cache;
static struct ctx *ctx;

static void begin(void)
{
    ctx = begin_ctx();
    cache = cache_create(ctx, BYTES, TTL_MS);
}

static void end(void)
{
    cache_destroy(cache);
    end_ctx();
}

static bool knows(const char *key, const struct cache_tag *tag, struct cache_trail *trail)
{
    const struct cache_question question = {key, tag, 1, trail};
    struct db_bytes value;
    return cache_get(ctx, cache, &question, &value);
}

static void given(const char *key, struct cache_trail *trail)
{
    cache_put(cache, key, (struct db_bytes){"12", 2},
              (struct cache_moments){.asked_at_us = cache_now_us(), .trail = trail});
}

static bool is_kept(const char *key)
{
    struct db_bytes value = {0};
    return cache_get_whole(ctx, cache, key, &value) && value.length == 4 &&
           memcmp(value.data, "page", 4) == 0;
}

static void when_made_of_both(const char *key)
{
    struct cache_trail *trail = cache_trail_begin(ctx);
    (void)knows("stock:mug", &MUG, trail);
    (void)knows("stock:tee", &TEE, trail);
    cache_put_whole(cache, key, (struct db_bytes){"page", 4}, trail);
}

static void wait_for_another_moment(void)
{
    for (int64_t now_us = cache_now_us(); cache_now_us() <= now_us + 1;)
        ;
}

START_TEST(a_mark_ends_what_was_asked_before_it)
{
    given("stock:mug", NULL);
    ck_assert(knows("stock:mug", &MUG, NULL));
    cache_mark(cache, MUG);
    ck_assert(!knows("stock:mug", &MUG, NULL));
}
END_TEST

START_TEST(an_answer_ends_with_any_of_its_parts)
{
    given("stock:mug", NULL);
    given("stock:tee", NULL);
    when_made_of_both("list");
    ck_assert(is_kept("list"));
    cache_mark(cache, (struct cache_tag){TAG, "hat"});
    ck_assert(is_kept("list"));
    cache_mark(cache, TEE);
    ck_assert(!is_kept("list"));
}
END_TEST

START_TEST(a_mark_before_an_answer_was_begun_does_not_end_it)
{
    cache_mark(cache, MUG);
    wait_for_another_moment();
    given("stock:mug", NULL);
    when_made_of_both("list");
    ck_assert(is_kept("list"));
}
END_TEST

START_TEST(a_mark_while_an_answer_is_made_ends_it)
{
    struct cache_trail *trail = cache_trail_begin(ctx);
    given("stock:mug", trail);
    (void)knows("stock:mug", &MUG, trail);
    cache_mark(cache, MUG);
    cache_put_whole(cache, "page", (struct db_bytes){"page", 4}, trail);
    ck_assert(!is_kept("page"));
}
END_TEST

START_TEST(a_part_that_was_missing_counts_too)
{
    when_made_of_both("list"); /* both are asked of a daemon */
    ck_assert(is_kept("list"));
    cache_mark(cache, MUG);
    ck_assert(!is_kept("list"));
}
END_TEST

START_TEST(an_answer_is_not_valid_for_longer_than_its_parts)
{
    struct cache_trail *trail = cache_trail_begin(ctx);
    cache_put(cache, "price:mug", (struct db_bytes){"12", 2},
              (struct cache_moments){cache_now_us(), clock_now_us() - 1, trail});
    cache_put_whole(cache, "list", (struct db_bytes){"page", 4}, trail);
    ck_assert(!is_kept("list"));
}
END_TEST

START_TEST(an_answer_of_too_many_parts_is_not_kept)
{
    struct cache_trail *trail = cache_trail_begin(ctx);
    for (int i = 0; i <= CACHE_TRAIL_MAX; i++)
        cache_trail_add(trail, MUG);
    cache_put_whole(cache, "list", (struct db_bytes){"page", 4}, trail);
    ck_assert(!is_kept("list"));
}
END_TEST

START_TEST(a_message_is_kept_as_it_was_and_bytes_that_are_none_are_not_taken_for_one)
{
    const ProtobufCMessageDescriptor *descriptor = &common__v1__money__descriptor;
    const struct cache_question question = {"money", &MUG, 1, NULL}, bytes = {"mug", &MUG, 1, NULL};
    Common__V1__Money money = COMMON__V1__MONEY__INIT;

    money.minor_units = 1990;
    money.currency_code = "EUR";
    cache_put_message(ctx, cache, "money", &money.base,
                      (struct cache_moments){.asked_at_us = cache_now_us()});
    given("mug", NULL);
    const Common__V1__Money *kept =
        (const void *)cache_get_message(ctx, cache, &question, descriptor);

    ck_assert_ptr_nonnull(kept);
    ck_assert_int_eq(kept->minor_units, 1990);
    ck_assert_str_eq(kept->currency_code, "EUR");
    ck_assert_ptr_null(cache_get_message(ctx, cache, &bytes, descriptor));

    wait_for_another_moment();
    cache_mark(cache, MUG);
    ck_assert_ptr_null(cache_get_message(ctx, cache, &question, descriptor));
}
END_TEST

START_TEST(a_flush_ends_everything)
{
    given("stock:mug", NULL);
    when_made_of_both("list");
    cache_flush(cache);
    ck_assert(!is_kept("list"));
    ck_assert(!knows("stock:mug", &MUG, NULL));
}
END_TEST

TCase *cache_case(void)
{
    TCase *tcase = tcase_create("cache");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, a_mark_ends_what_was_asked_before_it);
    tcase_add_test(tcase, an_answer_ends_with_any_of_its_parts);
    tcase_add_test(tcase, a_mark_before_an_answer_was_begun_does_not_end_it);
    tcase_add_test(tcase, a_mark_while_an_answer_is_made_ends_it);
    tcase_add_test(tcase, a_part_that_was_missing_counts_too);
    tcase_add_test(tcase, an_answer_is_not_valid_for_longer_than_its_parts);
    tcase_add_test(tcase, an_answer_of_too_many_parts_is_not_kept);
    tcase_add_test(tcase,
                   a_message_is_kept_as_it_was_and_bytes_that_are_none_are_not_taken_for_one);
    tcase_add_test(tcase, a_flush_ends_everything);
    return tcase;
}
