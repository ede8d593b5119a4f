/* kept_answer.h - the JSON of a page as it was sent once, for all visitors who would get the same,
 * as long as every part of it is good. */
#pragma once

#include "rest/rest.h"

/* True: the answer is written. False: the handler makes it, and what it reads is noted. `what`
 * tells the answers of one route apart. */
bool kept_answer_find(struct ctx *ctx, struct exchange *exchange, const char *what);
/* Writes the answer that was made, and keeps it. */
void kept_answer_write(struct ctx *ctx, struct exchange *exchange, const char *what,
                       const ProtobufCMessage *response);
