/* main.c - the pure parts of catalog: slugs, checks, plans. */
#include "suites.h"

#include "catalog/v1/types.schema.h"
#include "common/json.h"

#include <string.h>

Catalog__V1__Product *product_of(struct arena *arena, const char *json)
{
    ProtobufCMessage *message = NULL;
    char *text = arena_strdup(arena, json);

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    struct status status =
        json_decode(arena, &catalog__v1__product__schema, text, strlen(text), false, &message);
    ck_assert_msg(status.code == STATUS_OK, "%s in %s", str_or_empty(status.detail), text);
    return (Catalog__V1__Product *)message;
}

int main(void)
{
    Suite *suite = suite_create("catalog");

    suite_add_tcase(suite, slug_case());
    suite_add_tcase(suite, check_case());
    suite_add_tcase(suite, plan_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
