/* The monitor's state in Redis: the time up to which panes are sealed, and the
 * monitor's bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/damage.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/monitor_state.h"
#include "store/tracking_text.h"
#include "store/unreadable.h"

/* A plausible sealed_until; otherwise false, and INT64_MIN. */
static bool is_sealed(const struct lw_spec *spec, const char *text, int64_t *out) {
    int64_t t, limit = LW_DAY * 365 * 400;
    *out = INT64_MIN;
    if (!text || !lw_parse_i64(text, &t) || t % spec->pane_ms != 0 || t > limit ||
        t < -limit)
        return false;
    *out = t;
    return true;
}

/* The end of the newest window in the history; INT64_MIN: none. */
static int newest_figures(struct lw_redis *r, const struct lw_spec *spec, int64_t *out,
                          struct lw_err *err) {
    char key[LW_KEY_MAX], ms[24];
    *out = INT64_MIN;
    struct lw_reply *reply =
        lw_redis_do(r, err, "XREVRANGE %s + - COUNT 1", lw_key(key, spec, "history"));
    if (!reply)
        return -1;
    const char *id = lw_reply_text(lw_reply_at(lw_reply_at(reply, 0), 0), NULL);
    if (id) {
        lw_copy(ms, sizeof ms, id);
        ms[strcspn(ms, "-")] = '\0';
        is_sealed(spec, ms, out);
    }
    lw_reply_free(reply);
    return 0;
}

/* sealed_until, the newest entry of the history and `now` are written together: if the
 * other two agree on a different time, sealed_until is damaged. */
static int seal_contradicted(struct lw_redis *r, const struct lw_spec *spec,
                             int64_t sealed_ms, struct lw_err *err) {
    char key[LW_KEY_MAX];
    int64_t newest, at;
    if (newest_figures(r, spec, &newest, err))
        return -1;
    if (newest == INT64_MIN || newest == sealed_ms)
        return 0;
    struct lw_reply *now = lw_redis_do(r, err, "HGET %s at", lw_key(key, spec, "now"));
    bool given = is_sealed(spec, lw_reply_text(now, NULL), &at);
    lw_reply_free(now);
    return now ? given && at == newest : -1;
}

int lw_monitor_state_load(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_monitor_state *out, struct lw_err *err) {
    char key[LW_KEY_MAX], was[64] = "";
    struct lw_reply *reply =
        lw_redis_do(r, err, "HMGET %s sealed_until state updated heard heard_at",
                    lw_key(key, spec, "monitor"));
    if (!reply)
        return lw_err_context(err, "monitor state");
    size_t len;
    const char *sealed = lw_reply_text(lw_reply_at(reply, 0), NULL);
    const char *state = lw_reply_text(lw_reply_at(reply, 1), &len);
    out->damaged[0] = '\0';
    if (!is_sealed(spec, sealed, &out->sealed_until_ms))
        lw_copy(out->damaged, sizeof out->damaged,
                sealed && *sealed ? sealed : "missing");
    else if (sealed)
        lw_copy(was, sizeof was, sealed);
    out->updated_ms = lw_reply_int(lw_reply_at(reply, 2));
    out->state = state ? lw_memdup(state, len) : NULL;
    out->len = len;
    int64_t heard = lw_reply_int(lw_reply_at(reply, 3));
    int64_t heard_ms = lw_reply_int(lw_reply_at(reply, 4)), now = lw_wall_ms();
    out->heard = heard > 0 ? (uint64_t)heard : 0;
    out->heard_ms = heard_ms < 0 ? 0 : heard_ms > now ? now : heard_ms;
    lw_reply_free(reply);
    int other = was[0] ? seal_contradicted(r, spec, out->sealed_until_ms, err) : 0;
    if (other > 0)
        lw_copy(out->damaged, sizeof out->damaged, was);
    if (other >= 0)
        return 0;
    free(out->state);
    out->state = NULL;
    return lw_err_context(err, "monitor state");
}

int lw_monitor_state_restore(struct lw_redis *r, const struct lw_spec *spec,
                             const struct lw_lease *lease, struct lw_monitor_state *state,
                             struct lw_err *err) {
    int64_t sealed;
    if (newest_figures(r, spec, &sealed, err))
        return -1;
    if (sealed == INT64_MIN && strcmp(state->damaged, "missing") == 0)
        return 0; /* nothing was sealed yet */
    const struct lw_unreadable_field was = {
        "monitor", "sealed_until", "sealed_until is not the end of the newest figures",
        state->damaged, strlen(state->damaged)};
    if (lw_damage_keep(r, spec, lease, &was, err))
        return -1;
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, sealed == INT64_MIN ? "HDEL" : "HSET");
    lw_key_arg(c, spec, "monitor");
    lw_cmd_str(c, "sealed_until");
    if (sealed != INT64_MIN)
        lw_cmd_int(c, sealed);
    lw_cmd_fill(c, slot);
    state->sealed_until_ms = sealed;
    return lw_guard_run(r, c, "monitor", err);
}

int lw_monitor_state_stamp(struct lw_redis *r, const struct lw_spec *spec,
                           int64_t *sealed_until_ms, int64_t *updated_ms,
                           struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply = lw_redis_do(r, err, "HMGET %s sealed_until updated",
                                         lw_key(key, spec, "monitor"));
    if (!reply)
        return lw_err_context(err, "monitor state");
    is_sealed(spec, lw_reply_text(lw_reply_at(reply, 0), NULL), sealed_until_ms);
    *updated_ms = lw_reply_int(lw_reply_at(reply, 1));
    lw_reply_free(reply);
    return 0;
}

int lw_monitor_state_tracking(struct lw_redis *r, const struct lw_spec *spec,
                              struct lw_tracking_set *out, int64_t *since_ms,
                              struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply = lw_redis_do(r, err, "HMGET %s tracking tracking_since",
                                         lw_key(key, spec, "monitor"));
    if (!reply)
        return lw_err_context(err, "monitor state");
    const char *text = lw_reply_text(lw_reply_at(reply, 0), NULL);
    *out = (struct lw_tracking_set){0};
    if (text)
        lw_tracking_parse(text, out);
    *since_ms = lw_reply_int(lw_reply_at(reply, 1));
    *since_ms = *since_ms > 0 ? *since_ms : 0;
    lw_reply_free(reply);
    return 0;
}

struct lw_reply *lw_monitor_state_quarantine(struct lw_redis *r,
                                             const struct lw_spec *spec,
                                             const char **json, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HGET %s quarantine", lw_key(key, spec, "monitor"));
    const char *text = reply ? lw_reply_text(reply, NULL) : NULL;
    *json = text && *text ? text : "[]";
    return reply;
}

int lw_monitor_state_set_heard(struct lw_redis *r, const struct lw_spec *spec,
                               const struct lw_lease *lease, uint64_t heard,
                               int64_t heard_ms, struct lw_err *err) {
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "monitor");
    lw_cmd_str(c, "heard");
    lw_cmd_uint(c, heard);
    lw_cmd_str(c, "heard_at");
    lw_cmd_int(c, heard_ms);
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "monitor", err);
}
