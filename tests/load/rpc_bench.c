/* rpc_bench.c - how long one small RPC takes over loopback, between two threads of one process.
 *
 *   rpc_bench [calls [threads]]     prints the median and the tail per call, and CPU per call */
#include "chassis/service.h"
#include "common/clock.h"
#include "common/v1/error.pb-c.h"
#include "common/v1/error.schema.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CALLS_DEFAULT = 20000, WARM_UP = 500, THREADS_MAX = 256 };

struct load {
    struct daemon *daemon;
    int64_t *times_us;
    int calls;
};

static struct status echo(struct ctx *ctx, const ProtobufCMessage *request, ProtobufCMessage *reply)
{
    const Common__V1__ErrorDetail *detail = (const void *)request;

    (void)ctx;
    ((Common__V1__ErrorDetail *)(void *)reply)->reason = detail->reason;
    return status_ok();
}

static const struct rpc_method METHODS[] = {
    {.path = "/bench.v1.EchoService/Echo",
     .request = &common__v1__error_detail__schema,
     .reply = &common__v1__error_detail__schema,
     .handle = echo,
     .is_read_only = true,
     .is_idempotent = true,
     .scope = "",
     .doc = ""},
};
static const struct rpc_service ECHO = {"bench.v1.EchoService", METHODS, ARRAY_LEN(METHODS)};
static const struct rpc_service *const SERVICES[] = {&ECHO, NULL};
static const struct service SERVER = {.name = "bench", .rpc = SERVICES};
static const char *const CALLS[] = {"bench", NULL};
static const struct service CLIENT = {.name = "caller", .calls = CALLS};
static const struct rpc_method_ref ECHO_REF = {"bench", "/bench.v1.EchoService/Echo",
                                               &common__v1__error_detail__schema,
                                               &common__v1__error_detail__schema, true};

static void *run(void *closure)
{
    struct load *load = closure;
    _cleanup_(ctx_finish) struct ctx ctx = {.arena = NULL};
    Common__V1__ErrorDetail request = COMMON__V1__ERROR_DETAIL__INIT;

    request.reason = "HELLO";
    ctx_init(&ctx, load->daemon, "bench", 5000);
    for (int i = -WARM_UP; i < load->calls; i++) {
        struct rpc_call call = {.method = &ECHO_REF, .request = &request.base};
        ctx_renew(&ctx, 5000);
        int64_t start_us = clock_monotonic_us();
        struct status status = rpc_call_one(&ctx, &call);
        if (status.code != STATUS_OK) {
            fprintf(stderr, "%s: %s\n", status.reason, str_or_empty(status.detail));
            exit(EXIT_FAILURE);
        }
        if (i >= 0)
            load->times_us[i] = clock_monotonic_us() - start_us;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void start(struct daemon **ret_server, struct daemon **ret_client)
{
    char url[64];
    int port = 0, unused = 0;

    setenv("TORG_CALL_KEYS", "caller:k1:000102030405060708090a0b0c0d0e0f", 1);
    setenv("BENCH_LISTEN", "127.0.0.1:0", 1);
    setenv("CALLER_LISTEN", "127.0.0.1:0", 1);
    setenv("LOG_LEVEL", "warn", 1);
    if (service_start(&SERVER, ret_server, &port).code != STATUS_OK)
        exit(EXIT_FAILURE);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    setenv("BENCH_URL", url, 1);
    if (service_start(&CLIENT, ret_client, &unused).code != STATUS_OK)
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    int calls = argc > 1 ? (int)strtol(argv[1], NULL, 10) : CALLS_DEFAULT;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    struct daemon *server = NULL, *client = NULL;
    pthread_t ids[THREADS_MAX];
    struct load loads[THREADS_MAX];

    if (calls < 1 || threads < 1 || threads > THREADS_MAX)
        return EXIT_FAILURE;
    start(&server, &client);
    int64_t *times_us = calloc((size_t)(calls * threads), sizeof *times_us);
    int64_t cpu_start_us = cpu_us(), start_us = clock_monotonic_us();
    for (int i = 0; i < threads; i++) {
        loads[i] = (struct load){client, times_us + (ptrdiff_t)i * calls, calls};
        pthread_create(&ids[i], NULL, run, &loads[i]);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    int64_t wall_us = clock_monotonic_us() - start_us, cpu_used_us = cpu_us() - cpu_start_us;
    int64_t total = (int64_t)calls * threads, made = (int64_t)(calls + WARM_UP) * threads;
    qsort(times_us, (size_t)total, sizeof *times_us, compare);
    printf(
        "calls %lld threads %d p50 %lld us p90 %lld us p99 %lld us cpu/call %lld us %lld calls/s\n",
        (long long)total, threads, (long long)times_us[total / 2],
        (long long)times_us[total * 9 / 10], (long long)times_us[total * 99 / 100],
        (long long)(cpu_used_us / made), (long long)(made * 1000000 / wall_us));
    free(times_us);
    service_stop(client);
    service_stop(server);
    return EXIT_SUCCESS;
}
