/* See frame_writer.h. The bytes before a record change only with the file: none for
 * raw, 0 and the registry's id for confluent, C3 01 and the schema's fingerprint for
 * single-object. */
#include "engine/frame_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define NO_FILE SIZE_MAX

struct lw_frame_writer {
    const struct lw_config *config;
    struct lw_registry_client *registry;
    size_t file; /* file of the prefix */
    struct lw_buf value;
    size_t prefix; /* its length, at the front of value */
};

struct lw_frame_writer *lw_frame_writer_new(const struct lw_config *config,
                                            struct lw_err *err) {
    struct lw_frame_writer *w = lw_calloc(1, sizeof *w);
    w->config = config;
    w->file = NO_FILE;
    if (config->source.framing != LW_FRAMING_CONFLUENT)
        return w;
    w->registry = lw_registry_client_new(&config->source.registry, err);
    if (w->registry)
        return w;
    free(w);
    return NULL;
}

void lw_frame_writer_free(struct lw_frame_writer *w) {
    if (!w)
        return;
    lw_registry_client_free(w->registry);
    lw_buf_fini(&w->value);
    free(w);
}

static int begin_confluent(struct lw_frame_writer *w, const char *schema,
                           struct lw_err *err) {
    const struct lw_config_source *source = &w->config->source;
    char subject[300];
    uint32_t id;
    lw_registry_subject(subject, sizeof subject, &source->registry, source->topic);
    if (lw_registry_client_register(w->registry, subject, schema, &id, err))
        return -1;
    lw_buf_u8(&w->value, 0);
    for (int shift = 24; shift >= 0; shift -= 8) /* big-endian */
        lw_buf_u8(&w->value, (uint8_t)(id >> shift));
    return 0;
}

static int begin_single(struct lw_frame_writer *w, const char *json, struct lw_err *err) {
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), err);
    if (!schema)
        return -1;
    lw_buf_u8(&w->value, 0xc3);
    lw_buf_u8(&w->value, 0x01);
    lw_buf_u64(&w->value, lw_schema_fingerprint(schema));
    lw_schema_free(schema);
    return 0;
}

static int begin_file(struct lw_frame_writer *w, const struct lw_feed_event *event,
                      struct lw_err *err) {
    int rc = 0;
    lw_buf_clear(&w->value);
    if (w->config->source.framing == LW_FRAMING_CONFLUENT)
        rc = begin_confluent(w, event->schema_json, err);
    else if (w->config->source.framing == LW_FRAMING_SINGLE)
        rc = begin_single(w, event->schema_json, err);
    w->prefix = w->value.len;
    w->file = rc ? NO_FILE : event->file;
    return rc;
}

int lw_frame_writer_frame(struct lw_frame_writer *w, const struct lw_feed_event *event,
                          const uint8_t **value, size_t *len, struct lw_err *err) {
    if (w->file != event->file && begin_file(w, event, err))
        return -1;
    if (w->prefix == 0) {
        *value = event->bytes;
        *len = event->len;
        return 0;
    }
    w->value.len = w->prefix;
    lw_buf_put(&w->value, event->bytes, event->len);
    *value = w->value.data;
    *len = w->value.len;
    return 0;
}
