/* target.c - a process by its pid file, its configuration and /proc. */
#include "target.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATH_MAX_LENGTH = 512, WINDOW_MS = 500, BUSY_TICKS = 10, SETTLE_TRIES = 60 };

struct target targets[TARGETS] = {
    [AT_GATEWAY] = {.name = "gateway"}, [AT_INVENTORY] = {.name = "inventory"}};

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    if (value)
        return value;
    fprintf(stderr, "%s is not set: run this by tests/run, or beside a shop of deploy/local/up\n",
            name);
    _Exit(EXIT_FAILURE);
}

/* The first line of a file of the shop that begins with `start`, behind it. */
static bool find_line(const char *file, const char *start, char *ret_text, size_t size)
{
    char path[PATH_MAX_LENGTH];
    bool found = false;

    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", setting("TORG_SHOP_VAR"), file),
                     PATH_MAX_LENGTH);
    FILE *stream = fopen(path, "r");
    ck_assert_msg(stream != NULL, "cannot read %s", path);
    while (!found && fgets(ret_text, (int)size, stream))
        found = !strncmp(ret_text, start, strlen(start));
    fclose(stream);
    ret_text[strcspn(ret_text, "\n")] = '\0';
    memmove(ret_text, ret_text + (found ? strlen(start) : 0), strlen(ret_text) + 1);
    return found;
}

void target_setting(const struct target *target, const char *start, char *ret_text, size_t size)
{
    char file[64];

    ck_assert_int_gt(snprintf(file, sizeof file, "env/%s.env", target->name), 0);
    ck_assert_msg(find_line(file, start, ret_text, size), "%s: no %s", target->name, start);
}

void target_find(struct target *target)
{
    char file[64], line[256];

    ck_assert_int_gt(snprintf(file, sizeof file, "run/%s.pid", target->name), 0);
    ck_assert_msg(find_line(file, "", line, sizeof line), "%s does not run", target->name);
    target->pid = (int)strtol(line, NULL, 10);
    (void)snprintf(file, sizeof file, "%s_LISTEN=", target->name);
    for (char *p = file; *p != '_'; p++)
        *p = (char)toupper((unsigned char)*p);
    target_setting(target, file, line, sizeof line);
    target->port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
}

void targets_find(void)
{
    for (size_t i = 0; i < TARGETS; i++)
        target_find(&targets[i]);
}

const char *shop_key(const char *file)
{
    static char keys[2][256];
    char path[64];
    char *key = keys[strstr(file, "admin") != NULL];

    ck_assert_int_gt(snprintf(path, sizeof path, "env/%s", file), 0);
    ck_assert(find_line(path, "", key, sizeof keys[0]));
    return key;
}

static FILE *open_proc(const struct target *target, const char *file)
{
    char path[64];

    ck_assert_int_gt(snprintf(path, sizeof path, "/proc/%d/%s", target->pid, file), 0);
    FILE *stream = fopen(path, "r");
    ck_assert_msg(stream != NULL, "%s is gone: no %s", target->name, path);
    return stream;
}

static long count_descriptors(const struct target *target)
{
    char path[64];
    long count = -2; /* . and .. */

    ck_assert_int_gt(snprintf(path, sizeof path, "/proc/%d/fd", target->pid), 0);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "%s is gone: no %s", target->name, path);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

struct usage target_usage(const struct target *target)
{
    struct usage usage = {.descriptors = count_descriptors(target)};
    char text[1024] = "";
    long user = 0, kernel = 0, pages = 0;

    FILE *stat = open_proc(target, "stat");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, stat));
    fclose(stat);
    /* Fields count from the end of the name, which may contain anything. */
    const char *fields = strrchr(text, ')');
    ck_assert_int_eq(
        sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &kernel), 2);
    FILE *statm = open_proc(target, "statm");
    ck_assert_int_eq(fscanf(statm, "%*d %ld", &pages), 1);
    fclose(statm);
    usage.ticks = user + kernel;
    usage.resident_kib = pages * 4;
    return usage;
}

void target_settle(const struct target *target, long descriptors_max)
{
    struct usage before = target_usage(target), now = before;

    for (int i = 0; i < SETTLE_TRIES; i++) {
        nanosleep(&(struct timespec){0, WINDOW_MS * 1000000L}, NULL);
        now = target_usage(target);
        if (now.ticks - before.ticks <= BUSY_TICKS && now.descriptors <= descriptors_max)
            return;
        before = now;
    }
    ck_abort_msg("%s does not settle: %ld descriptors of %ld, busy for %ld ticks of %d ms",
                 target->name, now.descriptors, descriptors_max, now.ticks - before.ticks,
                 WINDOW_MS);
}
