/* json_refusal.c - tells a caller where his JSON went wrong.
 *
 * Paths name fields as the JSON does: lines[2].quantity, labels["colour"]. What was received is
 * quoted, shortened, unless it may be personal data. */
#include "json_decode.h"
#include "json_text.h"
#include "utf8.h"

#include "common/compiler.h"

#include <string.h>

enum { EXCERPT_MAX = 60, FIELDS_MAX = 12 };

/* Appends at most EXCERPT_MAX bytes; what is not UTF-8 or would not print becomes a question mark.
 */
static void put_excerpt(struct buffer *out, const char *text, size_t length)
{
    size_t at = 0;

    while (at < length && at < EXCERPT_MAX) {
        unsigned char c = (unsigned char)text[at];
        size_t sequence = c < 0x80 ? c >= 0x20 : str_utf8_sequence(text + at, length - at);

        if (sequence == 0)
            buffer_putc(out, '?');
        else
            buffer_append(out, text + at, sequence);
        at += sequence > 0 ? sequence : 1;
    }
    if (at < length)
        buffer_puts(out, "...");
}

static void put_frame(struct buffer *out, const struct json_decoder *decoder,
                      const struct json_frame *frame)
{
    switch (frame->kind) {
    case JSON_FRAME_MESSAGE:
        if (!frame->is_unknown && frame->field < 0)
            return;
        if (out->length > 0)
            buffer_putc(out, '.');
        if (frame->is_unknown)
            put_excerpt(out, decoder->scan.key.data, decoder->scan.key.length);
        else
            buffer_puts(out, frame->schema->fields[frame->field].json_name);
        break;
    case JSON_FRAME_LIST:
        if (frame->count > 0)
            buffer_printf(out, "[%zu]", frame->count - 1);
        break;
    case JSON_FRAME_MAP:
        if (!frame->key)
            return;
        buffer_puts(out, "[\"");
        put_excerpt(out, frame->key, strlen(frame->key));
        buffer_puts(out, "\"]");
        break;
    }
}

static bool is_personal(const struct json_decoder *decoder)
{
    for (int i = 0; i < decoder->depth; i++) {
        const struct json_frame *frame = &decoder->frames[i];

        if (frame->field >= 0 && frame->schema->fields[frame->field].flags & FIELD_PERSONAL)
            return true;
    }
    return false;
}

/* The scalar at value_at; an object or list says only that it is one. */
static void put_value(struct buffer *out, const struct json_decoder *decoder)
{
    const char *at = decoder->scan.value_at, *end = decoder->scan.end;
    const char *stop = at;

    if (at == end)
        return;
    if (*at == '{' || *at == '[') {
        buffer_puts(out, *at == '{' ? "an object" : "a list");
        return;
    }
    if (*at == '"') {
        for (stop = ++at; stop < end && *stop != '"' && stop - at <= EXCERPT_MAX; stop++)
            if (*stop == '\\' && stop + 1 < end)
                stop++;
    } else {
        while (stop < end && !strchr(",]} \t\r\n", *stop) && stop - at <= EXCERPT_MAX)
            stop++;
    }
    put_excerpt(out, at, (size_t)(stop - at));
}

/* For a misspelt member: the names there are. */
static const char *wanted_fields(const struct json_decoder *decoder)
{
    const struct message_schema *schema = decoder->frames[decoder->depth - 1].schema;
    unsigned count = schema->descriptor->n_fields;
    struct buffer out;

    buffer_init(&out, decoder->arena, 0);
    if (count == 0)
        buffer_puts(&out, "nothing: the message has no fields");
    for (unsigned i = 0; i < count && i < FIELDS_MAX; i++)
        buffer_printf(&out, "%s%s", i > 0 ? ", " : "one of the fields ",
                      schema->fields[i].json_name);
    if (count > FIELDS_MAX)
        buffer_puts(&out, ", ...");
    return out.data;
}

struct status json_refusal(const struct json_decoder *decoder)
{
    struct violation *violation = arena_new(decoder->arena, struct violation);
    bool is_unknown = decoder->depth > 0 && decoder->frames[decoder->depth - 1].is_unknown;
    const char *wanted = is_unknown ? wanted_fields(decoder) : decoder->wanted;
    size_t offset = (size_t)((decoder->scan.problem ? decoder->scan.at : decoder->scan.value_at) -
                             decoder->text);
    struct buffer path, value;

    buffer_init(&path, decoder->arena, 0);
    for (int i = 0; i < decoder->depth; i++)
        put_frame(&path, decoder, &decoder->frames[i]);
    buffer_init(&value, decoder->arena, 0);
    // What has no field might be somebody's name just as well: it is not repeated.
    if (!is_unknown && !is_personal(decoder))
        put_value(&value, decoder);
    *violation = (struct violation){.field = path.data, .value = value.data, .allowed = wanted};

    struct status status =
        status_error(STATUS_INVALID_ARGUMENT, "MALFORMED_JSON",
                     arena_printf(decoder->arena, "byte %zu%s%s: expected %s", offset,
                                  path.length > 0 ? ", " : "", path.data, wanted));

    status.violations = violation;
    return status;
}
