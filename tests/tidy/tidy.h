/* tidy.h - what the rules see: the files of the tree, and where to put a finding. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A file thrice: as it is; with comments and the insides of strings blanked (`code`); with all but
 * the insides of strings blanked (`strings`). Offsets and lines agree. */
struct source {
    char *path;       /* from the root of the tree */
    const char *name; /* its last part */
    char *text;
    char *code;
    char *strings;
    size_t length;
    struct exemption *exemptions;
    size_t exemption_count;
};

/* A comment "tidy: RULE: reason" excuses its own line and the next one; among the first lines of a
 * file, also findings about the whole file. */
struct exemption {
    char *rule;
    size_t line;
    bool is_used;
};

struct tree {
    struct source *files;
    size_t count;
    const char *rule; /* the one that is running */
    size_t finding_count;
};

enum { WHOLE_FILE = 0, FILE_EXEMPTION_LINES = 12 };

/* Reads what lies below the current directory, without build trees. */
void tree_read(struct tree *tree);
void tree_finish(struct tree *tree);

/* Counts and prints it, unless it is excused. */
void finding(struct tree *tree, struct source *source, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t line_of(const struct source *source, size_t offset);

bool has_suffix(const char *text, const char *suffix);
bool has_prefix(const char *text, const char *prefix);
/* `paths`: prefixes separated by blanks. */
bool is_below(const struct source *source, const char *paths);
bool is_c(const struct source *source);
/* What runs in production or builds it, as opposed to tests. */
bool is_product(const struct source *source);
/* The next whole word at or after `from`, NULL when there is none. */
const char *find_word(const char *from, const char *word);
/* The identifier at `at` into `word`, cut to its size; the character after it. */
const char *read_word(const char *at, char *word, size_t size);

typedef void rule(struct tree *tree);
/* text_rules.c: one file at a time. */
rule lengths_hold, lines_fit, includes_stay_inside, libraries_are_wrapped, words_are_allowed;
rule macros_are_known, names_say_something, todos_have_an_issue, tests_are_sentences;
rule sql_is_in_stores, contracts_have_const_strings, generated_code_is_not_kept;
/* tree_rules.c: files against each other. */
rule schemas_are_own, files_are_built, settings_are_read, errors_are_listed_and_tested;
rule metrics_are_listed, events_are_listed_and_exemplified, services_have_a_readme;
