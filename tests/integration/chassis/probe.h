/* probe.h - the service that these tests run: one table, a few statements, and a world of it. */
#pragma once

#include "world.h"

extern const struct service PROBE;

/* Statements on probe.item (id uuid, name text UNIQUE, quantity bigint CHECK >= 0). */
extern const struct db_stmt ADD_ITEM;     /* id, name, quantity */
extern const struct db_stmt FIND_ITEM;    /* name -> id, quantity */
extern const struct db_stmt LOCK_ITEM;    /* name -> quantity */
extern const struct db_stmt CHANGE_ITEM;  /* name, difference */
extern const struct db_stmt LIST_ITEMS;   /* -> name */
extern const struct db_stmt DIVIDE;       /* a, b -> a / b */
extern const struct db_stmt SLEEP;        /* seconds -> true */
extern const struct db_stmt END_BACKEND;  /* ends this session from inside */
extern const struct db_stmt ADD_FATE;     /* a row that ends the session when it is committed */
extern const struct db_stmt ECHO_VALUES;  /* one of every scalar type, back again */
extern const struct db_stmt ECHO_ARRAYS;  /* one of every array type, back again */
extern const struct db_stmt MANY_NUMBERS; /* count -> rows of 1..count and a text of 100 letters */

/* Adds an item in a transaction of its own. */
void given_item(struct daemon *daemon, const char *name, int64_t quantity);
