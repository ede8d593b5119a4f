/* category.h - what the files of categories share. */
#pragma once

#include "catalog.h"

/* Everything a write of a category depends on, read under the lock of the whole tree. */
struct category_state {
    Catalog__V1__Category *stored; /* NULL: there is none */
    const struct uuid *path;       /* of `stored`: from the root down to itself */
    size_t depth;                  /* elements of it */
    bool has_parent;               /* the wanted parent exists */
    const struct uuid *parent_path;
    size_t parent_depth;
    int64_t deepest;        /* depth of the deepest category below `stored`, or its own */
    int64_t count;          /* of all categories */
    const char *code_owner; /* the id of who has the wanted code; NULL: nobody */
    struct map *slugs;      /* taken: keys of claim_slug(), without a store, to ids */
};
/* Queues behind other writes of categories; reads and products do not wait. One round trip. */
struct status store_claim_category(struct db_tx *tx, const Catalog__V1__Category *wanted,
                                   const char *const *slugs, struct category_state *ret_state);

/* A category as it is written: `path` leads to it, itself included. */
struct category_change {
    const Catalog__V1__Category *wanted;
    const struct uuid *path;
    size_t depth;
    size_t depth_before; /* 0: it is new */
    bool moves;
};
struct status store_write_category(struct db_tx *tx, const struct category_change *change);
struct status store_list_categories(struct db_tx *tx, Catalog__V1__Category ***ret_categories,
                                    size_t *ret_count);
