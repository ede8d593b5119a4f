/* facts.h - the named values that rules are evaluated over: numbers, texts and sets of texts. */
#pragma once

#include "common/arena.h"
#include "common/decimal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fact_type { FACT_INT, FACT_BOOL, FACT_TEXT, FACT_TEXT_SET, FACT_TIME };

/* A vocabulary is declared by the domain as a table: rules name facts, the compiler of a rule turns
 * names into indexes and refuses unknown ones. */
struct fact_def {
    const char *name; /* "cart.subtotal" */
    enum fact_type type;
    const char *doc;
};

struct fact {
    bool is_present;
    int64_t integer;          /* INT, BOOL, TIME (us) */
    const char *text;         /* TEXT */
    const char *const *texts; /* TEXT_SET, sorted with strcmp */
    size_t text_count;
};

struct facts {
    const struct fact_def *vocabulary;
    size_t count;
    struct fact *values; /* parallel to the vocabulary */
};

struct facts facts_create(struct arena *arena, const struct fact_def *vocabulary, size_t count);
void facts_set_int(struct facts *facts, const char *name, int64_t value);
void facts_set_bool(struct facts *facts, const char *name, bool value);
void facts_set_time(struct facts *facts, const char *name, int64_t time_us);
void facts_set_text(struct facts *facts, const char *name, const char *value);
/* Sorts a copy in the arena. */
void facts_set_texts(struct arena *arena, struct facts *facts, const char *name,
                     const char *const *values, size_t count);
