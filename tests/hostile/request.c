/* request.c - from templates to bytes. */
#include "request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 4 * 1024 * 1024 };

static const char *const PATHS[TARGETS] = {[AT_GATEWAY] = "/store/v1/carts",
                                           [AT_INVENTORY] =
                                               "/inventory.v1.InventoryService/ListWarehouses"};

static void put(struct request *request, const char *text, size_t length)
{
    ck_assert_uint_lt(request->length + length, REQUEST_MAX);
    memcpy(request->text + request->length, text, length);
    request->length += length;
}

static void put_text(struct request *request, const char *text)
{
    put(request, text, strlen(text));
}

static void put_lines(struct request *request, long count)
{
    char line[32];

    for (long i = 0; i < count; i++)
        put(request, line, (size_t)snprintf(line, sizeof line, "X-%ld: y\r\n", i));
}

/* What stands between braces; false when it is none of ours but plain text. */
static bool put_word(struct request *request, const struct target *target, const char *word)
{
    const char *star = strchr(word, '*');

    if (!strncmp(word, "path}", 5)) {
        put_text(request, PATHS[target - targets]);
    } else if (!strncmp(word, "key}", 4)) {
        put_text(request, "Torg-Publishable-Key: ");
        put_text(request, shop_key("publishable-key-eu"));
        put_text(request, "\r\n");
    } else if (!strncmp(word, "line*", 5)) {
        put_lines(request, strtol(word + 5, NULL, 10));
    } else if (star == word + 1) {
        for (long i = strtol(word + 2, NULL, 10); i > 0; i--)
            put(request, word, 1);
    } else {
        return false;
    }
    return true;
}

struct request request_expand(const struct target *target, const char *template)
{
    struct request request = {.text = malloc(REQUEST_MAX)};

    ck_assert_ptr_nonnull(request.text);
    for (const char *p = template; *p; p++) {
        if (*p == '{' && put_word(&request, target, p + 1))
            p = strchr(p, '}');
        else
            put(&request, *p == '\1' ? "" : p, 1);
    }
    request.text[request.length] = '\0';
    return request;
}
