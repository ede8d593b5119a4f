/* value_fuzz.c - the small parsers: what is taken is written back, and means the same.
 *
 * Input: a byte that chooses the parser, then its text. */
#include "fuzz.h"

#include "base64.h"
#include "common/clock.h"
#include "common/decimal.h"
#include "common/money.h"
#include "common/str.h"
#include "common/uuid.h"
#include "rfc3339.h"

#include <string.h>

static void check_decimal(struct arena *arena, const char *text)
{
    struct decimal value, again, rescaled;
    int64_t minor;

    if (!decimal_parse(text, &value))
        return;
    ALWAYS(value.scale >= 0 && value.scale <= DECIMAL_SCALE_MAX);
    ALWAYS(decimal_parse(decimal_format(arena, value), &again));
    ALWAYS(again.unscaled == value.unscaled && again.scale == value.scale);
    ALWAYS(decimal_compare(value, again) == 0);
    for (enum rounding rounding = ROUND_HALF_EVEN; rounding <= ROUND_UP; rounding++) {
        if (decimal_rescale(value, 2, rounding, &rescaled) && value.scale <= 2)
            ALWAYS(decimal_compare(value, rescaled) == 0);
        (void)decimal_multiply_round(value, 1000000, 2, rounding, &minor);
        (void)decimal_multiply_round(value, INT64_MIN, -12, rounding, &minor);
    }
}

static void check_uuid(struct arena *arena, const char *text)
{
    struct uuid id, again;

    if (!uuid_parse(text, &id))
        return;
    ALWAYS(str_equal_ignore_case(uuid_text(arena, id), text));
    ALWAYS(uuid_parse(uuid_text(arena, id), &again) && uuid_equal(id, again));
    (void)uuid_time_ms(id);
}

static void check_time(struct arena *arena, const char *text)
{
    char out[RFC3339_MAX];
    int64_t seconds, again_seconds, time_us, again_us;
    int32_t nanos, again_nanos;
    bool is_time = rfc3339_parse(text, strlen(text), &seconds, &nanos);

    ALWAYS(is_time == clock_parse(text, &time_us));
    if (!is_time)
        return;
    ALWAYS(seconds >= RFC3339_SECONDS_MIN && seconds <= RFC3339_SECONDS_MAX);
    size_t length = rfc3339_format(seconds, nanos, out);
    ALWAYS(rfc3339_parse(out, length, &again_seconds, &again_nanos));
    ALWAYS(seconds == again_seconds && nanos == again_nanos);
    ALWAYS(clock_parse(clock_format(arena, time_us), &again_us) && time_us == again_us);
}

static void check_base64(struct arena *arena, const char *text)
{
    uint8_t *data;
    size_t length;

    if (str_from_base64url(arena, text, &data, &length))
        ALWAYS(str_equal(str_base64url(arena, data, length), text));
    if (str_from_base64(arena, text, strlen(text), &data, &length))
        ALWAYS(str_equal(str_base64(arena, data, length), text));
    data = arena_alloc(arena, base64_decoded_bound(strlen(text)));
    if (base64_decode(BASE64_ANY, text, strlen(text), data, &length))
        ALWAYS(length <= base64_decoded_bound(strlen(text)));
}

static void check_number(struct arena *arena, const char *text)
{
    struct buffer out;
    int64_t number, again;
    uint8_t bytes[8];

    buffer_init(&out, arena, 32);
    if (str_to_int64(text, &number)) {
        buffer_put_int(&out, number);
        ALWAYS(str_to_int64(out.data, &again) && number == again);
    }
    if (str_from_hex(text, bytes, sizeof bytes))
        ALWAYS(str_equal_ignore_case(str_hex(arena, bytes, sizeof bytes), text));
    if (str_is_utf8(text, strlen(text)))
        ALWAYS(str_utf8_length(text) <= strlen(text));
}

/* Shares add up and stay within the amount. */
static void check_split(struct arena *arena, const char *text)
{
    enum { SHARES_MAX = 16 };
    struct fuzz_input input = {(const uint8_t *)text, strlen(text)};
    int64_t amount = fuzz_int64(&input), weights[SHARES_MAX], shares[SHARES_MAX];
    __int128 sum = 0;
    size_t count = 0;

    (void)arena;
    while (input.left > 0 && count < SHARES_MAX)
        weights[count++] = fuzz_int64(&input) & INT64_MAX;
    if (count == 0)
        return;
    money_split(amount, weights, count, shares);
    for (size_t i = 0; i < count; i++) {
        ALWAYS(amount < 0 ? shares[i] <= 0 && shares[i] >= amount
                          : shares[i] >= 0 && shares[i] <= amount);
        sum += shares[i];
    }
    ALWAYS(sum == amount);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const CHECKS[])(struct arena *, const char *) = {
        check_decimal, check_uuid, check_time, check_base64, check_number, check_split};
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input) % ARRAY_LEN(CHECKS);
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    const char *text = arena_strndup(arena, (const char *)input.at,
                                     input.left ? strnlen((const char *)input.at, input.left) : 0);

    CHECKS[choice](arena, text);
    arena_destroy(arena);
    return 0;
}
