/* trace.c - W3C Trace Context (www.w3.org/TR/trace-context): ids, parsing, printing. */
#include "trace.h"

#include "common/str.h"

#include <string.h>
#include <sys/random.h>

static void random_id(uint8_t *id, size_t length);
static bool parse(const char *text, struct trace *ret_trace);

void trace_start(struct trace *trace, const char *traceparent)
{
    if (traceparent && parse(traceparent, trace))
        return;
    *trace = (struct trace){.is_sampled = true};
    random_id(trace->trace_id, sizeof trace->trace_id);
    random_id(trace->span_id, sizeof trace->span_id);
}

void trace_child(struct trace *trace, const struct trace *parent)
{
    *trace = *parent;
    memcpy(trace->parent_id, parent->span_id, sizeof trace->parent_id);
    random_id(trace->span_id, sizeof trace->span_id);
}

void trace_format(const struct trace *trace, char ret_text[TRACEPARENT_LENGTH + 1])
{
    static const char HEX[] = "0123456789abcdef";
    char *p = ret_text;

    memcpy(p, "00-", 3);
    p += 3;
    for (size_t i = 0; i < sizeof trace->trace_id; i++) {
        *p++ = HEX[trace->trace_id[i] >> 4];
        *p++ = HEX[trace->trace_id[i] & 15];
    }
    *p++ = '-';
    for (size_t i = 0; i < sizeof trace->span_id; i++) {
        *p++ = HEX[trace->span_id[i] >> 4];
        *p++ = HEX[trace->span_id[i] & 15];
    }
    memcpy(p, trace->is_sampled ? "-01" : "-00", 4);
}

void trace_id_format(const struct trace *trace, char ret_text[33])
{
    char full[TRACEPARENT_LENGTH + 1];

    trace_format(trace, full);
    memcpy(ret_text, full + 3, 32);
    ret_text[32] = '\0';
}

/* Ids need to differ, not to be secret: a per-thread generator (splitmix64) seeded by the kernel
 * saves a system call for each span. */
static void random_id(uint8_t *id, size_t length)
{
    static _Thread_local uint64_t state;

    if (!state && getrandom(&state, sizeof state, 0) != sizeof state)
        state = (uint64_t)(uintptr_t)&state;
    for (size_t i = 0; i < length; i += sizeof state) {
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        z ^= z >> 31;
        memcpy(id + i, &z, sizeof z);
    }
}

/* version 00: 00-<32 hex>-<16 hex>-<2 hex>. Later versions may append fields after another dash. */
static bool parse(const char *text, struct trace *ret_trace)
{
    static const uint8_t ZERO[16];
    struct trace trace = {.is_sampled = false};
    char part[33] = "";
    uint8_t version, flags;
    size_t length = strlen(text);

    if (length < TRACEPARENT_LENGTH || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    memcpy(part, text, 2);
    if (!str_from_hex(part, &version, 1) || version == 0xff)
        return false;
    if (length > TRACEPARENT_LENGTH && (version == 0 || text[TRACEPARENT_LENGTH] != '-'))
        return false;
    memcpy(part, text + 3, 32);
    part[32] = '\0';
    if (!str_from_hex(part, trace.trace_id, 16) || !memcmp(trace.trace_id, ZERO, 16))
        return false;
    memcpy(part, text + 36, 16);
    part[16] = '\0';
    if (!str_from_hex(part, trace.parent_id, 8) || !memcmp(trace.parent_id, ZERO, 8))
        return false;
    memcpy(part, text + 53, 2);
    part[2] = '\0';
    if (!str_from_hex(part, &flags, 1))
        return false;
    trace.is_sampled = flags & 1;
    random_id(trace.span_id, sizeof trace.span_id);
    *ret_trace = trace;
    return true;
}
