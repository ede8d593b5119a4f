/* upload_test.c - what is refused before, while and after a file arrives. */
#include "suites.h"

#include "peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask(const char *path, const char *headers, struct answer *ret_answer)
{
    peer_ask(
        gateway_port(),
        arena_printf(world_client()->arena,
                     "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer torg_first\r\n%s\r\n",
                     path, headers),
        ret_answer);
}

START_TEST(an_upload_is_refused_before_its_body_is_read)
{
    struct answer answer;
    given_shop();
    world_setenv("GATEWAY_IMPORT_BYTES", "4KiB");
    given_gateway("5s");

    ask(import_path(), "Content-Type: application/json\r\nContent-Length: 9\r\n", &answer);
    ck_assert_int_eq(answer.status, 415);
    ask(import_path(), "Content-Type: text/csv\r\nContent-Length: 5000\r\n", &answer);
    ck_assert_int_eq(answer.status, 413);
    ck_assert_ptr_nonnull(strstr(answer.text, "\"reason\":\"BODY_TOO_LARGE\""));
    ask("/admin/v1/imports/products?locale=en", "Content-Type: text/csv\r\nContent-Length: 9\r\n",
        &answer);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.text, "channel"));
    ck_assert_ptr_nonnull(strstr(answer.text, "Connection: close"));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.import"), 0);
}
END_TEST

START_TEST(a_target_that_does_not_exist_is_refused)
{
    static const char *const PARAMETERS[] = {"channel_id=", "price_list_id=", "warehouse_id="};
    struct answer answer;
    given_shop();
    given_gateway("5s");

    for (size_t i = 0; i < ARRAY_LEN(PARAMETERS); i++) {
        char *path = arena_strdup(world_client()->arena, import_path());
        char *id = strstr(path, PARAMETERS[i]) + strlen(PARAMETERS[i]);
        id[0] = id[0] == '9' ? '8' : '9';
        ask(path, "Content-Type: text/csv\r\nContent-Length: 9\r\n", &answer);
        ck_assert_msg(answer.status == 404 || answer.status == 400, "%s: %d %s", PARAMETERS[i],
                      answer.status, answer.text);
    }
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.import"), 0);
}
END_TEST

START_TEST(a_chunked_upload_over_the_limit_is_413_and_never_run)
{
    char piece[6000];
    struct answer answer;
    given_shop();
    world_setenv("GATEWAY_IMPORT_BYTES", "4KiB");
    given_gateway("5s");
    memset(piece, 'a', sizeof piece);
    int fd = peer_connect(gateway_port());

    peer_send(fd,
              arena_printf(world_client()->arena,
                           "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer torg_first\r\n"
                           "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n1770\r\n",
                           import_path()));
    peer_send_n(fd, piece, sizeof piece);
    peer_send(fd, "\r\n0\r\n\r\n");
    peer_read(fd, 3000, &answer);
    close(fd);

    ck_assert_int_eq(answer.status, 413);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.import WHERE state <> 1"), 0);
}
END_TEST

START_TEST(an_upload_that_breaks_off_is_never_run)
{
    struct answer answer;
    given_shop();
    given_gateway("5s");
    int fd = peer_connect(gateway_port());

    peer_send(fd, arena_printf(world_client()->arena,
                               "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer torg_first\r\n"
                               "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\n"
                               "Handle,Title,Variant Price\nmug,Mug,1.00\n",
                               import_path()));
    shutdown(fd, SHUT_WR);
    peer_read(fd, 3000, &answer);
    close(fd);

    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.text, "BODY_TRUNCATED"));
    usleep(100000); // five turns of the runner
    ck_assert_int_eq(world_sql_int("SELECT state FROM catalog.import"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.product"), 0);
}
END_TEST

START_TEST(an_empty_upload_is_refused)
{
    struct answer answer;
    given_shop();
    given_gateway("5s");

    ask(import_path(), "Content-Type: text/csv\r\nContent-Length: 0\r\n", &answer);

    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.text, "IMPORT_EMPTY"));
}
END_TEST

void upload_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "upload");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_upload_is_refused_before_its_body_is_read);
    tcase_add_test(tcase, a_target_that_does_not_exist_is_refused);
    tcase_add_test(tcase, a_chunked_upload_over_the_limit_is_413_and_never_run);
    tcase_add_test(tcase, an_upload_that_breaks_off_is_never_run);
    tcase_add_test(tcase, an_empty_upload_is_refused);
}
