/* begin_checkout.c - the record of a purchase, made before anything else happens.
 *
 * The two unique indexes decide every race: one checkout per client key, one live checkout per
 * cart; and a cart that was bought is not bought again. Who loses is led to the checkout that is
 * there, and drives it if nobody does. */
#include "store.h"

#include "chassis/wire.h"

const struct error_def CLIENT_KEY_REUSED = {
    STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED",
    "The key came with another request before: take a new key for a new request"};
const struct error_def UNKNOWN_PROVIDER_ACCOUNT = {
    STATUS_INVALID_ARGUMENT, "UNKNOWN_PROVIDER_ACCOUNT",
    "Name an active account that takes the currency; ListProviderAccounts shows them"};
const struct error_def TENDERS_MISMATCH = {
    STATUS_INVALID_ARGUMENT, "TENDERS_MISMATCH",
    "The tenders add up to the total; one of them may say 0 and takes the rest"};
const struct error_def CHECKOUT_RACED = {STATUS_ABORTED, "CHECKOUT_RACED",
                                         "Checkouts of this cart came and went: try again"};

/* The rival may end between the insert that it stops and the look for it. */
enum { ROUNDS_MAX = 3 };

static struct status parse(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *req,
                           struct checkout *ret_checkout);
static struct status begin_or_find(struct ctx *ctx, struct db_tx *tx,
                                   const Order__V1__BeginCheckoutRequest *req,
                                   const struct checkout *wanted, struct checkout *ret_checkout);
static struct status check_owner(struct ctx *ctx, const struct checkout *wanted,
                                 const struct checkout *rival);
static struct status check_accounts(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *req,
                                    const struct account_list *accounts);
static struct status take_over(struct db_tx *tx, const Order__V1__BeginCheckoutRequest *req,
                               struct locked_checkout *rival, bool *ret_is_driver);

struct status order_begin_checkout(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *req,
                                   Order__V1__BeginCheckoutResponse *rep)
{
    struct checkout wanted, checkout;
    struct payment_list payments = {0};
    bool is_driver = true;

    TRY(parse(ctx, req, &wanted));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(begin_or_find(ctx, tx, req, &wanted, &checkout));
    if (!uuid_equal(checkout.id, wanted.id)) {
        struct locked_checkout rival;
        TRY(store_lock_checkout(tx, checkout.id, LOCK_ALONE, &rival));
        TRY(take_over(tx, req, &rival, &is_driver));
        checkout = rival.checkout;
        payments = rival.payments;
    }
    rep->checkout = checkout_message(ctx, &checkout, payments);
    rep->is_driver = is_driver;
    rep->is_of_other_key = !str_equal(checkout.client_key, req->client_key);
    rep->epoch = is_driver ? checkout.epoch : 0;
    return db_commit(&tx);
}

static struct status parse(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *req,
                           struct checkout *ret_checkout)
{
    Order__V1__UpdateTendersRequest tenders = ORDER__V1__UPDATE_TENDERS_REQUEST__INIT;
    int64_t *asked = arena_array(ctx->arena, int64_t, req->n_tenders);
    int64_t *amounts = arena_array(ctx->arena, int64_t, req->n_tenders);

    if (!money_is_currency(req->expected_total->currency_code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "expectedTotal.currencyCode",
                              req->expected_total->currency_code, "an ISO 4217 code");
    if (req->expected_total->minor_units < 0)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "expectedTotal.minorUnits", NULL,
                              "0 or more");
    for (size_t i = 0; i < req->n_tenders; i++)
        asked[i] = req->tenders[i]->amount_minor;
    if (!tender_split(req->expected_total->minor_units, asked, req->n_tenders, amounts))
        return ctx_fail_field(ctx, &TENDERS_MISMATCH, "tenders", NULL,
                              "amounts that add up to expectedTotal");
    tenders.tenders = req->tenders;
    tenders.n_tenders = req->n_tenders;
    *ret_checkout = (struct checkout){
        .id = uuid_v7(),
        .cart_id = message_uuid(req->cart_id),
        .customer_id = message_uuid(req->customer_id),
        .cart_version = req->cart_version,
        .client_key = req->client_key,
        .fingerprint = req->fingerprint,
        .expected_minor = req->expected_total->minor_units,
        .currency_code = req->expected_total->currency_code,
        .driver = req->driver,
        .tenders = wire_pack(ctx->arena, &tenders.base),
    };
    return status_ok();
}

static struct status begin_or_find(struct ctx *ctx, struct db_tx *tx,
                                   const Order__V1__BeginCheckoutRequest *req,
                                   const struct checkout *wanted, struct checkout *ret_checkout)
{
    const struct order_daemon *self = ctx_state(ctx);
    struct account_list accounts;
    bool is_found = false;

    for (int round = 0; round < ROUNDS_MAX; round++) {
        TRY(store_add_checkout(tx, wanted, req->lease_ms, self->checkout_ttl_ms, &accounts,
                               ret_checkout));
        if (!uuid_is_nil(ret_checkout->id))
            return check_accounts(ctx, req, &accounts);
        TRY(store_find_rival(tx, wanted, ret_checkout, &is_found));
        if (!is_found)
            continue;
        if (str_equal(ret_checkout->client_key, wanted->client_key) &&
            !str_equal(ret_checkout->fingerprint, wanted->fingerprint))
            return ctx_fail(ctx, &CLIENT_KEY_REUSED, "checkout %s",
                            uuid_text(ctx->arena, ret_checkout->id));
        return check_owner(ctx, wanted, ret_checkout);
    }
    return ctx_fail(ctx, &CHECKOUT_RACED, "cart %s", req->cart_id);
}

/* Who knows the id of a cart does not learn with it how its customer pays. A guest's checkout is
 * joined by whoever knows the cart. */
static struct status check_owner(struct ctx *ctx, const struct checkout *wanted,
                                 const struct checkout *rival)
{
    if (uuid_is_nil(rival->customer_id) || uuid_equal(rival->customer_id, wanted->customer_id))
        return status_ok();
    return ctx_fail(ctx, &ERROR_NOT_FOUND, "cart %s", uuid_text(ctx->arena, wanted->cart_id));
}

static struct status check_accounts(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *req,
                                    const struct account_list *accounts)
{
    for (size_t i = 0; i < req->n_tenders; i++) {
        const char *code = req->tenders[i]->provider_account;
        if (account_find(accounts, code, req->expected_total->currency_code) == NULL)
            return ctx_fail_field(ctx, &UNKNOWN_PROVIDER_ACCOUNT,
                                  arena_printf(ctx->arena, "tenders[%zu].providerAccount", i), code,
                                  "the code of an active account that takes the currency");
    }
    return status_ok();
}

/* A checkout that nobody drives goes on with whoever asks about it. */
static struct status take_over(struct db_tx *tx, const Order__V1__BeginCheckoutRequest *req,
                               struct locked_checkout *rival, bool *ret_is_driver)
{
    struct checkout *checkout = &rival->checkout;

    *ret_is_driver = checkout_is_live(checkout->state) &&
                     !checkout_is_leased(checkout, req->driver, req->is_sole_run);
    if (!*ret_is_driver)
        return status_ok();
    checkout_expire(checkout, &rival->payments);
    checkout_lease(db_ctx(tx), checkout, req->driver, req->lease_ms);
    return store_save_checkout(tx, checkout);
}
