/* negotiate_test.c - Accept-Language against the locales of a channel. */
#include "suites.h"

#include "access/negotiate.h"

static const char *const LOCALES[] = {"en", "de-AT", "fr", "pt-BR", NULL};

static const struct {
    const char *header, *locale;
} CASES[] = {
    {NULL, NULL},
    {"", NULL},
    {"fr", "fr"},
    {"FR", "fr"},
    {"de", "de-AT"},
    {"de-AT", "de-AT"},
    {"de-CH", NULL},
    {"fr-CA", "fr"},
    {"fr-CA-x-private", "fr"},
    {"es, fr;q=0.5, en;q=0.4", "fr"},
    {"en;q=0.4, fr;q=0.5", "fr"},
    {"en;q=0.5,fr;q=0.5", "en"},
    {"fr;q=0, en;q=0.1", "en"},
    {"fr;q=0", NULL},
    {"es, *;q=0.1", "en"},
    {"*", "en"},
    {"fr;q=1.000", "fr"},
    {"fr ; q=0.9 , en;q=0.8", "fr"},
    {"e", NULL},
    {"fr;q=1.001", NULL},
    {"fr;q=0.1234", NULL},
    {"fr;q=", NULL},
    {"fr;q=-1", NULL},
    {"fr;level=1", NULL},
    {",,", NULL},
    {"en fr", NULL},
};

START_TEST(the_best_locale_is_chosen)
{
    struct ctx *ctx = begin_ctx();

    ck_assert_pstr_eq(negotiate_locale(ctx->arena, CASES[_i].header, LOCALES), CASES[_i].locale);
    end_ctx();
}
END_TEST

START_TEST(a_header_of_many_ranges_is_not_worked_through)
{
    struct ctx *ctx = begin_ctx();
    struct buffer header;
    buffer_init(&header, ctx->arena, 1024);
    for (int i = 0; i < 1000; i++)
        buffer_puts(&header, "x,");
    buffer_puts(&header, "fr");

    ck_assert_ptr_null(negotiate_locale(ctx->arena, header.data, LOCALES));
    end_ctx();
}
END_TEST

TCase *negotiate_case(void)
{
    TCase *negotiate = tcase_create("negotiate");

    tcase_add_loop_test(negotiate, the_best_locale_is_chosen, 0, ARRAY_LEN(CASES));
    tcase_add_test(negotiate, a_header_of_many_ranges_is_not_worked_through);
    return negotiate;
}
