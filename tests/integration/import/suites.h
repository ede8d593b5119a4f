/* suites.h - what the tests of imports share: a shop of real daemons, and files to send it. */
#pragma once

#include "world.h"

#include "common/str.h"

void import_case(Suite *suite);
void upload_case(Suite *suite);
void large_case(Suite *suite);

/* A channel, a price list and a warehouse, with the daemons behind them; no gateway yet. */
void given_shop(void);
/* A gateway that looks for imports every 20 ms and holds one for `lease`. */
struct daemon *given_gateway(const char *lease);
int gateway_port(void);
const char *import_path(void); /* with where the products go */

struct text {
    const char *data;
    size_t length;
};
struct text text_of_file(const char *path);

/* The id of the import that the upload began; it must be answered 202 with its location. */
const char *when_uploading(struct text file);
/* Waits until it has ended, at most 150 s. */
void until_ended(const char *id);
/* Uploads, waits, and expects SUCCEEDED. */
const char *when_importing(struct text file);

int64_t import_count(const char *id, const char *column);
int64_t all_events(void); /* ever published by the three */
