/* create_store.c - stores: who sells. */
#include "platform.h"

#include "common/str.h"
#include "platform/v1/service.handlers.h"

#include <string.h>

const struct error_def STORE_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "STORE_CODE_TAKEN",
                                           "codes are unique; another store has it"};
const struct error_def STORE_NOT_FOUND = {STATUS_NOT_FOUND, "STORE_NOT_FOUND",
                                          "the id of a store that ListStores shows"};

static bool is_sender(const char *text);

struct status platform_create_store(struct ctx *ctx, const Platform__V1__CreateStoreRequest *req,
                                    Platform__V1__CreateStoreResponse *rep)
{
    Platform__V1__Store *store = req->store;
    struct uuid id = uuid_v7();
    bool is_added = false;

    check_code(ctx, "store.code", store->code, is_code, "letters, digits, '-', '_' and '.'");
    check_code(ctx, "store.countryCode", store->country_code, is_country_code,
               "two capital letters");
    check_code(ctx, "store.senderEmail", store->sender_email, is_sender, "one mail address");
    TRY(check_done(ctx, "store"));
    store->id = uuid_text(ctx->arena, id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_store(tx, store, &is_added);
    if (str_equal(db_constraint(tx), "store_code_unique"))
        return ctx_fail_field(ctx, &STORE_CODE_TAKEN, "store.code", store->code,
                              "a code that no other store has");
    TRY(added);
    if (!is_added)
        return ctx_fail(ctx, &TOO_MANY_SETTINGS, "there are %d stores", STORES_MAX);
    TRY(db_audit(tx, "create_store", id, NULL));
    rep->store = store;
    return db_commit(&tx);
}

struct status platform_list_stores(struct ctx *ctx, const Platform__V1__ListStoresRequest *req,
                                   Platform__V1__ListStoresResponse *rep)
{
    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_stores(tx, &rep->stores, &rep->n_stores);
}

/* Optional: mail then goes out in the installation's name. */
static bool is_sender(const char *text)
{
    const char *at = strchr(text, '@');

    if (str_is_empty(text))
        return true;
    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("<>()[],;:\\\"", *text) != NULL)
            return false;
    return true;
}
