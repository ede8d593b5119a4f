/* dice.c - chance that can be repeated. */
#include "torture.h"

uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t dice_roll(struct dice *dice, int64_t sides)
{
    return (int64_t)(dice_next(dice) % (uint64_t)sides);
}

int64_t dice_between(struct dice *dice, int64_t low, int64_t high)
{
    return low + dice_roll(dice, high - low + 1);
}

bool dice_chance(struct dice *dice, int64_t percent)
{
    return dice_roll(dice, 100) < percent;
}
