/* delivery_test.c - what is asked to be said arrives once, is logged, and is forgotten in time. */
#include "suites.h"

#include "chassis/task.h"
#include "common/str.h"
#include "example.h"
#include "inventory/v1/events.schema.h"
#include "platform/v1/commands.schema.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.client.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const TAKE[] = {"250 hello\r\n", "250 ok\r\n",  "250 ok\r\n", "354 go\r\n",
                                   "250 taken\r\n", "221 bye\r\n", NULL};
static const char *const NO_SUCH_USER[] = {"250 hello\r\n", "250 ok\r\n", "550 no ann here\r\n",
                                           NULL};
static const char *const LATER[] = {"250 hello\r\n", "250 ok\r\n", "451 later\r\n", NULL};
static const char *const THANKS[] = {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", NULL};
static const char *const BROKEN[] = {
    "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NULL};

static struct sink sink;

static void given_mail_server(const char *const *answers)
{
    sink = (struct sink){.answers = answers, .end = "\r\n", .greeting = "220 sink\r\n"};
    sink_open(&sink);
    char url[64];
    ck_assert_int_gt(snprintf(url, sizeof url, "smtp://127.0.0.1:%d", sink.port), 0);
    world_setenv("PLATFORM_SMTP_URL", url);
    world_setenv("PLATFORM_SENDER", "shop@example.org");
}

static void given_receiver(const char *const *answers)
{
    sink = (struct sink){.answers = answers, .end = "\r\n\r\n"};
    sink_open(&sink);
    char url[64];
    ck_assert_int_gt(snprintf(url, sizeof url, "http://127.0.0.1:%d/reorder?k=1", sink.port), 0);
    world_setenv("PLATFORM_REORDER_WEBHOOK_URL", url);
    world_setenv("PLATFORM_WEBHOOK_SECRET", "whsec");
}

static struct status handle(event_handler *handler, struct uuid event_id, const void *body)
{
    struct ctx *ctx = world_ctx(platform);
    struct event event = {.id = event_id, .occurred_at_us = 1764000000000000};

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(handler(ctx, tx, &event, body));
    return db_commit(&tx);
}

/* Of an order with one line, to Ann. */
static struct status notifying(struct uuid command_id, const char *kind, const char *locale)
{
    Platform__V1__SendNotification command = PLATFORM__V1__SEND_NOTIFICATION__INIT;
    Platform__V1__NotificationValue number = PLATFORM__V1__NOTIFICATION_VALUE__INIT;
    Platform__V1__NotificationValue name = PLATFORM__V1__NOTIFICATION_VALUE__INIT;
    Platform__V1__NotificationItem item = PLATFORM__V1__NOTIFICATION_ITEM__INIT;
    Platform__V1__NotificationValue *values[] = {&number}, *item_values[] = {&name};
    Platform__V1__NotificationItem *items[] = {&item};

    number.name = "order_number";
    number.value = "1001\r\nBcc: eve@example.org";
    name.name = "name";
    name.value = "Mug <blue>";
    item.values = item_values;
    item.n_values = 1;
    command.command_id = uuid_text(world_ctx(platform)->arena, command_id);
    command.kind = kind;
    command.locale = locale;
    command.recipient_email = "ann@example.org";
    command.subject_id = command.command_id;
    command.values = values;
    command.n_values = 1;
    command.items = items;
    command.n_items = 1;
    return handle(platform_on_send_notification, uuid_v7(), &command);
}

static struct status stock_falls_low(struct uuid event_id)
{
    return handle(platform_on_stock_low, event_id,
                  example_of(world_ctx(platform)->arena, &inventory__v1__stock_low__schema));
}

static struct status retrying(Platform__V1__Delivery **ret_delivery)
{
    Platform__V1__RetryDeliveryRequest req = PLATFORM__V1__RETRY_DELIVERY_REQUEST__INIT;
    Platform__V1__RetryDeliveryResponse rep = PLATFORM__V1__RETRY_DELIVERY_RESPONSE__INIT;

    req.id = world_sql_text("SELECT id FROM platform.delivery");
    TRY(platform_retry_delivery(world_ctx(platform), &req, &rep));
    *ret_delivery = rep.delivery;
    return status_ok();
}

static void until_state(const char *state)
{
    world_until(1, "SELECT count(*) FROM platform.delivery WHERE state = '%s'", state);
    world_until(0, "SELECT count(*) FROM platform.task");
}

START_TEST(a_command_becomes_one_mail_whatever_its_values_hold)
{
    given_mail_server(TAKE);
    given_platform();
    struct uuid command_id = uuid_v7();

    then_ok(notifying(command_id, "order_placed", "de-AT"));
    then_ok(notifying(command_id, "order_placed", "de-AT"));
    until_state("sent");
    sink_close(&sink);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.delivery"), 1);
    ck_assert_ptr_nonnull(strstr(sink.got, "RCPT TO:<ann@example.org>"));
    ck_assert_ptr_nonnull(
        strstr(sink.got, "Subject: Ihre Bestellung 1001  Bcc: eve@example.org\r\n"));
    ck_assert_ptr_null(strstr(sink.got, "\nBcc: eve@example.org\r\nMessage-ID"));
    ck_assert_ptr_nonnull(strstr(sink.got, "Mug &lt;blue&gt;"));
    ck_assert_ptr_nonnull(
        strstr(sink.got, world_sql_text("SELECT 'Message-ID: <' || id || '@example.org>'"
                                        " FROM platform.delivery")));
    then_published_as_example("platform", &platform__v1__delivery_sent__schema);
}
END_TEST

START_TEST(a_store_speaks_in_its_own_name_and_a_missing_language_in_english)
{
    given_platform();
    given_store("main");
    Platform__V1__SendNotification command = PLATFORM__V1__SEND_NOTIFICATION__INIT;

    command.command_id = uuid_text(world_ctx(platform)->arena, uuid_v7());
    command.kind = "payment_failed";
    command.locale = "fr";
    command.recipient_email = "ann@example.org";
    command.store_id = world_sql_text("SELECT id FROM platform.store");
    then_ok(handle(platform_on_send_notification, uuid_v7(), &command));

    ck_assert_str_eq(world_sql_text("SELECT sender || ' ' || locale FROM platform.delivery"),
                     "shop@example.org en");
    command.kind = "unheard_of";
    then_reason(handle(platform_on_send_notification, uuid_v7(), &command), STATUS_NOT_FOUND,
                "TEMPLATE_NOT_FOUND");
}
END_TEST

START_TEST(a_permanent_refusal_fails_at_once_and_can_be_retried)
{
    given_mail_server(NO_SUCH_USER);
    given_platform();
    Platform__V1__Delivery *delivery;

    then_ok(notifying(uuid_v7(), "order_placed", "en"));
    until_state("failed");
    ck_assert_int_eq(world_sql_int("SELECT attempts FROM platform.delivery"), 1);
    then_published_as_example("platform", &platform__v1__delivery_failed__schema);

    sink.answers = TAKE;
    then_ok(retrying(&delivery));
    ck_assert_int_eq(delivery->state, PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING);
    until_state("sent");
    sink_close(&sink);
    ck_assert_int_eq(world_sql_int("SELECT max(aggregate_version) FROM platform.outbox"), 2);
    then_reason(retrying(&delivery), STATUS_FAILED_PRECONDITION, "DELIVERY_WAS_SENT");
}
END_TEST

START_TEST(a_passing_refusal_is_tried_again_until_the_attempts_are_used_up)
{
    given_mail_server(LATER);
    given_platform();
    Platform__V1__Delivery *delivery;

    then_ok(notifying(uuid_v7(), "order_placed", "en"));
    world_until(1, "SELECT attempts FROM platform.delivery");
    world_until(1, "SELECT count(*) FROM platform.task WHERE lease_until IS NULL");
    then_ok(retrying(&delivery)); // now, not in five seconds
    world_until(2, "SELECT attempts FROM platform.delivery");
    world_until(1, "SELECT count(*) FROM platform.task WHERE lease_until IS NULL");
    ck_assert_str_eq(world_sql_text("SELECT state FROM platform.delivery"), "pending");

    world_sql("UPDATE platform.task SET attempts = %lld", (long long)SEND_MAIL.attempts_max - 1);
    then_ok(retrying(&delivery));
    until_state("failed");
    sink_close(&sink);
    ck_assert_ptr_nonnull(
        strstr(world_sql_text("SELECT last_error FROM platform.delivery"), "MAIL_NOT_TAKEN"));
    ck_assert_int_eq(published(&DELIVERY_FAILED), 1);
}
END_TEST

START_TEST(without_a_mail_server_mail_fails_and_says_why)
{
    given_platform();

    then_ok(notifying(uuid_v7(), "order_placed", "en"));
    until_state("failed");
    ck_assert_ptr_nonnull(
        strstr(world_sql_text("SELECT last_error FROM platform.delivery"), "MAIL_NOT_CONFIGURED"));
}
END_TEST

START_TEST(low_stock_is_told_to_nobody_unless_configured)
{
    given_platform();

    then_ok(stock_falls_low(uuid_v7()));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.delivery"), 0);
}
END_TEST

START_TEST(low_stock_alerts_by_mail_once)
{
    given_mail_server(TAKE);
    world_setenv("PLATFORM_ALERT_EMAIL", "stock@example.org");
    given_platform();
    struct uuid event_id = uuid_v7();

    then_ok(stock_falls_low(event_id));
    then_ok(stock_falls_low(event_id));
    until_state("sent");
    sink_close(&sink);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.delivery"), 1);
    ck_assert_ptr_nonnull(strstr(sink.got, "Subject: Low stock: 3 left\r\n"));
}
END_TEST

START_TEST(low_stock_is_posted_signed)
{
    given_receiver(THANKS);
    world_setenv("PLATFORM_WEBHOOK_ALLOW_PRIVATE", "true");
    given_platform();
    struct ctx *ctx = world_ctx(platform);

    then_ok(stock_falls_low(uuid_v7()));
    until_state("sent");
    sink_close(&sink);

    const char *signature = strstr(sink.got, "Torg-Signature: ");
    const char *body = strstr(sink.got, "\r\n\r\n");
    ck_assert(str_starts_with(sink.got, "POST /reorder?k=1 HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(signature);
    signature += strlen("Torg-Signature: ");
    const char *wanted =
        webhook_signature(ctx->arena, "whsec", strtoll(signature + 2, NULL, 10), body + 4);
    ck_assert_str_eq(arena_strndup(ctx->arena, signature, strcspn(signature, "\r")), wanted);
    ck_assert_ptr_nonnull(strstr(body, "\"type\":\"inventory.v1.StockLow\""));
    ck_assert_ptr_nonnull(strstr(body, "\"lowThreshold\":\"4\""));
}
END_TEST

START_TEST(a_receiver_that_fails_is_asked_again)
{
    given_receiver(BROKEN);
    world_setenv("PLATFORM_WEBHOOK_ALLOW_PRIVATE", "true");
    given_platform();

    then_ok(stock_falls_low(uuid_v7()));
    world_until(1, "SELECT attempts FROM platform.delivery");
    sink_close(&sink);
    ck_assert_str_eq(world_sql_text("SELECT state || ' ' || last_error FROM platform.delivery"),
                     "pending WEBHOOK_REFUSED: HTTP 500");
}
END_TEST

START_TEST(a_webhook_does_not_reach_into_our_own_network)
{
    given_receiver(THANKS);
    given_platform();

    then_ok(stock_falls_low(uuid_v7()));
    until_state("failed");
    sink_close(&sink);
    ck_assert_uint_eq(sink.length, 0);
}
END_TEST

START_TEST(a_webhook_without_a_secret_does_not_start)
{
    struct daemon *daemon;

    world_setenv("PLATFORM_REORDER_WEBHOOK_URL", "https://example.org/");
    then_reason(world_try_start(&PLATFORM, &daemon), STATUS_FAILED_PRECONDITION,
                "REORDER_UNSIGNED");
}
END_TEST

static Platform__V1__Delivery *seen_with(const char *scopes)
{
    struct ctx *ctx = world_ctx(platform);
    Platform__V1__GetDeliveryRequest req = PLATFORM__V1__GET_DELIVERY_REQUEST__INIT;
    Platform__V1__GetDeliveryResponse rep = PLATFORM__V1__GET_DELIVERY_RESPONSE__INIT;

    ctx->caller.scopes = scopes;
    req.id = world_sql_text("SELECT id FROM platform.delivery");
    then_ok(platform_get_delivery(ctx, &req, &rep));
    return rep.delivery;
}

START_TEST(the_log_hides_people_from_who_may_not_see_them)
{
    given_platform();
    then_ok(notifying(uuid_v7(), "order_placed", "en"));
    until_state("failed");
    Platform__V1__Delivery *masked = seen_with("deliveries.read");
    Platform__V1__Delivery *whole = seen_with("deliveries.read deliveries.personal");

    ck_assert_str_eq(masked->recipient, "a*** at example.org");
    ck_assert_str_eq(masked->subject, "");
    ck_assert_str_eq(masked->text, "");
    ck_assert_str_eq(whole->recipient, "ann@example.org");
    ck_assert_ptr_nonnull(strstr(whole->text, "Mug <blue>"));
}
END_TEST

START_TEST(the_log_pages_from_the_newest_by_state_and_subject)
{
    given_platform();
    struct uuid first = uuid_v7();
    Platform__V1__ListDeliveriesRequest req = PLATFORM__V1__LIST_DELIVERIES_REQUEST__INIT;
    Platform__V1__ListDeliveriesResponse page = PLATFORM__V1__LIST_DELIVERIES_RESPONSE__INIT;
    Platform__V1__ListDeliveriesResponse next = PLATFORM__V1__LIST_DELIVERIES_RESPONSE__INIT;
    Common__V1__PageRequest paging = COMMON__V1__PAGE_REQUEST__INIT;

    then_ok(notifying(first, "order_placed", "en"));
    then_ok(notifying(uuid_v7(), "order_shipped", "en"));
    then_ok(notifying(uuid_v7(), "order_cancelled", "en"));
    world_until(3, "SELECT count(*) FROM platform.delivery WHERE state = 'failed'");
    paging.page_size = 2;
    req.page = &paging;
    req.state = PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_FAILED;
    then_ok(platform_list_deliveries(world_ctx(platform), &req, &page));
    paging.page_token = page.page->next_page_token;
    then_ok(platform_list_deliveries(world_ctx(platform), &req, &next));

    ck_assert_uint_eq(page.n_deliveries, 2);
    ck_assert_str_eq(page.deliveries[0]->kind, "order_cancelled");
    ck_assert_uint_eq(next.n_deliveries, 1);
    ck_assert_str_eq(next.deliveries[0]->kind, "order_placed");
    ck_assert_str_eq(next.page->next_page_token, "");
    req.page = NULL;
    req.subject_id = uuid_text(world_ctx(platform)->arena, first);
    then_ok(platform_list_deliveries(world_ctx(platform), &req, &page));
    ck_assert_uint_eq(page.n_deliveries, 1);
    Platform__V1__GetDeliveryRequest get = PLATFORM__V1__GET_DELIVERY_REQUEST__INIT;
    Platform__V1__GetDeliveryResponse got = PLATFORM__V1__GET_DELIVERY_RESPONSE__INIT;
    get.id = req.subject_id;
    then_reason(platform_get_delivery(world_ctx(platform), &get, &got), STATUS_NOT_FOUND,
                "DELIVERY_NOT_FOUND");
}
END_TEST

START_TEST(people_are_forgotten_after_the_retention)
{
    world_setenv("PLATFORM_DELIVERY_RETENTION", "1ms");
    world_setenv("PLATFORM_ERASE_INTERVAL", "20ms");
    given_platform();
    Platform__V1__Delivery *delivery;

    then_ok(notifying(uuid_v7(), "order_placed", "en"));
    world_until(1, "SELECT count(*) FROM platform.delivery WHERE state = 'failed'"
                   " AND recipient IS NULL AND subject = '' AND body = '' AND html = ''");
    then_reason(retrying(&delivery), STATUS_FAILED_PRECONDITION, "DELIVERY_ERASED");
}
END_TEST

static struct status upserting(const char *text, int64_t *ret_version)
{
    Platform__V1__UpsertTemplateRequest req = PLATFORM__V1__UPSERT_TEMPLATE_REQUEST__INIT;
    Platform__V1__UpsertTemplateResponse rep = PLATFORM__V1__UPSERT_TEMPLATE_RESPONSE__INIT;
    Platform__V1__Template template = PLATFORM__V1__TEMPLATE__INIT;

    template.kind = "order_placed";
    template.locale = "fr";
    template.subject = "Votre commande {{order_number}}";
    template.text = text;
    req.template_ = &template;
    TRY(platform_upsert_template(world_ctx(platform), &req, &rep));
    *ret_version = rep.template_->version;
    return status_ok();
}

START_TEST(a_template_is_written_checked_and_listed)
{
    given_platform();
    Platform__V1__ListTemplatesRequest req = PLATFORM__V1__LIST_TEMPLATES_REQUEST__INIT;
    Platform__V1__ListTemplatesResponse rep = PLATFORM__V1__LIST_TEMPLATES_RESPONSE__INIT;
    int64_t version;

    then_ok(upserting("Merci", &version));
    then_ok(upserting("Merci {{recipient_name}}", &version));
    ck_assert_int_eq(version, 2);
    struct status status = upserting("Merci {{#items}}", &version);
    then_reason(status, STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_str_eq(status.violations->field, "template.text");
    then_ok(platform_list_templates(world_ctx(platform), &req, &rep));
    ck_assert_uint_eq(rep.n_templates, 13);
    world_sql("UPDATE platform.template SET text = '{{#x}}' WHERE locale = 'fr'");
    then_reason(notifying(uuid_v7(), "order_placed", "fr"), STATUS_FAILED_PRECONDITION,
                "TEMPLATE_BROKEN");
}
END_TEST

START_TEST(what_comes_with_the_shop_passes_its_own_check)
{
    given_platform();
    Platform__V1__ListTemplatesRequest req = PLATFORM__V1__LIST_TEMPLATES_REQUEST__INIT;
    Platform__V1__ListTemplatesResponse rep = PLATFORM__V1__LIST_TEMPLATES_RESPONSE__INIT;
    Platform__V1__UpsertTemplateRequest put = PLATFORM__V1__UPSERT_TEMPLATE_REQUEST__INIT;
    Platform__V1__UpsertTemplateResponse written = PLATFORM__V1__UPSERT_TEMPLATE_RESPONSE__INIT;

    then_ok(platform_list_templates(world_ctx(platform), &req, &rep));
    ck_assert_uint_eq(rep.n_templates, 12);
    for (size_t i = 0; i < rep.n_templates; i++) {
        put.template_ = rep.templates[i];
        then_ok(platform_upsert_template(world_ctx(platform), &put, &written));
        ck_assert_ptr_null(strchr(put.template_->text, '\\'));
    }
}
END_TEST

void delivery_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "delivery");

    tcase_add_test(tcase, a_command_becomes_one_mail_whatever_its_values_hold);
    tcase_add_test(tcase, a_store_speaks_in_its_own_name_and_a_missing_language_in_english);
    tcase_add_test(tcase, a_permanent_refusal_fails_at_once_and_can_be_retried);
    tcase_add_test(tcase, a_passing_refusal_is_tried_again_until_the_attempts_are_used_up);
    tcase_add_test(tcase, without_a_mail_server_mail_fails_and_says_why);
    tcase_add_test(tcase, low_stock_is_told_to_nobody_unless_configured);
    tcase_add_test(tcase, low_stock_alerts_by_mail_once);
    tcase_add_test(tcase, low_stock_is_posted_signed);
    tcase_add_test(tcase, a_receiver_that_fails_is_asked_again);
    tcase_add_test(tcase, a_webhook_does_not_reach_into_our_own_network);
    tcase_add_test(tcase, a_webhook_without_a_secret_does_not_start);
    tcase_add_test(tcase, the_log_hides_people_from_who_may_not_see_them);
    tcase_add_test(tcase, the_log_pages_from_the_newest_by_state_and_subject);
    tcase_add_test(tcase, people_are_forgotten_after_the_retention);
    tcase_add_test(tcase, a_template_is_written_checked_and_listed);
    tcase_add_test(tcase, what_comes_with_the_shop_passes_its_own_check);
}
