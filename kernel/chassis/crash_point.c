/* crash_point.c - what happens where a test armed a point. */
#include "chassis/crash_point.h"

#ifdef TORG_CRASH_POINTS

#include "chassis/log.h"
#include "common/str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LENGTH_MAX = 512 };

const struct crash_name CRASH_NAMES[CRASH_POINTS] = {
/* tidy: macro: one list is the enumeration, the names and the cases */
#define CRASH_POINT(name, text, subjects) [CRASH_##name] = {text, subjects},
#include "chassis/crash_points.def"
#undef CRASH_POINT
};

struct crash_board *crash_board;

/* Mapped once: the daemons that one test runs in its process share the first one's. */
void crash_board_open(const char *service)
{
    const char *folder = getenv("TORG_CRASH_DIR");
    char path[PATH_LENGTH_MAX];
    struct stat found;

    if (folder == NULL || crash_board != NULL ||
        snprintf(path, sizeof path, "%s/%s", folder, service) >= (int)sizeof path)
        return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &found) == 0 && found.st_size == (off_t)sizeof *crash_board) {
        void *board = mmap(NULL, sizeof *crash_board, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        crash_board = board == MAP_FAILED ? NULL : board;
    }
    close(file);
}

static bool is_armed_for(const struct crash_slot *slot, const char *subject)
{
    const char *last = subject == NULL ? NULL : strrchr(subject, '/');

    return slot->subject[0] == '\0' ||
           str_equal(slot->subject, last == NULL ? str_or_empty(subject) : last + 1);
}

struct status crash_point_reached(enum crash_point point, const char *subject)
{
    struct crash_slot *slot = &crash_board->slots[point];
    const char *name = CRASH_NAMES[point].name;

    if (!is_armed_for(slot, subject))
        return status_ok();
    if (slot->action == CRASH_REFUSE)
        return status_error(STATUS_INTERNAL, "CRASH_POINT", name);
    if (atomic_fetch_sub(&slot->countdown, 1) != 1)
        return status_ok();
    log_warn(NULL, "crash_point", LOG_STR("point", name), LOG_STR("subject", slot->subject),
             LOG_INT("action", slot->action));
    atomic_store(&slot->fired_pid, getpid());
    if (slot->action == CRASH_ERROR)
        return status_error(STATUS_UNAVAILABLE, "CRASH_POINT", name);
    if (slot->action == CRASH_DELAY)
        poll(NULL, 0, CRASH_DELAY_MS);
    else
        kill(getpid(), SIGKILL);
    return status_ok();
}

#endif
