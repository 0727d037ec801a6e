/* See feed.h. */
#include "engine/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "event/file.h"

struct lw_feed {
    const struct lw_config *config;
    char *const *paths;
    size_t n, at; /* files; index of the one that is open */
    struct lw_file *file;
    struct lw_decoder *decoder;
    struct lw_cell cells[LW_FIELDS_MAX];
    uint64_t records, unusable;
    char why[512];
    struct lw_injection *inject; /* borrowed */
    size_t ninject;
};

static void close_file(struct lw_feed *f) {
    lw_file_close(f->file);
    lw_decoder_free(f->decoder);
    f->file = NULL;
    f->decoder = NULL;
}

static int open_file(struct lw_feed *f, struct lw_err *err) {
    const char *path = f->paths[f->at];
    f->file = lw_file_open(path, err);
    if (!f->file)
        return -1;
    const char *json = lw_file_schema_json(f->file);
    struct lw_schema *writer = lw_schema_parse(json, strlen(json), err);
    if (writer)
        f->decoder = lw_decoder_new(writer, f->config->source.schema,
                                    &f->config->spec.event.fields, err);
    lw_schema_free(writer);
    return f->decoder ? 0 : lw_err_context(err, "%s", path);
}

struct lw_feed *lw_feed_open(const struct lw_config *config, char *const *paths, size_t n,
                             struct lw_err *err) {
    struct lw_feed *f = lw_calloc(1, sizeof *f);
    f->config = config;
    f->paths = paths;
    f->n = n;
    if (n > 0 && open_file(f, err)) {
        lw_feed_close(f);
        return NULL;
    }
    return f;
}

void lw_feed_close(struct lw_feed *f) {
    if (!f)
        return;
    close_file(f);
    free(f);
}

void lw_feed_inject(struct lw_feed *f, struct lw_injection *list, size_t n) {
    f->inject = list;
    f->ninject = n;
}

static void interpret(struct lw_feed *f, struct lw_feed_event *out) {
    const struct lw_event_spec *event = &f->config->spec.event;
    lw_err_clear(&out->why);
    out->reason = -1;
    out->injected = false;
    if (lw_decoder_decode(f->decoder, out->bytes, out->len, f->cells, &out->why) == 0) {
        out->injected =
            lw_inject_apply(f->inject, f->ninject, event, f->records - 1, f->cells) > 0;
        out->reason = lw_event_row(event, f->cells, LW_NO_TIME, &out->row, &out->why);
    }
    if (out->reason < 0 && f->unusable++ == 0)
        lw_copy(f->why, sizeof f->why, out->why.msg);
}

int lw_feed_next(struct lw_feed *f, struct lw_feed_event *out, struct lw_err *err) {
    while (f->at < f->n) {
        int got = lw_file_next(f->file, &out->bytes, &out->len, err);
        if (got < 0)
            return -1;
        if (got > 0) {
            f->records++;
            out->schema_json = lw_file_schema_json(f->file);
            out->file = f->at;
            interpret(f, out);
            return 1;
        }
        close_file(f);
        if (++f->at < f->n && open_file(f, err))
            return -1;
    }
    return 0;
}

double lw_feed_progress(const struct lw_feed *f) {
    double part = f->file ? lw_file_progress(f->file) : 0;
    return f->n ? ((double)f->at + part) / (double)f->n : 1;
}

uint64_t lw_feed_records(const struct lw_feed *f) {
    return f->records;
}
uint64_t lw_feed_unusable(const struct lw_feed *f) {
    return f->unusable;
}
const char *lw_feed_why(const struct lw_feed *f) {
    return f->why;
}
