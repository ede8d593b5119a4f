/* stories.h - what happens in the shop while one of its daemons dies.
 *
 * A story is told by a client that does not give up: it repeats what was not answered for good,
 * under the same key and by way of the other gateway. Whatever is true only later is noted, and
 * looked at once all cases have been run. */
#pragma once

#include "given.h"

/* Between the steps of one story. */
struct plot {
    const char *daemon; /* of whom the case is about */
    const char *cart, *key, *checkout, *order, *email, *tenders;
    struct item item;
    int64_t total;
};

struct story {
    const char *name;
    void (*given)(struct plot *plot); /* before anybody can die; NULL: nothing */
    void (*when)(struct plot *plot);  /* with the client's final answer */
    void (*then)(struct plot *plot);  /* when all are alive again; NULL: nothing more */
};

extern const struct story SALE, CARD, DECLINED, TWO_CARDS, SHORT, CANCELLED, BANK, RESUMED, EXPIRED,
    ADD_LINE, IMPORT, MAIL, RELAY_ANEW, RELAY_STOPPED, CONSUMER_STOPPED, REPRICED, PARKED,
    PARKED_AGAIN, PARKED_DEAD;

/* Once, before all: what every story sells. */
void stories_begin(void);

/* later.c: what has to become true, of which case. One line each in var/crash/later. */
enum later_kind { LATER_PAID, LATER_REFUNDED, LATER_OPEN, LATER_CLOSED, LATER_MAILED };
void later(enum later_kind kind, const char *id, const char *more);
void later_case(const char *label); /* the notes from now on are this case's */
size_t later_count(void);
const char *later_label(size_t i);
void then_later(size_t i);
