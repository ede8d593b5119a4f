/* columns.c - which column is where. Names are compared without case, in any order. */
#include "import/columns.h"

#include "common/str.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 };

static const struct {
    const char *name;
    const char *newer; /* what exports call it since 2024; or NULL */
    bool is_required;
} COLUMNS[COLUMN_COUNT] = {
    [COLUMN_HANDLE] = {"Handle", "URL handle", true},
    [COLUMN_TITLE] = {"Title", NULL, true},
    [COLUMN_BODY] = {"Body (HTML)", "Description", false},
    [COLUMN_VENDOR] = {"Vendor", NULL, false},
    [COLUMN_TYPE] = {"Type", "Product Type", false},
    [COLUMN_TAGS] = {"Tags", NULL, false},
    [COLUMN_PUBLISHED] = {"Published", "Published on online store", false},
    [COLUMN_STATUS] = {"Status", NULL, false},
    [COLUMN_OPTION1_NAME] = {"Option1 Name", NULL, false},
    [COLUMN_OPTION2_NAME] = {"Option2 Name", NULL, false},
    [COLUMN_OPTION3_NAME] = {"Option3 Name", NULL, false},
    [COLUMN_OPTION1_VALUE] = {"Option1 Value", NULL, false},
    [COLUMN_OPTION2_VALUE] = {"Option2 Value", NULL, false},
    [COLUMN_OPTION3_VALUE] = {"Option3 Value", NULL, false},
    [COLUMN_SKU] = {"Variant SKU", "SKU", false},
    [COLUMN_GRAMS] = {"Variant Grams", "Weight value (grams)", false},
    [COLUMN_QUANTITY] = {"Variant Inventory Qty", "Inventory quantity", false},
    [COLUMN_PRICE] = {"Variant Price", "Price", true},
    [COLUMN_COMPARE_AT_PRICE] = {"Variant Compare At Price", "Compare-at price", false},
    [COLUMN_BARCODE] = {"Variant Barcode", "Barcode", false},
    [COLUMN_IMAGE] = {"Image Src", "Product image URL", false},
    [COLUMN_IMAGE_ALT] = {"Image Alt Text", NULL, false},
    [COLUMN_VARIANT_IMAGE] = {"Variant Image", "Variant image URL", false},
    [COLUMN_SEO_TITLE] = {"SEO Title", NULL, false},
    [COLUMN_SEO_DESCRIPTION] = {"SEO Description", NULL, false},
};

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static enum column find(const char *name)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (str_equal_ignore_case(name, COLUMNS[i].name) ||
            (COLUMNS[i].newer && str_equal_ignore_case(name, COLUMNS[i].newer)))
            return (enum column)i;
    return COLUMN_COUNT;
}

const char *columns_read(struct arena *arena, const struct csv_row *header,
                         struct columns *ret_columns)
{
    struct columns columns = {.ignored_count = 0};

    if (header->problem != CSV_GOOD)
        return "the first line, which names the columns, cannot be read: it must be UTF-8, with "
               "commas between the names";
    for (int i = 0; i < COLUMN_COUNT; i++) {
        columns.at[i] = -1;
        columns.names[i] = COLUMNS[i].name;
    }
    for (size_t i = 0; i < header->field_count; i++) {
        const char *name = trim(header->fields[i]);
        enum column column = find(name);
        if (column == COLUMN_COUNT) {
            if (*name && strlen(name) <= NAME_MAX_BYTES &&
                columns.ignored_count < IGNORED_COLUMNS_MAX)
                columns.ignored[columns.ignored_count++] = arena_strdup(arena, name);
            continue;
        }
        if (columns.at[column] >= 0)
            return arena_printf(arena, "the column \"%s\" is there twice", COLUMNS[column].name);
        columns.at[column] = (int)i;
        columns.names[column] = arena_strdup(arena, name);
    }
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (COLUMNS[i].is_required && columns.at[i] < 0)
            return arena_printf(arena, "there is no column \"%s\": is this a product export?",
                                COLUMNS[i].name);
    *ret_columns = columns;
    return NULL;
}

const char *columns_get(const struct columns *columns, const struct csv_row *row,
                        enum column column)
{
    int at = columns->at[column];
    return at < 0 || (size_t)at >= row->field_count ? "" : trim(row->fields[at]);
}
