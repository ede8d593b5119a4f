/* http_client.h - calls to what is not ours: payment providers, webhooks, mail. libcurl inside.
 *
 * One pool of handles per process; each call obeys the smaller of its time-out and ctx's deadline.
 * Nothing is retried here. UNAVAILABLE: never sent (resolve, connect). DEADLINE_EXCEEDED or
 * UNKNOWN: it may have been received. */
#pragma once

#include "chassis/ctx.h"
#include "chassis/http_server.h" /* struct http_header */

struct http_call {
    const char *method;
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    const char *body;
    size_t body_length;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    size_t answer_max; /* bytes; 0: 1 MiB */
    bool
        allow_private; /* else loopback and private addresses are refused (webhooks of strangers) */
};

struct http_answer {
    int status;
    const char *body; /* NUL-terminated, in ctx's arena */
    size_t body_length;
};

struct status http_fetch(struct ctx *ctx, const struct http_call *call,
                         struct http_answer *ret_answer);

struct mail {
    const char *from, *to, *subject;
    const char *text;       /* UTF-8 */
    const char *html;       /* or NULL */
    const char *message_id; /* stable over retries */
};

/* url: smtp://[user:password@]host:port or smtps://. CR, LF and NUL in addresses and subject are
 * refused with INVALID_ARGUMENT. A 5xx answer is FAILED_PRECONDITION (permanent), 4xx UNAVAILABLE.
 */
struct status mail_send(struct ctx *ctx, const char *url, const struct mail *mail);
