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
    tcase_add_test(openapi, a_body_need_not_say_what_the_path_names);
    tcase_add_test(openapi, every_variable_of_a_path_is_a_required_parameter);
    tcase_add_test(openapi, every_reference_leads_somewhere);
    tcase_add_test(openapi, no_two_operations_share_a_name);
    tcase_add_test(openapi, every_admin_route_names_its_scope_and_no_path_is_served_twice);
    tcase_add_test(openapi, the_page_lists_every_route_and_loads_nothing);
    return openapi;
}
