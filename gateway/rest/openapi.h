/* openapi.h - what the two halves of the OpenAPI document share. */
#pragma once

#include "rest/rest.h"

#include "common/json.h"

/* Messages that the document refers to, each once, in the order in which they were met. */
struct schema_list {
    struct arena *arena;
    const struct message_schema **items;
    size_t count, room;
};

void schema_list_add(struct schema_list *list, const struct message_schema *schema);

/* {"$ref": "#/components/schemas/<name>"}, or the JSON form of a well-known type. */
void openapi_write_reference(struct json_writer *json, struct schema_list *list,
                             const struct message_schema *schema);
/* The schema of one field. As a parameter: its one element when it is a list. */
void openapi_write_field(struct json_writer *json, struct schema_list *list,
                         const struct message_schema *schema, unsigned field, bool is_parameter);
/* An object with the fields that `is_shown` lets through (NULL: all). */
typedef bool field_filter(const void *closure, const char *name);
void openapi_write_object(struct json_writer *json, struct schema_list *list,
                          const struct message_schema *schema, field_filter *is_shown,
                          const void *closure);
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
