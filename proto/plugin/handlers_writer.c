/* handlers_writer.c - <stem>.handlers.h/.c: typed prototypes of the handlers of a service, and the
 * table that binds each method to its own. */
#include "names.h"
#include "writers.h"

#include <string.h>

bool method_is_unary(const MethodProto *method)
{
    return !method->client_streaming && !method->server_streaming;
}

static bool has_level(const MethodProto *method,
                      Google__Protobuf__MethodOptions__IdempotencyLevel level)
{
    return method->options != NULL && method->options->idempotency_level == level;
}

static bool method_is_read_only(const MethodProto *method)
{
    return has_level(method, GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS);
}

bool method_is_idempotent(const MethodProto *method)
{
    return method_is_read_only(method) ||
           has_level(method, GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENT);
}

const char *service_table_name(const struct contract *contract, const FileProto *file,
                               const ServiceProto *service)
{
    const char *package = upper_name(contract->pool, file->package);
    if (file->n_service == 1)
        return pool_printf(contract->pool, "%s_SERVICE", package);
    return pool_printf(contract->pool, "%s_%s", package,
                       upper_name(contract->pool, snake_name(contract->pool, service->name)));
}

static bool uses_file(const struct contract *contract, const FileProto *file,
                      const FileProto *other)
{
    for (size_t i = 0; i < file->n_service; i++)
        for (size_t k = 0; k < file->service[i]->n_method; k++) {
            const MethodProto *method = file->service[i]->method[k];
            if (contract_message(contract, method->input_type)->file == other ||
                contract_message(contract, method->output_type)->file == other)
                return true;
        }
    return false;
}

void add_method_includes(const struct contract *contract, const FileProto *file, const char *suffix,
                         struct text *text)
{
    for (size_t i = 0; i < contract->request->n_proto_file; i++) {
        const FileProto *other = contract->request->proto_file[i];
        if (uses_file(contract, file, other))
            text_add(text, "#include \"%s.%s.h\"\n", file_stem(contract->pool, other->name),
                     suffix);
    }
}

static void add_prototype(const struct contract *contract, const FileProto *file,
                          const MethodProto *method, struct text *header)
{
    text_add(header,
             "struct status %s_%s(struct ctx *ctx,\n    const %s *request,\n    %s *reply);\n",
             first_segment(contract->pool, file->package), snake_name(contract->pool, method->name),
             c_type_name(contract->pool, method->input_type),
             c_type_name(contract->pool, method->output_type));
}

/* The table has one function type; the cast happens here, behind the typed prototype. */
static void add_thunk(const struct contract *contract, const FileProto *file,
                      const ServiceProto *service, const MethodProto *method, struct text *source)
{
    text_add(source,
             "\nstatic struct status %s__%s(struct ctx *ctx, const ProtobufCMessage *request,\n"
             "                            ProtobufCMessage *reply)\n{\n"
             "    return %s_%s(ctx, (const %s *)request, (%s *)reply);\n}\n",
             snake_name(contract->pool, service->name), snake_name(contract->pool, method->name),
             first_segment(contract->pool, file->package), snake_name(contract->pool, method->name),
             c_type_name(contract->pool, method->input_type),
             c_type_name(contract->pool, method->output_type));
}

static void add_row(const struct contract *contract, const FileProto *file,
                    const ServiceProto *service, size_t index, struct text *source)
{
    const MethodProto *method = service->method[index];
    struct method_rules rules = rules_of_method(contract->pool, method->options);
    struct place place = place_of_file(file);
    for (size_t i = 0; i < file->n_service; i++)
        if (file->service[i] == service)
            place = place_inside(place, FILE_SERVICE, i);
    place = place_inside(place, SERVICE_METHOD, index);

    text_add(
        source,
        "    {.path = \"/%s.%s/%s\",\n     .request = &%s__schema,\n     .reply = &%s__schema,\n"
        "     .handle = %s__%s,\n     .is_read_only = %d,\n     .is_idempotent = %d,\n"
        "     .callers = (const char *const[]){",
        file->package, service->name, method->name,
        c_lower_name(contract->pool, method->input_type),
        c_lower_name(contract->pool, method->output_type),
        snake_name(contract->pool, service->name), snake_name(contract->pool, method->name),
        method_is_read_only(method), method_is_idempotent(method));
    for (size_t i = 0; rules.callers[i] != NULL; i++) {
        text_add_literal(source, rules.callers[i]);
        text_add(source, ", ");
    }
    text_add(source, "NULL},\n     .scope = ");
    text_add_literal(source, rules.scope);
    text_add(source, ",\n     .doc = ");
    text_add_literal(source, place_doc(contract->pool, &place));
    text_add(source, "},\n");
}

static void add_service(const struct contract *contract, const FileProto *file,
                        const ServiceProto *service, struct text *header, struct text *source)
{
    const char *name = snake_name(contract->pool, service->name);
    const char *table = service_table_name(contract, file, service);

    text_add(header, "\nextern const struct rpc_service %s;\n\n", table);
    for (size_t i = 0; i < service->n_method; i++)
        if (method_is_unary(service->method[i])) {
            add_prototype(contract, file, service->method[i], header);
            add_thunk(contract, file, service, service->method[i], source);
        }
    text_add(source, "\nstatic const struct rpc_method %s__methods[] = {\n", name);
    for (size_t i = 0; i < service->n_method; i++)
        if (method_is_unary(service->method[i]))
            add_row(contract, file, service, i, source);
    text_add(source,
             "};\n\nconst struct rpc_service %s = {\n    .name = \"%s.%s\",\n"
             "    .methods = %s__methods,\n"
             "    .method_count = sizeof %s__methods / sizeof %s__methods[0],\n};\n",
             table, file->package, service->name, name, name, name);
}

void write_handlers(const struct contract *contract, const FileProto *file, struct text *header,
                    struct text *source)
{
    text_add(header, "/* Generated from %s. */\n#pragma once\n\n#include \"chassis/rpc.h\"\n",
             file->name);
    add_method_includes(contract, file, "pb-c", header);
    text_add(source, "/* Generated from %s. */\n#include \"%s.handlers.h\"\n\n", file->name,
             file_stem(contract->pool, file->name));
    add_method_includes(contract, file, "schema", source);
    for (size_t i = 0; i < file->n_service; i++)
        add_service(contract, file, file->service[i], header, source);
}
