/* str.h - growing byte strings in an arena, and the few questions we ask of text. */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing buffer; `data` is always NUL-terminated after the first append. */
struct buffer {
    struct arena *arena;
    char *data;
    size_t length;
    size_t capacity;
};

void buffer_init(struct buffer *buffer, struct arena *arena, size_t capacity);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_puts(struct buffer *buffer, const char *text);
void buffer_putc(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
void buffer_put_int(struct buffer *buffer, int64_t value);

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_is_empty(const char *text);          /* NULL or "" */
bool str_starts_with(const char *text, const char *prefix);
bool str_is_utf8(const char *text, size_t length); /* well-formed (RFC 3629) and free of NUL */
size_t str_utf8_length(const char *text);          /* code points of well-formed text */
const char *str_or_empty(const char *text);        /* NULL becomes "" */
/* Case of ASCII letters only; locale never plays a part. */
bool str_equal_ignore_case(const char *a, const char *b);
/* The whole text as a decimal int64; false on anything else, overflow included. */
bool str_to_int64(const char *text, int64_t *ret_value);

/* Unpadded base64url (RFC 4648 section 5) and standard padded base64. Decoding is strict. */
char *str_base64url(struct arena *arena, const void *data, size_t length);
char *str_base64(struct arena *arena, const void *data, size_t length);
bool str_from_base64url(struct arena *arena, const char *text, uint8_t **ret_data,
                        size_t *ret_length);
bool str_from_base64(struct arena *arena, const char *text, size_t text_length, uint8_t **ret_data,
                     size_t *ret_length);
char *str_hex(struct arena *arena, const void *data, size_t length);
bool str_from_hex(const char *text, uint8_t *ret_data, size_t length); /* exactly 2*length digits */
