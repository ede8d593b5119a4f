/* database.c - one read-only snapshot per database, and queries on it. */
#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { UUID_OID = 2950, INT8_OID = 20, TEXT_ARRAY_OID = 1009 };

static bool begin(struct audit *audit, size_t index);
static PGconn *connection_of(struct audit *audit, const char *schema);
static const char *in_schema(struct audit *audit, const char *sql, const char *schema);
static PGresult *answer(struct audit *audit, const char *schema, PGconn *connection,
                        PGresult *result);

/* Schemas with one address share a connection and therefore a snapshot. */
bool database_begin(struct audit *audit)
{
    for (size_t i = 0; i < SCHEMAS; i++) {
        audit->connections[i] = NULL;
        for (size_t k = 0; k < i && audit->connections[i] == NULL; k++)
            if (str_equal(audit->database_urls[i], audit->database_urls[k]))
                audit->connections[i] = audit->connections[k];
        if (audit->connections[i] == NULL && !begin(audit, i))
            return false;
    }
    return true;
}

void database_end(struct audit *audit)
{
    for (size_t i = 0; i < SCHEMAS; i++) {
        for (size_t k = i + 1; k < SCHEMAS; k++)
            if (audit->connections[k] == audit->connections[i])
                audit->connections[k] = NULL;
        PQfinish(audit->connections[i]);
        audit->connections[i] = NULL;
    }
}

PGresult *database_query(struct audit *audit, const char *schema, const char *sql)
{
    static const Oid TYPES[] = {UUID_OID, UUID_OID, INT8_OID};
    PGconn *connection = connection_of(audit, schema);
    char grace[24];
    const char *values[] = {audit->from, audit->to, grace};

    snprintf(grace, sizeof grace, "%" PRId64, audit->settings.grace_s);
    if (connection == NULL)
        return NULL;
    return answer(
        audit, schema, connection,
        PQexecParams(connection, in_schema(audit, sql, schema), 3, TYPES, values, NULL, NULL, 0));
}

PGresult *database_query_keys(struct audit *audit, const char *schema, const char *sql,
                              const char *keys)
{
    static const Oid TYPES[] = {TEXT_ARRAY_OID};
    PGconn *connection = connection_of(audit, schema);

    if (connection == NULL)
        return NULL;
    return answer(
        audit, schema, connection,
        PQexecParams(connection, in_schema(audit, sql, schema), 1, TYPES, &keys, NULL, NULL, 0));
}

void result_clear(PGresult **result)
{
    PQclear(*result);
}

static bool begin(struct audit *audit, size_t index)
{
    PGconn *connection = PQconnectdb(audit->database_urls[index]);

    audit->connections[index] = connection;
    if (PQstatus(connection) != CONNECTION_OK) {
        audit_fail(audit, "%s: %s", SERVICE_SCHEMAS[index], PQerrorMessage(connection));
        return false;
    }
    PGresult *result = PQexec(connection, "SET statement_timeout = '120s';"
                                          "SET jit = off;"
                                          "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    bool is_begun = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!is_begun)
        audit_fail(audit, "%s: %s", SERVICE_SCHEMAS[index], PQerrorMessage(connection));
    PQclear(result);
    return is_begun;
}

static PGconn *connection_of(struct audit *audit, const char *schema)
{
    if (audit->failure != NULL)
        return NULL;
    for (size_t i = 0; i < SCHEMAS; i++)
        if (strcmp(SERVICE_SCHEMAS[i], schema) == 0)
            return audit->connections[i];
    if (strcmp(schema, "relay") == 0) /* beside the outboxes that it reads */
        return audit->connections[0];
    audit_fail(audit, "no schema %s", schema);
    return NULL;
}

static const char *in_schema(struct audit *audit, const char *sql, const char *schema)
{
    static const char MARK[] = "{schema}";
    struct buffer out;

    buffer_init(&out, audit->arena, strlen(sql) + 64);
    for (const char *at; (at = strstr(sql, MARK)) != NULL; sql = at + strlen(MARK)) {
        buffer_append(&out, sql, (size_t)(at - sql));
        buffer_puts(&out, schema);
    }
    buffer_puts(&out, sql);
    return out.data;
}

static PGresult *answer(struct audit *audit, const char *schema, PGconn *connection,
                        PGresult *result)
{
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    audit_fail(audit, "%s: %s", schema, PQerrorMessage(connection));
    PQclear(result);
    return NULL;
}
