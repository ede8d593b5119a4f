/* wire.h - our values and the messages that carry them. Messages live in the arena. */
#pragma once

#include "chassis/db.h" /* struct db_bytes */
#include "common/arena.h"
#include "common/decimal.h"
#include "common/money.h"
#include "common/status.h"
#include "common/v1/error.pb-c.h"
#include "common/v1/money.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

#include <stdint.h>

/* 0 microseconds is "unset": a NULL message, and back. */
Google__Protobuf__Timestamp *wire_time(struct arena *arena, int64_t time_us);
int64_t wire_time_us(const Google__Protobuf__Timestamp *time);
/* The earlier of two ends, of which NULL is none. */
Google__Protobuf__Timestamp *wire_time_first(Google__Protobuf__Timestamp *a,
                                             Google__Protobuf__Timestamp *b);

Common__V1__Money *wire_money(struct arena *arena, struct money amount);
/* NULL is no money at all: zero without a currency. */
struct money wire_money_value(const Common__V1__Money *money);

Common__V1__Decimal *wire_decimal(struct arena *arena, struct decimal value);
struct decimal wire_decimal_value(const Common__V1__Decimal *decimal); /* NULL is 0 */

/* The message as bytes. */
struct db_bytes wire_pack(struct arena *arena, const ProtobufCMessage *message);

/* Violations of a refusal as a repeated field, and back; the strings are shared. */
Common__V1__FieldViolation **wire_violations(struct arena *arena,
                                             const struct violation *violations, size_t *ret_count);
const struct violation *wire_violation_list(struct arena *arena,
                                            Common__V1__FieldViolation *const *violations,
                                            size_t count);
