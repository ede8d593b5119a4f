/* fuzz.h - what the targets share: taking a target's input apart, and properties that must hold. */
#pragma once

#include "common/arena.h"
#include "common/compiler.h"
#include "proto/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls; the first once. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_ARENA_MAX = 16 * 1024 * 1024 };

/* Ends the process with the name of the property that was hurt. */
#define ALWAYS(property)                                                                           \
    do {                                                                                           \
        if (!(property))                                                                           \
            fuzz_hurt(#property, __FILE__, __LINE__);                                              \
    } while (0)
_Noreturn void fuzz_hurt(const char *property, const char *file, int line);

/* The part of an input that is not taken yet. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Zero and "" at the end: every input means something. */
uint8_t fuzz_byte(struct fuzz_input *input);
int64_t fuzz_int64(struct fuzz_input *input); /* eight bytes */
/* Up to the next line feed, which is taken too; a copy of exactly that size, so that reading past
 * it is seen. fuzz_text ends at a NUL as well. */
uint8_t *fuzz_line(struct arena *arena, struct fuzz_input *input, size_t *ret_length);
const char *fuzz_text(struct arena *arena, struct fuzz_input *input);
uint8_t *fuzz_rest(struct arena *arena, struct fuzz_input *input, size_t *ret_length);

/* The message's bytes. */
uint8_t *fuzz_pack(struct arena *arena, const ProtobufCMessage *message, size_t *ret_length);
bool fuzz_is_valid(const struct message_schema *schema, const ProtobufCMessage *message);
bool fuzz_same(const void *a, size_t a_length, const void *b, size_t b_length);
