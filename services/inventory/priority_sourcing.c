/* priority_sourcing.c - warehouses in the order the merchant gave them. */
#include "sourcing.h"

#include <stdlib.h>

static void rank_by_priority(struct source *sources, size_t count, const char *country_code);

const struct sourcing_ops priority_sourcing = {
    .name = "priority",
    .rank = rank_by_priority,
};

int source_compare_priority(const void *a, const void *b)
{
    const struct source *left = a, *right = b;

    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return uuid_compare(&left->warehouse_id, &right->warehouse_id);
}

static void rank_by_priority(struct source *sources, size_t count, const char *country_code)
{
    (void)country_code; // where the goods go plays no part here
    if (count > 1)
        qsort(sources, count, sizeof *sources, source_compare_priority);
}
