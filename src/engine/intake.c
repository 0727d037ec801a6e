/* See intake.h.
 *
 * Decoders are cached in sets of four by a hash of the schema's id or GUID; the least
 * recently used one of a set is evicted. An unreadable schema is cached like a
 * decoder. An unknown id is not, because the registry may learn it. */
#include "engine/intake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define SETS 64
#define WAYS 4

/* An id or a GUID as two words; `by` 0 (LW_SCHEMA_CONFIGURED) marks a free way. */
struct schema_key {
    uint64_t high, low;
    int by;
};

struct way {
    struct schema_key key;
    struct lw_decoder *decoder;
    char *why; /* instead of a decoder: why it is unreadable */
    uint64_t used;
};

struct written {
    uint64_t crc64;
    struct lw_decoder *decoder;
};

struct lw_intake {
    const struct lw_config *config;
    struct lw_registry *registry;
    struct written known[LW_SCHEMAS_MAX + 1]; /* [0]: the configured schema */
    size_t nknown;
    struct way way[SETS][WAYS];
    struct way *last;
    uint64_t clock;
    struct lw_frame wanted;
    struct lw_decoder_scratch scratch;
    int64_t patience_ms;
    bool unknown; /* the last lookup failed with an unknown schema */
};

/* ---- creation ---- */

static int add_known(struct lw_intake *in, const struct lw_schema *writer,
                     struct lw_err *err) {
    const struct lw_config *config = in->config;
    struct lw_decoder *d =
        lw_decoder_new(config->source.encoding, writer, config->source.schema,
                       &config->spec.event.fields, err);
    if (!d)
        return lw_err_context(err, "schema %s", lw_schema_name(writer));
    in->known[in->nknown++] = (struct written){lw_schema_fingerprint(writer), d};
    return 0;
}

struct lw_intake *lw_intake_new(const struct lw_config *config,
                                struct lw_registry *registry, struct lw_err *err) {
    const struct lw_config_source *source = &config->source;
    struct lw_intake *in = lw_calloc(1, sizeof *in);
    in->config = config;
    in->registry = registry;
    in->patience_ms = source->registry.missing_wait_ms;
    int rc = add_known(in, source->schema, err);
    for (size_t i = 0; rc == 0 && i < source->nknown; i++)
        rc = add_known(in, source->known[i], err);
    if (rc == 0)
        return in;
    lw_intake_free(in);
    return NULL;
}

static void way_clear(struct way *w) {
    lw_decoder_free(w->decoder);
    free(w->why);
    *w = (struct way){0};
}

void lw_intake_free(struct lw_intake *in) {
    if (!in)
        return;
    for (size_t i = 0; i < in->nknown; i++)
        lw_decoder_free(in->known[i].decoder);
    for (size_t s = 0; s < SETS; s++)
        for (size_t i = 0; i < WAYS; i++)
            way_clear(&in->way[s][i]);
    lw_decoder_scratch_fini(&in->scratch);
    free(in);
}

/* ---- a registry's schemas ---- */

static struct schema_key key_of(const struct lw_frame *frame) {
    struct schema_key key = {.low = frame->id, .by = (int)frame->by};
    if (frame->by == LW_SCHEMA_GUID) {
        memcpy(&key.high, frame->guid, 8);
        memcpy(&key.low, frame->guid + 8, 8);
    }
    return key;
}

static bool key_equal(const struct schema_key *a, const struct schema_key *b) {
    return a->low == b->low && a->high == b->high && a->by == b->by;
}

static struct way *set_of(struct lw_intake *in, const struct schema_key *key) {
    uint64_t h = lw_mix64(key->low ^ lw_mix64(key->high + (uint64_t)key->by));
    return in->way[h % SETS];
}

static struct way *way_find(struct lw_intake *in, const struct schema_key *key) {
    struct way *set = set_of(in, key);
    for (size_t i = 0; i < WAYS; i++)
        if (key_equal(&set[i].key, key))
            return &set[i];
    return NULL;
}

static struct way *make_room(struct lw_intake *in, const struct schema_key *key) {
    struct way *set = set_of(in, key), *oldest = set;
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].used < oldest->used)
            oldest = &set[i];
    if (in->last == oldest)
        in->last = NULL;
    way_clear(oldest);
    oldest->key = *key;
    return oldest;
}

/* The registry's answer, kept if it is final. */
static struct way *way_fetch(struct lw_intake *in, const struct lw_frame *frame,
                             const struct schema_key *key, bool ahead,
                             struct lw_err *err) {
    struct lw_err why = {0};
    struct lw_asking how = {.ahead = ahead, .patience_ms = in->patience_ms};
    lw_assert(in->registry != NULL);
    struct lw_decoder *d =
        lw_registry_decoder(in->registry, frame, &how, in->config->source.schema,
                            &in->config->spec.event.fields, &why);
    in->unknown = why.code == LW_ENOTFOUND;
    if (in->unknown && how.unknown_ms < in->patience_ms)
        why.code = LW_EAGAIN;
    if (!d && !ahead && why.code == LW_EAGAIN) {
        in->wanted = *frame;
        in->wanted.payload = NULL;
        in->wanted.len = 0;
    }
    if (!d && why.code != LW_EINPUT) {
        enum lw_errc code = why.code == LW_ENOTFOUND ? LW_EINPUT : why.code;
        lw_fail(err, code, "%s", why.msg);
        return NULL;
    }
    struct way *w = make_room(in, key);
    w->decoder = d;
    w->why = d ? NULL : lw_strdup(why.msg);
    return w;
}

static const struct lw_decoder *decoder_of(struct lw_intake *in,
                                           const struct lw_frame *frame, bool ahead,
                                           struct lw_err *err) {
    struct schema_key key = key_of(frame);
    struct way *w = in->last;
    if (!w || !key_equal(&w->key, &key)) {
        w = way_find(in, &key);
        if (!w)
            w = way_fetch(in, frame, &key, ahead, err);
        if (!w)
            return NULL;
        w->used = ++in->clock;
        in->last = w;
    }
    if (!w->decoder)
        lw_fail(err, LW_EINPUT, "%s", w->why);
    return w->decoder;
}

/* ---- one message ---- */

static const struct lw_decoder *
decoder_by_fingerprint(const struct lw_intake *in, uint64_t crc64, struct lw_err *err) {
    for (size_t i = 0; i < in->nknown; i++)
        if (in->known[i].crc64 == crc64)
            return in->known[i].decoder;
    lw_fail(err, LW_EINPUT,
            "written with the schema of fingerprint %016" PRIx64
            ", which is neither source.schema (%016" PRIx64
            ") nor one of the %zu of source.schemas",
            crc64, in->known[0].crc64, in->nknown - 1);
    return NULL;
}

/* Confluent's serialisers put the schema before the datum, or into a header: the last
 * of that name counts. */
static int unwrap_confluent(const rd_kafka_message_t *m, struct lw_frame *frame,
                            struct lw_err *err) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, LW_FRAMING_HEADER, &value, &len) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return lw_framing_parse_header(value, len, m->payload, m->len, frame, err);
    return lw_framing_parse(LW_FRAMING_CONFLUENT, m->payload, m->len, frame, err);
}

static int intake_decode(struct lw_intake *in, const rd_kafka_message_t *m,
                         struct lw_cell *cells, struct lw_err *err) {
    struct lw_frame frame = {.payload = m->payload, .len = m->len};
    const struct lw_decoder *d = in->known[0].decoder;
    switch (in->config->source.framing) {
    case LW_FRAMING_RAW:
        break;
    case LW_FRAMING_SINGLE:
        if (lw_framing_parse(LW_FRAMING_SINGLE, m->payload, m->len, &frame, err))
            return -1;
        d = decoder_by_fingerprint(in, frame.crc64, err);
        break;
    case LW_FRAMING_CONFLUENT:
        if (unwrap_confluent(m, &frame, err))
            return -1;
        d = decoder_of(in, &frame, false, err);
        break;
    }
    if (!d)
        return -1;
    struct lw_encoded_record record = {.data = frame.payload, .len = frame.len};
    return lw_decoder_decode(d, &record, &in->scratch, cells, err);
}

int lw_intake_decode(struct lw_intake *in, const rd_kafka_message_t *m,
                     struct lw_cell *cells, struct lw_err *err) {
    in->unknown = false;
    int rc = intake_decode(in, m, cells, err);
    if (rc && m->len == 0 && err && err->code == LW_EINPUT) {
        lw_err_clear(err);
        lw_fail(err, LW_EINPUT,
                "the value is empty or null: a tombstone is not an event");
    }
    return rc;
}

void lw_intake_patience(struct lw_intake *in, int64_t ms) {
    in->patience_ms = ms;
}

bool lw_intake_unknown(const struct lw_intake *in) {
    return in->unknown;
}

struct lw_frame lw_intake_wanted(const struct lw_intake *in) {
    return in->wanted;
}

int lw_intake_ahead(struct lw_intake *in, const rd_kafka_message_t *m) {
    struct lw_frame frame;
    struct lw_err why = {0};
    if (in->config->source.framing != LW_FRAMING_CONFLUENT ||
        unwrap_confluent(m, &frame, &why))
        return 0;
    return !decoder_of(in, &frame, true, &why) && why.code == LW_EAGAIN;
}

bool lw_intake_ready(struct lw_intake *in, const struct lw_frame *frame) {
    struct lw_err err = {0};
    return decoder_of(in, frame, false, &err) || err.code != LW_EAGAIN;
}

int64_t lw_intake_message_time(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 ? LW_NO_TIME : ms;
}
