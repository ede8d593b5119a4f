/* template_test.c - the language of messages. */
#include "platform.h"
#include "template.h"

#include "common/str.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static const struct template_value VALUES[] = {
    {"name", "Ann <b>\"O'Hara\" & sons"},
    {"empty", ""},
    {"evil", "a\r\nBcc: x@y.org\tb"},
    {"total", "30.00 EUR"},
};
static const struct template_value MUG[] = {{"name", "Mug"}, {"total", "10.00 EUR"}};
static const struct template_value TEE[] = {{"name", "Tee"}};
static const struct template_scope ITEMS[] = {{MUG, 2}, {TEE, 1}};
static const struct template_data DATA = {{VALUES, 4}, "items", ITEMS, 2};

static void set_up(void)
{
    arena = arena_create(64 * 1024 * 1024);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const struct {
    const char *label;
    enum template_form form;
    const char *source, *text;
} RENDERED[] = {
    {"text stays", TEMPLATE_TEXT, "a { b } c", "a { b } c"},
    {"nothing", TEMPLATE_TEXT, "", ""},
    {"a value in text", TEMPLATE_TEXT, "{{name}}!", "Ann <b>\"O'Hara\" & sons!"},
    {"a value in HTML", TEMPLATE_HTML, "<i>{{name}}</i>",
     "<i>Ann &lt;b&gt;&quot;O&#39;Hara&quot; &amp; sons</i>"},
    {"what is absent is empty", TEMPLATE_TEXT, "[{{nobody}}]", "[]"},
    {"control characters stay out of text", TEMPLATE_TEXT, "{{evil}}", "a\nBcc: x@y.org\tb"},
    {"a subject is one line", TEMPLATE_LINE, "S: {{evil}}\r\nX: y", "S: a  Bcc: x@y.org b  X: y"},
    {"a list", TEMPLATE_TEXT, "{{#items}}{{name}};{{/items}}", "Mug;Tee;"},
    {"an item's name, then the message's", TEMPLATE_TEXT, "{{#items}}{{total}};{{/items}}{{total}}",
     "10.00 EUR;30.00 EUR;30.00 EUR"},
    {"a value as a section", TEMPLATE_TEXT, "{{#total}}T{{/total}}{{#empty}}E{{/empty}}", "T"},
    {"absence", TEMPLATE_TEXT, "{{^total}}T{{/total}}{{^empty}}E{{/empty}}{{^x}}X{{/x}}", "EX"},
    {"a list that is there", TEMPLATE_TEXT, "{{^items}}none{{/items}}", ""},
    {"sections in sections", TEMPLATE_TEXT,
     "{{#items}}{{#total}}{{#name}}{{name}}{{/name}}"
     "{{/total}}{{^x}}.{{/x}}{{/items}}",
     "Mug.Tee."},
    {"a hidden section hides what is in it", TEMPLATE_TEXT,
     "{{#empty}}{{^x}}a{{/x}}{{#items}}b{{/items}}{{name}}{{/empty}}c", "c"},
    {"values are not templates", TEMPLATE_TEXT, "{{#items}}{{^x}}{{/x}}{{/items}}", ""},
};

START_TEST(a_template_renders)
{
    const char *text = NULL;
    const char *problem =
        template_render(arena, RENDERED[_i].source, RENDERED[_i].form, &DATA, &text);

    ck_assert_msg(problem == NULL, "%s: %s", RENDERED[_i].label, str_or_empty(problem));
    ck_assert_msg(str_equal(text, RENDERED[_i].text), "%s: %s", RENDERED[_i].label, text);
}
END_TEST

static const struct {
    const char *label, *source;
} REFUSED[] = {
    {"no end of a tag", "{{name"},
    {"an empty tag", "{{}}"},
    {"triple braces", "{{{name}}}"},
    {"unescaped", "{{&name}}"},
    {"a partial", "{{>other}}"},
    {"spaces", "{{ name }}"},
    {"a section left open", "{{#items}}x"},
    {"a section never opened", "x{{/items}}"},
    {"sections crossed", "{{#items}}{{#name}}{{/items}}{{/name}}"},
    {"a crossed section that is not shown", "{{#empty}}{{#a}}{{/b}}{{/empty}}"},
    {"nine deep", "{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}"
                  "{{#items}}{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}"
                  "{{/items}}{{/items}}{{/items}}"},
};

START_TEST(a_bad_template_is_refused_in_words)
{
    const char *text = "untouched";
    const char *problem = template_render(arena, REFUSED[_i].source, TEMPLATE_TEXT, &DATA, &text);

    ck_assert_msg(problem != NULL, "%s", REFUSED[_i].label);
    ck_assert_str_eq(text, "untouched");
}
END_TEST

/* Two hundred items eight levels deep would be 200^8 rounds. */
START_TEST(lists_inside_themselves_end)
{
    struct template_scope *items = arena_array(arena, struct template_scope, 200);
    const struct template_data data = {{NULL, 0}, "items", items, 200};
    const char *text;

    ck_assert_ptr_nonnull(template_render(
        arena,
        "{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}{{#items}}"
        "{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}{{/items}}",
        TEMPLATE_TEXT, &data, &text));
}
END_TEST

START_TEST(output_is_bounded)
{
    struct template_scope *items = arena_array(arena, struct template_scope, 200);
    char *padding = arena_alloc(arena, 4097);
    const struct template_data data = {{NULL, 0}, "items", items, 200};
    const char *text;

    memset(padding, 'x', 4096);
    const char *source = arena_printf(arena, "{{#items}}%s{{/items}}", padding);
    ck_assert_ptr_nonnull(template_render(arena, source, TEMPLATE_TEXT, &data, &text));
    memset(padding, '&', 4096);
    const struct template_value values[] = {{"v", padding}};
    const struct template_data one = {{values, 1}, "items", items, 20};
    ck_assert_ptr_nonnull(
        template_render(arena, "{{#items}}{{v}}{{/items}}", TEMPLATE_HTML, &one, &text));
}
END_TEST

/* python3: hmac.new(b"whsec", b"1764000000.{}", "sha256").hexdigest() */
START_TEST(a_webhook_is_signed_with_its_time)
{
    ck_assert_str_eq(
        webhook_signature(arena, "whsec", 1764000000, "{}"),
        "t=1764000000,v1=1e49784a087ff1ccd6edbaa2a0cafbcd99afbb0e1f9cc41be6ab30e5397c530d");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform template");
    TCase *tcase = tcase_create("template");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_template_renders, 0, (int)ARRAY_LEN(RENDERED));
    tcase_add_loop_test(tcase, a_bad_template_is_refused_in_words, 0, (int)ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, lists_inside_themselves_end);
    tcase_add_test(tcase, output_is_bounded);
    tcase_add_test(tcase, a_webhook_is_signed_with_its_time);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
