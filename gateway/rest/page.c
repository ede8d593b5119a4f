/* page.c - the routes as one HTML page for people: self-contained, no scripts, nothing to fetch. */
#include "rest/openapi.h"

#include "gateway.h"

#include <string.h>

static const char HEAD[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Torg API</title>"
    "<meta name=viewport content='width=device-width,initial-scale=1'><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c1c1c;background:#fdfdfb}h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px "
    "solid #ccc}code,pre{font:14px/1.5 ui-monospace,monospace}pre{background:#f1efe8;padding:1rem;"
    "overflow:auto}details{margin:.3rem 0}summary{cursor:pointer}summary b{display:inline-block;"
    "width:4.5rem;font:700 13px ui-monospace,monospace}.GET{color:#176b3a}.POST{color:#8a4b00}"
    ".PUT,.PATCH{color:#1b4f9c}.DELETE{color:#9c1b1b}small{color:#666}table{border-collapse:"
    "collapse;margin:.5rem 0 1rem 4.5rem}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
    "nav a{margin-right:.8rem}@media(prefers-color-scheme:dark){body{background:#181818;"
    "color:#ddd}pre{background:#222}a{color:#8ab4f8}.GET{color:#6fcf97}.POST{color:#f2b25f}"
    ".PUT,.PATCH{color:#8ab4f8}.DELETE{color:#f08a8a}small{color:#999}}</style>"
    "<h1>Torg</h1><p>A headless shop. <code>/store/v1</code> for storefronts, "
    "<code>/admin/v1</code> for the back office, <a href=/openapi.json>/openapi.json</a> for "
    "machines.</p>";

static const char TRY_IT[] =
    "<h2>Try it</h2><pre>"
    "key=...   # the publishable key of a channel: GET /admin/v1/channels with an API key\n"
    "curl -H \"Torg-Publishable-Key: $key\" localhost/store/v1/products\n"
    "curl -H \"Torg-Publishable-Key: $key\" -H 'Content-Type: application/json' \\\n"
    "     -d '{\"lines\":[{\"variantId\":\"...\",\"quantity\":1}]}' localhost/store/v1/carts\n"
    "curl -H \"Torg-Publishable-Key: $key\" -H 'Content-Type: application/json' \\\n"
    "     -H 'Idempotency-Key: my-first-order' localhost/store/v1/checkouts -d '{\"cartId\":"
    "\"...\",\n      \"expectedTotal\":{\"minorUnits\":\"1490\",\"currencyCode\":\"EUR\"},"
    "\"tenders\":[{\"providerAccount\":\"manual\"}]}'</pre>"
    "<p>Refusals are <code>application/problem+json</code> with a constant <code>reason</code> and "
    "the refused fields. Lists page by <code>page_token</code>. Changes take "
    "<code>Idempotency-Key</code>; versioned things answer an <code>ETag</code> and take "
    "<code>If-Match</code>. Money is in minor units.</p>";

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            buffer_puts(out, "&lt;");
            break;
        case '>':
            buffer_puts(out, "&gt;");
            break;
        case '&':
            buffer_puts(out, "&amp;");
            break;
        case '"':
            buffer_puts(out, "&quot;");
            break;
        default:
            buffer_putc(out, *text);
        }
    }
}

static const char *type_name(const ProtobufCFieldDescriptor *field,
                             const struct field_schema *rules)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return rules->flags & FIELD_UUID ? "uuid" : "text";
    case PROTOBUF_C_TYPE_BOOL:
        return "true or false";
    case PROTOBUF_C_TYPE_ENUM:
        return ((const ProtobufCEnumDescriptor *)field->descriptor)->short_name;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (rules->message->well_known == WELL_KNOWN_TIMESTAMP)
            return "time";
        return rules->message->descriptor->name;
    case PROTOBUF_C_TYPE_BYTES:
        return "base64";
    default:
        return "number";
    }
}

static void put_fields(struct buffer *out, const char *title, const struct message_schema *schema)
{
    if (!schema || schema->descriptor->n_fields == 0)
        return;
    buffer_printf(out, "<table><tr><td colspan=3><small>%s</small>", title);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
        const struct field_schema *rules = &schema->fields[i];
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED && !(rules->flags & FIELD_MAP);
        buffer_printf(out, "<tr><td><code>%s</code><td><small>%s%s%s</small><td>", rules->json_name,
                      is_list ? "list of " : "",
                      rules->flags & FIELD_MAP ? "map" : type_name(field, rules),
                      rules->flags & FIELD_REQUIRED ? ", required" : "");
        put_escaped(out, rules->doc);
    }
    buffer_puts(out, "</table>");
}

static const char *access_text(const struct route *route)
{
    switch (route->access) {
    case ACCESS_STOREFRONT:
        return "publishable key";
    case ACCESS_CUSTOMER:
        return "publishable key and customer token";
    case ACCESS_ADMIN:
        return route->scope;
    case ACCESS_PUBLIC:
        break;
    }
    return "anybody";
}

static void put_route(struct buffer *out, const struct route *route)
{
    buffer_printf(out, "<details><summary><b class=%s>%s</b><code>", route->method, route->method);
    put_escaped(out, route->path);
    buffer_puts(out, "</code> ");
    put_escaped(out, route->summary);
    buffer_printf(out, " <small>%s</small></summary>", access_text(route));
    put_fields(out, "takes", route_request(route));
    put_fields(out, "answers", route_response(route));
    buffer_puts(out, "</details>");
}

/* The first route of its tag writes the whole section. */
static bool begins_tag(const struct route *route)
{
    struct route_walk walk = {0};
    const struct route *first;
    while ((first = route_next(&walk)) && !str_equal(first->tag, route->tag))
        continue;
    return first == route;
}

static void put_section(struct buffer *out, const char *tag)
{
    struct route_walk walk = {0};
    buffer_printf(out, "<h2 id='%s'>%s</h2>", tag, tag);
    for (const struct route *route; (route = route_next(&walk));)
        if (str_equal(route->tag, tag))
            put_route(out, route);
}

void page_write(struct buffer *out)
{
    struct route_walk links = {0}, sections = {0};
    buffer_puts(out, HEAD);
    buffer_puts(out, "<nav>");
    for (const struct route *route; (route = route_next(&links));)
        if (begins_tag(route))
            buffer_printf(out, "<a href='#%s'>%s</a>", route->tag, route->tag);
    buffer_puts(out, "</nav>");
    buffer_puts(out, TRY_IT);
    for (const struct route *route; (route = route_next(&sections));)
        if (begins_tag(route))
            put_section(out, route->tag);
}

void page_serve(struct ctx *ctx, struct http_response *response)
{
    const struct gateway *self = ctx_state(ctx);
    response->content_type = "text/html; charset=utf-8";
    http_response_header(response, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'");
    buffer_append(&response->body, self->page, self->page_length);
}
