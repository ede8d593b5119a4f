/* postgres.c - libpq for a single thread that waits for its queries. */
#include "postgres.h"

#include <string.h>

struct status postgres_connect(struct relay *relay, const char *url, bool replication,
                               PGconn **ret_native)
{
    /* A URL in dbname is expanded; what follows it wins. */
    const char *names[] = {"dbname",
                           "application_name",
                           "connect_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "keepalives_count",
                           "tcp_user_timeout",
                           "options",
                           replication ? "replication" : NULL,
                           NULL};
    const char *values[] = {url,        "outbox-relay",
                            "5",        "5",
                            "2",        "3",
                            "10000",    "-c search_path=relay -c timezone=UTC",
                            "database", NULL};
    PGconn *native = PQconnectdbParams(names, values, 1);

    *ret_native = native; /* the session closes it, connected or not */
    if (PQstatus(native) != CONNECTION_OK)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "connect: %s", PQerrorMessage(native));
    return status_ok();
}

void postgres_clear(PGresult **result)
{
    PQclear(*result);
}

struct status postgres_query(struct relay *relay, PGconn *native, const struct query *query,
                             PGresult **ret_result)
{
    PGresult *result = PQexecParams(native, query->sql, query->value_count, NULL, query->values,
                                    NULL, NULL, query->is_binary);
    ExecStatusType outcome = PQresultStatus(result);

    if (outcome != PGRES_TUPLES_OK && outcome != PGRES_COMMAND_OK) {
        PQclear(result);
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "%.40s...: %s", query->sql,
                        PQerrorMessage(native));
    }
    *ret_result = result;
    return status_ok();
}

struct outbox_row postgres_row(const PGresult *result, int row, int first)
{
    struct db_bytes fields[4];
    int64_t time = 0;
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(result, row, first + 4);

    for (int i = 0; i < 4; i++)
        fields[i] = (struct db_bytes){PQgetvalue(result, row, first + i),
                                      (size_t)PQgetlength(result, row, first + i)};
    for (int i = 0; i < 8; i++)
        time = (int64_t)((uint64_t)time << 8 | bytes[i]);
    return (struct outbox_row){fields[0], fields[1], fields[2], fields[3], pgoutput_time_us(time)};
}

bool postgres_is_alive(PGconn *native)
{
    return PQconsumeInput(native) == 1 && PQstatus(native) == CONNECTION_OK;
}
