/* draft.h - a product in the making: consecutive rows of one handle become one message.
 *
 * The first row describes the product, and is its first variant; each later row adds a variant, an
 * image, or both. A bad row is refused with its variant and image and harms no other row; a product
 * whose description is bad, or of which no variant is left, is refused with all its rows. Pure. */
#pragma once

#include "import/columns.h"
#include "import/report.h"

#include "common/decimal.h"
#include "common/map.h"

struct draft_source {
    struct arena *arena;
    struct report *report;
    const struct columns *columns;
    const Catalog__V1__ImportTarget *target;
};

struct draft_row {
    int64_t line;
    bool is_refused;
};

struct draft_variant {
    Catalog__V1__Variant *message;
    size_t row;
    struct decimal price, compare_at;
    bool has_compare_at, has_quantity;
    int64_t quantity;
};

struct draft {
    struct draft_source source;
    const char *handle;
    struct draft_row *rows;
    size_t row_count, row_capacity;
    int64_t refused_count, excess_count; /* rows; of those beyond the most that a product has */
    Catalog__V1__Product *product;       /* its variants are those below */
    struct draft_variant *variants;
    size_t variant_count;
    enum column option_names[3]; /* the column behind each of the product's options */
    struct map *skus, *combinations;
    size_t bytes;     /* of the texts kept */
    bool is_repeated; /* the file had this handle before, with others in between */
    bool is_refused;
};

struct draft *draft_begin(const struct draft_source *source, const char *handle);
/* `row` is good, and has the draft's handle. */
void draft_add(struct draft *draft, const struct csv_row *row);
/* After the last row. Whether there is a product to send. */
bool draft_finish(struct draft *draft);

/* Refuses the product; the reason stands at its first row. */
void draft_refuse(struct draft *draft, const char *reason, const char *column, const char *value,
                  const char *detail);
/* Refuses the row of a variant, and with the last one the product. */
void draft_refuse_variant(struct draft *draft, size_t index, const char *reason,
                          const char *detail);
