/* trace.h - W3C Trace Context in and out, spans to the exporter; private to the chassis. */
#pragma once

#include "chassis/ctx.h"

enum { TRACEPARENT_LENGTH = 55 };

/* A new span: below `traceparent` when that is well-formed, else the root of a new trace. */
void trace_start(struct trace *trace, const char *traceparent);
void trace_child(struct trace *trace, const struct trace *parent);
void trace_format(const struct trace *trace, char ret_text[TRACEPARENT_LENGTH + 1]);
void trace_id_format(const struct trace *trace, char ret_text[33]);

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 }; /* numbers of OTLP */

struct span {
    const struct trace *trace;
    const char *name;
    enum span_kind kind;
    int64_t duration_us;
    enum status_code code;
    const char *reason; /* static */
};

/* Hands a finished span to the exporter; drops and counts it when the queue is full. Cheap without
 * an exporter. */
void trace_report(struct daemon *daemon, const struct span *span);

struct status trace_exporter_start(struct ctx *boot, struct daemon *daemon);
void trace_exporter_stop(struct daemon *daemon); /* sends what is queued, for at most a second */
