/* http_guard.c - strictness that civetweb lacks (RFC 9112): each rule here closes a way to make two
 * parsers see two different requests, or to slip past a limit. */
#include "http.h"

#include <civetweb.h>
#include <ctype.h>
#include <string.h>

enum { LENGTH_DIGITS_MAX = 15 };

struct framing {
    int hosts, lengths, codings;
    const char *length, *coding;
};

static bool is_well_spaced(const struct mg_request_info *info);
static bool is_token(const char *text);
static bool is_value(const char *text);
static bool is_well_separated(const struct mg_request_info *info, int i);
static bool begins_well(const struct mg_request_info *info);

static struct http_refusal refuse(int status, const char *reason, const char *detail)
{
    return (struct http_refusal){status, reason, detail};
}

static struct http_refusal check_headers(const struct mg_request_info *info,
                                         struct framing *ret_framing)
{
    /* civetweb drops what comes after the last header it has room for, Content-Length included. */
    if (info->num_headers >= MG_MAX_HEADERS)
        return refuse(431, "TOO_MANY_HEADERS", "at most 63 headers");
    if (!begins_well(info))
        return refuse(400, "MALFORMED_HEADER", "the first header does not follow its request line");
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];
        if (!is_token(header->name) || !is_value(header->value) || !is_well_separated(info, i))
            return refuse(400, "MALFORMED_HEADER", "a header field is not well-formed");
        if (str_equal_ignore_case(header->name, "Host"))
            ret_framing->hosts++;
        if (str_equal_ignore_case(header->name, "Content-Length")) {
            ret_framing->lengths++;
            ret_framing->length = header->value;
        }
        if (str_equal_ignore_case(header->name, "Transfer-Encoding")) {
            ret_framing->codings++;
            ret_framing->coding = header->value;
        }
    }
    return refuse(0, NULL, NULL);
}

struct http_refusal http_guard(const struct mg_request_info *info, int64_t *ret_length)
{
    struct framing framing = {.hosts = 0};
    struct http_refusal refusal = check_headers(info, &framing);

    *ret_length = 0;
    if (refusal.status)
        return refusal;
    if (!is_well_spaced(info))
        return refuse(400, "MALFORMED_REQUEST", "one blank between method, target and version");
    if (!str_equal(info->http_version, "1.1") && !str_equal(info->http_version, "1.0"))
        return refuse(505, "HTTP_VERSION", "HTTP/1.1 is served");
    if (framing.hosts != 1)
        return refuse(400, "MALFORMED_HOST", "exactly one Host header is required");
    if (framing.lengths && framing.codings)
        return refuse(400, "MALFORMED_LENGTH", "Content-Length beside Transfer-Encoding");
    if (framing.lengths > 1 || framing.codings > 1)
        return refuse(400, "MALFORMED_LENGTH", "the body's length is said twice");
    if (framing.codings) {
        if (!str_equal_ignore_case(framing.coding, "chunked"))
            return refuse(501, "TRANSFER_ENCODING", "only chunked is served");
        *ret_length = -1;
    }
    if (framing.lengths) {
        size_t digits = strspn(framing.length, "0123456789");
        if (!digits || digits > LENGTH_DIGITS_MAX || framing.length[digits] ||
            !str_to_int64(framing.length, ret_length))
            return refuse(400, "MALFORMED_LENGTH", "Content-Length is not a number");
    }
    return refuse(0, NULL, NULL);
}

/* civetweb takes any white space between the words of the request line, line breaks among it. */
static bool is_well_spaced(const struct mg_request_info *info)
{
    const char *method_end = info->request_method + strlen(info->request_method);
    const char *last = info->query_string ? info->query_string : info->request_uri;

    return info->request_uri == method_end + 1 &&
           last + strlen(last) + 1 == info->http_version - strlen("HTTP/");
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    return true;
}

static bool is_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* civetweb stops at the first line it cannot parse (an obsolete fold, say) and silently drops the
 * rest of the header block; it takes bare line feeds and a blank before the colon. All of that
 * shows in its buffer, where the header strings still lie with the separators overwritten by NUL:
 * after a value come what was CR LF, then the next name or, after the last one, the CR of the empty
 * line, whose LF has become the end of the text. The first name stands right behind the version and
 * its CR LF: civetweb skips blanks and empty lines there. */
static bool is_well_separated(const struct mg_request_info *info, int i)
{
    const struct mg_header *header = &info->http_headers[i];
    const char *colon = header->name + strlen(header->name);
    const char *end = header->value + strlen(header->value);
    bool has_blank_before_colon = colon[1] == '\0' && header->value != colon + 1;

    if (has_blank_before_colon || end[1] != '\0')
        return false;
    if (i == 0 && header->name != info->http_version + strlen(info->http_version) + 2)
        return false;
    if (i + 1 < info->num_headers)
        return info->http_headers[i + 1].name == end + 2;
    return end[2] == '\r' && end[3] == '\0';
}

/* The same before the first header: civetweb skips any blanks there, and takes for a header what
 * another parser takes for a part of the request line. */
static bool begins_well(const struct mg_request_info *info)
{
    const char *end = info->http_version + strlen(info->http_version);

    return info->num_headers == 0 || info->http_headers[0].name == end + 2;
}
