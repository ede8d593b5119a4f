/* board.h - the crash points of a running shop: arming one, and what became of who met it. */
#pragma once

#include "chassis/crash_point.h"

#include <stdbool.h>
#include <sys/types.h>

/* Puts an empty board where every daemon of the shop finds its own: before the daemons start. */
void boards_create(const char *folder);
/* For the daemon's replicas; the hit-th of them all is it. */
void board_arm(const char *daemon, enum crash_point point, const struct crash_slot *armed);
/* Who was hit; 0: nobody yet. Disarms when nobody was. */
pid_t board_fired(const char *daemon, enum crash_point point);
int board_countdown(const char *daemon, enum crash_point point); /* hits until it fires */
/* Did any replica come by, armed or not? */
bool board_reached(const char *daemon, enum crash_point point);
const char *board_daemon(size_t i); /* NULL behind the last */
void board_disarm(const char *daemon, enum crash_point point);
void board_clear(const char *daemon); /* all of its points */
