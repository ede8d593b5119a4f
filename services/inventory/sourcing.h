/* sourcing.h - decides which warehouse serves a line.
 *
 * The order in which warehouses are asked is a trait, chosen at start by INVENTORY_SOURCING; how
 * much each then gives is the same for all: stock that is there first, from as many warehouses as
 * it takes, then what may be sold beyond it. Pure: called while balances are locked. */
#pragma once

#include "ledger.h"

/* A warehouse that could serve the line. */
struct source {
    struct uuid warehouse_id;
    const char *country_code;
    int64_t priority;
    struct level **levels; /* of the line's components, in their order */
    int64_t units;         /* of the variant, taken from here */
};

/* Every member is required. Called from many threads at once; may not block. */
struct sourcing_ops {
    const char *name; /* the value of INVENTORY_SOURCING that selects it */
    /* Sorts `sources`, best first. A total order: equal input gives equal output.
     * `country_code` is where the goods go, "" when unknown. */
    void (*rank)(struct source *sources, size_t count, const char *country_code);
};

extern const struct sourcing_ops priority_sourcing; /* lower priority number first */
extern const struct sourcing_ops nearest_sourcing;  /* same country first, then by priority */
/* Of the two, for those that build on it. */
int source_compare_priority(const void *a, const void *b);

struct reserve_line {
    const char *line_id;
    struct uuid variant_id;
    int64_t quantity;
};

/* What one unit of a variant takes from stock. */
struct component {
    struct uuid variant_id;
    struct uuid stock_item_id;
    int64_t quantity;
};

/* What one warehouse serves of one line, in units of one stock item. */
struct allocation {
    const char *line_id;
    struct uuid variant_id;
    struct uuid stock_item_id;
    struct uuid warehouse_id;
    int64_t quantity;
    int64_t unit_quantity;    /* units of the stock item in one of the variant */
    int64_t variant_quantity; /* on the line's first stock item, else 0 */
    int64_t shipped_quantity;
};

struct allocations {
    struct arena *arena;
    struct allocation *rows;
    size_t count;
    size_t capacity;
};

void allocations_add(struct allocations *allocations, const struct allocation *allocation);

struct sourcing_query {
    const struct sourcing_ops *sourcing;
    const char *country_code;
    const struct reserve_line *line;
    const struct component *components; /* of the line's variant, at least one */
    size_t component_count;
    const struct movement *movement; /* the kind and cause to post with */
};

/* Takes the line from the book and adds what was taken to `ret`. When there is too little it takes
 * nothing and answers how many units there would be, which is less than the line's quantity. */
int64_t source_line(struct book *book, const struct sourcing_query *query, struct allocations *ret);
