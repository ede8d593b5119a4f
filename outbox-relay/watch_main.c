/* watch_main.c - torg-events: prints events as they arrive, decoded.
 *
 *   torg-events --brokers HOST:PORT [--topic NAME] [--from-start] [--count N] [--seconds N]
 *               [--correlation ID] [--json]
 *
 * A line per record: time, topic, type, key and sequence, and the message as JSON; with --json one
 * object a line. Joins no group and commits nothing. Without --topic every topic whose name ends in
 * a version is watched, dead letters included. */
#include "watch_schemas.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/uuid.h"

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64, TIMEOUT_MS = 10000, LINE_ARENA_MAX = 16 * 1024 * 1024 };

struct options {
    const char *brokers, *topic, *correlation;
    bool is_from_start, is_json;
    int64_t count;   /* 0: no limit */
    int64_t seconds; /* 0: no limit */
};

static volatile sig_atomic_t is_stopping;

static bool parse(int argc, char **argv, struct options *ret_options);
static void on_signal(int number);
static rd_kafka_t *open_consumer(const struct options *options);
static bool assign_all(rd_kafka_t *kafka, const struct options *options);
static bool is_watched(const char *topic, const struct options *options);
static int64_t watch(rd_kafka_t *kafka, const struct options *options, struct arena *arena);
static bool print_record(const struct options *options, struct arena *arena,
                         const rd_kafka_message_t *message);
static void print_body(struct json_writer *json, struct arena *arena,
                       const rd_kafka_message_t *message, const char *type);
static const char *header(const rd_kafka_message_t *message, const char *name);

int main(int argc, char **argv)
{
    struct options options = {0};
    struct arena *arena = arena_create(LINE_ARENA_MAX);

    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: torg-events --brokers HOST:PORT [--topic NAME] [--from-start]"
                        " [--count N] [--seconds N] [--correlation ID] [--json]\n");
        return EXIT_USAGE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);

    rd_kafka_t *kafka = open_consumer(&options);
    if (kafka == NULL || !assign_all(kafka, &options))
        return EXIT_FAILURE;
    int64_t printed = watch(kafka, &options, arena);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    arena_destroy(arena);
    return printed >= options.count ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse(int argc, char **argv, struct options *ret_options)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--from-start") == 0) {
            ret_options->is_from_start = true;
            continue;
        }
        if (strcmp(argv[i], "--json") == 0) {
            ret_options->is_json = true;
            continue;
        }
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--brokers") == 0)
            ret_options->brokers = value;
        else if (strcmp(argv[i], "--topic") == 0)
            ret_options->topic = value;
        else if (strcmp(argv[i], "--correlation") == 0)
            ret_options->correlation = value;
        else if ((strcmp(argv[i], "--count") != 0 || !str_to_int64(value, &ret_options->count)) &&
                 (strcmp(argv[i], "--seconds") != 0 || !str_to_int64(value, &ret_options->seconds)))
            return false;
        i++;
    }
    return ret_options->brokers != NULL;
}

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static rd_kafka_t *open_consumer(const struct options *options)
{
    const char *settings[][2] = {{"bootstrap.servers", options->brokers},
                                 {"group.id", "torg-events"}, /* named, never joined */
                                 {"enable.auto.commit", "false"},
                                 {"auto.offset.reset", "earliest"},
                                 {"fetch.wait.max.ms", "100"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof error) !=
            RD_KAFKA_CONF_OK) {
            fprintf(stderr, "torg-events: %s\n", error);
            return NULL;
        }
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (kafka == NULL)
        fprintf(stderr, "torg-events: %s\n", error);
    else
        rd_kafka_poll_set_consumer(kafka);
    return kafka;
}

static bool assign_all(rd_kafka_t *kafka, const struct options *options)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);
    rd_kafka_resp_err_t error = rd_kafka_metadata(kafka, 1, NULL, &metadata, TIMEOUT_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "torg-events: %s: %s\n", options->brokers, rd_kafka_err2str(error));
        return false;
    }
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (!is_watched(topic->topic, options))
            continue;
        for (int j = 0; j < topic->partition_cnt; j++)
            rd_kafka_topic_partition_list_add(list, topic->topic, j)->offset =
                options->is_from_start ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    }
    rd_kafka_metadata_destroy(metadata);
    if (list->cnt == 0)
        fprintf(stderr, "torg-events: no such topic\n");
    else
        rd_kafka_assign(kafka, list);
    bool is_found = list->cnt > 0;
    rd_kafka_topic_partition_list_destroy(list);
    return is_found;
}

static bool is_watched(const char *topic, const struct options *options)
{
    const char *version = strrchr(topic, '.');

    if (options->topic != NULL)
        return strcmp(topic, options->topic) == 0;
    return version != NULL && version[1] == 'v';
}

static int64_t watch(rd_kafka_t *kafka, const struct options *options, struct arena *arena)
{
    int64_t until_us = clock_monotonic_us() + options->seconds * 1000000;
    int64_t printed = 0;

    while (!is_stopping && (options->count == 0 || printed < options->count) &&
           (options->seconds == 0 || clock_monotonic_us() < until_us)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 200);
        if (message == NULL)
            continue;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            fprintf(stderr, "torg-events: %s\n", rd_kafka_message_errstr(message));
        else
            printed += print_record(options, arena, message);
        rd_kafka_message_destroy(message);
        arena_reset(arena);
    }
    return printed;
}

/* False when it is not one of those that were asked for. */
static bool print_record(const struct options *options, struct arena *arena,
                         const rd_kafka_message_t *message)
{
    const char *correlation = header(message, "ce_correlationid");
    const char *type = header(message, "ce_type");
    const char *reason = header(message, "dlq-reason");
    int64_t sequence = 0;
    struct json_writer json;
    struct buffer out;

    if (options->correlation != NULL && !str_equal(options->correlation, correlation))
        return false;
    (void)str_to_int64(str_or_empty(header(message, "ce_sequence")), &sequence);
    buffer_init(&out, arena, 1024);
    json_writer_init(&json, &out);
    if (!options->is_json) {
        const char *time = header(message, "ce_time");
        printf("%s  %s\n    %s %s #%lld%s%s\n    ", str_or_empty(time),
               rd_kafka_topic_name(message->rkt), str_or_empty(type),
               str_or_empty(header(message, "ce_subject")), (long long)sequence,
               reason != NULL ? "  dead letter: " : "", str_or_empty(reason));
        print_body(&json, arena, message, type);
        puts(out.data);
        return true;
    }
    json_begin_object(&json);
    const char *pairs[][2] = {{"topic", rd_kafka_topic_name(message->rkt)},
                              {"type", type},
                              {"id", header(message, "ce_id")},
                              {"subject", header(message, "ce_subject")},
                              {"time", header(message, "ce_time")},
                              {"correlation", correlation},
                              {"causation", header(message, "ce_causationid")},
                              {"deadLetterReason", reason}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i][1] != NULL) {
            json_key(&json, pairs[i][0]);
            json_string(&json, pairs[i][1]);
        }
    json_key(&json, "sequence");
    json_int(&json, sequence);
    json_key(&json, "partition");
    json_int(&json, message->partition);
    json_key(&json, "offset");
    json_int(&json, message->offset);
    json_key(&json, "data");
    print_body(&json, arena, message, type);
    json_end_object(&json);
    puts(out.data);
    return true;
}

static void print_body(struct json_writer *json, struct arena *arena,
                       const rd_kafka_message_t *message, const char *type)
{
    const struct message_schema *schema = NULL;
    ProtobufCMessage *body = NULL;

    for (size_t i = 0; WATCH_SCHEMAS[i] != NULL && type != NULL; i++)
        if (strcmp(WATCH_SCHEMAS[i]->descriptor->name, type) == 0)
            schema = WATCH_SCHEMAS[i];
    if (schema != NULL)
        body = protobuf_c_message_unpack(schema->descriptor, arena_protobuf(arena), message->len,
                                         message->payload);
    if (body != NULL)
        json_message(json, schema, body, false);
    else
        json_string(json, str_base64(arena, message->payload, message->len));
}

static const char *header(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return value; /* librdkafka adds the NUL */
}
