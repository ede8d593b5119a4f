/* routes.h - the tables of routes, by area. */
#pragma once

#include "rest/rest.h"

extern const struct route *const STORE_ROUTES[]; /* store_routes.c */
extern const struct route *const ADMIN_GOODS_ROUTES[]; /* admin_goods_routes.c */
extern const struct route *const ADMIN_ROUTES[]; /* admin_routes.c */
