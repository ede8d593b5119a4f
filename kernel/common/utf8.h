/* utf8.h - one multi-byte sequence at a time, for the JSON codec. */
#pragma once

#include <stddef.h>

/* The length (2 to 4) of the well-formed multi-byte sequence at `at`, 0 when there is none. */
size_t str_utf8_sequence(const char *at, size_t left);
