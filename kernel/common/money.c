/* money.c - amounts in minor units, and the one way to share them out. */
#include "common/money.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SHARES_MAX = 1000 };

bool money_is_currency(const char *code)
{
    if (!code)
        return false;
    for (int i = 0; i < 3; i++)
        if (code[i] < 'A' || code[i] > 'Z')
            return false;
    return code[3] == '\0';
}

struct money money_of(int64_t minor, const char *currency)
{
    struct money amount = {.minor = minor};

    assert(money_is_currency(currency));
    memcpy(amount.currency, currency, sizeof(amount.currency));
    return amount;
}

bool money_same_currency(struct money a, struct money b)
{
    return memcmp(a.currency, b.currency, sizeof(a.currency)) == 0;
}

bool money_add(struct money a, struct money b, struct money *ret_sum)
{
    struct money sum = a;

    assert(money_same_currency(a, b));
    if (__builtin_add_overflow(a.minor, b.minor, &sum.minor))
        return false;
    *ret_sum = sum;
    return true;
}

bool money_subtract(struct money a, struct money b, struct money *ret_difference)
{
    struct money difference = a;

    assert(money_same_currency(a, b));
    if (__builtin_sub_overflow(a.minor, b.minor, &difference.minor))
        return false;
    *ret_difference = difference;
    return true;
}

bool money_multiply(struct money a, int64_t factor, struct money *ret_product)
{
    struct money product = a;

    if (__builtin_mul_overflow(a.minor, factor, &product.minor))
        return false;
    *ret_product = product;
    return true;
}

struct remainder {
    __int128 value;
    size_t index;
};

static int compare_remainders(const void *a, const void *b)
{
    const struct remainder *left = a, *right = b;

    if (left->value != right->value)
        return left->value > right->value ? -1 : 1;
    return left->index < right->index ? -1 : 1;
}

void money_split(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_shares)
{
    struct remainder remainders[SHARES_MAX];
    // All arithmetic is on the negative side, where INT64_MIN has its place too.
    int64_t negated = amount < 0 ? amount : -amount, left = negated;
    __int128 total = 0;

    assert(count > 0 && count <= SHARES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(weights[i] >= 0);
        total += weights[i];
    }
    for (size_t i = 0; i < count; i++) {
        __int128 part = total > 0 ? (__int128)negated * weights[i] : 0;

        ret_shares[i] = total > 0 ? (int64_t)(part / total) : 0;
        remainders[i] = (struct remainder){total > 0 ? -(part % total) : 0, i};
        left -= ret_shares[i];
    }
    if (total == 0) {
        ret_shares[0] = left;
        left = 0;
    }
    if (left < 0)
        qsort(remainders, count, sizeof(remainders[0]), compare_remainders);
    for (size_t i = 0; left < 0; i++, left++)
        ret_shares[remainders[i].index]--;
    for (size_t i = 0; amount > 0 && i < count; i++)
        ret_shares[i] = -ret_shares[i];
}
