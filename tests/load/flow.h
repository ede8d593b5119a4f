/* flow.h - what a buyer does, as a table of requests, and the values that go from one to the next.
 *
 * {name} in a path, a header or a body stands for a value: a column of the file of values, taken
 * from an earlier answer, or {unique}, which no other flow has. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { TAKES_MAX = 3, VALUES_MAX = 24, VALUE_LENGTH_MAX = 128, REQUESTS_MAX = 12 };

/* What an answer must hold; one of status 202 may lack it. */
struct take {
    const char *name; /* of the value */
    const char *path; /* where it stands in the answer: "shippingOptions.0.id" */
};

struct request {
    const char *name; /* in the report; NULL ends a flow */
    const char *method;
    const char *path;
    const char *header; /* one more, or NULL */
    const char *body;   /* JSON, or NULL */
    struct take takes[TAKES_MAX];
    bool may_be_refused; /* 409 and 422 end the flow; they are counted, not held against it */
    /* Asked only when the answer before was 202, again and again until `done` is in the answer. */
    bool follows_accepted;
    const char *done;
};

struct flow {
    const char *name;
    const char *doc;
    const struct request *requests;
    const char *until; /* the request that it ends before, or NULL: all of them */
};

const struct flow *flow_find(const char *name);
void flows_print(void);

/* The values of one running flow, by slot; slots are given out by value_slot(). */
struct values {
    char texts[VALUES_MAX][VALUE_LENGTH_MAX];
};

int value_slot(const char *name, size_t length); /* of a name, made when it is new */

/* A text with its placeholders found; pieces alternate: literal, value, literal... */
enum { PIECES_MAX = 16 };
struct template
{
    struct {
        const char *literal;
        size_t length;
        int slot; /* behind the literal; -1: none */
    } pieces[PIECES_MAX];
    size_t count;
};

void template_parse(struct template *template, const char *text);
/* Appends at *length, which it moves; false when it does not fit. */
bool template_expand(const struct template *template, const struct values *values, char *out,
                     size_t size, size_t *length);
