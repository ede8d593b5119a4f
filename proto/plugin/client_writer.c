/* client_writer.c - <stem>.client.h/.c: for each method a call that waits, a prepared call for
 * rpc_call_all(), and its reference, for tables that name methods. */
#include "names.h"
#include "writers.h"

static void add_method(const struct contract *contract, const FileProto *file,
                       const ServiceProto *service, const MethodProto *method, struct text *header,
                       struct text *source)
{
    struct pool *pool = contract->pool;
    const char *name = pool_printf(pool, "%s_%s", joined_segments(pool, file->package),
                                   snake_name(pool, method->name));
    const char *request = c_type_name(pool, method->input_type);
    const char *reply = c_type_name(pool, method->output_type);

    text_add(
        header,
        "\nstruct status %s(struct ctx *ctx,\n    const %s *request,\n    const %s **ret_reply);\n"
        "struct rpc_call %s_call(const %s *request);\n"
        "extern const struct rpc_method_ref %s__method;\n",
        name, request, reply, name, request, name);
    text_add(source,
             "\nconst struct rpc_method_ref %s__method = {\n    .service = \"%s\",\n"
             "    .path = \"/%s.%s/%s\",\n    .request = &%s__schema,\n    .reply = &%s__schema,\n"
             "    .is_idempotent = %d,\n};\n",
             name, first_segment(pool, file->package), file->package, service->name, method->name,
             c_lower_name(pool, method->input_type), c_lower_name(pool, method->output_type),
             method_is_idempotent(method));
    text_add(source,
             "\nstruct rpc_call %s_call(const %s *request)\n{\n"
             "    return (struct rpc_call){.method = &%s__method, .request = &request->base};\n}\n",
             name, request, name);
    text_add(source,
             "\nstruct status %s(struct ctx *ctx, const %s *request, const %s **ret_reply)\n{\n"
             "    struct rpc_call call = %s_call(request);\n"
             "    struct status status = rpc_call_one(ctx, &call);\n"
             "    if (status.code == STATUS_OK)\n        *ret_reply = (const %s *)call.reply;\n"
             "    return status;\n}\n",
             name, request, reply, name, reply);
}

void write_client(const struct contract *contract, const FileProto *file, struct text *header,
                  struct text *source)
{
    text_add(header, "/* Generated from %s. */\n#pragma once\n\n#include \"chassis/rpc.h\"\n",
             file->name);
    add_method_includes(contract, file, "pb-c", header);
    text_add(source, "/* Generated from %s. */\n#include \"%s.client.h\"\n\n", file->name,
             file_stem(contract->pool, file->name));
    add_method_includes(contract, file, "schema", source);
    for (size_t i = 0; i < file->n_service; i++)
        for (size_t k = 0; k < file->service[i]->n_method; k++)
            if (method_is_unary(file->service[i]->method[k]))
                add_method(contract, file, file->service[i], file->service[i]->method[k], header,
                           source);
}
