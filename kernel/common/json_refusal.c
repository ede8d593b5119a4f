/* json_refusal.c - tells a caller where his JSON went wrong.
 *
 * Paths name fields as the JSON does: lines[2].quantity, labels["colour"]. What was received is
 * quoted, shortened, unless it may be personal data. */
#include "json_decode.h"
#include "line.h"

#include <string.h>

enum { FIELDS_MAX = 12 };

static void put_excerpt(struct buffer *out, const char *text, size_t length)
{
    struct line line = {0};

    line_add_excerpt(&line, text, length);
    buffer_append(out, line.text, line.length);
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
    bool is_syntax = decoder->scan.problem != NULL;
    const char *wanted = is_unknown ? wanted_fields(decoder) : decoder->wanted;
    size_t offset = (size_t)((is_syntax ? decoder->scan.at : decoder->scan.value_at) -
                             decoder->text);
    struct buffer path, value;

    buffer_init(&path, decoder->arena, 0);
    // Where the text itself is wrong, the member it belongs to has not been looked up yet.
    for (int i = 0; i < decoder->depth - is_syntax; i++)
        put_frame(&path, decoder, &decoder->frames[i]);
    buffer_init(&value, decoder->arena, 0);
    // What has no field might be somebody's name just as well: it is not repeated.
    if (!is_unknown && !is_syntax && !is_personal(decoder))
        put_value(&value, decoder);
    *violation = (struct violation){.field = path.data, .value = value.data, .allowed = wanted};

    struct status status =
        status_error(STATUS_INVALID_ARGUMENT, "MALFORMED_JSON",
                     arena_printf(decoder->arena, "byte %zu%s%s: expected %s", offset,
                                  path.length > 0 ? ", " : "", path.data, wanted));

    status.violations = violation;
    return status;
}
