/* suites.h - the pure parts of imports. */
#pragma once

#include "import/csv.h"

#include "common/str.h"

#include <check.h>

TCase *csv_case(void);
TCase *draft_case(void);
TCase *sku_case(void);

extern struct arena *arena; /* of the test */

/* A file in memory, handed out in pieces of this many bytes. */
struct memory_source {
    struct csv_source source;
    const char *data;
    size_t length, piece;
};
struct memory_source memory_source(const char *data, size_t length, size_t piece);
