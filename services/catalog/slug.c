/* slug.c - readable addresses from names: pure. */
#include "catalog.h"

#include "common/str.h"

#include <inttypes.h>
#include <string.h>

/* Latin-1 Supplement and Latin Extended-A, U+00C0 to U+017F: what each letter reads like in ASCII.
 * A "-" separates words, as every other character does. */
enum { FOLD_FIRST = 0xC0, FOLD_LAST = 0x17F, APOSTROPHE = 0x2019 };

static const char *const FOLDS[FOLD_LAST - FOLD_FIRST + 1] = {
    "a", "a", "a",  "a",  "ae", "a", "ae", "c", "e", "e", "e", "e", "i",  "i", "i",  "i",  // C0
    "d", "n", "o",  "o",  "o",  "o", "oe", "-", "o", "u", "u", "u", "ue", "y", "th", "ss", // D0
    "a", "a", "a",  "a",  "ae", "a", "ae", "c", "e", "e", "e", "e", "i",  "i", "i",  "i",  // E0
    "d", "n", "o",  "o",  "o",  "o", "oe", "-", "o", "u", "u", "u", "ue", "y", "th", "y",  // F0
    "a", "a", "a",  "a",  "a",  "a", "c",  "c", "c", "c", "c", "c", "c",  "c", "d",  "d",  // 100
    "d", "d", "e",  "e",  "e",  "e", "e",  "e", "e", "e", "e", "e", "g",  "g", "g",  "g",  // 110
    "g", "g", "g",  "g",  "h",  "h", "h",  "h", "i", "i", "i", "i", "i",  "i", "i",  "i",  // 120
    "i", "i", "ij", "ij", "j",  "j", "k",  "k", "k", "l", "l", "l", "l",  "l", "l",  "l",  // 130
    "l", "l", "l",  "n",  "n",  "n", "n",  "n", "n", "n", "n", "n", "o",  "o", "o",  "o",  // 140
    "o", "o", "oe", "oe", "r",  "r", "r",  "r", "r", "r", "s", "s", "s",  "s", "s",  "s",  // 150
    "s", "s", "t",  "t",  "t",  "t", "t",  "t", "u", "u", "u", "u", "u",  "u", "u",  "u",  // 160
    "u", "u", "u",  "u",  "w",  "w", "y",  "y", "y", "z", "z", "z", "z",  "z", "z",  "s",  // 170
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The next character of well-formed UTF-8. */
static uint32_t next_character(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    uint32_t character = *at++;
    size_t more = 0;

    if (character >= 0xC0) {
        more = character >= 0xF0 ? 3 : character >= 0xE0 ? 2 : 1;
        character &= 0x3Fu >> more;
    }
    for (; more > 0 && *at != '\0'; more--)
        character = character << 6 | (*at++ & 0x3Fu);
    *text = (const char *)at;
    return character;
}

/* Letters outside of the table fall away: a name of theirs alone leaves nothing. */
char *slug_fold(struct arena *arena, const char *text)
{
    struct buffer out;

    buffer_init(&out, arena, strlen(text) + 1);
    buffer_puts(&out, "");
    while (*text != '\0' && out.length < TEXT_LENGTH_MAX) {
        uint32_t character = next_character(&text);
        char ascii[2] = {(char)character, '\0'};
        const char *fold = "-";
        if (character == APOSTROPHE) {
            fold = "";
        } else if (character >= FOLD_FIRST && character <= FOLD_LAST) {
            fold = FOLDS[character - FOLD_FIRST];
        } else if (character < 0x80) {
            if (character >= 'A' && character <= 'Z')
                ascii[0] = (char)(character + ('a' - 'A'));
            fold = ascii[0] == '\'' ? "" : is_alphanumeric(ascii[0]) ? ascii : "-";
        }
        bool is_separator = *fold == '-';
        if (!is_separator)
            buffer_puts(&out, fold);
        else if (out.length > 0 && out.data[out.length - 1] != '-')
            buffer_putc(&out, '-');
    }
    while (out.length > 0 && (out.length > TEXT_LENGTH_MAX || out.data[out.length - 1] == '-'))
        out.data[--out.length] = '\0';
    return out.data;
}

char *slug_derive(struct arena *arena, const char *name, const char *handle, const char *id)
{
    char *slug = slug_fold(arena, name);

    if (*slug == '\0')
        slug = slug_fold(arena, handle);
    return *slug != '\0' ? slug : arena_strdup(arena, id);
}

bool slug_is_valid(const char *slug)
{
    size_t length = strlen(slug);

    if (length == 0 || slug[0] == '-' || slug[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(slug[i]) && !(slug[i] == '-' && slug[i - 1] != '-'))
            return false;
    return true;
}

/* The shape of BCP 47: a language of two or three letters, then subtags of one to eight letters and
 * digits. */
bool locale_is_valid(const char *locale)
{
    size_t language = strspn(locale, "abcdefghijklmnopqrstuvwxyz");

    if (language < 2 || language > 3)
        return false;
    for (locale += language; *locale == '-';) {
        size_t length =
            strspn(++locale, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        if (length < 1 || length > 8)
            return false;
        locale += length;
    }
    return *locale == '\0';
}

const char *slug_free(struct arena *arena, const struct map *taken, const char *place,
                      const char *base, const char *owner)
{
    const char *slug = base;

    for (int64_t number = 2;; number++) {
        const char *taker = map_get(taken, arena_printf(arena, "%s %s", place, slug));
        if (taker == NULL || str_equal(taker, owner))
            return slug;
        const char *suffix = arena_printf(arena, "-%" PRId64, number);
        size_t kept = strlen(base);
        if (kept + strlen(suffix) > TEXT_LENGTH_MAX)
            kept = TEXT_LENGTH_MAX - strlen(suffix);
        slug = arena_printf(arena, "%.*s%s", (int)kept, base, suffix);
    }
}
