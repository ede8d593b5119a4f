/* json_bench.c - nanoseconds to encode and to decode one order-like document of about 5.7 kB.
 *
 * Not part of the suites: build/release/bin/json_bench */
#include "common/clock.h"
#include "common/json.h"
#include "kinds.schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 50, ROUNDS = 20000 };

static const struct message_schema *const SCHEMA = &torg__test__v1__kinds__schema;

static ProtobufCMessage *create_order(struct arena *arena)
{
    Torg__Test__V1__Kinds *order = arena_new(arena, Torg__Test__V1__Kinds);

    torg__test__v1__kinds__init(order);
    order->f_string = "0193549b-0a3c-7000-8000-000000000001";
    order->f_int64 = 123456789;
    order->n_lines = LINES;
    order->lines = arena_array(arena, Torg__Test__V1__Line *, LINES);
    for (int i = 0; i < LINES; i++) {
        Torg__Test__V1__Line *line = arena_new(arena, Torg__Test__V1__Line);

        torg__test__v1__line__init(line);
        line->sku = arena_printf(arena, "MUG-%d-0193549b-0a3c-7000-8000-000000000001", i);
        line->quantity = 100 + i;
        line->n_tags = 2;
        line->tags = arena_array(arena, const char *, 2);
        line->tags[0] = "colour:cobalt";
        line->tags[1] = "size:large";
        order->lines[i] = line;
    }
    return &order->base;
}

int main(void)
{
    struct arena *kept = arena_create((size_t)1 << 20), *arena = arena_create((size_t)1 << 20);
    ProtobufCMessage *order = create_order(kept), *back;
    struct buffer text, out;

    buffer_init(&text, kept, 0);
    json_encode(&text, SCHEMA, order, true);

    int64_t start = clock_monotonic_us();

    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(arena);
        buffer_init(&out, arena, 8192);
        json_encode(&out, SCHEMA, order, true);
    }

    int64_t encoded = clock_monotonic_us();

    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(arena);
        if (json_decode(arena, SCHEMA, text.data, text.length, false, &back).code != STATUS_OK)
            return EXIT_FAILURE;
    }

    int64_t decoded = clock_monotonic_us();

    (void)printf("%zu bytes: encode %lld ns, decode %lld ns\n", text.length,
                 (long long)(encoded - start) * 1000 / ROUNDS,
                 (long long)(decoded - encoded) * 1000 / ROUNDS);
    arena_destroy(arena);
    arena_destroy(kept);
    return EXIT_SUCCESS;
}
