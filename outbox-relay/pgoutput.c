/* pgoutput.c - decoding that trusts no length. */
#include "pgoutput.h"

#include <string.h>

/* Reading past the end sets is_short and gives zeroes. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool is_short;
};

static const char *const COLUMNS[PGOUTPUT_COLUMNS] = {"topic", "key", "headers", "payload"};

static struct pgoutput_message decode_begin(struct pgoutput *self, struct reader *reader);
static struct pgoutput_message decode_commit(struct reader *reader);
static struct pgoutput_message decode_insert(const struct pgoutput *self, struct reader *reader);
static struct pgoutput_message decode_relation(struct pgoutput *self, struct reader *reader);
static const int *columns_of(const struct pgoutput *self, uint32_t id);
static int *columns_for(struct pgoutput *self, uint32_t id);
static const uint8_t *take(struct reader *reader, size_t length);
static uint64_t take_number(struct reader *reader, size_t length);
static const char *take_text(struct reader *reader);
static struct pgoutput_message malformed(void);

struct pgoutput_message pgoutput_decode(struct pgoutput *self, const void *data, size_t length)
{
    struct reader reader = {data, length, false};

    switch (take_number(&reader, 1)) {
    case 'B':
        return decode_begin(self, &reader);
    case 'C':
        return decode_commit(&reader);
    case 'I':
        return decode_insert(self, &reader);
    case 'R':
        return decode_relation(self, &reader);
    default:
        return reader.is_short ? malformed() : (struct pgoutput_message){.kind = PGOUTPUT_OTHER};
    }
}

int64_t pgoutput_time_us(int64_t postgres_us)
{
    int64_t unix_us;
    // What Postgres calls infinity stays the end of time.
    return __builtin_add_overflow(postgres_us, (int64_t)POSTGRES_EPOCH_S * 1000000, &unix_us)
               ? INT64_MAX
               : unix_us;
}

/* final LSN, commit time, xid */
static struct pgoutput_message decode_begin(struct pgoutput *self, struct reader *reader)
{
    take(reader, 8);
    self->time_us = pgoutput_time_us((int64_t)take_number(reader, 8));
    take(reader, 4);
    if (reader->is_short)
        return malformed();
    return (struct pgoutput_message){.kind = PGOUTPUT_BEGIN, .time_us = self->time_us};
}

/* flags, commit LSN, end LSN, commit time */
static struct pgoutput_message decode_commit(struct reader *reader)
{
    struct pgoutput_message message = {.kind = PGOUTPUT_COMMIT};

    take(reader, 1 + 8);
    message.end_lsn = take_number(reader, 8);
    take(reader, 8);
    return reader->is_short ? malformed() : message;
}

/* relation, 'N', number of columns, then of each: 'n' | 'u' | ('t' | 'b', length, bytes) */
static struct pgoutput_message decode_insert(const struct pgoutput *self, struct reader *reader)
{
    struct pgoutput_message message = {.kind = PGOUTPUT_INSERT, .row.time_us = self->time_us};
    struct db_bytes *fields[PGOUTPUT_COLUMNS] = {&message.row.topic, &message.row.key,
                                                 &message.row.headers, &message.row.payload};
    const int *columns = columns_of(self, (uint32_t)take_number(reader, 4));
    bool is_new = take_number(reader, 1) == 'N';
    int count = (int)take_number(reader, 2);
    int found = 0;

    if (columns == NULL || !is_new)
        return malformed();
    for (int i = 0; i < count && !reader->is_short; i++) {
        uint64_t format = take_number(reader, 1);
        if (format == 'n' || format == 'u')
            continue;
        struct db_bytes value = {.length = (size_t)take_number(reader, 4)};
        value.data = take(reader, value.length);
        for (int j = 0; j < PGOUTPUT_COLUMNS; j++)
            if (columns[j] == i && format == 'b') {
                *fields[j] = value;
                found++;
            }
    }
    return reader->is_short || found != PGOUTPUT_COLUMNS ? malformed() : message;
}

/* relation, schema, name, replica identity, number of columns, then of each: flags, name, type,
 * modifier. Columns are looked up by name: their order may differ between schemas. */
static struct pgoutput_message decode_relation(struct pgoutput *self, struct reader *reader)
{
    int *columns = columns_for(self, (uint32_t)take_number(reader, 4));

    take_text(reader);
    take_text(reader);
    take(reader, 1);

    int count = (int)take_number(reader, 2);
    if (columns == NULL)
        return malformed();
    for (int j = 0; j < PGOUTPUT_COLUMNS; j++)
        columns[j] = -1;
    for (int i = 0; i < count && !reader->is_short; i++) {
        take(reader, 1);
        const char *name = take_text(reader);
        take(reader, 4 + 4);
        for (int j = 0; j < PGOUTPUT_COLUMNS && !reader->is_short; j++)
            if (strcmp(name, COLUMNS[j]) == 0)
                columns[j] = i;
    }
    return reader->is_short ? malformed() : (struct pgoutput_message){.kind = PGOUTPUT_OTHER};
}

static const int *columns_of(const struct pgoutput *self, uint32_t id)
{
    for (size_t i = 0; i < self->relation_count; i++)
        if (self->relations[i].id == id)
            return self->relations[i].columns;
    return NULL;
}

static int *columns_for(struct pgoutput *self, uint32_t id)
{
    size_t i = 0;

    while (i < self->relation_count && self->relations[i].id != id)
        i++;
    if (i == PGOUTPUT_RELATIONS_MAX)
        return NULL;
    if (i == self->relation_count)
        self->relations[self->relation_count++].id = id;
    return self->relations[i].columns;
}

static const uint8_t *take(struct reader *reader, size_t length)
{
    const uint8_t *bytes = reader->at;

    if (reader->is_short || length > reader->left) {
        reader->is_short = true;
        return NULL;
    }
    reader->at += length;
    reader->left -= length;
    return bytes;
}

static uint64_t take_number(struct reader *reader, size_t length)
{
    const uint8_t *bytes = take(reader, length);
    uint64_t number = 0;

    for (size_t i = 0; i < length && bytes != NULL; i++)
        number = number << 8 | bytes[i];
    return number;
}

static const char *take_text(struct reader *reader)
{
    const uint8_t *end = memchr(reader->at, '\0', reader->left);

    if (reader->is_short || end == NULL) {
        reader->is_short = true;
        return "";
    }
    return (const char *)take(reader, (size_t)(end - reader->at) + 1);
}

static struct pgoutput_message malformed(void)
{
    return (struct pgoutput_message){.kind = PGOUTPUT_MALFORMED};
}
