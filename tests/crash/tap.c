/* tap.c - results as TAP, of tests that run one at a time. */
#include "tap.h"

#include "shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_SECONDS = 180, WHY_MAX = 4096, COMMENT_MAX = 400 };

static int passed, failed;

void tap_report(bool is_ok, const char *label, const char *why)
{
    printf("%s %d - %s\n", is_ok ? "ok" : "not ok", passed + failed + 1, label);
    while (why != NULL && *why != '\0') {
        size_t length = strcspn(why, "\n");
        printf("# %.*s\n", (int)(length < COMMENT_MAX ? length : COMMENT_MAX), why);
        why += length + (why[length] == '\n');
    }
    fflush(stdout);
    *(is_ok ? &passed : &failed) += 1;
}

bool tap_passes(void (*add)(TCase *tcase), bool is_here, const char **ret_why)
{
    static char why[WHY_MAX];
    Suite *suite = suite_create("crash");
    TCase *tcase = shop_case(suite, "crash");

    tcase_set_timeout(tcase, CASE_SECONDS);
    add(tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, is_here ? CK_NOFORK : CK_FORK);
    srunner_run_all(runner, CK_SILENT);
    TestResult **failures = srunner_failures(runner);
    bool is_ok = srunner_ntests_failed(runner) == 0;
    snprintf(why, sizeof why, "%s", is_ok ? "" : tr_msg(failures[0]));
    *ret_why = why;
    free(failures);
    srunner_free(runner);
    return is_ok;
}

int tap_end(void)
{
    printf("1..%d\n", passed + failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
