/* profile.c - who a customer is. */
#include "customer.h"

#include "chassis/wire.h"
#include "customer/v1/events.schema.h"
#include "customer/v1/service.handlers.h"
#include "events/outbox.h"

const struct event_kind CUSTOMER_PROFILE_CHANGED = {
    .topic = "customer.customer.events.v1",
    .body = &customer__v1__customer_profile_changed__schema,
    .key_doc = "customer id",
};

const struct error_def CUSTOMER_NOT_FOUND = {STATUS_NOT_FOUND, "CUSTOMER_NOT_FOUND",
                                             "the id of a customer"};

static struct status publish(struct db_tx *tx, const struct account *account);

struct status customer_get_profile(struct ctx *ctx, const Customer__V1__GetProfileRequest *req,
                                   Customer__V1__GetProfileResponse *rep)
{
    struct account account;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_find_account(tx, parsed(req->customer_id), &account));
    rep->customer = wire_customer(ctx, &account);
    return status_ok();
}

struct status customer_update_profile(struct ctx *ctx,
                                      const Customer__V1__UpdateProfileRequest *req,
                                      Customer__V1__UpdateProfileResponse *rep)
{
    struct account account;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_account(tx, parsed(req->customer_id), &account));
    TRY(ctx_check_version(ctx, req->expected_version, account.version));
    account.given_name = req->given_name;
    account.family_name = req->family_name;
    account.phone = req->phone;
    account.locale = req->locale;
    account.accepts_marketing = req->accepts_marketing;
    account.version++;
    TRY(store_change_profile(tx, &account));
    TRY(publish(tx, &account));
    TRY(db_audit(tx, "update_profile", account.id, NULL));
    rep->customer = wire_customer(ctx, &account);
    return db_commit(&tx);
}

static struct status publish(struct db_tx *tx, const struct account *account)
{
    Customer__V1__CustomerProfileChanged event = CUSTOMER__V1__CUSTOMER_PROFILE_CHANGED__INIT;

    event.customer_id = uuid_text(db_ctx(tx)->arena, account->id);
    event.customer_group = account->customer_group;
    event.locale = account->locale;
    return outbox_add(tx, &CUSTOMER_PROFILE_CHANGED, account->id, account->version, &event);
}

Customer__V1__Customer *wire_customer(struct ctx *ctx, const struct account *account)
{
    Customer__V1__Customer *message = arena_new(ctx->arena, Customer__V1__Customer);

    customer__v1__customer__init(message);
    message->id = uuid_text(ctx->arena, account->id);
    message->email = account->email;
    message->given_name = account->given_name;
    message->family_name = account->family_name;
    message->phone = account->phone;
    message->locale = account->locale;
    message->customer_group = account->customer_group;
    message->accepts_marketing = account->accepts_marketing;
    message->version = account->version;
    message->create_time = wire_time(ctx->arena, account->created_at_us);
    return message;
}

struct uuid parsed(const char *id)
{
    struct uuid uuid = {0};

    (void)uuid_parse(id, &uuid); // "" leaves it nil; anything else was validated
    return uuid;
}
