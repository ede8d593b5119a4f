/* wire.c - timestamps, money, decimals and violations as messages. */
#include "chassis/wire.h"

#include "common/str.h"

#include <string.h>

static const int64_t US_PER_SECOND = 1000000;

Google__Protobuf__Timestamp *wire_time(struct arena *arena, int64_t time_us)
{
    if (time_us == 0)
        return NULL;

    Google__Protobuf__Timestamp *time = arena_new(arena, Google__Protobuf__Timestamp);
    int64_t rest_us = time_us % US_PER_SECOND;

    google__protobuf__timestamp__init(time);
    if (rest_us < 0)
        rest_us += US_PER_SECOND; // nanos count forward, also before 1970
    time->seconds = (time_us - rest_us) / US_PER_SECOND;
    time->nanos = (int32_t)(rest_us * 1000);
    return time;
}

int64_t wire_time_us(const Google__Protobuf__Timestamp *time)
{
    return time == NULL ? 0 : time->seconds * US_PER_SECOND + time->nanos / 1000;
}

Google__Protobuf__Timestamp *wire_time_first(Google__Protobuf__Timestamp *a,
                                             Google__Protobuf__Timestamp *b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    return wire_time_us(a) <= wire_time_us(b) ? a : b;
}

Common__V1__Money *wire_money(struct arena *arena, struct money amount)
{
    Common__V1__Money *money = arena_new(arena, Common__V1__Money);

    common__v1__money__init(money);
    money->minor_units = amount.minor;
    money->currency_code = arena_strdup(arena, amount.currency);
    return money;
}

struct money wire_money_value(const Common__V1__Money *money)
{
    struct money amount = {0};

    if (money == NULL)
        return amount;
    amount.minor = money->minor_units;
    strncpy(amount.currency, money->currency_code, sizeof amount.currency - 1);
    return amount;
}

Common__V1__Decimal *wire_decimal(struct arena *arena, struct decimal value)
{
    Common__V1__Decimal *decimal = arena_new(arena, Common__V1__Decimal);

    common__v1__decimal__init(decimal);
    decimal->unscaled = value.unscaled;
    decimal->scale = value.scale;
    return decimal;
}

struct decimal wire_decimal_value(const Common__V1__Decimal *decimal)
{
    if (decimal == NULL)
        return (struct decimal){0};
    return (struct decimal){decimal->unscaled, decimal->scale};
}

struct db_bytes wire_pack(struct arena *arena, const ProtobufCMessage *message)
{
    uint8_t *packed = arena_alloc(arena, protobuf_c_message_get_packed_size(message));

    return (struct db_bytes){packed, protobuf_c_message_pack(message, packed)};
}

Common__V1__FieldViolation **wire_violations(struct arena *arena,
                                             const struct violation *violations, size_t *ret_count)
{
    size_t count = 0;
    for (const struct violation *v = violations; v; v = v->next)
        count++;
    Common__V1__FieldViolation **messages = arena_array(arena, Common__V1__FieldViolation *, count);
    *ret_count = count;
    count = 0;
    for (const struct violation *v = violations; v; v = v->next) {
        Common__V1__FieldViolation *message = arena_new(arena, Common__V1__FieldViolation);
        common__v1__field_violation__init(message);
        message->field = v->field;
        message->value = str_or_empty(v->value);
        message->allowed = v->allowed;
        messages[count++] = message;
    }
    return messages;
}

const struct violation *wire_violation_list(struct arena *arena,
                                            Common__V1__FieldViolation *const *violations,
                                            size_t count)
{
    struct violation *first = NULL;
    for (size_t i = count; i-- > 0;) {
        struct violation *violation = arena_new(arena, struct violation);
        violation->field = violations[i]->field;
        violation->value = violations[i]->value;
        violation->allowed = violations[i]->allowed;
        violation->next = first;
        first = violation;
    }
    return first;
}
