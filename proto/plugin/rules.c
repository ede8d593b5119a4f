/* rules.c - options we do not generate code for arrive as unknown fields of the option messages,
 * and are read from the wire here. An option given in several pieces arrives as several fields. */
#include "rules.h"

#include <stddef.h>

enum {
    OPTION_FIELD = 50001,
    OPTION_ACCESS = 50002,
    OPTION_PB_C_FILE = 1019,
    PB_C_FILE_CONST_STRINGS = 4,
};

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire {
    const uint8_t *at;
    const uint8_t *end;
};

struct wire_field {
    uint32_t number;
    uint64_t value;    /* of a varint */
    struct wire bytes; /* of length-delimited fields */
};

static uint64_t read_varint(struct wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
        uint8_t byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

static struct wire read_bytes(struct wire *wire, uint64_t length)
{
    uint64_t left = (uint64_t)(wire->end - wire->at);
    struct wire bytes = {wire->at, wire->at + (length < left ? length : left)};
    wire->at = bytes.end;
    return bytes;
}

static bool next_field(struct wire *wire, struct wire_field *field)
{
    if (wire->at >= wire->end)
        return false;
    uint64_t tag = read_varint(wire);
    *field = (struct wire_field){.number = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case WIRE_VARINT:
        field->value = read_varint(wire);
        return true;
    case WIRE_FIXED64:
        read_bytes(wire, 8);
        return true;
    case WIRE_BYTES:
        field->bytes = read_bytes(wire, read_varint(wire));
        return true;
    case WIRE_FIXED32:
        read_bytes(wire, 4);
        return true;
    default:
        return false;
    }
}

/* The `index`th piece of the option with this number; its length prefix is skipped. */
static bool find_option(const ProtobufCMessage *options, uint32_t number, size_t index,
                        struct wire *ret)
{
    for (size_t i = 0; i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *unknown = &options->unknown_fields[i];
        if (unknown->tag != number || index-- > 0)
            continue;
        *ret = (struct wire){unknown->data, unknown->data + unknown->len};
        read_varint(ret);
        return true;
    }
    return false;
}

struct field_rules rules_of_field(const Google__Protobuf__FieldOptions *options)
{
    struct field_rules rules = {0};
    struct wire wire;
    struct wire_field field;

    for (size_t i = 0; options != NULL && find_option(&options->base, OPTION_FIELD, i, &wire); i++)
        while (next_field(&wire, &field))
            switch (field.number) {
            case 1:
                rules.is_required = field.value != 0;
                break;
            case 2:
                rules.is_uuid = field.value != 0;
                break;
            case 3:
                rules.is_personal = field.value != 0;
                break;
            case 4:
                rules.max_length = (uint32_t)field.value;
                break;
            case 5:
                rules.max_items = (uint32_t)field.value;
                break;
            case 6:
                rules.has_min = true;
                rules.min = (int64_t)field.value;
                break;
            case 7:
                rules.has_max = true;
                rules.max = (int64_t)field.value;
                break;
            }
    return rules;
}

static const char *copy_bytes(struct pool *pool, struct wire bytes)
{
    return pool_copy(pool, (const char *)bytes.at, (size_t)(bytes.end - bytes.at));
}

struct method_rules rules_of_method(struct pool *pool,
                                    const Google__Protobuf__MethodOptions *options)
{
    struct method_rules rules = {.scope = ""};
    size_t caller_count = 0;
    struct wire wire;
    struct wire_field field;

    for (size_t i = 0; options != NULL && find_option(&options->base, OPTION_ACCESS, i, &wire);
         i++) {
        rules.is_stated = true;
        while (next_field(&wire, &field)) {
            if (field.number == 1 && caller_count < CALLERS_MAX)
                rules.callers[caller_count++] = copy_bytes(pool, field.bytes);
            if (field.number == 2)
                rules.scope = copy_bytes(pool, field.bytes);
        }
    }
    return rules;
}

bool rules_have_const_strings(const Google__Protobuf__FileOptions *options)
{
    struct wire wire;
    struct wire_field field;
    bool is_const = false;

    for (size_t i = 0; options != NULL && find_option(&options->base, OPTION_PB_C_FILE, i, &wire);
         i++)
        while (next_field(&wire, &field))
            if (field.number == PB_C_FILE_CONST_STRINGS)
                is_const = field.value != 0;
    return is_const;
}
