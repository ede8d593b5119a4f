/* main.c - the table of contents of the simulator. */
#include "simulator.h"

#include "common/clock.h"

#define FIELD(member) offsetof(struct simulator, member)

enum { ARENA_BYTES = 1 << 30 };

static const struct config_field CONFIG[] = {
    {"STRIPE_SIMULATOR_WEBHOOK_URL", CONFIG_STRING, FIELD(webhook_url), "", 0, 0, false,
     "where webhooks are sent; empty: they wait to be fetched"},
    {"STRIPE_SIMULATOR_WEBHOOK_SECRET", CONFIG_STRING, FIELD(webhook_secret), "whsec_simulator", 1,
     255, true, "what signs them"},
    {"STRIPE_SIMULATOR_SEND_INTERVAL", CONFIG_DURATION_MS, FIELD(send_interval_ms), "20ms", 1,
     60000, false, "how often due webhooks are sent"},
    {0},
};

static const struct http_mount MOUNTS[] = {
    {"/v1/", simulator_api, 0, false},
    {"/control/", simulator_control, 0, false},
    {0},
};

static const struct sweep SWEEPS[] = {
    {"send_webhooks", notices_send, FIELD(send_interval_ms), 30000},
    {0},
};

static struct status start(struct ctx *boot)
{
    struct simulator *self = ctx_state(boot);

    pthread_mutex_init(&self->lock, NULL);
    self->arena = arena_create(ARENA_BYTES);
    self->notice_copies = 1;
    self->begun_ms = clock_now_us() / 1000;
    return status_ok();
}

static void stop(void *state)
{
    struct simulator *self = state;

    notices_stop(self);
    arena_destroy(self->arena);
    pthread_mutex_destroy(&self->lock);
}

static const struct service STRIPE_SIMULATOR = {
    .name = "stripe-simulator",
    .doc = "a stand-in for Stripe that fails on command",
    .mounts = MOUNTS,
    .sweeps = SWEEPS,
    .config = CONFIG,
    .state_size = sizeof(struct simulator),
    .start = start,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return service_main(&STRIPE_SIMULATOR, argc, argv);
}
