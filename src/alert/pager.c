/* Who is told what, decided from states.
 *
 * An alert that fires while it is silenced, or while a fault of the feed explains it, is
 * not lost and not queued either: nothing is remembered but what each receiver was told.
 * The difference between that and how the alert stands now is the next message. So a
 * silence that ends, a cause that is repaired, a receiver that is added, a leader that
 * takes over are all the same case, and none of them can say a thing twice.
 *
 * Repetitions count by the wall clock from the last message; a replay of a year in a
 * minute repeats nothing. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/message.h"
#include "base/mem.h"
#include "base/text.h"

static bool repeat_due(const struct lw_receiver *r, const struct lw_told *told,
                       int64_t now_ms) {
    return r->repeat_ms > 0 && now_ms - told->said_ms >= r->repeat_ms;
}

static struct lw_saying say_firing(const struct lw_receiver *r,
                                   const struct lw_alert_status *alert,
                                   const struct lw_told *told, int64_t now_ms) {
    struct lw_saying s = {LW_SAY_NOTHING, *told};
    if (alert->inhibited_by[0] || !lw_receiver_wants(r, alert->severity, alert->rule))
        return s;
    if (told->incident != alert->incident || told->severity < alert->severity) {
        s.what = LW_SAY_CHANGE;
        s.told = (struct lw_told){alert->incident, alert->severity, now_ms, 0};
    } else if (repeat_due(r, told, now_ms)) {
        s.what = LW_SAY_AGAIN;
        s.told.said_ms = now_ms;
        s.told.repeat++;
    }
    return s;
}

struct lw_saying lw_pager_say(const struct lw_receiver *r,
                              const struct lw_alert_status *alert,
                              const struct lw_told *told, int64_t now_ms) {
    bool another = told->incident != alert->incident;
    if (alert->silenced_by[0] || (!alert->firing && !told->incident))
        return (struct lw_saying){LW_SAY_NOTHING, *told};
    if (told->incident && (another || !alert->firing)) /* what it knows is over */
        return (struct lw_saying){.what = !r->resolved ? LW_SAY_FORGET
                                          : another    ? LW_SAY_CLOSED
                                                       : LW_SAY_CHANGE};
    return say_firing(r, alert, told, now_ms);
}

char *lw_told_print(char out[LW_TOLD_MAX], const struct lw_told *told) {
    snprintf(out, LW_TOLD_MAX, "%016" PRIx64 " %s %" PRId64 " %u", told->incident,
             lw_severity_name(told->severity), told->said_ms, told->repeat);
    return out;
}

/* The severity at text; *end is behind it. */
static enum lw_severity severity_at(char *text, char **end) {
    for (int s = LW_SEVERITY_WARN; s <= LW_SEVERITY_CRITICAL; s++) {
        const char *name = lw_severity_name((enum lw_severity)s);
        size_t len = strlen(name);
        if (*text == ' ' && strncmp(text + 1, name, len) == 0 && text[len + 1] == ' ') {
            *end = text + len + 1;
            return (enum lw_severity)s;
        }
    }
    return LW_SEVERITY_NONE;
}

bool lw_told_parse(const char *text, struct lw_told *out) {
    char *end;
    *out = (struct lw_told){0};
    out->incident = strtoull(text, &end, 16);
    out->severity = severity_at(end, &end);
    if (out->incident == 0 || out->severity == LW_SEVERITY_NONE)
        return false;
    const char *said = end;
    out->said_ms = strtoll(said, &end, 10);
    if (end == said || *end != ' ')
        return false;
    const char *repeat = end;
    unsigned long n = strtoul(repeat, &end, 10);
    out->repeat = (unsigned)n;
    return end != repeat && *end == '\0' && n <= UINT_MAX;
}

static void set(json_t *root, const char *key, json_t *value) {
    /* NULL: of a text that is no UTF-8 */
    int failed = json_object_set_new(root, key, value ? value : json_null());
    lw_assert(failed == 0);
}

static void set_closed(json_t *root, const struct lw_told *told, const char *summary) {
    char hex[20];
    snprintf(hex, sizeof hex, "%016" PRIx64, told->incident);
    set(root, "incident", json_string(hex));
    set(root, "status", json_string("resolved"));
    set(root, "severity", json_string(lw_severity_name(told->severity)));
    lw_json_text(root, "summary", summary, 1000);
}

int lw_alert_restate(const char *json, size_t len, const struct lw_restated *how,
                     struct lw_buf *out, struct lw_err *err) {
    struct lw_message m;
    char id[LW_ALERT_ID_MAX];
    if (lw_message_read(&m, json, len, how->now_ms, err))
        return -1;
    const struct lw_told *told = &how->told;
    struct lw_alert named = {
        .incident = told->incident, .firing = !how->closed, .severity = told->severity};
    unsigned repeat = how->closed ? 0 : told->repeat;
    set(m.root, "id", json_string(lw_alert_id(id, sizeof id, &named, repeat)));
    set(m.root, "repeat", json_integer(repeat));
    lw_json_time(m.root, "raised_at", how->now_ms);
    if (how->closed)
        set_closed(m.root, told, how->summary);
    lw_json_dump(json_incref(m.root), out);
    lw_message_fini(&m);
    return 0;
}
