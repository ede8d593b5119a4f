/* report.h - the rows that an import refuses, each with its line and reason. */
#pragma once

#include "catalog/v1/service.pb-c.h"
#include "common/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { REPORT_MAX = 10000 }; /* rows listed for one import; the others are counted only */

struct refusal {
    int64_t line;
    const char *reason; /* UPPER_SNAKE */
    const char *column; /* "" when it is about the row */
    const char *value;  /* as the file has it; any bytes */
    const char *detail;
    const char *handle;
};

/* Since the last record. `listed` counts the whole job's. */
struct report {
    struct arena *arena;
    Catalog__V1__ImportError **errors;
    size_t count, capacity;
    int64_t listed;
};

/* Values are shortened, and bytes that are no UTF-8 replaced. */
void report_add(struct report *report, const struct refusal *refusal);
/* What was recorded is forgotten. `arena` is new or reset. */
void report_begin(struct report *report, struct arena *arena);
