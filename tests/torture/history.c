/* history.c - what clients asked and what they were told, one line each, as a file and as counts.
 *
 *   MS CLIENT NUMBER invoke OPERATION NAME=VALUE...
 *   MS CLIENT NUMBER ok|refused|unavailable|unknown OPERATION NAME=VALUE...
 *   MS CLIENT 0 note TEXT
 *
 * ok: a 2xx answer. refused: a 4xx, and nothing happened. unavailable: nobody was there, or 5xx.
 * unknown: the connection broke or time ran out. */
#include "torture.h"

#include "common/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OPERATIONS_MAX = 48, SALES_MAX = 1 << 20 };

static const char *const OUTCOME_NAMES[] = {"ok", "refused", "unavailable", "unknown"};

struct tally {
    char operation[24];
    int64_t counts[OUTCOMES];
};

static FILE *file;
static int64_t opened_us;
static int64_t numbers;
static struct tally tallies[OPERATIONS_MAX];
static int64_t sales_ms[SALES_MAX];
static int64_t sale_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void history_open(const char *path)
{
    file = fopen(path, "w");
    assert(file != NULL);
    opened_us = clock_monotonic_us();
}

void history_flush(void)
{
    pthread_mutex_lock(&lock);
    fflush(file);
    pthread_mutex_unlock(&lock);
}

void history_close(void)
{
    fclose(file);
}

int64_t history_now_ms(void)
{
    return (clock_monotonic_us() - opened_us) / 1000;
}

static struct tally *find(const char *operation)
{
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        if (*tallies[i].operation == '\0')
            (void)snprintf(tallies[i].operation, sizeof tallies[i].operation, "%s", operation);
        if (strcmp(tallies[i].operation, operation) == 0)
            return &tallies[i];
    }
    assert(false && "too many operations");
    return NULL;
}

int64_t history_invoke(const char *client, const char *operation, const char *facts)
{
    pthread_mutex_lock(&lock);
    int64_t number = ++numbers;
    fprintf(file, "%" PRId64 " %s %" PRId64 " invoke %s %s\n", history_now_ms(), client, number,
            operation, facts);
    pthread_mutex_unlock(&lock);
    return number;
}

void history_complete(int64_t number, const char *client, const char *operation,
                      enum outcome outcome, const char *facts)
{
    pthread_mutex_lock(&lock);
    find(operation)->counts[outcome]++;
    fprintf(file, "%" PRId64 " %s %" PRId64 " %s %s %s\n", history_now_ms(), client, number,
            OUTCOME_NAMES[outcome], operation, facts);
    pthread_mutex_unlock(&lock);
}

void history_note(const char *who, const char *format, ...)
{
    char what[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    fprintf(file, "%" PRId64 " %s 0 note %s\n", history_now_ms(), who, what);
    fflush(file);
    pthread_mutex_unlock(&lock);
    printf("# %7.1f s  %s: %s\n", (double)history_now_ms() / 1000, who, what);
    fflush(stdout);
}

void history_sold(void)
{
    pthread_mutex_lock(&lock);
    if (sale_count < SALES_MAX)
        sales_ms[sale_count++] = history_now_ms();
    pthread_mutex_unlock(&lock);
}

int64_t history_sales(void)
{
    return sale_count;
}

void history_print_outcomes(void)
{
    printf("# %-18s %9s %9s %12s %9s\n", "requests", "ok", "refused", "unavailable", "unknown");
    for (int i = 0; i < OPERATIONS_MAX && *tallies[i].operation != '\0'; i++) {
        const int64_t *counts = tallies[i].counts;
        printf("#   %-16s %9" PRId64 " %9" PRId64 " %12" PRId64 " %9" PRId64 "\n",
               tallies[i].operation, counts[OUTCOME_OK], counts[OUTCOME_REFUSED],
               counts[OUTCOME_UNAVAILABLE], counts[OUTCOME_UNKNOWN]);
    }
}

int64_t history_longest_gap_ms(int64_t from_ms, int64_t to_ms)
{
    int64_t longest = 0, before = 0;

    pthread_mutex_lock(&lock);
    for (int64_t i = 0; i <= sale_count; i++) {
        int64_t sale = i < sale_count ? sales_ms[i] : history_now_ms();
        bool overlaps = before < to_ms && sale > from_ms;
        if (overlaps && sale - before > longest)
            longest = sale - before;
        before = sale;
    }
    pthread_mutex_unlock(&lock);
    return longest;
}

int64_t history_first_sale_after_ms(int64_t from_ms)
{
    int64_t found = -1;

    pthread_mutex_lock(&lock);
    for (int64_t i = sale_count - 1; i >= 0 && sales_ms[i] >= from_ms; i--)
        found = sales_ms[i];
    pthread_mutex_unlock(&lock);
    return found;
}
