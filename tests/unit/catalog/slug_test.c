/* slug_test.c - what addresses look like, and which locales are any. */
#include "suites.h"

#include <string.h>

static const struct {
    const char *name;
    const char *slug;
} FOLDS[] = {
    {"Brown Mug", "brown-mug"},
    {"  --Brown   & Mug!! ", "brown-mug"},
    {"Stra\303\237e", "strasse"},                           // ß
    {"\303\234bergr\303\266\303\237e", "uebergroesse"},     // Ü, ö, ß
    {"Cr\303\250me Br\303\273l\303\251e", "creme-brulee"},  // è, û, é
    {"\305\201\303\263d\305\272 \305\273ubr", "lodz-zubr"}, // Ł, ó, ź, Ż
    {"\305\222uvre \303\206on", "oeuvre-aeon"},             // Œ, Æ
    {"Men's & Men\342\200\231s", "mens-mens"},              // both apostrophes
    {"2\303\2273 cm", "2-3-cm"},                            // ×
    {"\320\247\320\260\320\271", ""},                       // Cyrillic
    {"\350\214\266 Tea", "tea"},                            // CJK
    {"\360\237\215\265 Pot", "pot"},                        // beyond the BMP
    {"", ""},
};

START_TEST(names_fold_to_ascii)
{
    struct arena *arena = arena_create(1 << 20);
    ck_assert_str_eq(slug_fold(arena, FOLDS[_i].name), FOLDS[_i].slug);
    ck_assert(*FOLDS[_i].slug == '\0' || slug_is_valid(FOLDS[_i].slug));
    arena_destroy(arena);
}
END_TEST

/* The letters of both blocks: none is lost, none leaves something that is no slug. */
START_TEST(every_letter_of_the_table_reads_like_something)
{
    struct arena *arena = arena_create(1 << 20);
    for (unsigned c = 0xC0; c <= 0x17F; c++) {
        char name[] = {'x', (char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F)), 'x', '\0'};
        const char *slug = slug_fold(arena, name);
        ck_assert_msg(slug_is_valid(slug), "U+%04X is %s", c, slug);
        ck_assert_uint_ge(strlen(slug), 3);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(a_long_name_is_cut)
{
    struct arena *arena = arena_create(1 << 20);
    char name[600];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    name[254] = ' ';

    const char *slug = slug_fold(arena, name);

    ck_assert_uint_eq(strlen(slug), 254); // no hyphen at its end
    ck_assert(slug_is_valid(slug));
    arena_destroy(arena);
}
END_TEST

START_TEST(a_slug_comes_of_name_else_handle_else_id)
{
    struct arena *arena = arena_create(1 << 20);
    ck_assert_str_eq(slug_derive(arena, "Mug", "cup", "id"), "mug");
    ck_assert_str_eq(slug_derive(arena, "\350\214\266", "Cup 1", "id"), "cup-1");
    ck_assert_str_eq(slug_derive(arena, "\350\214\266", "", "id"), "id");
    arena_destroy(arena);
}
END_TEST

START_TEST(a_taken_slug_counts_on)
{
    struct arena *arena = arena_create(1 << 20);
    struct map *taken = map_create(arena, 4);
    char other[] = "other", own[] = "own";
    map_set(taken, " en mug", other);
    map_set(taken, " en mug-2", other);
    map_set(taken, " en mug-3", own);

    ck_assert_str_eq(slug_free(arena, taken, " en", "mug", "new"), "mug-4");
    ck_assert_str_eq(slug_free(arena, taken, " en", "mug", "own"), "mug-3");
    ck_assert_str_eq(slug_free(arena, taken, " de", "mug", "new"), "mug");
    arena_destroy(arena);
}
END_TEST

static const struct {
    const char *text;
    bool slug, locale;
} SHAPES[] = {
    {"", false, false},
    {"a", true, false},
    {"en", true, true},
    {"de-AT", false, true},
    {"zh-Hant-TW", false, true},
    {"en-", false, false},
    {"-en", false, false},
    {"a--b", false, false},
    {"a-b-9", true, false},
    {"EN", false, false},
    {"english", true, false},
    {"en_GB", false, false},
    {"en-toolongtag", true, false},
    {"\303\244", false, false},
};

START_TEST(shapes_are_told_apart)
{
    ck_assert_int_eq(slug_is_valid(SHAPES[_i].text), SHAPES[_i].slug);
    ck_assert_int_eq(locale_is_valid(SHAPES[_i].text), SHAPES[_i].locale);
}
END_TEST

TCase *slug_case(void)
{
    TCase *tcase = tcase_create("slug");

    tcase_add_loop_test(tcase, names_fold_to_ascii, 0, ARRAY_LEN(FOLDS));
    tcase_add_test(tcase, every_letter_of_the_table_reads_like_something);
    tcase_add_test(tcase, a_long_name_is_cut);
    tcase_add_test(tcase, a_slug_comes_of_name_else_handle_else_id);
    tcase_add_test(tcase, a_taken_slug_counts_on);
    tcase_add_loop_test(tcase, shapes_are_told_apart, 0, ARRAY_LEN(SHAPES));
    return tcase;
}
