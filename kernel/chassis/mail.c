/* mail.c - one message to one SMTP server, over libcurl.
 *
 * A handle keeps its connection for the next mail. Servers drop clients that say nothing, so a kept
 * connection that ends before the message has left is not a failure but a reason to connect anew.
 *
 * curl passes recipients and header lines on as they are, so a line break in one would be an SMTP
 * command or a header of the attacker's choice: addresses and subject are checked here first. */
#include "chassis/http_client.h"
#include "common/clock.h"
#include "http_pool.h"

#include <string.h>
#include <time.h>

enum { ADDRESS_MAX = 254, SUBJECT_MAX = 998, ENCODED_WORD_BYTES = 42, CONNECT_TIMEOUT_MS = 5000 };
/* RFC 5321 lets a server drop an idle client after five minutes; many are less patient. */
enum { CONNECTION_IDLE_MAX_S = 30, CONNECTION_AGE_MAX_S = 300, SMTP_CLOSING = 421 };

static const struct error_def INVALID = {STATUS_INVALID_ARGUMENT, "INVALID_MAIL",
                                         "correct the address or the subject"};
static const struct error_def REJECTED = {STATUS_FAILED_PRECONDITION, "MAIL_REJECTED",
                                          "the server will not take this message: do not retry"};
static const struct error_def NOT_TAKEN = {STATUS_UNAVAILABLE, "MAIL_NOT_TAKEN", "retry later"};

static struct status check(struct ctx *ctx, const struct mail *mail);
static bool is_address(const char *text);
static struct curl_slist *header_list(struct ctx *ctx, const struct mail *mail);
static const char *encode_subject(struct arena *arena, const char *subject);
static const char *date_line(struct arena *arena);
static curl_mime *body_of(struct ctx *ctx, CURL *curl, const struct mail *mail);
static bool was_kept_too_long(CURL *curl, CURLcode code);
static struct status outcome(struct ctx *ctx, CURLcode code, long smtp_code);

struct status mail_send(struct ctx *ctx, const char *url, const struct mail *mail)
{
    struct http_pool *pool = ctx->daemon->fetch;
    struct curl_slist recipient = {NULL, NULL};
    long smtp_code = 0;

    TRY(check(ctx, mail));
    int64_t timeout_ms = http_pool_timeout_ms(ctx, 0);
    CURL *curl = timeout_ms > 0 ? http_pool_take(pool) : NULL;
    if (!curl)
        return ctx_fail(ctx, &ERROR_DEADLINE, "no time left to send mail");
    recipient.data = arena_printf(ctx->arena, "<%s>", mail->to);
    curl_mime *mime = body_of(ctx, curl, mail);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_printf(ctx->arena, "<%s>", mail->from));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, &recipient);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, header_list(ctx, mail));
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S);
    curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_MAX_S);
    CURLcode code = curl_easy_perform(curl);
    if (was_kept_too_long(curl, code)) {
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        code = curl_easy_perform(curl);
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &smtp_code);
    curl_mime_free(mime);
    http_pool_give(pool, curl);
    return outcome(ctx, code, smtp_code);
}

static struct status check(struct ctx *ctx, const struct mail *mail)
{
    if (!is_address(mail->from))
        ctx_violation(ctx, "from", "", "one mail address: visible ASCII, with @");
    if (!is_address(mail->to))
        ctx_violation(ctx, "to", "", "one mail address: visible ASCII, with @");
    if (!mail->subject || strpbrk(mail->subject, "\r\n") || strlen(mail->subject) > SUBJECT_MAX ||
        !str_is_utf8(mail->subject, strlen(mail->subject)))
        ctx_violation(ctx, "subject", "", "one line of UTF-8");
    if (!mail->message_id || strpbrk(mail->message_id, "\r\n<> "))
        ctx_violation(ctx, "message_id", "", "left@right without brackets");
    return ctx_has_violations(ctx) ? ctx_fail(ctx, &INVALID, "the mail cannot be addressed")
                                   : status_ok();
}

/* Enough to keep an address from being anything else than one; the server judges the rest. */
static bool is_address(const char *text)
{
    const char *at = text ? strchr(text, '@') : NULL;

    if (!at || at == text || !at[1] || strchr(at + 1, '@') || strlen(text) > ADDRESS_MAX)
        return false;
    for (const char *p = text; *p; p++)
        if (*p <= 0x20 || *p >= 0x7f || strchr("<>()[],;:\\\"", *p))
            return false;
    return true;
}

static struct curl_slist *header_list(struct ctx *ctx, const struct mail *mail)
{
    struct arena *arena = ctx->arena;
    struct curl_slist *list = arena_array(arena, struct curl_slist, 6);
    size_t count = 0;

    list[count++].data = arena_printf(arena, "Date: %s", date_line(arena));
    list[count++].data = arena_printf(arena, "From: <%s>", mail->from);
    list[count++].data = arena_printf(arena, "To: <%s>", mail->to);
    list[count++].data = arena_printf(arena, "Subject: %s", encode_subject(arena, mail->subject));
    list[count++].data = arena_printf(arena, "Message-ID: <%s>", mail->message_id);
    list[count++].data = arena_strdup(arena, "Auto-Submitted: auto-generated");
    for (size_t i = 0; i + 1 < count; i++)
        list[i].next = &list[i + 1];
    return list;
}

/* RFC 2047: encoded words of at most 75 characters, never splitting a character. */
static const char *encode_subject(struct arena *arena, const char *subject)
{
    struct buffer out;
    const char *p = subject;

    while (*p >= 0x20 && *p < 0x7f)
        p++;
    if (!*p && !strstr(subject, "=?"))
        return subject;
    buffer_init(&out, arena, 256);
    for (p = subject; *p;) {
        size_t length = strlen(p) < ENCODED_WORD_BYTES ? strlen(p) : ENCODED_WORD_BYTES;
        while (p[length] && (p[length] & 0xc0) == 0x80)
            length--;
        buffer_printf(&out, "%s=?UTF-8?B?%s?=", out.length ? "\r\n " : "",
                      str_base64(arena, p, length));
        p += length;
    }
    return out.data;
}

/* RFC 5322 in English whatever the locale. */
static const char *date_line(struct arena *arena)
{
    static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(clock_now_us() / 1000000);
    struct tm utc;

    gmtime_r(&now, &utc);
    return arena_printf(arena, "%s, %02d %s %d %02d:%02d:%02d +0000", DAYS[utc.tm_wday],
                        utc.tm_mday, MONTHS[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour,
                        utc.tm_min, utc.tm_sec);
}

/* Lines of mail end with CRLF; a line feed alone would be encoded like any other character. */
static const char *with_crlf(struct ctx *ctx, const char *text)
{
    struct buffer out;

    buffer_init(&out, ctx->arena, strlen(text) + 256);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n' && (at == text || at[-1] != '\r'))
            buffer_putc(&out, '\r');
        buffer_putc(&out, *at);
    }
    return out.data == NULL ? "" : out.data;
}

static void add_text(struct ctx *ctx, curl_mime *mime, const char *text, const char *type)
{
    curl_mimepart *part = curl_mime_addpart(mime);

    curl_mime_data(part, with_crlf(ctx, text), CURL_ZERO_TERMINATED);
    curl_mime_type(part, type);
    curl_mime_encoder(part, "quoted-printable");
}

/* Plain text alone, or beside HTML as the alternative a reader may choose. */
static curl_mime *body_of(struct ctx *ctx, CURL *curl, const struct mail *mail)
{
    curl_mime *mime = curl_mime_init(curl);

    if (!mail->html) {
        add_text(ctx, mime, str_or_empty(mail->text), "text/plain; charset=utf-8");
        return mime;
    }
    curl_mime *alternatives = curl_mime_init(curl);
    add_text(ctx, alternatives, str_or_empty(mail->text), "text/plain; charset=utf-8");
    add_text(ctx, alternatives, mail->html, "text/html; charset=utf-8");
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_subparts(part, alternatives);
    curl_mime_type(part, "multipart/alternative");
    return mime;
}

/* Broken or closed (421) before any of the message was sent: the server cannot have taken it. */
static bool was_kept_too_long(CURL *curl, CURLcode code)
{
    curl_off_t sent = 0;
    long connects = 0;
    long answer = 0;

    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    return code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT && connects == 0 && sent == 0 &&
           (answer < 400 || answer == SMTP_CLOSING);
}

static struct status outcome(struct ctx *ctx, CURLcode code, long smtp_code)
{
    if (code == CURLE_OK)
        return status_ok();
    if (smtp_code >= 500 && smtp_code < 600)
        return ctx_fail(ctx, &REJECTED, "SMTP %ld", smtp_code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ctx_fail(ctx, &ERROR_DEADLINE, "the mail server did not answer in time");
    return ctx_fail(ctx, &NOT_TAKEN, "SMTP %ld: %s", smtp_code, curl_easy_strerror(code));
}
