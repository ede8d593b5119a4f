/* import.h - products from a CSV: upload, and the runner that works through what was uploaded. */
#pragma once

#include "rest/rest.h"

/* upload.c: streams the body into catalog's chunks, seals the job, answers 202 with its location.
 */
route_handler import_upload;
/* runner.c: one job at a time under a lease; a sweep of every replica. */
struct status import_run(struct ctx *ctx);

extern const struct error_def IMPORT_TOO_LARGE;
extern const struct error_def IMPORT_BROKEN_OFF;
extern const struct error_def IMPORT_EMPTY;
