/* report.h - what an audit found, a line per invariant or as JSON. */
#pragma once

#include "audit.h"

enum verdict { VERDICT_OK, VERDICT_BROKEN, VERDICT_SKIPPED, VERDICT_UNKNOWN };

struct result {
    const struct invariant *invariant;
    enum verdict verdict;
    struct findings findings;
    const char *why; /* skipped or unknown */
};

struct report {
    struct result *results;
    size_t count;
    int64_t waited_ms;  /* for quiescence */
    const char *window; /* as the user gave it */
    bool is_live;
};

/* How many are not ok, skipped ones aside. */
size_t report_broken(const struct report *report);
void report_print(const struct report *report);
void report_print_json(const struct report *report, struct arena *arena);
