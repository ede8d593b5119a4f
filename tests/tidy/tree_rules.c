/* tree_rules.c - rules that compare files with each other. */
#include "tidy.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 256 };

/* services/<domain>/..., gateway/..., outbox-relay/..., kernel/<module>/...: the part that owns it.
 */
static size_t part_length(const char *path)
{
    size_t length = strcspn(path, "/") + 1;
    if (has_prefix(path, "services/") || has_prefix(path, "kernel/"))
        length += strcspn(path + length, "/") + 1;
    return length;
}

static bool is_same_part(const struct source *a, const struct source *b)
{
    size_t length = part_length(a->path);
    return length == part_length(b->path) && strncmp(a->path, b->path, length) == 0;
}

static const char *const SCHEMAS[] = {"catalog",  "pricing", "inventory", "marketing", "cart",
                                      "customer", "orders",  "platform",  "search",    "relay"};

static void check_schemas(struct tree *tree, struct source *source, const char *text,
                          const char *own)
{
    for (size_t i = 0; i < sizeof SCHEMAS / sizeof SCHEMAS[0]; i++) {
        char pattern[128];
        regex_t regex;
        regmatch_t match;
        if (strcmp(SCHEMAS[i], own) == 0)
            continue;
        snprintf(pattern, sizeof pattern, "(FROM|JOIN|INTO|UPDATE|TABLE|REFERENCES|ON) %s[.]",
                 SCHEMAS[i]);
        regcomp(&regex, pattern, REG_EXTENDED);
        for (const char *at = text; regexec(&regex, at, 1, &match, 0) == 0; at += match.rm_eo)
            finding(tree, source, line_of(source, (size_t)(at + match.rm_so - text)),
                    "schema %s is not ours; ask its service", SCHEMAS[i]);
        regfree(&regex);
    }
}

void schemas_are_own(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        char own[NAME_MAX_BYTES];
        if (!has_prefix(source->path, "services/"))
            continue;
        read_word(source->path + strlen("services/"), own, sizeof own);
        if (strcmp(own, "order") == 0)
            strcpy(own, "orders"); // tidy: word: a longer word into a buffer of 256 bytes
        if (has_suffix(source->name, ".sql"))
            check_schemas(tree, source, source->code, own);
        else if (has_suffix(source->name, ".c"))
            check_schemas(tree, source, source->strings, own);
    }
}

/* By a loop: the list has ${x}_test.c or ${x}.c, and the stem as a word. */
static bool is_named_by_loop(const struct source *list, const char *relative)
{
    static const char *const ENDINGS[] = {"_test.c", ".c"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        char stem[NAME_MAX_BYTES];
        char pattern[16];
        size_t length = strlen(relative);
        snprintf(pattern, sizeof pattern, "}%s", ENDINGS[i]);
        if (!has_suffix(relative, ENDINGS[i]) || strstr(list->text, pattern) == NULL)
            continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(length - strlen(ENDINGS[i])), relative);
        if (find_word(list->text, stem) != NULL)
            return true;
    }
    return false;
}

/* Does a CMakeLists.txt at or above the file's folder name it? */
static bool is_named(const struct tree *tree, const struct source *source)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *list = &tree->files[i];
        size_t folder = strlen(list->path) - strlen(list->name);
        if (strcmp(list->name, "CMakeLists.txt") != 0 ||
            strncmp(list->path, source->path, folder) != 0)
            continue;
        const char *relative = source->path + folder;
        size_t length = strlen(relative);
        for (const char *at = list->text; (at = strstr(at, relative)) != NULL; at++)
            if (at > list->text && strchr(" \n\t(/", at[-1]) != NULL &&
                strchr(" \n\t)", at[length]) != NULL)
                return true;
        // add_daemon() compiles main.c without being told.
        if (strcmp(relative, "main.c") == 0 && strstr(list->text, "add_daemon(") != NULL)
            return true;
        if (is_named_by_loop(list, relative))
            return true;
    }
    return false;
}

void files_are_built(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (has_suffix(source->name, ".c") && !is_named(tree, source))
            finding(tree, source, WHOLE_FILE, "no CMakeLists.txt names it");
    }
}

/* Read as `->member` or `.member` anywhere in the part; `.member =` alone is no reading. */
static bool is_member_read(const struct tree *tree, const struct source *owner, const char *member)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *source = &tree->files[i];
        if (!is_c(source) || !is_same_part(source, owner))
            continue;
        for (const char *at = source->code; (at = find_word(at, member)) != NULL; at++)
            if (at > source->code && (at[-1] == '.' || at[-1] == '>'))
                return true;
    }
    return false;
}

/* Named by a second table: the interval of a sweep is read by the chassis. */
static bool is_in_two_tables(const struct source *source, const char *member)
{
    char other[NAME_MAX_BYTES];
    int count = 0;

    for (const char *at = source->code; (at = strstr(at, " FIELD(")) != NULL; at++) {
        read_word(at + strlen(" FIELD("), other, sizeof other);
        count += strcmp(member, other) == 0;
    }
    return count > 1;
}

/* Rows {"INVENTORY_LINES_MAX", CONFIG_INT, FIELD(lines_max), ...}. */
void settings_are_read(struct tree *tree)
{
    char member[NAME_MAX_BYTES];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (!is_c(source) || !is_product(source) || find_word(source->code, "config_field") == NULL)
            continue;
        for (const char *at = source->code; (at = strstr(at, " FIELD(")) != NULL; at++) {
            read_word(at + strlen(" FIELD("), member, sizeof member);
            if (!has_prefix(at - strlen("#define"), "#define") &&
                !is_member_read(tree, source, member) && !is_in_two_tables(source, member))
                finding(tree, source, line_of(source, (size_t)(at - source->code)),
                        "nobody reads %s", member);
        }
    }
}

enum where { IN_TABLES = 1 << 0, IN_CODE = 1 << 1, IN_TESTS = 1 << 2 };

/* Inside braces, not inside the parentheses of a call. */
static bool is_table_row(const char *text, const char *at)
{
    while (at > text && strchr("({;", *at) == NULL)
        at--;
    return *at == '{';
}

/* Where `name` is mentioned besides its definition: as a row of a table, in other code of its part,
 * in tests. */
static unsigned mentions(const struct tree *tree, const struct source *owner, size_t definition,
                         const char *name)
{
    unsigned found = 0;
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *source = &tree->files[i];
        bool is_test = is_below(source, "tests/");
        if (!is_c(source) || (!is_test && !is_same_part(source, owner)))
            continue;
        const char *text = is_test ? source->text : source->code;
        for (const char *at = text; (at = find_word(at, name)) != NULL; at++) {
            if (source == owner && (size_t)(at - text) == definition)
                continue;
            if (is_test)
                found |= IN_TESTS;
            else
                found |= is_table_row(text, at) ? IN_TABLES : IN_CODE;
        }
    }
    return found;
}

typedef void definition_rule(struct tree *tree, struct source *source, const char *name,
                             const char *at);

/* Calls `check` for each `<type> NAME = ...` of the product. */
static void each_definition(struct tree *tree, const char *type, definition_rule *check)
{
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (!has_suffix(source->name, ".c") || !is_product(source))
            continue;
        for (const char *at = source->code; (at = strstr(at, type)) != NULL; at++) {
            const char *word = at + strlen(type);
            const char *after = read_word(word, name, sizeof name);
            if (*word != '\0' && isupper((unsigned char)*word) && has_prefix(after, " = {"))
                check(tree, source, name, word);
        }
    }
}

static void check_error(struct tree *tree, struct source *source, const char *name, const char *at)
{
    size_t definition = (size_t)(at - source->code);
    size_t line = line_of(source, definition);
    unsigned found = mentions(tree, source, definition, name);
    char reason[NAME_MAX_BYTES];
    const char *literal = strchr(source->text + definition, '"');

    // The kernel's own errors may come from any method; a domain's are part of its contract.
    if (!(found & IN_TABLES) && !is_below(source, "kernel/"))
        finding(tree, source, line, "%s is in no ERRORS table", name);
    if (literal == NULL)
        return;
    read_word(literal + 1, reason, sizeof reason);
    bool is_tested = (found & IN_TESTS) != 0;
    for (size_t i = 0; i < tree->count && !is_tested; i++)
        is_tested = is_below(&tree->files[i], "tests/") &&
                    find_word(tree->files[i].strings, reason) != NULL;
    if (!is_tested)
        finding(tree, source, line, "no test provokes %s", reason);
}

void errors_are_listed_and_tested(struct tree *tree)
{
    each_definition(tree, "struct error_def ", check_error);
}

static void check_metric(struct tree *tree, struct source *source, const char *name, const char *at)
{
    size_t definition = (size_t)(at - source->code);
    unsigned found = mentions(tree, source, definition, name);
    // The chassis registers its own by hand.
    if (!(found & IN_TABLES) && !is_below(source, "kernel/chassis/"))
        finding(tree, source, line_of(source, definition), "%s is in no METRICS table", name);
}

void metrics_are_listed(struct tree *tree)
{
    each_definition(tree, "struct metric ", check_metric);
}

/* inventory__v1__stock_reserved -> a file tests/contract/events/inventory.v1.StockReserved*.json */
static bool has_example(const char *schema)
{
    char path[2 * NAME_MAX_BYTES] = "tests/contract/events/";
    size_t length = strlen(path);
    bool is_message = false;
    bool is_upper = false;

    for (const char *at = schema; *at != '\0' && !has_prefix(at, "__schema"); at++) {
        if (has_prefix(at, "__")) {
            path[length++] = '.';
            is_message = isdigit((unsigned char)at[-1]);
            is_upper = is_message;
            at++;
        } else if (*at == '_') {
            is_upper = true;
        } else {
            path[length++] = is_upper && is_message ? (char)toupper((unsigned char)*at) : *at;
            is_upper = false;
        }
    }
    snprintf(path + length, sizeof path - length, ".json");
    return access(path, R_OK) == 0;
}

static void check_event(struct tree *tree, struct source *source, const char *name, const char *at)
{
    size_t definition = (size_t)(at - source->code);
    size_t line = line_of(source, definition);
    char schema[NAME_MAX_BYTES];
    const char *body = strstr(at, "__schema");

    if (!(mentions(tree, source, definition, name) & IN_TABLES))
        finding(tree, source, line, "%s is in no EVENTS table", name);
    if (body == NULL)
        return;
    while (body > at && (isalnum((unsigned char)body[-1]) || body[-1] == '_'))
        body--;
    read_word(body, schema, sizeof schema);
    if (!has_example(schema))
        finding(tree, source, line, "%s has no example in tests/contract/events", name);
}

void events_are_listed_and_exemplified(struct tree *tree)
{
    each_definition(tree, "struct event_kind ", check_event);
}

void services_have_a_readme(struct tree *tree)
{
    char path[NAME_MAX_BYTES];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (strcmp(source->name, "main.c") != 0 ||
            !is_below(source, "services/ gateway/main.c outbox-relay/main.c"))
            continue;
        snprintf(path, sizeof path, "%.*sREADME.md", (int)part_length(source->path), source->path);
        if (access(path, R_OK) != 0)
            finding(tree, source, WHOLE_FILE, "%s is missing", path);
    }
}
