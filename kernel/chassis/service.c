/* service.c - a daemon's life: configure, open, serve, drain, close.
 *
 * Everything is opened before the port and closed after it, so a request never meets a half-built
 * daemon. Stopping has one deadline for all that drains. */
#include "chassis/service.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "common/json.h"
#include "config.h"
#include "http.h"
#include "metrics.h"
#include "rpc.h"
#include "trace.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 64, /* sysexits.h has the meanings */
    EXIT_DEPENDENCY = 69,
    EXIT_CONFIGURATION = 78,
    BOOT_TIMEOUT_MS = 60000,
    DAEMON_ARENA_MAX = 64 * 1024 * 1024,
    KILL_AFTER_S = 10, /* the promise of service.h; whatever hangs ends then */
};

static const struct error_def CONFIG_BAD = {STATUS_INVALID_ARGUMENT, "BAD_CONFIGURATION",
                                            "see the messages on stderr"};

static const struct error_def *const CHASSIS_ERRORS[] = {
    &ERROR_INVALID_REQUEST,
    &ERROR_NOT_FOUND,
    &ERROR_VERSION_CONFLICT,
    &ERROR_UNAUTHENTICATED,
    &ERROR_CLOCKS_DIFFER,
    &ERROR_PERMISSION_DENIED,
    &ERROR_DEADLINE,
    &ERROR_OVERLOADED,
    &ERROR_UNAVAILABLE,
    &ERROR_INTERNAL,
    &ERROR_CONFLICT,
    &ERROR_ALREADY_EXISTS,
    &ERROR_COMMIT_UNKNOWN,
    &ERROR_CALL_NOT_SENT,
    &ERROR_CALL_LOST,
    &ERROR_MIGRATION,
    &ERROR_STATEMENT_REFUSED,
    &ERROR_IDEMPOTENCY_KEY_REUSED,
    NULL,
};

static struct daemon *create(const struct service *service);
static void destroy(struct daemon *daemon);
static struct status configure(struct ctx *boot, const char *const **ret_addresses);
static struct status open_all(struct ctx *boot, const char *const *addresses, int *ret_port);
static struct status start_components(struct ctx *boot);
static struct status use_log_level(struct ctx *boot);
static int run_until_signal(const struct service *service);
static int migrate(const struct service *service);
static int print(const struct service *service, const char *table);
static size_t component_count(const struct service *service);

int service_main(const struct service *service, int argc, char **argv)
{
    const char *argument = argc > 1 ? argv[1] : "";

    if (argc == 1)
        return run_until_signal(service);
    if (argc == 2 && str_equal(argument, "migrate"))
        return migrate(service);
    if (argc == 2 && str_starts_with(argument, "--") && !print(service, argument + 2))
        return EXIT_SUCCESS;
    fprintf(
        str_equal(argument, "--help") ? stdout : stderr,
        "%s - %s\n\n  %s            run until SIGTERM\n  %s migrate    apply migrations\n"
        "  %s --config | --errors | --events | --metrics | --methods    print a table as JSON\n",
        service->name, str_or_empty(service->doc), service->name, service->name, service->name);
    return str_equal(argument, "--help") ? EXIT_SUCCESS : EXIT_USAGE;
}

struct status service_start(const struct service *service, struct daemon **ret_daemon,
                            int *ret_port)
{
    struct daemon *daemon = create(service);
    _cleanup_(ctx_finish) struct ctx boot = {.arena = NULL};
    const char *const *addresses = NULL;
    int port = 0;

    ctx_init(&boot, daemon, "boot", BOOT_TIMEOUT_MS);
    crash_board_open(service->name);
    struct status status = configure(&boot, &addresses);
    if (status.code == STATUS_OK)
        status = open_all(&boot, addresses, &port);
    if (status.code != STATUS_OK) {
        log_status(LOG_ERROR, &boot, "start_failed", status);
        service_stop(daemon);
        status.detail = NULL; /* it lay in the boot arena, and is in the log */
        status.violations = NULL;
        return status;
    }
    daemon->is_ready = true;
    log_info(&boot, "started", LOG_INT("port", port));
    *ret_daemon = daemon;
    *ret_port = port;
    return status_ok();
}

/* Accepts a daemon that started only in part. */
void service_stop(struct daemon *daemon)
{
    const struct service *service = daemon->service;

    daemon->drain_deadline_us = clock_monotonic_us() + daemon->settings.drain_timeout_ms * 1000;
    daemon->is_ready = false;
    daemon->is_draining = true;
    http_server_drain(daemon);
    if (daemon->tasks)
        task_runner_drain(daemon);
    for (size_t i = daemon->started_count; i-- > 0;)
        if (service->components[i]->drain)
            service->components[i]->drain(daemon->component_states[i]);
    http_server_stop(daemon);
    if (daemon->sweeps)
        sweep_runner_stop(daemon);
    if (daemon->tasks)
        task_runner_stop(daemon);
    while (daemon->started_count > 0) {
        size_t i = --daemon->started_count;
        if (service->components[i]->stop)
            service->components[i]->stop(daemon->component_states[i]);
    }
    if (daemon->is_service_started && service->stop)
        service->stop(daemon->state);
    rpc_client_close(daemon);
    trace_exporter_stop(daemon);
    http_pool_close(daemon);
    if (daemon->db)
        db_pool_close(daemon);
    destroy(daemon);
}

const struct service *daemon_service(const struct daemon *daemon)
{
    return daemon->service;
}

void *daemon_component_state(const struct daemon *daemon, const char *component)
{
    for (size_t i = 0; i < component_count(daemon->service); i++)
        if (str_equal(daemon->service->components[i]->name, component))
            return daemon->component_states[i];
    return NULL;
}

const char *daemon_setting(const struct daemon *daemon, const char *name)
{
    if (str_equal(name, "KAFKA_BROKERS"))
        return daemon->settings.kafka_brokers;
    if (str_equal(name, "LOG_LEVEL"))
        return daemon->settings.log_level;
    if (str_equal(name, "OTLP_URL"))
        return daemon->settings.otlp_url;
    if (str_equal(name, "DATABASE_URL"))
        return daemon->settings.database_url;
    if (str_equal(name, "MIGRATE_URL"))
        return daemon->settings.migrate_url;
    return str_equal(name, "LISTEN") ? daemon->settings.listen : NULL;
}

static struct daemon *create(const struct service *service)
{
    struct arena *arena = arena_create(DAEMON_ARENA_MAX);
    struct daemon *daemon = arena_new(arena, struct daemon);
    size_t components = component_count(service);

    daemon->arena = arena;
    daemon->service = service;
    daemon->state = arena_alloc(arena, service->state_size);
    daemon->component_states = arena_array(arena, void *, components);
    for (size_t i = 0; i < components; i++)
        daemon->component_states[i] = arena_alloc(arena, service->components[i]->state_size);
    daemon->metrics = metric_list_create(arena);
    return daemon;
}

static void destroy(struct daemon *daemon)
{
    arena_destroy(daemon->arena);
}

/* Every bad value is told before giving up, so that one start shows them all. */
static struct status configure(struct ctx *boot, const char *const **ret_addresses)
{
    struct daemon *daemon = boot->daemon;
    const struct service *service = daemon->service;
    struct arena *arena = daemon->arena;
    const char *prefix = config_prefix(arena, service->name);
    size_t components = component_count(service), calls = 0;
    int bad = 0;

    while (service->calls && service->calls[calls])
        calls++;
    const char **addresses = arena_array(arena, const char *, calls);
    struct config_table *tables = arena_array(arena, struct config_table, components + 3);
    tables[0] = (struct config_table){settings_fields(arena, service), prefix, &daemon->settings};
    tables[1] = (struct config_table){address_fields(arena, service), prefix, addresses};
    tables[2] = (struct config_table){service->config, prefix, daemon->state};
    for (size_t i = 0; i < components; i++)
        tables[i + 3] = (struct config_table){service->components[i]->config, prefix,
                                              daemon->component_states[i]};
    for (size_t i = 0; i < components + 3; i++)
        bad += config_read(arena, &tables[i]);
    if (bad)
        return ctx_fail(boot, &CONFIG_BAD, "%d values", bad);
    TRY(use_log_level(boot));
    for (size_t i = 0; i < components + 3; i++)
        config_log(boot, &tables[i]);
    *ret_addresses = addresses;
    return status_ok();
}

static struct status use_log_level(struct ctx *boot)
{
    static const char *const LEVELS[] = {"debug", "info", "warn", "error"};

    for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++)
        if (str_equal(boot->daemon->settings.log_level, LEVELS[i])) {
            log_set_level((enum log_level)i);
            return status_ok();
        }
    fprintf(stderr, "LOG_LEVEL=%s: must be debug, info, warn or error\n",
            boot->daemon->settings.log_level);
    return ctx_fail(boot, &CONFIG_BAD, "LOG_LEVEL");
}

static void register_metrics(struct daemon *daemon, struct metric *const *metrics)
{
    for (; metrics && *metrics; metrics++)
        metrics_register(daemon, *metrics);
}

static struct status open_all(struct ctx *boot, const char *const *addresses, int *ret_port)
{
    struct daemon *daemon = boot->daemon;
    const struct service *service = daemon->service;

    TRY(http_pool_open(boot, daemon));
    TRY(trace_exporter_start(boot, daemon));
    TRY(call_keys_open(boot, daemon));
    TRY(rpc_server_open(boot, daemon));
    register_metrics(daemon, service->metrics);
    for (size_t i = 0; i < component_count(service); i++)
        register_metrics(daemon, service->components[i]->metrics);
    if (!str_is_empty(daemon->settings.migrate_url))
        TRY(db_migrate(boot, daemon));
    if (service->statements)
        TRY(db_pool_open(boot, daemon));
    TRY(rpc_client_open(boot, daemon, addresses));
    if (service->start)
        TRY(service->start(boot));
    daemon->is_service_started = true;
    TRY(start_components(boot));
    TRY(task_runner_start(boot, daemon));
    TRY(sweep_runner_start(boot, daemon)); // the chassis has sweeps of its own
    return http_server_start(boot, daemon, ret_port);
}

static struct status start_components(struct ctx *boot)
{
    struct daemon *daemon = boot->daemon;

    for (size_t i = 0; i < component_count(daemon->service); i++) {
        const struct service_component *component = daemon->service->components[i];
        if (component->start)
            TRY(component->start(boot, daemon->component_states[i]));
        daemon->started_count = i + 1;
    }
    return status_ok();
}

/* The signals are blocked before the first thread starts, so only sigwait() sees them. */
static int run_until_signal(const struct service *service)
{
    struct daemon *daemon = NULL;
    sigset_t signals;
    int port = 0, signal_number = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    struct status status = service_start(service, &daemon, &port);
    if (status.code != STATUS_OK)
        return status_reason_is(status, CONFIG_BAD.reason) ? EXIT_CONFIGURATION : EXIT_DEPENDENCY;
    sigwait(&signals, &signal_number);
    log_info(NULL, "stopping", LOG_INT("signal", signal_number));
    alarm(KILL_AFTER_S);
    service_stop(daemon);
    log_info(NULL, "stopped");
    return EXIT_SUCCESS;
}

static int migrate(const struct service *service)
{
    struct daemon *daemon = create(service);
    _cleanup_(ctx_finish) struct ctx boot = {.arena = NULL};
    struct config_table table = {migrate_fields(), config_prefix(daemon->arena, service->name),
                                 &daemon->settings};
    int exit_status = EXIT_SUCCESS;

    ctx_init(&boot, daemon, "migrate", 10 * BOOT_TIMEOUT_MS);
    if (!service->migrations) {
        fprintf(stderr, "%s has no database\n", service->name);
        exit_status = EXIT_USAGE;
    } else if (config_read(daemon->arena, &table)) {
        exit_status = EXIT_CONFIGURATION;
    } else {
        struct status status = db_migrate(&boot, daemon);
        if (status.code != STATUS_OK) {
            log_status(LOG_ERROR, &boot, "migrate_failed", status);
            exit_status = EXIT_DEPENDENCY;
        }
    }
    destroy(daemon);
    return exit_status;
}

static void print_config(struct daemon *daemon, struct buffer *out)
{
    const struct service *service = daemon->service;
    struct arena *arena = daemon->arena;
    const char *prefix = config_prefix(arena, service->name);
    bool has_items = false;

    config_print(arena, &(struct config_table){settings_fields(arena, service), prefix, NULL},
                 &has_items, out);
    config_print(arena, &(struct config_table){address_fields(arena, service), prefix, NULL},
                 &has_items, out);
    config_print(arena, &(struct config_table){service->config, prefix, NULL}, &has_items, out);
    for (size_t i = 0; i < component_count(service); i++)
        config_print(arena, &(struct config_table){service->components[i]->config, prefix, NULL},
                     &has_items, out);
}

static void print_errors(const struct error_def *const *errors, struct buffer *out)
{
    for (; errors && *errors; errors++) {
        struct json_writer json;
        buffer_puts(out, out->length > 1 ? ",\n " : "");
        json_writer_init(&json, out);
        json_begin_object(&json);
        json_key(&json, "reason");
        json_string(&json, (*errors)->reason);
        json_key(&json, "code");
        json_string(&json, status_code_name((*errors)->code));
        json_key(&json, "http");
        json_int(&json, rpc_http_status((*errors)->code));
        json_key(&json, "hint");
        json_string(&json, (*errors)->hint);
        json_end_object(&json);
    }
}

/* 0, or 1 when there is no such table. */
static int print(const struct service *service, const char *table)
{
    struct daemon *daemon = create(service);
    struct buffer out;
    int rc = 0;

    buffer_init(&out, daemon->arena, 4096);
    buffer_puts(&out, "[");
    if (str_equal(table, "config")) {
        print_config(daemon, &out);
    } else if (str_equal(table, "errors")) {
        print_errors(CHASSIS_ERRORS, &out);
        print_errors(service->errors, &out);
        for (size_t i = 0; i < component_count(service); i++)
            print_errors(service->components[i]->errors, &out);
    } else if (str_equal(table, "metrics")) {
        metrics_describe(daemon, &out);
    } else if (str_equal(table, "methods")) {
        rpc_describe(service, &out);
    } else if (str_equal(table, "events")) {
        for (size_t i = 0; i < component_count(service); i++)
            if (service->components[i]->print)
                service->components[i]->print(daemon, table, &out);
    } else {
        rc = 1;
    }
    buffer_puts(&out, "]\n");
    if (!rc && str_equal(table, "events") && str_starts_with(out.data, "[["))
        printf("%.*s\n", (int)out.length - 3, out.data + 1); /* a component printed the array */
    else if (!rc)
        fputs(out.data, stdout);
    destroy(daemon);
    return rc;
}

static size_t component_count(const struct service *service)
{
    size_t count = 0;

    while (service->components && service->components[count])
        count++;
    return count;
}
