/* sku.c - deriving SKUs: pure. */
#include "import/sku.h"

#include "common/str.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

enum { DIGEST_BYTES = 4, SUFFIX_LENGTH = 1 + 2 * DIGEST_BYTES };

/* Appends the text's readable form; false when another text has the same one. */
static bool fold(struct buffer *out, const char *text)
{
    bool is_exact = *text != '\0';

    for (; *text; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (is_plain)
            buffer_putc(out, c);
        else if (c == ' ')
            buffer_putc(out, '_');
        else
            is_exact = false;
    }
    return is_exact;
}

static void add_part(crypto_hash_sha256_state *digest, const char *text)
{
    crypto_hash_sha256_update(digest, (const unsigned char *)text, strlen(text) + 1);
}

char *sku_derive(struct arena *arena, const char *handle, const char *const *values, size_t count)
{
    crypto_hash_sha256_state digest;
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct buffer sku;

    buffer_init(&sku, arena, SKU_BYTES_MAX);
    buffer_puts(&sku, "");
    crypto_hash_sha256_init(&digest);
    add_part(&digest, handle);
    bool is_exact = fold(&sku, handle);
    for (size_t i = 0; i < count; i++) {
        buffer_putc(&sku, '.');
        is_exact = fold(&sku, values[i]) && is_exact;
        add_part(&digest, values[i]);
    }
    crypto_hash_sha256_final(&digest, hash);
    if (is_exact && sku.length <= SKU_BYTES_MAX)
        return sku.data;
    size_t kept =
        sku.length < SKU_BYTES_MAX - SUFFIX_LENGTH ? sku.length : SKU_BYTES_MAX - SUFFIX_LENGTH;
    return arena_printf(arena, "%.*s~%s", (int)kept, sku.data, str_hex(arena, hash, DIGEST_BYTES));
}
