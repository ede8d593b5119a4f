/* draft.c - rows into a product. */
#include "import/draft.h"

#include "import/sku.h"

#include "catalog/v1/types.schema.h"
#include "common/str.h"

#include <ctype.h>
#include <string.h>

enum {
    ROWS_MAX = 1000,
    VARIANTS_MAX = 250, /* as the contract says, of images too */
    IMAGES_MAX = 250,
    TAGS_MAX = 250,
    OPTIONS_MAX = 3,
    KEPT_BYTES_MAX = 1024 * 1024,
    PRODUCT_BYTES_MAX = 900 * 1024, /* what a request to catalog has room for */
    QUANTITY_DIGITS_MAX = 12,
};

/* Where the contract's rules find fault, and which column that is. The longest prefix is first. */
struct field_column {
    const char *path;
    enum column column;
};
static const struct field_column PRODUCT_COLUMNS[] = {
    {"handle", COLUMN_HANDLE},
    {"vendor", COLUMN_VENDOR},
    {"productType", COLUMN_TYPE},
    {"tags", COLUMN_TAGS},
    {"options", COLUMN_OPTION1_NAME},
    {"texts[0].name", COLUMN_TITLE},
    {"texts[0].slug", COLUMN_HANDLE},
    {"texts[0].descriptionHtml", COLUMN_BODY},
    {"texts[0].seoTitle", COLUMN_SEO_TITLE},
    {"texts[0].seoDescription", COLUMN_SEO_DESCRIPTION},
    {NULL, COLUMN_TITLE},
};
static const struct field_column VARIANT_COLUMNS[] = {
    {"sku", COLUMN_SKU},
    {"optionValues", COLUMN_OPTION1_VALUE},
    {"barcode", COLUMN_BARCODE},
    {"weightGrams", COLUMN_GRAMS},
    {"imageUrl", COLUMN_VARIANT_IMAGE},
    {NULL, COLUMN_SKU},
};
static const struct field_column IMAGE_COLUMNS[] = {
    {"url", COLUMN_IMAGE},
    {"altText", COLUMN_IMAGE_ALT},
    {NULL, COLUMN_IMAGE},
};

struct finder {
    struct draft *draft;
    const struct csv_row *row;
    const struct field_column *columns;
};

static bool describe(struct draft *draft, const struct csv_row *row);
static bool read_options(struct draft *draft, const struct csv_row *row);
static void read_tags(struct draft *draft, const char *text);
static bool read_publication(struct draft *draft, const struct csv_row *row);
static bool is_variant(const struct draft *draft, const struct csv_row *row);
static bool read_variant(struct draft *draft, const struct csv_row *row,
                         struct draft_variant *ret_variant);
static bool read_values(struct draft *draft, const struct csv_row *row,
                        Catalog__V1__Variant *variant);
static bool read_numbers(struct draft *draft, const struct csv_row *row,
                         struct draft_variant *variant);
static bool check_unique(struct draft *draft, const struct csv_row *row,
                         const Catalog__V1__Variant *variant);
static bool read_image(struct draft *draft, const struct csv_row *row,
                       Catalog__V1__ProductImage **ret_image);
static void keep_variant(struct draft *draft, const struct draft_variant *variant);
static void keep_image(struct draft *draft, const Catalog__V1__ProductImage *image);
static bool check(struct draft *draft, const struct csv_row *row,
                  const struct message_schema *schema, const ProtobufCMessage *message,
                  const struct field_column *columns);

static const char *get(const struct draft *draft, const struct csv_row *row, enum column column)
{
    return columns_get(draft->source.columns, row, column);
}

static const char *keep(struct draft *draft, const char *text)
{
    size_t length = strlen(text);
    draft->bytes += length + 1;
    return arena_strndup(draft->source.arena, text, length);
}

static void refuse_at(struct draft *draft, size_t row, struct refusal refusal)
{
    refusal.line = draft->rows[row].line;
    refusal.handle = draft->handle;
    draft->refused_count += !draft->rows[row].is_refused;
    draft->rows[row].is_refused = true;
    report_add(draft->source.report, &refusal);
}

/* Refuses the row that is being added; false, for its reader to return. */
static bool refuse(struct draft *draft, const struct csv_row *row, enum column column,
                   const char *reason, const char *detail)
{
    refuse_at(draft, draft->row_count - 1,
              (struct refusal){.reason = reason,
                               .column = draft->source.columns->names[column],
                               .value = get(draft, row, column),
                               .detail = detail});
    return false;
}

struct draft *draft_begin(const struct draft_source *source, const char *handle)
{
    struct draft *draft = arena_new(source->arena, struct draft);

    draft->source = *source;
    draft->handle = keep(draft, handle);
    draft->product = arena_new(source->arena, Catalog__V1__Product);
    catalog__v1__product__init(draft->product);
    draft->skus = map_create(source->arena, 4);
    draft->combinations = map_create(source->arena, 4);
    return draft;
}

/* False when the product has no room for another row. */
static bool add_row(struct draft *draft, int64_t line)
{
    if (draft->row_count == ROWS_MAX)
        return false;
    if (draft->row_count == draft->row_capacity) {
        size_t capacity = draft->row_capacity ? 2 * draft->row_capacity : 8;
        struct draft_row *rows = arena_array(draft->source.arena, struct draft_row, capacity);
        if (draft->row_count)
            memcpy(rows, draft->rows, draft->row_count * sizeof *rows);
        draft->rows = rows;
        draft->row_capacity = capacity;
    }
    draft->rows[draft->row_count++].line = line;
    return true;
}

void draft_add(struct draft *draft, const struct csv_row *row)
{
    struct draft_variant variant = {.row = 0};
    Catalog__V1__ProductImage *image = NULL;
    bool has_variant = false;

    if (!add_row(draft, row->start.line)) {
        draft->excess_count++;
        report_add(draft->source.report,
                   &(struct refusal){row->start.line, "TOO_MANY_ROWS", "", "",
                                     "a product has at most 1000 rows", draft->handle});
        return;
    }
    if (draft->is_refused) {
        refuse_at(draft, draft->row_count - 1,
                  (struct refusal){.reason = "PRODUCT_REFUSED",
                                   .detail = "an earlier row says why the product was refused"});
        return;
    }
    if (draft->bytes > KEPT_BYTES_MAX) {
        (void)refuse(draft, row, COLUMN_HANDLE, "PRODUCT_TOO_LARGE", "split the product");
        return;
    }
    if (draft->row_count == 1 && !describe(draft, row)) {
        draft->is_refused = true;
        return;
    }
    if (is_variant(draft, row)) {
        has_variant = true;
        if (!read_variant(draft, row, &variant))
            return;
    }
    if (!read_image(draft, row, &image))
        return;
    if (has_variant)
        keep_variant(draft, &variant);
    if (image)
        keep_image(draft, image);
}

bool draft_finish(struct draft *draft)
{
    if (!draft->is_refused && draft->variant_count == 0)
        draft_refuse(draft, "NO_VARIANT", "", "", "none of the product's rows could be taken");
    if (!draft->is_refused &&
        protobuf_c_message_get_packed_size(&draft->product->base) > PRODUCT_BYTES_MAX)
        draft_refuse(draft, "PRODUCT_TOO_LARGE", "", "", "at most 900 KiB in all");
    return !draft->is_refused;
}

/* A first row that was refused already has its reason. */
void draft_refuse(struct draft *draft, const char *reason, const char *column, const char *value,
                  const char *detail)
{
    bool is_said = false;

    draft->is_refused = true;
    for (size_t i = 0; i < draft->row_count; i++) {
        struct refusal refusal = {.reason = is_said ? "PRODUCT_REFUSED" : reason,
                                  .column = is_said ? "" : column,
                                  .value = is_said ? "" : value,
                                  .detail = is_said ? "see the product's first row" : detail};
        if (draft->rows[i].is_refused)
            continue;
        refuse_at(draft, i, refusal);
        is_said = true;
    }
}

void draft_refuse_variant(struct draft *draft, size_t index, const char *reason, const char *detail)
{
    const struct draft_variant *variant = &draft->variants[index];
    bool is_sku = str_equal(reason, "DUPLICATE_SKU");

    refuse_at(draft, variant->row,
              (struct refusal){.reason = reason,
                               .column = is_sku ? draft->source.columns->names[COLUMN_SKU] : "",
                               .value = is_sku ? variant->message->sku : "",
                               .detail = detail});
    memmove(&draft->variants[index], &draft->variants[index + 1],
            (--draft->variant_count - index) * sizeof *draft->variants);
    for (size_t i = index; i < draft->variant_count; i++)
        draft->product->variants[i] = draft->variants[i].message;
    draft->product->n_variants = draft->variant_count;
    if (draft->variant_count == 0)
        draft_refuse(draft, "NO_VARIANT", "", "", "none of the product's variants could be taken");
}

/* The handle is the address that the shop's links already have, when it can be one. */
static const char *slug_of(const char *handle)
{
    char before = '-';

    for (const char *c = handle; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (!is_plain && (*c != '-' || before == '-'))
            return "";
        before = *c;
    }
    return before == '-' ? "" : handle;
}

/* What the first row says of the product. Checked before anything is kept. */
static bool describe(struct draft *draft, const struct csv_row *row)
{
    struct arena *arena = draft->source.arena;
    Catalog__V1__Product *product = draft->product;
    Catalog__V1__ProductText *text = arena_new(arena, Catalog__V1__ProductText);

    if (draft->is_repeated)
        return refuse(draft, row, COLUMN_HANDLE, "DUPLICATE_HANDLE",
                      "rows of this product stand further up, with others in between");
    if (*get(draft, row, COLUMN_TITLE) == '\0')
        return refuse(draft, row, COLUMN_TITLE, "MISSING_TITLE",
                      "the first row of a product has its title");
    catalog__v1__product_text__init(text);
    text->locale = draft->source.target->locale;
    text->name = get(draft, row, COLUMN_TITLE);
    text->slug = slug_of(draft->handle);
    text->description_html = get(draft, row, COLUMN_BODY);
    text->seo_title = get(draft, row, COLUMN_SEO_TITLE);
    text->seo_description = get(draft, row, COLUMN_SEO_DESCRIPTION);
    product->texts = arena_array(arena, Catalog__V1__ProductText *, 1);
    product->texts[product->n_texts++] = text;
    product->handle = draft->handle;
    product->vendor = get(draft, row, COLUMN_VENDOR);
    product->product_type = get(draft, row, COLUMN_TYPE);
    product->tax_category_code = draft->source.target->tax_category_code;
    read_tags(draft, get(draft, row, COLUMN_TAGS));
    if (!read_options(draft, row) || !read_publication(draft, row) ||
        !check(draft, row, &catalog__v1__product__schema, &product->base, PRODUCT_COLUMNS))
        return false;

    text->name = keep(draft, text->name);
    text->description_html = keep(draft, text->description_html);
    text->seo_title = keep(draft, text->seo_title);
    text->seo_description = keep(draft, text->seo_description);
    product->vendor = keep(draft, product->vendor);
    product->product_type = keep(draft, product->product_type);
    return true;
}

/* "Title: Default Title" is how a product without options is written. */
static bool read_options(struct draft *draft, const struct csv_row *row)
{
    struct arena *arena = draft->source.arena;
    Catalog__V1__Product *product = draft->product;
    struct map *names = map_create(arena, OPTIONS_MAX);

    product->options = arena_array(arena, Catalog__V1__ProductOption *, OPTIONS_MAX);
    for (int i = 0; i < OPTIONS_MAX; i++) {
        enum column column = (enum column)(COLUMN_OPTION1_NAME + i);
        const char *name = get(draft, row, column);
        if (*name == '\0')
            continue;
        if (map_get(names, name))
            return refuse(draft, row, column, "BAD_OPTION", "another option has this name");
        map_set(names, name, names);
        Catalog__V1__ProductOption *option = arena_new(arena, Catalog__V1__ProductOption);
        catalog__v1__product_option__init(option);
        option->name = keep(draft, name);
        draft->option_names[product->n_options] = column;
        product->options[product->n_options++] = option;
    }
    bool is_default = product->n_options == 1 && str_equal(product->options[0]->name, "Title") &&
                      str_equal(get(draft, row, COLUMN_OPTION1_VALUE), "Default Title");
    if (is_default)
        product->n_options = 0;
    return true;
}

/* Separated by commas; an empty or repeated one is none. More than there may be are kept by one, so
 * that the check finds them. */
static void read_tags(struct draft *draft, const char *text)
{
    Catalog__V1__Product *product = draft->product;
    struct map *seen = map_create(draft->source.arena, 8);

    if (*text == '\0')
        return;
    product->tags = arena_array(draft->source.arena, const char *, TAGS_MAX + 1);
    while (product->n_tags <= TAGS_MAX) {
        size_t length = strcspn(text, ",");
        size_t first = 0, last = length;
        while (first < last && isspace((unsigned char)text[first]))
            first++;
        while (last > first && isspace((unsigned char)text[last - 1]))
            last--;
        char *tag = arena_strndup(draft->source.arena, text + first, last - first);
        if (*tag && !map_get(seen, tag)) {
            product->tags[product->n_tags++] = keep(draft, tag);
            map_set(seen, tag, seen);
        }
        if (text[length] == '\0')
            return;
        text += length + 1;
    }
}

/* Published unless one of the two columns says otherwise. */
static bool read_publication(struct draft *draft, const struct csv_row *row)
{
    struct arena *arena = draft->source.arena;
    const char *published = get(draft, row, COLUMN_PUBLISHED);
    const char *status = get(draft, row, COLUMN_STATUS);
    bool is_false = str_equal_ignore_case(published, "false");
    bool is_active = *status == '\0' || str_equal_ignore_case(status, "active");

    if (*published && !is_false && !str_equal_ignore_case(published, "true"))
        return refuse(draft, row, COLUMN_PUBLISHED, "BAD_PUBLISHED", "true, false or empty");
    if (!is_active && !str_equal_ignore_case(status, "draft") &&
        !str_equal_ignore_case(status, "archived") && !str_equal_ignore_case(status, "unlisted"))
        return refuse(draft, row, COLUMN_STATUS, "BAD_STATUS",
                      "active, draft, archived, unlisted or empty");

    Catalog__V1__ProductPublication *publication =
        arena_new(arena, Catalog__V1__ProductPublication);
    catalog__v1__product_publication__init(publication);
    publication->channel_id = draft->source.target->channel_id;
    publication->state = is_active && !is_false
                             ? CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED
                             : CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT;
    draft->product->publications = arena_array(arena, Catalog__V1__ProductPublication *, 1);
    draft->product->publications[draft->product->n_publications++] = publication;
    return true;
}

/* The first row always is one: a product has at least one variant. */
static bool is_variant(const struct draft *draft, const struct csv_row *row)
{
    return draft->row_count == 1 || *get(draft, row, COLUMN_PRICE) ||
           *get(draft, row, COLUMN_SKU) || *get(draft, row, COLUMN_OPTION1_VALUE) ||
           *get(draft, row, COLUMN_OPTION2_VALUE) || *get(draft, row, COLUMN_OPTION3_VALUE);
}

/* Spreadsheets show a number as text when an apostrophe stands before it. */
static const char *without_apostrophe(const char *text)
{
    size_t digits = *text == '\'' ? strspn(text + 1, "0123456789") : 0;
    return digits > 0 && text[1 + digits] == '\0' ? text + 1 : text;
}

static bool read_variant(struct draft *draft, const struct csv_row *row,
                         struct draft_variant *ret_variant)
{
    Catalog__V1__Variant *message = arena_new(draft->source.arena, Catalog__V1__Variant);
    struct draft_variant variant = {.message = message, .row = draft->row_count - 1};

    catalog__v1__variant__init(message);
    if (draft->variant_count == VARIANTS_MAX)
        return refuse(draft, row, COLUMN_SKU, "TOO_MANY_VARIANTS",
                      "a product has at most 250 variants");
    if (!read_values(draft, row, message) || !read_numbers(draft, row, &variant))
        return false;
    message->sku = without_apostrophe(get(draft, row, COLUMN_SKU));
    message->barcode = without_apostrophe(get(draft, row, COLUMN_BARCODE));
    message->image_url = get(draft, row, COLUMN_VARIANT_IMAGE);
    if (*message->sku == '\0')
        message->sku = sku_derive(draft->source.arena, draft->handle, message->option_values,
                                  message->n_option_values);
    if (!check(draft, row, &catalog__v1__variant__schema, &message->base, VARIANT_COLUMNS) ||
        !check_unique(draft, row, message))
        return false;
    *ret_variant = variant;
    return true;
}

static bool is_default_title(const struct draft *draft, int option, const char *value)
{
    return option == 0 && draft->product->n_options == 0 && str_equal(value, "Default Title");
}

/* One value for each option of the product, and none besides. */
static bool read_values(struct draft *draft, const struct csv_row *row,
                        Catalog__V1__Variant *variant)
{
    const Catalog__V1__Product *product = draft->product;
    size_t next = 0;

    variant->option_values = arena_array(draft->source.arena, const char *, OPTIONS_MAX);
    for (int i = 0; i < OPTIONS_MAX; i++) {
        enum column name_column = (enum column)(COLUMN_OPTION1_NAME + i);
        enum column value_column = (enum column)(COLUMN_OPTION1_VALUE + i);
        const char *name = get(draft, row, name_column);
        const char *value = get(draft, row, value_column);
        bool is_known = next < product->n_options && draft->option_names[next] == name_column;
        if (!is_known && *value && !is_default_title(draft, i, value))
            return refuse(draft, row, value_column, "UNKNOWN_OPTION",
                          "the product's first row names no such option");
        if (is_known && *name && !str_equal(name, product->options[next]->name))
            return refuse(draft, row, name_column, "UNKNOWN_OPTION",
                          "the product's first row has another name for this option");
        if (is_known && *value == '\0')
            return refuse(draft, row, value_column, "MISSING_OPTION_VALUE",
                          "a variant has a value for each option of its product");
        if (is_known) {
            variant->option_values[variant->n_option_values++] = value;
            next++;
        }
    }
    return true;
}

static bool read_price(const char *text, struct decimal *ret_price)
{
    return decimal_parse(text, ret_price) && ret_price->unscaled >= 0;
}

/* What was sold without being there is counted as nothing, not as a mistake: exports of shops that
 * oversell have negative quantities. */
static bool read_numbers(struct draft *draft, const struct csv_row *row,
                         struct draft_variant *variant)
{
    const char *compare_at = get(draft, row, COLUMN_COMPARE_AT_PRICE);
    const char *quantity = get(draft, row, COLUMN_QUANTITY);
    const char *grams = get(draft, row, COLUMN_GRAMS);
    struct decimal weight;

    if (!read_price(get(draft, row, COLUMN_PRICE), &variant->price))
        return refuse(draft, row, COLUMN_PRICE, "BAD_PRICE",
                      "a plain decimal of 0 or more, such as 19.99");
    variant->has_compare_at = *compare_at != '\0';
    if (*compare_at && !read_price(compare_at, &variant->compare_at))
        return refuse(draft, row, COLUMN_COMPARE_AT_PRICE, "BAD_PRICE",
                      "a plain decimal of 0 or more, or empty");
    variant->has_quantity = *quantity != '\0';
    if (*quantity && (!str_to_int64(quantity, &variant->quantity) ||
                      strspn(quantity, "-0123456789") > QUANTITY_DIGITS_MAX))
        return refuse(draft, row, COLUMN_QUANTITY, "BAD_QUANTITY", "a whole number, or empty");
    if (variant->quantity < 0)
        variant->quantity = 0;
    if (*grams &&
        (!read_price(grams, &weight) || !decimal_rescale(weight, 0, ROUND_HALF_UP, &weight)))
        return refuse(draft, row, COLUMN_GRAMS, "BAD_WEIGHT", "grams, or empty");
    variant->message->weight_grams = *grams ? weight.unscaled : 0;
    return true;
}

static bool check_unique(struct draft *draft, const struct csv_row *row,
                         const Catalog__V1__Variant *variant)
{
    struct buffer combination;

    buffer_init(&combination, draft->source.arena, 64);
    buffer_puts(&combination, "");
    for (size_t i = 0; i < variant->n_option_values; i++)
        buffer_printf(&combination, "%s\x1f", variant->option_values[i]);
    if (map_get(draft->combinations, combination.data))
        return refuse(draft, row, COLUMN_OPTION1_VALUE, "DUPLICATE_OPTIONS",
                      "another row has the same option values");
    if (map_get(draft->skus, variant->sku))
        return refuse(draft, row, COLUMN_SKU, "DUPLICATE_SKU",
                      "another row of the product has this SKU");
    map_set(draft->combinations, combination.data, draft);
    map_set(draft->skus, variant->sku, draft);
    return true;
}

static bool read_image(struct draft *draft, const struct csv_row *row,
                       Catalog__V1__ProductImage **ret_image)
{
    const char *url = get(draft, row, COLUMN_IMAGE);

    if (*url == '\0')
        return true;
    Catalog__V1__ProductImage *image = arena_new(draft->source.arena, Catalog__V1__ProductImage);
    catalog__v1__product_image__init(image);
    image->url = url;
    image->alt_text = get(draft, row, COLUMN_IMAGE_ALT);
    if (!str_starts_with(url, "https://") && !str_starts_with(url, "http://"))
        return refuse(draft, row, COLUMN_IMAGE, "BAD_IMAGE", "an address with http or https");
    *ret_image = image;
    return check(draft, row, &catalog__v1__product_image__schema, &image->base, IMAGE_COLUMNS);
}

static void keep_variant(struct draft *draft, const struct draft_variant *variant)
{
    struct arena *arena = draft->source.arena;
    Catalog__V1__Variant *message = variant->message;

    if (draft->variant_count == 0) {
        draft->variants = arena_array(arena, struct draft_variant, VARIANTS_MAX);
        draft->product->variants = arena_array(arena, Catalog__V1__Variant *, VARIANTS_MAX);
    }
    message->sku = keep(draft, message->sku);
    message->barcode = keep(draft, message->barcode);
    message->image_url = keep(draft, message->image_url);
    for (size_t i = 0; i < message->n_option_values; i++)
        message->option_values[i] = keep(draft, message->option_values[i]);
    draft->variants[draft->variant_count] = *variant;
    draft->product->variants[draft->variant_count++] = message;
    draft->product->n_variants = draft->variant_count;
}

/* An image that several rows have is one; those that are too many are left out. */
static void keep_image(struct draft *draft, const Catalog__V1__ProductImage *image)
{
    Catalog__V1__Product *product = draft->product;

    for (size_t i = 0; i < product->n_images; i++)
        if (str_equal(product->images[i]->url, image->url))
            return;
    if (product->n_images == IMAGES_MAX)
        return;
    if (product->n_images == 0)
        product->images = arena_array(draft->source.arena, Catalog__V1__ProductImage *, IMAGES_MAX);
    Catalog__V1__ProductImage *kept = arena_memdup(draft->source.arena, image, sizeof *image);
    kept->url = keep(draft, image->url);
    kept->alt_text = keep(draft, image->alt_text);
    product->images[product->n_images++] = kept;
}

static void on_violation(void *closure, const char *path, const char *value, const char *allowed)
{
    struct finder *finder = closure;
    const struct field_column *column = finder->columns;

    (void)value; // the column's own text says more
    while (column->path && !str_starts_with(path, column->path))
        column++;
    (void)refuse(finder->draft, finder->row, column->column, "BAD_VALUE", allowed);
}

static bool check(struct draft *draft, const struct csv_row *row,
                  const struct message_schema *schema, const ProtobufCMessage *message,
                  const struct field_column *columns)
{
    struct finder finder = {draft, row, columns};
    return schema_validate(schema, message, on_violation, &finder);
}
