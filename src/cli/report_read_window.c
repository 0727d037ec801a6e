/* A report on a live stream: a window of sealed panes and the champion's reference, read
 * from Redis. The window ends at the last sealed pane, so report and alerts cover the same
 * events. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/report.h"
#include "core/reference.h"
#include "core/window.h"
#include "store/keys.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"

static int find_window(const struct lw_spec *spec, const char *name, struct lw_err *err) {
    const char *names[LW_WINDOWS_MAX];
    for (size_t i = 0; i < spec->nwindows; i++) {
        names[i] = spec->window[i].name;
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    const char *near = lw_nearest(name, names, spec->nwindows);
    lw_fail(err, LW_ECONFIG, "there is no window \"%s\"%s%s%s", name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return -1;
}

static int read_partitions(struct lw_redis *redis, const struct lw_spec *spec,
                           int32_t *out, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(redis, err, "HGET %s partitions", lw_key(key, spec, "meta"));
    int64_t n = reply ? lw_reply_int(reply) : 0;
    lw_reply_free(reply);
    *out = (int32_t)n;
    if (err->code)
        return -1;
    if (n < 1 || n > 100000)
        return lw_fail(err, LW_ENOTFOUND, "%s has no stream \"%s\"",
                       lw_redis_where(redis), spec->stream);
    return 0;
}

/* Merged by core/window.h, as for the alerts. */
static int read_panes(struct lw_report *r, struct lw_redis *redis, int32_t partitions,
                      int64_t until_ms, int window, struct lw_err *err) {
    const struct lw_spec *spec = &r->config->spec;
    struct lw_report_side *side = &r->side[LW_CUR];
    int64_t longest = lw_spec_longest_window(spec);
    side->until_ms = until_ms;
    side->from_ms = until_ms - spec->window[window].length_ms;
    side->windows = lw_windows_new(spec);
    for (int64_t at = until_ms - longest; at < until_ms; at += spec->pane_ms) {
        struct lw_pane *pane = lw_state_pane(redis, spec, partitions, at, NULL, err);
        if (!pane)
            return -1;
        lw_windows_push(side->windows, pane);
    }
    side->pane = lw_windows_merge(side->windows, (size_t)window);
    side->tally.records = side->pane->events;
    memcpy(side->tally.reason, side->pane->reason, sizeof side->tally.reason);
    return 0;
}

static int read_reference(struct lw_report *r, struct lw_redis *redis, uint32_t *champion,
                          struct lw_err *err) {
    const struct lw_spec *spec = &r->config->spec;
    struct lw_report_side *side = &r->side[LW_REF];
    struct lw_aliases aliases;
    struct lw_version v;
    if (lw_models_aliases(redis, spec, &aliases, err))
        return -1;
    *champion = aliases.champion;
    if (!aliases.champion)
        return lw_fail(err, LW_ENOTFOUND, "stream \"%s\" has no champion yet",
                       spec->stream);
    struct lw_reply *reply = lw_models_get(redis, spec, aliases.champion, &v, err);
    if (!reply)
        return -1;
    side->reference = lw_reference_read(spec, v.reference, v.reference_len, err);
    lw_reply_free(reply);
    if (!side->reference)
        return lw_err_context(err, "version %u", aliases.champion);
    side->from_ms = side->reference->from_ms;
    side->until_ms = side->reference->until_ms;
    side->tally.records = side->reference->events;
    side->errors = side->reference->losses;
    snprintf(r->model, sizeof r->model, "version %u", aliases.champion);
    return 0;
}

static void add_columns(struct lw_report *r, uint32_t champion) {
    const struct lw_spec *spec = &r->config->spec;
    struct lw_report_side *ref = &r->side[LW_REF], *cur = &r->side[LW_CUR];
    const struct lw_scores *scores = lw_pane_scores(cur->pane, champion);
    lw_match_make(ref->reference, cur->pane, &ref->match);
    struct lw_drift_reference of = lw_match_features(&ref->match, ref->reference);
    for (size_t i = 0; i <= spec->nfeatures; i++) {
        lw_report_add_column(r, &spec->column[i], &of.profile->members[i],
                             &cur->pane->profile->members[i]);
        r->column[r->n - 1].seen = &of.seen->members[i];
    }
    r->rows = of.rows;
    if (!scores)
        return;
    cur->errors = scores->losses;
    of = lw_match_scores(&ref->match, ref->reference);
    lw_report_add_column(r, &spec->score_column[0], &of.profile->members[0],
                         &scores->profile->members[0]);
    r->rows = of.rows < r->rows ? of.rows : r->rows;
}

static int read_stream(struct lw_report *r, struct lw_redis *redis, int window,
                       struct lw_err *err) {
    const struct lw_spec *spec = &r->config->spec;
    struct lw_monitor_state state = {0};
    int32_t partitions;
    uint32_t champion;
    if (read_partitions(redis, spec, &partitions, err) ||
        read_reference(r, redis, &champion, err) ||
        lw_monitor_state_load(redis, spec, &state, err))
        return -1;
    free(state.state);
    if (state.sealed_until_ms == INT64_MIN)
        return lw_fail(err, LW_ENOTFOUND, "no pane of \"%s\" is complete yet",
                       spec->stream);
    if (read_panes(r, redis, partitions, state.sealed_until_ms, window, err))
        return -1;
    add_columns(r, champion);
    return 0;
}

int lw_report_read_window(struct lw_report *r, const char *window, struct lw_err *err) {
    int at = find_window(&r->config->spec, window, err);
    struct lw_redis *redis = at < 0 ? NULL : lw_redis_new(&r->config->redis, err);
    r->approximate = true;
    int rc = redis ? lw_meta_contract(redis, &r->config->spec, err) : -1;
    rc = rc ? rc : read_stream(r, redis, at, err);
    lw_redis_free(redis);
    return rc;
}
