/* openapi_links.c - which answer names what another route's path asks for.
 *
 * Read off the tables: a variable stands for a member of the collection before it, so the answer of
 * that collection (POST /carts, GET /products) or of anything below (/carts/{cart_id}/lines) tells
 * its value; and a field that is called like a variable (order_id) is one. A body that must name
 * such a thing (cart_id of a checkout) takes it from an answer that shows one. */
#include "rest/openapi.h"

#include <string.h>

/* Where a variable of a path stands, and what it is called. */
struct variable {
    size_t collection; /* length of the path before "/{" */
    const char *name;
    size_t length;
    size_t index;
};

static bool next_variable(const char *path, struct variable *variable)
{
    const char *from = variable->name ? variable->name : path;
    const char *open = strchr(from, '{');
    if (!open)
        return false;
    size_t index = variable->name ? variable->index + 1 : 0;
    *variable =
        (struct variable){(size_t)(open - path) - 1, open + 1, strcspn(open + 1, "}"), index};
    return true;
}

/* "order_id" of "order_id", "id" of "product.id". */
static const char *leaf_of(struct arena *arena, const struct variable *variable)
{
    const char *name = arena_strndup(arena, variable->name, variable->length);
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static const char *json_name(const struct message_schema *schema, unsigned field)
{
    return schema->fields[field].json_name;
}

/* The text or number of that name; n_fields when there is none. */
static unsigned find_scalar(const struct message_schema *schema, const char *name)
{
    const ProtobufCMessageDescriptor *descriptor = schema->descriptor;
    unsigned i = 0;
    while (i < descriptor->n_fields && !(str_equal(descriptor->fields[i].name, name) &&
                                         descriptor->fields[i].type == PROTOBUF_C_TYPE_STRING &&
                                         descriptor->fields[i].label != PROTOBUF_C_LABEL_REPEATED))
        i++;
    return i;
}

/* Is `many` (carts, tax-categories) the collection of `one` (cart, tax_category)? */
static bool is_plural(const char *many, size_t length, const char *one)
{
    size_t stem = strlen(one);
    if (stem > 1 && one[stem - 1] == 'y')
        stem--;
    if (length <= stem || length > stem + 3)
        return false;
    for (size_t i = 0; i < stem; i++)
        if (one[i] != many[i] && !(one[i] == '_' && many[i] == '-'))
            return false;
    return true;
}

/* The member of a collection in an answer: itself, in a field called like it, or the first of a
 * list. NULL when none is there. */
static const char *member_pointer(struct arena *arena, const struct message_schema *response,
                                  const char *path, const struct variable *variable)
{
    const char *leaf = leaf_of(arena, variable), *slash = path + variable->collection;
    size_t length = 0;
    while (slash > path && slash[-1] != '/')
        slash--, length++;
    for (unsigned i = 0; i < response->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &response->descriptor->fields[i];
        const struct message_schema *inner = response->fields[i].message;
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || inner->well_known != WELL_KNOWN_NONE ||
            response->fields[i].flags & FIELD_MAP ||
            !(is_list ? is_plural(slash, length,
                                  arena_strndup(arena, field->name, strlen(field->name) - 1))
                      : is_plural(slash, length, field->name)))
            continue;
        unsigned id = find_scalar(inner, leaf);
        if (id == inner->descriptor->n_fields)
            id = find_scalar(inner, "id");
        if (id < inner->descriptor->n_fields)
            return arena_printf(arena, "/%s%s/%s", json_name(response, i), is_list ? "/0" : "",
                                json_name(inner, id));
    }
    unsigned id = find_scalar(response, "id");
    if (id < response->descriptor->n_fields)
        return arena_printf(arena, "/%s", json_name(response, id));
    return NULL;
}

static const char *value_of(struct arena *arena, const struct route *from, const struct route *to,
                            const struct variable *variable, bool *ret_is_new)
{
    const struct message_schema *response = route_response(from);
    size_t whole = variable->collection + 1 + variable->length + 2;
    char after = strlen(from->path) >= whole ? from->path[whole] : 'x';
    const char *pointer = NULL;

    if (!strncmp(from->path, to->path, whole) && (after == '\0' || after == '/'))
        return arena_printf(arena, "$request.path.%s",
                            route_shown_name(arena, from, variable->index));
    if (strlen(from->path) == variable->collection &&
        !strncmp(from->path, to->path, variable->collection)) {
        pointer = member_pointer(arena, response, to->path, variable);
    } else if (!str_equal(leaf_of(arena, variable), "id")) {
        unsigned field = find_scalar(response, leaf_of(arena, variable));
        if (field < response->descriptor->n_fields)
            pointer = arena_printf(arena, "/%s", json_name(response, field));
    }
    *ret_is_new |= pointer != NULL;
    return pointer ? arena_printf(arena, "$response.body#%s", pointer) : NULL;
}

/* Writes the parameters; false when one has no value, or when nothing comes from the answer. */
static bool write_parameters(struct arena *arena, struct buffer *out, const struct route *from,
                             const struct route *to)
{
    struct json_writer json;
    struct variable variable = {0};
    bool is_new = false;

    json_writer_init(&json, out);
    json_begin_object(&json);
    while (next_variable(to->path, &variable)) {
        const char *value = value_of(arena, from, to, &variable, &is_new);
        if (!value)
            return false;
        json_key(&json,
                 arena_printf(arena, "path.%s", route_shown_name(arena, to, variable.index)));
        json_string(&json, value);
    }
    json_end_object(&json);
    return is_new;
}

static bool is_id(const struct message_schema *schema, unsigned field)
{
    const char *name = schema->descriptor->fields[field].name;
    const unsigned wanted = FIELD_REQUIRED | FIELD_UUID;
    size_t length = strlen(name);

    return (schema->fields[field].flags & wanted) == wanted && length > strlen("_id") &&
           str_equal(name + length - strlen("_id"), "_id");
}

/* The id of the thing that a required field like cart_id names, in an answer; NULL when it shows
 * none. */
static const char *named_pointer(struct arena *arena, const struct message_schema *response,
                                 const char *name)
{
    size_t stem = strlen(name) - strlen("_id");
    unsigned same = find_scalar(response, name);

    if (same < response->descriptor->n_fields)
        return arena_printf(arena, "/%s", json_name(response, same));
    for (unsigned i = 0; i < response->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &response->descriptor->fields[i];
        const struct message_schema *inner = response->fields[i].message;

        if (!inner || field->label == PROTOBUF_C_LABEL_REPEATED || strlen(field->name) != stem ||
            strncmp(field->name, name, stem) != 0)
            continue;
        unsigned id = find_scalar(inner, "id");
        if (id < inner->descriptor->n_fields)
            return arena_printf(arena, "/%s/%s", json_name(response, i), json_name(inner, id));
    }
    return NULL;
}

static bool is_same_area(const struct route *a, const struct route *b)
{
    return !strncmp(a->path, b->path, strcspn(a->path + 1, "/") + 2);
}

/* Writes the part of the body that comes from the answer; false when none does. */
static bool write_request_body(struct arena *arena, struct buffer *out, const struct route *from,
                               const struct route *to)
{
    const struct message_schema *request = route_request(to);
    struct json_writer json;
    bool is_new = false;

    if (!str_equal(to->body, "*") || !is_same_area(from, to))
        return false;
    json_writer_init(&json, out);
    json_begin_object(&json);
    for (unsigned i = 0; i < request->descriptor->n_fields; i++) {
        const char *name = request->descriptor->fields[i].name, *pointer = NULL;

        if (is_id(request, i) && !route_names_in_path(to, name))
            pointer = named_pointer(arena, route_response(from), name);
        if (!pointer)
            continue;
        is_new = true;
        json_key(&json, json_name(request, i));
        json_string(&json, arena_printf(arena, "$response.body#%s", pointer));
    }
    json_end_object(&json);
    return is_new;
}

struct link {
    struct buffer parameters, body;
    bool has_parameters, has_body;
};

/* False when the answer says nothing that the other route asks for, or not all of its path. */
static bool make_link(struct arena *arena, struct link *link, const struct route *from,
                      const struct route *to)
{
    buffer_init(&link->parameters, arena, 128);
    buffer_init(&link->body, arena, 64);
    if (to == from || !route_response(from))
        return false;
    link->has_parameters = write_parameters(arena, &link->parameters, from, to);
    link->has_body = (link->has_parameters || !strchr(to->path, '{')) &&
                     write_request_body(arena, &link->body, from, to);
    return link->has_parameters || link->has_body;
}

static void write_link(struct json_writer *json, struct arena *arena, const struct link *link,
                       const struct route *to)
{
    json_key(json, route_operation_id(arena, to));
    json_begin_object(json);
    json_key(json, "operationId");
    json_string(json, route_operation_id(arena, to));
    if (link->has_parameters) {
        json_key(json, "parameters");
        json_raw(json, link->parameters.data, link->parameters.length);
    }
    if (link->has_body) {
        json_key(json, "requestBody");
        json_raw(json, link->body.data, link->body.length);
    }
    json_end_object(json);
}

void openapi_write_links(struct json_writer *json, struct arena *arena, const struct route *route)
{
    struct route_walk walk = {0};
    struct link link;
    bool is_open = false;

    for (const struct route *to; (to = route_next(&walk));) {
        if (!make_link(arena, &link, route, to))
            continue;
        if (!is_open) {
            json_key(json, "links");
            json_begin_object(json);
        }
        is_open = true;
        write_link(json, arena, &link, to);
    }
    if (is_open)
        json_end_object(json);
}
