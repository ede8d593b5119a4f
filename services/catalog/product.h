/* product.h - how a product changes: check what is asked, plan it against what is stored and what
 * others own, write the difference. */
#pragma once

#include "catalog.h"

/* product_check.c: pure. What the request alone tells; the descriptor has checked lengths. */
struct problems {
    struct problem items[20];
    size_t count;
};
void product_check(struct arena *arena, const Catalog__V1__Product *product,
                   struct problems *problems);

/* product_plan.c: pure. */

enum write_mode {
    WRITE_CREATE,  /* a new product */
    WRITE_REPLACE, /* by id: what is not named is removed, publications stay */
    WRITE_UPSERT,  /* by handle: variants that are not named stay, publications are applied */
};

enum product_part {
    PART_ROW = 1 << 0,
    PART_TEXTS = 1 << 1,
    PART_OPTIONS = 1 << 2,
    PART_IMAGES = 1 << 3,
    PART_CATEGORIES = 1 << 4,
    PART_VARIANTS = 1 << 5,
};

/* What is taken, by whom: keys to product ids. Filled from the database, and by each product that
 * is planned before another of the same request. */
struct claims {
    struct map *handles;
    struct map *skus;
    struct map *slugs;
    struct map *categories; /* that exist */
};

struct product_plan {
    const Catalog__V1__Product *request;
    const Catalog__V1__Product *stored; /* NULL: there is none */
    Catalog__V1__Product *wanted;       /* after the change; NULL when refused */
    struct problem problem;             /* why it is refused */
    uint32_t parts;                     /* enum product_part: what differs from `stored` */
    /* Of `stored`: those that go. Of `wanted`: indexes of those that are new, and that change. */
    const Catalog__V1__Variant **removed;
    size_t *added, *changed;
    size_t removed_count, added_count, changed_count;
    /* Publications that change, each as one event after the content's. */
    Catalog__V1__ProductPublication **published;
    size_t published_count;
    int64_t content_version; /* of the content's event; wanted->version counts publications too */
};

struct plan_input {
    enum write_mode mode;
    int64_t now_us; /* the database's */
    struct claims *claims;
};

/* plan->request and plan->stored are given. */
void product_plan(struct arena *arena, const struct plan_input *input, struct product_plan *plan);
bool plan_is_unchanged(const struct product_plan *plan);
/* Keys of claims. */
const char *claim_slug(struct arena *arena, const char *store_id, const char *locale,
                       const char *slug);
/* Sets the publication of one channel; answers what changed, NULL when nothing did. */
Catalog__V1__ProductPublication *
product_set_publication(struct arena *arena, Catalog__V1__Product *product,
                        const Catalog__V1__ProductPublication *asked, int64_t now_us);

/* product_write.c: load, plan, write. */
struct product_batch {
    enum write_mode mode;
    const char *audit; /* the action */
    struct product_plan *plans;
    size_t count;
};
/* Locks the stored products, reads what the request touches, plans. One round trip. */
struct status product_batch_plan(struct db_tx *tx, struct product_batch *batch);
/* Writes what is planned and not refused, with its events and audit; waits for nothing. */
struct status product_batch_write(struct db_tx *tx, const struct product_batch *batch);
struct status product_refuse(struct ctx *ctx, const struct problem *problem);
/* Whether the write lost a race that planning again settles. Counts the attempts. */
bool product_raced(struct status status, int *attempts);

/* product_events.c */
struct status product_publish_plans(struct db_tx *tx, const struct product_batch *batch);
