/* later.c - what has to become true once nobody is killed any more. */
#include "stories.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NOTES_MAX = 2000,
    SETTLE_MS = 120000,
    POLL_MS = 100,
    TEXT_MAX = 128,
    LINE_MAX_BYTES = 600,
    PATH_LENGTH_MAX = 512
};

static const char *const KINDS[] = {"paid", "refunded", "open", "closed", "mailed"};

static char case_label[TEXT_MAX];

/* Also outside of tests, so nothing here may assert. */
static FILE *open_notes(const char *mode)
{
    char path[PATH_LENGTH_MAX];

    snprintf(path, sizeof path, "%s/crash/later", getenv("TORG_SHOP_VAR"));
    return fopen(path, mode);
}

void later_case(const char *label)
{
    snprintf(case_label, sizeof case_label, "%s", label);
}

/* Appended: a case runs in a process of its own. */
void later(enum later_kind kind, const char *id, const char *more)
{
    FILE *file = open_notes("a");

    ck_assert_ptr_nonnull(file);
    fprintf(file, "%d\t%s\t%s\t%s\n", (int)kind, id, more, case_label);
    fclose(file);
}

struct note {
    int kind;
    char id[TEXT_MAX], more[TEXT_MAX], label[TEXT_MAX];
};

static struct note notes[NOTES_MAX];

size_t later_count(void)
{
    char line[LINE_MAX_BYTES];
    size_t count = 0;
    FILE *file = open_notes("r");

    while (file != NULL && count < NOTES_MAX && fgets(line, sizeof line, file) != NULL) {
        struct note *note = &notes[count];
        count += sscanf(line, "%d\t%127[^\t]\t%127[^\t]\t%127[^\n]", &note->kind, note->id,
                        note->more, note->label) == 4;
    }
    if (file != NULL)
        fclose(file);
    return count;
}

const char *later_label(size_t i)
{
    static char label[2 * TEXT_MAX];

    snprintf(label, sizeof label, "%s of %s", KINDS[notes[i].kind], notes[i].label);
    return label;
}

static bool is_true(const struct note *note, struct answer *ret_answer)
{
    const struct {
        const char *path, *member, *wanted;
    } asked[] = {
        [LATER_PAID] = {"/orders/%s", "paymentStatus", "PAYMENT_STATUS_PAID"},
        [LATER_REFUNDED] = {"/orders/%s", "paymentStatus", "PAYMENT_STATUS_REFUNDED"},
        [LATER_OPEN] = {"/carts/%s", "cart.state", "CART_STATE_OPEN"},
        [LATER_CLOSED] = {"/carts/%s", "cart.state", "CART_STATE_CLOSED"},
    };

    if (note->kind == LATER_MAILED) {
        *ret_answer = mailbox(note->id);
        return ret_answer->status == 200 && strstr(ret_answer->text, note->more) != NULL;
    }
    const char *id = note->id;
    char path[2 * TEXT_MAX];
    snprintf(path, sizeof path, note->kind <= LATER_REFUNDED ? "/orders/%s" : "/carts/%s", id);
    *ret_answer = store("GET", path, NULL, NULL);
    if (note->kind == LATER_CLOSED && ret_answer->status == 404)
        return true; // closed carts are forgotten
    const struct json_node *node =
        ret_answer->body == NULL ? NULL : node_at(*ret_answer, asked[note->kind].member);
    return node != NULL && node->text != NULL && strcmp(node->text, asked[note->kind].wanted) == 0;
}

void then_later(size_t i)
{
    int64_t deadline_us = clock_monotonic_us() + SETTLE_MS * INT64_C(1000);
    struct answer answer;

    while (!is_true(&notes[i], &answer)) {
        ck_assert_msg(clock_monotonic_us() < deadline_us, "%s %s: not %s within %d s: %ld %s",
                      notes[i].id, notes[i].more, KINDS[notes[i].kind], SETTLE_MS / 1000,
                      answer.status, answer.text);
        usleep(POLL_MS * 1000);
    }
}
