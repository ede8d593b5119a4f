/* main.c - the pure parts of imports. */
#include "suites.h"

#include <stdlib.h>

struct arena *arena;

static struct status read_memory(struct csv_source *source, int64_t offset, const char **ret_data,
                                 size_t *ret_length)
{
    struct memory_source *memory = container_of(source, struct memory_source, source);
    size_t left = memory->length - (size_t)offset;

    *ret_data = memory->data + offset;
    *ret_length = left < memory->piece ? left : memory->piece;
    return status_ok();
}

struct memory_source memory_source(const char *data, size_t length, size_t piece)
{
    return (struct memory_source){{read_memory}, data, length, piece};
}

static void begin(void)
{
    arena = arena_create(SIZE_MAX);
}

static void end(void)
{
    arena_destroy(arena);
}

int main(void)
{
    Suite *suite = suite_create("gateway import unit");
    TCase *cases[] = {csv_case(), draft_case(), sku_case()};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tcase_add_checked_fixture(cases[i], begin, end);
        tcase_set_timeout(cases[i], 30);
        suite_add_tcase(suite, cases[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
