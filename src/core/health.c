/* See health.h. */
#include "core/health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PREFIX "leeway-"

static const char *const alerts[LW_COMPONENTS] = {
    [LW_COMPONENT_KAFKA] = PREFIX "kafka",
    [LW_COMPONENT_REDIS] = PREFIX "redis",
    [LW_COMPONENT_PARTITIONS] = PREFIX "partitions",
    [LW_COMPONENT_LEADER] = PREFIX "leader",
    [LW_COMPONENT_CLOCK] = PREFIX "clock",
    [LW_COMPONENT_DEAD_LETTERS] = PREFIX "letters",
    [LW_COMPONENT_PREDICTIONS] = PREFIX "predictions",
    [LW_COMPONENT_OUTBOX] = PREFIX "outbox",
};

const char *lw_health_component_alert(enum lw_component c) {
    return alerts[c];
}

const char *lw_health_component_name(enum lw_component c) {
    return alerts[c] + strlen(PREFIX);
}

enum lw_component lw_health_component_of_alert(const char *rule) {
    int c = 0;
    while (c < LW_COMPONENTS && strcmp(alerts[c], rule) != 0)
        c++;
    return (enum lw_component)c;
}

enum lw_component lw_health_component_find(const char *name) {
    int c = 0;
    while (c < LW_COMPONENTS && strcmp(alerts[c] + strlen(PREFIX), name) != 0)
        c++;
    return (enum lw_component)c;
}

/* ---- a component ---- */

static void be_well(struct lw_health_item *item, struct lw_moment now) {
    if (item->condition == LW_ILL && now.mono_ms - item->bad_ms < LW_HEALTH_HOLD_MS)
        return;
    item->condition = LW_WELL;
    item->good = now;
    item->since_ms = 0;
    item->text[0] = '\0';
}

void lw_health_judge(struct lw_health_item *item, const struct lw_health_found *finding,
                     struct lw_moment now) {
    if (!item->good.wall_ms)
        item->good = now;
    if (!finding->known) {
        /* patience begins with the first successful check */
        if (item->condition == LW_WELL)
            item->good = now;
        return;
    }
    if (!finding->wrong) {
        be_well(item, now);
        return;
    }
    item->bad_ms = now.mono_ms;
    if (item->condition == LW_WELL &&
        now.mono_ms - item->good.mono_ms < finding->patience_ms)
        return;
    lw_copy(item->text, sizeof item->text, finding->wrong);
    item->since_ms = item->good.wall_ms;
    if (now.mono_ms - item->good.mono_ms >= finding->patience_ms)
        item->condition = LW_ILL;
}

void lw_health_forgive(struct lw_health_item *item, int64_t ms) {
    item->good.mono_ms += ms;
    item->good.wall_ms += ms;
    if (item->bad_ms)
        item->bad_ms += ms;
}

/* ---- partitions ---- */

/* Has it moved, or is it known to be at its end? */
static bool health_flows(const struct lw_partition_flow *s,
                         const struct lw_health_flow_check *look) {
    int64_t at = look->next_offset < 0 ? 0 : look->next_offset;
    return look->next_offset != s->next_offset ||
           (look->end_offset >= 0 && at >= look->end_offset);
}

/* Everything readable is read, and there is more behind an open transaction. */
static bool is_open(const struct lw_partition_flow *s,
                    const struct lw_health_flow_check *look) {
    int64_t at = look->next_offset < 0 ? 0 : look->next_offset;
    return look->next_offset == s->next_offset && look->end_offset >= 0 &&
           at >= look->end_offset && look->high_offset > look->end_offset;
}

enum lw_flow_verdict lw_health_flow_check(struct lw_partition_flow *s,
                                          const struct lw_health_flow_check *look,
                                          int64_t patience_ms, struct lw_moment now) {
    if (!s->seen)
        *s = (struct lw_partition_flow){.seen = true,
                                        .next_offset = look->next_offset,
                                        .updated_ms = look->updated_ms,
                                        .good = now,
                                        .owned = now,
                                        .free = now};
    if (!is_open(s, look))
        s->free = now;
    if (health_flows(s, look)) {
        s->moved = true;
        s->good = now;
    }
    if (look->updated_ms != s->updated_ms) {
        s->heard = true;
        s->owned = now;
    }
    s->next_offset = look->next_offset;
    s->updated_ms = look->updated_ms;
    if (now.mono_ms - s->owned.mono_ms >= patience_ms)
        return LW_FLOW_DESERTED;
    if (now.mono_ms - s->good.mono_ms >= patience_ms)
        return LW_FLOW_STALLED;
    if (now.mono_ms - s->free.mono_ms >= LW_FLOW_TRANSACTION_MS)
        return LW_FLOW_TRANSACTION_OPEN;
    return s->moved && s->heard ? LW_FLOW_OK : LW_FLOW_UNKNOWN;
}

void lw_health_flow_forgive(struct lw_partition_flow *s, int64_t ms) {
    s->good.mono_ms += ms;
    s->good.wall_ms += ms;
    s->owned.mono_ms += ms;
    s->owned.wall_ms += ms;
    s->free.mono_ms += ms;
    s->free.wall_ms += ms;
}

/* ---- all of it ---- */

bool lw_health_ready(const struct lw_health *h, int64_t mono_ms) {
    for (int c = 0; c < LW_COMPONENTS; c++)
        if (h->item[c].condition != LW_WELL)
            return false;
    return h->looked_ms && mono_ms - h->looked_ms < LW_HEALTH_STALE_MS;
}

void lw_health_init(struct lw_health *h) {
    *h = (struct lw_health){
        .figure = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}};
}

#define LISTED 5

char *lw_health_list(char *out, size_t size, const int32_t *number, size_t n) {
    size_t shown = n > LISTED ? LISTED - 1 : n, at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < shown && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%d",
                               i == 0                ? ""
                               : i + 1 == n && n > 1 ? " and "
                                                     : ", ",
                               number[i]);
    if (shown < n && at < size)
        snprintf(out + at, size - at, " and %zu more", n - shown);
    return out;
}
