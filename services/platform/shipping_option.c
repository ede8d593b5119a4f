/* shipping_option.c - how a channel ships, where to and for how much. */
#include "platform.h"

#include "common/str.h"
#include "events/outbox.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.handlers.h"

const struct event_kind SHIPPING_OPTION_CHANGED = {
    .topic = "platform.shipping.events.v1",
    .body = &platform__v1__shipping_option_changed__schema,
    .key_doc = "shipping option id",
};

const struct error_def SHIPPING_OPTION_CODE_TAKEN = {
    STATUS_ALREADY_EXISTS, "SHIPPING_OPTION_CODE_TAKEN",
    "codes are unique in a channel; another option has it"};
const struct error_def SHIPPING_OPTION_NOT_FOUND = {
    STATUS_NOT_FOUND, "SHIPPING_OPTION_NOT_FOUND",
    "the id of a shipping option that ListShippingOptions shows"};

static struct status validate(struct ctx *ctx, const Platform__V1__ShippingOption *option);
static void check_names(struct ctx *ctx, const Platform__V1__ShippingOption *option);
static void check_prices(struct ctx *ctx, const Platform__V1__ShippingOption *option);
static struct status explain(struct ctx *ctx, struct db_tx *tx,
                             const Platform__V1__ShippingOption *option, struct status status);
static struct status publish(struct db_tx *tx, const Platform__V1__ShippingOption *option);

struct status platform_create_shipping_option(struct ctx *ctx,
                                              const Platform__V1__CreateShippingOptionRequest *req,
                                              Platform__V1__CreateShippingOptionResponse *rep)
{
    Platform__V1__ShippingOption *option = req->shipping_option;
    struct uuid id = uuid_v7();
    bool is_added = false;

    TRY(validate(ctx, option));
    option->id = uuid_text(ctx->arena, id);
    option->version = 1;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_shipping_option(tx, option, &is_added);
    if (added.code != STATUS_OK)
        return explain(ctx, tx, option, added);
    if (!is_added)
        return ctx_fail(ctx, &TOO_MANY_SETTINGS, "the channel has %d shipping options",
                        SHIPPING_OPTIONS_MAX);
    TRY(publish(tx, option));
    TRY(db_audit(tx, "create_shipping_option", id, NULL));
    rep->shipping_option = option;
    return db_commit(&tx);
}

struct status platform_update_shipping_option(struct ctx *ctx,
                                              const Platform__V1__UpdateShippingOptionRequest *req,
                                              Platform__V1__UpdateShippingOptionResponse *rep)
{
    Platform__V1__ShippingOption *option = req->shipping_option, *stored;

    TRY(validate(ctx, option));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_shipping_option(tx, option->id, &stored));
    TRY(ctx_check_version(ctx, req->expected_version, stored->version));
    option->version = stored->version + 1;
    struct status changed = store_change_shipping_option(tx, option);
    if (changed.code != STATUS_OK)
        return explain(ctx, tx, option, changed);
    TRY(publish(tx, option));
    TRY(db_audit(tx, "update_shipping_option", parsed(option->id), NULL));
    rep->shipping_option = option;
    return db_commit(&tx);
}

struct status platform_get_shipping_option(struct ctx *ctx,
                                           const Platform__V1__GetShippingOptionRequest *req,
                                           Platform__V1__GetShippingOptionResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_find_shipping_option(tx, req->id, &rep->shipping_option);
}

struct status platform_list_shipping_options(struct ctx *ctx,
                                             const Platform__V1__ListShippingOptionsRequest *req,
                                             Platform__V1__ListShippingOptionsResponse *rep)
{
    struct listed_options listed;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_shipping_options(tx, req, &listed));
    return shipping_rule_offer(ctx->arena, req, &listed, rep);
}

static struct status validate(struct ctx *ctx, const Platform__V1__ShippingOption *option)
{
    const struct rule *rule;

    check_code(ctx, "shippingOption.code", option->code, is_code,
               "letters, digits, '-', '_' and '.'");
    check_codes(ctx, "shippingOption.countryCodes", option->country_codes, option->n_country_codes,
                is_country_code, "two capital letters");
    if (option->is_gross || !str_is_empty(option->home_country_code))
        check_code(ctx, "shippingOption.homeCountryCode", option->home_country_code,
                   is_country_code, "two capital letters; required when prices are gross");
    check_names(ctx, option);
    check_prices(ctx, option);
    TRY(check_done(ctx, "shipping option"));
    return shipping_rule_compile(ctx->arena, option, &rule);
}

static void check_names(struct ctx *ctx, const Platform__V1__ShippingOption *option)
{
    for (size_t i = 0; i < option->n_names; i++) {
        check_code(ctx, "shippingOption.names", option->names[i]->key, is_locale,
                   "a BCP 47 tag: de, de-AT");
        for (size_t j = 0; j < i; j++)
            if (str_equal(option->names[i]->key, option->names[j]->key))
                ctx_violation(ctx, "shippingOption.names", option->names[i]->key,
                              "each locale once");
    }
}

static void check_prices(struct ctx *ctx, const Platform__V1__ShippingOption *option)
{
    for (size_t i = 0; i < option->n_prices; i++) {
        const Common__V1__Money *price = option->prices[i];
        const char *path = arena_printf(ctx->arena, "shippingOption.prices[%zu]", i);
        check_code(ctx, arena_printf(ctx->arena, "%s.currencyCode", path), price->currency_code,
                   is_currency_code, "three capital letters");
        if (price->minor_units < 0)
            ctx_violation(ctx, arena_printf(ctx->arena, "%s.minorUnits", path),
                          arena_printf(ctx->arena, "%lld", (long long)price->minor_units),
                          "zero or more");
        for (size_t j = 0; j < i; j++)
            if (str_equal(price->currency_code, option->prices[j]->currency_code))
                ctx_violation(ctx, path, price->currency_code, "one price per currency");
    }
}

static struct status explain(struct ctx *ctx, struct db_tx *tx,
                             const Platform__V1__ShippingOption *option, struct status status)
{
    const char *constraint = db_constraint(tx);

    if (str_equal(constraint, "shipping_option_code_unique"))
        return ctx_fail_field(ctx, &SHIPPING_OPTION_CODE_TAKEN, "shippingOption.code", option->code,
                              "a code that no other option of the channel has");
    if (str_equal(constraint, "shipping_option_channel_id_fkey"))
        return ctx_fail_field(ctx, &CHANNEL_NOT_FOUND, "shippingOption.channelId",
                              option->channel_id, "the id of a channel");
    return status;
}

static struct status publish(struct db_tx *tx, const Platform__V1__ShippingOption *option)
{
    Platform__V1__ShippingOptionChanged event = PLATFORM__V1__SHIPPING_OPTION_CHANGED__INIT;

    event.shipping_option_id = option->id;
    event.channel_id = option->channel_id;
    event.is_active = option->is_active;
    return outbox_add(tx, &SHIPPING_OPTION_CHANGED, parsed(option->id), option->version, &event);
}
