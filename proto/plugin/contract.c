/* contract.c - see contract.h. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

static void add_messages(struct contract *contract, struct place place, const char *scope,
                         MessageProto *const *protos, size_t count);

static size_t count_messages(MessageProto *const *protos, size_t count)
{
    size_t total = count;
    for (size_t i = 0; i < count; i++)
        total += count_messages(protos[i]->nested_type, protos[i]->n_nested_type);
    return total;
}

static int compare_messages(const void *a, const void *b)
{
    return strcmp(((const struct message *)a)->full_name, ((const struct message *)b)->full_name);
}

/* A map's entry message takes the rules of the field that it stands for. */
static void link_map_entries(struct contract *contract)
{
    for (size_t i = 0; i < contract->message_count; i++) {
        const MessageProto *proto = contract->messages[i].proto;
        for (size_t k = 0; k < proto->n_field; k++)
            if (field_is_map(contract, proto->field[k]))
                contract_message(contract, proto->field[k]->type_name)->map_field = proto->field[k];
    }
}

static void find_files(struct contract *contract)
{
    const GeneratorRequest *request = contract->request;
    contract->files = pool_alloc(contract->pool, request->n_file_to_generate * sizeof(void *));
    for (size_t i = 0; i < request->n_file_to_generate; i++)
        for (size_t k = 0; k < request->n_proto_file; k++)
            if (strcmp(request->proto_file[k]->name, request->file_to_generate[i]) == 0)
                contract->files[contract->file_count++] = request->proto_file[k];
}

void contract_init(struct contract *contract, struct pool *pool, const GeneratorRequest *request)
{
    *contract = (struct contract){.pool = pool, .request = request, .errors = {.pool = pool}};
    find_files(contract);

    size_t total = 0;
    for (size_t i = 0; i < request->n_proto_file; i++)
        total += count_messages(request->proto_file[i]->message_type,
                                request->proto_file[i]->n_message_type);
    contract->messages = pool_alloc(pool, total * sizeof *contract->messages);
    for (size_t i = 0; i < request->n_proto_file; i++) {
        const FileProto *file = request->proto_file[i];
        add_messages(contract, place_of_file(file), file->package == NULL ? "" : file->package,
                     file->message_type, file->n_message_type);
    }
    qsort(contract->messages, contract->message_count, sizeof *contract->messages,
          compare_messages);
    link_map_entries(contract);
}

static void add_messages(struct contract *contract, struct place place, const char *scope,
                         MessageProto *const *protos, size_t count)
{
    int32_t number = place.depth == 0 ? FILE_MESSAGE : MESSAGE_NESTED;
    for (size_t i = 0; i < count; i++) {
        struct message message = {
            .full_name = pool_printf(contract->pool, "%s%s%s", scope, *scope == '\0' ? "" : ".",
                                     protos[i]->name),
            .file = place.file,
            .proto = protos[i],
            .place = place_inside(place, number, i),
        };
        contract->messages[contract->message_count++] = message;
        add_messages(contract, message.place, message.full_name, protos[i]->nested_type,
                     protos[i]->n_nested_type);
    }
}

struct message *contract_message(const struct contract *contract, const char *type_name)
{
    struct message key = {.full_name = type_name + 1};
    return bsearch(&key, contract->messages, contract->message_count, sizeof key, compare_messages);
}

struct place place_of_file(const FileProto *file)
{
    return (struct place){.file = file};
}

struct place place_inside(struct place outer, int32_t field_number, size_t index)
{
    if (outer.depth + 2 <= PLACE_DEPTH_MAX) {
        outer.path[outer.depth++] = field_number;
        outer.path[outer.depth++] = (int32_t)index;
    }
    return outer;
}

static const Google__Protobuf__SourceCodeInfo__Location *find_location(const struct place *place)
{
    const Google__Protobuf__SourceCodeInfo *info = place->file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
        if (location->n_path == place->depth && place->depth > 0 &&
            memcmp(location->path, place->path, place->depth * sizeof place->path[0]) == 0)
            return location;
    }
    return NULL;
}

int place_line(const struct place *place)
{
    const Google__Protobuf__SourceCodeInfo__Location *location = find_location(place);
    return location == NULL || location->n_span == 0 ? 1 : location->span[0] + 1;
}

const char *place_doc(struct pool *pool, const struct place *place)
{
    const Google__Protobuf__SourceCodeInfo__Location *location = find_location(place);
    if (location == NULL)
        return "";
    const char *comment = location->leading_comments;
    if (comment == NULL)
        comment = location->trailing_comments;
    if (comment == NULL)
        return "";

    char *doc = pool_alloc(pool, strlen(comment) + 1);
    char *out = doc;
    for (const char *p = comment; *p != '\0'; p++) {
        bool is_space = strchr(" \t\r\n", *p) != NULL;
        if (!is_space)
            *out++ = *p;
        else if (out > doc && out[-1] != ' ')
            *out++ = ' ';
    }
    if (out > doc && out[-1] == ' ')
        out[-1] = '\0';
    return doc;
}

bool field_is_repeated(const FieldProto *field)
{
    return field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
}

bool field_is_message(const FieldProto *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE;
}

bool field_is_text(const FieldProto *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING ||
           field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES;
}

bool field_is_integer(const FieldProto *field)
{
    switch (field->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP:
        return false;
    default:
        return !field_is_text(field) && !field_is_message(field);
    }
}

bool field_is_map(const struct contract *contract, const FieldProto *field)
{
    if (!field_is_message(field) || !field_is_repeated(field))
        return false;
    const MessageProto *entry = contract_message(contract, field->type_name)->proto;
    return entry->options != NULL && entry->options->map_entry;
}

bool field_has_presence(const struct message *message, const FieldProto *field)
{
    if (!field->has_oneof_index)
        return false;
    const char *name = message->proto->oneof_decl[field->oneof_index]->name;
    size_t length = strlen(name);
    size_t suffix = strlen("_presence");
    return length > suffix && strcmp(name + length - suffix, "_presence") == 0;
}
