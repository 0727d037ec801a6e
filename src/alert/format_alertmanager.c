/* Alertmanager, as its client and in its webhook format.
 *
 * As a client (POST /api/v2/alerts): an alert is its label set, so labels hold what stays
 * the same from firing to resolved (alertname, stream, feature, window, metric, severity)
 * and annotations what changes. A client must post a firing alert again before it
 * expires; `endsAt` is four repetitions ahead, at least two minutes, as Prometheus does
 * it. Severity is a label because people route by it, so an incident that grows from
 * warning to critical is two alerts there. The warning is not resolved explicitly but
 * expires, because it is not posted again. (Resolving the other severity explicitly was
 * tried: Alertmanager then notifies about an alert as resolved even if it never saw it
 * fire.) `startsAt` is the event time at which the incident began, never later than now.
 *
 * In its webhook format (version 4): the body that Alertmanager itself posts to webhooks,
 * for receivers that already understand it; one alert per message, so nothing is
 * truncated.
 *
 * Sources: prometheus/alertmanager api/v2/openapi.yaml, template/template.go (Data),
 * notify/webhook/webhook.go (Message). */
#include "alert/format_body.h"

#include <stdio.h>
#include <string.h>

#include "alert/phrase.h"
#include "alert/utf8.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "json/json.h"

#define ANNOTATION_MAX 2000

/* Sets the labels, without empty ones: Alertmanager drops those, and a label set must not
 * change. */
static void label_set(json_t *labels, const char *name, const char *value) {
    if (value[0] != '\0')
        lw_json_set_text_cut(labels, name, value, 255);
}

static json_t *alert_labels(const struct lw_message *m) {
    json_t *l = json_object();
    label_set(l, "alertname", m->rule);
    label_set(l, "service", "leeway");
    label_set(l, "stream", m->stream);
    label_set(l, "severity", m->severity);
    label_set(l, "metric", m->metric);
    label_set(l, "feature", m->feature);
    label_set(l, "window", m->window);
    return l;
}

/* Our own lines, joined by newlines, which stay. */
static void json_set_lines(json_t *o, const char *key, const char *text) {
    char safe[ANNOTATION_MAX + 1];
    lw_json_set(o, key,
                json_string(lw__utf8_clean(safe, sizeof safe, text, strlen(text))));
}

static void annotate_lists(json_t *a, const struct lw_message *m) {
    char line[400];
    struct lw_buf text = {0};
    for (size_t i = 0; i < lw__phrase_drifted_count(m); i++)
        lw_buf_printf(&text, "%s%s", i ? "\n" : "",
                      lw__phrase_drifted(m, i, line, sizeof line));
    if (text.len > 0)
        json_set_lines(a, "top_drifted", lw_buf_str(&text));
    lw_buf_clear(&text);
    for (size_t i = 0; i < lw__phrase_segment_count(m); i++)
        lw_buf_printf(&text, "%s%s", i ? "\n" : "",
                      lw__phrase_segment(m, i, line, sizeof line));
    if (text.len > 0)
        json_set_lines(a, "segments", lw_buf_str(&text));
    lw_buf_fini(&text);
}

static json_t *alert_annotations(const struct lw_message *m) {
    json_t *a = json_object();
    char text[400];
    lw_json_set_text_cut(a, "summary", lw__phrase_title(m, text, sizeof text),
                         ANNOTATION_MAX);
    if (m->summary[0] != '\0')
        lw_json_set_text_cut(a, "description", m->summary, ANNOTATION_MAX);
    lw_json_set_text_cut(a, "value", lw__phrase_figure(text, sizeof text, m->value), 64);
    lw_json_set_text_cut(a, "threshold",
                         lw__phrase_figure(text, sizeof text, m->threshold), 64);
    snprintf(text, sizeof text, "%lld", (long long)m->n);
    lw_json_set_text_cut(a, "n", text, 64);
    lw_json_set_text_cut(a, "since", m->since, 64);
    lw_json_set_text_cut(a, "incident", m->incident, 64);
    if (m->model_version > 0) {
        snprintf(text, sizeof text, "%lld", (long long)m->model_version);
        lw_json_set_text_cut(a, "model_version", text, 64);
    }
    if (m->action[0] != '\0')
        lw_json_set_text_cut(a, "action", m->action, ANNOTATION_MAX);
    if (m->runbook[0] != '\0')
        lw_json_set_text_cut(a, "runbook_url", m->runbook, ANNOTATION_MAX);
    annotate_lists(a, m);
    return a;
}

static json_t *alert_posted(const struct lw_message *m, int64_t ends_ms) {
    json_t *alert = json_object();
    lw_json_set(alert, "labels", alert_labels(m));
    lw_json_set(alert, "annotations", alert_annotations(m));
    lw_json_set_time(alert, "startsAt",
                     lw_earlier(m->since_ms, lw_earlier(m->now_ms, ends_ms)));
    lw_json_set_time(alert, "endsAt", ends_ms);
    if (m->page[0] != '\0')
        lw_json_set_text_cut(alert, "generatorURL", m->page, LW_URL_MAX);
    return alert;
}

int lw__format_alertmanager(const struct lw_receiver *r, const struct lw_secrets *secrets,
                            const struct lw_message *m, struct lw_buf *out,
                            struct lw_err *err) {
    (void)secrets, (void)err;
    int64_t ends = lw_earlier(m->raised_ms, m->now_ms);
    if (m->firing)
        ends = m->now_ms + lw_later(4 * r->repeat_ms, 2 * LW_MINUTE);
    json_t *list = json_array();
    json_array_append_new(list, alert_posted(m, ends));
    lw_json_dump(list, LW_MESSAGE_DIGITS, out);
    return 0;
}

static json_t *webhook_alert(const struct lw_message *m) {
    json_t *alert = json_object();
    lw_json_set(alert, "status", json_string(m->status));
    lw_json_set(alert, "labels", alert_labels(m));
    lw_json_set(alert, "annotations", alert_annotations(m));
    lw_json_set(alert, "startsAt", json_string(m->since));
    lw_json_set(alert, "endsAt", json_string(m->firing ? "0001-01-01T00:00:00Z" : m->at));
    lw_json_set(alert, "generatorURL", json_string(m->page));
    lw_json_set(alert, "fingerprint", json_string(m->fingerprint));
    return alert;
}

int lw__format_alertmanager_webhook(const struct lw_receiver *r,
                                    const struct lw_secrets *secrets,
                                    const struct lw_message *m, struct lw_buf *out,
                                    struct lw_err *err) {
    (void)secrets, (void)err;
    char key[512];
    json_t *root = json_object(), *group = json_object(), *alerts = json_array();
    snprintf(key, sizeof key, "{}:{alertname=\"%s\", stream=\"%s\"}", m->rule, m->stream);
    label_set(group, "alertname", m->rule);
    label_set(group, "stream", m->stream);
    json_array_append_new(alerts, webhook_alert(m));
    lw_json_set_text(root, "version", "4");
    lw_json_set_text_cut(root, "groupKey", key, sizeof key);
    lw_json_set_int(root, "truncatedAlerts", 0);
    lw_json_set(root, "status", json_string(m->status));
    lw_json_set_text_cut(root, "receiver", r->name, sizeof r->name);
    lw_json_set(root, "groupLabels", group);
    lw_json_set(root, "commonLabels", alert_labels(m));
    lw_json_set(root, "commonAnnotations", alert_annotations(m));
    lw_json_set(root, "externalURL", json_string(m->page));
    lw_json_set(root, "alerts", alerts);
    lw_json_dump(root, LW_MESSAGE_DIGITS, out);
    return 0;
}
