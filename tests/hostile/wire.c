/* wire.c - protobuf by hand: what a generated encoder would never write. */
#include "wire.h"

#include <string.h>

enum wire_type { VARINT = 0, I64 = 1, LEN = 2, GROUP = 3, I32 = 5 };

enum { BODY_MAX = 900 * 1000, PATH_LENGTH = 200 };

/* Where a field stands: in which field of which message, up to the request. */
struct place {
    const struct place *outer;
    const ProtobufCFieldDescriptor *field;
};

typedef void visit_field(const struct wire *wire, const struct place *place,
                         const struct field_schema *rules);

static void put_varint(struct buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buffer_putc(out, (char)(value | 0x80));
    buffer_putc(out, (char)value);
}

static void put_tag(struct buffer *out, uint32_t number, enum wire_type type)
{
    put_varint(out, (uint64_t)number << 3 | type);
}

static void put_bytes(struct buffer *out, uint32_t number, const char *data, size_t length)
{
    put_tag(out, number, LEN);
    put_varint(out, length);
    buffer_append(out, data, length);
}

static struct buffer empty(const struct wire *wire)
{
    struct buffer out;

    buffer_init(&out, wire->arena, 64);
    return out;
}

/* Hands on what stands at that place, in the messages around it. */
static void give(const struct wire *wire, const struct place *place, const char *what,
                 struct buffer body)
{
    char path[PATH_LENGTH] = "";

    for (const struct place *at = place; at; at = at->outer) {
        const char *text =
            arena_printf(wire->arena, "%s%s%s", at->field->name, *path ? "." : "", path);
        strncpy(path, text, sizeof path - 1);
        if (at->outer) {
            struct buffer around = empty(wire);
            put_bytes(&around, at->outer->field->id, body.data, body.length);
            body = around;
        }
    }
    wire->take(wire->closure, arena_printf(wire->arena, "%s: %s", path, what), &body);
}

static void walk(const struct wire *wire, const struct message_schema *schema,
                 const struct place *outer, visit_field *visit)
{
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        const struct place place = {outer, &schema->descriptor->fields[i]};
        const struct field_schema *rules = &schema->fields[i];

        visit(wire, &place, rules);
        if (rules->message && !(rules->flags & FIELD_MAP) &&
            rules->message->well_known != WELL_KNOWN_ANY &&
            rules->message->well_known != WELL_KNOWN_STRUCT)
            walk(wire, rules->message, &place, visit); /* no message contains itself */
    }
}

/* --- broken ----------------------------------------------------------------------------------- */

#define FF4 "\xff\xff\xff\xff"

static const struct {
    const char *label, *bytes;
    size_t length, repeat;
} BROKEN[] = {
    {"a text that is cut off",
     "\x0a\x7f"
     "abc",
     5, 1},
    {"a length of four gigabytes", "\x0a" FF4 "\x0f", 6, 1},
    {"a length beyond 64 bits", "\x0a" FF4 FF4 "\xff\xff\x01", 12, 1},
    {"a negative length", "\x0a" FF4 FF4 "\xff\x01", 11, 1},
    {"a length without a text", "\x0a\x01", 2, 1},
    {"no length", "\x0a", 1, 1},
    {"a number without an end", "\x08" FF4 FF4 FF4, 13, 1},
    {"a number that is cut off", "\x08\x80", 2, 1},
    {"a tag without an end", FF4 FF4 FF4, 12, 1},
    {"a tag that is cut off", "\x80", 1, 1},
    {"eight bytes that are five",
     "\x09"
     "abcde",
     6, 1},
    {"four bytes that are three",
     "\x0d"
     "abc",
     4, 1},
    {"a group", "\x0b\x0c", 2, 1},
    {"a group that ends before it began", "\x0c", 1, 1},
    {"groups nested deep", "\x0b", 1, 100 * 1000},
    {"a wire type of six", "\x0e\x01", 2, 1},
    {"a wire type of seven", "\x0f\x01", 2, 1},
    {"field 0", "\x02\x01x", 3, 1},
    {"nothing but zeros", "\0", 1, 64},
    {"nothing but ones", "\xff", 1, 64 * 1024},
    {"JSON", "{\"id\":\"x\"}", 10, 1},
};

void wire_broken(const struct wire *wire)
{
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        struct buffer out = empty(wire);

        for (size_t n = 0; n < BROKEN[i].repeat; n++)
            buffer_append(&out, BROKEN[i].bytes, BROKEN[i].length);
        wire->take(wire->closure, BROKEN[i].label, &out);
    }
}

/* --- misfits ---------------------------------------------------------------------------------- */

static enum wire_type type_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return LEN;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return I32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return I64;
    default:
        return VARINT;
    }
}

static void misfit(const struct wire *wire, const struct place *place,
                   const struct field_schema *rules)
{
    static const struct {
        enum wire_type type;
        const char *label, *bytes;
        size_t length;
    } OTHERS[] = {
        {VARINT, "as a number", "\x01", 1},
        {I64, "as eight bytes", "abcdefgh", 8},
        {LEN, "as a text", "\x02\xff\xff", 3},
        {I32, "as four bytes", "abcd", 4},
    };
    const ProtobufCFieldDescriptor *field = place->field;
    enum wire_type own = type_of(field);

    (void)rules;
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        return; /* protobuf-c reads one from anything */
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        struct buffer out = empty(wire);

        if (OTHERS[i].type == own)
            continue;
        put_tag(&out, field->id, OTHERS[i].type);
        buffer_append(&out, OTHERS[i].bytes, OTHERS[i].length);
        give(wire, place, OTHERS[i].label, out);
    }
}

void wire_misfits(const struct wire *wire)
{
    walk(wire, wire->schema, NULL, misfit);
}

/* --- breaches --------------------------------------------------------------------------------- */

static void give_bytes(const struct wire *wire, const struct place *place, const char *what,
                       const char *data, size_t length)
{
    struct buffer out = empty(wire);

    put_bytes(&out, place->field->id, data, length);
    give(wire, place, what, out);
}

static void give_number(const struct wire *wire, const struct place *place, const char *what,
                        int64_t number)
{
    struct buffer out = empty(wire);

    put_tag(&out, place->field->id, VARINT);
    put_varint(&out, (uint64_t)number);
    give(wire, place, what, out);
}

static void breach_length(const struct wire *wire, const struct place *place,
                          const struct field_schema *rules)
{
    size_t length = (size_t)rules->max_length + 1;

    if (length > BODY_MAX)
        return;
    char *text = arena_alloc(wire->arena, length);
    memset(text, 'a', length);
    give_bytes(wire, place, "too long", text, length);
}

static void breach_text(const struct wire *wire, const struct place *place,
                        const struct field_schema *rules)
{
    static const char SHOUTED[] = "0193549B-0A3C-7000-8000-00000000000A";

    give_bytes(wire, place, "no UTF-8", "\xff\xfe", 2);
    give_bytes(wire, place, "half a surrogate", "\xed\xa0\x80", 3);
    give_bytes(wire, place, "an overlong slash", "\xc0\xaf", 2);
    breach_length(wire, place, rules);
    if (!(rules->flags & FIELD_UUID))
        return;
    give_bytes(wire, place, "no UUID", "x", 1);
    give_bytes(wire, place, "a UUID in upper case", SHOUTED, strlen(SHOUTED));
}

static void breach_number(const struct wire *wire, const struct place *place,
                          const struct field_schema *rules)
{
    if (rules->flags & FIELD_HAS_MIN && rules->min > INT32_MIN)
        give_number(wire, place, "too small", rules->min - 1);
    if (rules->flags & FIELD_HAS_MAX && rules->max < INT32_MAX)
        give_number(wire, place, "too large", rules->max + 1);
}

static void breach_count(const struct wire *wire, const struct place *place,
                         const struct field_schema *rules)
{
    static const char ITEM[] = "\0abcdefgh"; /* 0, an empty text or message, or some bytes */
    enum wire_type type = type_of(place->field);
    size_t length = type == I64 ? 8 : type == I32 ? 4 : 1;
    struct buffer out = empty(wire);

    if (((size_t)rules->max_items + 1) * (length + 2) > BODY_MAX)
        return;
    for (size_t i = 0; i <= rules->max_items; i++) {
        put_tag(&out, place->field->id, type);
        buffer_append(&out, length > 1 ? ITEM + 1 : ITEM, length);
    }
    give(wire, place, "too many", out);
}

static void breach_keys(const struct wire *wire, const struct place *place)
{
    struct buffer out = empty(wire);

    put_bytes(&out, place->field->id, "", 0); /* an entry without a key has the key "" or 0 */
    put_bytes(&out, place->field->id, "", 0);
    give(wire, place, "a key twice", out);
}

static void breach(const struct wire *wire, const struct place *place,
                   const struct field_schema *rules)
{
    if (place->field->label == PROTOBUF_C_LABEL_REPEATED)
        breach_count(wire, place, rules);
    if (rules->flags & FIELD_MAP)
        breach_keys(wire, place);
    switch (place->field->type) {
    case PROTOBUF_C_TYPE_STRING:
        breach_text(wire, place, rules);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        breach_length(wire, place, rules);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        give_number(wire, place, "an unknown value", INT32_MAX);
        give_number(wire, place, "a negative value", -1);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        breach_number(wire, place, rules);
        break;
    default:
        break;
    }
    if (rules->message && rules->message->well_known == WELL_KNOWN_TIMESTAMP)
        give_bytes(wire, place, "a time after the year 9999", "\x08" FF4 FF4 "\x7f", 10);
}

void wire_breaches(const struct wire *wire)
{
    walk(wire, wire->schema, NULL, breach);
}

/* --- plausible -------------------------------------------------------------------------------- */

struct dice {
    struct arena *arena;
    uint64_t state;
    bool fills; /* leaves nothing out */
};

static uint64_t roll(struct dice *dice, uint64_t sides) /* xorshift64 */
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % sides;
}

static void fill(struct dice *dice, const struct message_schema *schema, struct buffer *out);

static void fill_text(struct dice *dice, const ProtobufCFieldDescriptor *field,
                      const struct field_schema *rules, struct buffer *out)
{
    static const char *const TEXTS[] = {
        "x",    "EUR", "DE", "en", "a@example.org", "'\"",  "\\%_", "é", "\xf0\x9f\x9a\x80",
        "a\0b", " ",   "-1", "{}", "2026-01-01",    "../.."};
    const char *text = TEXTS[roll(dice, sizeof TEXTS / sizeof TEXTS[0])];
    size_t length = strlen(text);

    if (rules->flags & FIELD_UUID)
        text = arena_printf(dice->arena, "0193549b-0a3c-7000-8000-%012llx",
                            (unsigned long long)roll(dice, 1ULL << 48));
    else if (roll(dice, 4) == 0) /* as long as it may be */
        text = memset(arena_calloc(dice->arena, rules->max_length + 1, 1), 'z',
                      rules->max_length < 5000 ? rules->max_length : 5000);
    else if (length > rules->max_length)
        text = arena_strndup(dice->arena, "zzzzzzzzzzzz", rules->max_length);
    put_bytes(out, field->id, text, strlen(text));
}

static int64_t pick_number(struct dice *dice, const struct field_schema *rules, bool is_wide)
{
    int64_t min = rules->flags & FIELD_HAS_MIN ? rules->min : is_wide ? INT64_MIN : INT32_MIN;
    int64_t max = rules->flags & FIELD_HAS_MAX ? rules->max : is_wide ? INT64_MAX : INT32_MAX;
    const int64_t numbers[] = {min, max, min <= 0 ? 0 : min, max >= 1 ? 1 : max,
                               max >= 100 ? 100 : max};

    return numbers[roll(dice, sizeof numbers / sizeof numbers[0])];
}

static void fill_number(struct dice *dice, const ProtobufCFieldDescriptor *field,
                        const struct field_schema *rules, struct buffer *out)
{
    bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64;
    const ProtobufCEnumDescriptor *names = field->descriptor;

    put_tag(out, field->id, VARINT);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        put_varint(out, (uint64_t)names->values[1 + roll(dice, names->n_values - 1)].value);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        put_varint(out, roll(dice, 2));
    else
        put_varint(out, (uint64_t)pick_number(dice, rules, is_wide));
}

static void fill_known(struct dice *dice, enum well_known kind, struct buffer *out)
{
    static const int64_t TIMES[] = {0, 1, 1763884800, 253402300799, -62135596800};
    static const int64_t DURATIONS[] = {0, 1, 86400, 315576000000, -315576000000};

    if (kind != WELL_KNOWN_TIMESTAMP && kind != WELL_KNOWN_DURATION)
        return;
    put_tag(out, 1, VARINT);
    put_varint(out, (uint64_t)(kind == WELL_KNOWN_TIMESTAMP ? TIMES : DURATIONS)[roll(dice, 5)]);
}

static void fill_value(struct dice *dice, const ProtobufCFieldDescriptor *field,
                       const struct field_schema *rules, struct buffer *out)
{
    enum wire_type type = type_of(field);
    struct buffer inner;

    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        buffer_init(&inner, dice->arena, 64);
        if (rules->message->well_known == WELL_KNOWN_NONE)
            fill(dice, rules->message, &inner);
        else
            fill_known(dice, rules->message->well_known, &inner);
        put_bytes(out, field->id, inner.data, inner.length);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        put_bytes(out, field->id, "\0\1\2\xff", rules->max_length < 4 ? rules->max_length : 4);
    } else if (type == LEN) {
        fill_text(dice, field, rules, out);
    } else if (type == VARINT) {
        fill_number(dice, field, rules, out);
    } else {
        put_tag(out, field->id, type);
        buffer_append(out, "\0\0\0\0\0\0\xf0\x7f", type == I64 ? 8 : 4); /* infinity */
    }
}

static void fill(struct dice *dice, const struct message_schema *schema, struct buffer *out)
{
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
        const struct field_schema *rules = &schema->fields[i];
        size_t count = 1;

        if (!dice->fills && !(rules->flags & FIELD_REQUIRED) && roll(dice, 3) == 0)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            count = 1 + roll(dice, rules->max_items < 3 ? rules->max_items : 3);
        if (rules->flags & FIELD_MAP)
            count = 1; /* a second key might be the first */
        while (count-- > 0)
            fill_value(dice, field, rules, out);
    }
}

/* The whole, then cut off somewhere, then with one bit turned. */
void wire_plausible(const struct wire *wire, uint64_t seed)
{
    struct dice dice = {wire->arena, seed * 0x9e3779b97f4a7c15 + 1, seed % 2 == 0};
    struct buffer body = empty(wire), cut, turned = empty(wire);

    fill(&dice, wire->schema, &body);
    wire->take(wire->closure, "plausible", &body);
    if (body.length == 0)
        return;
    cut = body;
    cut.length = roll(&dice, body.length);
    wire->take(wire->closure, "plausible, cut off", &cut);
    buffer_append(&turned, body.data, body.length);
    turned.data[roll(&dice, body.length)] ^= (char)(1 << roll(&dice, 8));
    wire->take(wire->closure, "plausible, with a bit turned", &turned);
}
