/* storefront.h - the handlers of the storefront's routes, by file. */
#pragma once

#include "rest/rest.h"

/* context.c */
route_handler context_get;

/* categories.c */
route_handler categories_list;

/* product_list.c */
route_handler product_list;

/* product_page.c */
route_handler product_page;

/* cart.c */
route_handler cart_create;
route_handler cart_get;
route_handler cart_set_customer;

/* cart_shipping.c */
route_handler cart_list_shipping_options;
route_handler cart_set_shipping_option;

/* orders.c */
route_handler order_get;
route_handler order_list;
extern const struct error_def ORDER_NOT_FOUND;

/* account.c */
route_handler account_register;
route_handler account_login;
route_handler account_refresh;
route_handler account_logout;
route_handler account_get;
route_handler account_update;
route_handler account_change_password;

/* addresses.c */
route_handler address_list;
route_handler address_create;
route_handler address_update;
route_handler address_delete;

extern const struct error_def PRODUCT_NOT_FOUND;
