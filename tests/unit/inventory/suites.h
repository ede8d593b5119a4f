/* suites.h - the cases of this suite, and a shelf to take stock from. */
#pragma once

#include "ledger.h"
#include "sourcing.h"

#include <check.h>

TCase *ledger_case(void);
TCase *sourcing_case(void);
TCase *reservation_state_case(void);

/* A book of up to 9 stock items in up to 9 warehouses. Item n is the uuid that ends with n. */
struct shelf {
    const char *country_code; /* of the warehouse */
    int64_t priority;
    bool is_closed;       /* the warehouse */
    int64_t available[3]; /* of stock items 1, 2, 3; -1: not kept here */
    int64_t backorder_limit;
};

struct uuid numbered(int number);
/* Warehouse n is the n-th shelf, counted from 1. */
struct book book_of_shelves(struct arena *arena, const struct shelf *shelves, size_t count);
