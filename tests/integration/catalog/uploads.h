/* uploads.h - imports, given in a few words. */
#pragma once

#include "suites.h"

struct status appending(const char *id, int64_t number, const char *data);
struct status sealing(const char *id, int64_t count);
const char *given_upload(void);        /* its id */
const char *given_sealed_import(void); /* of two chunks */
Catalog__V1__Import *reading(const char *id);
