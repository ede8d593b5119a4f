/* supersede.h - what setting prices does to the rows that are there. Pure.
 *
 * For one list, variant and tier the rows never overlap. A new price ends the one that holds at its
 * start. Without an end of its own it holds until the next scheduled one; with an end, scheduled
 * ones that begin inside are voided (their end becomes their start), and what held before comes
 * back as a new row after it. A price that already holds changes nothing. */
#pragma once

#include "pricing.h"

struct supersession {
    struct price *ended; /* rows whose valid_until_us changed */
    size_t ended_count;
    struct price *added; /* rows to insert, with new ids */
    size_t added_count;
};

/* `existing`: the rows of the same (variant, tier) as `wanted` that end after wanted's start, any
 * order. Appends to `plan`, whose arrays have room for existing_count and 2 more. True when
 * something changes; *ret_current is the row that holds at wanted's start afterwards. */
bool supersede(const struct price *existing, size_t existing_count, const struct price *wanted,
               struct supersession *plan, struct price *ret_current);
