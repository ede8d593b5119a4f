/* redis.h - Redis through Lua scripts and single commands; a bounded pool of contexts, thread-safe.
 *
 * Every call has a time-out; a broken context is replaced. Replies live in the ctx's arena. */
#pragma once

#include "chassis/ctx.h"
#include "chassis/db.h" /* struct db_bytes */

#include <stdint.h>

/* FAILED_PRECONDITION: a script's own error; `detail` is its text, which begins with the reason. */
extern const struct error_def ERROR_SCRIPT_REFUSED;

struct redis; /* one server, opened at start; owned by the daemon's state */

struct redis_script {
    const char *name;
    const char *lua; /* compiled in by add_daemon() from scripts/<name>.lua as SCRIPT_<NAME> */
};

enum redis_kind { REDIS_NIL, REDIS_INT, REDIS_TEXT, REDIS_LIST };

struct redis_reply {
    enum redis_kind kind;
    int64_t integer;
    const char *text; /* NUL-terminated, binary-safe by length */
    size_t length;
    const struct redis_reply *items;
    size_t count;
};

/* url: redis://[user:password@]host:port[/db]. Connects lazily; pool_max bounds connections. */
struct status redis_open(struct ctx *boot, const char *url, int64_t pool_max, int64_t timeout_ms,
                         struct redis **ret_redis);
void redis_close(struct redis *redis);
struct status redis_ping(struct ctx *ctx, struct redis *redis); /* for readiness */

/* EVALSHA, with EVAL once when the server does not know the script yet. A script's own
 * `return redis.error_reply('REASON text')` comes back as FAILED_PRECONDITION with detail. */
struct status redis_eval(struct ctx *ctx, struct redis *redis, const struct redis_script *script,
                         const struct db_bytes *keys, size_t key_count, const struct db_bytes *args,
                         size_t arg_count, struct redis_reply *ret_reply);
/* One command as an argument vector. */
struct status redis_command(struct ctx *ctx, struct redis *redis, const struct db_bytes *args,
                            size_t arg_count, struct redis_reply *ret_reply);
/* Many commands, one round trip; replies run parallel to commands. */
struct redis_call {
    const struct db_bytes *args;
    size_t arg_count;
    struct redis_reply reply;
};
struct status redis_pipeline(struct ctx *ctx, struct redis *redis, struct redis_call *calls,
                             size_t count);
struct db_bytes redis_arg(const char *text);
struct db_bytes redis_arg_int(struct ctx *ctx, int64_t value);
