/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "customer.h"
#include "world.h"

#include "customer/v1/service.handlers.h"

extern const struct service CUSTOMER;

void sign_in_case(Suite *suite);
void session_case(Suite *suite);
void address_case(Suite *suite);

#define PASSWORD "correct horse battery"

/* The daemon of the test; each test starts it first. */
extern struct daemon *customer;
void given_customer_daemon(void);

/* With PASSWORD; must succeed. */
const Customer__V1__RegisterResponse *given_account(const char *email);
struct status registering(const char *email, const char *password,
                          Customer__V1__RegisterResponse *rep);
struct status signing_in(struct ctx *ctx, const char *email, const char *password,
                         Customer__V1__LoginResponse *rep);
struct status refreshing(struct ctx *ctx, const char *token, Customer__V1__RefreshResponse *rep);
struct status changing_password(const char *customer_id, const char *old, const char *new);
