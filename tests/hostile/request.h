/* request.h - hostile requests as short templates.
 *
 *   {path}    the target's path for this kind of request
 *   {key}     header line with what lets a stranger in there
 *   {x*N}     the character x, N times
 *   {line*N}  N header lines
 *   \1        a NUL */
#pragma once

#include "target.h"

struct request {
    char *text; /* of malloc */
    size_t length;
};

struct request request_expand(const struct target *target, const char *template);
