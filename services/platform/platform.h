/* platform.h - what the files of the platform daemon share.
 *
 * Settings (stores, channels, shipping options, keys, templates) have no life of their own: what is
 * written is what is read, so their message is also their value in here. */
#pragma once

#include "chassis/db.h"
#include "chassis/metrics.h"
#include "chassis/service.h"
#include "events/consumer.h"
#include "events/event.h"
#include "platform/v1/events.pb-c.h"
#include "platform/v1/service.pb-c.h"
#include "rules_engine/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lists of the contract are not paged, so there may not be more than they hold. */
enum {
    STORES_MAX = 100,
    CHANNELS_MAX = 100,
    SHIPPING_OPTIONS_MAX = 100, /* of one channel */
    SHIPPING_LIST_MAX = 1000,
    API_KEYS_MAX = 1000,
};

extern const struct event_kind CHANNEL_CHANGED;
extern const struct event_kind SHIPPING_OPTION_CHANGED;
extern const struct event_kind API_KEY_REVOKED;

extern const struct error_def TOO_MANY_SETTINGS;
extern const struct error_def STORE_CODE_TAKEN;
extern const struct error_def STORE_NOT_FOUND;
extern const struct error_def CHANNEL_CODE_TAKEN;
extern const struct error_def CHANNEL_NOT_FOUND;
extern const struct error_def PUBLISHABLE_KEY_TAKEN;
extern const struct error_def SHIPPING_OPTION_CODE_TAKEN;
extern const struct error_def SHIPPING_OPTION_NOT_FOUND;
extern const struct error_def API_KEY_TAKEN;
extern const struct error_def SCOPE_NOT_HELD;
extern const struct error_def API_KEY_NOT_FOUND;

/* codes.c: the forms of codes. check_* collect violations; `field` is the JSON path. */
typedef bool code_form(const char *text);
bool is_country_code(const char *text);  /* ISO 3166-1 alpha-2 */
bool is_currency_code(const char *text); /* ISO 4217 */
bool is_locale(const char *text);        /* BCP 47: language, then subtags of letters and digits */
bool is_code(const char *text);          /* a merchant's own: letters, digits, '-', '_', '.' */
bool is_scope(const char *text);         /* "*", or words joined by dots */
void check_code(struct ctx *ctx, const char *field, const char *value, code_form *form,
                const char *allowed);
/* Each of its form, none twice. */
void check_codes(struct ctx *ctx, const char *field, const char **values, size_t count,
                 code_form *form, const char *allowed);
/* Refuses when something was collected. */
struct status check_done(struct ctx *ctx, const char *what);

struct uuid parsed(const char *id); /* of validated text; "" is nil */
const char **wire_texts(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                        size_t *ret_count);

/* store_channel.c. Adding answers false when there are STORES_MAX or CHANNELS_MAX already. */
struct status store_add_store(struct db_tx *tx, const Platform__V1__Store *store, bool *ret_added);
struct status store_list_stores(struct db_tx *tx, Platform__V1__Store ***ret_stores,
                                size_t *ret_count);
struct status store_add_channel(struct db_tx *tx, const Platform__V1__Channel *channel,
                                bool *ret_added);
struct status store_lock_channel(struct db_tx *tx, const char *id,
                                 Platform__V1__Channel **ret_channel);
struct status store_change_channel(struct db_tx *tx, const Platform__V1__Channel *channel);
struct status store_list_channels(struct db_tx *tx, Platform__V1__Channel ***ret_channels,
                                  size_t *ret_count);
struct status store_find_channel_by_key(struct db_tx *tx, const char *key,
                                        Platform__V1__Channel **ret_channel,
                                        Platform__V1__Store **ret_store);

/* shipping_rule.c: which carts an option is for. Pure. */
struct listed_options {
    Platform__V1__ShippingOption **options;
    size_t count;
    int64_t now_us; /* of the database; unset when there are none */
};

/* INVALID_RULE when the conditions make no rule; NULL without conditions. */
struct status shipping_rule_compile(struct arena *arena, const Platform__V1__ShippingOption *option,
                                    const struct rule **ret_rule);
/* Divides what was listed into what the cart may have and what it may not, and why. */
struct status shipping_rule_offer(struct arena *arena,
                                  const Platform__V1__ListShippingOptionsRequest *request,
                                  const struct listed_options *listed,
                                  Platform__V1__ListShippingOptionsResponse *rep);

/* store_shipping.c */
struct status store_add_shipping_option(struct db_tx *tx,
                                        const Platform__V1__ShippingOption *option,
                                        bool *ret_added);
struct status store_lock_shipping_option(struct db_tx *tx, const char *id,
                                         Platform__V1__ShippingOption **ret_option);
struct status store_find_shipping_option(struct db_tx *tx, const char *id,
                                         Platform__V1__ShippingOption **ret_option);
struct status store_change_shipping_option(struct db_tx *tx,
                                           const Platform__V1__ShippingOption *option);
struct status store_list_shipping_options(struct db_tx *tx,
                                          const Platform__V1__ListShippingOptionsRequest *filter,
                                          struct listed_options *ret_listed);

/* store_key.c */
struct status store_add_api_key(struct db_tx *tx, Platform__V1__ApiKey *key, const char *digest,
                                bool *ret_added);
struct status store_list_api_keys(struct db_tx *tx, Platform__V1__ApiKey ***ret_keys,
                                  size_t *ret_count);
struct status store_resolve_api_key(struct db_tx *tx, const char *digest,
                                    Platform__V1__ApiKey **ret_key);
/* API_KEY_NOT_FOUND without one; *ret_revoked false when it was revoked before. */
struct status store_revoke_api_key(struct db_tx *tx, const char *id, bool *ret_revoked);

extern const struct db_stmt *const STORE_CHANNEL_STATEMENTS[];
extern const struct db_stmt *const STORE_SHIPPING_STATEMENTS[];
extern const struct db_stmt *const STORE_KEY_STATEMENTS[];

/* --- what is said to people and machines --------------------------------------------------- */

enum { TEMPLATES_MAX = 1000 };

struct platform {
    const char *smtp_url; /* "": mail fails with MAIL_NOT_CONFIGURED */
    const char *sender;
    const char *alert_email; /* "": nobody */
    const char *alert_locale;
    const char *reorder_url; /* "": none */
    const char *webhook_secret;
    bool webhook_allow_private;
    int64_t webhook_timeout_ms;
    int64_t retention_ms;
    int64_t erase_interval_ms;
};

extern const struct event_kind DELIVERY_SENT;
extern const struct event_kind DELIVERY_FAILED;

extern const struct error_def TEMPLATE_NOT_FOUND;
extern const struct error_def TEMPLATE_BROKEN;
extern const struct error_def DELIVERY_NOT_FOUND;
extern const struct error_def DELIVERY_WAS_SENT;
extern const struct error_def DELIVERY_ERASED;
extern const struct error_def MAIL_NOT_CONFIGURED;
extern const struct error_def WEBHOOK_REFUSED;
extern const struct error_def REORDER_UNSIGNED;

extern const struct task_kind SEND_MAIL;
extern const struct task_kind POST_WEBHOOK;

extern struct metric DELIVERIES;
extern struct metric ERASED_DELIVERIES;

/* One message to one recipient, rendered when it was asked for. */
struct delivery {
    struct uuid id;
    struct uuid cause_id;
    const char *kind;
    Platform__V1__DeliveryChannel channel;
    Platform__V1__DeliveryState state;
    int64_t round;
    const char *sender;
    const char *recipient; /* NULL once erased */
    const char *locale;
    const char *subject;
    const char *body;
    const char *html;
    struct uuid subject_id;
    int64_t attempts;
    const char *last_error;
    int64_t created_at_us;
    int64_t sent_at_us;
};

/* What an attempt came to. */
struct attempt_outcome {
    Platform__V1__DeliveryState state; /* PENDING: it is tried again */
    const char *error;
};

struct chosen_template {
    Platform__V1__Template *template;
    const char *sender; /* of the store; "" when it has none */
};

struct delivery_filter {
    Platform__V1__DeliveryState state; /* UNSPECIFIED: any */
    struct uuid subject_id;            /* nil: any */
    struct uuid before;                /* nil: from the newest */
    int64_t limit;
};

/* notify.c */
event_handler platform_on_send_notification;
event_handler platform_on_stock_low;

/* deliver.c. Begins a round of attempts. */
struct status deliver_later(struct db_tx *tx, const struct delivery *delivery);
struct status deliver_now(struct db_tx *tx, const struct delivery *delivery);
/* Torg-Signature of a body: "t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">". */
const char *webhook_signature(struct arena *arena, const char *secret, int64_t seconds,
                              const char *body);

/* start.c */
struct status platform_start(struct ctx *boot);

/* erase.c */
struct status platform_erase(struct ctx *ctx);

/* store_template.c */
struct status store_upsert_template(struct db_tx *tx, Platform__V1__Template *template,
                                    bool *ret_written);
struct status store_list_templates(struct db_tx *tx, Platform__V1__Template ***ret_templates,
                                   size_t *ret_count);
struct status store_choose_template(struct db_tx *tx, const char *kind, const char *locale,
                                    struct uuid store_id, struct chosen_template *ret_chosen);

/* store_delivery.c */
/* false when its cause has a delivery. */
struct status store_add_delivery(struct db_tx *tx, const struct delivery *delivery,
                                 bool *ret_added);
struct status store_find_delivery(struct db_tx *tx, struct uuid id, struct delivery *ret_delivery);
struct status store_lock_delivery(struct db_tx *tx, struct uuid id, struct delivery *ret_delivery);
struct status store_list_deliveries(struct db_tx *tx, const struct delivery_filter *filter,
                                    struct delivery **ret_deliveries, size_t *ret_count);
/* *ret_version 0 when the round is over: the attempt came too late to count. */
struct status store_settle_delivery(struct db_tx *tx, const struct delivery *delivery,
                                    const struct attempt_outcome *outcome, int64_t *ret_version);
struct status store_reopen_delivery(struct db_tx *tx, struct delivery *delivery);
struct status store_erase_deliveries(struct db_tx *tx, int64_t age_ms, int64_t limit,
                                     int64_t *ret_count);

extern const struct db_stmt *const STORE_TEMPLATE_STATEMENTS[];
extern const struct db_stmt *const STORE_DELIVERY_STATEMENTS[];
