/* The reference of a model version: making, writing, reading. Its bytes name their
 * columns, so a reference made for other features is refused instead of being compared
 * with the wrong ones. */
#include "core/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"

#define REFERENCE_VERSION 4

struct lw_reference *lw_reference_new(const struct lw_spec *spec) {
    struct lw_reference *ref = lw_calloc(1, sizeof *ref);
    ref->profile = lw_profile_new(spec->column, spec->nfeatures + 1, 0);
    ref->scores = lw_profile_new(spec->score_column, 2, 0);
    ref->week = lw_week_new(spec->column, spec->nfeatures + 1, lw_spec_blocks(spec));
    ref->score_week = lw_week_new(spec->score_column, 2, lw_spec_blocks(spec));
    ref->nfeatures = spec->nfeatures;
    ref->task = spec->task;
    ref->segments = lw_calloc(spec->nfeatures + 1, sizeof *ref->segments);
    for (int i = 0; i < LW_HOURS_OF_WEEK; i++)
        ref->hour_loss[i] = 1;
    return ref;
}

void lw_reference_free(struct lw_reference *ref) {
    if (!ref)
        return;
    lw_profile_free(ref->profile);
    lw_profile_free(ref->scores);
    lw_week_free(ref->week);
    lw_week_free(ref->score_week);
    for (size_t i = 0; i < ref->nfeatures; i++)
        lw_segments_fini(&ref->segments[i]);
    free(ref->segments);
    free(ref);
}

int lw_hour_of_week(const struct lw_zone *zone, int64_t ms) {
    struct lw_civil c = lw_zone_civil(zone, ms);
    return c.weekday * 24 + c.hour;
}

static void write_profile(struct lw_profile *p, struct lw_buf *out) {
    struct lw_buf member = {0};
    lw_buf_u32(out, (uint32_t)p->n);
    for (size_t i = 0; i < p->n; i++) {
        lw_buf_blob(out, p->columns[i].name, strlen(p->columns[i].name));
        lw_buf_clear(&member);
        lw_profile_write_member(p, i, &member);
        lw_buf_blob(out, member.data, member.len);
    }
    lw_buf_fini(&member);
}

static int read_profile(struct lw_profile *p, struct lw_reader *r, struct lw_err *err) {
    uint32_t n = lw_reader_u32(r);
    if (r->bad || n != p->n)
        return lw_fail(err, LW_EINPUT, "it has %u columns, the configuration has %zu", n,
                       p->n);
    for (uint32_t i = 0; i < n; i++) {
        size_t name_len, len;
        const char *name = lw_reader_blob(r, &name_len);
        const void *member = lw_reader_blob(r, &len);
        const char *want = p->columns[i].name;
        if (!name || !member)
            return lw_fail(err, LW_EINPUT, "truncated in column \"%s\"", want);
        if (strlen(want) != name_len || memcmp(name, want, name_len) != 0)
            return lw_fail(err, LW_EINPUT,
                           "column %u is \"%.*s\", the configuration has \"%s\"", i,
                           (int)(name_len < 80 ? name_len : 80), name, want);
        if (lw_profile_read_member(p, i, member, len, err))
            return -1;
    }
    return 0;
}

static void write_bins(const struct lw_bins *bins, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)bins->nedges);
    for (int i = 0; i < bins->nedges; i++)
        lw_buf_f64(out, bins->edge[i]);
}

static void read_bins(struct lw_bins *bins, struct lw_reader *r) {
    bins->nedges = lw_reader_u8(r);
    if (bins->nedges > LW_BINS_MAX - 1) {
        r->bad = true;
        bins->nedges = 0;
    }
    for (int i = 0; i < bins->nedges; i++) {
        bins->edge[i] = lw_reader_f64(r);
        r->bad |= i > 0 && !(bins->edge[i] > bins->edge[i - 1]);
    }
}

void lw_reference_write(struct lw_reference *ref, struct lw_buf *out) {
    lw_buf_u8(out, REFERENCE_VERSION);
    lw_buf_u32(out, ref->version);
    lw_buf_i64(out, ref->from_ms);
    lw_buf_i64(out, ref->until_ms);
    lw_buf_u64(out, ref->events);
    lw_buf_u64(out, ref->rejected);
    lw_losses_write(&ref->losses, ref->task, out);
    for (int i = 0; i < LW_HOURS_OF_WEEK; i++)
        lw_buf_f64(out, ref->hour_loss[i]);
    write_profile(ref->profile, out);
    write_profile(ref->scores, out);
    for (size_t i = 0; i < ref->profile->n; i++)
        write_bins(&ref->bins[i], out);
    for (size_t i = 0; i < ref->nfeatures; i++)
        lw_segments_write(&ref->segments[i], out);
    lw_week_write(ref->week, out);
    lw_week_write(ref->score_week, out);
}

static int read_weeks(struct lw_reference *ref, struct lw_reader *r, struct lw_err *err) {
    lw_week_free(ref->week);
    lw_week_free(ref->score_week);
    ref->week = ref->score_week = NULL;
    return lw_week_read(&ref->week, ref->profile->columns, ref->profile->n, r, err) ||
                   lw_week_read(&ref->score_week, ref->scores->columns, ref->scores->n, r,
                                err)
               ? -1
               : 0;
}

static int read_body(struct lw_reference *ref, struct lw_reader *r, struct lw_err *err) {
    ref->version = lw_reader_u32(r);
    ref->from_ms = lw_reader_i64(r);
    ref->until_ms = lw_reader_i64(r);
    ref->events = lw_reader_u64(r);
    ref->rejected = lw_reader_u64(r);
    if (lw_losses_read(&ref->losses, ref->task, r, err))
        return lw_fail(err, LW_EINPUT, "its sums of errors are missing");
    for (int i = 0; i < LW_HOURS_OF_WEEK; i++) {
        ref->hour_loss[i] = lw_reader_f64(r);
        r->bad |= !(ref->hour_loss[i] > 0) || !isfinite(ref->hour_loss[i]);
    }
    if (read_profile(ref->profile, r, err) || read_profile(ref->scores, r, err))
        return -1;
    for (size_t i = 0; i < ref->profile->n; i++)
        read_bins(&ref->bins[i], r);
    for (size_t i = 0; i < ref->nfeatures; i++)
        lw_segments_read(&ref->segments[i], r);
    if (!r->bad && read_weeks(ref, r, err))
        return -1;
    if (r->bad || lw_reader_left(r))
        return lw_fail(err, LW_EINPUT, "damaged or truncated");
    return 0;
}

void lw_reference_take(struct lw_reference *ref, const struct lw_spec *spec,
                       const struct lw_pane *recent) {
    if (recent) {
        lw_profile_merge(ref->profile, recent->profile);
        if (ref->week && recent->week)
            lw_week_add(ref->week, recent->week);
        ref->events = recent->events;
        ref->rejected = recent->events - recent->reason[LW_GOOD];
    }
    for (size_t i = 0; i < ref->profile->n; i++)
        if (ref->profile->members[i].kind == LW_NUMERIC)
            lw_bins_from(&ref->profile->members[i].num, spec->drift.bins, &ref->bins[i]);
}

int lw_reference_check(const struct lw_spec *spec, struct lw_reference *ref,
                       struct lw_err *err) {
    struct lw_buf bytes = {0};
    lw_reference_write(ref, &bytes);
    struct lw_reference *again = lw_reference_read(spec, bytes.data, bytes.len, err);
    lw_buf_fini(&bytes);
    lw_reference_free(again);
    return again ? 0 : lw_err_context(err, "what the challenger was proved on");
}

struct lw_reference *lw_reference_read(const struct lw_spec *spec, const void *data,
                                       size_t len, struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    uint8_t version = lw_reader_u8(&r);
    if (version != REFERENCE_VERSION) {
        lw_fail(err, LW_EINPUT, "reference profile of version %u, this program reads %d",
                version, REFERENCE_VERSION);
        return NULL;
    }
    struct lw_reference *ref = lw_reference_new(spec);
    if (read_body(ref, &r, err) == 0)
        return ref;
    lw_err_context(err, "reference profile");
    lw_reference_free(ref);
    return NULL;
}

/* ---- matching ---- */

/* The blocks of an earlier configuration do not serve: the whole does. */
static struct lw_week_mixture match_one(const struct lw_week *week,
                                        const struct lw_profile *whole,
                                        const struct lw_pane *pane, int column) {
    double weight[LW_WEEK_PARTS_MAX];
    if (!week || week->blocks != lw_spec_blocks(pane->spec) || pane->span_ms >= LW_WEEK ||
        pane->events == 0 || lw_member_rows(&whole->members[0]) == 0)
        return (struct lw_week_mixture){0};
    lw_pane_by_part(pane, weight);
    return lw_week_mix(week, whole, weight, column);
}

void lw_match_make(const struct lw_reference *ref, const struct lw_pane *pane,
                   struct lw_match *out) {
    out->features = match_one(ref->week, ref->profile, pane, -1);
    out->scores = match_one(ref->score_week, ref->scores, pane, -1);
}

void lw_match_column(const struct lw_reference *ref, const struct lw_pane *pane,
                     size_t column, struct lw_match *out) {
    *out = (struct lw_match){0};
    out->features = match_one(ref->week, ref->profile, pane, (int)column);
}

void lw_match_fini(struct lw_match *m) {
    lw_profile_free(m->features.profile);
    lw_profile_free(m->scores.profile);
    *m = (struct lw_match){0};
}

const char *lw_reference_lacks(const struct lw_reference *ref) {
    if (!ref->week)
        return NULL;
    if (lw_week_lacks(ref->week, true))
        return "Saturday and Sunday";
    return lw_week_lacks(ref->week, false) ? "Monday to Friday" : NULL;
}

static struct lw_drift_reference match_reference(const struct lw_week_mixture *m,
                                                 const struct lw_profile *whole,
                                                 const struct lw_bins *bins) {
    if (!m->profile)
        return (struct lw_drift_reference){whole, bins, whole, INFINITY};
    return (struct lw_drift_reference){m->profile, NULL, whole, m->rows};
}

struct lw_drift_reference lw_match_features(const struct lw_match *m,
                                            const struct lw_reference *ref) {
    return match_reference(&m->features, ref->profile, ref->bins);
}

struct lw_drift_reference lw_match_scores(const struct lw_match *m,
                                          const struct lw_reference *ref) {
    return match_reference(&m->scores, ref->scores, NULL);
}
