/* id_test.c - identities: new ones, derived ones, and their text. */
#include "suites.h"

#include "common/clock.h"
#include "common/compiler.h"
#include "common/uuid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct uuid parsed(const char *text)
{
    struct uuid id;

    ck_assert_msg(uuid_parse(text, &id), "%s", text);
    return id;
}

static void assert_version(struct uuid id, int version)
{
    ck_assert_int_eq(id.bytes[6] >> 4, version);
    ck_assert_int_eq(id.bytes[8] >> 6, 2);
}

START_TEST(a_new_id_carries_the_time_and_is_unlike_any_other)
{
    enum { COUNT = 10000 };
    static struct uuid ids[COUNT];
    int64_t before_ms = clock_now_us() / 1000;

    for (int i = 0; i < COUNT; i++) {
        ids[i] = uuid_v7();
        assert_version(ids[i], 7);
        ck_assert_int_ge(uuid_time_ms(ids[i]), before_ms);
        ck_assert_int_le(uuid_time_ms(ids[i]), clock_now_us() / 1000);
    }
    qsort(ids, COUNT, sizeof(ids[0]), uuid_compare);
    for (int i = 1; i < COUNT; i++)
        ck_assert(!uuid_equal(ids[i - 1], ids[i]));
}
END_TEST

/* The random half of an id comes from a stock that fork() copies. */
START_TEST(parent_and_child_never_share_the_random_half_of_an_id)
{
    enum { COUNT = 64, HALF = 8 };
    struct uuid ours[COUNT], theirs[COUNT];
    int ends[2];

    (void)uuid_v7();
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    for (int i = 0; i < COUNT; i++)
        ours[i] = uuid_v7();
    if (child == 0)
        _exit(write(ends[1], ours, sizeof ours) == sizeof ours ? 0 : 1);
    ck_assert_int_eq(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    waitpid(child, NULL, 0);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++)
            ck_assert_int_ne(memcmp(ours[i].bytes + HALF, theirs[k].bytes + HALF, HALF), 0);
}
END_TEST

START_TEST(ids_of_different_microseconds_sort_by_time)
{
    for (int i = 0; i < 200; i++) {
        struct uuid first = uuid_v7();

        for (int64_t start = clock_now_us(); clock_now_us() < start + 2;)
            continue;

        struct uuid second = uuid_v7();

        ck_assert_int_lt(uuid_compare(&first, &second), 0);
    }
}
END_TEST

/* Python: uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"). */
START_TEST(a_name_based_id_is_that_of_the_rfc)
{
    struct uuid dns = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    struct uuid id = uuid_v5(dns, "python.org", 10);

    ck_assert(uuid_equal(id, parsed("886313e1-3b8a-5372-9b90-0c9aee199e5d")));
    assert_version(id, 5);
}
END_TEST

START_TEST(a_derived_id_is_stable_and_sorts_with_its_parent)
{
    struct uuid parent = parsed("0193549b-0a3c-7123-8456-789abcdef012");
    struct uuid payment = uuid_derive(parent, "payment");
    struct uuid numbered[] = {uuid_derive_n(parent, "payment", 0),
                              uuid_derive_n(parent, "payment", 1),
                              uuid_derive_n(parent, "payment", -1),
                              uuid_derive_n(parent, "payment1", 1),
                              payment,
                              uuid_derive(parent, "refund"),
                              uuid_derive(uuid_v7(), "payment"),
                              uuid_derive(parent, "")};

    assert_version(payment, 8);
    ck_assert(uuid_equal(payment, uuid_derive(parent, "payment")));
    ck_assert_int_eq(uuid_time_ms(payment), uuid_time_ms(parent));
    for (size_t i = 0; i < ARRAY_LEN(numbered); i++)
        for (size_t k = 0; k < i; k++)
            ck_assert(!uuid_equal(numbered[i], numbered[k]));
}
END_TEST

/* Ids are stored: another formula would be another order's payment. */
START_TEST(the_formula_of_derived_ids_never_changes)
{
    struct arena *arena = arena_create(0);
    struct uuid parent = parsed("0193549b-0a3c-7123-8456-789abcdef012");

    ck_assert_str_eq(uuid_text(arena, uuid_derive(parent, "payment")),
                     "0193549b-0a3c-8384-8f65-1e72cf0218eb");
    ck_assert_str_eq(uuid_text(arena, uuid_derive_n(parent, "payment", 1)),
                     "0193549b-0a3c-82e5-b8a0-9dd6ae065db6");
    arena_destroy(arena);
}
END_TEST

START_TEST(text_is_read_in_either_case_and_written_in_lower)
{
    char text[UUID_TEXT_LENGTH + 1];

    uuid_format(parsed("0193549B-0A3C-7123-8456-789ABCDEF012"), text);
    ck_assert_str_eq(text, "0193549b-0a3c-7123-8456-789abcdef012");
    ck_assert_int_eq(uuid_time_ms(parsed(text)), 0x0193549b0a3c);
    ck_assert(uuid_is_nil(parsed("00000000-0000-0000-0000-000000000000")));
    ck_assert(!uuid_is_nil(parsed(text)));
}
END_TEST

static const char *const NO_IDS[] = {
    "",
    "0193549b",
    "0193549b0a3c71238456789abcdef012",
    "0193549b-0a3c-7123-8456-789abcdef01",
    "0193549b-0a3c-7123-8456-789abcdef0123",
    "0193549g-0a3c-7123-8456-789abcdef012",
    "0193549b_0a3c-7123-8456-789abcdef012",
    "{0193549b-0a3c-7123-8456-789abcdef012}",
    " 0193549b-0a3c-7123-8456-789abcdef012",
    "0193549b-0a3c-7123-8456-789abcdef012 ",
    "0193549b-0a3c-7123-8456-789abcdef-12",
};

START_TEST(anything_else_is_no_id)
{
    struct uuid id = {{9}};

    ck_assert(!uuid_parse(NO_IDS[_i], &id));
    ck_assert_int_eq(id.bytes[0], 9);
    ck_assert(!uuid_parse(NULL, &id));
}
END_TEST

Suite *id_suite(void)
{
    Suite *suite = suite_create("id");
    TCase *tcase = tcase_create("id");

    tcase_add_test(tcase, a_new_id_carries_the_time_and_is_unlike_any_other);
    tcase_add_test(tcase, parent_and_child_never_share_the_random_half_of_an_id);
    tcase_add_test(tcase, ids_of_different_microseconds_sort_by_time);
    tcase_add_test(tcase, a_name_based_id_is_that_of_the_rfc);
    tcase_add_test(tcase, a_derived_id_is_stable_and_sorts_with_its_parent);
    tcase_add_test(tcase, the_formula_of_derived_ids_never_changes);
    tcase_add_test(tcase, text_is_read_in_either_case_and_written_in_lower);
    tcase_add_loop_test(tcase, anything_else_is_no_id, 0, ARRAY_LEN(NO_IDS));
    suite_add_tcase(suite, tcase);
    return suite;
}
