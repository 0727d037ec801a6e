/* The producer of the stream, and the two floors that leeway is compared with.
 *
 *   bench_stream create BROKERS TOPIC PARTITIONS
 *   bench_stream produce BROKERS TOPIC FILE MESSAGES FROM_MS SPAN_MS [RATE]
 *   bench_stream raw BROKERS TOPIC MESSAGES [KEY=VALUE]...
 *   bench_stream libavro BROKERS TOPIC MESSAGES SCHEMA [KEY=VALUE]...
 *
 * produce: MESSAGES trips of FILE, in a loop, distributed round-robin to the
 * partitions, with drop-off times spread evenly over SPAN_MS; RATE a second, or as
 * fast as possible. raw: only consumes; libavro: decodes each value with libavro's
 * generic reader, reusing one reader and one value. Both consume like leeway, in
 * batches of 2,000 from the consumer's queue. They stop after MESSAGES and print one
 * line of JSON; the rate excludes the first tenth of the messages. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <avro.h>
#include <librdkafka/rdkafka.h>

#include "base/time.h"
#include "trips.h"

#define BATCH   2000
#define WAIT_MS 30000

static _Noreturn void bench_die(const char *what, const char *why) {
    fprintf(stderr, "bench_stream: %s: %s\n", what, why);
    exit(1);
}

static void conf_set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        bench_die(key, why);
}

static rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                              const char *brokers) {
    char why[512];
    conf_set(conf, "bootstrap.servers", brokers);
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk)
        bench_die("client", why);
    return rk;
}

static int partitions_of(rd_kafka_t *rk, const char *topic) {
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *md;
    int n = 0;
    for (int tries = 0; tries < 100 && n == 0; tries++) {
        if (rd_kafka_metadata(rk, 0, t, &md, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            n = md->topics[0].err ? 0 : md->topics[0].partition_cnt;
            rd_kafka_metadata_destroy(md);
        }
        if (n == 0)
            usleep(100000);
    }
    rd_kafka_topic_destroy(t);
    if (n == 0)
        bench_die(topic, "no such topic");
    return n;
}

static int topic_create(const char *brokers, const char *topic, int partitions) {
    char why[512];
    rd_kafka_t *rk = client_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), brokers);
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, partitions, 1, why, sizeof why);
    if (!t)
        bench_die(topic, why);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *event = rd_kafka_queue_poll(q, WAIT_MS);
    if (!event || rd_kafka_event_error(event))
        bench_die(topic, event ? rd_kafka_event_error_string(event) : "no answer");
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(t);
    rd_kafka_queue_destroy(q);
    partitions_of(rk, topic);
    rd_kafka_destroy(rk);
    return 0;
}

/* ---- producing ---- */

struct job {
    const char *brokers, *topic, *file;
    uint64_t messages;
    int64_t from_ms, span_ms;
    double rate; /* 0: as fast as possible */
};

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition,
                     void *data, size_t len) {
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, data, len, NULL, 0,
                            NULL)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            bench_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
}

static void hold_back(rd_kafka_t *rk, const struct job *job, uint64_t sent,
                      int64_t began_us) {
    if (job->rate <= 0)
        return;
    int64_t due = began_us + (int64_t)((double)sent * 1e6 / job->rate);
    while (lw_mono_us() < due)
        rd_kafka_poll(rk, 1);
}

static int trips_produce(const struct job *job) {
    struct bench_trips trips;
    uint8_t message[BENCH_MESSAGE_MAX];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    conf_set(conf, "linger.ms", job->rate > 0 ? "20" : "100");
    conf_set(conf, "batch.num.messages", "20000");
    conf_set(conf, "queue.buffering.max.messages", "400000");
    bench_trips_load(&trips, job->file);
    rd_kafka_t *rk = client_new(RD_KAFKA_PRODUCER, conf, job->brokers);
    int n = partitions_of(rk, job->topic);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, job->topic, NULL);
    int64_t began = lw_mono_us();
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < job->messages; i++) {
        double share = (double)i / (double)job->messages;
        int64_t at = job->from_ms + (int64_t)(share * (double)job->span_ms);
        size_t len = bench_trips_message(&trips, i, at, message);
        send_one(rk, topic, (int32_t)(i % (uint64_t)n), message, len);
        bytes += len;
        if (i % 500 == 0)
            hold_back(rk, job, i, began);
    }
    if (rd_kafka_flush(rk, WAIT_MS))
        bench_die("flush", "not all messages were acknowledged");
    printf("{\"messages\": %" PRIu64 ", \"bytes_each\": %.1f, \"seconds\": %.2f}\n",
           job->messages, (double)bytes / (double)job->messages,
           (double)(lw_mono_us() - began) / 1e6);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    bench_trips_free(&trips);
    return 0;
}

/* ---- the floors ---- */

struct libavro {
    avro_value_t value;
    avro_reader_t reader;
};

static void libavro_open(struct libavro *a, const char *path) {
    char json[1 << 16];
    avro_schema_t schema;
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(json, 1, sizeof json, f) : 0;
    if (len == 0 || avro_schema_from_json_length(json, len, &schema))
        bench_die(path, "not a schema");
    fclose(f);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &a->value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    a->reader = avro_reader_memory("", 0);
}

static void libavro_decode(struct libavro *a, const rd_kafka_message_t *m) {
    avro_reader_memory_set_source(a->reader, m->payload, (int64_t)m->len);
    if (avro_value_read(a->reader, &a->value))
        bench_die("libavro", avro_strerror());
}

struct count {
    uint64_t messages, warm, bytes;
    int64_t warm_us, end_us;
};

static void messages_consume(rd_kafka_queue_t *q, struct libavro *avro, uint64_t wanted,
                             struct count *c) {
    static rd_kafka_message_t *batch[BATCH];
    while (c->messages < wanted) {
        ssize_t n = rd_kafka_consume_batch_queue(q, 50, batch, BATCH);
        for (ssize_t i = 0; i < n; i++) {
            if (!batch[i]->err) {
                if (avro)
                    libavro_decode(avro, batch[i]);
                c->messages++;
                c->bytes += batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
        if (c->warm == 0 && c->messages >= wanted / 10) {
            c->warm = c->messages;
            c->warm_us = lw_mono_us();
        }
    }
    c->end_us = lw_mono_us();
}

static void print_floor(const struct count *c) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\": %" PRIu64
           ", \"rate\": %.0f, \"cpu_us\": %.4f, \"rss_mb\": %.1f}\n",
           c->messages,
           (double)(c->messages - c->warm) * 1e6 / (double)(c->end_us - c->warm_us),
           cpu * 1e6 / (double)c->messages, (double)used.ru_maxrss / 1024);
}

static void set_properties(rd_kafka_conf_t *conf, char **properties, int n) {
    char key[128];
    for (int i = 0; i < n; i++) {
        const char *equals = strchr(properties[i], '=');
        if (!equals || (size_t)(equals - properties[i]) >= sizeof key)
            bench_die(properties[i], "not KEY=VALUE");
        memcpy(key, properties[i], (size_t)(equals - properties[i]));
        key[equals - properties[i]] = '\0';
        conf_set(conf, key, equals + 1);
    }
}

static int run_floor(char **argv, int n, bool avro) {
    struct count count = {0};
    struct libavro libavro;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set_properties(conf, argv + 3 + avro, n - 3 - avro);
    if (avro)
        libavro_open(&libavro, argv[3]);
    rd_kafka_t *rk = client_new(RD_KAFKA_CONSUMER, conf, argv[0]);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[1], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t rc = rd_kafka_subscribe(rk, topics);
    if (rc)
        bench_die(argv[1], rd_kafka_err2str(rc));
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(rk);
    messages_consume(q, avro ? &libavro : NULL, strtoull(argv[2], NULL, 10), &count);
    print_floor(&count);
    fflush(stdout);
    rd_kafka_queue_destroy(q);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    if (avro) {
        avro_value_decref(&libavro.value);
        avro_reader_free(libavro.reader);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "create") == 0 && argc == 5)
        return topic_create(argv[2], argv[3], atoi(argv[4]));
    if (strcmp(verb, "produce") == 0 && argc >= 8)
        return trips_produce(&(struct job){.brokers = argv[2],
                                           .topic = argv[3],
                                           .file = argv[4],
                                           .messages = strtoull(argv[5], NULL, 10),
                                           .from_ms = strtoll(argv[6], NULL, 10),
                                           .span_ms = strtoll(argv[7], NULL, 10),
                                           .rate = argc > 8 ? atof(argv[8]) : 0});
    if (strcmp(verb, "raw") == 0 && argc >= 5)
        return run_floor(argv + 2, argc - 2, false);
    if (strcmp(verb, "libavro") == 0 && argc >= 6)
        return run_floor(argv + 2, argc - 2, true);
    fprintf(stderr, "usage: see bench_stream.c\n");
    return 2;
}
