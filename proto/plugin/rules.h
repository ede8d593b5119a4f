/* rules.h - our options as read from a contract: common/v1/options.proto and protobuf-c's own. */
#pragma once

#include "google/protobuf/descriptor.pb-c.h"
#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

struct field_rules {
    bool is_required;
    bool is_uuid;
    bool is_personal;
    bool has_min;
    bool has_max;
    uint32_t max_length; /* 0: not said */
    uint32_t max_items;  /* 0: not said */
    int64_t min;
    int64_t max;
};

enum { CALLERS_MAX = 16 };

struct method_rules {
    bool is_stated;
    const char *callers[CALLERS_MAX + 1]; /* ends with NULL */
    const char *scope;
};

struct field_rules rules_of_field(const Google__Protobuf__FieldOptions *options);
/* Strings live in the pool. */
struct method_rules rules_of_method(struct pool *pool,
                                    const Google__Protobuf__MethodOptions *options);
bool rules_have_const_strings(const Google__Protobuf__FileOptions *options);
