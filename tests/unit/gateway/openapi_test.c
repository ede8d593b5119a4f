/* openapi_test.c - the document says what the tables serve. */
#include "suites.h"

#include "rest/openapi.h"

#include <string.h>

static const struct json_node *document_of(struct ctx *ctx)
{
    struct buffer out;
    const struct json_node *root;
    buffer_init(&out, ctx->arena, 65536);
    openapi_write(&out, "/");
    ck_assert_int_eq(json_parse(ctx->arena, out.data, out.length, &root).code, STATUS_OK);
    return root;
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && str_equal(text + strlen(text) - strlen(end), end);
}

/* As the document writes it: dots in variables are underscores; names may be another route's. */
static bool is_template(const char *shown, const char *path)
{
    for (; *shown && *path; shown++, path++) {
        if (*shown != *path)
            return false;
        if (*path == '{') {
            shown = strchr(shown, '}');
            path = strchr(path, '}');
        }
    }
    return *shown == *path;
}

static const struct json_node *operation_of(const struct json_node *document,
                                            const struct route *route, const char **ret_path)
{
    static char method[8];
    size_t i = 0;
    for (; route->method[i]; i++)
        method[i] = (char)(route->method[i] | 0x20);
    method[i] = '\0';
    for (const struct json_node *path = json_member(document, "paths")->child; path;
         path = path->next)
        if (is_template(path->key, route->path)) {
            *ret_path = path->key;
            return json_member(path, method);
        }
    return NULL;
}

static const struct json_node *resolve(const struct json_node *document, const char *reference)
{
    ck_assert_msg(!strncmp(reference, "#/components/", 13), "%s", reference);
    const char *name = strchr(reference + 13, '/');
    ck_assert_ptr_nonnull(name);
    for (const struct json_node *kind = json_member(document, "components")->child; kind;
         kind = kind->next)
        if (strlen(kind->key) == (size_t)(name - reference - 13) &&
            !strncmp(kind->key, reference + 13, strlen(kind->key)))
            return json_member(kind, name + 1);
    return NULL;
}

START_TEST(no_text_has_to_be_empty)
{
    struct ctx *ctx = begin_ctx();
    struct buffer out;
    buffer_init(&out, ctx->arena, 65536);
    openapi_write(&out, "/");
    ck_assert_ptr_null(strstr(out.data, "\"maxLength\":0"));
    end_ctx();
}
END_TEST

START_TEST(every_route_is_in_the_document)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    struct route_walk walk = {0};
    int count = 0;
    for (const struct route *route; (route = route_next(&walk)); count++) {
        const char *path = NULL;
        const struct json_node *operation = operation_of(document, route, &path);
        ck_assert_msg(operation, "%s %s", route->method, route->path);
        ck_assert_msg(json_member(operation, "requestBody") != NULL || !route->body, "%s", path);
        ck_assert_pstr_eq(json_text(json_member(operation, "summary")), route->summary);
    }
    ck_assert_int_gt(count, 90);
    end_ctx();
}
END_TEST

START_TEST(every_variable_of_a_path_is_a_required_parameter)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    struct route_walk walk = {0};
    for (const struct route *route; (route = route_next(&walk));) {
        const char *path = NULL;
        const struct json_node *parameters =
            json_member(operation_of(document, route, &path), "parameters");
        int variables = 0, declared = 0;
        for (const char *p = path; (p = strchr(p, '{')); p++)
            variables++;
        for (const struct json_node *p = parameters->child; p; p = p->next)
            declared += str_equal(json_text(json_member(p, "in")), "path") &&
                        strstr(path, json_text(json_member(p, "name"))) &&
                        json_member(p, "required")->kind == JSON_TRUE;
        ck_assert_msg(variables == declared, "%s: %d of %d", path, declared, variables);
    }
    end_ctx();
}
END_TEST

START_TEST(every_reference_leads_somewhere)
{
    struct ctx *ctx = begin_ctx();
    struct buffer out;
    const struct json_node *document;
    int count = 0;
    buffer_init(&out, ctx->arena, 65536);
    openapi_write(&out, "/");
    ck_assert_int_eq(json_parse(ctx->arena, out.data, out.length, &document).code, STATUS_OK);
    for (const char *p = out.data; (p = strstr(p, "\"$ref\":\"")); count++) {
        p += strlen("\"$ref\":\"");
        const char *reference = arena_strndup(ctx->arena, p, strcspn(p, "\""));
        ck_assert_msg(resolve(document, reference), "%s", reference);
    }
    ck_assert_int_gt(count, 300);
    end_ctx();
}
END_TEST

START_TEST(an_answer_links_to_what_its_member_is_asked_for)
{
    struct ctx *ctx = begin_ctx();
    struct buffer out;
    buffer_init(&out, ctx->arena, 65536);
    openapi_write(&out, "/");
    static const char *const LINKS[] = {
        "\"operationId\":\"postStoreV1CartsByCartIdLines\",\"parameters\":{\"path.cart_id\":"
        "\"$response.body#/cart/id\"}",
        "\"operationId\":\"getStoreV1OrdersByOrderId\",\"parameters\":{\"path.order_id\":"
        "\"$response.body#/orderId\"}",
        "\"operationId\":\"getAdminV1ProductsById\",\"parameters\":{\"path.id\":"
        "\"$response.body#/products/0/id\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(LINKS); i++)
        ck_assert_msg(strstr(out.data, LINKS[i]), "%s", LINKS[i]);
    end_ctx();
}
END_TEST

START_TEST(a_body_names_what_an_answer_shows)
{
    struct ctx *ctx = begin_ctx();
    struct buffer out;
    buffer_init(&out, ctx->arena, 65536);
    openapi_write(&out, "/");
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\"operationId\":\"postStoreV1Checkouts\",\"requestBody\":"
                                 "{\"cartId\":\"$response.body#/cart/id\"}"));
    end_ctx();
}
END_TEST

/* A component by its name, without the dots of a path. */
static const struct json_node *component(const struct json_node *document, const char *name)
{
    const struct json_node *schemas = json_member(json_member(document, "components"), "schemas");
    const struct json_node *found = json_member(schemas, name);
    ck_assert_msg(found, "%s is not in the document", name);
    return found;
}

/* Of an optional member that is sent: what it is when it is not null. */
static const struct json_node *property(const struct json_node *schema, const char *name)
{
    const struct json_node *found = json_member(json_member(schema, "properties"), name);
    ck_assert_msg(found, "no property %s", name);
    const struct json_node *forms = json_member(found, "anyOf");
    return forms ? forms->child : found;
}

START_TEST(what_is_sent_may_hold_nothing_else_and_an_answer_may_grow)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *schemas =
        json_member(json_member(document_of(ctx), "components"), "schemas");
    int sent = 0, answered = 0;
    for (const struct json_node *schema = schemas->child; schema; schema = schema->next) {
        const struct json_node *others = json_member(schema, "additionalProperties");
        bool is_sent = ends_with(schema->key, ".Input");
        ck_assert_msg(is_sent == (others && others->kind == JSON_FALSE), "%s", schema->key);
        sent += is_sent;
        answered += !is_sent;
    }
    ck_assert_int_gt(sent, 10);
    ck_assert_int_gt(answered, 50);
    end_ctx();
}
END_TEST

START_TEST(a_whole_body_may_hold_nothing_else)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    struct route_walk walk = {0};
    int count = 0;
    for (const struct route *route; (route = route_next(&walk));) {
        const char *path = NULL;
        if (!str_equal(route->body, "*"))
            continue;
        const struct json_node *content = json_member(
            json_member(operation_of(document, route, &path), "requestBody"), "content");
        const struct json_node *others =
            json_member(json_member(json_member(content, "application/json"), "schema"),
                        "additionalProperties");
        ck_assert_msg(others && others->kind == JSON_FALSE, "%s", path);
        count++;
    }
    ck_assert_int_gt(count, 20);
    end_ctx();
}
END_TEST

START_TEST(an_integer_as_text_keeps_its_range_as_far_as_a_pattern_can)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    static const struct {
        const char *message, *field, *pattern;
    } FIELDS[] = {
        {"cart.v1.LineInput.Input", "quantity", "^[1-9][0-9]{0,6}$"},
        {"common.v1.Money.Input", "minorUnits", "^-?(0|[1-9][0-9]{0,18})$"},
    };
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        ck_assert_pstr_eq(
            json_text(json_member(property(component(document, FIELDS[i].message), FIELDS[i].field),
                                  "pattern")),
            FIELDS[i].pattern);
    end_ctx();
}
END_TEST

START_TEST(null_may_stand_for_what_need_not_be_sent)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *sent =
        json_member(component(document_of(ctx), "common.v1.Address.Input"), "properties");
    const struct json_node *forms = json_member(json_member(sent, "company"), "anyOf");
    ck_assert_ptr_nonnull(forms);
    ck_assert_pstr_eq(json_text(json_member(forms->child->next, "type")), "null");
    ck_assert_ptr_null(json_member(json_member(sent, "city"), "anyOf"));
    end_ctx();
}
END_TEST

START_TEST(a_required_enum_does_not_offer_zero)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *schemas =
        json_member(json_member(document_of(ctx), "components"), "schemas");
    int count = 0;
    for (const struct json_node *schema = schemas->child; schema; schema = schema->next) {
        const struct json_node *required = json_member(schema, "required");
        for (const struct json_node *r = required ? required->child : NULL; r; r = r->next) {
            const struct json_node *names = json_member(property(schema, json_text(r)), "enum");
            for (const struct json_node *n = names ? names->child : NULL; n; n = n->next, count++)
                ck_assert_msg(n->kind != JSON_STRING || !ends_with(json_text(n), "_UNSPECIFIED"),
                              "%s: %s", schema->key, json_text(n));
        }
    }
    ck_assert_int_gt(count, 0);
    end_ctx();
}
END_TEST

START_TEST(a_body_need_not_say_what_the_path_names)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    const struct json_node *schema = json_member(
        json_member(json_member(json_member(json_member(json_member(json_member(document, "paths"),
                                                                    "/admin/v1/tax-categories/"
                                                                    "{tax_category_code}"),
                                                        "put"),
                                            "requestBody"),
                                "content"),
                    "application/json"),
        "schema");
    ck_assert_ptr_nonnull(schema);
    ck_assert_ptr_nonnull(json_member(json_member(schema, "properties"), "name"));
    ck_assert_ptr_null(json_member(json_member(schema, "properties"), "code"));
    end_ctx();
}
END_TEST

START_TEST(no_two_operations_share_a_name)
{
    struct ctx *ctx = begin_ctx();
    const struct json_node *document = document_of(ctx);
    struct route_walk walk = {0};
    const char *names[400];
    size_t count = 0;
    for (const struct route *route; (route = route_next(&walk));) {
        const char *path = NULL;
        const char *name =
            json_text(json_member(operation_of(document, route, &path), "operationId"));
        ck_assert_ptr_nonnull(name);
        for (size_t i = 0; i < count; i++)
            ck_assert_str_ne(names[i], name);
        ck_assert_uint_lt(count, ARRAY_LEN(names));
        names[count++] = name;
    }
    end_ctx();
}
END_TEST

START_TEST(every_admin_route_names_its_scope_and_no_path_is_served_twice)
{
    struct route_walk walk = {0};
    for (const struct route *route; (route = route_next(&walk));) {
        struct route_walk rest = walk;
        ck_assert_msg((route->access == ACCESS_ADMIN) == (route->scope != NULL), "%s", route->path);
        ck_assert_msg((route->rpc != NULL) != (route->handle != NULL), "%s", route->path);
        ck_assert_msg(strncmp(route->path, "/admin/", 7) != 0 || route->access == ACCESS_ADMIN,
                      "%s is open", route->path);
        for (const struct route *other; (other = route_next(&rest));)
            ck_assert_msg(!str_equal(other->method, route->method) ||
                              !is_template(other->path, route->path),
                          "%s %s", route->method, route->path);
    }
}
END_TEST

START_TEST(the_page_lists_every_route_and_loads_nothing)
{
    struct ctx *ctx = begin_ctx();
    struct buffer page;
    struct route_walk walk = {0};
    buffer_init(&page, ctx->arena, 65536);
    page_write(&page);
    for (const struct route *route; (route = route_next(&walk));)
        ck_assert_msg(strstr(page.data, route->path), "%s", route->path);
    ck_assert_ptr_null(strstr(page.data, "<script"));
    ck_assert_ptr_null(strstr(page.data, "src="));
    end_ctx();
}
END_TEST

TCase *openapi_case(void)
{
    TCase *openapi = tcase_create("openapi");

    tcase_add_test(openapi, no_text_has_to_be_empty);
    tcase_add_test(openapi, every_route_is_in_the_document);
    tcase_add_test(openapi, an_answer_links_to_what_its_member_is_asked_for);
    tcase_add_test(openapi, a_body_names_what_an_answer_shows);
    tcase_add_test(openapi, what_is_sent_may_hold_nothing_else_and_an_answer_may_grow);
    tcase_add_test(openapi, a_whole_body_may_hold_nothing_else);
    tcase_add_test(openapi, an_integer_as_text_keeps_its_range_as_far_as_a_pattern_can);
    tcase_add_test(openapi, null_may_stand_for_what_need_not_be_sent);
    tcase_add_test(openapi, a_required_enum_does_not_offer_zero);
    tcase_add_test(openapi, a_body_need_not_say_what_the_path_names);
    tcase_add_test(openapi, every_variable_of_a_path_is_a_required_parameter);
    tcase_add_test(openapi, every_reference_leads_somewhere);
    tcase_add_test(openapi, no_two_operations_share_a_name);
    tcase_add_test(openapi, every_admin_route_names_its_scope_and_no_path_is_served_twice);
    tcase_add_test(openapi, the_page_lists_every_route_and_loads_nothing);
    return openapi;
}
