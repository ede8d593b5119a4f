/* template_fuzz.c - the language of messages: bounded whatever a merchant wrote and a customer is
 * called, and nobody's value becomes markup or another line.
 *
 * Input: a byte that chooses the form, a line that is a value, then the template. */
#include "fuzz.h"

#include "template.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    enum template_form form = (enum template_form)(fuzz_byte(&input) % 3);
    const char *value = fuzz_text(arena, &input);
    size_t length;
    const char *source = (const char *)fuzz_rest(arena, &input, &length);
    const struct template_value root[] = {{"name", value}, {"empty", ""}, {"number", "7"}};
    const struct template_value line[] = {{"sku", value}, {"name", "line"}};
    const struct template_scope items[] = {{line, ARRAY_LEN(line)}, {line, 1}};
    const struct template_data with_list = {.root = {root, ARRAY_LEN(root)},
                                            .list_name = "lines",
                                            .items = items,
                                            .item_count = ARRAY_LEN(items)};
    const char *text = NULL;

    source = arena_strndup(arena, source, strnlen(source, length));
    if (template_render(arena, source, form, &with_list, &text) == NULL) {
        ALWAYS(strlen(text) <= TEMPLATE_OUTPUT_MAX);
        if (form == TEMPLATE_LINE)
            ALWAYS(strpbrk(text, "\r\n") == NULL);
        if (form == TEMPLATE_HTML && strpbrk(source, "<>") == NULL)
            ALWAYS(strpbrk(text, "<>") == NULL);
    }
    arena_destroy(arena);
    return 0;
}
