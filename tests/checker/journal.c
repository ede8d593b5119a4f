/* journal.c - reads the topics from the window's beginning to where they end now. */
#include "journal.h"

#include "common/map.h"
#include "common/uuid.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 20000,
    IDLE_MS = 30000,
    BATCH = 1000,
    PARTITIONS_MAX = 4096,
    ARENA_MAX = 1 << 30,
    SCRATCH_MAX = 16 << 20,
    MARGIN_MS = 60000, /* clocks of producers differ from the broker's */
};

static struct journal *open_journal(struct audit *audit);
static bool find_partitions(struct audit *audit, struct journal *journal);
static bool measure(struct audit *audit, struct journal *journal);
static bool read_on(struct audit *audit, struct journal *journal);
static size_t unread(const struct journal *journal);
static bool assign(struct audit *audit, struct journal *journal);
static void keep_record(struct journal *journal, const rd_kafka_message_t *message);
static void digest_of(const rd_kafka_message_t *message, uint8_t *digest);
static const char *once(struct journal *journal, const char *text);
static const char *header(struct journal *journal, const rd_kafka_message_t *message,
                          const char *name);

struct journal *journal_read(struct audit *audit)
{
    if (audit->failure != NULL)
        return NULL;
    if (audit->is_journal_read)
        return audit->journal;
    if (audit->journal == NULL)
        audit->journal = open_journal(audit);
    if (audit->journal == NULL || !measure(audit, audit->journal) ||
        !read_on(audit, audit->journal))
        return NULL;
    audit->is_journal_read = true;
    return audit->journal;
}

struct record *journal_find(const struct journal *journal, const char *id)
{
    return map_get(journal->by_id, id);
}

const struct partition *journal_partition(const struct journal *journal, const char *topic,
                                          int64_t part)
{
    for (size_t i = 0; i < journal->partition_count; i++)
        if (journal->partitions[i].part == part && strcmp(journal->partitions[i].topic, topic) == 0)
            return &journal->partitions[i];
    return NULL;
}

int64_t journal_group_offset(struct audit *audit, const char *group, const char *topic,
                             int64_t part)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(asked, topic, (int32_t)part);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, asked);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(audit->journal->kafka);
    int64_t offset = -2;

    rd_kafka_ListConsumerGroupOffsets(audit->journal->kafka, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t count = 0;
        const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
        const rd_kafka_topic_partition_list_t *found =
            count == 1 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
        if (found != NULL && found->cnt == 1)
            offset = found->elems[0].offset < 0 ? -1 : found->elems[0].offset;
    } else {
        audit_fail(audit, "offsets of group %s: %s", group,
                   event ? rd_kafka_event_error_string(event) : "no answer");
    }
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(asked);
    return offset;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->kafka != NULL) {
        rd_kafka_consumer_close(journal->kafka);
        rd_kafka_destroy(journal->kafka);
    }
    free(journal->records);
    arena_destroy(journal->scratch);
    arena_destroy(journal->arena);
}

/* The group id is only a name: partitions are assigned by hand and nothing is committed. */
static struct journal *open_journal(struct audit *audit)
{
    const char *settings[][2] = {{"bootstrap.servers", audit->settings.brokers},
                                 {"group.id", "torg-invariants"},
                                 {"enable.auto.commit", "false"},
                                 {"enable.auto.offset.store", "false"},
                                 {"enable.partition.eof", "false"},
                                 {"allow.auto.create.topics", "false"},
                                 {"auto.offset.reset", "earliest"},
                                 {"fetch.wait.max.ms", "50"},
                                 {"log_level", "2"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof error) !=
            RD_KAFKA_CONF_OK) {
            audit_fail(audit, "Kafka: %s", error);
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (kafka == NULL) {
        audit_fail(audit, "Kafka: %s", error);
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_poll_set_consumer(kafka);
    struct arena *arena = arena_create(ARENA_MAX);
    struct journal *journal = arena_new(arena, struct journal);
    *journal = (struct journal){.arena = arena,
                                .by_id = map_create(arena, 1 << 14),
                                .names = map_create(arena, 256),
                                .told = map_create(arena, 1 << 12),
                                .scratch = arena_create(SCRATCH_MAX),
                                .partitions = arena_array(arena, struct partition, PARTITIONS_MAX),
                                .topic = audit->settings.topic,
                                .kafka = kafka};
    if (find_partitions(audit, journal))
        return journal;
    journal_close(journal);
    return NULL;
}

/* A topic of ours ends in its version. */
static bool is_ours(const struct journal *journal, const char *topic)
{
    const char *version = strrchr(topic, '.');

    if (journal->topic != NULL)
        return strcmp(topic, journal->topic) == 0;
    return version != NULL && version[1] == 'v';
}

static bool find_partitions(struct audit *audit, struct journal *journal)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(journal->kafka, 1, NULL, &metadata, TIMEOUT_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        audit_fail(audit, "Kafka %s: %s", audit->settings.brokers, rd_kafka_err2str(error));
        return false;
    }
    for (int i = 0; i < metadata->topic_cnt; i++)
        for (int k = 0; k < metadata->topics[i].partition_cnt; k++)
            if (is_ours(journal, metadata->topics[i].topic) &&
                journal->partition_count < PARTITIONS_MAX)
                journal->partitions[journal->partition_count++] = (struct partition){
                    .topic = once(journal, metadata->topics[i].topic), .part = k, .next = -1};
    rd_kafka_metadata_destroy(metadata);
    return true;
}

/* Where each partition begins for this window, and where it ends now. */
static bool measure(struct audit *audit, struct journal *journal)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)journal->partition_count);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t since_ms = audit->from_ms > MARGIN_MS ? audit->from_ms - MARGIN_MS : 0;

    for (size_t i = 0; i < journal->partition_count; i++)
        rd_kafka_topic_partition_list_add(list, journal->partitions[i].topic,
                                          (int32_t)journal->partitions[i].part)
            ->offset = since_ms;
    if (journal->partition_count > 0 && journal->partitions[0].next < 0)
        error = rd_kafka_offsets_for_times(journal->kafka, list, TIMEOUT_MS);
    for (size_t i = 0; i < journal->partition_count && error == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        struct partition *partition = &journal->partitions[i];
        error = rd_kafka_query_watermark_offsets(journal->kafka, partition->topic,
                                                 (int32_t)partition->part, &partition->low,
                                                 &partition->high, TIMEOUT_MS);
        if (partition->next < 0)
            partition->next = list->elems[i].offset < 0 ? partition->high : list->elems[i].offset;
        if (partition->next < partition->low)
            partition->next = partition->low;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        audit_fail(audit, "Kafka offsets: %s", rd_kafka_err2str(error));
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static size_t unread(const struct journal *journal)
{
    size_t count = 0;

    for (size_t i = 0; i < journal->partition_count; i++)
        count += journal->partitions[i].next < journal->partitions[i].high;
    return count;
}

static bool assign(struct audit *audit, struct journal *journal)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)journal->partition_count);

    for (size_t i = 0; i < journal->partition_count; i++) {
        const struct partition *partition = &journal->partitions[i];
        if (partition->next < partition->high)
            rd_kafka_topic_partition_list_add(list, partition->topic, (int32_t)partition->part)
                ->offset = partition->next;
    }
    rd_kafka_resp_err_t error = rd_kafka_assign(journal->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        audit_fail(audit, "Kafka: %s", rd_kafka_err2str(error));
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Up to the ends as measured: what arrives later is of the next pass. Records that a transaction or
 * compaction took leave a gap, which the position closes. */
static bool read_on(struct audit *audit, struct journal *journal)
{
    int idle_ms = 0;

    if (unread(journal) == 0)
        return true;
    if (!assign(audit, journal))
        return false;
    while (unread(journal) > 0 && idle_ms < IDLE_MS) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(journal->kafka, 100);
        if (message == NULL) {
            idle_ms += 100;
            continue;
        }
        idle_ms = 0;
        struct partition *partition =
            message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                ? (struct partition *)(uintptr_t)journal_partition(
                      journal, rd_kafka_topic_name(message->rkt), message->partition)
                : NULL;
        if (partition != NULL && message->offset >= partition->next &&
            message->offset < partition->high) {
            keep_record(journal, message);
            partition->next = message->offset + 1;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_assign(journal->kafka, NULL);
    if (unread(journal) > 0)
        audit_fail(audit, "Kafka: %zu partitions could not be read to their end", unread(journal));
    return unread(journal) == 0;
}

static void keep_record(struct journal *journal, const rd_kafka_message_t *message)
{
    struct record *record = arena_new(journal->arena, struct record);
    const char *letter =
        header(journal, message, "dlq-id"); /* about whatever could not be handled */
    const char *id = letter != NULL ? letter : header(journal, message, "ce_id");
    const char *sequence = header(journal, message, "ce_sequence");

    *record = (struct record){
        .type = once(journal, str_or_empty(header(journal, message, "ce_type"))),
        .source = once(journal, str_or_empty(header(journal, message, "ce_source"))),
        .topic = once(journal, rd_kafka_topic_name(message->rkt)),
        .key = str_hex(journal->arena, message->key, message->key_len),
        .part = message->partition,
        .offset = message->offset,
        .sequence = -1,
    };
    record->id = id ? id
                    : arena_printf(journal->arena, "%s/%" PRId64 "/%" PRId64, record->topic,
                                   record->part, record->offset);
    record->is_malformed = (!str_to_int64(str_or_empty(sequence), &record->sequence) ||
                            id == NULL || *record->type == '\0') &&
                           letter == NULL;
    digest_of(message, record->digest);
    record->first = journal_find(journal, record->id);
    if (record->first == NULL)
        map_set(journal->by_id, record->id, record);
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity * 2 + 1024;
        journal->records = realloc(journal->records, journal->capacity * sizeof(struct record *));
        if (journal->records == NULL)
            abort();
    }
    journal->records[journal->count++] = record;
    if (record->first == NULL)
        told_keep(journal, record, message->payload, message->len);
}

/* Of the bytes as the outbox has them: key, headers (name length, name, value length in two bytes,
 * value), payload. */
static void digest_of(const rd_kafka_message_t *message, uint8_t *digest)
{
    rd_kafka_headers_t *headers = NULL;
    unsigned char *bytes;
    size_t length = message->key_len + message->len;
    const char *name;
    const void *value;
    size_t size;

    (void)rd_kafka_message_headers(message, &headers);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        length += strlen(name) + size + 3;
    unsigned char *at = bytes = malloc(length + 1);
    if (bytes == NULL)
        abort();
    memcpy(at, message->key, message->key_len);
    at += message->key_len;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        *at++ = (unsigned char)strlen(name);
        memcpy(at, name, strlen(name));
        at += strlen(name);
        *at++ = (unsigned char)(size >> 8);
        *at++ = (unsigned char)(size & 0xff);
        memcpy(at, value, size);
        at += size;
    }
    if (message->len > 0)
        memcpy(at, message->payload, message->len);
    SHA256(bytes, length, digest);
    free(bytes);
}

static const char *once(struct journal *journal, const char *text)
{
    char *known = map_get(journal->names, text);

    if (known == NULL) {
        known = arena_strdup(journal->arena, text);
        map_set(journal->names, text, known);
    }
    return known;
}

static const char *header(struct journal *journal, const rd_kafka_message_t *message,
                          const char *name)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t length = 0;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &length) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return arena_strndup(journal->arena, value, length);
}
