/* supersede.c - what setting prices does to the rows that are there. */
#include "supersede.h"

static bool is_before(int64_t time_us, int64_t until_us)
{
    return until_us == TIME_FOREVER || time_us < until_us;
}

static bool same_amount(const struct price *a, const struct price *b)
{
    return decimal_compare(a->unit, b->unit) == 0 && a->has_compare_at == b->has_compare_at &&
           (!a->has_compare_at || decimal_compare(a->compare_at, b->compare_at) == 0);
}

static void end_at(struct supersession *plan, const struct price *price, int64_t until_us)
{
    plan->ended[plan->ended_count] = *price;
    plan->ended[plan->ended_count++].valid_until_us = until_us;
}

static void add(struct supersession *plan, const struct price *price)
{
    plan->added[plan->added_count] = *price;
    plan->added[plan->added_count++].id = uuid_v7();
}

/* Where a price without an end gives way: the first scheduled row after its start. */
static int64_t next_start(const struct price *existing, size_t count, int64_t from_us)
{
    int64_t next_us = TIME_FOREVER;
    for (size_t i = 0; i < count; i++)
        if (existing[i].valid_from_us > from_us && is_before(existing[i].valid_from_us, next_us))
            next_us = existing[i].valid_from_us;
    return next_us;
}

static const struct price *holding(const struct price *existing, size_t count, int64_t at_us)
{
    for (size_t i = 0; i < count; i++)
        if (existing[i].valid_from_us <= at_us && is_before(at_us, existing[i].valid_until_us))
            return &existing[i];
    return NULL;
}

bool supersede(const struct price *existing, size_t existing_count, const struct price *wanted,
               struct supersession *plan, struct price *ret_current)
{
    int64_t from_us = wanted->valid_from_us;
    const struct price *held = holding(existing, existing_count, from_us);
    struct price added = *wanted;
    if (added.valid_until_us == TIME_FOREVER)
        added.valid_until_us = next_start(existing, existing_count, from_us);
    if (held && same_amount(held, wanted) && held->valid_until_us == added.valid_until_us) {
        *ret_current = *held;
        return false;
    }

    for (size_t i = 0; i < existing_count; i++) {
        const struct price *row = &existing[i];
        bool starts_inside =
            row->valid_from_us > from_us && is_before(row->valid_from_us, added.valid_until_us);
        if (row == held || starts_inside)
            end_at(plan, row, starts_inside ? row->valid_from_us : from_us);
    }
    const struct price *resumed = added.valid_until_us == TIME_FOREVER
                                      ? NULL
                                      : holding(existing, existing_count, added.valid_until_us);
    add(plan, &added);
    *ret_current = plan->added[plan->added_count - 1];
    if (resumed && resumed->valid_from_us < added.valid_until_us) {
        struct price rest = *resumed;
        rest.valid_from_us = added.valid_until_us;
        add(plan, &rest);
    }
    return true;
}
