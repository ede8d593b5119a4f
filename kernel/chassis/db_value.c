/* db_value.c - one parameter of a statement; db_stmt.c turns it into Postgres' binary form. */
#include "chassis/db.h"

#include <string.h>

static struct db_value bytes_value(char type, const void *data, size_t length);
static struct db_value array_value(char type, const void *array, size_t count);

struct db_value db_int(int64_t value)
{
    return (struct db_value){.type = 'i', .integer = value};
}

struct db_value db_int_or_null(bool is_present, int64_t value)
{
    return is_present ? db_int(value) : db_null('i');
}

struct db_value db_bool(bool value)
{
    return (struct db_value){.type = 'f', .integer = value};
}

struct db_value db_uuid(struct uuid value)
{
    return (struct db_value){.type = 'u', .uuid = value};
}

struct db_value db_uuid_or_null(struct uuid value)
{
    return uuid_is_nil(value) ? db_null('u') : db_uuid(value);
}

struct db_value db_text(const char *value)
{
    return bytes_value('t', value, value == NULL ? 0 : strlen(value));
}

struct db_value db_json(const char *value)
{
    return bytes_value('j', value, value == NULL ? 0 : strlen(value));
}

struct db_value db_numeric(const char *value)
{
    return bytes_value('n', value, value == NULL ? 0 : strlen(value));
}

/* Empty bytes are a value, not NULL, even when `data` is NULL. */
struct db_value db_blob(const void *data, size_t length)
{
    return bytes_value('b', data == NULL ? "" : data, length);
}

struct db_value db_time(int64_t time_us)
{
    return (struct db_value){.type = 'd', .integer = time_us};
}

struct db_value db_time_or_null(int64_t time_us)
{
    return time_us == 0 ? db_null('d') : db_time(time_us);
}

struct db_value db_null(char type)
{
    return (struct db_value){.type = type, .is_null = true};
}

struct db_value db_ints(const int64_t *values, size_t count)
{
    return array_value('I', values, count);
}

struct db_value db_times(const int64_t *values, size_t count)
{
    return array_value('D', values, count);
}

struct db_value db_bools(const bool *values, size_t count)
{
    return array_value('F', values, count);
}

struct db_value db_uuids(const struct uuid *values, size_t count)
{
    return array_value('U', values, count);
}

struct db_value db_texts(const char *const *values, size_t count)
{
    return array_value('T', values, count);
}

struct db_value db_jsons(const char *const *values, size_t count)
{
    return array_value('J', values, count);
}

struct db_value db_blobs(const struct db_bytes *values, size_t count)
{
    return array_value('B', values, count);
}

static struct db_value bytes_value(char type, const void *data, size_t length)
{
    return (struct db_value){.type = type, .is_null = data == NULL, .bytes = {data, length}};
}

static struct db_value array_value(char type, const void *array, size_t count)
{
    return (struct db_value){.type = type, .count = count, .array = array};
}
