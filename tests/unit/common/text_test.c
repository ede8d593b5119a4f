/* text_test.c - buffers, questions about text, base64 and hex. */
#include "suites.h"

#include "common/compiler.h"
#include "common/str.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(0);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

START_TEST(a_buffer_grows_and_stays_terminated)
{
    struct buffer buffer;

    buffer_init(&buffer, arena, 0);
    ck_assert_str_eq(buffer.data, "");
    for (int i = 0; i < 1000; i++) {
        (void)arena_alloc(arena, 1); // so that it cannot grow in place
        buffer_putc(&buffer, 'a');
        buffer_puts(&buffer, "bc");
        buffer_append(&buffer, "\0d", 2);
        buffer_printf(&buffer, "%d", i % 10);
        ck_assert_int_eq(buffer.data[buffer.length], '\0');
    }
    ck_assert_uint_eq(buffer.length, 6000);
    for (int i = 0; i < 1000; i++)
        ck_assert_mem_eq(buffer.data + i * 6, "abc\0d", 5);
}
END_TEST

static const int64_t INTEGERS[] = {0,    1,   -1,   9,         10,        -10,
                                   1000, -99, 1234, INT64_MAX, INT64_MIN, INT64_MIN + 1};

START_TEST(an_integer_is_written_as_printf_does_and_read_back)
{
    struct buffer buffer;
    char expected[32];
    int64_t back;

    buffer_init(&buffer, arena, 0);
    buffer_put_int(&buffer, INTEGERS[_i]);
    ck_assert(snprintf(expected, sizeof(expected), "%lld", (long long)INTEGERS[_i]) > 0);
    ck_assert_str_eq(buffer.data, expected);
    ck_assert(str_to_int64(buffer.data, &back));
    ck_assert_int_eq(back, INTEGERS[_i]);
}
END_TEST

static const char *const NO_INTEGERS[] = {"",
                                          "-",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "1.0",
                                          "a",
                                          "0x1",
                                          "--1",
                                          "1-",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "99999999999999999999999"};

START_TEST(anything_else_is_no_integer)
{
    int64_t value = 42;

    ck_assert_msg(!str_to_int64(NO_INTEGERS[_i], &value), "%s", NO_INTEGERS[_i]);
    ck_assert_int_eq(value, 42);
    ck_assert(!str_to_int64(NULL, &value));
}
END_TEST

START_TEST(small_questions_have_small_answers)
{
    ck_assert(str_equal(NULL, NULL) && str_equal("a", "a"));
    ck_assert(!str_equal(NULL, "") && !str_equal("", NULL) && !str_equal("a", "b"));
    ck_assert(str_is_empty(NULL) && str_is_empty("") && !str_is_empty(" "));
    ck_assert(str_starts_with("abc", "ab") && str_starts_with("abc", ""));
    ck_assert(!str_starts_with("ab", "abc") && !str_starts_with("", "a"));
    ck_assert_str_eq(str_or_empty(NULL), "");
    ck_assert_str_eq(str_or_empty("x"), "x");
    ck_assert(str_equal_ignore_case("Content-TYPE", "content-type"));
    ck_assert(str_equal_ignore_case(NULL, NULL) && !str_equal_ignore_case("a", NULL));
    ck_assert(!str_equal_ignore_case("ab", "a") && !str_equal_ignore_case("a", "ab"));
    ck_assert(!str_equal_ignore_case("[", "{") && !str_equal_ignore_case("\xC4", "\xE4"));
    ck_assert_uint_eq(str_utf8_length(""), 0);
    ck_assert_uint_eq(str_utf8_length("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 4);
}
END_TEST

/* Every code point has one encoding; everything near it is none. */
START_TEST(utf8_is_exactly_the_encodings_of_rfc_3629)
{
    for (uint32_t point = 1; point < 0x120000; point += point < 0x900 ? 1 : 13) {
        unsigned char text[4] = {0};
        size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        bool is_valid = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);

        if (length == 1)
            text[0] = (unsigned char)point;
        for (size_t i = length; length > 1 && i-- > 0;)
            text[i] = (unsigned char)((i > 0 ? 0x80 : 0xF00 >> length) |
                                      (point >> 6 * (length - 1 - i) & (i > 0 ? 0x3F : 0x3F)));
        ck_assert_msg(str_is_utf8((char *)text, length) == is_valid, "U+%04X", point);
        for (size_t cut = 1; cut < length; cut++)
            ck_assert(!str_is_utf8((char *)text, cut));
    }
    ck_assert(str_is_utf8("", 0));
    ck_assert(str_is_utf8("twelve bytes", 12));
    ck_assert(!str_is_utf8("twelve\0bytes", 12));
    ck_assert(!str_is_utf8("\xC0\xAF", 2) && !str_is_utf8("\xE0\x9F\xBF", 3));
    ck_assert(!str_is_utf8("\xF0\x8F\xBF\xBF", 4) && !str_is_utf8("\x80", 1));
}
END_TEST

/* RFC 4648 section 10. */
static const struct {
    const char *bytes, *standard, *url;
} BASE64[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xFF", "+/8=", "-_8"},
};

START_TEST(base64_is_that_of_rfc_4648)
{
    size_t length = strlen(BASE64[_i].bytes), back_length;
    uint8_t *back;

    ck_assert_str_eq(str_base64(arena, BASE64[_i].bytes, length), BASE64[_i].standard);
    ck_assert_str_eq(str_base64url(arena, BASE64[_i].bytes, length), BASE64[_i].url);
    ck_assert(str_from_base64(arena, BASE64[_i].standard, strlen(BASE64[_i].standard), &back,
                              &back_length));
    ck_assert_uint_eq(back_length, length);
    ck_assert(memcmp(back, BASE64[_i].bytes, length) == 0);
    ck_assert(str_from_base64url(arena, BASE64[_i].url, &back, &back_length));
    ck_assert_uint_eq(back_length, length);
    ck_assert(memcmp(back, BASE64[_i].bytes, length) == 0);
}
END_TEST

START_TEST(decoding_base64_is_strict)
{
    static const char *const STANDARD[] = {"Z",    "Zg",   "Zg=",    "Zg===", "=Zg=", "Zh==",
                                           "-_8=", "Zm8 ", "Zm9v\n", "Z===",  "====", "Zm8=Zm8="};
    static const char *const URL[] = {"Z", "Zg==", "Zh", "+/8", "Zm9 ", "="};
    uint8_t *back;
    size_t length;

    for (size_t i = 0; i < ARRAY_LEN(STANDARD); i++)
        ck_assert_msg(!str_from_base64(arena, STANDARD[i], strlen(STANDARD[i]), &back, &length),
                      "%s", STANDARD[i]);
    for (size_t i = 0; i < ARRAY_LEN(URL); i++)
        ck_assert_msg(!str_from_base64url(arena, URL[i], &back, &length), "%s", URL[i]);
}
END_TEST

START_TEST(random_bytes_survive_base64_and_hex)
{
    struct random dice = {1};

    for (size_t length = 0; length < 200; length++) {
        uint8_t bytes[200], hex[200], *back;
        size_t back_length;

        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)random_next(&dice);

        char *text = str_base64(arena, bytes, length);

        ck_assert(str_from_base64(arena, text, strlen(text), &back, &back_length));
        ck_assert_uint_eq(back_length, length);
        ck_assert(memcmp(back, bytes, length) == 0);
        text = str_hex(arena, bytes, length);
        ck_assert_uint_eq(strlen(text), 2 * length);
        ck_assert(str_from_hex(text, hex, length));
        ck_assert(memcmp(hex, bytes, length) == 0);
    }
}
END_TEST

START_TEST(hex_takes_exactly_its_digits)
{
    uint8_t bytes[2] = {7, 7};

    ck_assert(!str_from_hex("abc", bytes, 2) && !str_from_hex("abcde", bytes, 2));
    ck_assert(!str_from_hex("abcg", bytes, 2) && !str_from_hex("", bytes, 2));
    ck_assert_uint_eq(bytes[0], 7);
    ck_assert(str_from_hex("aBcD", bytes, 2));
    ck_assert_uint_eq(bytes[0], 0xAB);
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_buffer_grows_and_stays_terminated);
    tcase_add_loop_test(tcase, an_integer_is_written_as_printf_does_and_read_back, 0,
                        ARRAY_LEN(INTEGERS));
    tcase_add_loop_test(tcase, anything_else_is_no_integer, 0, ARRAY_LEN(NO_INTEGERS));
    tcase_add_test(tcase, small_questions_have_small_answers);
    tcase_add_test(tcase, utf8_is_exactly_the_encodings_of_rfc_3629);
    tcase_add_loop_test(tcase, base64_is_that_of_rfc_4648, 0, ARRAY_LEN(BASE64));
    tcase_add_test(tcase, decoding_base64_is_strict);
    tcase_add_test(tcase, random_bytes_survive_base64_and_hex);
    tcase_add_test(tcase, hex_takes_exactly_its_digits);
    suite_add_tcase(suite, tcase);
    return suite;
}
