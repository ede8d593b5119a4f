/* life_daemon.c - the smallest daemon, for life_test. */
#include "chassis/service.h"

#include <time.h>

struct life {
    int64_t nap_ms;
};

static void nap(struct ctx *ctx, const struct http_request *request, struct http_response *response)
{
    const struct life *life = ctx_state(ctx);

    (void)request;
    nanosleep(&(struct timespec){life->nap_ms / 1000, life->nap_ms % 1000 * 1000000}, NULL);
    buffer_puts(&response->body, "awake\n");
}

static const struct config_field CONFIG[] = {
    {"LIFE_NAP", CONFIG_DURATION_MS, offsetof(struct life, nap_ms), "1s", 1, 5000, false,
     "how long a request sleeps"},
    {.name = NULL},
};
static const struct http_mount MOUNTS[] = {{"/nap", nap, 0, false}, {.prefix = NULL}};
static const struct service LIFE = {
    .name = "life",
    .doc = "sleeps",
    .config = CONFIG,
    .state_size = sizeof(struct life),
    .mounts = MOUNTS,
};

int main(int argc, char **argv)
{
    return service_main(&LIFE, argc, argv);
}
