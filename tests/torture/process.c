/* process.c - hand, and what becomes of the processes that it starts.
 *
 * This program is the subreaper: whatever its descendants leave behind becomes its child, so that
 * it hears of every daemon's end and knows how it ended. One thread waits for all of them. */
#include "torture.h"

#include "common/clock.h"
#include "common/str.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANDS_MAX = 32, NAMES_MAX = 48, START_MS = 20000, LOOK_US = 500000 };

struct hand {
    pid_t pid; /* 0: free */
    bool has_ended;
    int status;
};

struct process {
    char name[32];
    int port;
    int held;
    int64_t started_ms; /* by us, last */
};

static const struct shop *shop;
static struct hand hands[HANDS_MAX];
static struct process processes[NAMES_MAX];
static int process_count;
static int crashes;
static atomic_bool is_managing;
static pthread_t manager;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

static pid_t pid_of(const char *name)
{
    char path[512];
    int pid = 0;

    (void)snprintf(path, sizeof path, "%s/run/%s.pid", shop->var, name);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file != NULL)
        fclose(file);
    return pid;
}

/* A daemon that ends by such a signal has a defect, whatever was done to it. */
static bool is_crash(int status)
{
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    return signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGFPE ||
           signal == SIGILL;
}

/* The caller holds the lock. */
static void note_end(pid_t pid, int status)
{
    for (int i = 0; i < process_count; i++) {
        struct process *process = &processes[i];

        if (pid_of(process->name) != pid)
            continue;
        crashes += is_crash(status);
        if (process->held > 0 && !is_crash(status))
            return;
        history_note("process", "%s ended by itself, %s %d", process->name,
                     WIFSIGNALED(status) ? "signal" : "exit status",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static void *reap(void *nothing)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        bool is_hand = false;

        if (pid <= 0) {
            usleep(20000);
            continue;
        }
        pthread_mutex_lock(&lock);
        for (int i = 0; i < HANDS_MAX; i++)
            if (hands[i].pid == pid) {
                hands[i].has_ended = is_hand = true;
                hands[i].status = status;
                pthread_cond_broadcast(&ended);
            }
        if (!is_hand)
            note_end(pid, status);
        pthread_mutex_unlock(&lock);
    }
    return nothing;
}

void process_watch(const struct shop *of)
{
    pthread_t reaper;

    shop = of;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pthread_create(&reaper, NULL, reap, NULL);
    pthread_detach(reaper);
}

/* Only calls that are safe between fork and exec of a threaded process. */
static pid_t fork_hand(const char *command, int output)
{
    char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)command, NULL};
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    dup2(output, STDOUT_FILENO);
    execv("/bin/sh", argv);
    _exit(127);
}

static int run(const char *arguments, int output)
{
    char command[1024];
    int slot = 0;

    (void)snprintf(command, sizeof command, "exec '%s' %s 2>>'%s/log/hand.log'", shop->hand,
                   arguments, shop->var);
    pthread_mutex_lock(&lock);
    while (hands[slot].pid != 0)
        slot++;
    assert(slot < HANDS_MAX);
    hands[slot] = (struct hand){.pid = fork_hand(command, output)};
    while (!hands[slot].has_ended)
        pthread_cond_wait(&ended, &lock);
    int status = hands[slot].status;
    hands[slot].pid = 0;
    pthread_mutex_unlock(&lock);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int process_hand(const char *format, ...)
{
    char arguments[512], path[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);

    (void)snprintf(path, sizeof path, "%s/log/hand.log", shop->var);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dprintf(log, "--- %s\n", arguments);
    int status = run(arguments, log);
    close(log);
    return status;
}

char *process_ask(struct arena *arena, const char *arguments, int *ret_status)
{
    struct buffer text;
    char piece[4096];
    FILE *file = tmpfile();

    buffer_init(&text, arena, sizeof piece);
    buffer_puts(&text, "");
    *ret_status = run(arguments, fileno(file));
    rewind(file);
    for (size_t length; (length = fread(piece, 1, sizeof piece, file)) > 0;)
        buffer_append(&text, piece, length);
    fclose(file);
    return text.data;
}

void process_hold(const char *name, bool is_held)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < process_count; i++)
        if (strcmp(processes[i].name, name) == 0)
            processes[i].held += is_held ? 1 : -1;
    pthread_mutex_unlock(&lock);
}

static void load_names(void)
{
    struct arena *arena = arena_create(1 << 20);
    char *rest = NULL;
    int status;
    char *names = process_ask(arena, "names", &status);

    for (char *line = strtok_r(names, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct process *process = &processes[process_count++];
        assert(process_count <= NAMES_MAX);
        (void)sscanf(line, "%31s %d", process->name, &process->port);
    }
    arena_destroy(arena);
}

static void start_what_ended(struct process *process)
{
    const pid_t pid = pid_of(process->name);
    const int64_t now_ms = clock_monotonic_us() / 1000;

    pthread_mutex_lock(&lock);
    bool is_wanted = process->held == 0 && (pid == 0 || (kill(pid, 0) != 0 && errno == ESRCH)) &&
                     now_ms - process->started_ms > START_MS;
    if (is_wanted)
        process->started_ms = now_ms;
    pthread_mutex_unlock(&lock);
    if (is_wanted)
        (void)process_hand("start %s", process->name);
}

static void *manage(void *nothing)
{
    while (atomic_load(&is_managing)) {
        for (int i = 0; i < process_count; i++)
            start_what_ended(&processes[i]);
        usleep(LOOK_US);
    }
    return nothing;
}

void process_manage(void)
{
    load_names();
    atomic_store(&is_managing, true);
    pthread_create(&manager, NULL, manage, NULL);
}

void process_unmanage(void)
{
    if (atomic_exchange(&is_managing, false))
        pthread_join(manager, NULL);
}

bool process_all_answer(void)
{
    for (int i = 0; i < process_count; i++) {
        const pid_t pid = pid_of(processes[i].name);
        if (pid == 0 || kill(pid, 0) != 0 || !well_answers(processes[i].name, processes[i].port))
            return false;
    }
    return true;
}

int process_crashes(void)
{
    return crashes;
}
