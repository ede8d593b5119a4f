/* main.c - torg-invariants: waits until a system is quiet, or looks at it as it lives, and says
 * what holds. tests/invariants builds and calls it and knows where the local shop is. */
#include "common/clock.h"
#include "report.h"

#include <curl/curl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_BLIND = 2, /* something could not be looked at */
    EXIT_USAGE = 64,
    ONLY_MAX = 64,
    INVARIANTS_MAX = 256,
    POLL_US = 300000,
    QUIET_S = 60,
    GRACE_S = 30,
    SETTLE_S = 2,
    WINDOW_S = 24 * 3600,
    REPORT_MAX = 256 << 20,
};

static const char USAGE[] =
    "usage: tests/invariants [--window 24h|all] [--quiet SECONDS | --live] [--grace SECONDS]\n"
    "                        [--parked N] [--only NAME]... [--json] [--list]\n"
    "                        [--database URL] [--redis URL] [--kafka BROKERS] [--provider URL]\n";

struct options {
    struct settings settings;
    const char *only[ONLY_MAX];
    size_t only_count;
    const char *window;
    int64_t quiet_s;
    bool is_live, is_json, is_list;
};

struct run {
    const struct options *options;
    struct arena *arena; /* of the report */
    struct audit audit;
    struct report report;
};

static bool parse(int argc, char **argv, struct options *options);
static void from_environment(struct settings *settings, struct arena *arena);
static void list_wanted(struct run *run);
static void wait_until_quiet(struct run *run);
static bool look(struct run *run, bool again);
static int run_all(struct run *run);

int main(int argc, char **argv)
{
    struct arena *arena = arena_create(REPORT_MAX);
    struct options options = {.window = "24h",
                              .quiet_s = QUIET_S,
                              .settings = {.window_s = WINDOW_S, .grace_s = GRACE_S}};
    struct run run = {.options = &options, .arena = arena};

    from_environment(&options.settings, arena);
    if (!parse(argc, argv, &options) ||
        (!options.is_list && options.settings.database_url == NULL)) {
        fputs(USAGE, stderr);
        return EXIT_USAGE;
    }
    list_wanted(&run);
    if (run.report.count == 0) {
        fprintf(stderr, "no such invariant; see --list\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; options.is_list && i < run.report.count; i++)
        printf("%-26s %s\n", run.report.results[i].invariant->name,
               run.report.results[i].invariant->meaning);
    int status = options.is_list ? EXIT_SUCCESS : run_all(&run);
    arena_destroy(arena);
    return status;
}

static int run_all(struct run *run)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    audit_init(&run->audit, &run->options->settings);
    run->report.window = run->options->window;
    run->report.is_live = run->options->is_live;
    const bool waits = !run->options->is_live && run->options->quiet_s > 0;
    if (waits)
        wait_until_quiet(run);
    bool has_seen = look(run, false);
    /* Timers run in a quiet system too: what is broken is what still is a moment later. */
    int64_t pause_s = run->options->is_live ? run->options->settings.grace_s : SETTLE_S;
    if (has_seen && report_broken(&run->report) > 0) {
        fprintf(stderr, "looking again in %" PRId64 " s at what is broken\n", pause_s);
        sleep((unsigned)pause_s);
        if (waits) // a timer may have given the relay or a consumer something to do
            wait_until_quiet(run);
        has_seen = look(run, true);
    }
    if (has_seen && run->options->is_json)
        report_print_json(&run->report, run->arena);
    else if (has_seen)
        report_print(&run->report);
    else
        fprintf(stderr, "cannot look: %s\n", run->audit.failure);
    audit_finish(&run->audit);
    curl_global_cleanup();
    return !has_seen ? EXIT_BLIND : report_broken(&run->report) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool is_wanted(const struct options *options, const struct invariant *invariant)
{
    for (size_t i = 0; i < options->only_count; i++)
        if (fnmatch(options->only[i], invariant->name, 0) == 0)
            return true;
    return options->only_count == 0;
}

static void list_wanted(struct run *run)
{
    run->report.results = arena_array(run->arena, struct result, INVARIANTS_MAX);
    for (const struct invariant *const *family = FAMILIES; *family != NULL; family++)
        for (const struct invariant *invariant = *family; invariant->name != NULL; invariant++)
            if (is_wanted(run->options, invariant) && run->report.count < INVARIANTS_MAX)
                run->report.results[run->report.count++].invariant = invariant;
}

/* The first work under way that is found, NULL when there is none. */
static const struct invariant *busy(struct audit *audit, struct findings *ret_findings)
{
    for (const struct invariant *const *family = FAMILIES; *family != NULL; family++)
        for (const struct invariant *invariant = *family; invariant->name != NULL; invariant++) {
            if (!invariant->is_quiescence || (invariant->sources & ~audit_sources(audit)) != 0)
                continue;
            *ret_findings = audit_check(audit, invariant);
            if (ret_findings->broken > 0 || audit->failure != NULL)
                return invariant;
        }
    return NULL;
}

/* What is still under way at the end is among the findings, since it is an invariant too. */
static void wait_until_quiet(struct run *run)
{
    int64_t begun_us = clock_monotonic_us();
    int64_t until_us = begun_us + run->options->quiet_s * 1000000;
    const struct invariant *last = NULL;

    for (;;) {
        struct findings findings = {0};
        const struct invariant *under_way =
            audit_begin_pass(&run->audit) ? busy(&run->audit, &findings) : NULL;
        if (under_way != NULL && under_way != last && run->audit.failure == NULL)
            fprintf(stderr, "waiting: %s, %" PRId64 " to go, first %s\n", under_way->name,
                    findings.broken, findings.kept[0].key);
        bool is_quiet = under_way == NULL && run->audit.failure == NULL;
        last = under_way;
        audit_end_pass(&run->audit);
        run->report.waited_ms = (clock_monotonic_us() - begun_us) / 1000;
        if (is_quiet || clock_monotonic_us() > until_us)
            break;
        usleep(POLL_US);
    }
    fprintf(stderr, "%s after %" PRId64 ".%" PRId64 " s\n", last == NULL ? "quiet" : "not quiet",
            run->report.waited_ms / 1000, run->report.waited_ms / 100 % 10);
}

/* Findings move to the report, which outlives the pass. */
static struct findings kept(struct arena *arena, const struct findings *found)
{
    struct findings findings = *found;

    findings.kept = arena_array(arena, struct finding, found->kept_count);
    for (size_t i = 0; i < found->kept_count; i++)
        findings.kept[i] = (struct finding){arena_strdup(arena, found->kept[i].key),
                                            arena_strdup(arena, found->kept[i].what)};
    return findings;
}

/* What was broken before and still is: the rest was only under way. */
static struct findings both(struct arena *arena, const struct findings *before,
                            const struct findings *now)
{
    struct findings findings = {.checked = now->checked,
                                .kept = arena_array(arena, struct finding, now->kept_count)};

    for (size_t i = 0; i < now->kept_count; i++)
        for (size_t k = 0; k < before->kept_count; k++)
            if (strcmp(now->kept[i].key, before->kept[k].key) == 0) {
                findings.kept[findings.kept_count++] = (struct finding){
                    arena_strdup(arena, now->kept[i].key), arena_strdup(arena, now->kept[i].what)};
                break;
            }
    findings.broken = (int64_t)findings.kept_count;
    if (before->broken > KEYS_KEPT && now->broken > KEYS_KEPT)
        findings.broken = now->broken; // too many to compare by key
    return findings;
}

static void look_at(struct run *run, struct result *result, bool again)
{
    const struct invariant *invariant = result->invariant;

    if ((invariant->sources & ~audit_sources(&run->audit)) != 0) {
        result->verdict = VERDICT_SKIPPED;
        result->why = "its source is not configured";
        return;
    }
    if (again && result->verdict != VERDICT_BROKEN)
        return;
    struct findings found = audit_check(&run->audit, invariant);
    result->findings =
        again ? both(run->arena, &result->findings, &found) : kept(run->arena, &found);
    result->verdict = result->findings.broken > 0 ? VERDICT_BROKEN : VERDICT_OK;
}

/* One pass over everything that is wanted; false when it could not be finished. */
static bool look(struct run *run, bool again)
{
    bool is_open = audit_begin_pass(&run->audit);

    for (size_t i = 0; is_open && run->audit.failure == NULL && i < run->report.count; i++)
        look_at(run, &run->report.results[i], again);
    if (run->audit.failure != NULL)
        run->audit.failure = arena_strdup(run->arena, run->audit.failure);
    audit_end_pass(&run->audit);
    return run->audit.failure == NULL;
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return str_is_empty(value) ? NULL : value;
}

/* TORG_AUDIT_DATABASE_URL is for all schemas, TORG_AUDIT_ORDERS_URL and its like for one. */
static void from_environment(struct settings *settings, struct arena *arena)
{
    settings->database_url = setting("TORG_AUDIT_DATABASE_URL");
    settings->redis_url = setting("TORG_AUDIT_CART_REDIS_URL");
    settings->brokers = setting("TORG_AUDIT_KAFKA");
    settings->provider_url = setting("TORG_AUDIT_PROVIDER_URL");
    for (size_t i = 0; i < SCHEMAS; i++) {
        char *name = arena_printf(arena, "TORG_AUDIT_%s_URL", SERVICE_SCHEMAS[i]);
        for (char *at = name; *at != '\0'; at++)
            if (*at >= 'a' && *at <= 'z')
                *at = (char)(*at - 'a' + 'A');
        settings->schema_urls[i] = setting(name);
    }
}

/* "90s", "30m", "24h", "7d", or a number of seconds; "all" is 0. */
static bool parse_window(const char *text, int64_t *ret_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[24] = "";
    size_t length = strspn(text, "0123456789");
    int64_t unit = 1;

    if (strcmp(text, "all") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if (length == 0 || length >= sizeof digits || strlen(text) > length + 1)
        return false;
    memcpy(digits, text, length);
    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++)
        if (text[length] == UNITS[i].unit)
            unit = UNITS[i].seconds;
        else if (text[length] != '\0' && strchr("smhd", text[length]) == NULL)
            return false;
    if (!str_to_int64(digits, ret_seconds) || *ret_seconds == 0)
        return false;
    *ret_seconds *= unit;
    return true;
}

static bool parse_value(struct options *options, const char *name, const char *value)
{
    struct settings *settings = &options->settings;
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
    } rows[] = {
        {"--database", &settings->database_url, NULL},
        {"--redis", &settings->redis_url, NULL},
        {"--kafka", &settings->brokers, NULL},
        {"--provider", &settings->provider_url, NULL},
        {"--quiet", NULL, &options->quiet_s},
        {"--grace", NULL, &settings->grace_s},
        {"--parked", NULL, &settings->parked_max},
    };

    if (strcmp(name, "--window") == 0) {
        options->window = value;
        return parse_window(value, &settings->window_s);
    }
    if (strcmp(name, "--only") == 0) {
        if (options->only_count < ONLY_MAX)
            options->only[options->only_count++] = value;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (rows[i].text != NULL)
            *rows[i].text = value;
        return rows[i].text != NULL ||
               (str_to_int64(value, rows[i].number) && *rows[i].number >= 0);
    }
    return false;
}

static bool parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--live") == 0)
            options->is_live = true;
        else if (strcmp(argv[i], "--json") == 0)
            options->is_json = true;
        else if (strcmp(argv[i], "--list") == 0)
            options->is_list = true;
        else if (i + 1 >= argc || !parse_value(options, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return true;
}
