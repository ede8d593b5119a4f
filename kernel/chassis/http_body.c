/* http_body.c - a request's body as it arrives: bounded in size by its mount, in time by the
 * guardian. Whole bodies and streamed ones are read by the same few lines. */
#include "http.h"

#include "common/clock.h"

#include <civetweb.h>

static void renew_deadline(struct http_body *body);
static enum http_body_state state_after(const struct http_body *body, int got, size_t wanted);

void http_body_begin(struct http_body *body, int64_t timeout_us, int64_t pause_us)
{
    body->begun_us = clock_monotonic_us();
    body->deadline_us = body->begun_us + timeout_us;
    body->pause_us = pause_us;
    body->state = HTTP_BODY_OPEN;
    if (body->length > body->max)
        body->state = HTTP_BODY_TOO_LARGE;
    else if (body->length == 0)
        body->state = HTTP_BODY_COMPLETE;
}

int64_t http_body_read(const struct http_request *request, void *buffer, size_t size)
{
    struct http_body *body = request->stream;

    if (body == NULL || body->state == HTTP_BODY_COMPLETE)
        return 0;
    if (body->state != HTTP_BODY_OPEN)
        return -1;
    if (body->owes_continue)
        mg_printf(body->connection, "HTTP/1.1 100 Continue\r\n\r\n");
    body->owes_continue = false;

    if (body->length > 0 && (uint64_t)(body->length - body->received) < size)
        size = (size_t)(body->length - body->received);
    if (size > HTTP_BODY_PIECE)
        size = HTTP_BODY_PIECE;
    renew_deadline(body);
    int got = mg_read(body->connection, buffer, size);
    http_worker_read_until(body->worker, 0, 0);
    if (got > 0)
        body->received += got;
    body->state = state_after(body, got, size);
    if (got > 0 && (body->state == HTTP_BODY_OPEN || body->state == HTTP_BODY_COMPLETE))
        return got;
    return body->state == HTTP_BODY_COMPLETE ? 0 : -1;
}

static void renew_deadline(struct http_body *body)
{
    int64_t now_us = clock_monotonic_us(), pause_end_us = now_us + body->pause_us;

    http_worker_read_until(body->worker, body->is_streamed ? now_us : body->begun_us,
                           pause_end_us < body->deadline_us ? pause_end_us : body->deadline_us);
}

/* A short read of a body of known length is a peer that left, or that was cut. */
static enum http_body_state state_after(const struct http_body *body, int got, size_t wanted)
{
    bool is_short = got < 0 || (body->length > 0 && (size_t)got < wanted);

    if (body->received > body->max)
        return HTTP_BODY_TOO_LARGE;
    if (body->length > 0 && body->received == body->length)
        return HTTP_BODY_COMPLETE;
    if (http_worker_was_cut(body->worker))
        return HTTP_BODY_TOO_SLOW;
    if (is_short)
        return HTTP_BODY_TRUNCATED;
    return got == 0 ? HTTP_BODY_COMPLETE : HTTP_BODY_OPEN;
}
