/* client.h - a client that does not give up: same key, other gateway, until the answer is final. */
#pragma once

#include "given.h"

/* Patiently, and until there is an answer that will not change: not 202 either. */
struct answer insist(struct answer (*ask)(const void *what), const void *what);
/* Polls either gateway until the member is `wanted`. */
struct answer await(const char *path, const char *member, const char *wanted);
