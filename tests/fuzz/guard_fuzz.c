/* guard_fuzz.c - framing: what the guard lets through, a strict reader of RFC 9112 reads alike.
 *
 * Anything else would be a way to smuggle: two parsers that see two different requests. Input: the
 * head of a request as it comes over the wire. */
#include "fuzz.h"

#include "http.h"

#include <civetweb.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 16384 }; /* the server's */

/* --- civetweb 1.15, src/civetweb.c: get_http_header_len, parse_http_request, parse_http_headers */

static bool is_head(const char *text, size_t length, size_t *ret_length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 128 && c != '\r' && c != '\n' && !isprint(c))
            return false;
        if (i + 1 < length && text[i] == '\n' && text[i + 1] == '\n')
            return *ret_length = i + 2, true;
        if (i + 3 < length && memcmp(text + i, "\r\n\r\n", 4) == 0)
            return *ret_length = i + 4, true;
    }
    return false;
}

static bool end_word(char **cursor, bool is_last)
{
    while (isgraph((unsigned char)**cursor))
        ++*cursor;
    if (is_last ? **cursor != '\r' && **cursor != '\n' : **cursor != ' ')
        return false;
    do {
        **cursor = '\0';
        ++*cursor;
    } while (isspace((unsigned char)**cursor));
    return is_last || isgraph((unsigned char)**cursor);
}

/* One header; false where civetweb stops. */
static bool take_header(char **cursor, struct mg_header *header)
{
    char *at = *cursor;

    while (*at != ':' && *at >= 33 && *at <= 126)
        at++;
    if (at == *cursor)
        return false;
    while (*at == ' ')
        *at++ = '\0';
    if (*at != ':')
        return false;
    *at = '\0';
    header->name = *cursor;
    do {
        at++;
    } while (*at == ' ' || *at == '\t');
    header->value = at;
    at += strcspn(at, "\r\n");
    if (*at == '\r') {
        *at++ = '\0';
        if (*at != '\n')
            return false;
    }
    if (*at == '\n')
        *at++ = '\0';
    *cursor = at;
    return true;
}

static bool split_as_the_server(char *head, struct mg_request_info *info)
{
    char *at = head;

    while (isspace((unsigned char)*at))
        at++;
    info->request_method = at;
    if (!end_word(&at, false))
        return false;
    info->request_uri = at;
    if (!end_word(&at, false))
        return false;
    info->http_version = at;
    if (!end_word(&at, true) || strncmp(info->http_version, "HTTP/", 5) != 0)
        return false;
    info->http_version += 5;
    while (info->num_headers < MG_MAX_HEADERS && *at && *at != '\r' && *at != '\n') {
        if (!take_header(&at, &info->http_headers[info->num_headers]))
            break;
        info->num_headers++;
    }
    return true;
}

/* --- RFC 9112, strictly -------------------------------------------------------------------------
 */

struct strict {
    int header_count, hosts, lengths, codings;
    int64_t length;
};

static bool is_named(const char *line, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(line, name, length) == 0;
}

static bool strict_header(const char *line, size_t length, struct strict *found)
{
    const char *colon = memchr(line, ':', length);
    size_t name = colon ? (size_t)(colon - line) : 0;
    const char *value = colon + 1;

    if (name == 0 || memchr(line, '\r', length) || memchr(line, '\n', length))
        return false;
    for (size_t i = 0; i < name; i++)
        if (!isalnum((unsigned char)line[i]) && !strchr("!#$%&'*+-.^_`|~", line[i]))
            return false;
    found->header_count++;
    found->hosts += is_named(line, name, "Host");
    found->codings += is_named(line, name, "Transfer-Encoding");
    if (is_named(line, name, "Content-Length")) {
        char digits[32] = "";
        size_t left = length - name - 1;
        for (; left > 0 && (*value == ' ' || *value == '\t'); left--)
            value++;
        if (left == 0 || left >= sizeof digits)
            return false;
        memcpy(digits, value, left);
        found->lengths++;
        found->length = strtoll(digits, NULL, 10);
        return strspn(digits, "0123456789") == left;
    }
    return true;
}

/* Lines end with CR LF and nothing else does; the last one is empty. */
static bool read_strictly(const char *head, size_t length, struct strict *found)
{
    bool is_first = true;

    for (const char *at = head; at < head + length;) {
        const char *end = memmem(at, (size_t)(head + length - at), "\r\n", 2);
        if (end == NULL)
            return false;
        if (end == at)
            return at + 2 == head + length;
        if (is_first &&
            (memchr(at, '\r', (size_t)(end - at)) || memchr(at, '\n', (size_t)(end - at))))
            return false;
        if (!is_first && !strict_header(at, (size_t)(end - at), found))
            return false;
        is_first = false;
        at = end + 2;
    }
    return false;
}

static void compare(const char *head, size_t length, const struct mg_request_info *info,
                    int64_t body_length)
{
    struct strict strict = {.length = 0};

    ALWAYS(read_strictly(head, length, &strict));
    ALWAYS(strict.header_count == info->num_headers);
    ALWAYS(strict.hosts == 1 && strict.lengths + strict.codings <= 1);
    ALWAYS((body_length == -1) == (strict.codings == 1));
    ALWAYS(body_length == -1 || body_length == strict.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mg_request_info info = {.num_headers = 0};
    int64_t body_length;
    size_t length, leading = 0;

    while (leading < size && isspace(data[leading])) /* empty lines in front are no harm */
        leading++;
    data += leading;
    size -= leading;
    if (size > HEAD_MAX || memchr(data, '\0', size) || !is_head((const char *)data, size, &length))
        return 0;
    /* The server ends the text in the head's last byte; what follows it is there, too. */
    char *buffer = calloc(1, size + 1);
    char *head = calloc(1, length);
    memcpy(buffer, data, size);
    memcpy(head, data, length);
    buffer[length - 1] = '\0';
    if (split_as_the_server(buffer, &info) && http_guard(&info, &body_length).status == 0) {
        /* Which two line breaks or blanks stood behind the version, the server has overwritten. */
        memcpy(head + (info.http_version + strlen(info.http_version) - buffer), "\r\n", 2);
        compare(head, length, &info, body_length);
    }
    free(head);
    free(buffer);
    return 0;
}
