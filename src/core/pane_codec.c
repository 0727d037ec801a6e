/* A pane as named blobs: "meta" (offsets, counts), "f:<column>" (one sketch member
 * each), "s:<version>" (sums of losses, then the two score sketches), "e:<feature>"
 * (losses by value of a category) and "x" (the worst events). The last two name the
 * model version that they are about, and are left out when empty. Each blob is
 * independent, so that a reader can fetch one field of the hash. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pane.h"
#include "core/pane_private.h"

#define META_VERSION 4

/* How a version's predictions are tracked in a pane of one partition, which serves either
 * all of them or none. */
enum { PLAIN, TRACKED, TRACKED_SERVED };

static void write_meta(const struct lw_pane *pane, struct lw_buf *out) {
    lw_buf_u8(out, META_VERSION);
    lw_buf_i64(out, pane->start_ms);
    lw_buf_i64(out, pane->first_offset);
    lw_buf_i64(out, pane->last_offset);
    lw_buf_u64(out, pane->events);
    lw_losses_write(&pane->answered, pane->spec->task, out);
    lw_losses_write(&pane->untracked, pane->spec->task, out);
    lw_buf_u8(out, LW_REASONS_MAX);
    for (int i = 0; i < LW_REASONS_MAX; i++)
        lw_buf_u64(out, pane->reason[i]);
}

static void write_scores(struct lw_scores *s, const struct lw_task *task,
                         struct lw_buf *out) {
    lw_losses_write(&s->losses, task, out);
    lw_buf_u8(out, s->tracks ? s->serves_tracked ? TRACKED_SERVED : TRACKED : PLAIN);
    if (s->tracks) {
        lw_buf_f64(out, s->tracking.a);
        lw_buf_f64(out, s->tracking.b);
        lw_buf_f64(out, s->tracking.c);
        lw_losses_write(&s->tracked, task, out);
    }
    struct lw_buf member = {0};
    for (size_t i = 0; i < 2; i++) {
        lw_buf_clear(&member);
        lw_profile_write_member(s->profile, i, &member);
        lw_buf_blob(out, member.data, member.len);
    }
    lw_buf_fini(&member);
}

static void segments_write(const struct lw_pane *pane, struct lw_buf *scratch,
                           lw_emit *emit, void *arg) {
    char field[LW_NAME_MAX + 8];
    for (size_t i = 0; i < pane->spec->nfeatures; i++) {
        if (pane->segments[i].n == 0)
            continue;
        lw_buf_clear(scratch);
        lw_buf_u32(scratch, pane->segments_version);
        lw_segments_write(&pane->segments[i], scratch);
        snprintf(field, sizeof field, "e:%s", pane->spec->feature[i].name);
        emit(arg, field, scratch->data, scratch->len);
    }
    if (pane->segments_version == 0)
        return;
    lw_buf_clear(scratch);
    lw_buf_u32(scratch, pane->segments_version);
    lw_examples_write(&pane->examples, scratch);
    emit(arg, "x", scratch->data, scratch->len);
}

void lw_pane_write(struct lw_pane *pane, struct lw_buf *scratch, lw_emit *emit,
                   void *arg) {
    char field[LW_NAME_MAX + 8];
    lw_buf_clear(scratch);
    write_meta(pane, scratch);
    emit(arg, "meta", scratch->data, scratch->len);
    for (size_t i = 0; i < pane->profile->n; i++) {
        lw_buf_clear(scratch);
        lw_profile_write_member(pane->profile, i, scratch);
        snprintf(field, sizeof field, "f:%s", pane->profile->columns[i].name);
        emit(arg, field, scratch->data, scratch->len);
    }
    for (size_t i = 0; i < pane->nscores; i++) {
        lw_buf_clear(scratch);
        write_scores(&pane->scores[i], pane->spec->task, scratch);
        snprintf(field, sizeof field, "s:%u", pane->scores[i].version);
        emit(arg, field, scratch->data, scratch->len);
    }
    segments_write(pane, scratch, emit, arg);
}

static int read_meta(struct lw_pane *pane, struct lw_reader *r, struct lw_err *err) {
    uint8_t version = lw_reader_u8(r);
    int64_t start = lw_reader_i64(r);
    pane->first_offset = lw_reader_i64(r);
    pane->last_offset = lw_reader_i64(r);
    pane->events = lw_reader_u64(r);
    if ((lw_losses_read(&pane->answered, pane->spec->task, r, err) ||
         lw_losses_read(&pane->untracked, pane->spec->task, r, err)) &&
        !r->bad)
        return -1;
    uint8_t reasons = lw_reader_u8(r);
    for (uint8_t i = 0; i < reasons; i++) {
        uint64_t n = lw_reader_u64(r);
        if (i < LW_REASONS_MAX)
            pane->reason[i] = n;
    }
    if (r->bad || lw_reader_left(r) || version != META_VERSION || start != pane->start_ms)
        return lw_fail(err, LW_EINPUT,
                       "pane field \"meta\" is damaged or of another version (%u)",
                       version);
    return 0;
}

static int read_tracked(struct lw_scores *s, const struct lw_task *task,
                        struct lw_reader *r, struct lw_err *err) {
    uint8_t kind = lw_reader_u8(r);
    if (kind == PLAIN)
        return r->bad ? -1 : 0;
    s->tracks = true;
    s->serves_tracked = kind == TRACKED_SERVED;
    s->tracking.a = lw_reader_f64(r);
    s->tracking.b = lw_reader_f64(r);
    s->tracking.c = lw_reader_f64(r);
    if (kind > TRACKED_SERVED || lw_losses_read(&s->tracked, task, r, err) ||
        !isfinite(s->tracking.a + s->tracking.b + s->tracking.c))
        return -1;
    s->served = s->serves_tracked ? s->tracked : s->losses;
    return 0;
}

static int read_scores(struct lw_pane *pane, uint32_t version, struct lw_reader *r,
                       struct lw_err *err) {
    struct lw_scores *s = lw__pane_scores(pane, version);
    if (!s)
        return 0; /* the pane holds enough newer versions */
    if (lw_losses_read(&s->losses, pane->spec->task, r, err) ||
        read_tracked(s, pane->spec->task, r, err))
        return lw_fail(err, LW_EINPUT, "too short for the sums of losses");
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        const void *member = lw_reader_blob(r, &len);
        if (!member)
            return lw_fail(err, LW_EINPUT, "score member %zu is truncated", i);
        if (lw_profile_read_member(s->profile, i, member, len, err))
            return -1;
    }
    return lw_reader_left(r) ? lw_fail(err, LW_EINPUT, "trailing bytes") : 0;
}

/* Into a pane without a version yet: fields of one hash are about one version. */
static int segments_read(struct lw_pane *pane, const char *field, struct lw_reader *r,
                         struct lw_err *err) {
    uint32_t version = lw_reader_u32(r);
    r->bad |=
        version == 0 || (pane->segments_version && version != pane->segments_version);
    if (strcmp(field, "x") == 0) {
        lw_examples_read(&pane->examples, r);
    } else {
        int i = lw_profile_find(pane->profile, field + 2);
        if (i < 0 || (size_t)i >= pane->spec->nfeatures)
            return 0; /* the feature is no longer watched */
        r->bad |= pane->segments[i].n != 0;
        if (!r->bad)
            lw_segments_read(&pane->segments[i], r);
    }
    if (r->bad || lw_reader_left(r))
        return lw_fail(err, LW_EINPUT, "pane field \"%.100s\" is damaged", field);
    pane->segments_version = version;
    return 0;
}

int lw_pane_read(struct lw_pane *pane, const char *field, const void *data, size_t len,
                 struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    if (strcmp(field, "x") == 0 || strncmp(field, "e:", 2) == 0)
        return segments_read(pane, field, &r, err);
    if (strcmp(field, "meta") == 0)
        return read_meta(pane, &r, err);
    if (strncmp(field, "f:", 2) == 0) {
        int column = lw_profile_find(pane->profile, field + 2);
        return column < 0 ? 0
                          : lw_profile_read_member(pane->profile, (size_t)column, data,
                                                   len, err);
    }
    if (strncmp(field, "s:", 2) == 0) {
        char *end;
        unsigned long version = strtoul(field + 2, &end, 10);
        if (*end || version == 0 || version > UINT32_MAX)
            return lw_fail(err, LW_EINPUT,
                           "pane field \"%.40s\" does not name a model version", field);
        if (read_scores(pane, (uint32_t)version, &r, err))
            return lw_err_context(err, "pane field \"%.40s\"", field);
    }
    return 0;
}
