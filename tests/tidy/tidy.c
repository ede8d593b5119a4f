/* tidy.c - the rules of the house that a compiler cannot check. Run from the root of the tree;
 * prints TAP, findings as `# file:line: rule: message`.
 *
 * An exemption is a comment on the line, or on the line before: "tidy: RULE: reason". One that
 * excuses nothing is a failure too. */
#include "tidy.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name; /* what an exemption says */
    const char *claim;
    rule *check;
} RULES[] = {
    {"length", "functions and files are short", lengths_hold},
    {"width", "lines have at most 100 columns", lines_fit},
    {"include", "no include path climbs out of its module", includes_stay_inside},
    {"library", "third-party headers stay in the files that wrap them", libraries_are_wrapped},
    {"word", "banned functions and types appear only where they are allowed", words_are_allowed},
    {"macro", "function-like macros are few and known", macros_are_known},
    {"name", "file names say what a file is for", names_say_something},
    {"todo", "a TODO names its issue", todos_have_an_issue},
    {"test_name", "a test's name is the sentence it proves", tests_are_sentences},
    {"sql", "SQL is in store files and migrations", sql_is_in_stores},
    {"schema", "a service's SQL names no other service's schema", schemas_are_own},
    {"const_strings", "every contract has const_strings", contracts_have_const_strings},
    {"generated", "generated code is not kept", generated_code_is_not_kept},
    {"built", "every file is named in a CMakeLists.txt", files_are_built},
    {"setting", "every setting is read", settings_are_read},
    {"error", "every error is listed and tested", errors_are_listed_and_tested},
    {"metric", "every metric is listed", metrics_are_listed},
    {"event", "every event is listed and has an example", events_are_listed_and_exemplified},
    {"readme", "every service has a README", services_have_a_readme},
};

enum { RULE_COUNT = sizeof RULES / sizeof RULES[0] };

static void exemptions_are_needed(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        for (size_t k = 0; k < tree->files[i].exemption_count; k++) {
            const struct exemption *exemption = &tree->files[i].exemptions[k];
            if (!exemption->is_used)
                finding(tree, &tree->files[i], exemption->line, "\"%s\" excuses nothing here",
                        exemption->rule);
        }
}

static size_t run(struct tree *tree, size_t number, const char *claim, rule *check)
{
    tree->finding_count = 0;
    check(tree);
    printf("%s %zu - %s", tree->finding_count == 0 ? "ok" : "not ok", number, claim);
    if (tree->finding_count > 0)
        printf(" (%zu findings)", tree->finding_count);
    printf("\n");
    return tree->finding_count;
}

int main(void)
{
    struct tree tree = {0};
    size_t findings = 0;

    tree_read(&tree);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        tree.rule = RULES[i].name;
        findings += run(&tree, i + 1, RULES[i].claim, RULES[i].check);
    }
    tree.rule = "exemption";
    findings += run(&tree, RULE_COUNT + 1, "every exemption is needed", exemptions_are_needed);
    printf("1..%d\n", RULE_COUNT + 1);
    tree_finish(&tree);
    return findings == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
