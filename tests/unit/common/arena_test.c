/* arena_test.c - memory that is zeroed, aligned, bounded where a peer chooses, and reused. */
#include "suites.h"

#include "common/arena.h"
#include "common/status.h"
#include "kinds.pb-c.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(1000);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

START_TEST(memory_is_zeroed_and_aligned_also_after_a_reset)
{
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 20000; size = size * 3 / 2 + 1) {
            unsigned char *memory = arena_alloc(arena, size);

            ck_assert_ptr_nonnull(memory);
            ck_assert_uint_eq((uintptr_t)memory % 16, 0);
            for (size_t i = 0; i < size; i++)
                ck_assert_uint_eq(memory[i], 0);
            memset(memory, 0xAA, size);
        }
        arena_reset(arena);
        ck_assert_uint_eq(arena_used(arena), 0);
    }
}
END_TEST

START_TEST(allocations_do_not_overlap)
{
    enum { COUNT = 500 };
    unsigned char *pieces[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_alloc(arena, i);
        memset(pieces[i], (int)(i & 0xFF), i);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_eq(pieces[i][k], i & 0xFF);
}
END_TEST

START_TEST(the_limit_bounds_what_a_peer_chooses_and_nothing_else)
{
    ck_assert_ptr_nonnull(arena_try_alloc(arena, 600));
    ck_assert_ptr_null(arena_try_alloc(arena, 401));
    ck_assert_ptr_nonnull(arena_try_alloc(arena, 400));
    ck_assert_ptr_null(arena_try_alloc(arena, 1));
    ck_assert_ptr_null(arena_try_alloc(arena, SIZE_MAX));
    ck_assert_ptr_nonnull(arena_alloc(arena, 5000));
    arena_reset(arena);
    ck_assert_ptr_nonnull(arena_try_alloc(arena, 1000));
}
END_TEST

START_TEST(a_message_beyond_the_limit_is_a_decode_error)
{
    uint8_t wire[2048];

    for (size_t i = 0; i < sizeof(wire); i += 3) // field 37, an empty line
        memcpy(wire + i, "\xAA\x02\x00", sizeof(wire) - i < 3 ? sizeof(wire) - i : 3);

    size_t whole = sizeof(wire) / 3 * 3;

    ck_assert_ptr_null(torg__test__v1__kinds__unpack(arena_protobuf(arena), whole, wire));

    struct arena *large = arena_create((size_t)1 << 20);
    Torg__Test__V1__Kinds *kinds =
        torg__test__v1__kinds__unpack(arena_protobuf(large), whole, wire);

    ck_assert_ptr_nonnull(kinds);
    ck_assert_uint_eq(kinds->n_lines, whole / 3);
    arena_destroy(large);
}
END_TEST

START_TEST(text_is_copied_and_formatted)
{
    ck_assert_ptr_null(arena_strdup(arena, NULL));
    ck_assert_str_eq(arena_strdup(arena, "tea"), "tea");
    ck_assert_str_eq(arena_strndup(arena, "teapot", 3), "tea");
    ck_assert_str_eq(arena_strndup(arena, NULL, 0), "");
    ck_assert_str_eq(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    ck_assert_mem_eq(arena_memdup(arena, "a\0b", 3), "a\0b", 3);
    ck_assert_ptr_nonnull(arena_memdup(arena, NULL, 0));

    char *longer = arena_printf(arena, "%0100000d", 1);

    ck_assert_uint_eq(strlen(longer), 100000);
}
END_TEST

static int given_back[4];
static int given_back_count;

static void give_back(void *number)
{
    given_back[given_back_count++] = *(int *)number;
}

/* Texts are written where they will lie: every length meets every room that a block can have left.
 */
START_TEST(a_text_is_whole_wherever_its_block_ends)
{
    enum { LONGEST = 300 };
    char expected[LONGEST + 1];

    memset(expected, 'x', LONGEST);
    for (int length = 0; length <= LONGEST; length++) {
        for (int texts = 0; texts < 60; texts++) {
            char *text = arena_printf(arena, "%.*s", length, expected);
            unsigned char *next = arena_alloc(arena, 16);
            ck_assert_uint_eq(strlen(text), (size_t)length);
            ck_assert_int_eq(memcmp(text, expected, (size_t)length), 0);
            for (int i = 0; i < 16; i++)
                ck_assert_uint_eq(next[i], 0);
        }
        arena_shrink(arena);
        ck_assert_uint_eq(arena_used(arena), 0);
    }
}
END_TEST

START_TEST(what_is_deferred_runs_once_when_the_memory_goes)
{
    int *first = arena_new(arena, int), *second = arena_new(arena, int);

    given_back_count = 0;
    *first = 1;
    *second = 2;
    arena_defer(arena, give_back, first);
    arena_defer(arena, give_back, second);
    ck_assert_int_eq(given_back_count, 0);
    arena_reset(arena);
    ck_assert_int_eq(given_back_count, 2);
    ck_assert_int_eq(given_back[0], 2);
    ck_assert_int_eq(given_back[1], 1);

    struct arena *other = arena_create(1000);
    int *third = arena_new(other, int);

    *third = 3;
    arena_defer(other, give_back, third);
    arena_reset(arena);
    arena_destroy(other);
    ck_assert_int_eq(given_back_count, 3);
}
END_TEST

START_TEST(destroying_nothing_is_allowed)
{
    arena_destroy(NULL);
}
END_TEST

START_TEST(an_overflowing_array_ends_the_process)
{
    (void)arena_calloc(arena, SIZE_MAX / 2, 3);
}
END_TEST

START_TEST(an_impossible_size_ends_the_process)
{
    (void)arena_alloc(arena, SIZE_MAX);
}
END_TEST

START_TEST(status_codes_have_the_names_of_connect)
{
    for (int code = STATUS_CANCELLED; code <= STATUS_UNAUTHENTICATED; code++)
        ck_assert_int_eq(status_code_from_name(status_code_name((enum status_code)code)), code);
    ck_assert_str_eq(status_code_name(STATUS_CANCELLED), "canceled");
    ck_assert_str_eq(status_code_name(STATUS_INVALID_ARGUMENT), "invalid_argument");
    ck_assert_str_eq(status_code_name(STATUS_REPLAYED), "unknown");
    ck_assert_int_eq(status_code_from_name("ok"), STATUS_UNKNOWN);
    ck_assert_int_eq(status_code_from_name("nonsense"), STATUS_UNKNOWN);
    ck_assert_int_eq(status_code_from_name(NULL), STATUS_UNKNOWN);
}
END_TEST

Suite *arena_suite(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, memory_is_zeroed_and_aligned_also_after_a_reset);
    tcase_add_test(tcase, allocations_do_not_overlap);
    tcase_add_test(tcase, the_limit_bounds_what_a_peer_chooses_and_nothing_else);
    tcase_add_test(tcase, a_message_beyond_the_limit_is_a_decode_error);
    tcase_add_test(tcase, text_is_copied_and_formatted);
    tcase_add_test(tcase, a_text_is_whole_wherever_its_block_ends);
    tcase_add_test(tcase, what_is_deferred_runs_once_when_the_memory_goes);
    tcase_add_test(tcase, destroying_nothing_is_allowed);
    tcase_add_test(tcase, status_codes_have_the_names_of_connect);
    if (!getenv("CK_FORK")) { // without a fork the abort would be ours
        tcase_add_test_raise_signal(tcase, an_overflowing_array_ends_the_process, SIGABRT);
        tcase_add_test_raise_signal(tcase, an_impossible_size_ends_the_process, SIGABRT);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
