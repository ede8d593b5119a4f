/* login.c - signing in, and changing the password.
 *
 * An attempt is counted, and the count committed, before the password is looked at; success takes
 * the count back. An unknown address costs the same statements and the same hash as a known one. */
#include "customer.h"

#include "common/str.h"
#include "customer/v1/service.handlers.h"

const struct error_def INVALID_CREDENTIALS = {STATUS_UNAUTHENTICATED, "INVALID_CREDENTIALS",
                                              "check e-mail address and password"};
const struct error_def TOO_MANY_ATTEMPTS = {STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS",
                                            "wait a quarter of an hour"};

static struct status count_attempt(struct ctx *ctx, const char *key, struct account *ret_account);
static struct status check_password(struct ctx *ctx, const struct account *account,
                                    const char *password);
static struct status lock_verified(struct db_tx *tx, struct account *account);

struct status customer_login(struct ctx *ctx, const Customer__V1__LoginRequest *req,
                             Customer__V1__LoginResponse *rep)
{
    const char *key = email_key(ctx->arena, req->email);
    struct account account;

    ctx->idempotency = NULL; // as in Register
    TRY(count_attempt(ctx, key, &account));
    TRY(check_password(ctx, &account, req->password));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(lock_verified(tx, &account));
    TRY(store_forget_attempts(tx, key));
    TRY(session_open(tx, &account, req->user_agent, &rep->tokens));
    rep->customer = wire_customer(ctx, &account);
    return db_commit(&tx);
}

/* Ends every session: whoever knew the old password is out. A retry finds the new password set. */
struct status customer_change_password(struct ctx *ctx,
                                       const Customer__V1__ChangePasswordRequest *req,
                                       Customer__V1__ChangePasswordResponse *rep)
{
    const struct uuid id = parsed(req->customer_id);
    struct account account;
    const char *hash;

    (void)rep;
    ctx->idempotency = NULL; // as in Register
    {
        _cleanup_(db_rollback) struct db_tx *reading = NULL;
        TRY(db_begin_read(ctx, &reading));
        TRY(store_find_account(reading, id, &account));
    }
    const char *problem = password_problem(req->new_password, account.email);
    if (problem != NULL)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "newPassword", NULL, problem);
    TRY(count_attempt(ctx, account.email_key, &account));
    struct status checked = check_password(ctx, &account, req->old_password);
    if (rpc_reason_is(checked, &INVALID_CREDENTIALS) &&
        check_password(ctx, &account, req->new_password).code == STATUS_OK)
        return status_ok();
    TRY(checked);
    TRY(password_hash(ctx, req->new_password, &hash));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(lock_verified(tx, &account));
    TRY(store_forget_attempts(tx, account.email_key));
    TRY(store_change_password(tx, id, hash));
    TRY(store_end_sessions(tx, id));
    TRY(db_audit(tx, "change_password", id, NULL));
    return db_commit(&tx);
}

static struct status count_attempt(struct ctx *ctx, const char *key, struct account *ret_account)
{
    const struct customer *self = ctx_state(ctx);
    int64_t attempts;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_count_attempt(tx, key, self->attempts_window_ms, self->attempts_max, ret_account,
                            &attempts));
    TRY(db_commit(&tx));
    if (attempts > self->attempts_max)
        return ctx_fail(ctx, &TOO_MANY_ATTEMPTS, "the account is locked for a while");
    return status_ok();
}

static struct status check_password(struct ctx *ctx, const struct account *account,
                                    const char *password)
{
    const struct customer *self = ctx_state(ctx);
    const bool is_known = !uuid_is_nil(account->id);
    bool matches;

    TRY(password_verify(ctx, password, is_known ? account->password_hash : self->nobodys_hash,
                        &matches));
    return matches && is_known ? status_ok()
                               : ctx_fail(ctx, &INVALID_CREDENTIALS, "sign-in refused");
}

/* The password may have been changed while it was being verified. */
static struct status lock_verified(struct db_tx *tx, struct account *account)
{
    struct ctx *ctx = db_ctx(tx);
    const char *verified = account->password_hash;

    TRY(store_lock_account(tx, account->id, account));
    if (!str_equal(account->password_hash, verified))
        return ctx_fail(ctx, &INVALID_CREDENTIALS, "the password was changed just now");
    return status_ok();
}
