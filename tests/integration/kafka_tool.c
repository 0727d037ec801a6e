/* Kafka operations for the integration tests, in one small program, so that no test
 * waits for the JVM of Kafka's tools:
 *
 *   kafka_tool BROKERS create TOPIC PARTITIONS [TOPIC PARTITIONS]...
 *   kafka_tool BROKERS delete TOPIC...
 *   kafka_tool BROKERS grow TOPIC PARTITIONS         sets the number of partitions
 *   kafka_tool BROKERS trim TOPIC PARTITION OFFSET   deletes the messages before OFFSET
 *   kafka_tool BROKERS produce TOPIC PARTITION [MS]  hexadecimal lines of stdin; MS: their
 *                                                    time, -1: none
 *   kafka_tool BROKERS consume TOPIC                 all messages, as JSON
 *   kafka_tool BROKERS count TOPIC                   the number of messages
 *   kafka_tool BROKERS ends TOPIC                    the end of each partition
 *   kafka_tool BROKERS group NAME                    state and number of members
 *   kafka_tool BROKERS grant USER OPERATION topic|group NAME
 *   kafka_tool BROKERS revoke USER OPERATION topic|group NAME
 *
 * It uses only librdkafka and none of leeway's sources, so it checks leeway
 * independently. Failures go to standard error, with exit code 1. Metadata of a new
 * topic may lag, so `create` waits until every partition has a leader. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <librdkafka/rdkafka.h>

#define WAIT_MS  20000
#define LINE_MAX (1 << 20)

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "kafka_tool: %s: %s\n", what, why);
    exit(1);
}

static void conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

static rd_kafka_t *client_new(rd_kafka_type_t type, const char *brokers) {
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    conf_set(conf, "bootstrap.servers", brokers);
    conf_set(conf, "topic.metadata.refresh.fast.interval.ms", "50");
    if (type == RD_KAFKA_CONSUMER) {
        conf_set(conf, "enable.partition.eof", "true");
        conf_set(conf, "group.id", "kafka-tool");
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk)
        die("client", why);
    return rk;
}

/* The number of partitions once each has a leader; 0 before that. */
static int topic_partitions(rd_kafka_t *rk, const char *topic) {
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    int n = 0;
    if (rd_kafka_metadata(rk, 0, t, &md, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        n = md->topic_cnt == 1 && !md->topics[0].err ? md->topics[0].partition_cnt : 0;
        for (int i = 0; i < md->topics[0].partition_cnt; i++)
            if (md->topics[0].partitions[i].leader < 0)
                n = 0;
        rd_kafka_metadata_destroy(md);
    }
    rd_kafka_topic_destroy(t);
    return n;
}

static int partitions_of(rd_kafka_t *rk, const char *topic) {
    for (int tries = 0; tries < 100; tries++) {
        int n = topic_partitions(rk, topic);
        if (n > 0)
            return n;
        usleep(100000);
    }
    die(topic, "no such topic");
}

static void topic_create(rd_kafka_t *rk, const char *topic, int n) {
    char why[512];
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, n, 1, why, sizeof why);
    if (!t)
        die(topic, why);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *event = rd_kafka_queue_poll(q, WAIT_MS);
    if (!event)
        die(topic, "no answer");
    if (rd_kafka_event_error(event))
        die(topic, rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_topic_result_t **result = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event), &count);
    if (count == 1 && rd_kafka_topic_result_error(result[0]))
        die(topic, rd_kafka_topic_result_error_string(result[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(t);
    rd_kafka_queue_destroy(q);
    partitions_of(rk, topic);
}

static void topic_delete(rd_kafka_t *rk, const char *topic) {
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *event = rd_kafka_queue_poll(q, WAIT_MS);
    if (!event)
        die(topic, "no answer");
    if (rd_kafka_event_error(event))
        die(topic, rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(t);
    rd_kafka_queue_destroy(q);
}

static rd_kafka_event_t *queue_answer(rd_kafka_queue_t *q, const char *topic) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(q, WAIT_MS);
    if (!event)
        die(topic, "no answer");
    if (rd_kafka_event_error(event))
        die(topic, rd_kafka_event_error_string(event));
    return event;
}

static void topic_grow(rd_kafka_t *rk, const char *topic, int n) {
    char why[512];
    rd_kafka_NewPartitions_t *p =
        rd_kafka_NewPartitions_new(topic, (size_t)n, why, sizeof why);
    if (!p)
        die(topic, why);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_CreatePartitions(rk, &p, 1, NULL, q);
    rd_kafka_event_t *event = queue_answer(q, topic);
    size_t count;
    const rd_kafka_topic_result_t **result = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event), &count);
    if (count == 1 && rd_kafka_topic_result_error(result[0]))
        die(topic, rd_kafka_topic_result_error_string(result[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(p);
    rd_kafka_queue_destroy(q);
}

static void partition_trim(rd_kafka_t *rk, const char *topic, int32_t partition,
                           int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *d = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &d, 1, NULL, q);
    rd_kafka_event_destroy(queue_answer(q, topic));
    rd_kafka_DeleteRecords_destroy(d);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(q);
}

static size_t from_hex(char *line) {
    size_t n = 0;
    unsigned byte;
    while (sscanf(line + 2 * n, "%2x", &byte) == 1 && line[2 * n + 1])
        line[n++] = (char)byte;
    return n;
}

static void values_produce(rd_kafka_t *rk, const char *topic, int32_t partition,
                           int64_t ms) {
    char *line = malloc(LINE_MAX);
    while (line && fgets(line, LINE_MAX, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        /* In place: byte n is written after its two digits at 2n have been read. */
        size_t len = from_hex(line);
        rd_kafka_vu_t record[] = {
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = ms}, /* 0: now */
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {.ptr = line, .size = len}},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS,
             .u.i = RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK}};
        rd_kafka_error_t *rc =
            rd_kafka_produceva(rk, record, sizeof record / sizeof *record);
        if (rc)
            die(topic, rd_kafka_error_string(rc));
        rd_kafka_poll(rk, 0);
    }
    free(line);
    rd_kafka_resp_err_t rc = rd_kafka_flush(rk, WAIT_MS);
    if (rc)
        die(topic, rd_kafka_err2str(rc));
}

static json_t *hex_json(const void *data, size_t len) {
    char *text = malloc(2 * len + 1);
    if (!text)
        die("memory", "none left");
    text[0] = '\0';
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)data)[i]);
    json_t *out = data ? json_string(text) : json_null();
    free(text);
    return out;
}

static void message_print(const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers;
    json_t *o = json_object(), *h = json_object();
    json_object_set_new(o, "partition", json_integer(m->partition));
    json_object_set_new(o, "offset", json_integer(m->offset));
    json_object_set_new(o, "time", json_integer(rd_kafka_message_timestamp(m, NULL)));
    json_object_set_new(o, "key", hex_json(m->key, m->key_len));
    json_object_set_new(o, "value", hex_json(m->payload, m->len));
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *name;
        const void *value;
        size_t len;
        for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
            json_object_set_new(h, name, json_stringn(value ? value : "", len));
    }
    json_object_set_new(o, "headers", h);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void messages_print(rd_kafka_t *rk, const char *topic) {
    int n = partitions_of(rk, topic), ended = 0;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(n);
    for (int p = 0; p < n; p++)
        rd_kafka_topic_partition_list_add(all, topic, p)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, all);
    while (ended < n) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
        if (!m)
            die(topic, "nothing came");
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (m->err)
            die(topic, rd_kafka_message_errstr(m));
        else
            message_print(m);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_consumer_close(rk);
}

static void messages_count(rd_kafka_t *rk, const char *topic, bool each) {
    int64_t sum = 0, low, high;
    int n = partitions_of(rk, topic);
    for (int p = 0; p < n; p++) {
        rd_kafka_resp_err_t rc =
            rd_kafka_query_watermark_offsets(rk, topic, p, &low, &high, WAIT_MS);
        if (rc)
            die(topic, rd_kafka_err2str(rc));
        sum += high - low;
        if (each)
            printf("%" PRId64 "\n", high);
    }
    if (!each)
        printf("%" PRId64 "\n", sum);
}

static void group_print(rd_kafka_t *rk, const char *name) {
    const struct rd_kafka_group_list *list;
    rd_kafka_resp_err_t rc = rd_kafka_list_groups(rk, name, &list, WAIT_MS);
    if (rc)
        die(name, rd_kafka_err2str(rc));
    for (int i = 0; i < list->group_cnt; i++)
        printf("%s %d\n", list->groups[i].state, list->groups[i].member_cnt);
    rd_kafka_group_list_destroy(list);
}

static rd_kafka_AclOperation_t operation(const char *name) {
    return strcmp(name, "Read") == 0    ? RD_KAFKA_ACL_OPERATION_READ
           : strcmp(name, "Write") == 0 ? RD_KAFKA_ACL_OPERATION_WRITE
                                        : RD_KAFKA_ACL_OPERATION_DESCRIBE;
}

static rd_kafka_ResourceType_t resource(const char *name) {
    return strcmp(name, "group") == 0 ? RD_KAFKA_RESOURCE_GROUP : RD_KAFKA_RESOURCE_TOPIC;
}

/* word: USER OPERATION topic|group NAME */
static void acl_change(rd_kafka_t *rk, char **word) {
    char user[128], why[256];
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    snprintf(user, sizeof user, "User:%s", word[0]);
    rd_kafka_AclBinding_t *acl = rd_kafka_AclBinding_new(
        resource(word[2]), word[3], RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*",
        operation(word[1]), RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why, sizeof why);
    if (!acl)
        die("acl", why);
    rd_kafka_CreateAcls(rk, &acl, 1, NULL, q);
    rd_kafka_event_destroy(queue_answer(q, word[3]));
    rd_kafka_AclBinding_destroy(acl);
    rd_kafka_queue_destroy(q);
}

static void acl_remove(rd_kafka_t *rk, char **word) {
    char user[128], why[256];
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    snprintf(user, sizeof user, "User:%s", word[0]);
    rd_kafka_AclBindingFilter_t *filter = rd_kafka_AclBindingFilter_new(
        resource(word[2]), word[3], RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*",
        operation(word[1]), RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why, sizeof why);
    if (!filter)
        die("acl", why);
    rd_kafka_DeleteAcls(rk, &filter, 1, NULL, q);
    rd_kafka_event_destroy(queue_answer(q, word[3]));
    rd_kafka_AclBinding_destroy(filter);
    rd_kafka_queue_destroy(q);
}

int main(int argc, char **argv) {
    if (argc < 4)
        die("usage",
            "kafka_tool BROKERS "
            "create|delete|grow|trim|produce|consume|count|ends|group|grant|revoke NAME ...");
    const char *verb = argv[2], *name = argv[3];
    bool reads = strcmp(verb, "consume") == 0;
    rd_kafka_t *rk = client_new(reads ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, argv[1]);
    if (strcmp(verb, "create") == 0)
        for (int i = 3; i + 1 < argc; i += 2)
            topic_create(rk, argv[i], atoi(argv[i + 1]));
    else if (strcmp(verb, "delete") == 0)
        for (int i = 3; i < argc; i++)
            topic_delete(rk, argv[i]);
    else if (strcmp(verb, "grow") == 0 && argc == 5)
        topic_grow(rk, name, atoi(argv[4]));
    else if (strcmp(verb, "trim") == 0 && argc == 6)
        partition_trim(rk, name, atoi(argv[4]), atoll(argv[5]));
    else if (strcmp(verb, "produce") == 0 && (argc == 5 || argc == 6))
        values_produce(rk, name, atoi(argv[4]), argc == 6 ? atoll(argv[5]) : 0);
    else if (reads)
        messages_print(rk, name);
    else if (strcmp(verb, "count") == 0 || strcmp(verb, "ends") == 0)
        messages_count(rk, name, verb[0] == 'e');
    else if (strcmp(verb, "group") == 0)
        group_print(rk, name);
    else if (strcmp(verb, "grant") == 0 && argc == 7)
        acl_change(rk, argv + 3);
    else if (strcmp(verb, "revoke") == 0 && argc == 7)
        acl_remove(rk, argv + 3);
    else
        die("usage", verb);
    rd_kafka_destroy(rk);
    return 0;
}
