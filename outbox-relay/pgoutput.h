/* pgoutput.h - messages of Postgres' logical decoding plugin, protocol version 1, binary. Pure.
 *
 * Source: postgresql.org/docs/15/protocol-logicalrep-message-formats.html */
#pragma once

#include "chassis/db.h" /* struct db_bytes */

#include <stdint.h>

/* One outbox row, wherever it was read. Bytes belong to the source until its next step. */
struct outbox_row {
    struct db_bytes topic, key, headers, payload;
    int64_t time_us; /* of the commit, or of the insert where the commit's is not known */
};

enum pgoutput_kind {
    PGOUTPUT_BEGIN = 1,
    PGOUTPUT_INSERT,
    PGOUTPUT_COMMIT,
    PGOUTPUT_OTHER,     /* nothing for us: relation, message, truncate, unknown kinds */
    PGOUTPUT_MALFORMED, /* cut short, or a row without the outbox's columns */
};

struct pgoutput_message {
    enum pgoutput_kind kind;
    int64_t time_us;       /* of BEGIN: when it committed, UTC */
    uint64_t end_lsn;      /* of COMMIT */
    struct outbox_row row; /* of INSERT; points into the message */
};

enum { PGOUTPUT_RELATIONS_MAX = 64, PGOUTPUT_COLUMNS = 4 };

/* Relations by id, as announced; their columns may change at any time. */
struct pgoutput {
    struct {
        uint32_t id;
        int columns[PGOUTPUT_COLUMNS]; /* index of topic, key, headers, payload; -1: missing */
    } relations[PGOUTPUT_RELATIONS_MAX];
    size_t relation_count;
    int64_t time_us; /* of the transaction at hand */
};

struct pgoutput_message pgoutput_decode(struct pgoutput *self, const void *data, size_t length);

/* Between Postgres' epoch (2000-01-01) and ours. */
enum { POSTGRES_EPOCH_S = 946684800 };
int64_t pgoutput_time_us(int64_t postgres_us);
