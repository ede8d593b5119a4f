/* template.c - renders a template: one pass over the source with a stack of open sections.
 *
 * A section that is not shown is still walked through, so that whatever the data, a template whose
 * sections do not match is refused. Tags are counted: lists inside lists of themselves would take
 * forever without writing a byte. */
#include "template.h"

#include "common/str.h"

#include <stdbool.h>
#include <string.h>

struct section {
    const char *name;
    size_t name_length;
    const char *body;                   /* where the next item begins */
    const struct template_scope *items; /* NULL: not a list */
    size_t item_count, item;
    bool is_shown;
};

struct rendering {
    const struct template_data *data;
    enum template_form form;
    struct buffer out;
    struct section stack[TEMPLATE_DEPTH_MAX];
    size_t depth;
    size_t tag_count;
};

struct tag {
    char kind; /* '#', '^', '/' or 0: a name */
    const char *name;
    size_t name_length;
    const char *next; /* after its "}}" */
};

static const char *read_tag(const char *open, struct tag *ret_tag);
static const char *apply(struct rendering *rendering, const struct tag *tag, const char **ret_next);
static const char *open_section(struct rendering *rendering, const struct tag *tag);
static const char *close_section(struct rendering *rendering, const struct tag *tag,
                                 const char **ret_next);
static const char *find_value(const struct rendering *rendering, const struct tag *tag);
static bool is_named(const struct tag *tag, const char *name);
static bool is_shown(const struct rendering *rendering);
static void put_source(struct rendering *rendering, const char *text, size_t length);
static void put_value(struct rendering *rendering, const char *value);

const char *template_render(struct arena *arena, const char *source, enum template_form form,
                            const struct template_data *data, const char **ret_text)
{
    struct rendering rendering = {.data = data, .form = form};
    const char *problem, *open;
    struct tag tag;

    buffer_init(&rendering.out, arena, strlen(source) + 256);
    while ((open = strstr(source, "{{")) != NULL) {
        put_source(&rendering, source, (size_t)(open - source));
        if ((problem = read_tag(open, &tag)) != NULL ||
            (problem = apply(&rendering, &tag, &source)) != NULL)
            return problem;
        if (++rendering.tag_count > TEMPLATE_TAGS_MAX)
            return "too many tags: a list inside itself";
        if (rendering.out.length > TEMPLATE_OUTPUT_MAX)
            return "the text would be over 256 KiB";
    }
    put_source(&rendering, source, strlen(source));
    if (rendering.depth > 0)
        return "a section is not closed";
    if (rendering.out.length > TEMPLATE_OUTPUT_MAX)
        return "the text would be over 256 KiB";
    *ret_text = rendering.out.length > 0 ? rendering.out.data : "";
    return NULL;
}

static const char *read_tag(const char *open, struct tag *ret_tag)
{
    const char *p = open + 2;
    const char *close = strstr(p, "}}");

    if (close == NULL)
        return "a tag is not closed with }}";
    ret_tag->kind = '\0';
    if (*p == '#' || *p == '^' || *p == '/')
        ret_tag->kind = *p++;
    ret_tag->name = p;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
           *p == '_')
        p++;
    ret_tag->name_length = (size_t)(p - ret_tag->name);
    ret_tag->next = close + 2;
    if (p != close || ret_tag->name_length == 0)
        return "a tag holds one name of letters, digits and '_'; besides names there are only #, ^ "
               "and /";
    return NULL;
}

static const char *apply(struct rendering *rendering, const struct tag *tag, const char **ret_next)
{
    *ret_next = tag->next;
    if (tag->kind == '/')
        return close_section(rendering, tag, ret_next);
    if (tag->kind != '\0')
        return open_section(rendering, tag);
    if (is_shown(rendering))
        put_value(rendering, find_value(rendering, tag));
    return NULL;
}

static const char *open_section(struct rendering *rendering, const struct tag *tag)
{
    const struct template_data *data = rendering->data;
    const bool is_list = is_named(tag, data->list_name);
    const bool has_content = is_list ? data->item_count > 0 : *find_value(rendering, tag) != '\0';
    struct section section = {
        .name = tag->name,
        .name_length = tag->name_length,
        .body = tag->next,
        .is_shown = is_shown(rendering) && has_content == (tag->kind == '#'),
    };

    if (rendering->depth == TEMPLATE_DEPTH_MAX)
        return "sections are nested deeper than 8";
    if (is_list && section.is_shown && tag->kind == '#') {
        section.items = data->items;
        section.item_count = data->item_count;
    }
    rendering->stack[rendering->depth++] = section;
    return NULL;
}

static const char *close_section(struct rendering *rendering, const struct tag *tag,
                                 const char **ret_next)
{
    if (rendering->depth == 0)
        return "a section is closed that was not opened";
    struct section *section = &rendering->stack[rendering->depth - 1];
    if (section->name_length != tag->name_length ||
        memcmp(section->name, tag->name, tag->name_length) != 0)
        return "a section is closed while another one inside it is open";
    section->item++;
    if (section->item < section->item_count)
        *ret_next = section->body;
    else
        rendering->depth--;
    return NULL;
}

static const char *find_in(const struct template_scope *scope, const struct tag *tag)
{
    for (size_t i = 0; i < scope->count; i++)
        if (is_named(tag, scope->values[i].name))
            return str_or_empty(scope->values[i].value);
    return NULL;
}

static const char *find_value(const struct rendering *rendering, const struct tag *tag)
{
    for (size_t i = rendering->depth; i > 0; i--) {
        const struct section *section = &rendering->stack[i - 1];
        const char *found =
            section->items == NULL ? NULL : find_in(&section->items[section->item], tag);
        if (found != NULL)
            return found;
    }
    return str_or_empty(find_in(&rendering->data->root, tag));
}

static bool is_named(const struct tag *tag, const char *name)
{
    return name != NULL && strlen(name) == tag->name_length &&
           memcmp(name, tag->name, tag->name_length) == 0;
}

static bool is_shown(const struct rendering *rendering)
{
    return rendering->depth == 0 || rendering->stack[rendering->depth - 1].is_shown;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* A line break in the subject's own template is no header of an attacker, but no subject either. */
static void put_source(struct rendering *rendering, const char *text, size_t length)
{
    if (!is_shown(rendering))
        return;
    if (rendering->form != TEMPLATE_LINE) {
        buffer_append(&rendering->out, text, length);
        return;
    }
    for (size_t i = 0; i < length; i++)
        buffer_putc(&rendering->out, is_control(text[i]) ? ' ' : text[i]);
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put_value(struct rendering *rendering, const char *value)
{
    for (; *value != '\0'; value++) {
        const char *entity = rendering->form == TEMPLATE_HTML ? entity_of(*value) : NULL;
        if (entity != NULL)
            buffer_puts(&rendering->out, entity);
        else if (rendering->form == TEMPLATE_LINE)
            buffer_putc(&rendering->out, is_control(*value) ? ' ' : *value);
        else if (!is_control(*value) || *value == '\n' || *value == '\t')
            buffer_putc(&rendering->out, *value);
    }
}
