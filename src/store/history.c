/* See history.h. Slices are whole panes wide and counted back from the last entry.
 * Panes end at regular times, so a slice of one pane holds at most one entry. */
#include "store/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/keys.h"
#include "store/scripts.h"

#define SLICES_A_STEP 20 /* takes Redis some milliseconds */

#define TIME_MAX (INT64_C(1) << 53) /* larger: not a time, and sums overflow */

/* The time in "<ms>-<number>". */
static int64_t time_of(const char *id) {
    int64_t ms = (int64_t)strtoll(id, NULL, 10);
    return ms < 0 ? 0 : ms > TIME_MAX ? TIME_MAX : ms;
}

/* The time of the span's first or last entry. 1: found; 0: none; -1: error. */
static int history_edge(struct lw_redis *r, const struct lw_spec *spec,
                        const struct lw_history_query *q, bool newest, int64_t *out,
                        struct lw_err *err) {
    char key[LW_KEY_MAX], lo[32] = "-", hi[32] = "+";
    int64_t from = q->from_ms < 0 ? 0 : q->from_ms;
    if (q->from_ms != INT64_MIN)
        snprintf(lo, sizeof lo, "%" PRId64, from);
    if (q->until_ms != INT64_MAX)
        snprintf(hi, sizeof hi, "%" PRId64, q->until_ms < 0 ? 0 : q->until_ms);
    lw_key(key, spec, "history");
    struct lw_reply *reply =
        newest ? lw_redis_do(r, err, "XREVRANGE %s %s %s COUNT 1", key, hi, lo)
               : lw_redis_do(r, err, "XRANGE %s %s %s COUNT 1", key, lo, hi);
    if (!reply)
        return -1;
    const char *id = lw_reply_text(lw_reply_at(lw_reply_at(reply, 0), 0), NULL);
    if (id)
        *out = time_of(id);
    int found = id != NULL;
    lw_reply_free(reply);
    return found;
}

static void add_row(struct lw_history *h, size_t nfields, const struct lw_reply *row) {
    const char *id = lw_reply_text(lw_reply_at(row, 0), NULL);
    if (!id)
        return;
    h->at_ms[h->n] = time_of(id);
    double *value = &h->value[h->n * nfields];
    for (size_t k = 0; k < nfields; k++) {
        const char *text = lw_reply_text(lw_reply_at(row, k + 1), NULL);
        if (!text || !*text || !lw_parse_f64(text, &value[k]))
            value[k] = NAN;
    }
    h->n++;
}

struct history_slices {
    int64_t first, hi, width;
    size_t left;
};

static int slices_read(struct lw_redis *r, const struct lw_spec *spec,
                       const struct lw_history_query *q, struct history_slices *s,
                       struct lw_history *h, struct lw_err *err) {
    size_t n = s->left < SLICES_A_STEP ? s->left : SLICES_A_STEP;
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_key_arg(c, spec, "history");
    lw_cmd_uint(c, q->nfields);
    for (size_t k = 0; k < q->nfields; k++)
        lw_cmd_str(c, q->field[k]);
    lw_cmd_int(c, s->hi);
    lw_cmd_int(c, s->width);
    lw_cmd_uint(c, n);
    lw_cmd_int(c, s->first);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_history, c, err);
    if (!reply)
        return -1;
    for (size_t i = 0; i < lw_reply_count(reply); i++)
        add_row(h, q->nfields, lw_reply_at(reply, i));
    lw_reply_free(reply);
    s->hi -= (int64_t)n * s->width;
    s->left -= n;
    return 0;
}

static void history_reverse(struct lw_history *h, size_t nfields) {
    for (size_t i = 0; i < h->n / 2; i++) {
        size_t k = h->n - 1 - i;
        int64_t at = h->at_ms[i];
        h->at_ms[i] = h->at_ms[k];
        h->at_ms[k] = at;
        for (size_t f = 0; f < nfields; f++) {
            double v = h->value[i * nfields + f];
            h->value[i * nfields + f] = h->value[k * nfields + f];
            h->value[k * nfields + f] = v;
        }
    }
}

int lw_history_read(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_history_query *q, struct lw_history *out,
                    struct lw_err *err) {
    int64_t first, last;
    *out = (struct lw_history){0};
    lw_assert(q->nfields <= LW_HISTORY_FIELDS_MAX && q->max > 0);
    int found = history_edge(r, spec, q, false, &first, err);
    found = found == 1 ? history_edge(r, spec, q, true, &last, err) : found;
    if (found != 1)
        return found;
    int64_t panes = (last - first) / spec->pane_ms + 1, max = (int64_t)q->max;
    struct history_slices s = {.first = first, .hi = last, .left = q->max};
    s.width = (panes + max - 1) / max * spec->pane_ms;
    out->thinned = s.width > spec->pane_ms;
    out->at_ms = lw_calloc(q->max, sizeof *out->at_ms);
    out->value = lw_calloc(q->max * (q->nfields + 1), sizeof *out->value);
    for (bool begun = false; s.left > 0 && s.hi >= first; begun = true) {
        if (begun && q->pause)
            q->pause(q->arg);
        if (slices_read(r, spec, q, &s, out, err)) {
            lw_history_fini(out);
            return lw_err_context(err, "history");
        }
    }
    history_reverse(out, q->nfields);
    return 0;
}

void lw_history_fini(struct lw_history *h) {
    free(h->at_ms);
    free(h->value);
    *h = (struct lw_history){0};
}
