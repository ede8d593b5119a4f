/* openapi.h - what the two halves of the OpenAPI document share. */
#pragma once

#include "rest/rest.h"

#include "common/json.h"

/* Where a schema stands: what we take is refused unless it is as said, what we answer may grow. */
enum schema_use { SCHEMA_REPLY, SCHEMA_BODY, SCHEMA_PARAMETER };

/* Messages that the document refers to, each once a use, in the order in which they were met. */
struct schema_list {
    struct arena *arena;
    struct listed_schema {
        const struct message_schema *schema;
        enum schema_use use; /* reply or body */
    } * items;
    size_t count, room;
};

/* {"$ref": "#/components/schemas/<name>"}, or the JSON form of a well-known type. */
void openapi_write_reference(struct json_writer *json, struct schema_list *list,
                             const struct message_schema *schema, enum schema_use use);
/* The schema of one field. As a parameter: its one element when it is a list. */
void openapi_write_field(struct json_writer *json, struct schema_list *list,
                         const struct message_schema *schema, unsigned field, enum schema_use use);
/* An object with the fields that `is_shown` lets through (NULL: all). */
struct object_view {
    enum schema_use use;
    bool (*is_shown)(const void *closure, const char *name);
    const void *closure;
};
void openapi_write_object(struct json_writer *json, struct schema_list *list,
                          const struct message_schema *schema, const struct object_view *view);
/* Every message on the list, and what those refer to in turn. */
void openapi_write_schemas(struct json_writer *json, struct schema_list *list);

/* What the document and the page call things. */
struct route_walk {
    size_t area, table;
    const struct route *route;
};
/* All routes one after the other; start with a zeroed walk. NULL at the end. */
const struct route *route_next(struct route_walk *walk);
/* May the field be said in the query? Numbers, texts and the like that the path does not name. */
bool route_has_parameter(const struct route *route, unsigned field);
bool route_names_in_path(const struct route *route, const char *name);
bool route_is_mutation(const struct route *route);
bool route_has_page(const struct route *route); /* page_size and page_token instead of `page` */
const char *route_operation_id(struct arena *arena, const struct route *route);
/* What the document calls the variable at that place of the route's path. */
const char *route_shown_name(struct arena *arena, const struct route *route, size_t index);
/* openapi_links.c: "links", when this route's answer names what other paths ask for. */
void openapi_write_links(struct json_writer *json, struct arena *arena, const struct route *route);
