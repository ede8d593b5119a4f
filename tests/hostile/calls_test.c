/* calls_test.c - a daemon whose caller signs well and speaks nonsense: every method gets bodies
 * that no parser takes, that break each of its rules, and that keep all rules but make no sense.
 * Each is answered, refused with a reason where it is wrong, and never with a fault of the
 * daemon's.
 *
 * One suite a daemon; its tables of methods are linked in. */
#include "peer.h"
#include "target.h"
#include "wire.h"

#include "chassis/service.h"
#include "config.h"
#include "rpc.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { METHODS_MAX = 200, PATIENCE_MS = 20000, KEYS_LENGTH = 8192, SEEDS = 40 };

extern const struct service SERVICE; /* -DSERVICE=INVENTORY */

static const struct service STRANGER = {.name = "stranger"};
static const struct rpc_method *methods[METHODS_MAX];
static int method_count;
static struct target target;
static struct daemon stranger;
static int connection = -1;
static long asked;

/* Outside of tests: nothing is asserted. */
static void add_methods(const struct rpc_service *const *tables)
{
    for (; tables && *tables; tables++)
        for (size_t i = 0; i < (*tables)->method_count; i++) {
            if (method_count == METHODS_MAX)
                abort();
            methods[method_count++] = &(*tables)->methods[i];
        }
}

static void collect_methods(void)
{
    add_methods(SERVICE.rpc);
    for (size_t i = 0; SERVICE.components && SERVICE.components[i]; i++)
        add_methods(SERVICE.components[i]->rpc);
}

/* The keys that the daemon knows are those of its callers. */
static void take_keys(void)
{
    static char keys[KEYS_LENGTH];

    target_setting(&target, "TORG_CALL_KEYS=", keys, sizeof keys);
    ck_assert_int_eq(setenv("TORG_CALL_KEYS", keys, 1), 0);
    stranger = (struct daemon){.service = &STRANGER, .arena = arena_create(1 << 20)};
    ck_assert_int_eq(settings_read_keys(&stranger), 0);
}

/* One method under attack. */
struct attack {
    struct ctx ctx;
    struct arena *arena; /* of the bodies */
    const struct rpc_method *method;
    const char *type, *signature;
    const char *reason; /* that every body must be refused with; NULL: any but our own faults */
};

static const char *sign(struct attack *attack)
{
    static const char *const ANYBODY[] = {"gateway", NULL};
    const char *const *caller = attack->method->callers;
    const char *signature = NULL;

    attack->ctx.caller = (struct caller){
        .actor = "key:stranger", .scopes = "*", .reason = "a test of hostile callers"};
    for (caller = caller && *caller ? caller : ANYBODY; *caller && !signature; caller++)
        signature = call_context_sign(&attack->ctx, stranger.keys, *caller);
    ck_assert_msg(signature, "%s: no key of a caller", attack->method->path);
    return signature;
}

static void attack_begin(struct attack *attack, const struct rpc_method *method, const char *type)
{
    *attack = (struct attack){.method = method, .type = type, .arena = arena_create(64 << 20)};
    ctx_init(&attack->ctx, &stranger, "hostile", PATIENCE_MS);
    if (!stranger.keys)
        ck_assert_int_eq(call_keys_open(&attack->ctx, &stranger).code, STATUS_OK);
    attack->signature = sign(attack);
}

static void attack_end(struct attack *attack)
{
    ctx_finish(&attack->ctx);
    arena_destroy(attack->arena);
}

static void send_body(const struct attack *attack, const struct buffer *body,
                      struct answer *ret_answer)
{
    struct buffer request;

    buffer_init(&request, attack->arena, body->length + 1024);
    buffer_printf(&request,
                  "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n"
                  "Connect-Protocol-Version: 1\r\nTorg-Context: %s\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  attack->method->path, attack->type, attack->signature, body->length);
    buffer_append(&request, body->data, body->length);
    if (connection < 0)
        connection = peer_connect(target.port);
    peer_send_n(connection, request.data, request.length); /* at once: Nagle waits for ACKs */
    peer_read_one(connection, PATIENCE_MS, ret_answer);
    bool has_more = ret_answer->length == sizeof ret_answer->text - 1;
    if (!ret_answer->status || ret_answer->is_closed || has_more ||
        strstr(ret_answer->text, "Connection: close\r\n")) {
        close(connection);
        connection = -1;
    }
}

static const char *reason_of(struct attack *attack, const struct answer *answer)
{
    const char *body = strstr(answer->text, "\r\n\r\n");
    struct status status = rpc_error_decode(&attack->ctx, answer->status, "application/json",
                                            body ? body + 4 : "", body ? strlen(body + 4) : 0);

    return str_or_empty(status.reason);
}

static void ask(void *closure, const char *label, const struct buffer *body)
{
    static struct answer answer; /* large */
    struct attack *attack = closure;
    const char *path = attack->method->path;

    bool was_kept = connection >= 0;
    send_body(attack, body, &answer);
    if (was_kept && !answer.length) /* it was closed meanwhile: as any client, once more */
        send_body(attack, body, &answer);
    asked++;
    ck_assert_msg(answer.status, "%s, %s: no answer", path, label);
    ck_assert_msg(answer.status < 500, "%s, %s: %s", path, label, answer.text);
    const char *reason = answer.status == 200 ? "" : reason_of(attack, &answer);
    ck_assert_msg(answer.status == 200 || (*reason && !str_equal(reason, "REMOTE")),
                  "%s, %s: no reason in %s", path, label, answer.text);
    ck_assert_msg(!attack->reason || (answer.status == 400 && str_equal(reason, attack->reason)),
                  "%s, %s: not refused as %s: %s", path, label, attack->reason, answer.text);
}

static struct wire wire_of(struct attack *attack)
{
    return (struct wire){attack->arena, attack->method->request, ask, attack};
}

START_TEST(the_daemon_runs)
{
    target.name = SERVICE.name;
    target_find(&target);
    take_keys();
}
END_TEST

START_TEST(what_is_no_message_is_refused_as_such)
{
    struct attack attack;

    attack_begin(&attack, methods[_i], "application/proto");
    attack.reason = "MALFORMED_MESSAGE";
    const struct wire wire = wire_of(&attack);
    wire_broken(&wire);
    wire_misfits(&wire);
    attack_end(&attack);
}
END_TEST

START_TEST(what_breaks_a_rule_is_refused_as_such)
{
    struct attack attack;

    attack_begin(&attack, methods[_i], "application/proto");
    attack.reason = "INVALID_REQUEST";
    const struct wire wire = wire_of(&attack);
    wire_breaches(&wire);
    attack_end(&attack);
}
END_TEST

START_TEST(what_keeps_the_rules_finds_no_fault_in_the_daemon)
{
    struct attack attack;

    attack_begin(&attack, methods[_i], "application/proto");
    const struct wire wire = wire_of(&attack);
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        wire_plausible(&wire, seed + (uint64_t)_i * SEEDS);
    attack_end(&attack);
}
END_TEST

static const struct {
    const char *label, *text;
    size_t repeat;
} NO_JSON[] = {
    {"nothing", "", 1},
    {"a list", "[]", 1},
    {"null", "null", 1},
    {"a number", "1", 1},
    {"half an object", "{\"id\":", 1},
    {"two objects", "{}{}", 1},
    {"lists nested deep", "[", 100 * 1000},
    {"objects nested deep", "{\"a\":", 100 * 1000},
    {"a name that is not ours", "{\"__proto__\":{}}", 1},
    {"a bare word", "{id:1}", 1},
    {"no UTF-8", "{\"id\":\"\xff\"}", 1},
    {"a NUL in a text", "{\"id\":\"\\u0000\"}", 1},
    {"half a surrogate", "{\"id\":\"\\ud800\"}", 1},
};

START_TEST(what_is_no_json_of_the_message_is_refused)
{
    struct attack attack;

    attack_begin(&attack, methods[_i], "application/json");
    attack.reason = "MALFORMED_JSON";
    for (size_t i = 0; i < ARRAY_LEN(NO_JSON); i++) {
        struct buffer body;
        buffer_init(&body, attack.arena, 64);
        for (size_t n = 0; n < NO_JSON[i].repeat; n++)
            buffer_puts(&body, NO_JSON[i].text);
        ask(&attack, NO_JSON[i].label, &body);
    }
    attack_end(&attack);
}
END_TEST

START_TEST(the_daemon_still_runs_and_answers)
{
    struct answer answer;

    printf("# %ld bodies at %d methods of %s\n", asked, method_count, SERVICE.name);
    ck_assert_msg(!kill(target.pid, 0), "%s is gone", target.name);
    peer_ask(target.port, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    arena_destroy(stranger.arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile calls");
    TCase *tcase = tcase_create("calls");

    collect_methods();
    tcase_add_test(tcase, the_daemon_runs);
    tcase_add_loop_test(tcase, what_is_no_message_is_refused_as_such, 0, method_count);
    tcase_add_loop_test(tcase, what_breaks_a_rule_is_refused_as_such, 0, method_count);
    tcase_add_loop_test(tcase, what_is_no_json_of_the_message_is_refused, 0, method_count);
    tcase_add_loop_test(tcase, what_keeps_the_rules_finds_no_fault_in_the_daemon, 0, method_count);
    tcase_add_test(tcase, the_daemon_still_runs_and_answers);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one connection, one pair of keys */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
