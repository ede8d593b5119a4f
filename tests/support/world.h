/* world.h - what an integration test stands in: a database of its own, a real Redis, and daemons
 * that run inside the test's process. How to write a test with it: tests/README.md. */
#pragma once

#include "chassis/ctx.h"
#include "chassis/service.h"

#include <check.h>
#include <stdint.h>

struct world;

/* Runs the suite against a template database that has the schemas and roles of `services`
 * (NULL-terminated), migrated by the services themselves. Starts Postgres and Redis first when
 * TORG_TEST_POSTGRES_URL or TORG_TEST_REDIS_URL names none. Returns main()'s exit status. */
int world_run(Suite *suite, const struct service *const *services);

/* A test case whose tests each begin with a fresh database; `world` below is theirs. */
TCase *world_case(Suite *suite, const char *name);
extern struct world *world;

/* The environment of daemons started from now on; chassis-wide settings are there already. */
void world_setenv(const char *name, const char *value);
/* Starts a daemon of the suite's services, with its real port; stopped at the end of the test. */
struct daemon *world_start(const struct service *service);
/* Does the same and answers the status, for a daemon that must refuse to start. */
struct status world_try_start(const struct service *service, struct daemon **ret_daemon);
void world_stop(struct daemon *daemon);
int world_port(const struct daemon *daemon);

/* A unit of work inside the daemon, on behalf of the back office, for 10 s: call handlers with it.
 */
struct ctx *world_ctx(struct daemon *daemon);
/* As the gateway: generated clients called with it reach the started daemons over HTTP, signed.
 * Start the daemons first. */
struct ctx *world_client(void);

/* As superuser, outside of any daemon, with search_path set to the first service's schema. Values
 * are formatted into the text: for tests only. A failing statement fails the test. */
void world_sql(const char *format, ...) _printf_(1, 2);
int64_t world_sql_int(const char *format, ...) _printf_(1, 2);      /* NULL and no row are 0 */
const char *world_sql_text(const char *format, ...) _printf_(1, 2); /* NULL without a row */
/* Waits up to 5 s until the query answers `wanted`. */
void world_until(int64_t wanted, const char *format, ...) _printf_(2, 3);

const char *world_database(void);                 /* its name */
const char *world_postgres_url(const char *role); /* "inventory_app" in this test's database */
const char *world_redis_url(void);                /* an empty logical database of its own */
const char *world_kafka(void);                    /* TORG_TEST_KAFKA, or NULL */

/* Assertions. */
#define then_ok(status) world_then((status), STATUS_OK, NULL, __FILE__, __LINE__)
#define then_code(status, code) world_then((status), (code), NULL, __FILE__, __LINE__)
#define then_reason(status, code, reason) world_then((status), (code), (reason), __FILE__, __LINE__)
void world_then(struct status status, enum status_code code, const char *reason, const char *file,
                int line);
