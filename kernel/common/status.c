/* status.c - names of status codes as the Connect protocol spells them.
 *
 * Source: connectrpc.com/docs/protocol, table "Error Codes". */
#include "common/status.h"

#include "common/compiler.h"

#include <string.h>

static const char *const NAMES[] = {
    [STATUS_OK] = "ok",
    [STATUS_CANCELLED] = "canceled", // one l: the protocol's spelling
    [STATUS_UNKNOWN] = "unknown",
    [STATUS_INVALID_ARGUMENT] = "invalid_argument",
    [STATUS_DEADLINE_EXCEEDED] = "deadline_exceeded",
    [STATUS_NOT_FOUND] = "not_found",
    [STATUS_ALREADY_EXISTS] = "already_exists",
    [STATUS_PERMISSION_DENIED] = "permission_denied",
    [STATUS_RESOURCE_EXHAUSTED] = "resource_exhausted",
    [STATUS_FAILED_PRECONDITION] = "failed_precondition",
    [STATUS_ABORTED] = "aborted",
    [STATUS_OUT_OF_RANGE] = "out_of_range",
    [STATUS_UNIMPLEMENTED] = "unimplemented",
    [STATUS_INTERNAL] = "internal",
    [STATUS_UNAVAILABLE] = "unavailable",
    [STATUS_DATA_LOSS] = "data_loss",
    [STATUS_UNAUTHENTICATED] = "unauthenticated",
};

const char *status_code_name(enum status_code code)
{
    if ((size_t)code >= ARRAY_LEN(NAMES))
        return NAMES[STATUS_UNKNOWN];
    return NAMES[code];
}

enum status_code status_code_from_name(const char *name)
{
    // "ok" is no error, so it is not a name that an error can carry.
    for (size_t i = STATUS_OK + 1; name && i < ARRAY_LEN(NAMES); i++)
        if (strcmp(NAMES[i], name) == 0)
            return (enum status_code)i;
    return STATUS_UNKNOWN;
}
