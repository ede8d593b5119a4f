/* source.c - reading the tree, and telling code from comments and strings. */
#define _GNU_SOURCE /* nftw that can skip a folder */
#include "tidy.h"

#include <ctype.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 20000, FOLDERS_OPEN_MAX = 32 };

static const char SKIPPED[] = " .git build var node_modules __pycache__ ";
static const char *const SUFFIXES[] = {".c",   ".h",     ".proto", ".sql",
                                       ".lua", ".cmake", ".md",    "CMakeLists.txt"};

static struct tree *walked; /* nftw has no closure */

bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    return length >= strlen(suffix) && strcmp(text + length - strlen(suffix), suffix) == 0;
}

bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool is_below(const struct source *source, const char *paths)
{
    for (const char *path = paths; *path != '\0'; path += strspn(path, " ")) {
        size_t length = strcspn(path, " ");
        if (length > 0 && strncmp(source->path, path, length) == 0)
            return true;
        path += length;
    }
    return false;
}

bool is_c(const struct source *source)
{
    return has_suffix(source->name, ".c") || has_suffix(source->name, ".h");
}

bool is_product(const struct source *source)
{
    return is_below(source, "kernel/ services/ gateway/ outbox-relay/ proto/");
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

const char *find_word(const char *from, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(from, word); at != NULL; at = strstr(at + 1, word))
        if ((at == from || !is_word(at[-1])) && !is_word(at[length]))
            return at;
    return NULL;
}

const char *read_word(const char *at, char *word, size_t size)
{
    size_t length = 0;
    for (; is_word(*at); at++)
        if (length + 1 < size)
            word[length++] = *at;
    word[length] = '\0';
    return at;
}

size_t line_of(const struct source *source, size_t offset)
{
    size_t line = 1;
    for (const char *at = source->text;
         (at = memchr(at, '\n', (size_t)(source->text + offset - at))) != NULL; at++)
        line++;
    return line;
}

static void note_exemption(struct source *source, size_t start, size_t end)
{
    const char *at = source->text + start + strspn(source->text + start, "/*- ");
    char named[64];
    if (!has_prefix(at, "tidy: "))
        return;
    const char *reason = read_word(at + strlen("tidy: "), named, sizeof named);
    if (*reason != ':' || reason + 5 > source->text + end) {
        printf("# %s:%zu: an exemption is \"tidy: RULE: reason\"\n", source->path,
               line_of(source, start));
        named[0] = '\0'; // excuses nothing, so it is reported as not needed
    }
    source->exemptions =
        realloc(source->exemptions, (source->exemption_count + 1) * sizeof source->exemptions[0]);
    source->exemptions[source->exemption_count++] =
        (struct exemption){.rule = strdup(named), .line = line_of(source, start)};
}

static void blank(char *text, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* The end of what starts at `at`: a comment or a literal with its delimiters. */
static size_t skip_comment(const struct source *source, size_t at, bool is_line)
{
    const char *end = strstr(source->text + at + (is_line ? 0 : 2), is_line ? "\n" : "*/");
    if (end == NULL)
        return source->length;
    return (size_t)(end - source->text) + (is_line ? 0 : 2);
}

static size_t skip_literal(const struct source *source, size_t at)
{
    char quote = source->text[at];
    size_t i = at + 1;
    while (i < source->length && source->text[i] != quote && source->text[i] != '\n')
        i += source->text[i] == '\\' ? 2 : 1;
    return i + 1 < source->length ? i + 1 : source->length;
}

static void separate(struct source *source)
{
    bool is_sql = has_suffix(source->name, ".sql");
    const char *line_comment = is_sql ? "--" : "//";
    size_t plain = 0; /* start of the code since the last literal or comment */

    for (size_t i = 0; i < source->length;) {
        bool is_line = strncmp(source->text + i, line_comment, 2) == 0;
        if (is_line || strncmp(source->text + i, "/*", 2) == 0) {
            size_t end = skip_comment(source, i, is_line);
            note_exemption(source, i, end);
            blank(source->code, i, end);
            blank(source->strings, plain, end);
            plain = i = end;
        } else if (!is_sql && (source->text[i] == '"' || source->text[i] == '\'')) {
            size_t end = skip_literal(source, i);
            if (source->text[i] == '"')
                blank(source->strings, plain, i + 1);
            else
                blank(source->strings, plain, end);
            blank(source->code, i + 1, end - 1);
            plain = i = end;
            blank(source->strings, end - 1, end);
        } else {
            i++;
        }
    }
    blank(source->strings, plain, source->length);
}

static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    size_t length = (size_t)ftell(file);
    char *text = calloc(1, length + 1);
    rewind(file);
    *ret_length = fread(text, 1, length, file);
    fclose(file);
    return text;
}

static void add_file(struct tree *tree, const char *path, const char *name)
{
    struct source source = {.path = strdup(path)};
    source.name = source.path + strlen(path) - strlen(name);
    source.text = read_file(path, &source.length);
    if (source.text == NULL || tree->count == FILES_MAX)
        abort(); // a file that vanished, or a limit to raise
    source.code = strdup(source.text);
    source.strings = strdup(source.text);
    if (is_c(&source) || has_suffix(name, ".proto") || has_suffix(name, ".sql"))
        separate(&source);
    tree->files[tree->count++] = source;
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    const char *name = path + where->base;
    if (kind == FTW_D) {
        const char *found = strstr(SKIPPED, name);
        bool is_skipped = found != NULL && found[-1] == ' ' && found[strlen(name)] == ' ';
        // The top's build/ and var/ only: tests/build is ours.
        if (is_skipped && (where->level == 1 || strchr(".n_", name[0]) != NULL))
            return FTW_SKIP_SUBTREE;
        return FTW_CONTINUE;
    }
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++)
        if (kind == FTW_F && has_suffix(name, SUFFIXES[i])) {
            add_file(walked, path + strlen("./"), name);
            break;
        }
    return FTW_CONTINUE;
}

void tree_read(struct tree *tree)
{
    tree->files = calloc(FILES_MAX, sizeof tree->files[0]);
    walked = tree;
    nftw(".", visit, FOLDERS_OPEN_MAX, FTW_PHYS | FTW_ACTIONRETVAL);
}

void tree_finish(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        for (size_t k = 0; k < source->exemption_count; k++)
            free(source->exemptions[k].rule);
        free(source->exemptions);
        free(source->strings);
        free(source->code);
        free(source->text);
        free(source->path);
    }
    free(tree->files);
}

void finding(struct tree *tree, struct source *source, size_t line, const char *format, ...)
{
    for (size_t i = 0; i < source->exemption_count; i++) {
        struct exemption *exemption = &source->exemptions[i];
        bool is_here = line == WHOLE_FILE ? exemption->line <= FILE_EXEMPTION_LINES
                                          : line == exemption->line || line == exemption->line + 1;
        if (is_here && strcmp(exemption->rule, tree->rule) == 0) {
            exemption->is_used = true;
            return;
        }
    }

    va_list args;
    va_start(args, format);
    printf("# %s:%zu: %s: ", source->path, line == WHOLE_FILE ? 1 : line, tree->rule);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    tree->finding_count++;
}
