/* json.h - proto3 JSON by descriptor, and plain JSON for what has no descriptor.
 *
 * The reader is iterative: nesting costs arena memory, never stack (handlers run on 100 KiB).
 * Sources: RFC 8259; the proto3 JSON mapping of protobuf.dev/programming-guides/json. */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "common/str.h"
#include "proto/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

/* Decodes one JSON object into a message of `schema` in the arena. Accepts json_name and the
 * original field name, numbers as strings, enum names and numbers, null as absent. Unknown fields
 * are refused unless ignore_unknown. Answers INVALID_ARGUMENT/MALFORMED_JSON with the byte offset
 * and path in the detail and one violation; nothing else. Never reads past length. */
struct status json_decode(struct arena *arena, const struct message_schema *schema,
                          const char *text, size_t length, bool ignore_unknown,
                          ProtobufCMessage **ret_message);

/* Appends the message. Fields at their default are left out, as proto3 JSON says, unless
 * `with_defaults` (public APIs: lists are [], numbers 0, strings ""; absent messages and absent
 * presence fields stay out). */
void json_encode(struct buffer *out, const struct message_schema *schema,
                 const ProtobufCMessage *message, bool with_defaults);

/* Which messages a google.protobuf.Any may hold in JSON. Called at most once, at start-up before
 * there are threads; the array is kept. Without it, or for another type, the bytes are written as
 * they are and decoding refuses. google.protobuf.Struct has no JSON here. */
void json_set_any_types(const struct message_schema *const *types, size_t count);

/* Streaming writer. Commas and quoting are its business; nesting up to JSON_DEPTH_MAX (asserted).
 */
struct json_writer {
    struct buffer *out;
    int depth;
    uint64_t has_items; /* one bit a level */
    bool after_key;
};

void json_writer_init(struct json_writer *writer, struct buffer *out);
void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);
void json_string(struct json_writer *writer,
                 const char *text); /* NULL writes null; bad UTF-8 becomes U+FFFD */
void json_string_n(struct json_writer *writer, const char *text, size_t length);
void json_int(struct json_writer *writer, int64_t value);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
/* Text that is JSON already. */
void json_raw(struct json_writer *writer, const char *json, size_t length);
/* A message as a value. */
void json_message(struct json_writer *writer, const struct message_schema *schema,
                  const ProtobufCMessage *message, bool with_defaults);

/* A parsed document of no known shape (a provider's answer): flat nodes, children linked. */
enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_node {
    enum json_kind kind;
    const char *key;  /* inside an object, else NULL */
    const char *text; /* number as written, or the string, unescaped */
    size_t length;
    const struct json_node *child; /* first of an array or object */
    const struct json_node *next;
};

struct status json_parse(struct arena *arena, const char *text, size_t length,
                         const struct json_node **ret_root);
const struct json_node *json_member(const struct json_node *object,
                                    const char *key); /* NULL-safe */
/* Dotted path of members: "error.decline_code". */
const struct json_node *json_at(const struct json_node *root, const char *path);
const char *json_text(const struct json_node *node); /* of a string, else NULL; NULL-safe */
bool json_to_int64(const struct json_node *node, int64_t *ret_value); /* of a number; NULL-safe */
