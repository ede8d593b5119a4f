/* audit.c - one pass over a system: runs an invariant of any kind and gathers what it found. */
#include "audit.h"

#include "carts.h"
#include "common/clock.h"
#include "journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 1 << 30 };

const char EACH[] = "*";
const char *const SERVICE_SCHEMAS[SCHEMAS] = {"catalog", "pricing",  "inventory", "marketing",
                                              "orders",  "customer", "platform"};

static void check_broken(struct audit *audit, const struct invariant *invariant, const char *schema,
                         struct findings *findings);
static void check_sides(struct audit *audit, const struct invariant *invariant,
                        struct findings *findings);
static PGresult *query_side(struct audit *audit, const struct side *side);
static void bound(char *id, int64_t time_ms);

void audit_init(struct audit *audit, const struct settings *settings)
{
    *audit = (struct audit){.settings = *settings, .arena = arena_create(ARENA_MAX)};
    for (size_t i = 0; i < SCHEMAS; i++)
        audit->database_urls[i] =
            settings->schema_urls[i] ? settings->schema_urls[i] : settings->database_url;
    audit->to_ms = clock_now_us() / 1000;
    audit->from_ms = settings->window_s == 0 ? 0 : audit->to_ms - settings->window_s * 1000;
    bound(audit->from, audit->from_ms);
    snprintf(audit->to, sizeof audit->to, "ffffffff-ffff-ffff-ffff-ffffffffffff");
}

void audit_finish(struct audit *audit)
{
    journal_close(audit->journal);
    arena_destroy(audit->arena);
}

bool audit_begin_pass(struct audit *audit)
{
    arena_reset(audit->arena);
    audit->failure = NULL;
    audit->is_journal_read = false;
    audit->carts = NULL;
    audit->outboxes = NULL;
    return database_begin(audit);
}

void audit_end_pass(struct audit *audit)
{
    database_end(audit);
}

unsigned audit_sources(const struct audit *audit)
{
    const struct settings *settings = &audit->settings;

    return (settings->brokers ? SOURCE_TOPICS : 0u) | (settings->redis_url ? SOURCE_CARTS : 0u) |
           (settings->provider_url ? SOURCE_PROVIDER : 0u);
}

struct findings audit_check(struct audit *audit, const struct invariant *invariant)
{
    struct findings findings = {0};

    if (invariant->check != NULL) {
        invariant->check(audit, &findings);
    } else if (invariant->told != NULL) {
        told_check(audit, invariant->told, &findings);
    } else if (invariant->left.sql != NULL) {
        check_sides(audit, invariant, &findings);
    } else if (invariant->schema == EACH) {
        for (size_t i = 0; i < SCHEMAS && audit->failure == NULL; i++)
            check_broken(audit, invariant, SERVICE_SCHEMAS[i], &findings);
    } else {
        check_broken(audit, invariant, invariant->schema, &findings);
    }
    return findings;
}

void audit_fail(struct audit *audit, const char *format, ...)
{
    va_list args;

    if (audit->failure != NULL)
        return; /* the first one tells the cause */
    va_start(args, format);
    audit->failure = arena_vprintf(audit->arena, format, args);
    va_end(args);
}

void findings_add(struct audit *audit, struct findings *findings, const char *key,
                  const char *format, ...)
{
    va_list args;

    findings->broken++;
    if (findings->kept == NULL)
        findings->kept = arena_array(audit->arena, struct finding, KEYS_KEPT);
    if (findings->kept_count == KEYS_KEPT)
        return;
    va_start(args, format);
    findings->kept[findings->kept_count++] = (struct finding){
        .key = arena_strdup(audit->arena, key),
        .what = arena_vprintf(audit->arena, format, args),
    };
    va_end(args);
}

bool audit_covers(const struct audit *audit, const char *id)
{
    return strcmp(id, audit->from) >= 0 && strcmp(id, audit->to) < 0;
}

/* The database counts and answers what is broken, not every row that is not. */
static void check_broken(struct audit *audit, const struct invariant *invariant, const char *schema,
                         struct findings *findings)
{
    const char *sql =
        arena_printf(audit->arena,
                     "WITH looked_at (key, is_broken, what) AS MATERIALIZED (%s),"
                     " broken AS (SELECT key, what FROM looked_at WHERE is_broken)"
                     " SELECT (SELECT count(*) FROM looked_at), (SELECT count(*) FROM broken),"
                     "        key, what FROM (SELECT true) AS one (row)"
                     "   LEFT JOIN (SELECT * FROM broken ORDER BY key LIMIT %d) AS b ON true",
                     invariant->broken, KEYS_KEPT);
    _cleanup_(result_clear) PGresult *rows = database_query(audit, schema, sql);
    const char *where = invariant->schema == EACH ? schema : "";
    int64_t checked = 0;
    int64_t broken = 0;

    if (rows == NULL)
        return;
    (void)str_to_int64(PQgetvalue(rows, 0, 0), &checked);
    (void)str_to_int64(PQgetvalue(rows, 0, 1), &broken);
    for (int i = 0; broken > 0 && i < PQntuples(rows); i++)
        findings_add(
            audit, findings,
            arena_printf(audit->arena, "%s%s%s", where, *where ? " " : "", PQgetvalue(rows, i, 2)),
            "%s", PQgetvalue(rows, i, 3));
    findings->checked += checked;
    findings->broken += broken > PQntuples(rows) ? broken - PQntuples(rows) : 0;
}

/* Both sides come in the order of their keys and are merged. */
static void check_sides(struct audit *audit, const struct invariant *invariant,
                        struct findings *findings)
{
    _cleanup_(result_clear) PGresult *left = query_side(audit, &invariant->left);
    _cleanup_(result_clear) PGresult *right = left ? query_side(audit, &invariant->right) : NULL;
    int l = 0;
    int r = 0;

    if (right == NULL)
        return;
    findings->checked = PQntuples(left);
    while (l < PQntuples(left) || r < PQntuples(right)) {
        const char *l_key = l < PQntuples(left) ? PQgetvalue(left, l, 0) : NULL;
        const char *r_key = r < PQntuples(right) ? PQgetvalue(right, r, 0) : NULL;
        int order = !r_key ? -1 : !l_key ? 1 : strcmp(l_key, r_key);
        const char *l_value = l_key ? PQgetvalue(left, l, 1) : "";
        const char *r_value = r_key ? PQgetvalue(right, r, 1) : "";

        if (order < 0)
            findings_add(audit, findings, l_key, "%s says '%s', %s knows nothing of it",
                         invariant->left.schema, l_value, invariant->right.schema);
        else if (order > 0 && invariant->both_ways)
            findings_add(audit, findings, r_key, "%s says '%s', %s knows nothing of it",
                         invariant->right.schema, r_value, invariant->left.schema);
        else if (order == 0 && strcmp(l_value, r_value) != 0)
            findings_add(audit, findings, l_key, "%s says '%s', %s says '%s'",
                         invariant->left.schema, l_value, invariant->right.schema, r_value);
        l += order <= 0;
        r += order >= 0;
    }
}

static PGresult *query_side(struct audit *audit, const struct side *side)
{
    return database_query(audit, side->schema,
                          arena_printf(audit->arena,
                                       "SELECT key, value FROM (%s) AS side (key, value)"
                                       " ORDER BY key COLLATE \"C\", value COLLATE \"C\"",
                                       side->sql));
}

/* The first UUIDv7 of a moment. */
static void bound(char *id, int64_t time_ms)
{
    char digits[13];

    snprintf(digits, sizeof digits, "%012" PRIx64, (uint64_t)time_ms & 0xffffffffffff);
    snprintf(id, 37, "%.8s-%.4s-0000-0000-000000000000", digits, digits + 8);
}
