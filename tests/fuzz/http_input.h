/* http_input.h - a request out of an input that looks like one.
 *
 *   METHOD target
 *   Name: value
 *   (empty line)
 *   body */
#pragma once

#include "fuzz.h"

#include "daemon.h"
#include "http.h"

/* A context without a running daemon; `state` is what ctx_state() answers. Calls are signed with a
 * key of this process: the value "signed" of Torg-Context stands for a good signature. */
void http_input_open(const struct service *service, void *state);
struct ctx *http_input_begin(void);
void http_input_end(void);
struct daemon *http_input_daemon(void);

/* False when the server would have refused it before any handler. */
bool http_input_request(struct fuzz_input *input, struct http_request *ret_request);
/* What every answer must be, whatever was asked. */
void http_input_check(const struct http_response *response);
