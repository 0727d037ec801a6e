/* See notification_plan.h. alert/ decides which message is due. This file keeps one
 * entry per alert, with its newest message and what each receiver was notified of, and
 * collects the changes for the next write to Redis. */
#include "engine/notification_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert_json.h"
#include "alert/notified.h"
#include "alert/notifier.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/alerts.h"
#include "store/notifications.h"
#include "store/silences.h"

#define CLOSED                                                                           \
    "Resolved while notifications were suppressed; another incident of its kind has begun since."
#define ORPHAN                                                                           \
    "Resolved: nothing watches for this any more (the rule was removed, or the monitor " \
    "started empty)."
#define SILENCES_MS LW_SECOND
#define SAY_MAX     4 /* close one incident, open the next, and a margin */

struct alert_entry {
    char *json; /* newest message, or NULL */
    size_t len;
    struct lw_notified notified[LW_RECEIVERS_MAX];
};

struct message_text {
    const char *json;
    size_t len;
};

struct notified_text {
    char text[LW_NOTIFIED_MAX];
};

struct lw_notification_plan {
    const struct lw_config *config;
    size_t n, cap;
    struct lw_alert_status *status; /* parallel to entry, contiguous for judging */
    struct alert_entry *entry;
    size_t nsilences;
    struct lw_silence *silence;
    int64_t silences_ms; /* monotonic: when they were read */
    /* The notifications under construction. */
    struct lw_notifications notifications;
    struct lw_outgoing *outgoing;
    struct lw_notification_field *message, *notified;
    struct notified_text *notified_text;
    struct lw_notification_line *line;
    struct lw_alert *alert;
    size_t outgoing_cap, message_cap, notified_cap, line_cap, alert_cap;
    size_t nmade;
    struct lw_buf *made; /* messages rendered for these notifications */
};

struct lw_notification_plan *lw_notification_plan_new(const struct lw_config *config) {
    struct lw_notification_plan *p = lw_calloc(1, sizeof *p);
    p->config = config;
    p->silences_ms = INT64_MIN;
    return p;
}

static void plan_begin(struct lw_notification_plan *p) {
    for (size_t i = 0; i < p->nmade; i++)
        lw_buf_fini(&p->made[i]);
    p->nmade = 0;
    p->notifications = (struct lw_notifications){0};
}

void lw_notification_plan_free(struct lw_notification_plan *p) {
    if (!p)
        return;
    plan_begin(p);
    for (size_t i = 0; i < p->n; i++)
        free(p->entry[i].json);
    free(p->status);
    free(p->entry);
    free(p->silence);
    free(p->outgoing);
    free(p->message);
    free(p->notified);
    free(p->notified_text);
    free(p->line);
    free(p->alert);
    free(p->made);
    free(p);
}

/* ---- loading ---- */

static size_t plan_find(const struct lw_notification_plan *p, uint64_t fingerprint) {
    size_t i = 0;
    while (i < p->n && p->status[i].fingerprint != fingerprint)
        i++;
    return i;
}

static size_t plan_find_or_add(struct lw_notification_plan *p, uint64_t fingerprint) {
    size_t i = plan_find(p, fingerprint);
    if (i < p->n)
        return i;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 32;
        p->status = lw_realloc(p->status, p->cap, sizeof *p->status);
        p->entry = lw_realloc(p->entry, p->cap, sizeof *p->entry);
    }
    p->status[p->n] = (struct lw_alert_status){.fingerprint = fingerprint};
    memset(&p->entry[p->n], 0, sizeof *p->entry);
    return p->n++;
}

static void load_alert(void *arg, const struct lw_alert_status *alert) {
    struct lw_notification_plan *p = arg;
    size_t i = plan_find_or_add(p, alert->fingerprint);
    p->status[i] = *alert;
}

static void alert_keep_message(struct alert_entry *entry, const char *json, size_t len) {
    free(entry->json);
    entry->json = lw_strndup(json, len);
    entry->len = len;
}

static void load_message(void *arg, const char *fingerprint, const char *json,
                         size_t len) {
    struct lw_notification_plan *p = arg;
    size_t i = plan_find(p, strtoull(fingerprint, NULL, 16));
    if (i < p->n) /* else the alert no longer exists */
        alert_keep_message(&p->entry[i], json, len);
}

static void load_notified(void *arg, const char *name, const char *text) {
    struct lw_notification_plan *p = arg;
    struct lw_notified notified;
    int r = lw_notifier_find_receiver(p->config->receiver, p->config->nreceivers, name);
    size_t i = plan_find(p, strtoull(name, NULL, 16));
    if (r >= 0 && i < p->n && lw_notified_parse(text, &notified))
        p->entry[i].notified[r] = notified;
}

int lw_notification_plan_load(struct lw_notification_plan *p, struct lw_redis *r,
                              struct lw_err *err) {
    const struct lw_notifications_reader reader = {p, load_alert, load_message,
                                                   load_notified};
    return lw_notifications_load(r, &p->config->spec, &reader, err) ||
                   lw_notification_plan_silences(p, r, err)
               ? -1
               : 0;
}

int lw_notification_plan_silences(struct lw_notification_plan *p, struct lw_redis *r,
                                  struct lw_err *err) {
    struct lw_silence *fresh = NULL;
    int64_t now = lw_mono_ms();
    size_t n;
    if (p->silences_ms != INT64_MIN && now - p->silences_ms < SILENCES_MS)
        return 0;
    if (lw_silences_load(r, &p->config->spec, lw_wall_ms(), &fresh, &n, err))
        return -1;
    free(p->silence);
    p->silence = fresh;
    p->nsilences = n;
    p->silences_ms = now;
    return 0;
}

/* ---- notifications ---- */

/* Room for one more; *n grows by one. */
#define ADD(list, n, cap)                                                                \
    ((n) == (cap) ? (void)((cap) = (cap) ? 2 * (cap) : 16,                               \
                           (list) = lw_realloc((list), (cap), sizeof *(list)))           \
                  : (void)0,                                                             \
     &(list)[(n)++])

static void add_outgoing(struct lw_notification_plan *p, const struct lw_receiver *r,
                         const struct lw_alert_status *alert, const char *id,
                         struct message_text message) {
    struct lw_outgoing *o = ADD(p->outgoing, p->notifications.noutgoing, p->outgoing_cap);
    lw_notifier_outbox_id(o->id, sizeof o->id, id, r->name);
    o->alert = alert->fingerprint;
    o->json = message.json;
    o->len = message.len;
}

/* The alert's newest message, for repetitions and deferred notifications. */
static void add_message(struct lw_notification_plan *p, size_t i, const char *json,
                        size_t len) {
    struct lw_notification_field *f =
        ADD(p->message, p->notifications.nmessages, p->message_cap);
    snprintf(f->name, sizeof f->name, "%016" PRIx64, p->status[i].fingerprint);
    f->text = json;
    f->len = len;
}

/* Records what the receiver was notified of. */
static void plan_set_notified(struct lw_notification_plan *p, size_t i, size_t r,
                              const struct lw_notified *notified) {
    p->entry[i].notified[r] = *notified;
    if (p->notifications.nnotified == p->notified_cap) {
        p->notified_cap = p->notified_cap ? 2 * p->notified_cap : 16;
        p->notified = lw_realloc(p->notified, p->notified_cap, sizeof *p->notified);
        p->notified_text =
            lw_realloc(p->notified_text, p->notified_cap, sizeof *p->notified_text);
    }
    struct lw_notification_field *f = &p->notified[p->notifications.nnotified];
    char *text = p->notified_text[p->notifications.nnotified++].text;
    snprintf(f->name, sizeof f->name, "%016" PRIx64 "@%s", p->status[i].fingerprint,
             p->config->receiver[r].name);
    f->text = notified->incident ? lw_notified_print(text, notified) : NULL;
    f->len = f->text ? strlen(text) : 0;
}

/* The entry's message, restated. Its text does not move when the list grows. */
static const struct lw_buf *plan_restate(struct lw_notification_plan *p,
                                         const struct alert_entry *entry,
                                         const struct lw_restated *how) {
    struct lw_err err = {0};
    struct lw_buf text = {0};
    if (lw_alert_json_restate(entry->json, entry->len, how, &text, &err)) {
        lw_log(alert_render_failed, err.msg);
        return NULL;
    }
    p->made = lw_realloc(p->made, p->nmade + 1, sizeof *p->made);
    p->made[p->nmade] = text;
    return &p->made[p->nmade++];
}

/* The id of a notification; a closed incident keeps the id of its first one. */
static void id_of(char out[LW_ALERT_ID_MAX], const struct lw_alert_status *alert,
                  const struct lw_notified *was, const struct lw_notified_step *say) {
    bool closed = say->what == LW_NOTIFY_CLOSED;
    struct lw_alert named = {.incident = closed ? was->incident : alert->incident,
                             .firing = !closed && alert->firing,
                             .severity = alert->severity};
    lw_alert_json_id(out, LW_ALERT_ID_MAX, &named,
                     say->what == LW_NOTIFY_REPEAT ? say->notified.repeat : 0);
}

static const struct lw_buf *plan_repeat(struct lw_notification_plan *p, size_t i,
                                        const struct lw_notification_hooks *hooks,
                                        const struct lw_notified_step *say,
                                        int64_t now_ms) {
    struct lw_buf text = {0};
    if (hooks &&
        hooks->again(hooks->arg, p->status[i].fingerprint, say->notified.repeat, &text)) {
        p->made = lw_realloc(p->made, p->nmade + 1, sizeof *p->made);
        p->made[p->nmade] = text;
        return &p->made[p->nmade++];
    }
    lw_buf_fini(&text);
    return plan_restate(
        p, &p->entry[i],
        &(struct lw_restated){.notified = say->notified, .now_ms = now_ms});
}

/* Adds one notification; false when none is due. */
static bool plan_notify_one(struct lw_notification_plan *p, size_t i, size_t r,
                            const struct lw_notification_hooks *hooks, int64_t now_ms) {
    const struct lw_receiver *receiver = &p->config->receiver[r];
    const struct lw_alert_status *alert = &p->status[i];
    struct alert_entry *entry = &p->entry[i];
    struct lw_notified was = entry->notified[r];
    struct lw_notified_step say = lw_notified_next(receiver, alert, &was, now_ms);
    char id[LW_ALERT_ID_MAX];
    if (say.what == LW_NOTIFY_NOTHING || !entry->json)
        return false;
    if (say.what == LW_NOTIFY_REPEAT && hooks &&
        hooks->waits(hooks->arg, receiver, alert->fingerprint))
        return false;
    id_of(id, alert, &was, &say);
    const struct lw_buf *text = NULL;
    if (say.what == LW_NOTIFY_REPEAT)
        text = plan_repeat(p, i, hooks, &say, now_ms);
    else if (say.what == LW_NOTIFY_CLOSED)
        text = plan_restate(p, entry, &(struct lw_restated){true, was, now_ms, CLOSED});
    if (say.what == LW_NOTIFY_CHANGE)
        add_outgoing(p, receiver, alert, id,
                     (struct message_text){entry->json, entry->len});
    else if (text)
        add_outgoing(p, receiver, alert, id,
                     (struct message_text){(const char *)text->data, text->len});
    plan_set_notified(p, i, r, &say.notified);
    return true;
}

static void plan_notify_all(struct lw_notification_plan *p, size_t i,
                            const struct lw_notification_hooks *hooks, int64_t now_ms) {
    for (size_t r = 0; r < p->config->nreceivers; r++)
        for (int k = 0; k < SAY_MAX && plan_notify_one(p, i, r, hooks, now_ms); k++)
            continue;
}

static const struct lw_notifications *plan_finish(struct lw_notification_plan *p) {
    p->notifications.outgoing = p->outgoing;
    p->notifications.message = p->message;
    p->notifications.notified = p->notified;
    p->notifications.line = p->line;
    p->notifications.alert = p->alert;
    return &p->notifications;
}

static void plan_judge(struct lw_notification_plan *p, int64_t now_ms) {
    lw_alert_status_judge(&p->config->spec, p->status, p->n, p->silence, p->nsilences,
                          now_ms);
}

static void status_set(struct lw_alert_status *s, const struct lw_alert *a) {
    s->incident = a->incident;
    s->firing = a->firing;
    s->severity = a->severity;
    s->since_ms = a->since_ms;
    s->at_ms = a->at_ms;
    s->value = a->value;
    s->threshold = a->threshold;
    s->once_in_days = a->once_in_days;
    s->n = a->n;
    s->model_version = a->model_version;
    lw_copy(s->rule, sizeof s->rule, a->name);
    lw_copy(s->feature, sizeof s->feature, a->feature);
    lw_copy(s->window, sizeof s->window, a->window);
    lw_copy(s->summary, sizeof s->summary, a->summary);
}

/* Records a suppressed alert in the log and the audit. */
static void plan_note_suppressed(struct lw_notification_plan *p,
                                 const struct lw_alert_status *s) {
    if (!s->firing || (!s->silenced_by[0] && !s->inhibited_by[0]))
        return;
    struct lw_notification_line *line =
        ADD(p->line, p->notifications.nlines, p->line_cap);
    lw_copy(line->what, sizeof line->what, "suppressed");
    snprintf(line->detail, sizeof line->detail, "%s%s%s: %s %.120s", s->rule,
             s->feature[0] ? " of " : "", s->feature,
             s->silenced_by[0] ? "silence" : "explained by",
             s->silenced_by[0] ? s->silenced_by : s->inhibited_by);
    lw_log(alert_suppressed, s->rule, s->feature[0] ? s->feature : "-",
           s->silenced_by[0] ? s->silenced_by : "-", s->inhibited_by);
}

const struct lw_notifications *
lw_notification_plan_changes(struct lw_notification_plan *p, const struct lw_alert *alert,
                             size_t n, const struct lw_buf *json, int64_t now_ms) {
    plan_begin(p);
    for (size_t k = 0; k < n; k++) { /* all first: causes may come in any order */
        size_t i = plan_find_or_add(p, alert[k].fingerprint);
        status_set(&p->status[i], &alert[k]);
    }
    plan_judge(p, now_ms);
    for (size_t k = 0; k < n; k++) {
        size_t i = plan_find(p, alert[k].fingerprint);
        if (json[k].len == 0)
            continue;
        status_set(&p->status[i], &alert[k]); /* one may change twice in a step */
        alert_keep_message(&p->entry[i], (const char *)json[k].data, json[k].len);
        add_message(p, i, (const char *)json[k].data, json[k].len);
        plan_notify_all(p, i, NULL, now_ms);
        /* refer to the caller's copy: the entry's is freed with the next message */
        for (size_t o = 0; o < p->notifications.noutgoing; o++)
            if (p->outgoing[o].json == p->entry[i].json)
                p->outgoing[o].json = (const char *)json[k].data;
        plan_note_suppressed(p, &p->status[i]);
    }
    return plan_finish(p);
}

const struct lw_notifications *lw_notification_plan_itself(struct lw_notification_plan *p,
                                                           const struct lw_alert *alert,
                                                           const struct lw_buf *json,
                                                           int64_t now_ms) {
    lw_notification_plan_changes(p, alert, 1, json, now_ms);
    *ADD(p->alert, p->notifications.nalerts, p->alert_cap) = *alert;
    return plan_finish(p);
}

const struct lw_alert_status *
lw_notification_plan_status(const struct lw_notification_plan *p, uint64_t fingerprint) {
    size_t i = plan_find(p, fingerprint);
    return i < p->n ? &p->status[i] : NULL;
}

const struct lw_notifications *
lw_notification_plan_orphans(struct lw_notification_plan *p, const struct lw_monitor *m,
                             int64_t now_ms) {
    plan_begin(p);
    plan_judge(p, now_ms);
    for (size_t i = 0; i < p->n; i++) {
        struct lw_alert_status *s = &p->status[i];
        bool itself = lw_health_component_of_alert(s->rule) < LW_COMPONENTS;
        if (!s->firing || itself || lw_monitor_fires(m, s->fingerprint))
            continue;
        struct lw_alert *a = ADD(p->alert, p->notifications.nalerts, p->alert_cap);
        *a = (struct lw_alert){.fingerprint = s->fingerprint,
                               .incident = s->incident,
                               .severity = s->severity,
                               .value = s->value,
                               .threshold = s->threshold,
                               .once_in_days = s->once_in_days,
                               .n = s->n,
                               .model_version = s->model_version,
                               .since_ms = s->since_ms,
                               .at_ms = s->at_ms};
        lw_copy(a->name, sizeof a->name, s->rule);
        lw_copy(a->feature, sizeof a->feature, s->feature);
        lw_copy(a->window, sizeof a->window, s->window);
        lw_copy(a->summary, sizeof a->summary, ORPHAN);
        const struct lw_restated how = {
            true, {s->incident, s->severity, 0, 0}, now_ms, ORPHAN};
        const struct lw_buf *text =
            p->entry[i].json ? plan_restate(p, &p->entry[i], &how) : NULL;
        if (text) {
            alert_keep_message(&p->entry[i], (const char *)text->data, text->len);
            add_message(p, i, (const char *)text->data, text->len);
        }
        status_set(s, a);
        plan_notify_all(p, i, NULL, now_ms);
    }
    return p->notifications.nalerts ? plan_finish(p) : NULL;
}

const struct lw_notifications *
lw_notification_plan_round(struct lw_notification_plan *p,
                           const struct lw_notification_hooks *hooks, int64_t now_ms) {
    plan_begin(p);
    plan_judge(p, now_ms);
    for (size_t i = 0; i < p->n; i++)
        plan_notify_all(p, i, hooks, now_ms);
    return p->notifications.nnotified ? plan_finish(p) : NULL;
}
