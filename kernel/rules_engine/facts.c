/* facts.c - a set of values over a vocabulary. */
#include "rules_engine/facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct facts facts_create(struct arena *arena, const struct fact_def *vocabulary, size_t count)
{
    return (struct facts){
        .vocabulary = vocabulary,
        .count = count,
        .values = arena_array(arena, struct fact, count),
    };
}

/* A name outside the vocabulary is a mistake in the program, not in a rule. */
static struct fact *place(struct facts *facts, const char *name, enum fact_type type)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->vocabulary[i].name, name) != 0)
            continue;
        assert(facts->vocabulary[i].type == type);
        facts->values[i] = (struct fact){.is_present = true};
        return &facts->values[i];
    }
    assert(false && "a fact of the vocabulary");
    return NULL;
}

void facts_set_int(struct facts *facts, const char *name, int64_t value)
{
    place(facts, name, FACT_INT)->integer = value;
}

void facts_set_bool(struct facts *facts, const char *name, bool value)
{
    place(facts, name, FACT_BOOL)->integer = value;
}

void facts_set_time(struct facts *facts, const char *name, int64_t time_us)
{
    place(facts, name, FACT_TIME)->integer = time_us;
}

void facts_set_text(struct facts *facts, const char *name, const char *value)
{
    struct fact *fact = place(facts, name, FACT_TEXT);

    fact->text = value;
    fact->is_present = value != NULL;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void facts_set_texts(struct arena *arena, struct facts *facts, const char *name,
                     const char *const *values, size_t count)
{
    struct fact *fact = place(facts, name, FACT_TEXT_SET);
    const char **sorted = arena_array(arena, const char *, count);

    for (size_t i = 0; i < count; i++)
        sorted[i] = values[i];
    if (count > 1)
        qsort(sorted, count, sizeof(sorted[0]), compare_texts);
    fact->texts = sorted;
    fact->text_count = count;
}
