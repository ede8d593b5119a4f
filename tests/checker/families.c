/* families.c - all invariants there are. */
#include "families.h"

const struct invariant *const FAMILIES[] = {STOCK,     RESERVATIONS, SALES,  PAYMENTS,
                                            COUPONS,   CARTS,        TOPICS, STATES_TOLD,
                                            CONSUMERS, WORK,         NULL};
