/* columns.h - the columns of a product export, by name: Shopify's, under their old and new names.
 */
#pragma once

#include "import/csv.h"

enum column {
    COLUMN_HANDLE,
    COLUMN_TITLE,
    COLUMN_BODY,
    COLUMN_VENDOR,
    COLUMN_TYPE,
    COLUMN_TAGS,
    COLUMN_PUBLISHED,
    COLUMN_STATUS,
    COLUMN_OPTION1_NAME,
    COLUMN_OPTION2_NAME,
    COLUMN_OPTION3_NAME,
    COLUMN_OPTION1_VALUE,
    COLUMN_OPTION2_VALUE,
    COLUMN_OPTION3_VALUE,
    COLUMN_SKU,
    COLUMN_GRAMS,
    COLUMN_QUANTITY,
    COLUMN_PRICE,
    COLUMN_COMPARE_AT_PRICE,
    COLUMN_BARCODE,
    COLUMN_IMAGE,
    COLUMN_IMAGE_ALT,
    COLUMN_VARIANT_IMAGE,
    COLUMN_SEO_TITLE,
    COLUMN_SEO_DESCRIPTION,
    COLUMN_COUNT,
};

enum { IGNORED_COLUMNS_MAX = 200 };

struct columns {
    int at[COLUMN_COUNT];                     /* place in a row; -1: the file has no such column */
    const char *names[COLUMN_COUNT];          /* as the file spells them; ours when it has none */
    const char *ignored[IGNORED_COLUMNS_MAX]; /* what nobody reads, in the order of the file */
    size_t ignored_count;
};

/* From the first row. What is wrong with it, as a sentence for the job's owner, or NULL. */
const char *columns_read(struct arena *arena, const struct csv_row *header,
                         struct columns *ret_columns);
/* The row's value without blanks around it; "" when the file has no such column. */
const char *columns_get(const struct columns *columns, const struct csv_row *row,
                        enum column column);
