/* openapi.c - the OpenAPI 3.1 document, from the tables of routes and the schemas of messages.
 *
 * Written once at start, so that it cannot disagree with what is served. */
#include "rest/openapi.h"

#include "access/access.h"
#include "gateway.h"
#include "gateway/v1/admin.schema.h"

#include <string.h>
#include <strings.h>

struct document {
    struct json_writer json;
    struct schema_list schemas;
};

static void write_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

static void write_reference(struct json_writer *json, const char *target)
{
    json_begin_object(json);
    write_text(json, "$ref", target);
    json_end_object(json);
}

static void begin_object(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_object(json);
}

static void begin_array(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_array(json);
}

/* Two templates of one hierarchy are one path, whatever their variables are called. */
static bool is_same_path(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        if (*a != *b)
            return false;
        if (*a == '{') {
            a = strchr(a, '}');
            b = strchr(b, '}');
        }
    }
    return *a == *b;
}

/* The first route of the document with this path: its template names the variables. */
static const struct route *first_of(const struct route *route)
{
    struct route_walk walk = {0};
    const struct route *first;
    while ((first = route_next(&walk)) && !is_same_path(first->path, route->path))
        continue;
    return first;
}

static const char *without_dots(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_strndup(arena, text, length);
    for (char *dot; (dot = strchr(copy, '.'));)
        *dot = '_';
    return copy;
}

/* "/store/v1/carts/{cart_id}" -> getStoreV1CartsByCartId. */
const char *route_operation_id(struct arena *arena, const struct route *route)
{
    struct buffer id;
    buffer_init(&id, arena, 64);
    for (const char *p = route->method; *p; p++)
        buffer_putc(&id, (char)(*p | 0x20));
    bool is_start = true;
    for (const char *p = route->path; *p; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (*p == '{')
            buffer_puts(&id, "By");
        if (is_letter)
            buffer_putc(&id, is_start && *p >= 'a' ? (char)(*p - 0x20) : *p);
        is_start = !is_letter;
    }
    return id.data;
}

const char *route_shown_name(struct arena *arena, const struct route *route, size_t index)
{
    const char *open = strchr(first_of(route)->path, '{');
    while (index-- > 0)
        open = strchr(open + 1, '{');
    return without_dots(arena, open + 1, strcspn(open + 1, "}"));
}

static void write_parameter_head(struct json_writer *json, const char *name, const char *in,
                                 bool is_required)
{
    json_begin_object(json);
    write_text(json, "name", name);
    write_text(json, "in", in);
    if (is_required) {
        json_key(json, "required");
        json_bool(json, true);
    }
}

/* The field that a dotted name leads to, and the message that holds it. */
static const struct message_schema *resolve(const struct route *route, struct arena *arena,
                                            const char *name, unsigned *ret_field)
{
    const struct message_schema *schema = route_request(route);
    for (const char *rest = name; rest;) {
        size_t length = strcspn(rest, ".");
        const char *part = arena_strndup(arena, rest, length);
        rest = rest[length] ? rest + length + 1 : NULL;
        unsigned i = 0;
        while (i < schema->descriptor->n_fields &&
               !str_equal(schema->descriptor->fields[i].name, part))
            i++;
        if (i == schema->descriptor->n_fields)
            return NULL;
        *ret_field = i;
        if (rest)
            schema = schema->fields[i].message;
    }
    return schema;
}

static void write_path_parameters(struct document *doc, const struct route *route)
{
    struct arena *arena = doc->schemas.arena;
    const char *shown = first_of(route)->path;
    for (const char *open = strchr(route->path, '{'); open; open = strchr(open + 1, '{')) {
        shown = strchr(shown, '{') + 1;
        unsigned field = 0;
        const struct message_schema *holder =
            resolve(route, arena, arena_strndup(arena, open + 1, strcspn(open + 1, "}")), &field);
        write_parameter_head(&doc->json, without_dots(arena, shown, strcspn(shown, "}")), "path",
                             true);
        json_key(&doc->json, "schema");
        if (holder) {
            openapi_write_field(&doc->json, &doc->schemas, holder, field, SCHEMA_PARAMETER);
        } else {
            json_begin_object(&doc->json);
            write_text(&doc->json, "type", "string");
            json_end_object(&doc->json);
        }
        json_end_object(&doc->json);
    }
}

static void write_query_parameters(struct document *doc, const struct route *route)
{
    const struct message_schema *schema = route_request(route);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        if (!route_has_parameter(route, i))
            continue;
        bool is_required = schema->fields[i].flags & FIELD_REQUIRED;
        write_parameter_head(&doc->json, schema->descriptor->fields[i].name, "query", is_required);
        if (!str_is_empty(schema->fields[i].doc))
            write_text(&doc->json, "description", schema->fields[i].doc);
        json_key(&doc->json, "schema");
        openapi_write_field(&doc->json, &doc->schemas, schema, i, SCHEMA_PARAMETER);
        json_end_object(&doc->json);
    }
}

static void write_parameters(struct document *doc, const struct route *route)
{
    static const char ROOT[] = "#/components/parameters/";
    bool is_store = route->access == ACCESS_STOREFRONT || route->access == ACCESS_CUSTOMER;
    const struct {
        const char *name;
        bool is_taken;
    } SHARED[] = {
        {"page_size", route_has_page(route)},
        {"page_token", route_has_page(route)},
        {"currency", is_store},
        {"country", is_store},
        {"locale", is_store},
        {"Accept-Language", is_store},
        {route->flags & ROUTE_NEEDS_IDEMPOTENCY_KEY ? "Idempotency-Key-required"
                                                    : "Idempotency-Key",
         route_is_mutation(route) && route->access != ACCESS_PUBLIC},
        {"If-Match", route_is_mutation(route) && route->flags & ROUTE_VERSIONED},
        {"Torg-Reason", route_is_mutation(route) && route->access == ACCESS_ADMIN},
    };
    begin_array(&doc->json, "parameters");
    write_path_parameters(doc, route);
    write_query_parameters(doc, route);
    for (size_t i = 0; i < ARRAY_LEN(SHARED); i++)
        if (SHARED[i].is_taken)
            write_reference(&doc->json,
                            arena_printf(doc->schemas.arena, "%s%s", ROOT, SHARED[i].name));
    json_end_array(&doc->json);
}

static bool is_in_body(const void *closure, const char *name)
{
    const struct route *route = closure;
    return !route_names_in_path(route, name) &&
           !(route->flags & ROUTE_VERSIONED && str_equal(name, "expected_version"));
}

/* A field of the message that is the body, and that the path names already: {currency.code}. */
struct part {
    const struct route *route;
    struct arena *arena;
};

static bool is_in_part(const void *closure, const char *name)
{
    const struct part *part = closure;
    return !route_names_in_path(part->route,
                                arena_printf(part->arena, "%s.%s", part->route->body, name));
}

static bool path_names_part(struct document *doc, const struct route *route)
{
    return strstr(route->path, arena_printf(doc->schemas.arena, "{%s.", route->body)) != NULL;
}

static void write_body_schema(struct document *doc, const struct route *route)
{
    const struct message_schema *schema = route_request(route);
    unsigned field = 0;
    json_key(&doc->json, "schema");
    if (route->flags & ROUTE_RAW_BODY) {
        json_begin_object(&doc->json);
        json_end_object(&doc->json);
    } else if (str_equal(route->body, "*")) {
        openapi_write_object(&doc->json, &doc->schemas, schema,
                             &(struct object_view){SCHEMA_BODY, is_in_body, route});
    } else if ((schema = resolve(route, doc->schemas.arena, route->body, &field))) {
        const struct part part = {route, doc->schemas.arena};
        schema = schema->fields[field].message;
        if (path_names_part(doc, route))
            openapi_write_object(&doc->json, &doc->schemas, schema,
                                 &(struct object_view){SCHEMA_BODY, is_in_part, &part});
        else
            openapi_write_reference(&doc->json, &doc->schemas, schema, SCHEMA_BODY);
    }
}

static void write_body(struct document *doc, const struct route *route)
{
    if (!route->body)
        return;
    begin_object(&doc->json, "requestBody");
    json_key(&doc->json, "required");
    json_bool(&doc->json, !str_equal(route->body, "*"));
    begin_object(&doc->json, "content");
    begin_object(&doc->json, route->flags & ROUTE_RAW_BODY ? route->body : "application/json");
    write_body_schema(doc, route);
    json_end_object(&doc->json);
    json_end_object(&doc->json);
    json_end_object(&doc->json);
}

static void write_response(struct document *doc, const struct route *route, int status,
                           const char *description)
{
    const struct message_schema *response = route_response(route);
    begin_object(&doc->json, arena_printf(doc->schemas.arena, "%d", status));
    write_text(&doc->json, "description", description);
    if (route->flags & (ROUTE_VERSIONED | ROUTE_MAY_CONTINUE)) {
        begin_object(&doc->json, "headers");
        if (route->flags & ROUTE_VERSIONED) {
            json_key(&doc->json, "ETag");
            write_reference(&doc->json, "#/components/headers/ETag");
        }
        if (route->flags & ROUTE_MAY_CONTINUE) {
            json_key(&doc->json, "Location");
            write_reference(&doc->json, "#/components/headers/Location");
        }
        json_end_object(&doc->json);
    }
    if (response) {
        begin_object(&doc->json, "content");
        begin_object(&doc->json, "application/json");
        json_key(&doc->json, "schema");
        openapi_write_reference(&doc->json, &doc->schemas, response, SCHEMA_REPLY);
        json_end_object(&doc->json);
        json_end_object(&doc->json);
        openapi_write_links(&doc->json, doc->schemas.arena, route);
    }
    json_end_object(&doc->json);
}

static void write_responses(struct document *doc, const struct route *route)
{
    int success = !route_response(route) ? 204 : route->success ? route->success : 200;
    begin_object(&doc->json, "responses");
    write_response(doc, route, success, "Done");
    if (route->flags & ROUTE_MAY_CONTINUE && success != 202)
        write_response(doc, route, 202, "Not decided yet: ask again at Location");
    json_key(&doc->json, "4XX");
    write_reference(&doc->json, "#/components/responses/Problem");
    json_key(&doc->json, "503");
    write_reference(&doc->json, "#/components/responses/Unavailable");
    json_key(&doc->json, "5XX");
    write_reference(&doc->json, "#/components/responses/Problem");
    json_end_object(&doc->json);
}

static void write_scheme(struct json_writer *json, const char *name, const char *scope)
{
    begin_array(json, name);
    if (scope)
        json_string(json, scope);
    json_end_array(json);
}

static void write_security(struct json_writer *json, const struct route *route)
{
    begin_array(json, "security");
    if (route->access == ACCESS_STOREFRONT) {
        json_begin_object(json);
        write_scheme(json, "publishableKey", NULL);
        json_end_object(json);
    }
    if (route->access == ACCESS_STOREFRONT || route->access == ACCESS_CUSTOMER) {
        json_begin_object(json);
        write_scheme(json, "publishableKey", NULL);
        write_scheme(json, "customerToken", NULL);
        json_end_object(json);
    }
    if (route->access == ACCESS_ADMIN) {
        json_begin_object(json);
        write_scheme(json, "apiKey", route->scope);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_operation(struct document *doc, const struct route *route)
{
    char method[8] = {0};
    for (size_t i = 0; route->method[i] && i + 1 < sizeof method; i++)
        method[i] = (char)(route->method[i] | 0x20);
    begin_object(&doc->json, method);
    write_text(&doc->json, "operationId", route_operation_id(doc->schemas.arena, route));
    begin_array(&doc->json, "tags");
    json_string(&doc->json, route->tag);
    json_end_array(&doc->json);
    write_text(&doc->json, "summary", route->summary);
    if (!str_is_empty(route_request(route)->doc))
        write_text(&doc->json, "description", route_request(route)->doc);
    write_security(&doc->json, route);
    write_parameters(doc, route);
    write_body(doc, route);
    write_responses(doc, route);
    json_end_object(&doc->json);
}

static const char *shown_path(struct arena *arena, const char *path)
{
    return without_dots(arena, path, strlen(path));
}

/* Each path once, with all its methods. A dot occurs in variables only, but for /.well-known. */
static void write_paths(struct document *doc)
{
    struct route_walk walk = {0};
    begin_object(&doc->json, "paths");
    for (const struct route *first; (first = route_next(&walk));) {
        if (first_of(first) != first)
            continue;
        struct route_walk same = {0};
        begin_object(&doc->json, strchr(first->path, '{')
                                     ? shown_path(doc->schemas.arena, first->path)
                                     : first->path);
        for (const struct route *route; (route = route_next(&same));)
            if (is_same_path(first->path, route->path))
                write_operation(doc, route);
        json_end_object(&doc->json);
    }
    json_end_object(&doc->json);
}

static void write_tags(struct json_writer *json)
{
    struct route_walk walk = {0};
    begin_array(json, "tags");
    for (const struct route *route; (route = route_next(&walk));) {
        struct route_walk before = {0};
        const struct route *first;
        while ((first = route_next(&before)) && !str_equal(first->tag, route->tag))
            continue;
        if (first != route)
            continue;
        json_begin_object(json);
        write_text(json, "name", route->tag);
        json_end_object(json);
    }
    json_end_array(json);
}

/* What is the same everywhere. */
static const char PARAMETERS[] =
    "{\"page_size\":{\"name\":\"page_size\",\"in\":\"query\",\"description\":\"Items on a page; "
    "0 means 20.\",\"schema\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100}},"
    "\"page_token\":{\"name\":\"page_token\",\"in\":\"query\",\"description\":\"nextPageToken of "
    "the page before.\",\"schema\":{\"type\":\"string\",\"maxLength\":512}},"
    "\"currency\":{\"name\":\"currency\",\"in\":\"query\",\"description\":\"One of the channel's; "
    "its first by default.\",\"schema\":{\"type\":\"string\",\"example\":\"EUR\"}},"
    "\"country\":{\"name\":\"country\",\"in\":\"query\",\"description\":\"One of the channel's; "
    "its first by default.\",\"schema\":{\"type\":\"string\",\"example\":\"DE\"}},"
    "\"locale\":{\"name\":\"locale\",\"in\":\"query\",\"description\":\"One of the channel's; by "
    "default what Accept-Language asks for.\",\"schema\":{\"type\":\"string\",\"example\":\"en\"}},"
    "\"Accept-Language\":{\"name\":\"Accept-Language\",\"in\":\"header\",\"schema\":{\"type\":"
    "\"string\",\"example\":\"de-AT, de;q=0.9, en;q=0.5\"}},"
    "\"Idempotency-Key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"The "
    "same key and request answer the same again; another request 422.\",\"schema\":{\"type\":"
    "\"string\",\"minLength\":1,\"maxLength\":128}},"
    "\"Idempotency-Key-required\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":"
    "true,\"description\":\"A new one for each purchase.\",\"schema\":{\"type\":\"string\","
    "\"minLength\":1,\"maxLength\":128}},"
    "\"If-Match\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"The ETag that the "
    "change was made for; another version answers 409.\",\"schema\":{\"type\":\"string\","
    "\"example\":\"\\\"3\\\"\"}},"
    "\"Torg-Reason\":{\"name\":\"Torg-Reason\",\"in\":\"header\",\"description\":\"Why, for the "
    "audit.\",\"schema\":{\"type\":\"string\",\"maxLength\":500}}}";

static const char HEADERS[] =
    "{\"ETag\":{\"description\":\"The version, in quotes.\",\"schema\":{\"type\":\"string\"}},"
    "\"Retry-After\":{\"description\":\"Seconds to wait.\",\"schema\":{\"type\":\"integer\"}},"
    "\"Location\":{\"description\":\"Where the outcome will be.\",\"schema\":{\"type\":"
    "\"string\"}}}";

static const char SECURITY[] =
    "{\"publishableKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"Torg-Publishable-Key\","
    "\"description\":\"Names the channel; no secret.\"},"
    "\"customerToken\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
    "\"description\":\"accessToken of a session.\"},"
    "\"apiKey\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API key that holds "
    "the scope.\"}}";

static void write_refusal(struct document *doc, const char *name, const char *description,
                          const char *header)
{
    struct json_writer *json = &doc->json;
    begin_object(json, name);
    write_text(json, "description", description);
    if (header) {
        begin_object(json, "headers");
        json_key(json, header);
        write_reference(json, arena_printf(doc->schemas.arena, "#/components/headers/%s", header));
        json_end_object(json);
    }
    begin_object(json, "content");
    begin_object(json, "application/problem+json");
    json_key(json, "schema");
    openapi_write_reference(json, &doc->schemas, &gateway__v1__problem__schema, SCHEMA_REPLY);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void write_components(struct document *doc)
{
    struct json_writer *json = &doc->json;
    begin_object(json, "components");
    json_key(json, "parameters");
    json_raw(json, PARAMETERS, sizeof PARAMETERS - 1);
    json_key(json, "headers");
    json_raw(json, HEADERS, sizeof HEADERS - 1);
    json_key(json, "securitySchemes");
    json_raw(json, SECURITY, sizeof SECURITY - 1);
    begin_object(json, "responses");
    write_refusal(doc, "Problem", "Refused, or failed", NULL);
    write_refusal(
        doc, "Unavailable",
        "Not available now, or its answer was lost: wait as Retry-After says and send the "
        "same again, with the same Idempotency-Key where the operation takes one",
        "Retry-After");
    json_end_object(json);
    json_key(json, "schemas");
    openapi_write_schemas(json, &doc->schemas);
    json_end_object(json);
}

void openapi_write(struct buffer *out, const char *server_url)
{
    struct document doc = {.schemas = {.arena = out->arena}};
    json_writer_init(&doc.json, out);
    json_begin_object(&doc.json);
    write_text(&doc.json, "openapi", "3.1.0");
    begin_object(&doc.json, "info");
    write_text(&doc.json, "title", "Torg");
    write_text(&doc.json, "version", "1");
    write_text(&doc.json, "description",
               "A headless shop: /store/v1 for storefronts, /admin/v1 for the back office.");
    json_end_object(&doc.json);
    begin_array(&doc.json, "servers");
    json_begin_object(&doc.json);
    write_text(&doc.json, "url", server_url);
    json_end_object(&doc.json);
    json_end_array(&doc.json);
    write_tags(&doc.json);
    write_paths(&doc);
    write_components(&doc);
    json_end_object(&doc.json);
}

void openapi_serve(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response)
{
    const struct gateway *self = ctx_state(ctx);
    if (access_preflight(ctx, request, response))
        return;
    response->content_type = "application/json";
    buffer_append(&response->body, self->openapi, self->openapi_length);
}
