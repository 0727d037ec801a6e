/* See feed.h. */
#include "engine/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/clock.h"
#include "event/file.h"

struct feed_source {
    struct lw_file *file; /* NULL: not open yet, or at its end */
    struct lw_decoder *decoder;
    struct lw_clock clock;
    const uint8_t *bytes; /* time of the next event, when merging */
    size_t len;
};

struct lw_event_feed {
    const struct lw_config *config;
    char *const *paths;
    size_t n, at; /* files; index of the current one */
    struct feed_source *source;
    bool merging;
    struct lw_cell cells[LW_FIELDS_MAX];
    uint64_t records, unusable;
    char why[512];
    struct lw_injection *inject; /* borrowed */
    size_t ninject;
};

static void close_file(struct feed_source *s) {
    lw_file_close(s->file);
    lw_decoder_free(s->decoder);
    s->file = NULL;
    s->decoder = NULL;
}

static int open_file(struct lw_event_feed *f, size_t i, struct lw_err *err) {
    struct feed_source *s = &f->source[i];
    s->file = lw_file_open(f->paths[i], err);
    if (!s->file)
        return -1;
    s->decoder = lw_file_decoder(s->file, f->config->source.schema,
                                 &f->config->spec.event.fields, err);
    return s->decoder ? 0 : lw_err_context(err, "%s", f->paths[i]);
}

struct lw_event_feed *lw_feed_open(const struct lw_config *config, char *const *paths,
                                   size_t n, struct lw_err *err) {
    struct lw_event_feed *f = lw_calloc(1, sizeof *f);
    f->config = config;
    f->paths = paths;
    f->n = n;
    f->source = lw_calloc(n ? n : 1, sizeof *f->source);
    if (n > 0 && open_file(f, 0, err)) {
        lw_feed_close(f);
        return NULL;
    }
    return f;
}

void lw_feed_close(struct lw_event_feed *f) {
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++)
        close_file(&f->source[i]);
    free(f->source);
    free(f);
}

/* ---- merging ---- */

/* Reads the next event of a file and updates the file's clock. */
static int look_ahead(struct lw_event_feed *f, struct feed_source *s,
                      struct lw_err *err) {
    int got = lw_file_next(s->file, &s->bytes, &s->len, err);
    if (got <= 0) {
        if (got == 0)
            close_file(s);
        return got;
    }
    struct lw_row row;
    if (lw_decoder_decode_bytes(s->decoder, s->bytes, s->len, f->cells, NULL) == 0 &&
        lw_event_row(&f->config->spec.event, f->cells, 0, &row, NULL) >= 0)
        lw_clock_event(&s->clock, row.time_ms, INT64_MAX);
    return 1;
}

/* A file begins where its first events are, also for the very first of them. */
static int learn_beginning(struct lw_event_feed *f, size_t i, struct lw_err *err) {
    struct feed_source *s = &f->source[i];
    lw_clock_init(&s->clock, &f->config->spec);
    int got = 1;
    for (int k = 0; k < LW_CROWD && got > 0; k++)
        got = look_ahead(f, s, err);
    if (got < 0)
        return -1;
    close_file(s);
    return open_file(f, i, err);
}

int lw_feed_merge(struct lw_event_feed *f, struct lw_err *err) {
    if (f->n < 2)
        return 0;
    for (size_t i = 0; i < f->n; i++)
        if ((!f->source[i].file && open_file(f, i, err)) || learn_beginning(f, i, err) ||
            look_ahead(f, &f->source[i], err) < 0)
            return lw_err_context(err, "%s", f->paths[i]);
    f->merging = true;
    f->at = f->n; /* none was read yet */
    return 0;
}

static int next_of_all(struct lw_event_feed *f, struct lw_err *err) {
    if (f->at < f->n && f->source[f->at].file &&
        look_ahead(f, &f->source[f->at], err) < 0)
        return -1;
    f->at = f->n;
    for (size_t i = 0; i < f->n; i++)
        if (f->source[i].file && (f->at == f->n || f->source[i].clock.crowd_ms <
                                                       f->source[f->at].clock.crowd_ms))
            f->at = i;
    return f->at < f->n;
}

/* ---- one after another ---- */

static int next_in_order(struct lw_event_feed *f, struct lw_err *err) {
    while (f->at < f->n) {
        struct feed_source *s = &f->source[f->at];
        int got = lw_file_next(s->file, &s->bytes, &s->len, err);
        if (got != 0)
            return got;
        close_file(s);
        if (++f->at < f->n && open_file(f, f->at, err))
            return -1;
    }
    return 0;
}

void lw_feed_inject(struct lw_event_feed *f, struct lw_injection *list, size_t n) {
    f->inject = list;
    f->ninject = n;
}

static void feed_interpret(struct lw_event_feed *f, struct lw_feed_event *out) {
    const struct lw_event_spec *event = &f->config->spec.event;
    lw_err_clear(&out->why);
    out->reason = -1;
    out->injected = false;
    if (lw_decoder_decode_bytes(f->source[f->at].decoder, out->bytes, out->len, f->cells,
                                &out->why) == 0) {
        out->injected =
            lw_inject_apply(f->inject, f->ninject, event, f->records - 1, f->cells) > 0;
        out->reason = lw_event_row(event, f->cells, LW_NO_TIME, &out->row, &out->why);
    }
    if (out->reason < 0 && f->unusable++ == 0)
        lw_copy(f->why, sizeof f->why, out->why.msg);
}

int lw_feed_next(struct lw_event_feed *f, struct lw_feed_event *out, struct lw_err *err) {
    int got = f->merging ? next_of_all(f, err) : next_in_order(f, err);
    if (got <= 0)
        return got;
    const struct feed_source *s = &f->source[f->at];
    f->records++;
    out->bytes = s->bytes;
    out->len = s->len;
    out->schema_json = lw_file_schema_json(s->file);
    out->file = f->at;
    feed_interpret(f, out);
    return 1;
}

double lw_feed_progress(const struct lw_event_feed *f) {
    double part = 0;
    for (size_t i = 0; i < f->n; i++)
        part += f->source[i].file         ? lw_file_progress(f->source[i].file)
                : f->merging || i < f->at ? 1
                                          : 0;
    return f->n ? part / (double)f->n : 1;
}

uint64_t lw_feed_records(const struct lw_event_feed *f) {
    return f->records;
}
uint64_t lw_feed_unusable(const struct lw_event_feed *f) {
    return f->unusable;
}
const char *lw_feed_why(const struct lw_event_feed *f) {
    return f->why;
}
