/* kafka.c - consumers with our settings, and their messages as records. */
#include "kafka.h"

#include "chassis/log.h"
#include "events/headers.h"

#include <string.h>

/* Of librdkafka 2.0.2: range, because its cooperative-sticky loses assignments. The queue bounds
 * keep a daemon that catches up inside its memory budget. */
static const struct kafka_setting DEFAULTS[] = {
    {"allow.auto.create.topics", "false"},  {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "false"},      {"partition.assignment.strategy", "range"},
    {"fetch.error.backoff.ms", "200"},      {"queued.min.messages", "5000"},
    {"queued.max.messages.kbytes", "8192"}, {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "2000"},   {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},       {NULL, NULL},
};

static struct status configure(struct ctx *ctx, rd_kafka_conf_t *conf,
                               const struct kafka_setting *settings);
static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text);
static void conf_destroy(rd_kafka_conf_t **conf);

struct status kafka_consumer(struct ctx *ctx, struct events *self,
                             const struct kafka_setting *settings,
                             void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                               rd_kafka_topic_partition_list_t *, void *),
                             rd_kafka_t **ret_kafka)
{
    const struct kafka_setting ours[] = {
        {"bootstrap.servers", self->brokers},
        {"client.id", self->consumer},
        {"fetch.wait.max.ms", arena_printf(ctx->arena, "%lld", (long long)self->fetch_wait_ms)},
        {"topic.metadata.refresh.interval.ms",
         arena_printf(ctx->arena, "%lld", (long long)self->metadata_refresh_ms)},
        {NULL, NULL},
    };
    _cleanup_(conf_destroy) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    TRY(configure(ctx, conf, DEFAULTS));
    TRY(configure(ctx, conf, ours));
    TRY(configure(ctx, conf, settings));
    rd_kafka_conf_set_opaque(conf, self);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (rebalance != NULL)
        rd_kafka_conf_set_rebalance_cb(conf, rebalance);

    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (kafka == NULL)
        return ctx_fail(ctx, &ERROR_INTERNAL, "librdkafka: %s", error);
    conf = NULL; /* the handle owns it */
    rd_kafka_poll_set_consumer(kafka);
    *ret_kafka = kafka;
    return status_ok();
}

const char *const *kafka_topics(struct ctx *ctx, struct events *self, enum subscription_mode mode,
                                size_t *ret_count)
{
    const struct event_subscription *rows = daemon_service(self->daemon)->subscriptions;
    size_t count = 0;
    size_t total = 0;

    while (rows != NULL && rows[total].topic != NULL)
        total++;

    const char **topics = arena_array(ctx->arena, const char *, total);
    for (size_t i = 0; i < total; i++) {
        bool is_known = rows[i].mode != mode;
        for (size_t j = 0; j < count && !is_known; j++)
            is_known = strcmp(topics[j], rows[i].topic) == 0;
        if (!is_known)
            topics[count++] = rows[i].topic;
    }
    *ret_count = count;
    return topics;
}

struct record kafka_record(struct ctx *ctx, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    struct buffer bytes;
    const char *name;
    const void *value;
    size_t size;

    buffer_init(&bytes, ctx->arena, 640);
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                           RD_KAFKA_RESP_ERR_NO_ERROR;
             i++)
            if (*name != '\0' && strlen(name) <= HEADER_NAME_MAX)
                headers_append(&bytes, name, value);
    return (struct record){
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_us = rd_kafka_message_timestamp(message, NULL) * 1000,
        .key = {message->key, message->key_len},
        .headers = {bytes.data, bytes.length},
        .payload = {message->payload, message->len},
    };
}

static struct status configure(struct ctx *ctx, rd_kafka_conf_t *conf,
                               const struct kafka_setting *settings)
{
    char error[256];

    for (; settings->name != NULL; settings++)
        if (rd_kafka_conf_set(conf, settings->name, settings->value, error, sizeof error) !=
            RD_KAFKA_CONF_OK)
            return ctx_fail(ctx, &ERROR_INTERNAL, "librdkafka: %s", error);
    return status_ok();
}

/* librdkafka's levels are syslog's: 3 is an error, 4 a warning. */
static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
    (void)kafka;
    if (level <= 4)
        log_line(LOG_WARN, NULL, "kafka",
                 (const struct log_field[]){LOG_STR("facility", facility), LOG_STR("text", text),
                                            LOG_END});
}

static void conf_destroy(rd_kafka_conf_t **conf)
{
    if (*conf != NULL)
        rd_kafka_conf_destroy(*conf);
}
