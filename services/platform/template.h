/* template.h - the logic-less language of messages: {{name}}, {{#list}}...{{/list}},
 * {{^absent}}...{{/absent}}.
 *
 * A name is looked up in the item of the innermost list, then outwards, then in the message; what
 * is absent is empty. {{#name}} of a value is shown when the value is not empty. Pure. */
#pragma once

#include "common/arena.h"

#include <stddef.h>

enum { TEMPLATE_DEPTH_MAX = 8, TEMPLATE_OUTPUT_MAX = 256 * 1024, TEMPLATE_TAGS_MAX = 100000 };

enum template_form {
    TEMPLATE_TEXT, /* values as they are, without control characters but line feed and tab */
    TEMPLATE_HTML, /* values with & < > " ' escaped */
    TEMPLATE_LINE, /* a subject: one line, whatever the values and the template hold */
};

struct template_value {
    const char *name;
    const char *value;
};

struct template_scope {
    const struct template_value *values;
    size_t count;
};

struct template_data {
    struct template_scope root;
    const char *list_name; /* the one list of a message; NULL without one */
    const struct template_scope *items;
    size_t item_count;
};

/* NULL when it worked, else what is wrong with the template, in words. */
const char *template_render(struct arena *arena, const char *source, enum template_form form,
                            const struct template_data *data, const char **ret_text);
