/* config_test.c - every type, its bounds, secrets from files, and what is said about a bad value.
 */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    const char *text;
    int64_t number, duration_ms, size;
    bool flag;
};

#define FIELD(member) offsetof(struct values, member)

static const struct config_field FIELDS[] = {
    {"T_TEXT", CONFIG_STRING, FIELD(text), "dflt", 2, 5, false, "a text"},
    {"T_NUMBER", CONFIG_INT, FIELD(number), "7", 1, 10, false, "a number"},
    {"_DURATION", CONFIG_DURATION_MS, FIELD(duration_ms), "15s", 1000, 60000, false, "a time"},
    {"T_SIZE", CONFIG_BYTES, FIELD(size), "1MiB", 0, 0, false, "a size"},
    {"T_FLAG", CONFIG_BOOL, FIELD(flag), "false", 0, 0, false, "a flag"},
    {.name = NULL},
};
static const struct config_field SECRET[] = {
    {"T_SECRET", CONFIG_STRING, FIELD(text), NULL, 8, 99, true, "a password"},
    {.name = NULL},
};

static struct arena *arena;
static struct values values;
static char said[8192]; /* on stderr */

static void set_up(void)
{
    static const char *const NAMES[] = {"T_TEXT", "T_NUMBER", "T_DURATION",   "T_SIZE",
                                        "T_FLAG", "T_SECRET", "T_SECRET_FILE"};

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        unsetenv(NAMES[i]);
    arena = arena_create(1 << 20);
    memset(&values, 0, sizeof values);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static int read_table(const struct config_field *fields)
{
    char path[] = "/tmp/torg-config-XXXXXX";
    int file = mkstemp(path), old = dup(STDERR_FILENO);
    const struct config_table table = {fields, "T", &values};

    fflush(stderr);
    dup2(file, STDERR_FILENO);
    int bad = config_read(arena, &table);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    ssize_t length = pread(file, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    close(file);
    close(old);
    unlink(path);
    return bad;
}

START_TEST(defaults_hold_when_nothing_is_set)
{
    ck_assert_int_eq(read_table(FIELDS), 0);
    ck_assert_str_eq(values.text, "dflt");
    ck_assert_int_eq(values.number, 7);
    ck_assert_int_eq(values.duration_ms, 15000);
    ck_assert_int_eq(values.size, 1048576);
    ck_assert(!values.flag);
}
END_TEST

static const struct {
    const char *name, *value;
    int64_t expected; /* -1: refused */
    size_t offset;
} READ[] = {
    {"T_NUMBER", "10", 10, FIELD(number)},
    {"T_NUMBER", "11", -1, 0},
    {"T_NUMBER", "0", -1, 0},
    {"T_NUMBER", "1x", -1, 0},
    {"T_NUMBER", "99999999999999999999", -1, 0},
    {"T_DURATION", "1500ms", 1500, FIELD(duration_ms)},
    {"T_DURATION", "1m", 60000, FIELD(duration_ms)},
    {"T_DURATION", "61s", -1, 0},
    {"T_DURATION", "15", -1, 0},
    {"T_DURATION", "s", -1, 0},
    {"T_DURATION", "-15s", -1, 0},
    {"T_DURATION", "99999999999999999d", -1, 0},
    {"T_SIZE", "4096", 4096, FIELD(size)},
    {"T_SIZE", "64KiB", 65536, FIELD(size)},
    {"T_SIZE", "2GiB", 2147483648, FIELD(size)},
    {"T_SIZE", "64kb", -1, 0},
    {"T_TEXT", "x", -1, 0},
    {"T_TEXT", "toolong", -1, 0},
    {"T_FLAG", "yes", -1, 0},
};

START_TEST(a_value_is_read_or_refused)
{
    setenv(READ[_i].name, READ[_i].value, 1);
    int bad = read_table(FIELDS);
    ck_assert_msg(bad == (READ[_i].expected < 0), "%s=%s", READ[_i].name, READ[_i].value);
    if (READ[_i].expected >= 0)
        ck_assert_int_eq(*(int64_t *)(void *)((char *)&values + READ[_i].offset),
                         READ[_i].expected);
}
END_TEST

START_TEST(a_complaint_names_variable_value_and_range)
{
    setenv("T_DURATION", "2m", 1);
    setenv("T_NUMBER", "zero", 1);
    ck_assert_int_eq(read_table(FIELDS), 2);
    ck_assert_ptr_nonnull(strstr(said, "T_DURATION=2m: must be a duration"));
    ck_assert_ptr_nonnull(strstr(said, "1s to 1m"));
    ck_assert_ptr_nonnull(strstr(said, "T_NUMBER=zero: must be a whole number, 1 to 10"));
}
END_TEST

START_TEST(a_secret_is_never_repeated)
{
    setenv("T_SECRET", "short", 1);
    ck_assert_int_eq(read_table(SECRET), 1);
    ck_assert_ptr_nonnull(strstr(said, "T_SECRET=***"));
    ck_assert_ptr_null(strstr(said, "short"));
}
END_TEST

START_TEST(a_required_value_that_is_missing_is_told)
{
    ck_assert_int_eq(read_table(SECRET), 1);
    ck_assert_ptr_nonnull(strstr(said, "T_SECRET: required and not set"));
}
END_TEST

START_TEST(a_secret_may_come_from_a_file)
{
    char path[] = "/tmp/torg-secret-XXXXXX";
    int file = mkstemp(path);

    ck_assert_int_eq(write(file, "from a file\n", 12), 12);
    close(file);
    setenv("T_SECRET_FILE", path, 1);
    ck_assert_int_eq(read_table(SECRET), 0);
    ck_assert_str_eq(values.text, "from a file");
    unlink(path);
    ck_assert_int_eq(read_table(SECRET), 1);
    ck_assert_ptr_nonnull(strstr(said, "T_SECRET_FILE="));
}
END_TEST

START_TEST(prefixes_are_upper_case_with_underscores)
{
    ck_assert_str_eq(config_prefix(arena, "outbox-relay"), "OUTBOX_RELAY");
}
END_TEST

START_TEST(a_service_has_the_settings_it_needs_and_no_others)
{
    static const char *const CALLS[] = {"catalog", NULL};
    static const struct service CALLER = {.name = "x", .calls = CALLS};
    static const struct service PLAIN = {.name = "x"};
    bool has_pool = false, has_database = false;

    for (const struct config_field *f = settings_fields(arena, &CALLER); f->name; f++) {
        has_pool |= !strcmp(f->name, "_RPC_POOL");
        has_database |= !strcmp(f->name, "_DATABASE_URL");
    }
    ck_assert(has_pool && !has_database);
    ck_assert_str_eq(address_fields(arena, &CALLER)[0].name, "CATALOG_URL");
    ck_assert_ptr_null(address_fields(arena, &PLAIN)[0].name);
}
END_TEST

START_TEST(a_daemon_with_a_bad_value_does_not_start)
{
    static const struct service STUBBORN = {.name = "stubborn"};
    struct daemon *daemon = NULL;
    int port;

    setenv("STUBBORN_THREADS", "many", 1);
    struct status status = service_start(&STUBBORN, &daemon, &port);
    ck_assert_str_eq(status.reason, "BAD_CONFIGURATION");
    ck_assert_ptr_null(daemon);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, defaults_hold_when_nothing_is_set);
    tcase_add_loop_test(tcase, a_value_is_read_or_refused, 0, ARRAY_LEN(READ));
    tcase_add_test(tcase, a_complaint_names_variable_value_and_range);
    tcase_add_test(tcase, a_secret_is_never_repeated);
    tcase_add_test(tcase, a_required_value_that_is_missing_is_told);
    tcase_add_test(tcase, a_secret_may_come_from_a_file);
    tcase_add_test(tcase, prefixes_are_upper_case_with_underscores);
    tcase_add_test(tcase, a_daemon_with_a_bad_value_does_not_start);
    tcase_add_test(tcase, a_service_has_the_settings_it_needs_and_no_others);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
