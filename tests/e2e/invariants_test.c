/* invariants_test.c - the checker finds nothing in a shop that sold, and in each broken state what
 * is broken. Broken rows live in a transaction that is rolled back: nobody else ever sees them. */
#include "breaches.h"
#include "carts.h"
#include "common/uuid.h"
#include "families.h"
#include "given.h"
#include "journal.h"

#include "cart/v1/service.pb-c.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

enum { PORT_OF_POSTGRES = 32, PORT_OF_CARTS = 33, BROKEN_CARTS_DATABASE = 5, WAIT_MS = 20000 };

static struct audit audit;
static PGconn *super;
static const char *open_cart;

static long port_base(void)
{
    return strtol(strrchr(shop_setting("TORG_SHOP_URL"), ':') + 1, NULL, 10);
}

/* As superuser: the only one who can break what constraints and grants protect. */
static const char *super_url(void)
{
    const char *path = arena_printf(arena, "%s/env/secrets", shop_setting("TORG_SHOP_VAR"));
    char line[256], password[128] = "";
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "cannot read %s", path);
    while (fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "POSTGRES_PASSWORD=%127s", password);
    fclose(file);
    return arena_printf(arena, "postgres://postgres:%s@127.0.0.1:%ld/torg", password,
                        port_base() + PORT_OF_POSTGRES);
}

static void sql(PGconn *connection, const char *text)
{
    PGresult *result = PQexec(connection, text);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
                  PQerrorMessage(connection));
}

static const struct invariant *invariant_of(const char *name)
{
    for (const struct invariant *const *family = FAMILIES; *family != NULL; family++)
        for (const struct invariant *row = *family; row->name != NULL; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    ck_abort_msg("there is no invariant %s", name);
    return NULL;
}

static void use_connection(PGconn *connection)
{
    for (size_t i = 0; i < SCHEMAS; i++)
        audit.connections[i] = connection;
    audit.carts = NULL;
    audit.outboxes = NULL;
}

static struct findings look(const struct invariant *invariant)
{
    struct findings findings = audit_check(&audit, invariant);
    ck_assert_msg(audit.failure == NULL, "%s: %s", invariant->name, audit.failure);
    return findings;
}

static void then_broken(const struct breach *breach)
{
    struct findings findings = look(invariant_of(breach->invariant));
    ck_assert_msg(findings.broken > 0, "%s does not report: %s", breach->invariant,
                  breach->sql ? breach->sql : "its breach");
    ck_assert_msg(findings.kept_count > 0 && *findings.kept[0].key != '\0',
                  "%s reports something without a name: %s", breach->invariant,
                  findings.kept[0].what);
}

/* --- what the shop has seen
 * ---------------------------------------------------------------------*/

static void given_a_revoked_key(void)
{
    struct answer key = admin("POST", "/api-keys", "{\"name\":\"a\",\"scopes\":[\"orders.read\"]}");
    ck_assert_msg(key.status / 100 == 2, "a key: %ld %s", key.status, key.text);
    struct answer gone =
        admin("DELETE", arena_printf(arena, "/api-keys/%s", text_at(key, "apiKey.id")), NULL);
    ck_assert_msg(gone.status / 100 == 2, "revoking: %ld %s", gone.status, gone.text);
}

/* A sale by card with a coupon, one that is cancelled, one that is declined, a customer, a cart. */
static void given_sales(void)
{
    struct item item = given_item(1900, 50);
    const char *coupon = given_coupon(5);
    const char *cancelled = text_at(bought(given_cart(item, 1)), "orderId");

    until(arena_printf(arena, "/orders/%s", cancelled), "paymentStatus", "PAYMENT_STATUS_PAID");
    expect(admin("POST", arena_printf(arena, "/orders/%s/cancel", cancelled),
                 "{\"reason\":\"the buyer changed their mind\"}"),
           200);
    struct answer declined = when_paying_with("pm_card_chargeDeclined", given_cart(item, 1));
    ck_assert_msg(declined.status / 100 != 5, "declined: %ld %s", declined.status, declined.text);
    expect(store("POST", "/account/register",
                 arena_printf(arena, "{\"email\":\"%s\",\"password\":\"correct horse battery\"}",
                              new_email()),
                 NULL),
           201);
    given_a_revoked_key();
    open_cart = given_cart(item, 1);
    const char *cart = given_cart(item, 2);
    expect(store("POST", arena_printf(arena, "/carts/%s/coupons", cart),
                 arena_printf(arena, "{\"couponCode\":\"%s\"}", coupon), NULL),
           200);
    struct answer paid = when_paying_with("pm_card_visa", cart);
    const char *checkout = arena_printf(arena, "/checkouts/%s", text_at(paid, "id"));
    struct answer placed = until(checkout, "state", "CHECKOUT_STATE_PLACED");
    until(arena_printf(arena, "/orders/%s", text_at(placed, "orderId")), "paymentStatus",
          "PAYMENT_STATUS_PAID");
}

static void open_audit(void)
{
    const struct settings settings = {
        .database_url = super_url(),
        .redis_url = arena_printf(arena, "redis://127.0.0.1:%ld/%d", port_base() + PORT_OF_CARTS,
                                  BROKEN_CARTS_DATABASE),
        .brokers = shop_setting("TORG_SHOP_KAFKA"),
        .provider_url = shop_setting("TORG_SHOP_STRIPE"),
        .grace_s = 30,
    };

    audit_init(&audit, &settings);
    super = PQconnectdb(settings.database_url);
    ck_assert_msg(PQstatus(super) == CONNECTION_OK, "%s", PQerrorMessage(super));
    sql(super, "SET lock_timeout = '20s'");
}

/* --- breaches
 * ------------------------------------------------------------------------------------*/

static void break_rows(const struct breach *breach, const char *text)
{
    sql(super, "BEGIN; SET LOCAL session_replication_role = replica");
    sql(super, arena_printf(arena, "SELECT set_config('breach.cart', '%s', true)", open_cart));
    sql(super, text);
    use_connection(super);
    then_broken(breach);
    sql(super, "ROLLBACK");
}

static void break_committed(const struct breach *breach)
{
    PGconn *writer = PQconnectdb(super_url());

    sql(writer, breach->sql);
    sql(super, "BEGIN");
    use_connection(super);
    struct findings findings = look(invariant_of(breach->invariant));
    sql(super, "ROLLBACK");
    sql(writer, breach->mend);
    PQfinish(writer);
    ck_assert_msg(findings.broken > 0, "%s does not report", breach->invariant);
}

static redisContext *broken_carts(void)
{
    redisContext *redis = redisConnect("127.0.0.1", (int)(port_base() + PORT_OF_CARTS));
    ck_assert(redis != NULL && redis->err == 0);
    freeReplyObject(redisCommand(redis, "SELECT %d", BROKEN_CARTS_DATABASE));
    freeReplyObject(redisCommand(redis, "FLUSHDB"));
    return redis;
}

/* A frozen draft of a checkout that never was, an open one that was bought, an event that nobody
 * published: none of them is where the shop looks. */
static void break_carts(const struct breach *breach)
{
    redisContext *redis = broken_carts();
    Cart__V1__Cart cart = CART__V1__CART__INIT;
    uint8_t bytes[256];

    cart.id = breach->sql ? open_cart : new_key();
    cart.checkout_id = new_key();
    cart.state = breach->sql ? CART__V1__CART_STATE__CART_STATE_OPEN
                             : CART__V1__CART_STATE__CART_STATE_FROZEN;
    size_t length = cart__v1__cart__pack(&cart, bytes);
    freeReplyObject(redisCommand(redis, "HSET cart:{c00}:%s s 99 b %b", cart.id, bytes, length));
    freeReplyObject(redisCommand(redis, "XADD cart:{c00}:events * topic cart.cart.events.v1 key k"
                                        " headers h payload p"));
    break_rows(breach, breach->sql ? breach->sql : "SELECT 1");
    freeReplyObject(redisCommand(redis, "FLUSHDB"));
    redisFree(redis);
}

static void produce(rd_kafka_t *kafka, const char *topic, const char *id, const char *type,
                    const char *sequence, const char *payload)
{
    rd_kafka_resp_err_t error = rd_kafka_producev(
        kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY("k", 1),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)payload, strlen(payload)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("ce_id", id, -1),
        RD_KAFKA_V_HEADER("ce_type", type, -1), RD_KAFKA_V_HEADER("ce_sequence", sequence, -1),
        RD_KAFKA_V_END);
    ck_assert_int_eq(error, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static rd_kafka_t *open_producer(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", shop_setting("TORG_SHOP_KAFKA"), error,
                      sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    ck_assert_msg(kafka != NULL, "%s", error);
    return kafka;
}

static void create_topic(rd_kafka_t *kafka, const char *name)
{
    char error[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, 1, error, sizeof error);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);

    rd_kafka_CreateTopics(kafka, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    ck_assert_msg(event != NULL && !rd_kafka_event_error(event), "creating %s", name);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
}

static void delete_topic(rd_kafka_t *kafka, const char *name)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);

    rd_kafka_DeleteTopics(kafka, &topic, 1, NULL, queue);
    rd_kafka_event_destroy(rd_kafka_queue_poll(queue, WAIT_MS));
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
}

/* One topic with every fault that a topic can have: a gap, a repeat with other bytes, a record that
 * is no event, and a message that was sent twice. */
static void break_topic(const struct breach *breach)
{
    static const char SENT[] = "platform.v1.DeliverySent";
    const char *topic = arena_printf(arena, "breach-%s.events.v1", new_key());
    rd_kafka_t *kafka = open_producer();
    const char *first = new_key();

    create_topic(kafka, topic);
    produce(kafka, topic, first, SENT, "1", "a");
    produce(kafka, topic, first, SENT, "1", "b");
    produce(kafka, topic, new_key(), SENT, "3", "c");
    produce(kafka, topic, new_key(), "", "", "d");
    ck_assert_int_eq(rd_kafka_flush(kafka, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);

    struct journal *real = audit.journal;
    audit.journal = NULL;
    audit.is_journal_read = false;
    audit.settings.topic = topic;
    break_rows(breach, "SELECT 1");
    journal_close(audit.journal);
    audit.journal = real;
    audit.is_journal_read = true;
    audit.settings.topic = NULL;
    delete_topic(kafka, topic);
    rd_kafka_destroy(kafka);
}

/* The log ends later than the group has read. */
static void break_group(const struct breach *breach)
{
    const struct journal *journal = audit.journal;

    for (size_t i = 0; i < journal->count; i++) {
        struct record *record = journal->records[i];
        if (strcmp(record->type, "order.v1.OrderPlaced") != 0)
            continue;
        record->offset += 1000000;
        break_rows(breach, "SELECT 1");
        record->offset -= 1000000;
        return;
    }
    ck_abort_msg("no order was placed");
}

static void break_it(const struct breach *breach)
{
    switch (breach->kind) {
    case BREACH_SQL:
        break_rows(breach, breach->sql);
        break;
    case BREACH_CART:
        break_carts(breach);
        break;
    case BREACH_TOPIC:
        break_topic(breach);
        break;
    case BREACH_GROUP:
        break_group(breach);
        break;
    case BREACH_COMMITTED:
        break_committed(breach);
        break;
    }
}

/* --- cases
 * ---------------------------------------------------------------------------------------*/

START_TEST(every_invariant_has_a_state_that_breaks_it)
{
    for (const struct invariant *const *family = FAMILIES; *family != NULL; family++)
        for (const struct invariant *row = *family; row->name != NULL; row++) {
            bool has_breach = false;
            for (const struct breach *breach = BREACHES; breach->invariant != NULL; breach++)
                has_breach = has_breach || strcmp(breach->invariant, row->name) == 0;
            ck_assert_msg(has_breach, "%s has no broken state in breaches.c", row->name);
        }
}
END_TEST

START_TEST(a_shop_that_sold_keeps_them_all_and_each_broken_state_is_reported)
{
    given_sales();
    const char *command =
        arena_printf(arena, "TORG_VAR='%s' '%s/tests/invariants' --window all --quiet 90",
                     shop_setting("TORG_SHOP_VAR"), shop_setting("TORG_ROOT"));
    ck_assert_msg(system(command) == 0, "%s: not all hold; see this suite's log", command);

    open_audit();
    ck_assert_msg(audit_begin_pass(&audit) && journal_read(&audit) != NULL, "%s", audit.failure);
    audit_end_pass(&audit);
    for (const struct breach *breach = BREACHES; breach->invariant != NULL; breach++)
        break_it(breach);
    PQfinish(super);
    audit_finish(&audit);
    ck_assert_msg(system(command) == 0, "%s: a breach was left behind", command);
}
END_TEST

/* What a daemon prints of itself, without spaces: {"direction":"receive",...,"type":"T",...} */
static bool is_subscribed(const char *table, const char *type)
{
    const char *at = table;

    while ((at = strstr(at, "\"direction\":\"receive\"")) != NULL) {
        const char *end = strstr(at + 1, "\"direction\":");
        const char *found = strstr(at, arena_printf(arena, "\"type\":\"%s\"", type));
        if (found != NULL && (end == NULL || found < end))
            return true;
        at++;
    }
    return false;
}

START_TEST(the_checker_knows_who_handles_what)
{
    for (const struct subscription *row = SUBSCRIPTIONS; row->consumer != NULL; row++) {
        const char *command =
            arena_printf(arena, "'%s/bin/%s' --events", shop_setting("TORG_BUILD"), row->consumer);
        FILE *pipe = popen(command, "r");
        char *table = arena_alloc(arena, 4 << 20);
        size_t length = fread(table, 1, (4 << 20) - 1, pipe);
        ck_assert_msg(pclose(pipe) == 0 && length > 0, "%s", command);
        ck_assert_msg(is_subscribed(table, row->type), "%s does not handle %s", row->consumer,
                      row->type);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("invariants");
    TCase *invariants = shop_case(suite, "invariants");
    tcase_add_test(invariants, every_invariant_has_a_state_that_breaks_it);
    tcase_add_test(invariants, the_checker_knows_who_handles_what);
    tcase_add_test(invariants, a_shop_that_sold_keeps_them_all_and_each_broken_state_is_reported);
    return shop_run(suite);
}
