/* main.c - protoc-gen-torg, a protoc plugin: reads a CodeGeneratorRequest from stdin, writes a
 * CodeGeneratorResponse to stdout. Parameter: what to generate, of schema, handlers and client, and
 * `foreign` for contracts that are not ours. */
#include "check.h"
#include "names.h"
#include "writers.h"

#include <stdio.h>
#include <string.h>

typedef Google__Protobuf__Compiler__CodeGeneratorResponse Response;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File ResponseFile;

static const struct {
    const char *kind;
    contract_writer *write;
} WRITERS[] = {
    {"schema", write_schema},
    {"handlers", write_handlers},
    {"client", write_client},
};

enum { WRITER_COUNT = sizeof WRITERS / sizeof WRITERS[0] };

static bool parameter_has(const GeneratorRequest *request, const char *word)
{
    size_t length = strlen(word);
    const char *at = request->parameter == NULL ? "" : request->parameter;
    for (; *at != '\0'; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

static GeneratorRequest *read_request(struct pool *pool)
{
    char chunk[1 << 16];
    size_t length = 0;
    size_t capacity = sizeof chunk;
    char *data = pool_alloc(pool, capacity);

    for (size_t got; (got = fread(chunk, 1, sizeof chunk, stdin)) > 0; length += got) {
        if (length + got > capacity) {
            char *grown = pool_alloc(pool, capacity * 2);
            memcpy(grown, data, length);
            data = grown;
            capacity *= 2;
        }
        memcpy(data + length, chunk, got);
    }
    ProtobufCAllocator allocator = pool_allocator(pool);
    return google__protobuf__compiler__code_generator_request__unpack(&allocator, length,
                                                                      (const uint8_t *)data);
}

static void add_file(struct pool *pool, Response *response, char *name, const struct text *content)
{
    ResponseFile *file = pool_alloc(pool, sizeof *file);
    google__protobuf__compiler__code_generator_response__file__init(file);
    file->name = name;
    file->content = content->data;
    response->file[response->n_file++] = file;
}

static void generate(const struct contract *contract, Response *response)
{
    struct pool *pool = contract->pool;
    response->file = pool_alloc(pool, 2 * WRITER_COUNT * contract->file_count * sizeof(void *));
    for (size_t i = 0; i < contract->file_count; i++)
        for (size_t k = 0; k < WRITER_COUNT; k++) {
            if (!parameter_has(contract->request, WRITERS[k].kind))
                continue;
            struct text header = {.pool = pool};
            struct text source = {.pool = pool};
            const char *stem = file_stem(pool, contract->files[i]->name);
            WRITERS[k].write(contract, contract->files[i], &header, &source);
            add_file(pool, response, pool_printf(pool, "%s.%s.h", stem, WRITERS[k].kind), &header);
            add_file(pool, response, pool_printf(pool, "%s.%s.c", stem, WRITERS[k].kind), &source);
        }
}

static bool write_response(struct pool *pool, const Response *response)
{
    size_t size = google__protobuf__compiler__code_generator_response__get_packed_size(response);
    uint8_t *data = pool_alloc(pool, size);
    google__protobuf__compiler__code_generator_response__pack(response, data);
    return fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0;
}

int main(void)
{
    struct pool pool = {0};
    GeneratorRequest *request = read_request(&pool);
    if (request == NULL) {
        fprintf(stderr, "protoc-gen-torg: stdin is not a CodeGeneratorRequest\n");
        return 1;
    }

    struct contract contract;
    Response response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
    // Claimed so that protoc hands `optional` to us, to be refused with its line.
    response.has_supported_features = 1;
    response.supported_features =
        GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
    contract_init(&contract, &pool, request);
    contract.is_foreign = parameter_has(request, "foreign");
    check_contract(&contract);
    if (contract.errors.length > 0)
        response.error = contract.errors.data;
    else
        generate(&contract, &response);

    bool is_written = write_response(&pool, &response);
    pool_finish(&pool);
    return is_written ? 0 : 1;
}
