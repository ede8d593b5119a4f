/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "catalog.h"
#include "catalog/v1/events.schema.h"
#include "catalog/v1/service.handlers.h"
#include "catalog/v1/types.schema.h"
#include "world.h"

extern const struct service CATALOG;

void product_case(Suite *suite);
void publication_case(Suite *suite);
void read_case(Suite *suite);
void snapshot_case(Suite *suite);
void upsert_case(Suite *suite);
void category_case(Suite *suite);
void import_case(Suite *suite);
void runner_case(Suite *suite);
void crowd_case(Suite *suite);

extern struct daemon *catalog;
extern struct arena *words; /* lives as long as the test */
extern const char *channel; /* an id */
void given_catalog(void);

/* Written as JSON, in which ' stands for ". */
Catalog__V1__Product *product_of(const char *format, ...) _printf_(1, 2);
Catalog__V1__Category *category_of(const char *format, ...) _printf_(1, 2);

/* A mug: one English text, the option Colour, SKUs HANDLE-RED and HANDLE-BLUE. */
Catalog__V1__Product *mug(const char *handle);
struct status creating(Catalog__V1__Product *product, Catalog__V1__Product **ret_product);
Catalog__V1__Product *given_product(Catalog__V1__Product *product);
struct status updating(Catalog__V1__Product *product, int64_t expected_version,
                       Catalog__V1__Product **ret_product);
struct status publishing(const char *product_id, int64_t publish_time_us,
                         Catalog__V1__Product **ret_product);
struct status unpublishing(const char *product_id, Catalog__V1__Product **ret_product);
struct status getting(const char *id, Catalog__V1__Product **ret_product);
struct status creating_category(Catalog__V1__Category *category,
                                Catalog__V1__Category **ret_category);
const char *given_category(const char *code, const char *parent_id); /* its id */

int64_t published(const struct event_kind *kind);
/* Versions count events without gaps, on every topic, and each product's row has the last one. */
void then_events_are_gapless(void);
