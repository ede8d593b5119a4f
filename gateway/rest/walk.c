/* walk.c - the tables of routes as one list, and what the documents ask of a route. */
#include "rest/openapi.h"

#include <string.h>

const struct route *route_next(struct route_walk *walk)
{
    if (walk->route)
        walk->route++;
    while (!walk->route || !walk->route->method) {
        if (walk->route)
            walk->table++;
        while (ROUTE_AREAS[walk->area] && !ROUTE_AREAS[walk->area][walk->table]) {
            walk->area++;
            walk->table = 0;
        }
        if (!ROUTE_AREAS[walk->area])
            return NULL;
        walk->route = ROUTE_AREAS[walk->area][walk->table];
    }
    return walk->route;
}

bool route_names_in_path(const struct route *route, const char *name)
{
    size_t length = strlen(name);
    for (const char *open = strchr(route->path, '{'); open; open = strchr(open + 1, '{'))
        if (strncmp(open + 1, name, length) == 0 && open[1 + length] == '}')
            return true;
    return false;
}

bool route_is_mutation(const struct route *route)
{
    return !str_equal(route->method, "GET");
}

bool route_has_page(const struct route *route)
{
    const ProtobufCMessageDescriptor *request = route_request(route)->descriptor;
    return !route->body && protobuf_c_message_descriptor_get_field_by_name(request, "page");
}

bool route_has_parameter(const struct route *route, unsigned field)
{
    const struct message_schema *schema = route_request(route);
    const ProtobufCFieldDescriptor *descriptor = &schema->descriptor->fields[field];
    if (route->body && !(route->flags & ROUTE_RAW_BODY))
        return false;
    if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE || descriptor->type == PROTOBUF_C_TYPE_BYTES)
        return false;
    if (route->flags & ROUTE_VERSIONED && str_equal(descriptor->name, "expected_version"))
        return false;
    return !route_names_in_path(route, descriptor->name);
}
