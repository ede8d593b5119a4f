/* json_decode.h - the decoder's state, which its refusals describe. */
#pragma once

#include "json_scan.h"

enum json_frame_kind { JSON_FRAME_MESSAGE = 1, JSON_FRAME_LIST, JSON_FRAME_MAP };

/* An open object or array. A list or map names the message and field that it will belong to. */
struct json_frame {
    enum json_frame_kind kind;
    int field; /* that is being read; of a message -1 before the first */
    const struct message_schema *schema;
    ProtobufCMessage *message;

    uint64_t *seen; /* a message's fields, one bit each */
    uint64_t seen_few;
    ProtobufCMessage *any; /* set when the message will be packed into it */
    const char *any_type;
    bool has_type;
    bool is_unknown; /* the member being read has no field */

    void *items;
    size_t count, capacity;
    const char *key; /* of the entry being read */
};

struct json_decoder {
    struct arena *arena;
    struct json_scan scan;
    const char *text;
    const char *wanted; /* set once something was refused */
    bool ignore_unknown;
    int depth;
    struct json_frame frames[JSON_DEPTH_MAX];
};

/* Notes what would have been right; answers false, to be handed up. */
bool json_refuse(struct json_decoder *decoder, const char *wanted);

/* INVALID_ARGUMENT/MALFORMED_JSON with place, value and what was wanted. */
struct status json_refusal(const struct json_decoder *decoder);
