/* header_fuzz.c - header values and tokens that strangers send and no other target reaches.
 *
 * Input: a byte that chooses the parser, then the value. */
#include "fuzz.h"

#include "access/negotiate.h"
#include "chassis/page.h"
#include "common/str.h"
#include "http_input.h"
#include "rpc.h"
#include "trace.h"

#include <string.h>

static const struct service FUZZ = {.name = "fuzz"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    http_input_open(&FUZZ, NULL);
    return 0;
}

static void check_language(struct ctx *ctx, const char *text)
{
    static const char *const LOCALES[] = {"en", "de-AT", "de", "pt-BR", "zh-Hant-TW", NULL};
    const char *found = negotiate_locale(ctx->arena, text, LOCALES);

    ALWAYS(found == NULL || negotiate_exact(found, LOCALES) == found);
}

/* Well-formed or not, there is a trace afterwards, and it is printed as it is read. */
static void check_trace(struct ctx *ctx, const char *text)
{
    static const uint8_t ZERO[16];
    char printed[TRACEPARENT_LENGTH + 1];
    struct trace trace, again;

    (void)ctx;
    trace_start(&trace, text);
    ALWAYS(memcmp(trace.trace_id, ZERO, sizeof trace.trace_id) != 0);
    ALWAYS(memcmp(trace.span_id, ZERO, sizeof trace.span_id) != 0);
    trace_format(&trace, printed);
    trace_start(&again, printed);
    ALWAYS(memcmp(trace.trace_id, again.trace_id, sizeof trace.trace_id) == 0);
    ALWAYS(memcmp(trace.span_id, again.parent_id, sizeof trace.span_id) == 0);
}

/* A context of another key is refused, whatever it says; so is ours with a byte of it changed. */
static void check_context(struct ctx *ctx, const char *text)
{
    const struct call_keys *keys = http_input_daemon()->keys;

    ALWAYS(call_context_verify(ctx, keys, text).code == STATUS_UNAUTHENTICATED);
    ctx->caller = (struct caller){.service = "gateway", .actor = text, .scopes = text};
    char *ours = arena_strdup(ctx->arena, call_context_sign(ctx, keys, "gateway"));
    bool is_signed = call_context_verify(ctx, keys, ours).code == STATUS_OK;
    ALWAYS(is_signed == (*text != '\0' && strlen(ours) <= 4096));
    ours[strlen(ours) / 3] ^= 1;
    ALWAYS(call_context_verify(ctx, keys, ours).code == STATUS_UNAUTHENTICATED);
    (void)call_context_has_scope(text, "carts.write");
}

static void check_page(struct ctx *ctx, const char *text)
{
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    struct uuid ids[2], again[2];
    const char *key, *again_key;

    page.page_token = text;
    if (page_after_uuids(ctx, &page, ARRAY_LEN(ids), ids).code == STATUS_OK && *text) {
        page.page_token = page_next_uuids(ctx, ids, ARRAY_LEN(ids))->next_page_token;
        ALWAYS(page_after_uuids(ctx, &page, ARRAY_LEN(again), again).code == STATUS_OK);
        ALWAYS(memcmp(ids, again, sizeof ids) == 0);
    }
    page.page_token = text;
    if (page_after_text(ctx, &page, &key).code == STATUS_OK && *text) {
        page.page_token = page_next_text(ctx, key)->next_page_token;
        ALWAYS(page_after_text(ctx, &page, &again_key).code == STATUS_OK);
        ALWAYS(str_equal(key, again_key));
    }
}

static void check_query(struct ctx *ctx, const char *text)
{
    struct http_request request = {.query = text};
    const char *value = NULL;

    if (http_query_get(ctx, &request, "a", &value) && value != NULL)
        ALWAYS(str_is_utf8(value, strlen(value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const CHECKS[])(struct ctx *, const char *) = {
        check_language, check_trace, check_context, check_page, check_query};
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input) % ARRAY_LEN(CHECKS);
    struct ctx *ctx = http_input_begin();

    CHECKS[choice](ctx, fuzz_text(ctx->arena, &input));
    http_input_end();
    return 0;
}
