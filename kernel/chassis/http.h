/* http.h - the parts of the HTTP server, private to the chassis. */
#pragma once

#include "chassis/http_server.h"
#include "daemon.h"

struct mg_connection;
struct mg_request_info;
struct http_guardian;
struct http_worker;

/* A request refused before any handler; the connection closes after the answer. */
struct http_refusal {
    int status; /* 0: none */
    const char *reason;
    const char *detail;
};

/* http_guard.c: what civetweb lets through and must not reach a handler. `ret_length` is the body's
 * length, or -1 for a chunked one. */
struct http_refusal http_guard(const struct mg_request_info *info, int64_t *ret_length);

/* http_route.c */
struct http_refusal http_route_parse(struct arena *arena, const char *raw_path,
                                     struct http_request *request);
/* The mount with the longest prefix of the path; NULL when none matches. */
const struct http_mount *http_route_find(const struct http_mount *mounts, size_t count,
                                         const char *path);

/* http_body.c */
enum { HTTP_BODY_PIECE = 16 * 1024 };

enum http_body_state {
    HTTP_BODY_OPEN,
    HTTP_BODY_COMPLETE,
    HTTP_BODY_TOO_LARGE,
    HTTP_BODY_TOO_SLOW,
    HTTP_BODY_TRUNCATED,
};

struct http_body {
    struct mg_connection *connection;
    struct http_worker *worker;
    int64_t length; /* -1: chunked */
    int64_t max;
    bool is_streamed;   /* slow is who stands still; otherwise, who is not done */
    bool owes_continue; /* the peer waits for 100 before it sends */
    int64_t received;   /* from here on http_body.c's own */
    int64_t begun_us;
    int64_t deadline_us; /* of all of it */
    int64_t pause_us;    /* longest that one piece may take */
    enum http_body_state state;
};

void http_body_begin(struct http_body *body, int64_t timeout_us, int64_t pause_us);

/* http_guardian.c: watches the connections that civetweb hides. One record per worker thread, since
 * a worker serves one connection until it closes. */
struct http_guardian *http_guardian_create(struct daemon *daemon);
struct status http_guardian_start(struct ctx *boot, struct http_guardian *guardian, int port);
void http_guardian_stop(struct http_guardian *guardian); /* joins the thread; before mg_stop */
void http_guardian_destroy(struct http_guardian *guardian);
/* The calling worker's own record and its arena. */
struct http_worker *http_worker_add(struct http_guardian *guardian);
struct arena *http_worker_arena(struct http_worker *worker);
void http_worker_opened(struct http_worker *worker); /* a connection, its peer not known yet */
void http_worker_begin(struct http_worker *worker, const struct mg_request_info *info);
/* Reading from the peer ends at the deadline: shutdown(SHUT_RD), so an answer can still be sent; or
 * earlier when workers run out and the peer has been slow since that time. 0: no longer reading. */
void http_worker_read_until(struct http_worker *worker, int64_t since_us, int64_t deadline_us);
/* The same for the answer, until http_worker_idle or http_worker_closing. */
void http_worker_write_until(struct http_worker *worker, int64_t deadline_us);
bool http_worker_was_cut(const struct http_worker *worker);
void http_worker_idle(struct http_worker *worker); /* between two requests */
void http_worker_closing(struct http_worker *worker);
/* Must this connection close after its answer, because another one waits for a worker? */
bool http_guardian_take_turn(struct http_guardian *guardian);
int64_t http_guardian_open(const struct http_guardian *guardian); /* connections */
/* So that mg_stop() need not wait: ends idle connections and wakes the thread that accepts. */
void http_guardian_hang_up(struct http_guardian *guardian);

/* http_server.c */
/* The headers one by one; false after the last. */
bool http_header_at(const struct http_request *request, size_t index,
                    struct http_header *ret_header);
struct status http_server_start(struct ctx *boot, struct daemon *daemon, int *ret_port);
/* New requests get 503; returns when those in flight are answered or the deadline passed. */
void http_server_drain(struct daemon *daemon);
void http_server_stop(struct daemon *daemon);
/* Brings gauges up to date before they are printed. */
void http_server_sample(struct daemon *daemon);

/* health.c */
extern http_handler health_live, health_ready, health_metrics;

/* A problem+json body, as RFC 9457 has it. */
void http_problem(struct http_response *response, int status, const char *reason,
                  const char *detail);
const char *http_status_text(int status);
