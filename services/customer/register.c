/* register.c - a new account, signed in at once. */
#include "customer.h"

#include "common/str.h"
#include "customer/v1/events.schema.h"
#include "customer/v1/service.handlers.h"
#include "events/outbox.h"

const struct event_kind CUSTOMER_REGISTERED = {
    .topic = "customer.customer.events.v1",
    .body = &customer__v1__customer_registered__schema,
    .key_doc = "customer id",
};

const struct error_def EMAIL_TAKEN = {STATUS_ALREADY_EXISTS, "EMAIL_TAKEN",
                                      "sign in instead; there is an account with this address"};

static struct status validate(struct ctx *ctx, const Customer__V1__RegisterRequest *req);
static struct status publish(struct db_tx *tx, const struct account *account);

/* No reply is kept for the idempotency key: its fingerprint would be a fast hash of the password,
 * and the reply holds tokens. A retry finds its own account and signs in. */
struct status customer_register(struct ctx *ctx, const Customer__V1__RegisterRequest *req,
                                Customer__V1__RegisterResponse *rep)
{
    struct account account = {
        .id = uuid_v7(),
        .email = req->email,
        .email_key = email_key(ctx->arena, req->email),
        .given_name = req->given_name,
        .family_name = req->family_name,
        .phone = "",
        .locale = req->locale,
        .customer_group = "",
        .accepts_marketing = req->accepts_marketing,
        .version = 1,
    };

    ctx->idempotency = NULL;
    TRY(validate(ctx, req));
    TRY(password_hash(ctx, req->password, &account.password_hash));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_account(tx, &account);
    if (str_equal(db_constraint(tx), "account_email_unique"))
        return ctx_fail_field(ctx, &EMAIL_TAKEN, "email", NULL, "an address without an account");
    TRY(added);
    TRY(session_open(tx, &account, req->user_agent, &rep->tokens));
    TRY(publish(tx, &account));
    rep->customer = wire_customer(ctx, &account);
    return db_commit(&tx);
}

static struct status validate(struct ctx *ctx, const Customer__V1__RegisterRequest *req)
{
    const char *problem = password_problem(req->password, req->email);

    if (!is_email(req->email))
        ctx_violation(ctx, "email", NULL, "one mail address of visible ASCII");
    if (problem != NULL)
        ctx_violation(ctx, "password", NULL, problem);
    return ctx_has_violations(ctx) ? ctx_fail(ctx, &ERROR_INVALID_REQUEST, "registration")
                                   : status_ok();
}

static struct status publish(struct db_tx *tx, const struct account *account)
{
    Customer__V1__CustomerRegistered event = CUSTOMER__V1__CUSTOMER_REGISTERED__INIT;

    event.customer_id = uuid_text(db_ctx(tx)->arena, account->id);
    event.customer_group = account->customer_group;
    event.locale = account->locale;
    return outbox_add(tx, &CUSTOMER_REGISTERED, account->id, account->version, &event);
}
