/* account.c - a customer's account: open it, sign in and out, change the profile. */
#include "storefront/storefront.h"

#include "customer/v1/service.client.h"
#include "gateway/v1/store.pb-c.h"

#include <string.h>

enum { USER_AGENT_MAX = 255 };

static const char *user_agent(struct ctx *ctx, const struct exchange *exchange)
{
    const char *agent = str_or_empty(http_header_get(exchange->http, "User-Agent"));
    const char *shown = arena_printf(ctx->arena, "%.*s", USER_AGENT_MAX, agent);
    return str_is_utf8(shown, strlen(shown)) ? shown : "";
}

/* A repeated request with its key is answered again, by the daemon. */
static struct status call_once(struct ctx *ctx, const struct exchange *exchange,
                               struct rpc_call *call)
{
    call->idempotency_key = rest_idempotency_key(ctx, exchange);
    return rpc_call_one(ctx, call);
}

struct status account_register(struct ctx *ctx, struct exchange *exchange,
                               const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__RegisterRequest *from = (const void *)request;
    Gateway__V1__SessionResponse *session = (void *)response;
    Customer__V1__RegisterRequest to = CUSTOMER__V1__REGISTER_REQUEST__INIT;
    to.email = from->email;
    to.password = from->password;
    to.given_name = from->given_name;
    to.family_name = from->family_name;
    to.accepts_marketing = from->accepts_marketing;
    to.locale = exchange->visitor.locale;
    to.user_agent = user_agent(ctx, exchange);
    struct rpc_call call = customer_v1_register_call(&to);
    TRY(call_once(ctx, exchange, &call));
    const Customer__V1__RegisterResponse *reply = (const void *)call.reply;
    session->customer = reply->customer;
    session->tokens = reply->tokens;
    return status_ok();
}

struct status account_login(struct ctx *ctx, struct exchange *exchange,
                            const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__LoginRequest *from = (const void *)request;
    Gateway__V1__SessionResponse *session = (void *)response;
    Customer__V1__LoginRequest to = CUSTOMER__V1__LOGIN_REQUEST__INIT;
    const Customer__V1__LoginResponse *reply;
    to.email = from->email;
    to.password = from->password;
    to.user_agent = user_agent(ctx, exchange);
    TRY(customer_v1_login(ctx, &to, &reply));
    session->customer = reply->customer;
    session->tokens = reply->tokens;
    return status_ok();
}

struct status account_refresh(struct ctx *ctx, struct exchange *exchange,
                              const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__RefreshRequest *from = (const void *)request;
    Customer__V1__RefreshRequest to = CUSTOMER__V1__REFRESH_REQUEST__INIT;
    to.refresh_token = from->refresh_token;
    struct rpc_call call = customer_v1_refresh_call(&to);
    TRY(call_once(ctx, exchange, &call));
    ((Gateway__V1__RefreshResponse *)(void *)response)->tokens =
        ((const Customer__V1__RefreshResponse *)(const void *)call.reply)->tokens;
    return status_ok();
}

struct status account_logout(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__LogoutRequest *from = (const void *)request;
    Customer__V1__LogoutRequest to = CUSTOMER__V1__LOGOUT_REQUEST__INIT;
    const Customer__V1__LogoutResponse *reply;
    (void)exchange;
    (void)response;
    to.refresh_token = from->refresh_token;
    to.everywhere = from->everywhere;
    return customer_v1_logout(ctx, &to, &reply);
}

static struct status load(struct ctx *ctx, const struct exchange *exchange,
                          Customer__V1__Customer **ret_customer)
{
    Customer__V1__GetProfileRequest to = CUSTOMER__V1__GET_PROFILE_REQUEST__INIT;
    const Customer__V1__GetProfileResponse *reply;
    to.customer_id = exchange->visitor.customer_id;
    TRY(customer_v1_get_profile(ctx, &to, &reply));
    *ret_customer = reply->customer;
    return status_ok();
}

struct status account_get(struct ctx *ctx, struct exchange *exchange,
                          const ProtobufCMessage *request, ProtobufCMessage *response)
{
    (void)request;
    return load(ctx, exchange, &((Gateway__V1__AccountResponse *)(void *)response)->customer);
}

/* What the request does not mention stays. Made for the version that was read, when the client
 * names none, so nobody's change in between is lost. */
struct status account_update(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__UpdateAccountRequest *from = (const void *)request;
    Customer__V1__UpdateProfileRequest to = CUSTOMER__V1__UPDATE_PROFILE_REQUEST__INIT;
    Customer__V1__Customer *now;
    TRY(load(ctx, exchange, &now));
    to.customer_id = now->id;
    to.expected_version =
        exchange->expected_version > 0 ? exchange->expected_version : now->version;
    to.given_name = from->given_name_presence_case ? from->given_name : now->given_name;
    to.family_name = from->family_name_presence_case ? from->family_name : now->family_name;
    to.phone = from->phone_presence_case ? from->phone : now->phone;
    to.locale = from->locale_presence_case ? from->locale : now->locale;
    to.accepts_marketing =
        from->accepts_marketing_presence_case ? from->accepts_marketing : now->accepts_marketing;
    struct rpc_call call = customer_v1_update_profile_call(&to);
    TRY(call_once(ctx, exchange, &call));
    ((Gateway__V1__AccountResponse *)(void *)response)->customer =
        ((const Customer__V1__UpdateProfileResponse *)(const void *)call.reply)->customer;
    return status_ok();
}

struct status account_change_password(struct ctx *ctx, struct exchange *exchange,
                                      const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ChangePasswordRequest *from = (const void *)request;
    Customer__V1__ChangePasswordRequest to = CUSTOMER__V1__CHANGE_PASSWORD_REQUEST__INIT;
    (void)response;
    to.customer_id = exchange->visitor.customer_id;
    to.old_password = from->old_password;
    to.new_password = from->new_password;
    struct rpc_call call = customer_v1_change_password_call(&to);
    return call_once(ctx, exchange, &call);
}
