/* idempotency_test.c - one key, one effect, one answer. */
#include "daemon.h"
#include "probe.h"

#include "common/v1/money.pb-c.h"

#include <pthread.h>
#include <string.h>

enum { CALLERS = 8 };

/* A handler: adds an item and answers with an amount. */
struct call {
    struct ctx *ctx;
    struct idempotency idempotency;
    Common__V1__Money reply;
    const char *item;
    int64_t amount;
    struct status status;
};

static void prepare(struct call *call, struct daemon *daemon, const char *key, const char *body)
{
    *call = (struct call){.ctx = world_ctx(daemon), .item = "mug", .amount = 1};
    common__v1__money__init(&call->reply);
    call->idempotency = (struct idempotency){
        .key = key, .scope = "gateway /probe.v1.ProbeService/Add", .reply = &call->reply.base};
    strncpy((char *)call->idempotency.fingerprint, body, sizeof call->idempotency.fingerprint - 1);
    call->ctx->idempotency = &call->idempotency;
}

static struct status handle(struct call *call)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(call->ctx, &tx));
    TRY(db_exec(tx, &ADD_ITEM,
                DB_ARGS(db_uuid(uuid_v7()), db_text(call->item), db_int(call->amount)), NULL));
    call->reply.minor_units = call->amount;
    return db_commit(&tx);
}

static int64_t replayed_amount(const struct call *call)
{
    Common__V1__Money *reply = common__v1__money__unpack(NULL, call->idempotency.replayed.length,
                                                         call->idempotency.replayed.data);

    ck_assert_ptr_nonnull(reply);
    int64_t amount = reply->minor_units;
    common__v1__money__free_unpacked(reply, NULL);
    return amount;
}

START_TEST(a_second_call_with_the_key_gets_the_first_ones_reply)
{
    struct daemon *probe = world_start(&PROBE);
    struct call first, second;

    prepare(&first, probe, "k", "body");
    first.amount = 41;
    then_ok(handle(&first));
    prepare(&second, probe, "k", "body");
    second.amount = 42;
    then_code(handle(&second), STATUS_REPLAYED);

    ck_assert_int_eq(replayed_amount(&second), 41);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM item"), 1);
}
END_TEST

START_TEST(the_key_with_another_body_is_refused)
{
    struct daemon *probe = world_start(&PROBE);
    struct call first, second;

    prepare(&first, probe, "k", "body");
    then_ok(handle(&first));
    prepare(&second, probe, "k", "another body");
    then_reason(handle(&second), STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED");
}
END_TEST

START_TEST(another_scope_is_another_key)
{
    struct daemon *probe = world_start(&PROBE);
    struct call first, second;

    prepare(&first, probe, "k", "body");
    then_ok(handle(&first));
    prepare(&second, probe, "k", "body");
    second.item = "tee";
    second.idempotency.scope = "gateway /probe.v1.ProbeService/Change";
    then_ok(handle(&second));
}
END_TEST

START_TEST(a_refused_call_leaves_its_key_free)
{
    struct daemon *probe = world_start(&PROBE);
    struct call first, second;

    given_item(probe, "mug", 1);
    prepare(&first, probe, "k", "body");
    then_code(handle(&first), STATUS_ALREADY_EXISTS);
    prepare(&second, probe, "k", "body");
    second.item = "tee";
    then_ok(handle(&second));
}
END_TEST

START_TEST(later_transactions_of_the_same_call_are_not_replays)
{
    struct daemon *probe = world_start(&PROBE);
    struct call call;

    prepare(&call, probe, "k", "body");
    then_ok(handle(&call));
    call.item = "tee";
    then_ok(handle(&call));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM idempotency"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM item"), 2);
}
END_TEST

static void *handle_in_thread(void *closure)
{
    struct call *call = closure;

    call->status = handle(call);
    return NULL;
}

START_TEST(of_concurrent_calls_one_acts_and_the_others_get_its_reply)
{
    struct daemon *probe = world_start(&PROBE);
    struct call calls[CALLERS];
    pthread_t threads[CALLERS];
    int64_t done = 0;

    for (int64_t i = 0; i < CALLERS; i++) {
        prepare(&calls[i], probe, "k", "body");
        calls[i].amount = 100 + i;
    }
    for (size_t i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, handle_in_thread, &calls[i]);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);

    int64_t amount = world_sql_int("SELECT quantity FROM item");
    for (size_t i = 0; i < CALLERS; i++) {
        done += calls[i].status.code == STATUS_OK;
        if (calls[i].status.code == STATUS_OK)
            continue;
        then_code(calls[i].status, STATUS_REPLAYED);
        ck_assert_int_eq(replayed_amount(&calls[i]), amount);
    }
    ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(expired_keys_are_removed_and_younger_ones_stay)
{
    world_sql("INSERT INTO idempotency SELECT 's', 'old ' || n, '', '', now() - interval '25 hours'"
              " FROM generate_series(1, 1200) AS n");
    world_sql("INSERT INTO idempotency VALUES ('s', 'young', '', '', now() - interval '23 hours')");

    world_start(&PROBE);

    world_until(1, "SELECT count(*) FROM idempotency");
    ck_assert_str_eq(world_sql_text("SELECT key FROM idempotency"), "young");
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis idempotency");
    TCase *keys = world_case(suite, "keys");

    tcase_add_test(keys, a_second_call_with_the_key_gets_the_first_ones_reply);
    tcase_add_test(keys, the_key_with_another_body_is_refused);
    tcase_add_test(keys, another_scope_is_another_key);
    tcase_add_test(keys, a_refused_call_leaves_its_key_free);
    tcase_add_test(keys, later_transactions_of_the_same_call_are_not_replays);
    tcase_add_test(keys, of_concurrent_calls_one_acts_and_the_others_get_its_reply);
    tcase_add_test(keys, expired_keys_are_removed_and_younger_ones_stay);
    return world_run(suite, SERVICES);
}
