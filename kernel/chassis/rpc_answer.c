/* rpc_answer.c - reads the head of an answer.
 *
 * Daemons answer with a length. A coding (chunked) is refused rather than half understood: nothing
 * between two daemons should change their bytes. */
#include "rpc_answer.h"

#include <string.h>
#include <strings.h>

enum {
    HEAD_MAX = 16 * 1024,
    LENGTH_DIGITS_MAX = 12,
    STATUS_LINE_MIN = sizeof "HTTP/1.1 200" - 1,
};

static bool read_status(const char *line, size_t length, struct rpc_answer *answer);
static bool read_header(struct arena *arena, const char *line, size_t length,
                        struct rpc_answer *answer);
static bool read_length(const char *value, size_t length, int64_t *ret_length);

static enum rpc_head parse_one(struct arena *arena, const char *data, size_t length,
                               struct rpc_answer *ret_answer)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    struct rpc_answer answer = {.body_length = -1};

    if (!end)
        return length < HEAD_MAX ? RPC_HEAD_PARTIAL : RPC_HEAD_BROKEN;
    answer.head_length = (size_t)(end - data) + 4;
    const char *line = data;
    const char *stop = memchr(line, '\r', (size_t)(end - line) + 1);
    if (!read_status(line, (size_t)(stop - line), &answer))
        return RPC_HEAD_BROKEN;
    while (stop < end) {
        line = stop + 2;
        stop = memmem(line, (size_t)(end - line) + 2, "\r\n", 2);
        if (!read_header(arena, line, (size_t)(stop - line), &answer))
            return RPC_HEAD_BROKEN;
    }
    if (answer.status == 204 || answer.status == 304)
        answer.body_length = 0;
    answer.is_kept &= answer.body_length >= 0;
    *ret_answer = answer;
    return RPC_HEAD_WHOLE;
}

enum rpc_head rpc_answer_parse(struct arena *arena, const char *data, size_t length,
                               struct rpc_answer *ret_answer)
{
    struct rpc_answer answer;
    size_t skipped = 0;

    for (;;) {
        enum rpc_head result = parse_one(arena, data + skipped, length - skipped, &answer);
        if (result != RPC_HEAD_WHOLE)
            return result;
        skipped += answer.head_length;
        if (answer.status >= 200)
            break;
    }
    answer.head_length = skipped;
    *ret_answer = answer;
    return RPC_HEAD_WHOLE;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_status(const char *line, size_t length, struct rpc_answer *answer)
{
    const char *code = line + STATUS_LINE_MIN - 3;

    if (length < STATUS_LINE_MIN || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) ||
        line[8] != ' ' || (length > STATUS_LINE_MIN && line[STATUS_LINE_MIN] != ' '))
        return false;
    if (code[0] < '1' || code[0] > '5' || !is_digit(code[1]) || !is_digit(code[2]))
        return false;
    answer->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    answer->is_kept = line[7] != '0';
    return true;
}

static bool read_header(struct arena *arena, const char *line, size_t length,
                        struct rpc_answer *answer)
{
    const char *colon = memchr(line, ':', length);
    const char *end = line + length;

    if (!colon || colon == line)
        return false;
    size_t name = (size_t)(colon - line);
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t value_length = (size_t)(end - value);

    if (name == strlen("content-type") && !strncasecmp(line, "content-type", name))
        answer->content_type = arena_strndup(arena, value, value_length);
    if (name == strlen("transfer-encoding") && !strncasecmp(line, "transfer-encoding", name))
        return false;
    if (name == strlen("connection") && !strncasecmp(line, "connection", name) &&
        !(value_length == strlen("keep-alive") && !strncasecmp(value, "keep-alive", value_length)))
        answer->is_kept = false;
    if (name == strlen("content-length") && !strncasecmp(line, "content-length", name))
        return answer->body_length < 0 && read_length(value, value_length, &answer->body_length);
    return true;
}

static bool read_length(const char *value, size_t length, int64_t *ret_length)
{
    int64_t number = 0;

    if (length == 0 || length > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(value[i]))
            return false;
        number = number * 10 + (value[i] - '0');
    }
    *ret_length = number;
    return true;
}
