/* platform.h - what the files of the platform daemon share.
 *
 * Settings (stores, channels, shipping options, keys, templates) have no life of their own: what is
 * written is what is read, so their message is also their value in here. */
#pragma once

#include "chassis/db.h"
#include "chassis/service.h"
#include "events/event.h"
#include "platform/v1/events.pb-c.h"
#include "platform/v1/service.pb-c.h"

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
struct status check_version(struct ctx *ctx, int64_t expected, int64_t stored);

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
                                          Platform__V1__ShippingOption ***ret_options,
                                          size_t *ret_count);

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
