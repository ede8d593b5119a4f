/* sku.h - a SKU for variants whose shop never gave them one. */
#pragma once

#include "common/arena.h"

#include <stddef.h>

enum { SKU_BYTES_MAX = 128 };

/* Stable: of the handle and the option values alone. "classic-mug", and with options
 * "classic-mug.light_blue.xl": letters in lower case, a blank is "_", a dot joins. What that cannot
 * tell apart (other characters, a SKU that would be too long) gets "~" and 8 hex digits of SHA-256
 * of the original, so different variants have different SKUs. */
char *sku_derive(struct arena *arena, const char *handle, const char *const *values, size_t count);
