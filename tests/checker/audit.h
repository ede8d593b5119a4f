/* audit.h - a look at a running system from outside, and what must be true of what is seen.
 *
 * Everything is read only: one REPEATABLE READ snapshot per database, the topics without a group,
 * Redis without a write, the payment provider's book. An invariant is a row of a table: two SQL
 * sides that must agree, one SQL text that names what is broken, or a function. */
#pragma once

#include "common/arena.h"
#include "common/compiler.h"
#include "common/str.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum { KEYS_SHOWN = 5, KEYS_KEPT = 1000, SCHEMAS = 7 };

/* The services' schemas, in start order. */
extern const char *const SERVICE_SCHEMAS[SCHEMAS];

struct finding {
    const char *key, *what;
};

struct findings {
    int64_t checked, broken;
    struct finding *kept; /* the first KEYS_KEPT of the broken ones */
    size_t kept_count;
};

/* What an audit may look at besides Postgres. */
enum source { SOURCE_TOPICS = 1, SOURCE_CARTS = 2, SOURCE_PROVIDER = 4 };

/* At any moment, or as soon as nothing is under way: events arrive, tasks run, sagas end. */
enum when { ALWAYS, SETTLED };

struct audit;
struct invariant;
struct told;
typedef void check(struct audit *audit, struct findings *findings);

/* SQL gets $1 and $2, the ids (UUIDv7) between which it looks, and $3, the grace in seconds. With
 * schema EACH it runs in every service's schema, which stands for {schema} in it. */
struct side {
    const char *schema;
    const char *sql; /* rows of (key, value), both text */
};

struct invariant {
    const char *name;
    const char *meaning;
    enum when when;
    unsigned sources;   /* enum source: skipped when the audit has no such address */
    bool is_quiescence; /* one of those that are waited for: work that is under way */
    const char *schema;
    const char *broken;      /* rows of (key text, is broken boolean, what text) */
    struct side left, right; /* each key of left is one of right, with the same value */
    bool both_ways;          /* and the other way round */
    const struct told *told; /* what a topic says is what the rows say: states_told.c */
    check *check;
};

extern const char EACH[];

/* The families, each an array that ends with a row without a name. */
extern const struct invariant *const FAMILIES[];

struct settings {
    const char *database_url; /* of all schemas, unless one has its own */
    const char *schema_urls[SCHEMAS];
    const char *redis_url, *brokers, *provider_url; /* NULL: not looked at */
    int64_t window_s;                               /* 0: everything */
    int64_t grace_s;
    int64_t parked_max;
    const char *topic; /* the only one to be read; NULL: all of the shop */
};

struct journal; /* journal.h */

struct audit {
    struct arena *arena; /* of one pass */
    struct settings settings;
    char from[37], to[37]; /* the ids of the window */
    int64_t from_ms, to_ms;
    PGconn *connections[SCHEMAS]; /* the same one for schemas with one address */
    const char *database_urls[SCHEMAS];
    struct journal *journal;   /* kept over passes, read on by each */
    bool is_journal_read;      /* in this pass */
    struct carts *carts;       /* in this pass, NULL before somebody asked */
    struct outboxes *outboxes; /* likewise */
    const char *failure;       /* why nothing can be said; NULL while all is well */
};

/* audit.c */
void audit_init(struct audit *audit, const struct settings *settings);
void audit_finish(struct audit *audit);
/* A pass sees everything as it is when it begins. False: audit->failure tells why not. */
bool audit_begin_pass(struct audit *audit);
void audit_end_pass(struct audit *audit);
unsigned audit_sources(const struct audit *audit);
/* Findings live as long as the pass. */
struct findings audit_check(struct audit *audit, const struct invariant *invariant);
void audit_fail(struct audit *audit, const char *format, ...) _printf_(2, 3);
void findings_add(struct audit *audit, struct findings *findings, const char *key,
                  const char *format, ...) _printf_(4, 5);
/* Is the id one of those between which this audit looks? */
bool audit_covers(const struct audit *audit, const char *id);

/* database.c */
bool database_begin(struct audit *audit);
void database_end(struct audit *audit);
/* Rows of text in the result's order; NULL after a failure, which the audit then has. */
PGresult *database_query(struct audit *audit, const char *schema, const char *sql);
/* The same with $1 an array of text instead, and nothing else. */
PGresult *database_query_keys(struct audit *audit, const char *schema, const char *sql,
                              const char *keys);
void result_clear(PGresult **result);
