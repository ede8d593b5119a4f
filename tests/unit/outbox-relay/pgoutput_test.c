/* pgoutput_test.c - decoding what the server sends, whole and cut short. */
#include "pgoutput.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct message {
    uint8_t bytes[512];
    size_t length;
};

static struct pgoutput decoder;

static void set_up(void)
{
    memset(&decoder, 0, sizeof decoder);
}

static void put(struct message *message, const void *bytes, size_t length)
{
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static void put_number(struct message *message, uint64_t number, size_t length)
{
    for (size_t i = length; i-- > 0;)
        message->bytes[message->length++] = (uint8_t)(number >> (8 * i));
}

/* columns: NULL-terminated names */
static struct message relation(uint32_t id, const char *const *columns)
{
    struct message message = {{'R'}, 1};
    uint16_t count = 0;

    put_number(&message, id, 4);
    put(&message, "shop", 5);
    put(&message, "outbox", 7);
    put(&message, "d", 1);
    while (columns[count] != NULL)
        count++;
    put_number(&message, count, 2);
    for (int i = 0; i < count; i++) {
        put_number(&message, 0, 1);
        put(&message, columns[i], strlen(columns[i]) + 1);
        put_number(&message, 17, 4);
        put_number(&message, 0xffffffff, 4);
    }
    return message;
}

/* values: NULL is SQL's NULL */
static struct message insert(uint32_t id, const char *const *values, uint16_t count)
{
    struct message message = {{'I'}, 1};

    put_number(&message, id, 4);
    put(&message, "N", 1);
    put_number(&message, count, 2);
    for (int i = 0; i < count; i++) {
        if (values[i] == NULL) {
            put(&message, "n", 1);
            continue;
        }
        put(&message, "b", 1);
        put_number(&message, strlen(values[i]), 4);
        put(&message, values[i], strlen(values[i]));
    }
    return message;
}

static struct message begin(void)
{
    struct message message = {{'B'}, 1};

    put_number(&message, 77, 8);
    put_number(&message, 5000000, 8);
    put_number(&message, 9, 4);
    return message;
}

static struct message commit(void)
{
    struct message message = {{'C'}, 1};

    put_number(&message, 0, 1);
    put_number(&message, 77, 8);
    put_number(&message, 99, 8);
    put_number(&message, 5000000, 8);
    return message;
}

static struct pgoutput_message decode(const struct message *message)
{
    return pgoutput_decode(&decoder, message->bytes, message->length);
}

static bool is(struct db_bytes value, const char *text)
{
    return value.length == strlen(text) && memcmp(value.data, text, value.length) == 0;
}

static const char *const COLUMNS[] = {"seq", "headers", "topic", "note", "payload", "key", NULL};
static const char *const VALUES[] = {"1", "h", "t.v1", NULL, "p", "k"};

START_TEST(columns_are_found_by_name)
{
    struct message announced = relation(7, COLUMNS);
    struct message began = begin();
    struct message inserted = insert(7, VALUES, 6);

    ck_assert_int_eq(decode(&announced).kind, PGOUTPUT_OTHER);
    ck_assert_int_eq(decode(&began).kind, PGOUTPUT_BEGIN);
    struct pgoutput_message message = decode(&inserted);
    ck_assert_int_eq(message.kind, PGOUTPUT_INSERT);
    ck_assert(is(message.row.topic, "t.v1"));
    ck_assert(is(message.row.key, "k"));
    ck_assert(is(message.row.headers, "h"));
    ck_assert(is(message.row.payload, "p"));
    ck_assert_int_eq(message.row.time_us, 946684800000000 + 5000000);
}
END_TEST

START_TEST(a_relation_announced_again_replaces_its_columns)
{
    static const char *const TURNED[] = {"key", "payload", "topic", "headers", NULL};
    static const char *const TURNED_VALUES[] = {"k2", "p2", "t2", "h2"};
    struct message first = relation(7, COLUMNS);
    struct message second = relation(7, TURNED);
    struct message inserted = insert(7, TURNED_VALUES, 4);

    decode(&first);
    decode(&second);
    struct pgoutput_message message = decode(&inserted);
    ck_assert_int_eq(message.kind, PGOUTPUT_INSERT);
    ck_assert(is(message.row.key, "k2"));
    ck_assert(is(message.row.headers, "h2"));
}
END_TEST

START_TEST(a_commit_tells_its_end)
{
    struct message message = commit();

    ck_assert_int_eq(decode(&message).kind, PGOUTPUT_COMMIT);
    ck_assert_uint_eq(decode(&message).end_lsn, 99);
}
END_TEST

START_TEST(kinds_that_nobody_asked_for_are_passed_over)
{
    static const char KINDS[] = "UDTOYMSEz";

    for (size_t i = 0; i < strlen(KINDS); i++)
        ck_assert_int_eq(pgoutput_decode(&decoder, &KINDS[i], 1).kind, PGOUTPUT_OTHER);
}
END_TEST

START_TEST(rows_without_what_we_need_are_malformed)
{
    static const char *const LACKING[] = {"topic", "key", "headers", NULL};
    static const char *const NULLS[] = {"1", "h", NULL, NULL, "p", "k"};
    struct message announced = relation(7, COLUMNS);
    struct message lacking = relation(8, LACKING);
    struct message unknown = insert(9, VALUES, 6);
    struct message nulls = insert(7, NULLS, 6);
    struct message short_row = insert(8, VALUES, 3);

    decode(&announced);
    decode(&lacking);
    ck_assert_int_eq(decode(&unknown).kind, PGOUTPUT_MALFORMED);
    ck_assert_int_eq(decode(&nulls).kind, PGOUTPUT_MALFORMED);
    ck_assert_int_eq(decode(&short_row).kind, PGOUTPUT_MALFORMED);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_malformed)
{
    struct message announced = relation(7, COLUMNS);
    struct message messages[] = {announced, begin(), commit(), insert(7, VALUES, 6)};

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        for (size_t length = 0; length < messages[i].length; length++) {
            uint8_t *exact = malloc(length + 1); /* its end is where a sanitizer looks */
            memcpy(exact, messages[i].bytes, length);
            decode(&announced);
            ck_assert_int_eq(pgoutput_decode(&decoder, exact, length).kind, PGOUTPUT_MALFORMED);
            free(exact);
        }
}
END_TEST

START_TEST(random_bytes_never_lead_astray)
{
    unsigned seed = 42;
    struct message announced = relation(7, COLUMNS);

    for (int round = 0; round < 20000; round++) {
        struct message message = insert(7, VALUES, 6);

        decode(&announced);
        for (int i = 0; i < 3; i++)
            message.bytes[(size_t)rand_r(&seed) % message.length] = (uint8_t)rand_r(&seed);
        struct pgoutput_message decoded = decode(&message);
        if (decoded.kind != PGOUTPUT_INSERT)
            continue;
        const uint8_t *payload = decoded.row.payload.data;
        ck_assert(payload >= message.bytes);
        ck_assert(payload + decoded.row.payload.length <= message.bytes + message.length);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pgoutput");
    TCase *tests = tcase_create("pgoutput");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, columns_are_found_by_name);
    tcase_add_test(tests, a_relation_announced_again_replaces_its_columns);
    tcase_add_test(tests, a_commit_tells_its_end);
    tcase_add_test(tests, kinds_that_nobody_asked_for_are_passed_over);
    tcase_add_test(tests, rows_without_what_we_need_are_malformed);
    tcase_add_test(tests, a_message_cut_anywhere_is_malformed);
    tcase_add_test(tests, random_bytes_never_lead_astray);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
