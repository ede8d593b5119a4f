/* text_rules.c - rules that look at one file at a time. */
#include "tidy.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { FUNCTION_LINES_MAX = 70, SOURCE_LINES_MAX = 600, HEADER_LINES_MAX = 250, COLUMNS_MAX = 100 };

/* Where a third-party header may be included. Tests drive real servers and may use any. */
static const struct {
    const char *header;
    const char *paths;
} LIBRARIES[] = {
    {"libpq", "kernel/chassis/db outbox-relay/ tests/"},
    {"librdkafka/", "kernel/events/ outbox-relay/ tests/"},
    {"civetweb", "kernel/chassis/http_ tests/"},
    {"curl/", "kernel/chassis/http_ kernel/chassis/rpc_transport tests/"},
    {"hiredis/", "kernel/chassis/redis outbox-relay/ tests/"},
    {"sodium", "kernel/ gateway/ services/customer/ services/order/ services/platform/ tests/"},
    {"openssl/", "kernel/common/ gateway/ tests/"},
    {"check.h", "tests/"},
};

enum word_kind { WORD_CALL, WORD_ANYWHERE };

/* Words, and where they are allowed nevertheless. Rows with is_test_too hold for tests as well. */
static const struct {
    const char *words;
    const char *paths;
    const char *instead;
    enum word_kind kind;
    bool is_test_too;
} WORDS[] = {
    /* What lives longer than a request: pools, consumers, windows, caches. Never in a domain. */
    {"malloc calloc realloc free strdup strndup asprintf",
     "kernel/common/ kernel/chassis/ kernel/events/ outbox-relay/ proto/plugin/pool.c",
     "memory comes from an arena", WORD_CALL, false},
    {"sprintf vsprintf strcpy strcat strtok gets", "", "it has no bound", WORD_CALL, true},
    {"atoi atol atoll atof", "", "it cannot fail", WORD_CALL, true},
    {"strtol strtoll strtoul strtoull strtod", "kernel/common/ tests/", "use common/str.h",
     WORD_CALL, true},
    {"system popen", "tests/", "no shell in a daemon", WORD_CALL, true},
    {"exit _exit quick_exit", "", "return from main", WORD_CALL, false},
    {"goto setjmp longjmp", "", "use _cleanup_ and return", WORD_ANYWHERE, true},
    {"getenv secure_getenv", "kernel/chassis/config kernel/chassis/crash_point",
     "settings come from CONFIG", WORD_CALL, false},
    {"time gettimeofday clock_gettime", "kernel/common/clock.c", "use common/clock.h", WORD_CALL,
     false},
    {"rand random srand drand48", "", "use common/uuid.h or the system's generator", WORD_CALL,
     true},
    {"sleep usleep nanosleep", "", "wait for an event, or use a sweep", WORD_CALL, false},
    {"double float", "kernel/chassis/metrics kernel/common/json_ kernel/search/",
     "quantities and money are integers", WORD_ANYWHERE, false},
};

/* Function-like macros; a new one needs a reason. */
static const char MACROS[] =
    " TRY _cleanup_ _printf_ DB_ARGS container_of ARRAY_LEN FIELD arena_array arena_new LOG_STR"
    " LOG_INT log_debug log_info log_warn log_error ";

static const char *const EMPTY_NAMES[] = {"util", "helper", "misc", "manager", "impl", "base2"};

static bool contains_word(const char *words, const char *word)
{
    const char *at = find_word(words, word);
    return at != NULL;
}

static size_t count_lines(const char *from, const char *to)
{
    size_t lines = 0;
    for (; from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL; from++)
        lines++;
    return lines;
}

/* A function's body is what stands between braces in the first column. */
void lengths_hold(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (!is_c(source))
            continue;
        size_t lines = count_lines(source->text, source->text + source->length);
        size_t max = has_suffix(source->name, ".h") ? HEADER_LINES_MAX : SOURCE_LINES_MAX;
        if (lines > max)
            finding(tree, source, WHOLE_FILE, "%zu lines, at most %zu", lines, max);

        const char *open = source->code;
        while ((open = strstr(open, "\n{\n")) != NULL) {
            const char *close = strstr(open, "\n}");
            if (close == NULL)
                break;
            lines = count_lines(open + 1, close) + 2;
            if (lines > FUNCTION_LINES_MAX)
                finding(tree, source, line_of(source, (size_t)(open - source->code)),
                        "function of %zu lines, at most %d", lines, FUNCTION_LINES_MAX);
            open = close;
        }
    }
}

void lines_fit(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (has_suffix(source->name, ".md") || is_below(source, "tests/build/refused/"))
            continue;
        size_t line = 1;
        size_t columns = 0;
        for (const char *at = source->text; *at != '\0'; at++) {
            if (*at == '\n') {
                if (columns > COLUMNS_MAX)
                    finding(tree, source, line, "%zu columns", columns);
                line++;
                columns = 0;
            } else if (((unsigned char)*at & 0xc0) != 0x80) { // not inside a UTF-8 character
                columns++;
            }
        }
    }
}

/* The path of the #include at `at`; what follows it, NULL at the end. */
static const char *next_include(const struct source *source, const char *at, char *path,
                                size_t size)
{
    at = strstr(at, "\n#include ");
    if (at == NULL)
        return NULL;
    const char *from = source->text + (at - source->code) + strlen("\n#include ");
    size_t length = strcspn(from, "\n");
    snprintf(path, size, "%.*s", (int)length, from);
    return at + 1;
}

void includes_stay_inside(struct tree *tree)
{
    char path[256];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        const char *at = source->code;
        while (is_c(source) && (at = next_include(source, at, path, sizeof path)) != NULL)
            if (strstr(path, "..") != NULL)
                finding(tree, source, line_of(source, (size_t)(at - source->code)), "%s", path);
    }
}

void libraries_are_wrapped(struct tree *tree)
{
    char path[256];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        const char *at = source->code;
        while (is_c(source) && (at = next_include(source, at, path, sizeof path)) != NULL)
            for (size_t k = 0; k < sizeof LIBRARIES / sizeof LIBRARIES[0]; k++)
                if (path[0] == '<' && has_prefix(path + 1, LIBRARIES[k].header) &&
                    !is_below(source, LIBRARIES[k].paths))
                    finding(tree, source, line_of(source, (size_t)(at - source->code)),
                            "%s is for %s", path, LIBRARIES[k].paths);
    }
}

static bool is_call(const struct source *source, const char *at, const char *word)
{
    const char *after = at + strlen(word);
    if (after[strspn(after, " ")] != '(')
        return false;
    return at == source->code || (at[-1] != '.' && at[-1] != '>'); // a member is not the function
}

static void find_words(struct tree *tree, struct source *source, size_t row)
{
    char word[64];
    for (const char *next = WORDS[row].words; *next != '\0'; next += strspn(next, " ")) {
        next = read_word(next, word, sizeof word);
        const char *at = source->code;
        for (; (at = find_word(at, word)) != NULL; at++)
            if (WORDS[row].kind == WORD_ANYWHERE || is_call(source, at, word))
                finding(tree, source, line_of(source, (size_t)(at - source->code)), "%s: %s", word,
                        WORDS[row].instead);
    }
}

void words_are_allowed(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        for (size_t k = 0; k < sizeof WORDS / sizeof WORDS[0]; k++) {
            struct source *source = &tree->files[i];
            bool is_meant = is_product(source) || WORDS[k].is_test_too;
            if (is_c(source) && is_meant && !is_below(source, WORDS[k].paths))
                find_words(tree, source, k);
        }
}

void macros_are_known(struct tree *tree)
{
    char name[64];
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        const char *at = source->code;
        while (is_c(source) && is_product(source) && (at = strstr(at, "#define ")) != NULL) {
            const char *from = at;
            at = read_word(at + strlen("#define "), name, sizeof name);
            if (*at == '(' && !contains_word(MACROS, name))
                finding(tree, source, line_of(source, (size_t)(from - source->code)),
                        "%s: write a function, or say why it cannot be one", name);
        }
    }
}

void names_say_something(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        for (size_t k = 0; k < sizeof EMPTY_NAMES / sizeof EMPTY_NAMES[0]; k++)
            if (strstr(tree->files[i].name, EMPTY_NAMES[k]) != NULL)
                finding(tree, &tree->files[i], WHOLE_FILE, "a name with \"%s\" says nothing",
                        EMPTY_NAMES[k]);
}

void todos_have_an_issue(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (is_below(source, "tests/tidy/"))
            continue;
        const char *at = source->text;
        for (; (at = find_word(at, "TODO")) != NULL; at++) {
            const char *number = at + strlen("TODO") + strspn(at + strlen("TODO"), " (");
            if (number[0] != '#' || !isdigit((unsigned char)number[1]))
                finding(tree, source, line_of(source, (size_t)(at - source->text)),
                        "TODO #<issue>, or not at all");
        }
    }
}

void tests_are_sentences(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        const char *at = source->code;
        for (; is_c(source) && (at = strstr(at, "START_TEST(")) != NULL; at++)
            if (has_prefix(at + strlen("START_TEST("), "test_"))
                finding(tree, source, line_of(source, (size_t)(at - source->code)),
                        "say what it proves, without the word test");
    }
}

void sql_is_in_stores(struct tree *tree)
{
    regex_t sql;
    regcomp(&sql,
            "(^|[^A-Za-z])(SELECT [^ ]|INSERT INTO |UPDATE [a-z_.]+ SET|DELETE FROM |CREATE TABLE "
            "|ALTER TABLE )",
            REG_EXTENDED);
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        bool is_store = strstr(source->name, "store") != NULL ||
                        is_below(source, "kernel/chassis/ kernel/events/ kernel/relations/"
                                         " kernel/search/postgres outbox-relay/");
        regmatch_t match;
        const char *at = source->strings;
        if (!has_suffix(source->name, ".c") || !is_product(source) || is_store)
            continue;
        for (; regexec(&sql, at, 1, &match, 0) == 0; at += match.rm_eo)
            finding(tree, source, line_of(source, (size_t)(at + match.rm_so + 1 - source->strings)),
                    "a statement belongs into a store file");
    }
    regfree(&sql);
}

void contracts_have_const_strings(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct source *source = &tree->files[i];
        if (has_suffix(source->name, ".proto") && is_product(source) &&
            find_word(source->code, "const_strings") == NULL)
            finding(tree, source, WHOLE_FILE, "option (pb_c_file) = {const_strings: true}");
    }
}

void generated_code_is_not_kept(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strstr(tree->files[i].name, ".pb-c.") != NULL)
            finding(tree, &tree->files[i], WHOLE_FILE, "the build makes it");
}
