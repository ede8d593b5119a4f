/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "platform.h"
#include "world.h"

#include "platform/v1/service.handlers.h"

extern const struct service PLATFORM;

void channel_case(Suite *suite);
void shipping_case(Suite *suite);
void key_case(Suite *suite);
void delivery_case(Suite *suite);

/* The daemon of the test; each test starts it first. */
extern struct daemon *platform;
void given_platform(void);

const char *given_store(const char *code);
/* In euro and Swiss francs, German and English, for DE, AT and CH. */
Platform__V1__Channel *given_channel(const char *store_id, const char *code);
struct status creating_channel(Platform__V1__Channel *channel, Platform__V1__Channel **ret_channel);
struct status updating_channel(Platform__V1__Channel *channel, int64_t expected_version,
                               Platform__V1__Channel **ret_channel);

int64_t published(const struct event_kind *kind);
