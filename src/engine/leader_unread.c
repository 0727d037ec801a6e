/* State in Redis that the leader cannot read: it goes on without, and says so. None of it
 * is waited for, as no waiting mends it (docs/design.md, "What cannot be read"). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

static void note_pane(struct lw_leader *l, const struct lw_unreadable_pane *one) {
    char when[32], quoted[600], text[320];
    lw_format_time(when, sizeof when, one->start_ms);
    snprintf(
        text, sizeof text,
        "The pane of %s of partition %d cannot be read: what it held%s is missing from "
        "all windows. Its bytes are kept for 30 days as unreadable:%" PRId64
        ":%d. (%.100s)",
        when, one->partition, one->moved ? " when the partition was claimed" : "",
        one->start_ms, one->partition, one->why);
    lw_monitor_unreadable(l->monitor, 1, text);
    lw_log(LW_WARN, "pane_unreadable", "pane=%s partition=%d error=%s", when,
           one->partition, lw_log_quote(quoted, sizeof quoted, one->why));
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

void lw__leader_unusable(struct lw_leader *l, const char *event, const struct lw_err *why,
                         const char *follows) {
    char quoted[600], text[320];
    lw_log(LW_WARN, event, "error=%s", lw_log_quote(quoted, sizeof quoted, why->msg));
    snprintf(text, sizeof text, "%.170s. %.140s", why->msg, follows);
    lw_monitor_unreadable(l->monitor, 0, text);
}

/* ---- keys ---- */

#define LOOK_MS 5000 /* between two looks for damage */
#define SPARES  100  /* the newest versions, of which one may replace the champion */

static void note_key(struct lw_leader *l, const struct lw_damage *d) {
    char quoted[600];
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%.60s in Redis cannot be read (%.90s). %s", d->name, d->why,
                  lw_damage_follows(d->name));
    lw_monitor_unreadable(l->monitor, 0, lw_buf_str(&text));
    lw_buf_fini(&text);
    lw_log(LW_WARN, "state_unreadable",
           "key=%s error=%s advice=\"leeway repair lists it\"", d->name,
           lw_log_quote(quoted, sizeof quoted, d->why));
}

/* Those who do not lead yet leave the telling to the first look of who does. */
static int look(struct lw_leader *l, struct lw_err *err) {
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

int lw__leader_mend(struct lw_leader *l, struct lw_err *err) {
    struct lw_monitor *monitor = l->monitor;
    l->monitor = NULL; /* which is about to be dropped: the next look tells */
    int rc = look(l, err);
    l->monitor = monitor;
    l->looked_ms = 0;
    return rc;
}

int lw__leader_look(struct lw_leader *l, struct lw_err *err) {
    int64_t now = lw_mono_ms();
    if (l->looked_ms && now - l->looked_ms < LOOK_MS)
        return 0;
    struct lw_err why = {0};
    if (look(l, &why) && why.code == LW_EAGAIN)
        return lw_fail(err, why.code, "%s", why.msg);
    if (why.code) { /* a server that does not let us look: a stream goes on without */
        char quoted[600];
        lw_log(LW_WARN, "damage_unknown", "error=%s",
               lw_log_quote(quoted, sizeof quoted, why.msg));
    }
    l->looked_ms = now;
    lw_monitor_tell(l->monitor, l->evaluation);
    return l->evaluation->nalerts ? lw__leader_write(l, NULL, false, err) : 0;
}

/* ---- the champion ---- */

/* 1: it can score; 0: it cannot, and *why says so; -1. */
static int usable(struct lw_leader *l, uint32_t version, struct lw_err *why,
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

/* A version that can score in the place of another: the one before it, else the newest
 * that has been champion. 1; 0: there is none; -1. */
static int spare(struct lw_leader *l, const struct lw_aliases *a, uint32_t *out,
                 struct lw_err *err) {
    const uint32_t known[] = {a->previous, a->first};
    struct lw_err none = {0};
    for (uint32_t i = 0; i < 2 + SPARES; i++) {
        if (i >= 2 && a->next <= i - 1)
            break;
        uint32_t v = i < 2 ? known[i] : a->next - (i - 1);
        int ok = v && v != a->champion ? i < 2 || was_champion(l, v, err) : 0;
        ok = ok > 0 ? usable(l, v, &none, err) : ok;
        *out = v;
        if (ok)
            return ok;
    }
    return 0;
}

/* The champion's model cannot be read: another that has been champion is put in its
 * place, so that events are scored; a person may decide otherwise. */
static int replace(struct lw_leader *l, const struct lw_aliases *a, struct lw_err *err) {
    uint32_t other;
    struct lw_err why = {0};
    char text[320], quoted[600];
    int ok = usable(l, a->champion, &why, err);
    if (ok)
        return ok < 0 ? -1 : 0;
    l->unusable = a->champion;
    ok = spare(l, a, &other, err);
    if (ok < 0 ||
        (ok && lw_models_promote(l->redis, l->spec, other, l->engine->who,
                                 "the champion's model cannot be read", NULL, err)))
        return -1;
    lw_log(LW_ERROR, "champion_unusable", "version=%u error=%s", a->champion,
           lw_log_quote(quoted, sizeof quoted, why.msg));
    snprintf(
        text, sizeof text, "The champion's model cannot be read (%.120s): %s", why.msg,
        ok ? "a version from before it answers again."
           : "new processes score nothing until a version is promoted (leeway models "
             "promote N) or trained (leeway models retrain).");
    lw_monitor_unreadable(l->monitor, 0, text);
    return 0;
}

/* Who the champion was: the monitor knows, and where that began anew too, the partitions
 * that score with it. */
static uint32_t known_champion(const struct lw_leader *l) {
    uint32_t version = lw_monitor_champion_version(l->monitor);
    for (int32_t p = 0; !version && p < l->n; p++)
        if (l->view[p].known)
            version = l->view[p].champion;
    return version;
}

/* 1: the version is there; 0; -1. */
static int exists(struct lw_leader *l, uint32_t version, struct lw_err *err) {
    struct lw_version head;
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_head(l->redis, l->spec, version, &head, &why);
    lw_reply_free(reply);
    if (reply)
        return 1;
    return why.code == LW_EAGAIN ? lw_fail(err, LW_EAGAIN, "%s", why.msg) : 0;
}

static int put_back(struct lw_leader *l, struct lw_aliases *a, uint32_t version,
                    struct lw_err *err) {
    lw_log(LW_WARN, "champion_put_back", "version=%u", version);
    if (lw_models_restore(l->redis, l->spec, &l->lease, version,
                          lw_monitor_first_version(l->monitor), err))
        return -1;
    a->champion = version;
    a->damaged = false;
    return 0;
}

/* The alias is damaged, and nobody knows what it was. */
static int lost(struct lw_leader *l, struct lw_aliases *a, struct lw_err *err) {
    uint32_t version;
    if (l->lost)
        return 0;
    int found = spare(l, a, &version, err);
    if (found)
        return found < 0 ? -1 : put_back(l, a, version, err);
    l->lost = true;
    lw_log(LW_ERROR, "champion_lost",
           "advice=\"the alias champion in Redis is damaged, and no version can take its "
           "place: leeway models promote N, or retrain\"");
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
    int there = a->champion && a->champion != was ? exists(l, a->champion, err) : 1;
    if (there == 0 && was) /* there is no such version: the alias is damaged */
        a->champion = 0;
    /* Also when it is gone itself: so everybody sees that there was one, and is told. */
    if (there >= 0 && !a->champion && was && !sure)
        there = exists(l, was, err);
    if (there < 0 || (!a->champion && was && (sure || there) && put_back(l, a, was, err)))
        return -1;
    if (a->damaged && lost(l, a, err))
        return -1;
    if (!a->champion || l->unusable == a->champion)
        return 0;
    l->checked = a->champion;
    return replace(l, a, err);
}
