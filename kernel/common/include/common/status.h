/* status.h - the one error value that crosses function boundaries. */
#pragma once

/* Numbers are those of google.rpc.Code, so the wire needs no mapping table. */
enum status_code {
    STATUS_OK = 0,
    STATUS_CANCELLED = 1,
    STATUS_UNKNOWN = 2,
    STATUS_INVALID_ARGUMENT = 3,
    STATUS_DEADLINE_EXCEEDED = 4,
    STATUS_NOT_FOUND = 5,
    STATUS_ALREADY_EXISTS = 6,
    STATUS_PERMISSION_DENIED = 7,
    STATUS_RESOURCE_EXHAUSTED = 8,
    STATUS_FAILED_PRECONDITION = 9,
    STATUS_ABORTED = 10,
    STATUS_OUT_OF_RANGE = 11,
    STATUS_UNIMPLEMENTED = 12,
    STATUS_INTERNAL = 13,
    STATUS_UNAVAILABLE = 14,
    STATUS_DATA_LOSS = 15,
    STATUS_UNAUTHENTICATED = 16,
    /* Never on the wire: the stored reply of an earlier call with the same idempotency key is in
     * the call's context, and the RPC server answers it. */
    STATUS_REPLAYED = 100,
};

/* One refused input: which field, what it held, what it may hold. */
struct violation {
    const char *field;   /* JSON path, as in "lines[2].quantity" */
    const char *value;   /* as received; shortened when long; "" for a personal-data field */
    const char *allowed; /* a sentence a developer can act on */
    const struct violation *next;
};

#if defined(__clang__)
#define STATUS_MUST_USE __attribute__((__warn_unused_result__))
#else
#define STATUS_MUST_USE [[nodiscard]]
#endif

struct STATUS_MUST_USE status {
    enum status_code code;
    const char *reason;                 /* UPPER_SNAKE, static storage; NULL when OK */
    const char *detail;                 /* for logs and developers; arena storage; may be NULL */
    const struct violation *violations; /* arena storage; NULL when none */
};

/* A refusal a caller can meet; a constant in the file that refuses, listed in main.c's ERRORS. */
struct error_def {
    enum status_code code;
    const char *reason;
    const char *hint; /* what the caller can do; printed in the error reference */
};

/* The only control-flow macro in the tree: hand a failure to our caller. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        struct status try_status_ = (expr);                                                        \
        if (try_status_.code != STATUS_OK)                                                         \
            return try_status_;                                                                    \
    } while (0)

static inline struct status status_ok(void)
{
    return (struct status){.code = STATUS_OK};
}

/* `reason` is static, `detail` outlives the status (static or arena); either may be NULL. */
static inline struct status status_error(enum status_code code, const char *reason,
                                         const char *detail)
{
    return (struct status){.code = code, .reason = reason, .detail = detail};
}

/* "invalid_argument", the Connect protocol's name of a code; "unknown" for a number it lacks. */
const char *status_code_name(enum status_code code);

/* The code of a Connect name; STATUS_UNKNOWN when there is none. */
enum status_code status_code_from_name(const char *name);
