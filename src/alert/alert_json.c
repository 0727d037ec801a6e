/* The message: everything known when core decides, as JSON.
 *
 * It is written once, in the step that writes the evaluation, and the outbox stores it;
 * all formats are rendered from it. Every member is always present (null without a
 * value), so that a receiver's code needs no check for missing members. `since` and `at`
 * are event times; `raised_at` is the wall clock of the decision, and `sent_at`, which
 * the json format adds, that of the attempt.
 *
 * The id names the change: incident, then "warning", "critical" or "resolved", then the
 * number of the repetition. When a decision is repeated after a crash, its message has
 * the same id. */
#include "alert/alert_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/message.h"
#include "alert/top_drifted.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/task.h"
#include "json/json.h"

#define SEGMENTS_MAX 5
#define EXAMPLES_MAX 5

char *lw_alert_json_id(char *out, size_t size, const struct lw_alert *alert,
                       unsigned repeat) {
    const char *what = !alert->firing                            ? "resolved"
                       : alert->severity == LW_SEVERITY_CRITICAL ? "critical"
                                                                 : "warning";
    int n = snprintf(out, size, "%016" PRIx64 "-%s", alert->incident, what);
    lw_assert(n > 0 && (size_t)n < size);
    if (repeat > 0)
        snprintf(out + n, size - (size_t)n, ".%u", repeat);
    return out;
}

static void put_head(json_t *root, const struct lw_spec *spec,
                     const struct lw_alert *alert,
                     const struct lw_alert_context *context) {
    char id[LW_ALERT_ID_MAX];
    lw_json_set_int(root, "version", 1);
    lw_json_set_text(root, "id", lw_alert_json_id(id, sizeof id, alert, context->repeat));
    lw_json_set_hex(root, "incident", alert->incident);
    lw_json_set_hex(root, "fingerprint", alert->fingerprint);
    lw_json_set_text(root, "status", alert->firing ? "firing" : "resolved");
    lw_json_set_text(root, "severity", lw_alert_severity_name(alert->severity));
    lw_json_set_int(root, "repeat", context->repeat);
    lw_json_set_text_cut(root, "stream", spec->stream, LW_NAME_MAX);
    lw_json_set_text_cut(root, "rule", alert->name, LW_NAME_MAX);
    lw_json_set_text_cut(root, "metric",
                         alert->rule ? lw_metric_name(alert->rule->metric) : "",
                         LW_NAME_MAX);
    lw_json_set_text_cut(root, "feature", alert->feature, LW_NAME_MAX);
}

/* Length of the named window, or 0. */
static int64_t window_length(const struct lw_spec *spec, const char *name) {
    for (size_t w = 0; w < spec->nwindows; w++)
        if (strcmp(spec->window[w].name, name) == 0)
            return spec->window[w].length_ms;
    return 0;
}

static void put_window(json_t *root, const struct lw_spec *spec,
                       const struct lw_alert *alert) {
    if (alert->window[0] == '\0') {
        lw_json_set(root, "window", NULL);
        return;
    }
    json_t *window = json_object();
    lw_json_set_text_cut(window, "name", alert->window, sizeof alert->window);
    lw_json_set_time(window, "from", alert->at_ms - window_length(spec, alert->window));
    lw_json_set_time(window, "until", alert->at_ms);
    lw_json_set(root, "window", window);
}

static void put_figures(json_t *root, const struct lw_spec *spec,
                        const struct lw_alert *alert,
                        const struct lw_alert_context *context) {
    bool measured = alert->rule != NULL;
    lw_json_set_number(root, "value", measured ? alert->value : NAN);
    lw_json_set_number(root, "threshold", measured ? alert->threshold : NAN);
    lw_json_set_number(root, "once_in_days", measured ? alert->once_in_days : NAN);
    lw_json_set_count(root, "n", alert->n & INT64_MAX);
    put_window(root, spec, alert);
    lw_json_set_version(root, "model_version", alert->model_version);
    lw_json_set_time(root, "since", alert->since_ms);
    lw_json_set_time(root, "at", alert->at_ms);
    lw_json_set_time(root, "raised_at", context->now_ms);
    lw_json_set_text_cut(root, "host", context->host, 255);
    lw_json_set_text_cut(root, "summary", alert->summary, 1000);
    lw_json_set_text_cut(root, "action", context->action, 500);
}

static json_t *segments_json(const struct lw_alert_context *context) {
    json_t *list = json_array();
    const struct lw_privacy *p = context->privacy;
    char hashed[LW_HASHED_MAX];
    for (size_t i = 0; i < context->nsegments && i < SEGMENTS_MAX; i++) {
        const struct lw_alert_segment *s = &context->segment[i];
        bool open = p == NULL || p->categories == LW_CATEGORIES_TOP;
        if (!open)
            lw_privacy_hash(p, LW_PRIVATE_CATEGORY, s->value, hashed);
        json_t *one = json_object();
        lw_json_set_text_cut(one, "name", s->name, LW_NAME_MAX);
        lw_json_set_text_cut(one, "value", open ? s->value : hashed, 64);
        lw_json_set_count(one, "n", s->n);
        lw_json_set_number(one, "share", s->share);
        lw_json_set_number(one, "error", s->error);
        lw_json_set_number(one, "reference_error", s->reference_error);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *examples_json(const struct lw_alert_context *context) {
    json_t *list = json_array();
    const struct lw_privacy *p = context->privacy;
    enum lw_privacy_examples said = p == NULL ? LW_EXAMPLES_IDS : p->examples;
    size_t n = said == LW_EXAMPLES_NONE ? 0 : context->nexamples;
    for (size_t i = 0; i < n && i < EXAMPLES_MAX; i++) {
        char text[200], hashed[LW_HASHED_MAX];
        const char *id = context->example[i];
        if (said == LW_EXAMPLES_HASHED) {
            lw_privacy_hash(p, LW_PRIVATE_EXAMPLE, id, hashed);
            id = hashed;
        }
        json_array_append_new(
            list, json_string(lw_text_safe(text, sizeof text, id, strlen(id))));
    }
    return list;
}

/* The runbook's section on this rule: "<base>#<rule>", unless the base already has a
 * fragment. */
static void put_runbook(json_t *links, const char *base, const char *rule) {
    char url[LW_URL_MAX];
    if (base == NULL || base[0] == '\0' || strchr(base, '#') != NULL) {
        lw_json_set_text_cut(links, "runbook", base, LW_URL_MAX);
        return;
    }
    int n = snprintf(url, sizeof url, "%.700s#", base);
    for (; *rule != '\0'; rule++)
        n += snprintf(url + n, sizeof url - (size_t)n,
                      lw_receiver_name_char(*rule) ? "%c" : "%%%02X",
                      (unsigned char)*rule);
    lw_json_set_text_cut(links, "runbook", url, LW_URL_MAX);
}

int lw_alert_json_write(const struct lw_spec *spec, const struct lw_alert *alert,
                        const struct lw_alert_context *context, struct lw_buf *out,
                        struct lw_err *err) {
    if (alert->name[0] == '\0' || spec->stream[0] == '\0')
        return lw_fail(err, LW_EINPUT, "alert: it has no %s",
                       alert->name[0] == '\0' ? "name" : "stream");
    json_t *root = json_object();
    put_head(root, spec, alert, context);
    put_figures(root, spec, alert, context);
    json_t *details = json_object();
    lw__top_drifted_put(details, spec, alert, context);
    lw_json_set_text_cut(details, "error_label", spec->task->figure[0].label,
                         LW_NAME_MAX);
    lw_json_set(details, "segments", segments_json(context));
    lw_json_set(details, "examples", examples_json(context));
    lw_json_set(root, "details", details);
    json_t *links = json_object();
    lw_json_set_text_cut(links, "page", context->page_url, LW_URL_MAX);
    put_runbook(links, context->runbook_url, alert->name);
    lw_json_set(root, "links", links);
    lw_json_dump(root, LW_MESSAGE_DIGITS, out);
    return 0;
}

static void set_closed(json_t *root, const struct lw_notified *notified,
                       const char *summary) {
    lw_json_set_hex(root, "incident", notified->incident);
    lw_json_set_text(root, "status", "resolved");
    lw_json_set_text(root, "severity", lw_alert_severity_name(notified->severity));
    lw_json_set_text_cut(root, "summary", summary, 1000);
}

int lw_alert_json_restate(const char *json, size_t len, const struct lw_restated *how,
                          struct lw_buf *out, struct lw_err *err) {
    struct lw_message m;
    char id[LW_ALERT_ID_MAX];
    if (lw__message_read(&m, json, len, how->now_ms, err))
        return -1;
    const struct lw_notified *notified = &how->notified;
    struct lw_alert named = {.incident = notified->incident,
                             .firing = !how->closed,
                             .severity = notified->severity};
    unsigned repeat = how->closed ? 0 : notified->repeat;
    lw_json_set_text(m.root, "id", lw_alert_json_id(id, sizeof id, &named, repeat));
    lw_json_set_int(m.root, "repeat", repeat);
    lw_json_set_time(m.root, "raised_at", how->now_ms);
    if (how->closed)
        set_closed(m.root, notified, how->summary);
    lw_json_dump(json_incref(m.root), LW_MESSAGE_DIGITS, out);
    lw__message_fini(&m);
    return 0;
}
