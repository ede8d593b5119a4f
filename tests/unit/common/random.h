/* random.h - reproducible randomness: a failing property is found again with the same seed. */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound);
/* Any int64, small and extreme ones far more often than chance would bring them. */
int64_t random_int64(struct random *random);
