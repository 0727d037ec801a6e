/* Who is notified what, decided from states.
 *
 * An alert that fires while it is silenced, or while a fault of the feed explains it, is
 * not lost and not queued either: nothing is remembered but what each receiver was notified.
 * The difference between that and how the alert stands now is the next message. So a
 * silence that ends, a cause that is repaired, a receiver that is added, a leader that
 * takes over are all the same case, and none of them can say a thing twice.
 *
 * Repetitions count by the wall clock from the last message; a replay of a year in a
 * minute repeats nothing. */
#include "alert/notified.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool repeat_due(const struct lw_receiver *r, const struct lw_notified *notified,
                       int64_t now_ms) {
    return r->repeat_ms > 0 && now_ms - notified->sent_ms >= r->repeat_ms;
}

static struct lw_notified_step say_firing(const struct lw_receiver *r,
                                          const struct lw_alert_status *alert,
                                          const struct lw_notified *notified,
                                          int64_t now_ms) {
    struct lw_notified_step s = {LW_NOTIFY_NOTHING, *notified};
    if (alert->inhibited_by[0] || !lw_receiver_wants(r, alert->severity, alert->rule))
        return s;
    if (notified->incident != alert->incident || notified->severity < alert->severity) {
        s.what = LW_NOTIFY_CHANGE;
        s.notified = (struct lw_notified){alert->incident, alert->severity, now_ms, 0};
    } else if (repeat_due(r, notified, now_ms)) {
        s.what = LW_NOTIFY_REPEAT;
        s.notified.sent_ms = now_ms;
        s.notified.repeat++;
    }
    return s;
}

struct lw_notified_step lw_notified_next(const struct lw_receiver *r,
                                         const struct lw_alert_status *alert,
                                         const struct lw_notified *notified,
                                         int64_t now_ms) {
    bool another = notified->incident != alert->incident;
    if (alert->silenced_by[0] || (!alert->firing && !notified->incident))
        return (struct lw_notified_step){LW_NOTIFY_NOTHING, *notified};
    if (notified->incident && (another || !alert->firing)) /* what it knows is over */
        return (struct lw_notified_step){.what = !r->resolved ? LW_NOTIFY_FORGET
                                                 : another    ? LW_NOTIFY_CLOSED
                                                              : LW_NOTIFY_CHANGE};
    return say_firing(r, alert, notified, now_ms);
}

char *lw_notified_print(char out[LW_NOTIFIED_MAX], const struct lw_notified *notified) {
    snprintf(out, LW_NOTIFIED_MAX, "%016" PRIx64 " %s %" PRId64 " %u", notified->incident,
             lw_alert_severity_name(notified->severity), notified->sent_ms,
             notified->repeat);
    return out;
}

/* The severity at text; *end is behind it. */
static enum lw_severity severity_at(char *text, char **end) {
    for (int s = LW_SEVERITY_WARN; s <= LW_SEVERITY_CRITICAL; s++) {
        const char *name = lw_alert_severity_name((enum lw_severity)s);
        size_t len = strlen(name);
        if (*text == ' ' && strncmp(text + 1, name, len) == 0 && text[len + 1] == ' ') {
            *end = text + len + 1;
            return (enum lw_severity)s;
        }
    }
    return LW_SEVERITY_NONE;
}

bool lw_notified_parse(const char *text, struct lw_notified *out) {
    char *end;
    *out = (struct lw_notified){0};
    out->incident = strtoull(text, &end, 16);
    out->severity = severity_at(end, &end);
    if (out->incident == 0 || out->severity == LW_SEVERITY_NONE)
        return false;
    const char *said = end;
    out->sent_ms = strtoll(said, &end, 10);
    if (end == said || *end != ' ')
        return false;
    const char *repeat = end;
    unsigned long n = strtoul(repeat, &end, 10);
    out->repeat = (unsigned)n;
    return end != repeat && *end == '\0' && n <= UINT_MAX;
}
