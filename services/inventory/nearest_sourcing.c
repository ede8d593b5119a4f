/* nearest_sourcing.c - warehouses of the country the goods go to, then all others. */
#include "common/str.h"
#include "sourcing.h"

#include <stdlib.h>

static void rank_by_country(struct source *sources, size_t count, const char *country_code);

const struct sourcing_ops nearest_sourcing = {
    .name = "nearest",
    .rank = rank_by_country,
};

/* Those at home move to the front, each group is then sorted by itself. */
static void rank_by_country(struct source *sources, size_t count, const char *country_code)
{
    size_t home_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (!str_equal_ignore_case(sources[i].country_code, country_code))
            continue;
        struct source home = sources[i];
        sources[i] = sources[home_count];
        sources[home_count++] = home;
    }
    if (home_count > 1)
        qsort(sources, home_count, sizeof *sources, source_compare_priority);
    if (count - home_count > 1)
        qsort(sources + home_count, count - home_count, sizeof *sources, source_compare_priority);
}
