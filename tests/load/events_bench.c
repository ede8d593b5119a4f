/* events_bench.c - how long an event takes from its commit to a consumer, and how many a second
 * go through.
 *
 *   events_bench relayed 1000 10      commits 1,000 events a second for 10 s, through the relay
 *   events_bench produced 1000 10     the same records straight to Kafka: what is left without us
 *   events_bench fill 100000          a backlog of events: stop the relay before
 *   events_bench drained 100000       consumes so many that the relay publishes; says "waiting"
 *   events_bench flooded 100000       the same records straight to Kafka
 *
 * TORG_BENCH_DATABASE_URL and KAFKA_BROKERS say where. The records have the headers and the body of
 * the youngest order event; they go to a topic that nobody else reads. */
#include "histogram.h"

#include "common/clock.h"
#include "common/uuid.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTITIONS = 8, WRITERS = 4, FILL_WRITERS = 8, FILL_ROWS = 5, NUMBER_MAX = 4000000 };
enum { WARM_UP_PER_MILLE = 100, RECORD_MAX = 8192, QUIET_MS = 30000 };

static const char TOPIC[] = "bench.line.events.v1";

/* The key of record i is i; when it was committed stands here, 0: not yet. */
static atomic_int_fast64_t committed_us[NUMBER_MAX];

static const char INSERT[] = "INSERT INTO orders.outbox"
                             " (event_id, topic, key, headers, payload, aggregate_version)"
                             " VALUES ($1::uuid, $2::text, decode($3, 'hex'), $4, $5, 1)";

struct sample {
    char *headers, *payload;
    int headers_length, payload_length;
};

struct writer {
    pthread_t thread;
    const struct sample *sample;
    int64_t first, step, count, rate, start_us;
};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        give_up(name, "is not set");
    return value;
}

static PGconn *database(void)
{
    PGconn *connection = PQconnectdb(setting("TORG_BENCH_DATABASE_URL"));

    if (PQstatus(connection) != CONNECTION_OK)
        give_up("database", PQerrorMessage(connection));
    return connection;
}

static PGresult *run(PGconn *connection, const char *sql, ExecStatusType wanted)
{
    PGresult *result = PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, 1);

    if (PQresultStatus(result) != wanted)
        give_up(sql, PQerrorMessage(connection));
    return result;
}

static struct sample youngest_event(void)
{
    PGconn *connection = database();
    PGresult *result = run(connection,
                           "SELECT headers, payload FROM orders.outbox"
                           " WHERE topic = 'order.order.events.v1' ORDER BY event_id DESC LIMIT 1",
                           PGRES_TUPLES_OK);
    if (PQntuples(result) != 1)
        give_up("orders.outbox", "has no event of an order yet");
    struct sample sample = {.headers_length = PQgetlength(result, 0, 0),
                            .payload_length = PQgetlength(result, 0, 1)};
    sample.headers = malloc(RECORD_MAX);
    sample.payload = malloc(RECORD_MAX);
    if (sample.headers_length > RECORD_MAX || sample.payload_length > RECORD_MAX)
        give_up("orders.outbox", "the event is too large");
    memcpy(sample.headers, PQgetvalue(result, 0, 0), (size_t)sample.headers_length);
    memcpy(sample.payload, PQgetvalue(result, 0, 1), (size_t)sample.payload_length);
    PQclear(result);
    PQfinish(connection);
    return sample;
}

/* --- writing -----------------------------------------------------------------------------------*/

static void insert(PGconn *connection, const struct sample *sample, int64_t number)
{
    char id[UUID_TEXT_LENGTH + 1], key[33];

    uuid_format(uuid_v7(), id);
    snprintf(key, sizeof key, "%032" PRIx64, (uint64_t)number);
    const char *values[] = {id, TOPIC, key, sample->headers, sample->payload};
    const int lengths[] = {0, 0, 0, sample->headers_length, sample->payload_length};
    const int formats[] = {0, 0, 0, 1, 1};
    PGresult *result = PQexecPrepared(connection, "insert", 5, values, lengths, formats, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up("insert", PQerrorMessage(connection));
    PQclear(result);
}

static PGconn *prepared(void)
{
    PGconn *connection = database();
    PGresult *result = PQprepare(connection, "insert", INSERT, 0, NULL);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up("prepare", PQerrorMessage(connection));
    PQclear(result);
    return connection;
}

static void wait_for(int64_t time_us)
{
    int64_t rest_us = time_us - clock_monotonic_us();

    if (rest_us > 0)
        usleep((useconds_t)rest_us);
}

/* A transaction an event. Its time begins when the client has seen the commit. */
static void *commit_at_rate(void *closure)
{
    const struct writer *self = closure;
    PGconn *connection = prepared();

    for (int64_t i = self->first; i < self->count; i += self->step) {
        wait_for(self->start_us + i * 1000000 / self->rate);
        insert(connection, self->sample, i);
        committed_us[i] = clock_monotonic_us();
    }
    PQfinish(connection);
    return NULL;
}

/* Five events a transaction, as an order has them; this backlog's own safety is not measured. */
static void *fill(void *closure)
{
    const struct writer *self = closure;
    PGconn *connection = prepared();

    PQclear(run(connection, "SET synchronous_commit = off", PGRES_COMMAND_OK));
    for (int64_t i = self->first; i < self->count; i += self->step) {
        PQclear(run(connection, "BEGIN", PGRES_COMMAND_OK));
        for (int64_t row = 0; row < FILL_ROWS; row++)
            insert(connection, self->sample, i * FILL_ROWS + row);
        PQclear(run(connection, "COMMIT", PGRES_COMMAND_OK));
    }
    PQfinish(connection);
    return NULL;
}

static void write_all(void *(*write)(void *closure), int writers, struct writer like)
{
    struct writer all[FILL_WRITERS];

    for (int i = 0; i < writers; i++) {
        all[i] = like;
        all[i].first = i;
        all[i].step = writers;
        pthread_create(&all[i].thread, NULL, write, &all[i]);
    }
    for (int i = 0; i < writers; i++)
        pthread_join(all[i].thread, NULL);
}

/* --- Kafka -------------------------------------------------------------------------------------*/

static rd_kafka_t *client(rd_kafka_type_t type, const char *const settings[][2])
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", setting("KAFKA_BROKERS"), error, sizeof error);
    for (; (*settings)[0] != NULL; settings++)
        if (rd_kafka_conf_set(conf, (*settings)[0], (*settings)[1], error, sizeof error) !=
            RD_KAFKA_CONF_OK)
            give_up((*settings)[0], error);
    rd_kafka_t *kafka = rd_kafka_new(type, conf, error, sizeof error);
    if (kafka == NULL)
        give_up("kafka", error);
    return kafka;
}

/* As the relay produces. */
static rd_kafka_t *producer(void)
{
    static const char *const SETTINGS[][2] = {{"enable.idempotence", "true"},
                                              {"compression.codec", "lz4"},
                                              {"linger.ms", "0"},
                                              {"queue.buffering.max.messages", "1000000"},
                                              {"queue.buffering.max.kbytes", "1048576"},
                                              {NULL, NULL}};
    return client(RD_KAFKA_PRODUCER, SETTINGS);
}

static void create_topic(void)
{
    rd_kafka_t *kafka = producer();
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(TOPIC, PARTITIONS, 1, NULL, 0);

    rd_kafka_CreateTopics(kafka, &topic, 1, NULL, queue);
    rd_kafka_event_destroy(rd_kafka_queue_poll(queue, QUIET_MS)); // it may be there already
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(kafka);
}

static int64_t end_of(rd_kafka_t *kafka, int part) /* a new topic has no leaders at first */
{
    int64_t low, high, give_up_us = clock_monotonic_us() + QUIET_MS * 1000LL;

    while (rd_kafka_query_watermark_offsets(kafka, TOPIC, part, &low, &high, QUIET_MS) !=
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (clock_monotonic_us() > give_up_us)
            give_up(TOPIC, "has no position");
        usleep(10000);
    }
    return high;
}

static rd_kafka_t *consumer(void) /* of what comes from now on */
{
    static const char *const SETTINGS[][2] = {{"group.id", "events_bench"},
                                              {"enable.auto.commit", "false"},
                                              {"check.crcs", "false"},
                                              {NULL, NULL}};
    rd_kafka_t *kafka = client(RD_KAFKA_CONSUMER, SETTINGS);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(PARTITIONS);

    rd_kafka_poll_set_consumer(kafka);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(parts, TOPIC, i)->offset = end_of(kafka, i);
    rd_kafka_assign(kafka, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    return kafka;
}

static int64_t number_of(const rd_kafka_message_t *message)
{
    const uint8_t *key = message->key;
    int64_t number = 0;

    for (size_t i = 0; i < message->key_len; i++)
        number = number << 8 | key[i];
    return number;
}

struct reading {
    rd_kafka_t *kafka;
    int64_t count, first_us, last_us;
    bool is_timed;
    struct histogram times;
};

/* A record may come before its writer has seen its commit: that is no time at all. */
static void *read_records(void *closure)
{
    struct reading *reading = closure;

    for (int64_t seen = 0; seen < reading->count; seen++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reading->kafka, QUIET_MS);
        if (message == NULL || message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            give_up("consumer", message ? rd_kafka_err2str(message->err) : "nothing more comes");
        reading->last_us = clock_monotonic_us();
        if (seen == 0)
            reading->first_us = reading->last_us;
        int64_t number = number_of(message);
        if (reading->is_timed && number >= reading->count * WARM_UP_PER_MILLE / 1000) {
            int64_t from_us = committed_us[number];
            histogram_add(&reading->times, from_us ? reading->last_us - from_us : 0);
        }
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static void print_reading(const char *what, const struct reading *reading)
{
    int64_t wall_us = reading->last_us - reading->first_us;

    printf("events=%s count=%" PRId64 " per_s=%" PRId64, what, reading->count,
           reading->count * 1000000 / (wall_us > 0 ? wall_us : 1));
    if (reading->is_timed)
        printf(" p50=%" PRId64 " p95=%" PRId64 " p99=%" PRId64 " max=%" PRId64,
               histogram_at(&reading->times, 500), histogram_at(&reading->times, 950),
               histogram_at(&reading->times, 990), reading->times.max_us);
    putchar('\n');
}

static void produce(rd_kafka_t *kafka, const struct sample *sample, int64_t number)
{
    uint8_t key[16] = {0};

    for (int i = 0; i < 8; i++)
        key[15 - i] = (uint8_t)((uint64_t)number >> (8 * i));
    while (rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(TOPIC),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_KEY(key, sizeof key),
                             RD_KAFKA_V_VALUE(sample->payload, (size_t)sample->payload_length),
                             RD_KAFKA_V_HEADER("ce", sample->headers, sample->headers_length),
                             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(kafka, 1);
    rd_kafka_poll(kafka, 0);
}

/* --- what can be asked for ---------------------------------------------------------------------*/

static void at_rate(bool is_relayed, int64_t rate, int64_t seconds)
{
    struct sample sample = youngest_event();
    struct reading reading = {.kafka = consumer(), .count = rate * seconds, .is_timed = true};
    struct writer like = {.sample = &sample,
                          .count = reading.count,
                          .rate = rate,
                          .start_us = clock_monotonic_us() + 500000};
    pthread_t thread;

    pthread_create(&thread, NULL, read_records, &reading);
    if (is_relayed) {
        write_all(commit_at_rate, WRITERS, like);
    } else {
        rd_kafka_t *kafka = producer();
        for (int64_t i = 0; i < reading.count; i++) {
            wait_for(like.start_us + i * 1000000 / rate);
            committed_us[i] = clock_monotonic_us();
            produce(kafka, &sample, i);
        }
        rd_kafka_flush(kafka, QUIET_MS);
    }
    pthread_join(thread, NULL);
    print_reading(is_relayed ? "relayed" : "produced", &reading);
}

static void drain(bool is_relayed, int64_t count)
{
    struct sample sample = youngest_event();
    struct reading reading = {.kafka = consumer(), .count = count};
    pthread_t thread;

    pthread_create(&thread, NULL, read_records, &reading);
    puts("waiting");
    fflush(stdout);
    if (!is_relayed) {
        rd_kafka_t *kafka = producer();
        for (int64_t i = 0; i < count; i++)
            produce(kafka, &sample, i);
        rd_kafka_flush(kafka, QUIET_MS);
    }
    pthread_join(thread, NULL);
    print_reading(is_relayed ? "drained" : "flooded", &reading);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int64_t count = argc > 2 ? strtoll(argv[2], NULL, 10) : 0;
    int64_t seconds = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;

    if (count < 1 || count > NUMBER_MAX || seconds < 0 || seconds > NUMBER_MAX / count)
        give_up("usage", "events_bench relayed|produced RATE SECONDS, fill|drained|flooded COUNT");
    create_topic();
    if (strcmp(what, "relayed") == 0 || strcmp(what, "produced") == 0) {
        at_rate(what[0] == 'r', count, seconds);
    } else if (strcmp(what, "fill") == 0) {
        struct sample sample = youngest_event();
        write_all(fill, FILL_WRITERS,
                  (struct writer){.sample = &sample, .count = count / FILL_ROWS});
    } else {
        drain(strcmp(what, "drained") == 0, count);
    }
    return EXIT_SUCCESS;
}
