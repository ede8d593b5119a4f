/* catalog.h - what the files of the catalog daemon share.
 *
 * A product is a document: it is read, compared, published and answered whole. So its message is
 * its struct everywhere in this daemon, and the store files turn rows into messages and back. */
#pragma once

#include "catalog/v1/events.pb-c.h"
#include "catalog/v1/service.pb-c.h"
#include "chassis/db.h"
#include "chassis/service.h"
#include "common/map.h"
#include "events/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PRODUCTS_MAX = 100, /* of one request */
    VARIANTS_MAX = 250,
    OPTIONS_MAX = 3,
    CATEGORIES_MAX = 5000,
    CATEGORY_DEPTH_MAX = 16,
    TEXT_LENGTH_MAX = 255,
    PRODUCT_BYTES_MAX = 200 * 1024, /* without its variants: an event has to hold it */
    RACES_MAX = 8,                  /* attempts of a write that others keep overtaking */
};

struct catalog {
    int64_t import_retention_ms;
    int64_t purge_interval_ms;
};

extern const struct event_kind PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_PUBLISHED,
    PRODUCT_UNPUBLISHED, VARIANT_CREATED, VARIANT_UPDATED, VARIANT_REMOVED, CATEGORY_CREATED,
    CATEGORY_UPDATED;

extern const struct error_def INVALID_PRODUCT, PRODUCT_NOT_FOUND, VARIANT_NOT_FOUND, HANDLE_TAKEN,
    SKU_TAKEN, SLUG_TAKEN, UNKNOWN_CATEGORY, DUPLICATE_PRODUCT, INVALID_CATEGORY,
    CATEGORY_NOT_FOUND, CATEGORY_CODE_TAKEN, CATEGORY_CYCLE, CATEGORY_TOO_DEEP, TOO_MANY_CATEGORIES,
    IMPORT_NOT_FOUND, IMPORT_NOT_UPLOADING, IMPORT_CHUNK_DIFFERS, IMPORT_CHUNKS_MISSING,
    IMPORT_CHUNK_NOT_FOUND, NO_IMPORT_WAITING, IMPORT_LEASE_LOST;

extern const struct db_stmt *const STORE_PRODUCT_STATEMENTS[];
extern const struct db_stmt *const STORE_PRODUCT_WRITE_STATEMENTS[];
extern const struct db_stmt *const STORE_CLAIM_STATEMENTS[];
extern const struct db_stmt *const STORE_VARIANT_STATEMENTS[];
extern const struct db_stmt *const STORE_CATEGORY_STATEMENTS[];
extern const struct db_stmt *const STORE_IMPORT_STATEMENTS[];
extern const struct db_stmt *const STORE_IMPORT_RUN_STATEMENTS[];

/* One thing that is wrong with a product or a category. */
struct problem {
    const struct error_def *error; /* NULL: nothing is wrong */
    const char *field;             /* JSON path inside the product or category */
    const char *value;
    const char *allowed;
    int32_t variant_index; /* in the request; -1: the product */
};

/* slug.c: pure. */
char *slug_fold(struct arena *arena, const char *text); /* "" when nothing of it is left */
/* Of the name, else of the handle, else of the id: never "". */
char *slug_derive(struct arena *arena, const char *name, const char *handle, const char *id);
bool slug_is_valid(const char *slug);
bool locale_is_valid(const char *locale);
/* The first of base, base-2, base-3 ... whose key is not in `taken`, or is there with `owner`. */
const char *slug_free(struct arena *arena, const struct map *taken, const char *place,
                      const char *base, const char *owner);
