/* plan_test.c - which parts of a product a write changes, and when a publication moves. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/str.h"

#define CHANNEL "00000000-0000-7000-8000-00000000000c"

static const char STORED[] =
    "{'id': '00000000-0000-7000-8000-000000000001', 'handle': 'mug', 'version': '4',"
    " 'vendor': 'Kiln', 'tags': ['new'], 'options': [{'name': 'Size', 'values': ['S', 'M']}],"
    " 'texts': [{'locale': 'en', 'name': 'Mug', 'slug': 'mug'}],"
    " 'images': [{'url': 'https://a'}],"
    " 'variants': [{'id': '00000000-0000-7000-8000-0000000000a1', 'sku': 'A', 'version': '2',"
    "   'productId': '00000000-0000-7000-8000-000000000001', 'optionValues': ['S']},"
    "  {'id': '00000000-0000-7000-8000-0000000000a2', 'sku': 'B', 'version': '1', 'position': 1,"
    "   'productId': '00000000-0000-7000-8000-000000000001', 'optionValues': ['M']}]}";

static struct product_plan planned(struct arena *arena, enum write_mode mode, const char *request)
{
    struct claims claims = {map_create(arena, 4), map_create(arena, 4), map_create(arena, 4),
                            map_create(arena, 4)};
    struct plan_input input = {mode, 1000000, &claims};
    struct product_plan plan = {.request = product_of(arena, request),
                                .stored = product_of(arena, STORED)};

    product_plan(arena, &input, &plan);
    ck_assert_ptr_nonnull(plan.wanted);
    return plan;
}

#define ROW "'handle': 'mug', 'vendor': 'Kiln', 'tags': ['new']"
#define TEXTS "'texts': [{'locale': 'en', 'name': 'Mug'}]"
#define OPTIONS "'options': [{'name': 'Size'}]"
#define IMAGES "'images': [{'url': 'https://a'}]"
#define A "{'sku': 'A', 'optionValues': ['S']}"
#define B "{'sku': 'B', 'optionValues': ['M']}"

static const struct {
    const char *request;
    uint32_t parts;                 /* of an upsert */
    size_t added, changed, removed; /* of a replacement */
} CASES[] = {
    {"{" ROW "," TEXTS "," OPTIONS "," IMAGES ", 'variants': [" A "," B "]}", 0, 0, 0, 0},
    {"{'handle': 'mug', 'tags': ['new']," TEXTS "," OPTIONS "," IMAGES ", 'variants': [" A "," B
     "]}",
     PART_ROW, 0, 0, 0},
    {"{" ROW ", 'texts': [{'locale': 'en', 'name': 'Cup'}]," OPTIONS "," IMAGES ", 'variants': [" A
     "," B "]}",
     PART_TEXTS, 0, 0, 0},
    {"{" ROW "," TEXTS ", 'options': [{'name': 'Fit'}]," IMAGES ", 'variants': [" A "," B "]}",
     PART_OPTIONS, 0, 0, 0},
    {"{" ROW "," TEXTS "," OPTIONS ", 'variants': [" A "," B "]}", PART_IMAGES, 0, 0, 0},
    {"{" ROW "," TEXTS "," OPTIONS "," IMAGES ", 'variants': [" A "]}", 0, 0, 0, 1},
    {"{" ROW "," TEXTS "," OPTIONS "," IMAGES ", 'variants': [" A
     ",{'sku': 'B', 'optionValues': ['M'], 'barcode': '1'}]}",
     PART_VARIANTS, 0, 1, 0},
    {"{" ROW "," TEXTS "," OPTIONS "," IMAGES ", 'variants': [" A "," B
     ",{'sku': 'C', 'optionValues': ['L']}]}",
     PART_VARIANTS | PART_OPTIONS, 1, 0, 0},
};

START_TEST(only_what_differs_changes)
{
    struct arena *arena = arena_create(1 << 20);

    struct product_plan upsert = planned(arena, WRITE_UPSERT, CASES[_i].request);
    struct product_plan replacement = planned(arena, WRITE_REPLACE, CASES[_i].request);

    ck_assert_uint_eq(upsert.parts, CASES[_i].parts);
    ck_assert_int_eq(upsert.wanted->version, CASES[_i].parts == 0 ? 4 : 5);
    ck_assert_int_eq(plan_is_unchanged(&upsert), CASES[_i].parts == 0);
    ck_assert_str_eq(upsert.wanted->texts[0]->slug, "mug");
    ck_assert_uint_eq(replacement.added_count, CASES[_i].added);
    ck_assert_uint_eq(replacement.changed_count, CASES[_i].changed);
    ck_assert_uint_eq(replacement.removed_count, CASES[_i].removed);
    ck_assert_str_eq(upsert.wanted->variants[0]->id, upsert.stored->variants[0]->id);
    arena_destroy(arena);
}
END_TEST

enum { DRAFT = 1, PUBLISHED = 2, NOW = 100 };

/* Times are in microseconds; 0 is unset. */
static const struct {
    int64_t before_us; /* since when it is published; 0: it is not */
    int asked;
    int64_t asked_us;
    bool changes;
    int64_t after_us;
} PUBLICATIONS[] = {
    {0, DRAFT, 0, false, 0},           {0, PUBLISHED, 0, true, NOW},
    {0, PUBLISHED, 50, true, 50},      {0, PUBLISHED, 500, true, 500},
    {50, PUBLISHED, 0, false, 50},     {50, PUBLISHED, 50, false, 50},
    {50, PUBLISHED, 60, true, 60},     {500, PUBLISHED, 0, true, NOW},
    {500, PUBLISHED, 500, false, 500}, {50, DRAFT, 0, true, 0},
    {50, DRAFT, 70, true, 0},
};

START_TEST(a_publication_moves_when_its_date_does)
{
    struct arena *arena = arena_create(1 << 20);
    Catalog__V1__Product *product = product_of(arena, STORED);
    Catalog__V1__ProductPublication asked = CATALOG__V1__PRODUCT_PUBLICATION__INIT;
    asked.channel_id = CHANNEL;
    asked.state = CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED;
    asked.publish_time = wire_time(arena, PUBLICATIONS[_i].before_us);
    if (PUBLICATIONS[_i].before_us != 0)
        ck_assert_ptr_nonnull(product_set_publication(arena, product, &asked, NOW));
    int64_t version = product->version;

    asked.state = (Catalog__V1__PublicationState)PUBLICATIONS[_i].asked;
    asked.publish_time = wire_time(arena, PUBLICATIONS[_i].asked_us);
    const Catalog__V1__ProductPublication *changed =
        product_set_publication(arena, product, &asked, NOW);

    ck_assert_int_eq(changed != NULL, PUBLICATIONS[_i].changes);
    ck_assert_int_eq(product->version - version, PUBLICATIONS[_i].changes);
    if (product->n_publications > 0)
        ck_assert_int_eq(wire_time_us(product->publications[0]->publish_time),
                         PUBLICATIONS[_i].after_us);
    arena_destroy(arena);
}
END_TEST

TCase *plan_case(void)
{
    TCase *tcase = tcase_create("plan");

    tcase_add_loop_test(tcase, only_what_differs_changes, 0, ARRAY_LEN(CASES));
    tcase_add_loop_test(tcase, a_publication_moves_when_its_date_does, 0, ARRAY_LEN(PUBLICATIONS));
    return tcase;
}
