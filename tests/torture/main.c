/* main.c - the torture from the opening of the shop to the verdict; printed as TAP.
 *
 *   torture SEED SECONDS        TORG_VAR, TORG_BUILD, TORG_PORT_BASE and TORG_TORTURE say where
 *
 * tests/torture/run calls it. */
#include "torture.h"

#include "common/str.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LONG_S = 25 * 60, /* from here on every kind of fault must have happened */
    WARM_SALES = 5,
    WARM_MS = 30000,
    HEALED_MS = 120000,
    SETTLED_MS = 240000,
};

struct crowd {
    const char *kind;
    int count;
    void *(*run)(void *client);
};

static const struct crowd CROWDS[] = {
    {"guest", 4, buyer_run},
    {"customer", 2, buyer_run},
    {"admin", 2, admin_run},
    {"importer", 1, importer_run},
};

static struct client clients[CLIENTS_MAX];
static pthread_t threads[CLIENTS_MAX];
static int client_count;
static struct schedule schedule;
static int verdicts, failures;

static void verdict(bool is_good, const char *what)
{
    printf("%sok %d - %s\n", is_good ? "" : "not ", ++verdicts, what);
    fflush(stdout);
    failures += !is_good;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL) {
        fprintf(stderr, "%s is not set: run tests/torture/run\n", name);
        exit(EXIT_FAILURE);
    }
    return value;
}

static const char *first_line(struct arena *arena, const char *path)
{
    char line[256] = "";
    FILE *file = fopen(path, "r");

    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        fprintf(stderr, "cannot read %s\n", path);
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return arena_strdup(arena, line);
}

static void find_shop(struct shop *shop, struct arena *arena)
{
    int64_t port = 0;

    (void)str_to_int64(environment("TORG_PORT_BASE"), &port);
    shop->var = environment("TORG_VAR");
    shop->hand = arena_printf(arena, "%s/hand", environment("TORG_TORTURE"));
    shop->gateways[0] = arena_printf(arena, "http://127.0.0.1:%" PRId64, port);
    shop->gateways[1] = arena_printf(arena, "http://127.0.0.1:%" PRId64, port + 20);
    shop->simulator = arena_printf(arena, "http://127.0.0.1:%" PRId64, port + 37);
}

static void find_keys(struct shop *shop, struct arena *arena)
{
    shop->publishable_key =
        first_line(arena, arena_printf(arena, "%s/env/publishable-key-eu", shop->var));
    shop->admin_key = first_line(arena, arena_printf(arena, "%s/env/admin-api-key", shop->var));
}

static void clients_start(struct shop *shop, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(CROWDS); i++)
        for (int k = 0; k < CROWDS[i].count; k++, client_count++) {
            client_init(&clients[client_count], shop, CROWDS[i].kind, k, seed);
            pthread_create(&threads[client_count], NULL, CROWDS[i].run, &clients[client_count]);
        }
}

static void clients_stop(struct shop *shop)
{
    atomic_store(&shop->is_closing, true);
    for (int i = 0; i < client_count; i++) {
        pthread_join(threads[i], NULL);
        client_finish(&clients[i]);
    }
}

static bool wait_for_sales(int64_t count, int64_t limit_ms)
{
    const int64_t until_ms = history_now_ms() + limit_ms;

    while (history_sales() < count && history_now_ms() < until_ms)
        usleep(100000);
    return history_sales() >= count;
}

/* Everything broken is mended; now nobody helps any more. */
static void heal(void)
{
    verdict(process_hand("heal") == 0 && schedule_wait_well(HEALED_MS),
            "everything answers when nothing is broken any more");
}

static void settle(struct arena *arena)
{
    const int64_t from_ms = history_now_ms();
    int status = 1;
    const char *left = "";

    while (status != 0 && history_now_ms() - from_ms < SETTLED_MS) {
        left = process_ask(arena, "settled", &status);
        if (status != 0)
            usleep(500000);
    }
    printf("# settled %.1f s after the last client left; what is left to do: %s",
           (double)(history_now_ms() - from_ms) / 1000, left);
    verdict(status == 0, "nothing is left to be done, lag is zero");
}

static void check_invariants(struct arena *arena)
{
    int status;
    char *lines = process_ask(arena, "invariants", &status), *rest = NULL;

    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (strstr(line, " 0 broken  ok") == NULL)
            printf("# %s\n", line);
    verdict(status == 0, "the invariants hold");
}

static void torture(struct shop *shop, uint64_t seed, int64_t seconds)
{
    const int64_t from_ms = history_now_ms();

    clients_start(shop, seed);
    verdict(wait_for_sales(WARM_SALES, WARM_MS), "the shop sells before anything breaks");
    schedule_make(&schedule, seed);
    schedule_run(&schedule, from_ms + seconds * 1000);
    verdict(schedule_failures(&schedule) == 0, "after each round everything answers again");
    verdict(wait_for_sales(history_sales() + WARM_SALES, HEALED_MS), "the shop sells at the end");
    clients_stop(shop);
}

static void summarize(uint64_t seed, int64_t seconds)
{
    const char *commit = getenv("TORG_COMMIT");

    printf("# --- seed %" PRIu64 ", %" PRId64 " s, commit %s, %" PRId64 " sales\n", seed, seconds,
           commit ? commit : "unknown", history_sales());
    schedule_print_summary(&schedule);
    history_print_outcomes();
    int missing = schedule_print_missing(&schedule);
    if (seconds >= LONG_S)
        verdict(missing == 0, "every kind of fault has happened");
    verdict(process_crashes() == 0, "no daemon crashed");
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_create(1 << 28);
    struct shop shop = {0};
    struct client keeper;
    int64_t seed, seconds;

    if (argc != 3 || !str_to_int64(argv[1], &seed) || !str_to_int64(argv[2], &seconds)) {
        fprintf(stderr, "usage: torture SEED SECONDS; tests/torture/run does the rest\n");
        return EXIT_FAILURE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    find_shop(&shop, arena);
    const char *history = arena_printf(arena, "%s/log/history", shop.var);
    history_open(history);
    process_watch(&shop);
    bool is_open = process_hand("open") == 0;
    find_keys(&shop, arena);
    client_init(&keeper, &shop, "keeper", 0, (uint64_t)seed);
    verdict(is_open && goods_prepare(&keeper), "the shop opened");
    if (failures == 0) {
        process_manage();
        torture(&shop, (uint64_t)seed, seconds);
        heal();
        settle(arena);
        history_flush();
        verdict(verify_history(history, &keeper) == 0, "all that clients were told is true");
        settle(arena); // what was asked again may have begun something
        check_invariants(arena);
        process_unmanage();
        summarize((uint64_t)seed, seconds);
    }
    printf("1..%d\n", verdicts);
    fflush(stdout);
    client_finish(&keeper);
    history_close();
    arena_destroy(arena);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
