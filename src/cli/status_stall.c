/* Stalled partitions: the owner is not a live process, has not flushed for a while although
 * there are messages to read, or reports a problem itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/status.h"

#define FLUSHED_MS 20000 /* an idle partition is flushed every 5 s */

double lw_status_lag_of(const struct lw_status *s, int32_t p) {
    int64_t at =
        s->part[p].known && s->part[p].next_offset > 0 ? s->part[p].next_offset : 0;
    if (s->end[p] < 0)
        return NAN;
    return s->end[p] > at ? (double)(s->end[p] - at) : 0;
}

/* The live process that owns the partition, or NULL. */
static const struct lw_process *owner_process(const struct lw_status *s, int32_t p) {
    for (size_t i = 0; i < s->facts->nprocesses; i++) {
        const struct lw_process *one = &s->facts->process[i];
        size_t len = strlen(one->who);
        if (strncmp(s->part[p].owner, one->who, len) == 0 && s->part[p].owner[len] == ':')
            return one;
    }
    return NULL;
}

static const struct lw_trouble *stall_cause(const struct lw_process *process) {
    static const enum lw_component causes[] = {
        LW_COMPONENT_DEAD_LETTERS, LW_COMPONENT_PREDICTIONS, LW_COMPONENT_KAFKA,
        LW_COMPONENT_REDIS, LW_COMPONENT_PARTITIONS};
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (size_t i = 0; i < process->ntroubles; i++)
            if (process->trouble[i].component == causes[c])
                return &process->trouble[i];
    return NULL;
}

bool lw_status_stalled(const struct lw_status *s, int32_t p, char *out, size_t size) {
    const struct lw_process *owner = owner_process(s, p);
    const struct lw_trouble *t = owner ? stall_cause(owner) : NULL;
    double lag = lw_status_lag_of(s, p);
    int64_t age = s->facts->server_ms - s->part[p].updated_ms;
    char ago[40];
    lw_format_duration(ago, sizeof ago, age / LW_SECOND * LW_SECOND);
    if (!owner) {
        snprintf(out, size, "no live process reads it%s%s",
                 s->part[p].updated_ms ? "; last flushed " : "",
                 s->part[p].updated_ms ? ago : "");
        if (s->part[p].updated_ms)
            lw_copy(out + strlen(out), size - strlen(out), " ago");
        return true;
    }
    if (!(lag > 0) && !isnan(lag))
        return false;
    if (age > FLUSHED_MS && s->part[p].updated_ms) {
        snprintf(out, size, "not flushed for %s%s%s", ago, t ? ": " : "",
                 t ? t->text : "");
        return true;
    }
    if (t)
        lw_copy(out, size, t->text);
    return t != NULL;
}

const char *lw_status_problem(const struct lw_status *s, char *out, size_t size) {
    out[0] = '\0';
    if (s->full[0])
        lw_copy(out, size, s->full);
    else if (s->facts->nprocesses == 0)
        lw_copy(
            out, size,
            "no process has sent a heartbeat lately: none runs, or Redis refuses writes");
    else if (!s->facts->leader[0])
        lw_copy(out, size,
                "no process leads, so nothing is evaluated and no notification is sent");
    return out;
}
