/* contract.h - a code generator request, indexed: files to generate, messages by name, comments. */
#pragma once

#include "google/protobuf/compiler/plugin.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "pool.h"
#include "rules.h"

#include <stdbool.h>
#include <stddef.h>

/* protobuf-c's names of descriptor.proto are unreadable in a signature. */
typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__DescriptorProto MessageProto;
typedef Google__Protobuf__FieldDescriptorProto FieldProto;
typedef Google__Protobuf__EnumDescriptorProto EnumProto;
typedef Google__Protobuf__ServiceDescriptorProto ServiceProto;
typedef Google__Protobuf__MethodDescriptorProto MethodProto;
typedef Google__Protobuf__Compiler__CodeGeneratorRequest GeneratorRequest;

enum { PLACE_DEPTH_MAX = 32 };

/* Where something stands in a file: the path that SourceCodeInfo uses. */
struct place {
    const FileProto *file;
    int32_t path[PLACE_DEPTH_MAX];
    size_t depth;
};

enum search_state { SEARCH_NEW, SEARCH_OPEN, SEARCH_DONE };

struct message {
    const char *full_name; /* "inventory.v1.ReserveRequest" */
    const FileProto *file;
    const MessageProto *proto;
    const FieldProto *map_field; /* of the map whose entry this is, else NULL */
    struct place place;
    enum search_state search; /* of check.c */
};

struct contract {
    struct pool *pool;
    const GeneratorRequest *request;
    struct message *messages; /* sorted by full name */
    size_t message_count;
    const FileProto **files; /* to generate */
    size_t file_count;
    bool is_foreign;
    struct text errors; /* one "file:line: what" a line */
};

void contract_init(struct contract *contract, struct pool *pool, const GeneratorRequest *request);

/* By the name a field carries, ".inventory.v1.Line"; it exists, protoc has seen to that. */
struct message *contract_message(const struct contract *contract, const char *type_name);

struct place place_of_file(const FileProto *file);
struct place place_inside(struct place outer, int32_t field_number, size_t index);
int place_line(const struct place *place); /* from 1; 1 when unknown */
/* The comment on it as one line of text; "" when there is none. */
const char *place_doc(struct pool *pool, const struct place *place);

/* Field numbers of descriptor.proto that make up a place's path. */
enum {
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_ONEOF = 8,
    ENUM_VALUE = 2,
    SERVICE_METHOD = 2,
};

bool field_is_repeated(const FieldProto *field);
bool field_is_message(const FieldProto *field);
bool field_is_text(const FieldProto *field); /* string or bytes */
bool field_is_integer(const FieldProto *field);
bool field_is_map(const struct contract *contract, const FieldProto *field);
/* Alone in a oneof x_presence. */
bool field_has_presence(const struct message *message, const FieldProto *field);
