/* log.c - a line of JSON built on the stack and written at once. */
#include "chassis/log.h"

#include "chassis/service.h"
#include "common/clock.h"
#include "daemon.h"
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, FIELD_MAX_BYTES = 1024, STATUS_FIELDS_MAX = 8 };

/* A line never grows: a field that does not fit is cut or left out, the end always fits. */
struct line {
    size_t length;
    char text[LINE_MAX_BYTES];
};

static const char *const LEVEL_NAMES[] = {"debug", "info", "warn", "error"};
static atomic_int level_min = LOG_INFO;

static void put(struct line *line, const char *text);
static void put_string(struct line *line, const char *key, const char *value);
static void cut_character(struct line *line);
static void put_int(struct line *line, const char *key, int64_t value);
static void put_time(struct line *line);
static void put_context(struct line *line, const struct ctx *ctx);

void log_set_level(enum log_level level)
{
    level_min = (int)level;
}

void log_line(enum log_level level, const struct ctx *ctx, const char *event,
              const struct log_field *fields)
{
    struct line line = {.length = 0};

    if ((int)level < level_min)
        return;
    put_time(&line);
    put_string(&line, "level", LEVEL_NAMES[level]);
    put_context(&line, ctx);
    put_string(&line, "event", event);
    for (; fields->key; fields++) {
        if (fields->is_number)
            put_int(&line, fields->key, fields->number);
        else if (fields->text)
            put_string(&line, fields->key, fields->text);
    }
    memcpy(line.text + line.length, "}\n", 2);
    line.length += 2;
    while (write(STDERR_FILENO, line.text, line.length) < 0 && errno == EINTR)
        ;
}

void log_status(enum log_level level, const struct ctx *ctx, const char *event,
                struct status status)
{
    struct log_field fields[STATUS_FIELDS_MAX + 1] = {
        LOG_STR("code", status_code_name(status.code)),
        LOG_STR("reason", status.reason),
        LOG_STR("detail", status.detail),
    };
    size_t count = 3;

    for (const struct violation *v = status.violations; v && count < STATUS_FIELDS_MAX; v = v->next)
        fields[count++] = LOG_STR("violation", v->field);
    fields[count] = LOG_END;
    log_line(level, ctx, event, fields);
}

/* Room for the closing brace and line break is always kept. */
static void put(struct line *line, const char *text)
{
    size_t length = strlen(text);

    if (line->length + length > LINE_MAX_BYTES - 4)
        return;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void put_string(struct line *line, const char *key, const char *value)
{
    const unsigned char *p = (const unsigned char *)value;

    if (line->length + strlen(key) + 16 > LINE_MAX_BYTES)
        return;
    put(line, line->length ? ",\"" : "{\"");
    put(line, key);
    put(line, "\":\"");

    size_t end = line->length + FIELD_MAX_BYTES;
    if (end > LINE_MAX_BYTES - 12)
        end = LINE_MAX_BYTES - 12;
    for (; *p && line->length < end; p++) {
        if (*p == '"' || *p == '\\') {
            line->text[line->length++] = '\\';
            line->text[line->length++] = (char)*p;
        } else if (*p < 0x20) {
            line->length += (size_t)snprintf(line->text + line->length, 7, "\\u%04x", *p);
        } else {
            line->text[line->length++] = (char)*p;
        }
    }
    if (*p >= 0x80) /* cut inside or before a character of several bytes: leave no half of it */
        cut_character(line);
    put(line, "\"");
}

static void cut_character(struct line *line)
{
    while ((line->text[line->length - 1] & 0xc0) == 0x80)
        line->length--;
    if (line->text[line->length - 1] & 0x80)
        line->length--;
}

static void put_int(struct line *line, const char *key, int64_t value)
{
    char text[96];

    if (snprintf(text, sizeof text, ",\"%s\":%" PRId64, key, value) < (int)sizeof text)
        put(line, text);
}

static void put_time(struct line *line)
{
    int64_t now_us = clock_now_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm utc;
    char text[48];

    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof text - length, ".%03dZ", (int)(now_us / 1000 % 1000));
    put_string(line, "time", text);
}

static void put_context(struct line *line, const struct ctx *ctx)
{
    char trace_id[33];

    put_string(line, "service",
               ctx && ctx->daemon ? ctx->daemon->service->name : program_invocation_short_name);
    if (!ctx)
        return;
    trace_id_format(&ctx->trace, trace_id);
    put_string(line, "trace_id", trace_id);
    if (ctx->method)
        put_string(line, "method", ctx->method);
    if (ctx->caller.service && ctx->daemon &&
        strcmp(ctx->caller.service, ctx->daemon->service->name) != 0)
        put_string(line, "caller", ctx->caller.service);
}
