/* negotiate.h - which of a channel's locales a visitor would like best. */
#pragma once

#include "common/arena.h"

/* Accept-Language (RFC 9110 12.5.4): ranges by falling quality, each matched exactly, then as a
 * prefix of a locale ("de" takes "de-AT"), then cut from the right ("de-CH" takes "de"). `locales`
 * ends with NULL. NULL when nothing fits or the header is NULL or malformed. */
const char *negotiate_locale(struct arena *arena, const char *header, const char *const *locales);

/* The element that is `wanted` but for the case of its letters; NULL when there is none. */
const char *negotiate_exact(const char *wanted, const char *const *offered);
