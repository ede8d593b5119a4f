/* json_write.c - writing JSON as a stream, without a tree. */
#include "buffer_reserve.h"
#include "digits.h"
#include "json_text.h"
#include "utf8.h"

#include "common/json.h"

#include <assert.h>
#include <string.h>

/* One byte that cannot stand in a string as it is. */
static void put_escape(struct buffer *out, unsigned char c)
{
    static const char SHORT[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', [0x1F] = 0};
    static const char HEX[] = "0123456789abcdef";

    if (c >= 0x80) {
        buffer_append(out, "\xEF\xBF\xBD", 3);
        return;
    }

    char escape[6] = {'\\', (char)c};
    size_t length = 2;

    if (c < 0x20 && SHORT[c]) {
        escape[1] = SHORT[c];
    } else if (c < 0x20) {
        memcpy(escape + 1, "u00", 3);
        escape[4] = HEX[c >> 4];
        escape[5] = HEX[c & 15];
        length = 6;
    }
    buffer_append(out, escape, length);
}

void json_put_text(struct buffer *out, const char *text, size_t length)
{
    const char *at = text, *end = text + length, *run = text;

    *buffer_reserve(out, length + 2) = '"';
    out->length++;
    while ((at = json_skip_plain(at, end)) < end) {
        size_t sequence = str_utf8_sequence(at, (size_t)(end - at));

        if (sequence > 0) {
            at += sequence;
            continue;
        }
        buffer_append(out, run, (size_t)(at - run));
        put_escape(out, (unsigned char)*at);
        run = ++at;
    }

    size_t left = (size_t)(end - run);
    char *tail = buffer_reserve(out, left + 1);

    if (left > 0)
        memcpy(tail, run, left);
    tail[left] = '"';
    tail[left + 1] = '\0';
    out->length += left + 1;
}

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
    *writer = (struct json_writer){.out = out};
}

/* The comma before an item, unless it is its level's first or a member's value. */
static void separate(struct json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (writer->depth == 0)
        return;

    uint64_t level = (uint64_t)1 << (writer->depth - 1);

    if (writer->has_items & level)
        buffer_putc(writer->out, ',');
    writer->has_items |= level;
}

static void begin(struct json_writer *writer, char bracket)
{
    separate(writer);
    assert(writer->depth < JSON_DEPTH_MAX);
    writer->has_items &= ~((uint64_t)1 << writer->depth);
    writer->depth++;
    buffer_putc(writer->out, bracket);
}

static void end(struct json_writer *writer, char bracket)
{
    assert(writer->depth > 0 && !writer->after_key);
    writer->depth--;
    buffer_putc(writer->out, bracket);
}

void json_begin_object(struct json_writer *writer)
{
    begin(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    begin(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']');
}

void json_key(struct json_writer *writer, const char *key)
{
    assert(writer->depth > 0 && !writer->after_key);
    json_string(writer, key);
    buffer_putc(writer->out, ':');
    writer->after_key = true;
}

void json_string(struct json_writer *writer, const char *text)
{
    if (text)
        json_string_n(writer, text, strlen(text));
    else
        json_null(writer);
}

void json_string_n(struct json_writer *writer, const char *text, size_t length)
{
    separate(writer);
    json_put_text(writer->out, text, length);
}

void json_int(struct json_writer *writer, int64_t value)
{
    separate(writer);
    buffer_put_int(writer->out, value);
}

void json_bool(struct json_writer *writer, bool value)
{
    separate(writer);
    buffer_puts(writer->out, value ? "true" : "false");
}

void json_null(struct json_writer *writer)
{
    separate(writer);
    buffer_puts(writer->out, "null");
}

void json_raw(struct json_writer *writer, const char *json, size_t length)
{
    separate(writer);
    buffer_append(writer->out, json, length);
}

void json_message(struct json_writer *writer, const struct message_schema *schema,
                  const ProtobufCMessage *message, bool with_defaults)
{
    separate(writer);
    json_encode(writer->out, schema, message, with_defaults);
}
