/* publish.c - an outbox row becomes a Kafka record, and its report comes back with its token.
 *
 * Idempotent and without a time limit: librdkafka retries for ever and keeps the order per
 * partition. murmur2_random places keys where Java producers place them. */
#include "relay.h"

#include "chassis/log.h"
#include "events/headers.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TOPIC_MAX = 250, ASK_TIMEOUT_MS = 1000 };

static const uint64_t ONE = 1;

struct publisher {
    struct relay *relay;
    rd_kafka_t *kafka;
    rd_kafka_queue_t *queue;
    int wake; /* an eventfd: librdkafka adds to it when there are reports */
};

static struct status configure(struct relay *relay, rd_kafka_conf_t *conf);
static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque);
static void on_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque);
static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text);
static void refuse(struct relay *relay, const rd_kafka_message_t *message);
static bool is_about_the_record(rd_kafka_resp_err_t error);
static rd_kafka_headers_t *to_headers(struct db_bytes list);

struct status publisher_open(struct relay *relay, struct publisher **ret_publisher)
{
    struct publisher *self = calloc(1, sizeof *self); /* once a session */
    char error[256];

    if (self == NULL)
        abort();
    *ret_publisher = self;
    self->relay = relay;
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake < 0)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "no eventfd");

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct status status = configure(relay, conf);
    if (status.code != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_opaque(conf, relay);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    self->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (self->kafka == NULL) {
        rd_kafka_conf_destroy(conf);
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "librdkafka: %s", error);
    }
    self->queue = rd_kafka_queue_get_main(self->kafka);
    rd_kafka_queue_io_event_enable(self->queue, self->wake, &ONE, sizeof ONE);
    return status_ok();
}

/* What is not delivered must not be delivered later: another session sends it again. */
void publisher_close(struct publisher *self)
{
    if (self == NULL)
        return;
    if (self->kafka != NULL) {
        rd_kafka_purge(self->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_queue_destroy(self->queue);
        rd_kafka_destroy(self->kafka);
    }
    if (self->wake > 0)
        close(self->wake);
    free(self);
}

int publisher_socket(const struct publisher *self)
{
    return self->wake;
}

void publisher_poll(struct publisher *self, int timeout_ms)
{
    eventfd_t drop;

    (void)eventfd_read(self->wake, &drop);
    rd_kafka_poll(self->kafka, timeout_ms);
}

void publisher_ask(struct publisher *self)
{
    const struct rd_kafka_metadata *metadata;

    if (rd_kafka_metadata(self->kafka, 0, NULL, &metadata, ASK_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

struct status publisher_send(struct publisher *self, const struct outbox_row *row, uint64_t token)
{
    struct relay *relay = self->relay;
    char topic[TOPIC_MAX + 1] = "";
    rd_kafka_headers_t *headers = to_headers(row->headers);
    rd_kafka_resp_err_t error;

    if (row->topic.length <= TOPIC_MAX)
        memcpy(topic, row->topic.data, row->topic.length);
    do {
        error = rd_kafka_producev(
            self->kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY((void *)(uintptr_t)row->key.data, row->key.length),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)row->payload.data, row->payload.length),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_TIMESTAMP(row->time_us / 1000),
            RD_KAFKA_V_OPAQUE((void *)(uintptr_t)token), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            publisher_poll(self, 10);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && relay->failure.code == STATUS_OK);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return status_ok(); /* the record owns the headers */
    rd_kafka_headers_destroy(headers);
    if (!is_about_the_record(error))
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "%s: %s", topic, rd_kafka_err2str(error));
    relay_refused(relay, row, rd_kafka_err2name(error));
    relay_delivered(relay, token, row_bytes(row), 0);
    return relay->failure;
}

int64_t row_bytes(const struct outbox_row *row)
{
    return (int64_t)(row->key.length + row->payload.length);
}

static struct status configure(struct relay *relay, rd_kafka_conf_t *conf)
{
    struct arena *arena = relay->ctx.arena;
    const struct {
        const char *name, *value;
    } settings[] = {
        {"bootstrap.servers", relay->brokers},
        {"client.id", "outbox-relay"},
        {"allow.auto.create.topics", "false"},
        {"enable.idempotence", "true"},
        {"message.timeout.ms", "0"},
        {"linger.ms", arena_printf(arena, "%lld", (long long)relay->linger_ms)},
        {"compression.codec", "lz4"},
        {"partitioner", "murmur2_random"},
        {"queue.buffering.max.messages",
         arena_printf(arena, "%lld", (long long)(2 * SOURCES * relay->window_messages))},
        {"queue.buffering.max.kbytes",
         arena_printf(arena, "%lld", (long long)(4 * SOURCES * relay->window_bytes / 1024 + 4096))},
        {"topic.metadata.refresh.interval.ms", "30000"},
        {"topic.metadata.propagation.max.ms", "5000"},
        {"reconnect.backoff.ms", "50"},
        {"reconnect.backoff.max.ms", "1000"},
        {"socket.keepalive.enable", "true"},
        {"socket.nagle.disable", "true"},
    };
    char error[256];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (rd_kafka_conf_set(conf, settings[i].name, settings[i].value, error, sizeof error) !=
            RD_KAFKA_CONF_OK)
            return ctx_fail(&relay->ctx, &RELAY_FAILED, "librdkafka: %s", error);
    return status_ok();
}

static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct relay *relay = opaque;
    int64_t bytes = (int64_t)(message->key_len + message->len);

    (void)kafka;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !is_about_the_record(message->err)) {
        /* The topic is missing or closed to us: nothing is confirmed, so nothing is lost. */
        relay_fail(relay,
                   arena_printf(relay->ctx.arena, "%s: %s", rd_kafka_topic_name(message->rkt),
                                rd_kafka_err2str(message->err)));
        return;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        refuse(relay, message);
    relay_delivered(relay, (uint64_t)(uintptr_t)message->_private, bytes,
                    message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                        ? rd_kafka_message_timestamp(message, NULL) * 1000
                        : 0);
}

static void refuse(struct relay *relay, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    rd_kafka_headers_t *headers = NULL;
    struct buffer bytes;
    const char *name;
    const void *value;
    size_t size;

    buffer_init(&bytes, relay->ctx.arena, 640);
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                           RD_KAFKA_RESP_ERR_NO_ERROR;
             i++)
            headers_append(&bytes, name, value);
    const struct outbox_row row = {
        .topic = {topic, strlen(topic)},
        .key = {message->key, message->key_len},
        .headers = {bytes.data, bytes.length},
        .payload = {message->payload, message->len},
        .time_us = rd_kafka_message_timestamp(message, NULL) * 1000,
    };
    relay_refused(relay, &row, rd_kafka_err2name(message->err));
}

static void on_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
    struct relay *relay = opaque;
    char fatal[256];

    if (error != RD_KAFKA_RESP_ERR__FATAL) {
        log_warn(NULL, "kafka_error", LOG_STR("error", rd_kafka_err2name(error)),
                 LOG_STR("reason", reason));
        return;
    }
    rd_kafka_fatal_error(kafka, fatal, sizeof fatal);
    relay_fail(relay, arena_printf(relay->ctx.arena, "producer: %s", fatal));
}

static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
    (void)kafka;
    if (level <= 4) /* syslog's warning */
        log_warn(NULL, "kafka", LOG_STR("facility", facility), LOG_STR("text", text));
}

/* Would fail again wherever and whenever it is sent. */
static bool is_about_the_record(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
           error == RD_KAFKA_RESP_ERR_INVALID_RECORD || error == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           error == RD_KAFKA_RESP_ERR__INVALID_ARG;
}

static rd_kafka_headers_t *to_headers(struct db_bytes list)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(20);
    struct header header;

    while (headers_next(&list, &header))
        rd_kafka_header_add(headers, header.name, (ssize_t)header.name_length, header.value,
                            (ssize_t)header.value_length);
    return headers;
}
