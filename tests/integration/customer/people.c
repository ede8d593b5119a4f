/* people.c - what tests of customer are given and do. */
#include "suites.h"

struct daemon *customer;

void given_customer_daemon(void)
{
    customer = world_start(&CUSTOMER);
}

struct status registering(const char *email, const char *password,
                          Customer__V1__RegisterResponse *rep)
{
    Customer__V1__RegisterRequest req = CUSTOMER__V1__REGISTER_REQUEST__INIT;

    req.email = email;
    req.password = password;
    req.given_name = "Ann";
    req.family_name = "Example";
    req.locale = "de";
    return customer_register(world_ctx(customer), &req, rep);
}

const Customer__V1__RegisterResponse *given_account(const char *email)
{
    Customer__V1__RegisterResponse *rep =
        arena_new(world_ctx(customer)->arena, Customer__V1__RegisterResponse);

    customer__v1__register_response__init(rep);
    then_ok(registering(email, PASSWORD, rep));
    return rep;
}

struct status signing_in(struct ctx *ctx, const char *email, const char *password,
                         Customer__V1__LoginResponse *rep)
{
    Customer__V1__LoginRequest req = CUSTOMER__V1__LOGIN_REQUEST__INIT;

    req.email = email;
    req.password = password;
    return customer_login(ctx, &req, rep);
}

struct status refreshing(struct ctx *ctx, const char *token, Customer__V1__RefreshResponse *rep)
{
    Customer__V1__RefreshRequest req = CUSTOMER__V1__REFRESH_REQUEST__INIT;

    req.refresh_token = token;
    return customer_refresh(ctx, &req, rep);
}

struct status changing_password(const char *customer_id, const char *old, const char *new)
{
    Customer__V1__ChangePasswordRequest req = CUSTOMER__V1__CHANGE_PASSWORD_REQUEST__INIT;
    Customer__V1__ChangePasswordResponse rep = CUSTOMER__V1__CHANGE_PASSWORD_RESPONSE__INIT;

    req.customer_id = customer_id;
    req.old_password = old;
    req.new_password = new;
    return customer_change_password(world_ctx(customer), &req, &rep);
}
