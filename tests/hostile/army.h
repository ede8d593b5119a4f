/* army.h - many connections that misbehave in one way, all at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct behaviour {
    const char *label;
    const char *opening; /* sent at once; NULL: nothing */
    const char *drip;    /* then this, every drip_ms; NULL: nothing */
    int drip_ms;         /* 0: as fast as it goes */
    int read_bytes;      /* at each drip; 0: reads nothing, -1: all there is */
    int repeat;          /* of the opening; 0: once */
    bool half_closes;    /* after the opening */
    bool resets;         /* after the opening, by RST */
};

struct losses {
    long connected; /* one that ended is replaced */
    long answered;  /* that read an answer */
};

/* `size` connections to the port for this long; those that end are replaced. */
struct losses army_march(const struct behaviour *behaviour, int port, int size, int for_ms);
