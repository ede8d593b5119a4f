/* hot_sku_bench.c - how many reservations a second one hot stock item takes, by number of callers.
 *
 *   eval "$(tests/support/servers up /tmp/bench)"     or TORG_TEST_POSTGRES_URL of a durable server
 *   CK_FORK=no HOT_SKU_MS=3000 build/dev/bin/hot_sku_bench
 *
 * Callers are threads that call the handler, or (the second table) the port, over and over. What it
 * prints about fsync belongs to the numbers. */
#include "suites.h"

#include "common/clock.h"
#include "inventory/v1/service.client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLERS_MAX = 256, TIMES_MAX = 200000, STOCK = 100000000 };

static const int CALLERS[] = {1, 8, 32, 256};

struct bench_caller {
    pthread_t thread;
    struct daemon *daemon;
    bool is_remote;
    int64_t until_us;
    struct uuid variant;
    int64_t count;
    int64_t *times_us;
    int64_t failed;
};

static struct status call_once(struct bench_caller *self, struct ctx *ctx)
{
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    const Inventory__V1__ReserveResponse *answer;
    struct wanted wanted = {self->variant, 1};
    Inventory__V1__ReserveRequest *req = reserve_request(ctx, uuid_v7(), &wanted, 1);

    return self->is_remote ? inventory_v1_reserve(ctx, req, &answer)
                           : inventory_reserve(ctx, req, &rep);
}

static void *run(void *argument)
{
    struct bench_caller *self = argument;
    _cleanup_(ctx_finish) struct ctx ctx = {.arena = NULL};

    ctx_init(&ctx, self->daemon, "bench", 10000);
    ctx.caller = (struct caller){.service = "gateway", .actor = "bench", .scopes = "*"};
    for (int64_t start_us = clock_monotonic_us(); start_us < self->until_us;) {
        struct status status = call_once(self, &ctx);
        int64_t end_us = clock_monotonic_us();
        if (status.code != STATUS_OK && self->failed++ == 0)
            fprintf(stderr, "%s: %s\n", status.reason, status.detail);
        if (self->count < TIMES_MAX)
            self->times_us[self->count++] = end_us - start_us;
        start_us = end_us;
        ctx_renew(&ctx, 10000);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int64_t measure_us(void)
{
    const char *ms = getenv("HOT_SKU_MS");

    return (ms != NULL ? strtoll(ms, NULL, 10) : 3000) * 1000;
}

static void measure(struct daemon *daemon, bool is_remote, int count, struct uuid variant)
{
    static struct bench_caller callers[CALLERS_MAX];
    int64_t total = 0, failed = 0, batches = RESERVE_BATCHES.values[0];
    int64_t batched = RESERVE_BATCHED.values[0], start_us = clock_monotonic_us();

    for (int i = 0; i < count; i++) {
        callers[i] = (struct bench_caller){.daemon = daemon,
                                           .is_remote = is_remote,
                                           .until_us = start_us + measure_us(),
                                           .variant = variant,
                                           .times_us = calloc(TIMES_MAX, sizeof(int64_t))};
        pthread_create(&callers[i].thread, NULL, run, &callers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(callers[i].thread, NULL);
        total += callers[i].count;
        failed += callers[i].failed;
    }
    int64_t *times_us = calloc((size_t)total, sizeof *times_us);
    int64_t next = 0;
    for (int i = 0; i < count; i++) {
        for (int64_t j = 0; j < callers[i].count; j++)
            times_us[next++] = callers[i].times_us[j];
        free(callers[i].times_us);
    }
    qsort(times_us, (size_t)total, sizeof *times_us, compare);
    int64_t elapsed_us = clock_monotonic_us() - start_us;
    batches = RESERVE_BATCHES.values[0] - batches;
    printf("%7d %10lld %9.2f %9.2f %9.1f %8lld\n", count, (long long)(total * 1000000 / elapsed_us),
           (double)times_us[total / 2] / 1000, (double)times_us[total * 99 / 100] / 1000,
           (double)(RESERVE_BATCHED.values[0] - batched) / (double)batches, (long long)failed);
    free(times_us);
}

START_TEST(hot_sku)
{
    world_setenv("LOG_LEVEL", "error");
    world_setenv("INVENTORY_THREADS", "256");
    world_setenv("INVENTORY_INFLIGHT_MAX", "512");
    world_setenv("GATEWAY_RPC_POOL", "256"); // the callers are one process
    given_inventory();
    struct uuid mug = uuid_v7();
    given_stock(given_warehouse("berlin", "DE", 1), mug, STOCK);

    for (int is_remote = 0; is_remote < 2; is_remote++) {
        struct daemon *daemon = is_remote ? world_client()->daemon : inventory;
        printf("\n%s, fsync %s, synchronous_commit %s\n", is_remote ? "over the port" : "handler",
               world_sql_text("SHOW fsync"), world_sql_text("SHOW synchronous_commit"));
        printf("callers        per s    p50 ms    p99 ms  a batch   failed\n");
        for (size_t i = 0; i < ARRAY_LEN(CALLERS); i++)
            measure(daemon, is_remote, CALLERS[i], mug);
    }
    then_the_books_are_right();
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&INVENTORY, NULL};
    Suite *suite = suite_create("hot sku");
    TCase *bench = world_case(suite, "bench");

    tcase_set_timeout(bench, 300);
    tcase_add_test(bench, hot_sku);
    return world_run(suite, SERVICES);
}
