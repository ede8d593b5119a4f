/* email.c - what an address and a password must look like. */
#include "customer.h"

#include "common/str.h"

#include <string.h>

enum { PASSWORD_MIN = 10, PASSWORD_MAX = 128 };

const char *email_key(struct arena *arena, const char *email)
{
    char *key = arena_strdup(arena, email);

    for (char *p = key; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return key;
}

bool is_email(const char *text)
{
    const char *at = strchr(text, '@');

    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("<>()[],;:\\\"", *text) != NULL)
            return false;
    return true;
}

const char *password_problem(const char *password, const char *email)
{
    const size_t length = str_utf8_length(password);

    if (length < PASSWORD_MIN || length > PASSWORD_MAX)
        return "10 to 128 characters";
    if (str_equal_ignore_case(password, email))
        return "another text than the e-mail address";
    return NULL;
}
