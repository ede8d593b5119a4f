/* shop.c - requests to the shop, and what is asserted of its answers. */
#include "shop.h"

#include "common/clock.h"
#include "common/str.h"
#include "common/uuid.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS = 20000,
    POLL_US = 50000,
    TEST_SECONDS = 240,
    ANSWER_MAX = 4 * 1024 * 1024,
    ANSWER_USUAL = 4096
};

_Thread_local struct arena *arena;

static _Thread_local CURL *connection;
static _Thread_local int gateway; /* from 0 */

static void begin(void)
{
    shop_connect(arena_create(64 * 1024 * 1024), 0);
}

static void end(void)
{
    shop_disconnect();
    arena_destroy(arena);
}

TCase *shop_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_set_timeout(tcase, TEST_SECONDS);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int shop_run(Suite *suite)
{
    if (getenv("TORG_SHOP_URL") == NULL) {
        fprintf(stderr, "no shop: run this by tests/run, or set TORG_SHOP_URL, TORG_SHOP_KAFKA and"
                        " TORG_SHOP_VAR\n");
        return EXIT_FAILURE;
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *shop_setting(const char *name)
{
    const char *value = getenv(name);
    ck_assert_msg(value != NULL, "%s is not set", name);
    return value;
}

static const char *first_line(const char *name) /* of a file of the shop's var/env */
{
    const char *path = arena_printf(arena, "%s/env/%s", shop_setting("TORG_SHOP_VAR"), name);
    char line[256] = "";
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL && fgets(line, sizeof line, file) != NULL, "cannot read %s", path);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return arena_strdup(arena, line);
}

static size_t keep(char *data, size_t size, size_t count, void *closure)
{
    struct buffer *body = closure;
    if (body->length + size * count > ANSWER_MAX)
        return 0;
    buffer_append(body, data, size * count);
    return size * count;
}

static const char *gateway_url(void)
{
    return shop_setting(gateway == 0 ? "TORG_SHOP_URL" : "TORG_SHOP_URL_2");
}

static struct curl_slist *with(struct curl_slist *headers, const char *name, const char *value)
{
    return curl_slist_append(headers, arena_printf(arena, "%s: %s", name, value));
}

static struct curl_slist *of_json(void)
{
    return with(NULL, "Content-Type", "application/json");
}

static struct answer request(const char *method, const char *url, const char *sent,
                             struct curl_slist *headers)
{
    struct buffer body;
    struct answer answer = {0};

    buffer_init(&body, arena, ANSWER_USUAL);
    buffer_puts(&body, "");
    curl_easy_reset(connection);
    curl_easy_setopt(connection, CURLOPT_URL, url);
    curl_easy_setopt(connection, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(connection, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(connection, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(connection, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(connection, CURLOPT_WRITEDATA, &body);
    if (sent != NULL)
        curl_easy_setopt(connection, CURLOPT_POSTFIELDS, sent);
    int64_t begun_us = clock_monotonic_us();
    CURLcode code = curl_easy_perform(connection);
    answer.took_us = clock_monotonic_us() - begun_us;
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        curl_easy_getinfo(connection, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.text = code == CURLE_OK ? body.data : curl_easy_strerror(code);
    if (json_parse(arena, body.data, body.length, &answer.body).code != STATUS_OK)
        answer.body = NULL;
    return answer;
}

struct answer store(const char *method, const char *path, const char *json, const char *key)
{
    return store_for_version(method, path, json, key, 0);
}

struct answer store_for_version(const char *method, const char *path, const char *json,
                                const char *key, int64_t version)
{
    struct curl_slist *headers =
        with(of_json(), "Torg-Publishable-Key", first_line("publishable-key-eu"));
    if (key != NULL)
        headers = with(headers, "Idempotency-Key", key);
    if (version > 0)
        headers = with(headers, "If-Match", arena_printf(arena, "\"%" PRId64 "\"", version));
    return request(method, arena_printf(arena, "%s/store/v1%s", gateway_url(), path), json,
                   headers);
}

struct answer store_with(const char *method, const char *path, const char *json, const char *header,
                         const char *value)
{
    struct curl_slist *headers = of_json();
    if (strcmp(header, "Torg-Publishable-Key") != 0)
        headers = with(headers, "Torg-Publishable-Key", first_line("publishable-key-eu"));
    return request(method, arena_printf(arena, "%s/store/v1%s", gateway_url(), path), json,
                   with(headers, header, value));
}

struct answer store_keyed(const char *method, const char *path, const char *json, const char *key,
                          const char *token)
{
    struct curl_slist *headers =
        with(of_json(), "Torg-Publishable-Key", first_line("publishable-key-eu"));
    headers = with(headers, "Authorization", arena_printf(arena, "Bearer %s", token));
    return request(method, arena_printf(arena, "%s/store/v1%s", gateway_url(), path), json,
                   with(headers, "Idempotency-Key", key));
}

static struct answer as_admin(const char *method, const char *path, const char *sent,
                              struct curl_slist *headers)
{
    const char *bearer = arena_printf(arena, "Bearer %s", first_line("admin-api-key"));
    return request(method, arena_printf(arena, "%s/admin/v1%s", gateway_url(), path), sent,
                   with(headers, "Authorization", bearer));
}

static struct answer admin_keyed(const char *method, const char *path, const char *json,
                                 const char *key)
{
    return as_admin(method, path, json, with(of_json(), "Idempotency-Key", key));
}

struct answer admin(const char *method, const char *path, const char *json)
{
    return as_admin(method, path, json, of_json());
}

struct answer admin_csv(const char *path, const char *csv)
{
    return as_admin("POST", path, csv, with(NULL, "Content-Type", "text/csv"));
}

struct answer admin_as(const char *key, const char *path)
{
    return request("GET", arena_printf(arena, "%s/admin/v1%s", gateway_url(), path), NULL,
                   with(NULL, "Authorization", arena_printf(arena, "Bearer %s", key)));
}

struct answer anonymous(const char *path)
{
    return request("GET", arena_printf(arena, "%s%s", gateway_url(), path), NULL, NULL);
}

bool is_passing(struct answer answer)
{
    const struct json_node *reason = answer.body == NULL ? NULL : node_at(answer, "reason");
    bool is_conflict = reason != NULL && str_equal(reason->text, "CONFLICT");

    return answer.status == 0 || answer.status == 408 || answer.status == 429 ||
           answer.status == 503 || answer.status == 504 || (answer.status == 409 && is_conflict);
}

struct answer patiently(struct answer (*ask)(const void *what), const void *what)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    struct answer answer;

    while (is_passing(answer = ask(what)) && clock_monotonic_us() < deadline_us) {
        shop_turn(); // as a load balancer would
        usleep(POLL_US);
    }
    return answer;
}

struct plea {
    struct answer (*send)(const char *method, const char *path, const char *json, const char *key);
    const char *method, *path, *json;
    char key[UUID_TEXT_LENGTH + 1];
};

static struct answer plead(const void *what)
{
    const struct plea *plea = what;
    return plea->send(plea->method, plea->path, plea->json, plea->key);
}

struct answer store_patiently(const char *method, const char *path, const char *json)
{
    struct plea plea = {.send = store, .method = method, .path = path, .json = json};

    uuid_format(uuid_v7(), plea.key);
    return patiently(plead, &plea);
}

struct answer admin_patiently(const char *method, const char *path, const char *json)
{
    struct plea plea = {.send = admin_keyed, .method = method, .path = path, .json = json};

    uuid_format(uuid_v7(), plea.key);
    return patiently(plead, &plea);
}

struct answer simulator(const char *path, const char *form)
{
    return request(form == NULL ? "GET" : "POST",
                   arena_printf(arena, "%s/control%s", shop_setting("TORG_SHOP_STRIPE"), path),
                   form, NULL);
}

struct answer mailbox(const char *address)
{
    return request(
        "GET",
        arena_printf(arena, "%s/api/user/%s/messages", shop_setting("TORG_SHOP_MAIL"), address),
        NULL, NULL);
}

void shop_connect(struct arena *own, int number)
{
    arena = own;
    connection = curl_easy_init();
    gateway = number % shop_replicas();
}

void shop_turn(void)
{
    gateway = (gateway + 1) % shop_replicas();
}

void shop_disconnect(void)
{
    curl_easy_cleanup(connection);
}

void shop_forked(void)
{
    connection = curl_easy_init();
}

static const struct json_node *step(const struct json_node *node, const char *name)
{
    if (node == NULL || node->kind != JSON_ARRAY)
        return json_member(node, name);
    node = node->child;
    for (long i = strtol(name, NULL, 10); i > 0 && node != NULL; i--)
        node = node->next;
    return node;
}

const struct json_node *node_at(struct answer answer, const char *path)
{
    const struct json_node *node = answer.body;
    char *names = arena_strdup(arena, path), *rest = NULL;
    for (char *name = strtok_r(names, ".", &rest); name && node; name = strtok_r(NULL, ".", &rest))
        node = step(node, name);
    return node;
}

const char *text_at(struct answer answer, const char *path)
{
    const struct json_node *node = node_at(answer, path);
    ck_assert_msg(node != NULL && node->text != NULL, "no %s in the answer %ld: %.2000s", path,
                  answer.status, answer.text);
    return node->text;
}

int64_t int_at(struct answer answer, const char *path)
{
    const struct json_node *node = node_at(answer, path);
    return node == NULL || node->text == NULL ? 0 : strtoll(node->text, NULL, 10);
}

struct answer expect(struct answer answer, long status)
{
    ck_assert_msg(answer.status == status, "expected status %ld, got %ld: %.2000s", status,
                  answer.status, answer.text);
    return answer;
}

struct answer expect_problem(struct answer answer, long status, const char *reason)
{
    expect(answer, status);
    ck_assert_str_eq(text_at(answer, "reason"), reason);
    return answer;
}

static bool is_wanted(const struct json_node *node, const char *wanted)
{
    if (wanted == NULL)
        return node == NULL || node->kind == JSON_FALSE || node->kind == JSON_NULL ||
               (node->text != NULL && strcmp(node->text, "0") == 0);
    return node != NULL && node->text != NULL && strcmp(node->text, wanted) == 0;
}

static struct answer poll_until(struct answer (*ask)(const char *path), const char *path,
                                const char *member, const char *wanted)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    for (;;) {
        struct answer answer = ask(path);
        if (answer.body != NULL && !is_passing(answer) && // a problem has no members either
            is_wanted(node_at(answer, member), wanted))
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "%s of %s did not become %s within %d s; last answer %ld: %s", member, path,
                      wanted ? wanted : "absent", WAIT_MS / 1000, answer.status, answer.text);
        if (is_passing(answer))
            shop_turn();
        usleep(POLL_US);
    }
}

static struct answer ask_store(const char *path)
{
    return store("GET", path, NULL, NULL);
}

static struct answer ask_admin(const char *path)
{
    return admin("GET", path, NULL);
}

struct answer until(const char *path, const char *member, const char *wanted)
{
    return poll_until(ask_store, path, member, wanted);
}

struct answer admin_until(const char *path, const char *member, const char *wanted)
{
    return poll_until(ask_admin, path, member, wanted);
}

struct answer mail_until(const char *address, const char *phrase)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    for (;;) {
        struct answer answer = mailbox(address);
        if (answer.status == 200 && strstr(answer.text, phrase) != NULL)
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "no mail to %s with \"%s\" within %d s: %s", address, phrase, WAIT_MS / 1000,
                      answer.text);
        usleep(POLL_US);
    }
}

void shop_script(const char *command)
{
    const char *line =
        arena_printf(arena, "TORG_VAR='%s' '%s/deploy/local/'%s >>'%s/log/scripts.log' 2>&1",
                     shop_setting("TORG_SHOP_VAR"), shop_setting("TORG_ROOT"), command,
                     shop_setting("TORG_SHOP_VAR"));
    ck_assert_msg(system(line) == 0, "deploy/local/%s failed; see %s/log/scripts.log", command,
                  shop_setting("TORG_SHOP_VAR"));
}

int shop_replicas(void)
{
    const char *count = getenv("TORG_SHOP_REPLICAS");
    return count == NULL ? 1 : (int)strtol(count, NULL, 10);
}
