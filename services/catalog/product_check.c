/* product_check.c - what is wrong with a product in itself: pure. */
#include "product.h"

#include "common/str.h"

const struct error_def INVALID_PRODUCT = {STATUS_INVALID_ARGUMENT, "INVALID_PRODUCT",
                                          "correct the fields that the violations name"};

/* Where a check writes what it finds. */
struct finder {
    struct arena *arena;
    struct problems *problems;
    int32_t variant_index;
};

static void check_texts(struct finder *finder, const Catalog__V1__Product *product);
static void check_options(struct finder *finder, const Catalog__V1__Product *product);
static void check_variants(struct finder *finder, const Catalog__V1__Product *product);
static void check_publications(struct finder *finder, const Catalog__V1__Product *product);
static void check_tags(struct finder *finder, const Catalog__V1__Product *product);
static void find(struct finder *finder, const char *field, const char *value, const char *allowed);
static bool is_first(struct map *seen, const char *key);

void product_check(struct arena *arena, const Catalog__V1__Product *product,
                   struct problems *problems)
{
    struct finder finder = {.arena = arena, .problems = problems, .variant_index = -1};

    check_texts(&finder, product);
    check_tags(&finder, product);
    check_options(&finder, product);
    check_variants(&finder, product);
    check_publications(&finder, product);
}

static void check_texts(struct finder *finder, const Catalog__V1__Product *product)
{
    struct map *seen = map_create(finder->arena, product->n_texts);

    if (product->n_texts == 0)
        find(finder, "texts", "", "at least one text");
    for (size_t i = 0; i < product->n_texts; i++) {
        const Catalog__V1__ProductText *text = product->texts[i];
        if (!locale_is_valid(text->locale))
            find(finder, arena_printf(finder->arena, "texts[%zu].locale", i), text->locale,
                 "a BCP 47 tag such as en or de-AT");
        if (*text->slug != '\0' && !slug_is_valid(text->slug))
            find(finder, arena_printf(finder->arena, "texts[%zu].slug", i), text->slug,
                 "lower-case letters, digits and single hyphens between them");
        if (!is_first(seen, arena_printf(finder->arena, "%s %s", text->store_id, text->locale)))
            find(finder, arena_printf(finder->arena, "texts[%zu].locale", i), text->locale,
                 "each locale of a store once");
    }
}

static void check_tags(struct finder *finder, const Catalog__V1__Product *product)
{
    for (size_t i = 0; i < product->n_tags; i++)
        if (*product->tags[i] == '\0')
            find(finder, arena_printf(finder->arena, "tags[%zu]", i), "", "not empty");
}

static void check_options(struct finder *finder, const Catalog__V1__Product *product)
{
    struct map *names = map_create(finder->arena, product->n_options);

    for (size_t i = 0; i < product->n_options; i++) {
        const Catalog__V1__ProductOption *option = product->options[i];
        struct map *values = map_create(finder->arena, option->n_values);
        if (!is_first(names, option->name))
            find(finder, arena_printf(finder->arena, "options[%zu].name", i), option->name,
                 "each option name once");
        for (size_t j = 0; j < option->n_values; j++)
            if (*option->values[j] == '\0' || !is_first(values, option->values[j]))
                find(finder, arena_printf(finder->arena, "options[%zu].values[%zu]", i, j),
                     option->values[j], "not empty, each value once");
    }
}

static const char *combination(struct arena *arena, const Catalog__V1__Variant *variant,
                               const char *separator)
{
    struct buffer out;

    buffer_init(&out, arena, 64);
    buffer_puts(&out, "");
    for (size_t i = 0; i < variant->n_option_values; i++)
        buffer_printf(&out, "%s%s", i > 0 ? separator : "", variant->option_values[i]);
    return out.data;
}

static void check_variants(struct finder *finder, const Catalog__V1__Product *product)
{
    struct map *skus = map_create(finder->arena, product->n_variants);
    struct map *combinations = map_create(finder->arena, product->n_variants);

    for (size_t i = 0; i < product->n_variants; i++) {
        const Catalog__V1__Variant *variant = product->variants[i];
        const char *options = combination(finder->arena, variant, " / ");
        const char *field = arena_printf(finder->arena, "variants[%zu].optionValues", i);
        finder->variant_index = (int32_t)i;
        if (!is_first(skus, variant->sku))
            find(finder, arena_printf(finder->arena, "variants[%zu].sku", i), variant->sku,
                 "each SKU once");
        if (variant->n_option_values != product->n_options)
            find(
                finder, field, options,
                arena_printf(finder->arena, "%zu values, one for each option", product->n_options));
        else if (!is_first(combinations, combination(finder->arena, variant, "\x1f")))
            find(finder, field, options, "each combination of option values once");
        for (size_t j = 0; j < variant->n_option_values; j++)
            if (*variant->option_values[j] == '\0')
                find(finder, arena_printf(finder->arena, "%s[%zu]", field, j), "", "not empty");
    }
    finder->variant_index = -1;
}

static void check_publications(struct finder *finder, const Catalog__V1__Product *product)
{
    struct map *channels = map_create(finder->arena, product->n_publications);

    for (size_t i = 0; i < product->n_publications; i++) {
        const Catalog__V1__ProductPublication *publication = product->publications[i];
        if (publication->state == CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_UNSPECIFIED)
            find(finder, arena_printf(finder->arena, "publications[%zu].state", i), "",
                 "PUBLICATION_STATE_DRAFT or PUBLICATION_STATE_PUBLISHED");
        if (!is_first(channels, publication->channel_id))
            find(finder, arena_printf(finder->arena, "publications[%zu].channelId", i),
                 publication->channel_id, "each channel once");
    }
}

static void find(struct finder *finder, const char *field, const char *value, const char *allowed)
{
    struct problems *problems = finder->problems;

    if (problems->count == ARRAY_LEN(problems->items))
        return;
    problems->items[problems->count++] = (struct problem){
        .error = &INVALID_PRODUCT,
        .field = field,
        .value = value,
        .allowed = allowed,
        .variant_index = finder->variant_index,
    };
}

static bool is_first(struct map *seen, const char *key)
{
    if (map_get(seen, key) != NULL)
        return false;
    map_set(seen, key, seen);
    return true;
}
