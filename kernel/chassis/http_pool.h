/* http_pool.h - the curl handles of http_client.c and mail.c; private to the chassis. */
#pragma once

#include "daemon.h"
#include "rpc.h"

#include <curl/curl.h>

CURL *http_pool_take(struct http_pool *pool);
void http_pool_give(struct http_pool *pool, CURL *curl);
/* The smaller of what is wanted (0: nothing) and what ctx has left. */
int64_t http_pool_timeout_ms(const struct ctx *ctx, int64_t wanted_ms);
