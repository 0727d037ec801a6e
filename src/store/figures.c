/* Writes an evaluation for readers: `now` for dashboards, `history` for charts, and
 * the merged sketches of each window.
 *
 * Every entry of `history` has every field as a number; charts draw missing values as
 * 0. `now` also has what changed in words. An evaluation without the figures of columns
 * leaves those in `now` and the sketches as they are, and repeats them in `history`. Any
 * other replaces `now` as a whole, so that figures of removed rules disappear. Lua
 * passes about 8,000 arguments to one command: `now` is written in parts, and
 * `history`, which must be one command, holds the first 3,800 figures. */
#include <inttypes.h>
#include <math.h>

#include "base/mem.h"
#include "store/evaluation.h"
#include "store/figures.h"
#include "store/guard.h"

#define FIGURES_A_COMMAND 1000
#define FIGURES_IN_ENTRY  3800
#define HISTORY_CAP       20000

static void put_figures(struct lw_cmd *c, const struct lw_evaluation *e, size_t from,
                        size_t until) {
    for (size_t i = from; i < until && i < e->nfigures; i++) {
        lw_cmd_str(c, e->figure[i].name);
        lw_cmd_f64(c, isfinite(e->figure[i].value) ? e->figure[i].value : 0);
    }
}

/* The evaluation has `at` and `champion`; the wall clock is added here. */
static void put_updated(struct lw_cmd *c, const struct lw_evaluation_step *step) {
    lw_cmd_str(c, "updated");
    lw_cmd_int(c, step->now_ms);
}

static void put_now(struct lw_cmd *c, const struct lw_spec *spec,
                    const struct lw_evaluation_step *step) {
    for (size_t i = 0; i == 0 || i < step->evaluation->nfigures; i += FIGURES_A_COMMAND) {
        size_t slot = lw_cmd_slot(c);
        lw_cmd_str(c, step->evaluation->columns ? "NOW" : "HSET");
        lw_key_arg(c, spec, "now");
        put_updated(c, step);
        put_figures(c, step->evaluation, i, i + FIGURES_A_COMMAND);
        lw_cmd_fill(c, slot);
    }
}

/* What changed, in words: for `now` only, because charts draw numbers. */
static void put_shifts(struct lw_cmd *c, const struct lw_spec *spec,
                       const struct lw_evaluation *e) {
    if (e->nshifts == 0)
        return;
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "NOW");
    lw_key_arg(c, spec, "now");
    for (size_t i = 0; i < e->nshifts; i++) {
        lw_cmd_str(c, e->shift[i].name);
        lw_cmd_str(c, e->shift[i].text);
    }
    lw_cmd_fill(c, slot);
}

static void put_history(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HISTORY");
    lw_key_arg(c, spec, "history");
    lw_cmd_int(c, HISTORY_CAP);
    lw_cmd_int(c, step->evaluation->at_ms);
    lw_cmd_str(c, step->evaluation->columns ? "" : "carry");
    put_updated(c, step);
    put_figures(c, step->evaluation, 0, FIGURES_IN_ENTRY);
    lw_cmd_fill(c, slot);
}

void lw__figures_put(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_evaluation_step *step) {
    put_now(c, spec, step);
    put_shifts(c, spec, step->evaluation);
    put_history(c, spec, step);
}

/* SET window:<name>:<column> to the sketch's serialised bytes. */
static void put_member(struct lw_cmd *c, const struct lw_spec *spec, const char *window,
                       const char *column, struct lw_member *member,
                       struct lw_buf *bytes) {
    lw_buf_clear(bytes);
    if (member->kind == LW_NUMERIC)
        lw_kll_write(member->num.kll,
                     lw_buf_extend(bytes, lw_kll_serial_size(member->num.kll)));
    else
        lw_cats_write(member->cats,
                      lw_buf_extend(bytes, lw_cats_serial_size(member->cats)));
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "SET");
    lw_key_arg(c, spec, "window:%s:%s", window, column);
    lw_cmd_arg(c, bytes->data, bytes->len);
    lw_cmd_fill(c, slot);
}

void lw__figures_put_windows(struct lw_redis *r, struct lw_cmd *c,
                             const struct lw_spec *spec, struct lw_monitor *m) {
    struct lw_buf *bytes = lw_cmd_bytes(r);
    for (size_t w = 0; w < spec->nwindows; w++) {
        struct lw_pane *pane = lw_monitor_window(m, w);
        if (!pane)
            continue;
        const char *name = spec->window[w].name;
        for (size_t i = 0; i < pane->profile->n; i++)
            put_member(c, spec, name, pane->profile->columns[i].name,
                       &pane->profile->members[i], bytes);
        const struct lw_scores *s = lw_pane_scores(pane, lw_monitor_champion_version(m));
        for (size_t i = 0; s && i < s->profile->n; i++)
            put_member(c, spec, name, s->profile->columns[i].name,
                       &s->profile->members[i], bytes);
    }
}
