/* Unreadable state in Redis: the leader continues without it and reports it. Retries
 * would not help (docs/design.md, "What cannot be read"). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

static void note_pane(struct lw_leader *l, const struct lw_unreadable_pane *one) {
    char when[32], text[320];
    lw_format_time(when, sizeof when, one->start_ms);
    snprintf(
        text, sizeof text,
        "The pane of %s of partition %d cannot be read: what it held%s is missing from "
        "all windows. Its bytes are kept for 30 days as unreadable:%" PRId64
        ":%d. (%.100s)",
        when, one->partition, one->moved ? " when the partition was claimed" : "",
        one->start_ms, one->partition, one->why);
    lw_monitor_unreadable(l->monitor, 1, text);
    lw_log(pane_unreadable, when, one->partition, LW_QUOTE(one->why));
}

struct lw_pane *lw__leader_pane(struct lw_leader *l, int64_t start_ms, bool known,
                                struct lw_err *err) {
    struct lw_unreadable_panes found = {0};
    struct lw_pane *pane = lw_state_pane(l->redis, l->spec, l->n, start_ms, &found, err);
    for (size_t i = 0; pane && i < found.n; i++) {
        if (known && found.item[i].moved)
            continue;
        lw_unreadable_add(&l->unread, &found.item[i]);
        note_pane(l, &found.item[i]);
    }
    lw_unreadable_fini(&found);
    return pane;
}

void lw__leader_report_unreadable(struct lw_leader *l, const struct lw_err *why,
                                  const char *follows) {
    char text[320];
    snprintf(text, sizeof text, "%.170s. %.140s", why->msg, follows);
    lw_monitor_unreadable(l->monitor, 0, text);
}

/* ---- keys ---- */

#define LOOK_MS 5000 /* between checks for damage */
#define SPARES  100  /* the newest versions, of which one may replace the champion */

static void note_key(struct lw_leader *l, const struct lw_damage *d) {
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%.60s in Redis cannot be read (%.90s). %s", d->name, d->why,
                  lw_damage_follows(d->name));
    lw_monitor_unreadable(l->monitor, 0, lw_buf_str(&text));
    lw_buf_fini(&text);
    lw_log(state_unreadable, d->name, LW_QUOTE(d->why));
}

/* A process that does not lead yet leaves the report to the next leader. */
static int damage_scan(struct lw_leader *l, struct lw_err *err) {
    struct lw_damages found;
    const struct lw_damage_of of = {l->config->source.topic, l->engine->who, l->n,
                                    l->noted_ms + 1, false};
    if (lw_damage_mend(l->redis, l->spec, &of, &found, err))
        return -1;
    bool index = l->looked_ms == 0 && l->sealed_until_ms != INT64_MIN;
    for (size_t i = 0; l->monitor && i < found.n; i++) {
        index |= strcmp(found.item[i].name, "panes") == 0;
        note_key(l, &found.item[i]);
        l->noted_ms =
            found.item[i].at_ms > l->noted_ms ? found.item[i].at_ms : l->noted_ms;
    }
    free(found.item);
    return l->monitor && index ? lw_damage_index(l->redis, l->spec, err) : 0;
}

int lw__leader_move_damaged(struct lw_leader *l, struct lw_err *err) {
    struct lw_monitor *monitor = l->monitor;
    l->monitor = NULL; /* about to be dropped: the next check reports */
    int rc = damage_scan(l, err);
    l->monitor = monitor;
    l->looked_ms = 0;
    return rc;
}

int lw__leader_check_damage(struct lw_leader *l, struct lw_err *err) {
    int64_t now = lw_mono_ms();
    if (l->looked_ms && now - l->looked_ms < LOOK_MS)
        return 0;
    struct lw_err why = {0};
    if (damage_scan(l, &why) && why.code == LW_EAGAIN)
        return lw_fail(err, why.code, "%s", why.msg);
    if (why.code) { /* a server that forbids the check: the stream continues */
        lw_log(damage_check_failed, LW_QUOTE(why.msg));
    }
    l->looked_ms = now;
    lw_monitor_report_unreadable(l->monitor, l->evaluation);
    return l->evaluation->nalerts ? lw__leader_write(l, NULL, false, err) : 0;
}

/* ---- the champion ---- */

/* 1: it can score; 0: it cannot, and *why says so; -1. */
static int version_usable(struct lw_leader *l, uint32_t version, struct lw_err *why,
                          struct lw_err *err) {
    lw_err_clear(why);
    if (version && lw_models_usable(l->redis, l->spec, version, why) == 0)
        return 1;
    return version && why->code == LW_EAGAIN ? lw_fail(err, LW_EAGAIN, "%s", why->msg)
                                             : 0;
}

/* 1: the version has been champion; 0: it has not, or is not there; -1. */
static int was_champion(struct lw_leader *l, uint32_t version, struct lw_err *err) {
    struct lw_version head;
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_head(l->redis, l->spec, version, &head, &why);
    lw_reply_free(reply);
    if (!reply && why.code == LW_EAGAIN)
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    return reply && head.promoted_ms > 0;
}

/* A version that can replace the champion: the previous one, else the newest former
 * champion. 1: found; 0: none; -1: error. */
static int find_replacement(struct lw_leader *l, const struct lw_aliases *a,
                            uint32_t *out, struct lw_err *err) {
    const uint32_t known[] = {a->previous, a->first};
    struct lw_err none = {0};
    for (uint32_t i = 0; i < 2 + SPARES; i++) {
        if (i >= 2 && a->next <= i - 1)
            break;
        uint32_t v = i < 2 ? known[i] : a->next - (i - 1);
        int ok = v && v != a->champion ? i < 2 || was_champion(l, v, err) : 0;
        ok = ok > 0 ? version_usable(l, v, &none, err) : ok;
        *out = v;
        if (ok)
            return ok;
    }
    return 0;
}

/* Replaces a champion whose model is unreadable by a former champion, so that events
 * are scored; people can override it. */
static int replace_champion(struct lw_leader *l, const struct lw_aliases *a,
                            struct lw_err *err) {
    uint32_t other;
    struct lw_err why = {0};
    char text[320];
    int ok = version_usable(l, a->champion, &why, err);
    if (ok)
        return ok < 0 ? -1 : 0;
    l->unusable = a->champion;
    ok = find_replacement(l, a, &other, err);
    if (ok < 0 ||
        (ok && lw_models_promote(l->redis, l->spec, other, l->engine->who,
                                 "the champion's model cannot be read", NULL, err)))
        return -1;
    lw_log(champion_unusable, a->champion, LW_QUOTE(why.msg));
    snprintf(
        text, sizeof text, "The champion's model cannot be read (%.120s): %s", why.msg,
        ok ? "a version from before it answers again."
           : "new processes score nothing until a version is promoted (leeway models "
             "promote N) or trained (leeway models retrain).");
    lw_monitor_unreadable(l->monitor, 0, text);
    return 0;
}

/* The last champion, according to the monitor or, if that started empty, the
 * partitions. */
static uint32_t known_champion(const struct lw_leader *l) {
    uint32_t version = lw_monitor_champion_version(l->monitor);
    for (int32_t p = 0; !version && p < l->n; p++)
        if (l->view[p].known)
            version = l->view[p].champion;
    return version;
}

/* 1: the version is there; 0; -1. */
static int version_exists(struct lw_leader *l, uint32_t version, struct lw_err *err) {
    struct lw_version head;
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_head(l->redis, l->spec, version, &head, &why);
    lw_reply_free(reply);
    if (reply)
        return 1;
    return why.code == LW_EAGAIN ? lw_fail(err, LW_EAGAIN, "%s", why.msg) : 0;
}

static int restore_champion(struct lw_leader *l, struct lw_aliases *a, uint32_t version,
                            struct lw_err *err) {
    lw_log(champion_restored, version);
    if (lw_models_restore(l->redis, l->spec, &l->lease, version,
                          lw_monitor_first_version(l->monitor), err))
        return -1;
    a->champion = version;
    a->damaged = false;
    return 0;
}

/* The alias is damaged and its last value is unknown. */
static int report_champion_lost(struct lw_leader *l, struct lw_aliases *a,
                                struct lw_err *err) {
    uint32_t version;
    if (l->lost)
        return 0;
    int found = find_replacement(l, a, &version, err);
    if (found)
        return found < 0 ? -1 : restore_champion(l, a, version, err);
    l->lost = true;
    lw_log(champion_lost,
           "the alias champion in Redis is damaged, and no version can take its place: "
           "leeway models promote N, or retrain");
    lw_monitor_unreadable(
        l->monitor, 0,
        "The alias champion in Redis is damaged, and no version can take its place: "
        "nothing is scored until a version is promoted (leeway models promote N) or "
        "trained (leeway models retrain).");
    return 0;
}

int lw__leader_aliases(struct lw_leader *l, struct lw_aliases *a, struct lw_err *err) {
    uint32_t was = known_champion(l);
    bool sure = lw_monitor_champion_version(l->monitor) != 0;
    l->lost &= a->damaged;
    if (a->champion && a->champion == was && l->checked == was)
        return 0;
    int there =
        a->champion && a->champion != was ? version_exists(l, a->champion, err) : 1;
    if (there == 0 && was) /* no such version: the alias is damaged */
        a->champion = 0;
    /* Also if that version is missing, so that the loss is visible and reported. */
    if (there >= 0 && !a->champion && was && !sure)
        there = version_exists(l, was, err);
    if (there < 0 ||
        (!a->champion && was && (sure || there) && restore_champion(l, a, was, err)))
        return -1;
    if (a->damaged && report_champion_lost(l, a, err))
        return -1;
    if (!a->champion || l->unusable == a->champion)
        return 0;
    l->checked = a->champion;
    return replace_champion(l, a, err);
}
