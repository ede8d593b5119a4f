/* breaches.h - for each invariant a state that breaks it. */
#pragma once

/* `sql` runs as superuser in a transaction that is looked at from inside and rolled back; in it
 * foreign keys and triggers do not work. The others are brought about by invariants_test.c. */
enum breach_kind {
    BREACH_SQL,
    BREACH_CART,      /* drafts and stream entries in a database of Redis of their own */
    BREACH_TOPIC,     /* records on a topic of their own */
    BREACH_GROUP,     /* a record beyond what a group has committed */
    BREACH_COMMITTED, /* sql is run outside of the transaction, and `mend` after it */
};

struct breach {
    const char *invariant;
    enum breach_kind kind;
    const char *sql, *mend;
};

extern const struct breach BREACHES[]; /* ends with a row without an invariant */
