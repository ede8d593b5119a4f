/* log.h - one JSON object a line on stderr. An event name and typed fields, never a sentence, never
 * personal data. Thread-safe; a line is one write(2). */
#pragma once

#include "chassis/ctx.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key; /* NULL ends the list */
    const char *text;
    int64_t number;
    bool is_number;
};

#define LOG_STR(name, value) ((struct log_field){.key = (name), .text = (value)})
#define LOG_INT(name, value)                                                                       \
    ((struct log_field){.key = (name), .number = (value), .is_number = true})
#define LOG_END ((struct log_field){.key = NULL})

/* Use through the macros: log_info(ctx, "stock_reserved", LOG_STR("order", id), LOG_INT("lines",
 * n)). ctx may be NULL outside of any unit of work. */
void log_line(enum log_level level, const struct ctx *ctx, const char *event,
              const struct log_field *fields);
#define log_debug(ctx, event, ...)                                                                 \
    log_line(LOG_DEBUG, ctx, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_info(ctx, event, ...)                                                                  \
    log_line(LOG_INFO, ctx, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_warn(ctx, event, ...)                                                                  \
    log_line(LOG_WARN, ctx, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_error(ctx, event, ...)                                                                 \
    log_line(LOG_ERROR, ctx, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
/* The edge's line for a failed unit of work: code, reason, detail, violated fields (no values). */
void log_status(enum log_level level, const struct ctx *ctx, const char *event,
                struct status status);
void log_set_level(enum log_level level);
