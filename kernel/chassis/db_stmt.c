/* db_stmt.c - what a statement says about itself: parameters into Postgres' binary form, and the
 * comparison of its letters with the schema.
 *
 * Parameter types are given with Parse, so a wrong one is the server's own error message. jsonb and
 * numeric parameters travel as text (their binary forms gain nothing); their arrays in binary. */
#include "db_wire.h"

#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <string.h>

enum { TYPES_MAX = 4 };

/* The first type is that of a parameter, all of them are accepted as columns. Stable numbers from
 * Postgres' pg_type.dat; libpq's headers do not have them. */
static const struct {
    char letter;
    Oid types[TYPES_MAX];
    const char *name;
} LETTERS[] = {
    {'i', {20, 23, 21}, "bigint"},
    {'u', {2950}, "uuid"},
    {'t', {25, 1043, 1042, 19}, "text"},
    {'b', {17}, "bytea"},
    {'f', {16}, "boolean"},
    {'d', {1184}, "timestamptz"},
    {'j', {3802, 114}, "jsonb"},
    {'n', {1700}, "numeric"},
    {'I', {1016, 1007, 1005}, "bigint[]"},
    {'U', {2951}, "uuid[]"},
    {'T', {1009, 1015, 1003}, "text[]"},
    {'B', {1001}, "bytea[]"},
    {'F', {1000}, "boolean[]"},
    {'D', {1185}, "timestamptz[]"},
    {'J', {3807, 199}, "jsonb[]"},
    {'N', {1231}, "numeric[]"},
};

static Oid parameter_type(char letter);
static bool is_type_of(char letter, Oid type);
static const char *type_name(char letter);
static void encode_value(struct arena *arena, const struct db_value *value, int index,
                         struct db_encoded *encoded);
static const char *encode_integer(struct arena *arena, int64_t value);
static int64_t postgres_time(int64_t time_us);
static void encode_array(struct arena *arena, const struct db_value *value, int index,
                         struct db_encoded *encoded);
static struct db_bytes element(struct arena *arena, const struct db_value *value, size_t index);
static void put_int32(struct buffer *out, int64_t value);

void db_encode(struct arena *arena, const struct db_stmt *stmt, struct db_args args,
               struct db_encoded *ret_encoded)
{
    assert(args.count == strlen(stmt->in));

    ret_encoded->count = (int)args.count;
    ret_encoded->values = arena_array(arena, const char *, args.count);
    ret_encoded->lengths = arena_array(arena, int, args.count);
    ret_encoded->formats = arena_array(arena, int, args.count);
    for (size_t i = 0; i < args.count; i++) {
        assert(args.values[i].type == stmt->in[i]);
        if (!args.values[i].is_null)
            encode_value(arena, &args.values[i], (int)i, ret_encoded);
    }
}

const unsigned int *db_parameter_types(struct arena *arena, const struct db_stmt *stmt)
{
    size_t count = strlen(stmt->in);
    Oid *types = arena_array(arena, Oid, count);

    for (size_t i = 0; i < count; i++)
        types[i] = parameter_type(stmt->in[i]);
    return types;
}

const char *db_check(struct arena *arena, const struct db_stmt *stmt, const PGresult *described)
{
    size_t parameters = strlen(stmt->in);
    size_t columns = strlen(stmt->out);

    if ((size_t)PQnparams(described) != parameters)
        return arena_printf(arena, "takes %d parameters, `in` names %zu", PQnparams(described),
                            parameters);
    for (size_t i = 0; i < parameters; i++) {
        if (PQparamtype(described, (int)i) != parameter_type(stmt->in[i]))
            return arena_printf(arena, "parameter $%zu has type %u, `in` says %s", i + 1,
                                PQparamtype(described, (int)i), type_name(stmt->in[i]));
    }
    if ((size_t)PQnfields(described) != columns)
        return arena_printf(arena, "has %d columns, `out` names %zu", PQnfields(described),
                            columns);
    for (size_t i = 0; i < columns; i++) {
        if (!is_type_of(stmt->out[i], PQftype(described, (int)i)))
            return arena_printf(arena, "column %zu (%s) has type %u, `out` says %s", i + 1,
                                PQfname(described, (int)i), PQftype(described, (int)i),
                                type_name(stmt->out[i]));
    }
    return NULL;
}

static Oid parameter_type(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++)
        if (LETTERS[i].letter == letter)
            return LETTERS[i].types[0];
    assert(false && "a letter of db.h");
    return 0;
}

static bool is_type_of(char letter, Oid type)
{
    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++) {
        if (LETTERS[i].letter != letter)
            continue;
        for (size_t k = 0; k < TYPES_MAX && LETTERS[i].types[k] != 0; k++)
            if (LETTERS[i].types[k] == type)
                return true;
    }
    return false;
}

static const char *type_name(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++)
        if (LETTERS[i].letter == letter)
            return LETTERS[i].name;
    return "an unknown letter";
}

static void encode_value(struct arena *arena, const struct db_value *value, int index,
                         struct db_encoded *encoded)
{
    encoded->formats[index] = 1;
    switch (value->type) {
    case 'i':
        encoded->values[index] = encode_integer(arena, value->integer);
        encoded->lengths[index] = 8;
        break;
    case 'd':
        encoded->values[index] = encode_integer(arena, postgres_time(value->integer));
        encoded->lengths[index] = 8;
        break;
    case 'f':
        encoded->values[index] = value->integer ? "\1" : "\0";
        encoded->lengths[index] = 1;
        break;
    case 'u': // the arguments may live on the caller's stack only until this call returns
        encoded->values[index] = arena_memdup(arena, value->uuid.bytes, sizeof value->uuid.bytes);
        encoded->lengths[index] = sizeof value->uuid.bytes;
        break;
    case 't':
    case 'b':
        encoded->values[index] = value->bytes.data;
        encoded->lengths[index] = (int)value->bytes.length;
        break;
    case 'j':
    case 'n':
        encoded->values[index] = value->bytes.data;
        encoded->formats[index] = 0;
        break;
    default:
        encode_array(arena, value, index, encoded);
    }
}

static const char *encode_integer(struct arena *arena, int64_t value)
{
    uint64_t big_endian = htobe64((uint64_t)value);

    return arena_memdup(arena, &big_endian, sizeof big_endian);
}

/* The ends of the range are `infinity` and `-infinity`. */
static int64_t postgres_time(int64_t time_us)
{
    if (time_us == INT64_MAX || time_us == INT64_MIN)
        return time_us;
    return time_us - POSTGRES_EPOCH_US;
}

/* array_recv(): dimensions, whether there are NULLs, element type; length and lower bound of the
 * one dimension; then length and bytes of each element. */
static void encode_array(struct arena *arena, const struct db_value *value, int index,
                         struct db_encoded *encoded)
{
    struct buffer out;
    bool has_nulls = strchr("TJB", value->type) != NULL; // allowed, whether or not there are any

    buffer_init(&out, arena, 20 + value->count * 20);
    put_int32(&out, value->count == 0 ? 0 : 1);
    put_int32(&out, has_nulls);
    put_int32(&out, parameter_type((char)(value->type + ('a' - 'A'))));
    if (value->count > 0) {
        put_int32(&out, (int64_t)value->count);
        put_int32(&out, 1);
    }
    for (size_t i = 0; i < value->count; i++) {
        struct db_bytes item = element(arena, value, i);
        if (item.data == NULL) {
            put_int32(&out, -1);
            continue;
        }
        put_int32(&out, (int64_t)item.length + (value->type == 'J'));
        if (value->type == 'J')
            buffer_putc(&out, JSONB_VERSION);
        buffer_append(&out, item.data, item.length);
    }
    encoded->values[index] = out.data;
    encoded->lengths[index] = (int)out.length;
}

static struct db_bytes element(struct arena *arena, const struct db_value *value, size_t index)
{
    switch (value->type) {
    case 'I':
        return (struct db_bytes){encode_integer(arena, ((const int64_t *)value->array)[index]), 8};
    case 'D':
        return (struct db_bytes){
            encode_integer(arena, postgres_time(((const int64_t *)value->array)[index])), 8};
    case 'F':
        return (struct db_bytes){((const bool *)value->array)[index] ? "\1" : "\0", 1};
    case 'U':
        return (struct db_bytes){((const struct uuid *)value->array)[index].bytes, 16};
    case 'B':
        return ((const struct db_bytes *)value->array)[index];
    case 'T':
    case 'J': {
        const char *text = ((const char *const *)value->array)[index];
        return (struct db_bytes){text, text == NULL ? 0 : strlen(text)};
    }
    default:
        assert(false && "an array letter of db.h");
        return (struct db_bytes){0};
    }
}

static void put_int32(struct buffer *out, int64_t value)
{
    uint32_t big_endian = htobe32((uint32_t)value);

    buffer_append(out, &big_endian, sizeof big_endian);
}
