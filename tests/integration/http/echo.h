/* echo.h - a daemon made for these tests: one echo RPC, one plain HTTP mount.
 *
 * Its messages are common.v1.ErrorDetail: a text with a length limit and a list. */
#pragma once

#include "chassis/service.h"
#include "common/v1/error.pb-c.h"
#include "common/v1/error.schema.h"

extern const struct service ECHO;               /* takes signed calls of "echo" and "friend" */
extern const struct service ECHO_OPEN;          /* the same, unsigned */
extern const struct service FRIEND;             /* serves nothing, calls echo */
extern const struct rpc_method_ref ECHO_SAY;    /* not idempotent */
extern const struct rpc_method_ref ECHO_REPEAT; /* idempotent */

#define ECHO_KEYS                                                                                  \
    "echo:e1:00112233445566778899aabbccddeeff,friend:f1:ffeeddccbbaa99887766554433221100"

/* Say and Repeat answer with the request's reason. Some words do something else:
 *   SLEEP_<ms>    after a while
 *   REFUSE        refuses the field reason
 *   UNAVAILABLE   answers UNAVAILABLE
 *   MISSING       answers NOT_FOUND
 *   WHO           answers "<service> <actor> <scopes> <correlation>"
 *   TRACE         answers the trace id
 *   LEFT          answers how many ms are left
 * Every call that reaches the handler is counted. */
int echo_calls(void);
void echo_reset(void);

/* Starts with the environment {name, value, ..., NULL} set; port 0. */
struct daemon *echo_start(const struct service *service, const char *const *environment,
                          int *ret_port);
