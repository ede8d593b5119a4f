/* json_scan.h - JSON as a flat sequence of events (RFC 8259); the grammar lives here alone.
 *
 * One bit a level remembers what is open, so nesting costs neither stack nor heap. */
#pragma once

#include "common/json.h"

enum json_event {
    JSON_EVENT_PROBLEM, /* `problem` and `at` say what and where */
    JSON_EVENT_OBJECT,
    JSON_EVENT_ARRAY,
    JSON_EVENT_END, /* of the innermost object or array */
    JSON_EVENT_STRING,
    JSON_EVENT_NUMBER,
    JSON_EVENT_TRUE,
    JSON_EVENT_FALSE,
    JSON_EVENT_NULL,
    JSON_EVENT_DONE, /* the text ends after its one value */
};

/* Bytes of the input. A string's lie between its quotes, still escaped, and are well-formed. */
struct json_slice {
    const char *data;
    size_t length;
    bool has_escape;
};

struct json_scan {
    const char *at, *end;
    const char *value_at;    /* where the last event began */
    struct json_slice key;   /* of the last event, when it is an object's member */
    struct json_slice token; /* of a string or number */
    const char *problem;     /* a sentence, static */
    uint64_t is_object;      /* one bit a level */
    uint64_t has_items;
    int depth;
    bool is_started;
};

void json_scan_init(struct json_scan *scan, const char *text, size_t length);
enum json_event json_scan_next(struct json_scan *scan);

/* After `event` was answered: passes over what it opened, if anything. */
bool json_scan_skip(struct json_scan *scan, enum json_event event);

/* A copy with escapes resolved and a NUL behind it; NULL at the arena's limit. */
char *json_slice_text(struct arena *arena, struct json_slice slice, size_t *ret_length);
bool json_slice_is(struct json_slice slice, const char *text); /* false when it has escapes */

/* Does the whole slice match JSON's number grammar? */
bool json_slice_is_number(struct json_slice slice);

/* A number's exact value, when it is an integer of at most 64 bits: 12, 1e3, 1.50e2. */
bool json_slice_to_integer(struct json_slice number, bool *ret_negative, uint64_t *ret_magnitude);
