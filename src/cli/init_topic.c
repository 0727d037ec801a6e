/* See init_topic.h. The messages of all partitions are put in order of their record times,
 * because a draft measures how far events lie behind those that arrived before them. */
#include "cli/init_topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "event/container.h"
#include "event/decoder.h"
#include "event/framing.h"
#include "kafka/probe.h"
#include "kafka/ranges.h"

#define KAFKA_MS     15000
#define MESSAGES_MAX 200000
#define BYTES_MAX    (256U << 20)
#define TRIED        5    /* messages whose first bytes may be the framing */
#define BLOCK        1000 /* messages of a block */

struct topic_message {
    int64_t ms, offset;
    int32_t partition;
    uint32_t len;
    uint8_t *data;
};

struct topic_sample {
    struct topic_message *message;
    size_t n, bytes;
};

static int keep_message(void *arg, const rd_kafka_message_t *m) {
    struct topic_sample *s = arg;
    if (m->err || !m->payload || s->bytes + m->len > BYTES_MAX)
        return 0;
    struct topic_message *to = &s->message[s->n++];
    *to = (struct topic_message){.ms = rd_kafka_message_timestamp(m, NULL),
                                 .offset = m->offset,
                                 .partition = m->partition,
                                 .len = (uint32_t)m->len,
                                 .data = lw_malloc(m->len + 1)};
    memcpy(to->data, m->payload, m->len);
    s->bytes += m->len;
    return s->n == MESSAGES_MAX;
}

static void sample_free(struct topic_sample *s) {
    for (size_t i = 0; i < s->n; i++)
        free(s->message[i].data);
    free(s->message);
}

static int by_time(const void *a, const void *b) {
    const struct topic_message *x = a, *y = b;
    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* ---- reading ---- */

static int add_property(const char *text, struct lw_kafka_options *out,
                        struct lw_err *err) {
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;
    bool file = len > 5 && strncmp(text + len - 5, "_file", 5) == 0;
    char name[sizeof out->property[0].key];
    if (len == 0 || len >= sizeof name)
        return lw_fail(err, LW_ECONFIG, "--property takes NAME=VALUE, not \"%.60s\"",
                       text);
    memcpy(name, text, len);
    name[len - (file ? 5 : 0)] = '\0';
    const char *refused = lw_kafka_refused(name);
    if (refused)
        return lw_fail(err, LW_ECONFIG, "--property %s: %s", name, refused);
    if (lw_kafka_secret(name) && !file)
        return lw_fail(err, LW_ECONFIG,
                       "--property %s is a secret, and others see a command line: put it "
                       "into a file, and its path into %s_file=",
                       name, name);
    return lw_kafka_add(out, name, file ? "" : equals + 1, file ? equals + 1 : "", err)
               ? lw_err_context(err, "--property %s", name)
               : 0;
}

int lw_init_topic_options(const struct lw_init_topic *from, struct lw_kafka_options *out,
                          struct lw_err *err) {
    out->n = 0;
    if (lw_kafka_add(out, "bootstrap.servers", from->servers, "", err))
        return lw_err_context(err, "--kafka");
    for (size_t i = 0; i < from->properties.n; i++)
        if (add_property(from->properties.text[i], out, err))
            return -1;
    return 0;
}

/* The newest messages of each partition. */
static int newest_ranges(const struct lw_kafka_options *kafka, const char *topic,
                         struct lw_offset_range **out, size_t *n, struct lw_err *err) {
    struct lw_probe *p = lw_probe_new(kafka, err);
    int32_t partitions = p ? lw_probe_partitions(p, topic, KAFKA_MS, err) : -1;
    int64_t most = partitions > 0 ? 1 + MESSAGES_MAX / partitions : 0;
    *out = lw_calloc(partitions > 0 ? (size_t)partitions : 1, sizeof **out);
    *n = lw_probe_ranges(p, topic, partitions, KAFKA_MS, *out);
    for (size_t i = 0; i < *n; i++) {
        int64_t first = (*out)[i].last - most + 1;
        (*out)[i].first = (*out)[i].first > first ? (*out)[i].first : first;
    }
    lw_probe_free(p);
    if (partitions >= 0 && *n == 0)
        lw_fail(err, LW_EINPUT, "topic \"%.100s\" has no messages to draft from", topic);
    return *n > 0 ? 0 : -1;
}

static int read_topic(const struct lw_init_topic *from,
                      const struct lw_kafka_options *kafka, struct topic_sample *s,
                      struct lw_err *err) {
    struct lw_offset_range *ranges;
    size_t n;
    const struct lw_read_options how = {
        .timeout_ms = KAFKA_MS, .each = keep_message, .arg = s};
    int rc = newest_ranges(kafka, from->topic, &ranges, &n, err);
    if (rc == 0)
        rc = lw_ranges_read(kafka, from->topic, (struct lw_offset_ranges){ranges, n},
                            &how, NULL, err) < 0
                 ? -1
                 : 0;
    free(ranges);
    qsort(s->message, s->n, sizeof *s->message, by_time);
    if (rc == 0 && s->n == 0)
        return lw_fail(err, LW_EINPUT, "topic \"%.100s\" has no messages to draft from",
                       from->topic);
    return rc;
}

/* ---- framing ---- */

static const struct {
    const char *name;
    enum lw_framing framing;
} framings[] = {{"raw", LW_FRAMING_RAW},
                {"confluent", LW_FRAMING_CONFLUENT},
                {"single-object", LW_FRAMING_SINGLE}};

/* The datum of a message, or false if it cannot be read in that framing. */
static bool datum_of(const struct topic_message *m, enum lw_framing framing,
                     const struct lw_decoder *decoder, struct lw_frame *out) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err ignored = {0};
    return lw_framing_parse(framing, m->data, m->len, out, &ignored) == 0 &&
           lw_decoder_decode_bytes(decoder, out->payload, out->len, cells, &ignored) == 0;
}

/* Do nearly all messages begin with the same n bytes, and these with `magic`? Some
 * messages are tried, because one may be broken. */
static bool begin_alike(const struct topic_sample *s, const uint8_t *magic, size_t nmagic,
                        size_t n) {
    size_t most = 0;
    for (size_t k = 1; k <= TRIED; k++) {
        const struct topic_message *one = &s->message[s->n * k / (TRIED + 1)];
        size_t alike = 0;
        if (one->len < n || memcmp(one->data, magic, nmagic) != 0)
            continue;
        for (size_t i = 0; i < s->n; i++)
            alike +=
                s->message[i].len >= n && memcmp(s->message[i].data, one->data, n) == 0;
        most = alike > most ? alike : most;
    }
    return 10 * most >= 9 * s->n;
}

/* A datum may begin with any bytes, but not nearly all of them with the same: the id or
 * the fingerprint of their schema. */
static size_t find_framing(const struct topic_sample *s) {
    static const uint8_t confluent[] = {0}, single[] = {0xc3, 0x01};
    return begin_alike(s, confluent, sizeof confluent, 5) ? 1
           : begin_alike(s, single, sizeof single, 10)    ? 2
                                                          : 0;
}

/* ---- writing ---- */

static void put_block(struct lw_buf *out, struct lw_buf *block, int64_t count,
                      const uint8_t *sync) {
    if (count > 0)
        lw_container_put_block(out, count, block, sync);
    lw_buf_clear(block);
}

/* Returns how many messages were written. */
static size_t put_messages(const struct topic_sample *s, enum lw_framing framing,
                           const struct lw_schema *schema,
                           const struct lw_decoder *decoder, struct lw_buf *out) {
    static const uint8_t sync[LW_SYNC_BYTES] = "leeway's sample"; /* any 16 bytes */
    struct lw_buf block = {0};
    struct lw_frame frame;
    size_t written = 0;
    int64_t count = 0;
    lw_container_put_header(out, lw_schema_json(schema), "null", sync);
    for (size_t i = 0; i < s->n; i++) {
        if (!datum_of(&s->message[i], framing, decoder, &frame))
            continue;
        lw_buf_put(&block, frame.payload, frame.len);
        written++;
        if (++count == BLOCK) {
            put_block(out, &block, count, sync);
            count = 0;
        }
    }
    put_block(out, &block, count, sync);
    lw_buf_fini(&block);
    return written;
}

static int write_sample(const struct lw_init_topic *from, const struct topic_sample *s,
                        const struct lw_schema *schema, const char *path,
                        const char **framing, struct lw_err *err) {
    const struct lw_fields none = {0}; /* decoding walks over the whole record */
    struct lw_decoder *decoder = lw_decoder_new_avro(schema, schema, &none, err);
    struct lw_buf out = {0};
    if (!decoder)
        return -1;
    size_t at = find_framing(s);
    size_t n = put_messages(s, framings[at].framing, schema, decoder, &out);
    lw_decoder_free(decoder);
    *framing = framings[at].name;
    if (n < s->n)
        lw_cli_line(stderr, "leeway init: %zu of %zu messages do not fit %s", s->n - n,
                    s->n, from->schema);
    int rc = n > 0 ? lw_write_file(path, (const char *)out.data, out.len, err)
                   : lw_fail(err, LW_EINPUT, "no message of topic \"%.100s\" fits %s",
                             from->topic, from->schema);
    if (rc == 0)
        lw_cli_line(stderr, "leeway init: wrote %s: the newest %zu messages, framing %s",
                    path, n, *framing);
    lw_buf_fini(&out);
    return rc;
}

int lw_init_topic_save(const struct lw_init_topic *from,
                       const struct lw_kafka_options *kafka, const char *path,
                       const char **framing, struct lw_err *err) {
    struct lw_schema *schema = lw_schema_load(from->schema, err);
    if (!schema) {
        err->code = LW_EINPUT; /* the words are right, the file is not */
        return -1;
    }
    struct topic_sample s = {.message = lw_malloc(MESSAGES_MAX * sizeof *s.message)};
    int rc = read_topic(from, kafka, &s, err);
    if (rc == 0)
        rc = write_sample(from, &s, schema, path, framing, err);
    sample_free(&s);
    lw_schema_free(schema);
    return rc;
}
