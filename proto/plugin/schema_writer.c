/* schema_writer.c - <stem>.schema.h/.c: the tables of proto/schema.h, parallel to the descriptors.
 */
#include "names.h"
#include "writers.h"

#include <inttypes.h>
#include <string.h>

enum { LENGTH_DEFAULT = 4096, ITEMS_DEFAULT = 1000, UUID_LENGTH = 36, MAP_KEY_LENGTH = 256 };

static void add_message(const struct contract *contract, const struct message *message,
                        struct text *out);

static const struct {
    const char *full_name;
    const char *kind;
} WELL_KNOWN[] = {
    {"google.protobuf.Timestamp", "WELL_KNOWN_TIMESTAMP"},
    {"google.protobuf.Duration", "WELL_KNOWN_DURATION"},
    {"google.protobuf.Any", "WELL_KNOWN_ANY"},
    {"google.protobuf.Struct", "WELL_KNOWN_STRUCT"},
};

static void add_schema_includes(const struct contract *contract, const FileProto *file,
                                struct text *out)
{
    for (size_t i = 0; i < contract->request->n_proto_file; i++) {
        const FileProto *other = contract->request->proto_file[i];
        bool is_used = false;
        for (size_t k = 0; k < contract->message_count && !is_used; k++) {
            const struct message *message = &contract->messages[k];
            for (size_t f = 0; message->file == file && f < message->proto->n_field; f++)
                is_used = is_used ||
                          (field_is_message(message->proto->field[f]) &&
                           contract_message(contract, message->proto->field[f]->type_name)->file ==
                               other);
        }
        if (is_used && other != file)
            text_add(out, "#include \"%s.schema.h\"\n", file_stem(contract->pool, other->name));
    }
}

void write_schema(const struct contract *contract, const FileProto *file, struct text *header,
                  struct text *source)
{
    const char *stem = file_stem(contract->pool, file->name);

    text_add(header,
             "/* Generated from %s. */\n#pragma once\n\n#include \"%s.pb-c.h\"\n\n"
             "#include \"proto/schema.h\"\n\n",
             file->name, stem);
    text_add(source, "/* Generated from %s. */\n#include \"%s.schema.h\"\n\n", file->name, stem);
    add_schema_includes(contract, file, source);
    for (size_t i = 0; i < contract->message_count; i++) {
        const struct message *message = &contract->messages[i];
        if (message->file != file)
            continue;
        text_add(header, "extern const struct message_schema %s__schema;\n",
                 c_lower_name(contract->pool, message->full_name));
        add_message(contract, message, source);
    }
}

static struct field_rules effective_rules(const struct message *message, const FieldProto *field)
{
    if (message->map_field == NULL)
        return rules_of_field(field->options);
    if (field->number == 1)
        return (struct field_rules){.max_length = MAP_KEY_LENGTH};
    struct field_rules rules = rules_of_field(message->map_field->options);
    rules.is_required = false; // of a map: it has entries
    return rules;
}

static const char *flag_names(const struct contract *contract, const struct message *message,
                              const FieldProto *field, const struct field_rules *rules)
{
    const struct {
        bool is_set;
        const char *name;
    } rows[] = {
        {field_has_presence(message, field), "FIELD_PRESENCE"},
        {field_is_map(contract, field), "FIELD_MAP"},
        {rules->is_personal, "FIELD_PERSONAL"},
        {rules->is_required, "FIELD_REQUIRED"},
        {rules->is_uuid && !field_is_map(contract, field), "FIELD_UUID"},
        {rules->has_min && !field_is_map(contract, field), "FIELD_HAS_MIN"},
        {rules->has_max && !field_is_map(contract, field), "FIELD_HAS_MAX"},
    };
    struct text names = {.pool = contract->pool};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_set)
            text_add(&names, "%s%s", names.length > 0 ? " | " : "", rows[i].name);
    return names.length > 0 ? names.data : "0";
}

/* INT64_MIN cannot be written as a number: the minus sign is an operator on one too large. */
static const char *integer_literal(struct pool *pool, int64_t value)
{
    return value == INT64_MIN ? "INT64_MIN" : pool_printf(pool, "%" PRId64, value);
}

static void add_field(const struct contract *contract, const struct message *message, size_t index,
                      struct text *out)
{
    const FieldProto *field = message->proto->field[index];
    struct field_rules rules = effective_rules(message, field);
    struct place place = place_inside(message->place, MESSAGE_FIELD, index);

    text_add(out, "    {.json_name = ");
    text_add_literal(out, field->json_name);
    text_add(out, ",\n     .doc = ");
    text_add_literal(out, place_doc(contract->pool, &place));
    if (field_is_message(field))
        text_add(out, ",\n     .message = &%s__schema",
                 c_lower_name(contract->pool, field->type_name));
    text_add(out, ",\n     .flags = %s", flag_names(contract, message, field, &rules));
    if (field_is_text(field))
        text_add(out, ", .max_length = %" PRIu32,
                 rules.max_length > 0 ? rules.max_length
                 : rules.is_uuid      ? UUID_LENGTH
                                      : LENGTH_DEFAULT);
    if (field_is_repeated(field))
        text_add(out, ", .max_items = %" PRIu32,
                 rules.max_items > 0 ? rules.max_items : ITEMS_DEFAULT);
    if (rules.has_min && field_is_integer(field))
        text_add(out, ", .min = %s", integer_literal(contract->pool, rules.min));
    if (rules.has_max && field_is_integer(field))
        text_add(out, ", .max = %s", integer_literal(contract->pool, rules.max));
    text_add(out, "},\n");
}

/* protobuf-c sorts its field descriptors by number; so must we. */
static size_t *field_order(const struct contract *contract, const MessageProto *proto)
{
    size_t *order = pool_alloc(contract->pool, (proto->n_field + 1) * sizeof *order);
    for (size_t i = 0; i < proto->n_field; i++) {
        size_t at = i;
        for (; at > 0 && proto->field[order[at - 1]]->number > proto->field[i]->number; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

static void add_message(const struct contract *contract, const struct message *message,
                        struct text *out)
{
    const char *name = c_lower_name(contract->pool, message->full_name);
    const char *well_known = "WELL_KNOWN_NONE";
    for (size_t i = 0; i < sizeof WELL_KNOWN / sizeof WELL_KNOWN[0]; i++)
        if (strcmp(message->full_name, WELL_KNOWN[i].full_name) == 0)
            well_known = WELL_KNOWN[i].kind;

    if (message->proto->n_field > 0) {
        size_t *order = field_order(contract, message->proto);
        text_add(out, "\nstatic const struct field_schema %s__fields[] = {\n", name);
        for (size_t i = 0; i < message->proto->n_field; i++)
            add_field(contract, message, order[i], out);
        text_add(out, "};\n");
    }
    text_add(out,
             "\nconst struct message_schema %s__schema = {\n    .descriptor = &%s__descriptor,\n",
             name, name);
    if (message->proto->n_field > 0)
        text_add(out, "    .fields = %s__fields,\n", name);
    text_add(out, "    .doc = ");
    text_add_literal(out, place_doc(contract->pool, &message->place));
    text_add(out, ",\n    .well_known = %s,\n};\n", well_known);
}
