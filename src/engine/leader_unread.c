/* State in Redis that the leader cannot read: it goes on without, and says so. None of it
 * is waited for, as no waiting mends it (docs/design.md, "What cannot be read"). */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

static void note_pane(struct lw_leader *l, const struct lw_unread *one) {
    char when[32], quoted[600], text[320];
    lw_format_time(when, sizeof when, one->start_ms);
    snprintf(
        text, sizeof text,
        "The pane of %s of partition %d cannot be read: what it held%s is missing from "
        "all windows. Its bytes are kept for 30 days as unreadable:%" PRId64
        ":%d. (%.100s)",
        when, one->partition, one->aside ? " when the partition was claimed" : "",
        one->start_ms, one->partition, one->why);
    lw_monitor_unreadable(l->monitor, 1, text);
    lw_log(LW_WARN, "pane_unreadable", "pane=%s partition=%d error=%s", when,
           one->partition, lw_log_quote(quoted, sizeof quoted, one->why));
}

struct lw_pane *lw__leader_pane(struct lw_leader *l, int64_t start_ms, bool known,
                                struct lw_err *err) {
    struct lw_unreadables found = {0};
    struct lw_pane *pane = lw_state_pane(l->redis, l->spec, l->n, start_ms, &found, err);
    for (size_t i = 0; pane && i < found.n; i++) {
        if (known && found.item[i].aside)
            continue;
        lw_unread_add(&l->unread, &found.item[i]);
        note_pane(l, &found.item[i]);
    }
    lw_unread_fini(&found);
    return pane;
}

void lw__leader_unusable(struct lw_leader *l, const char *event, const struct lw_err *why,
                         const char *follows) {
    char quoted[600], text[320];
    lw_log(LW_WARN, event, "error=%s", lw_log_quote(quoted, sizeof quoted, why->msg));
    snprintf(text, sizeof text, "%.170s. %.140s", why->msg, follows);
    lw_monitor_unreadable(l->monitor, 0, text);
}
