/* cases.h - which story reaches which crash point, in which daemon. */
#pragma once

#include "board.h"
#include "stories.h"

struct crash_case {
    enum crash_point point;
    const char *subject; /* of crash_points.def; "" where there is none */
    const char *daemon;
    const struct story *story;
    int hit; /* the point's first hit that the case is about; 0 means 1 */
};

extern const struct crash_case CASES[];
extern const size_t CASE_COUNT;
