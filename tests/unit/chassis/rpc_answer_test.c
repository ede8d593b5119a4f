/* rpc_answer_test.c - what a caller takes for the head of an answer. */
#include "rpc_answer.h"

#include "common/arena.h"
#include "common/compiler.h"

#include <check.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(64 * 1024);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static enum rpc_head parse(const char *text, struct rpc_answer *ret_answer)
{
    return rpc_answer_parse(arena, text, strlen(text), ret_answer);
}

START_TEST(an_answer_is_read_however_it_is_spelt)
{
    static const char TEXT[] = "HTTP/1.1 200 OK\r\ncontent-TYPE:application/proto \r\n"
                               "Content-Length: 12\r\n\r\n";
    struct rpc_answer answer;

    ck_assert_int_eq(parse(TEXT, &answer), RPC_HEAD_WHOLE);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.head_length, strlen(TEXT));
    ck_assert_str_eq(answer.content_type, "application/proto");
    ck_assert_int_eq(answer.body_length, 12);
    ck_assert(answer.is_kept);
}
END_TEST

START_TEST(every_beginning_of_a_head_is_only_a_beginning)
{
    static const char TEXT[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    struct rpc_answer answer;

    for (size_t length = 0; length < strlen(TEXT); length++)
        ck_assert_int_eq(rpc_answer_parse(arena, TEXT, length, &answer), RPC_HEAD_PARTIAL);
    ck_assert_int_eq(parse(TEXT, &answer), RPC_HEAD_WHOLE);
}
END_TEST

START_TEST(interim_answers_are_passed_over)
{
    static const char INTERIM[] = "HTTP/1.1 100 Continue\r\n\r\n";
    static const char BOTH[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    struct rpc_answer answer;

    ck_assert_int_eq(parse(INTERIM, &answer), RPC_HEAD_PARTIAL);
    ck_assert_int_eq(parse(BOTH, &answer), RPC_HEAD_WHOLE);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_int_eq(answer.body_length, 0);
    ck_assert_uint_eq(answer.head_length, strlen(BOTH));
}
END_TEST

/* Whether the connection may be used again decides what the next caller reads. */
START_TEST(a_connection_is_kept_only_when_both_agree)
{
    static const struct {
        const char *text;
        bool is_kept;
        int64_t body_length;
    } CASES[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", true, 3},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", false, 3},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", false, 3},
        {"HTTP/1.1 200 OK\r\n\r\n", false, -1},
    };
    struct rpc_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        ck_assert_int_eq(parse(CASES[i].text, &answer), RPC_HEAD_WHOLE);
        ck_assert_msg(answer.is_kept == CASES[i].is_kept, "%s", CASES[i].text);
        ck_assert_int_eq(answer.body_length, CASES[i].body_length);
    }
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
    static const char *const BROKEN[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 2000 High\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "\r\n\r\n",
    };
    struct rpc_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(BROKEN); i++)
        ck_assert_msg(parse(BROKEN[i], &answer) == RPC_HEAD_BROKEN, "%s", BROKEN[i]);
}
END_TEST

START_TEST(a_head_without_end_is_given_up)
{
    static char endless[16 * 1024];
    struct rpc_answer answer;

    memset(endless, 'a', sizeof endless);
    ck_assert_int_eq(rpc_answer_parse(arena, endless, sizeof endless - 1, &answer),
                     RPC_HEAD_PARTIAL);
    ck_assert_int_eq(rpc_answer_parse(arena, endless, sizeof endless, &answer), RPC_HEAD_BROKEN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc_answer");
    TCase *tcase = tcase_create("head");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_answer_is_read_however_it_is_spelt);
    tcase_add_test(tcase, every_beginning_of_a_head_is_only_a_beginning);
    tcase_add_test(tcase, interim_answers_are_passed_over);
    tcase_add_test(tcase, a_connection_is_kept_only_when_both_agree);
    tcase_add_test(tcase, what_is_no_answer_is_refused);
    tcase_add_test(tcase, a_head_without_end_is_given_up);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
