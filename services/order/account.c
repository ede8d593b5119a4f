/* account.c - provider accounts: where money goes. */
#include "store.h"

const struct error_def PROVIDER_ACCOUNT_EXISTS = {STATUS_ALREADY_EXISTS, "PROVIDER_ACCOUNT_EXISTS",
                                                  "Codes are unique: use the account that has it"};
const struct error_def UNKNOWN_PROVIDER = {STATUS_INVALID_ARGUMENT, "UNKNOWN_PROVIDER",
                                           "Providers are \"manual\" and \"stripe\""};

static struct status validate(struct ctx *ctx, const Order__V1__ProviderAccount *account);
static Order__V1__ProviderAccount *account_message(struct ctx *ctx, const struct account *account);

const struct account *account_find(const struct account_list *accounts, const char *code,
                                   const char *currency_code)
{
    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *account = &accounts->items[i];
        if (!account->is_active || !str_equal(account->code, code))
            continue;
        if (account->currency_count == 0)
            return account;
        for (size_t k = 0; k < account->currency_count; k++)
            if (str_equal(account->currency_codes[k], currency_code))
                return account;
    }
    return NULL;
}

struct status order_create_provider_account(struct ctx *ctx,
                                            const Order__V1__CreateProviderAccountRequest *req,
                                            Order__V1__CreateProviderAccountResponse *rep)
{
    const Order__V1__ProviderAccount *asked = req->account;
    bool is_added;

    TRY(validate(ctx, asked));
    const struct account account = {
        .code = asked->code,
        .provider = asked->provider,
        .capture_policy = (enum capture_policy)asked->capture_policy,
        .is_active = asked->is_active,
        .currency_codes = (const char *const *)asked->currency_codes,
        .currency_count = asked->n_currency_codes,
    };
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_account(tx, &account, &is_added));
    if (!is_added)
        return ctx_fail(ctx, &PROVIDER_ACCOUNT_EXISTS, "%s", account.code);
    TRY(db_audit(tx, "provider_account.create", uuid_v7(), account.code));
    rep->account = account_message(ctx, &account);
    return db_commit(&tx);
}

struct status order_list_provider_accounts(struct ctx *ctx,
                                           const Order__V1__ListProviderAccountsRequest *req,
                                           Order__V1__ListProviderAccountsResponse *rep)
{
    struct account_list accounts;

    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_accounts(tx, &accounts));
    rep->accounts = arena_array(ctx->arena, Order__V1__ProviderAccount *, accounts.count);
    rep->n_accounts = accounts.count;
    for (size_t i = 0; i < accounts.count; i++)
        rep->accounts[i] = account_message(ctx, &accounts.items[i]);
    return db_commit(&tx);
}

static struct status validate(struct ctx *ctx, const Order__V1__ProviderAccount *account)
{
    if (provider_find(ctx, account->provider) == NULL)
        return ctx_fail_field(ctx, &UNKNOWN_PROVIDER, "account.provider", account->provider,
                              "manual or stripe");
    for (size_t i = 0; i < account->n_currency_codes; i++)
        if (!money_is_currency(account->currency_codes[i]))
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST,
                                  arena_printf(ctx->arena, "account.currencyCodes[%zu]", i),
                                  account->currency_codes[i], "an ISO 4217 code");
    return status_ok();
}

static Order__V1__ProviderAccount *account_message(struct ctx *ctx, const struct account *account)
{
    Order__V1__ProviderAccount *out = arena_new(ctx->arena, Order__V1__ProviderAccount);

    order__v1__provider_account__init(out);
    out->code = account->code;
    out->provider = account->provider;
    out->capture_policy = (Order__V1__CapturePolicy)account->capture_policy;
    out->is_active = account->is_active;
    out->currency_codes = arena_memdup(ctx->arena, account->currency_codes,
                                       account->currency_count * sizeof(const char *));
    out->n_currency_codes = account->currency_count;
    return out;
}
