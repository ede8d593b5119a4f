/* check.c - rules of contracts that protoc does not know; proto/README.md gives their reasons. */
#include "check.h"

#include "names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void check_messages(struct contract *contract, const FileProto *file);
static void check_enum(struct contract *contract, const EnumProto *proto, struct place place);
static void check_service(struct contract *contract, const ServiceProto *proto, struct place place);

__attribute__((format(printf, 3, 4))) static void
refuse(struct contract *contract, const struct place *place, const char *format, ...)
{
    char what[1024];
    va_list args;

    va_start(args, format);
    if (vsnprintf(what, sizeof what, format, args) >= (int)sizeof what)
        memcpy(what + sizeof what - 4, "...", 4);
    va_end(args);
    text_add(&contract->errors, "%s:%d: %s\n", place->file->name, place_line(place), what);
}

void check_contract(struct contract *contract)
{
    for (size_t i = 0; i < contract->file_count; i++) {
        const FileProto *file = contract->files[i];
        struct place place = place_of_file(file);

        if (file->package == NULL || *file->package == '\0')
            refuse(contract, &place, "a contract has a package");
        if (!contract->is_foreign && !rules_have_const_strings(file->options))
            refuse(contract, &place, "option (pb_c_file) = {const_strings: true} is missing");
        check_messages(contract, file);
        for (size_t k = 0; k < file->n_enum_type; k++)
            check_enum(contract, file->enum_type[k], place_inside(place, FILE_ENUM, k));
        for (size_t k = 0; k < file->n_service; k++)
            check_service(contract, file->service[k], place_inside(place, FILE_SERVICE, k));
    }
}

/* protobuf-c unpacks by recursion without a depth limit: a message that can contain itself lets a
 * small request overflow a worker's stack. */
static bool check_recursion(struct contract *contract, struct message *message)
{
    bool is_finite = true;
    message->search = SEARCH_OPEN;
    for (size_t i = 0; i < message->proto->n_field; i++) {
        const FieldProto *field = message->proto->field[i];
        if (!field_is_message(field))
            continue;
        struct message *inner = contract_message(contract, field->type_name);
        if (inner->search == SEARCH_OPEN) {
            struct place place = place_inside(message->place, MESSAGE_FIELD, i);
            refuse(contract, &place,
                   "%s.%s makes %s recursive; use a flat list with parent indexes",
                   message->full_name, field->name, inner->full_name);
            is_finite = false;
        } else if (inner->search == SEARCH_NEW) {
            is_finite = check_recursion(contract, inner) && is_finite;
        }
    }
    message->search = SEARCH_DONE;
    return is_finite;
}

static bool is_personal_inside(const struct contract *contract, const MessageProto *proto)
{
    for (size_t i = 0; i < proto->n_field; i++) {
        const FieldProto *field = proto->field[i];
        if (rules_of_field(field->options).is_personal)
            return true;
        if (field_is_message(field) &&
            is_personal_inside(contract, contract_message(contract, field->type_name)->proto))
            return true;
    }
    return false;
}

/* Event topics are kept for long and read by anybody; nothing in them can be erased. */
static void check_personal(struct contract *contract, const struct message *message,
                           const FieldProto *field, const struct place *place)
{
    if (strcmp(base_name(message->file->name), "events.proto") != 0)
        return;
    bool is_personal = rules_of_field(field->options).is_personal;
    if (!is_personal && field_is_message(field))
        is_personal =
            is_personal_inside(contract, contract_message(contract, field->type_name)->proto);
    if (is_personal)
        refuse(contract, place, "%s.%s is personal data, which no event may carry",
               message->full_name, field->name);
}

/* A rule that would hold for nothing is a mistake, and a silent one if it were let pass. */
static void check_rules(struct contract *contract, const struct message *message,
                        const FieldProto *field, const struct place *place)
{
    struct field_rules rules = rules_of_field(field->options);
    const FieldProto *ruled = field;
    if (field_is_map(contract, field))
        ruled = contract_message(contract, field->type_name)->proto->field[1];
    bool is_list = field_is_repeated(field);
    bool is_number = !is_list && !field_is_text(field) && !field_is_message(field) &&
                     field->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;
    const struct {
        bool is_broken;
        const char *why;
    } rows[] = {
        {rules.is_uuid &&
             ruled->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING,
         "uuid is of strings"},
        {rules.max_length > 0 && !field_is_text(ruled), "max_length is of strings and bytes"},
        {rules.max_items > 0 && !is_list, "max_items is of lists and maps"},
        {(rules.has_min || rules.has_max) && !field_is_integer(ruled),
         "min and max are of integers"},
        {rules.has_min && rules.has_max && rules.min > rules.max, "min is greater than max"},
        {rules.is_required && is_number && !field_has_presence(message, field),
         "required says nothing of a bare number; use min, or a oneof _presence"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_broken)
            refuse(contract, place, "%s.%s: %s", message->full_name, field->name, rows[i].why);
}

static void check_field(struct contract *contract, const struct message *message, size_t index)
{
    const FieldProto *field = message->proto->field[index];
    struct place place = place_inside(message->place, MESSAGE_FIELD, index);

    if (field->proto3_optional)
        refuse(contract, &place,
               "%s.%s is optional, which protobuf-c cannot read; use oneof %s_presence",
               message->full_name, field->name, field->name);
    else
        check_rules(contract, message, field, &place);
    if (field_has_presence(message, field) && !contract->is_foreign) {
        const char *oneof = message->proto->oneof_decl[field->oneof_index]->name;
        if (strcmp(oneof, pool_printf(contract->pool, "%s_presence", field->name)) != 0)
            refuse(contract, &place, "%s.%s alone belongs into oneof %s_presence, not %s",
                   message->full_name, field->name, field->name, oneof);
    }
}

/* Returns false when the contract is recursive: other walks would not end. */
static bool is_finite(struct contract *contract, const FileProto *file)
{
    bool is_finite = true;
    for (size_t i = 0; i < contract->message_count; i++) {
        struct message *message = &contract->messages[i];
        if (message->file == file && message->search == SEARCH_NEW)
            is_finite = check_recursion(contract, message) && is_finite;
    }
    return is_finite;
}

static void check_messages(struct contract *contract, const FileProto *file)
{
    bool is_tree = contract->is_foreign || is_finite(contract, file);
    for (size_t i = 0; i < contract->message_count; i++) {
        const struct message *message = &contract->messages[i];
        if (message->file != file || message->map_field != NULL)
            continue;
        for (size_t k = 0; k < message->proto->n_field; k++) {
            check_field(contract, message, k);
            struct place place = place_inside(message->place, MESSAGE_FIELD, k);
            if (is_tree && !contract->is_foreign)
                check_personal(contract, message, message->proto->field[k], &place);
        }
        for (size_t k = 0; k < message->proto->n_enum_type; k++)
            check_enum(contract, message->proto->enum_type[k],
                       place_inside(message->place, MESSAGE_ENUM, k));
    }
}

/* In proto3 an enum that was not sent reads as zero, so zero must mean exactly that. */
static void check_enum(struct contract *contract, const EnumProto *proto, struct place place)
{
    static const char SUFFIX[] = "_UNSPECIFIED";
    for (size_t i = 0; i < proto->n_value; i++) {
        const char *name = proto->value[i]->name;
        size_t length = strlen(name);
        bool is_unspecified =
            length >= sizeof SUFFIX - 1 && strcmp(name + length - (sizeof SUFFIX - 1), SUFFIX) == 0;
        if (proto->value[i]->number == 0 && !is_unspecified && !contract->is_foreign) {
            struct place value = place_inside(place, ENUM_VALUE, i);
            refuse(contract, &value, "%s: the zero of an enum ends in %s", name, SUFFIX);
        }
    }
}

/* A handler's name has no service in it, so all services of a file share one space of names. */
static void check_handler_name(struct contract *contract, const FileProto *file,
                               const MethodProto *method, const struct place *place)
{
    const char *name = snake_name(contract->pool, method->name);
    for (size_t i = 0; i < file->n_service; i++)
        for (size_t k = 0; k < file->service[i]->n_method; k++) {
            const MethodProto *other = file->service[i]->method[k];
            if (other == method)
                return;
            if (strcmp(name, snake_name(contract->pool, other->name)) != 0)
                continue;
            refuse(contract, place, "%s and %s would both be handled by %s", other->name,
                   method->name, name);
            return;
        }
}

static void check_service(struct contract *contract, const ServiceProto *proto, struct place place)
{
    for (size_t i = 0; i < proto->n_method; i++) {
        const MethodProto *method = proto->method[i];
        struct place at = place_inside(place, SERVICE_METHOD, i);

        if (!contract->is_foreign && (method->client_streaming || method->server_streaming))
            refuse(contract, &at, "%s streams; only unary methods are served", method->name);
        if (!contract->is_foreign && !rules_of_method(contract->pool, method->options).is_stated)
            refuse(contract, &at, "%s does not say who may call it: option (common.v1.access)",
                   method->name);
        check_handler_name(contract, place.file, method, &at);
    }
}
