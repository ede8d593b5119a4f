/* names.h - C names of protobuf names, by the same rules as protobuf-c's compiler. */
#pragma once

#include "pool.h"

#include <ctype.h>

/* "inventory.v1.ReserveRequest" -> "Inventory__V1__ReserveRequest" */
const char *c_type_name(struct pool *pool, const char *full_name);
/* "inventory.v1.ReserveRequest" -> "inventory__v1__reserve_request" */
const char *c_lower_name(struct pool *pool, const char *full_name);
/* "ListStockItems" -> "list_stock_items" */
const char *snake_name(struct pool *pool, const char *camel);
const char *upper_name(struct pool *pool, const char *text); /* "." becomes "_" */
/* "inventory.v1" -> "inventory" */
const char *first_segment(struct pool *pool, const char *package);
/* "inventory.v1" -> "inventory_v1" */
const char *joined_segments(struct pool *pool, const char *package);
/* "inventory/v1/service.proto" -> "inventory/v1/service" */
const char *file_stem(struct pool *pool, const char *path);
const char *base_name(const char *path);
