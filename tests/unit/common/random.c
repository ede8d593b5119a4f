/* random.c - splitmix64 (Steele, Lea, Flood 2014). */
#include "random.h"

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    return random_next(random) % bound;
}

int64_t random_int64(struct random *random)
{
    uint64_t bits = random_next(random);

    switch (random_below(random, 4)) {
    case 0:
        return (int64_t)(bits % 201) - 100;
    case 1:
        return bits & 1 ? INT64_MAX - (int64_t)(bits % 100) : INT64_MIN + (int64_t)(bits % 100);
    default:
        return (int64_t)(bits >> random_below(random, 64)) * (bits & 1 ? 1 : -1);
    }
}
