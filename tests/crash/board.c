/* board.c - the files that daemons map to see whether a crash point is armed. */
#include "board.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LENGTH_MAX = 512 };

static const char *const DAEMONS[] = {"catalog",      "pricing", "inventory", "marketing",
                                      "cart",         "order",   "customer",  "platform",
                                      "outbox-relay", "gateway"};
static struct crash_board *boards[sizeof DAEMONS / sizeof *DAEMONS];

void boards_create(const char *folder)
{
    char path[PATH_LENGTH_MAX];

    ck_assert_msg(mkdir(folder, 0700) == 0 || errno == EEXIST, "cannot make %s", folder);
    for (size_t i = 0; i < sizeof DAEMONS / sizeof *DAEMONS; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, DAEMONS[i]);
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, 0600);
        ck_assert_msg(file >= 0 && ftruncate(file, sizeof **boards) == 0, "cannot make %s", path);
        boards[i] = mmap(NULL, sizeof **boards, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ck_assert_msg(boards[i] != MAP_FAILED, "cannot map %s", path);
        close(file);
    }
}

static struct crash_board *board_of(const char *daemon)
{
    for (size_t i = 0; i < sizeof DAEMONS / sizeof *DAEMONS; i++)
        if (strcmp(DAEMONS[i], daemon) == 0)
            return boards[i];
    ck_abort_msg("no daemon %s", daemon);
    return NULL;
}

static struct crash_slot *slot_of(const char *daemon, enum crash_point point)
{
    return &board_of(daemon)->slots[point];
}

bool board_reached(const char *daemon, enum crash_point point)
{
    return atomic_load(&board_of(daemon)->is_reached[point]);
}

const char *board_daemon(size_t i)
{
    return i < sizeof DAEMONS / sizeof *DAEMONS ? DAEMONS[i] : NULL;
}

void board_arm(const char *daemon, enum crash_point point, const struct crash_slot *armed)
{
    struct crash_slot *slot = slot_of(daemon, point);

    atomic_store(&slot->countdown, 0);
    atomic_store(&slot->fired_pid, 0);
    slot->action = armed->action;
    memcpy(slot->subject, armed->subject, sizeof slot->subject);
    atomic_store(&slot->countdown, atomic_load(&armed->countdown));
}

pid_t board_fired(const char *daemon, enum crash_point point)
{
    return atomic_load(&slot_of(daemon, point)->fired_pid);
}

int board_countdown(const char *daemon, enum crash_point point)
{
    return atomic_load(&slot_of(daemon, point)->countdown);
}

void board_disarm(const char *daemon, enum crash_point point)
{
    atomic_store(&slot_of(daemon, point)->countdown, 0);
}

void board_clear(const char *daemon)
{
    for (int point = 0; point < CRASH_POINTS; point++)
        board_disarm(daemon, (enum crash_point)point);
}
