/* The message itself: everything that is known when core decides, frozen as JSON.
 *
 * It is written once, in the step that writes the evaluation, and is what the outbox
 * holds; the formats read nothing else. All members are always there (null where there is
 * nothing to say), so that a receiver's code needs no "if it exists". Event times say
 * when it happened in the data; `raised_at` is the wall clock at the decision and
 * `sent_at`, added by the json format, that of the attempt.
 *
 * The id names the change: incident, then "warning", "critical" or "resolved", then the
 * number of the repetition. The same decision taken again after a crash has the same id.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/message.h"
#include "base/mem.h"
#include "base/text.h"

#define SEGMENTS_MAX 5
#define EXAMPLES_MAX 5

char *lw_alert_id(char *out, size_t size, const struct lw_alert *alert, unsigned repeat) {
    const char *what = !alert->firing                            ? "resolved"
                       : alert->severity == LW_SEVERITY_CRITICAL ? "critical"
                                                                 : "warning";
    int n = snprintf(out, size, "%016" PRIx64 "-%s", alert->incident, what);
    lw_assert(n > 0 && (size_t)n < size);
    if (repeat > 0)
        snprintf(out + n, size - (size_t)n, ".%u", repeat);
    return out;
}

static void set(json_t *object, const char *key, json_t *value) {
    /* NULL: of a text that is no UTF-8 */
    int failed = json_object_set_new(object, key, value ? value : json_null());
    lw_assert(failed == 0);
}

static void put_hex(json_t *root, const char *key, uint64_t v) {
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, v);
    set(root, key, json_string(text));
}

static void put_head(json_t *root, const struct lw_spec *spec,
                     const struct lw_alert *alert,
                     const struct lw_alert_context *context) {
    char id[LW_ALERT_ID_MAX];
    set(root, "version", json_integer(1));
    set(root, "id", json_string(lw_alert_id(id, sizeof id, alert, context->repeat)));
    put_hex(root, "incident", alert->incident);
    put_hex(root, "fingerprint", alert->fingerprint);
    set(root, "status", json_string(alert->firing ? "firing" : "resolved"));
    set(root, "severity", json_string(lw_severity_name(alert->severity)));
    set(root, "repeat", json_integer(context->repeat));
    lw_json_text(root, "stream", spec->stream, LW_NAME_MAX);
    lw_json_text(root, "rule", alert->name, LW_NAME_MAX);
    lw_json_text(root, "metric", alert->rule ? lw_metric_name(alert->rule->metric) : "",
                 LW_NAME_MAX);
    lw_json_text(root, "feature", alert->feature, LW_NAME_MAX);
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
        set(root, "window", json_null());
        return;
    }
    json_t *window = json_object();
    lw_json_text(window, "name", alert->window, sizeof alert->window);
    lw_json_time(window, "from", alert->at_ms - window_length(spec, alert->window));
    lw_json_time(window, "until", alert->at_ms);
    set(root, "window", window);
}

static void put_figures(json_t *root, const struct lw_spec *spec,
                        const struct lw_alert *alert,
                        const struct lw_alert_context *context) {
    bool measured = alert->rule != NULL;
    lw_json_real(root, "value", measured ? alert->value : NAN);
    lw_json_real(root, "threshold", measured ? alert->threshold : NAN);
    set(root, "n", json_integer((json_int_t)(alert->n & INT64_MAX)));
    put_window(root, spec, alert);
    set(root, "model_version",
        alert->model_version ? json_integer(alert->model_version) : json_null());
    lw_json_time(root, "since", alert->since_ms);
    lw_json_time(root, "at", alert->at_ms);
    lw_json_time(root, "raised_at", context->now_ms);
    lw_json_text(root, "host", context->host, 255);
    lw_json_text(root, "summary", alert->summary, 1000);
    lw_json_text(root, "action", context->action, 500);
}

static json_t *segments(const struct lw_alert_context *context) {
    json_t *list = json_array();
    const struct lw_privacy *p = context->privacy;
    char hashed[LW_HASHED_MAX];
    for (size_t i = 0; i < context->nsegments && i < SEGMENTS_MAX; i++) {
        const struct lw_alert_segment *s = &context->segment[i];
        bool open = p == NULL || p->categories == LW_CATEGORIES_TOP;
        if (!open)
            lw_privacy_hash(p, LW_PRIVATE_CATEGORY, s->value, hashed);
        json_t *one = json_object();
        lw_json_text(one, "name", s->name, LW_NAME_MAX);
        lw_json_text(one, "value", open ? s->value : hashed, 64);
        set(one, "n", json_integer((json_int_t)s->n));
        lw_json_real(one, "share", s->share);
        lw_json_real(one, "rmse", s->rmse);
        lw_json_real(one, "reference_rmse", s->reference_error);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *examples(const struct lw_alert_context *context) {
    json_t *list = json_array();
    const struct lw_privacy *p = context->privacy;
    enum lw_examples_said said = p == NULL ? LW_EXAMPLES_IDS : p->examples;
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

/* The runbook's section on this rule: "<base>#<rule>", unless the base names a place
 * already. */
static void put_runbook(json_t *links, const char *base, const char *rule) {
    char url[LW_URL_MAX];
    if (base == NULL || base[0] == '\0' || strchr(base, '#') != NULL) {
        lw_json_text(links, "runbook", base, LW_URL_MAX);
        return;
    }
    int n = snprintf(url, sizeof url, "%.700s#", base);
    for (; *rule != '\0'; rule++)
        n += snprintf(url + n, sizeof url - (size_t)n,
                      lw_name_char(*rule) ? "%c" : "%%%02X", (unsigned char)*rule);
    lw_json_text(links, "runbook", url, LW_URL_MAX);
}

int lw_alert_json(const struct lw_spec *spec, const struct lw_alert *alert,
                  const struct lw_alert_context *context, struct lw_buf *out,
                  struct lw_err *err) {
    if (alert->name[0] == '\0' || spec->stream[0] == '\0')
        return lw_fail(err, LW_EINPUT, "alert: it has no %s",
                       alert->name[0] == '\0' ? "name" : "stream");
    json_t *root = json_object();
    put_head(root, spec, alert, context);
    put_figures(root, spec, alert, context);
    json_t *details = json_object();
    set(details, "movers",
        context->reference != NULL && context->window != NULL
            ? lw_alert_movers(spec, alert, context)
            : json_array());
    set(details, "segments", segments(context));
    set(details, "examples", examples(context));
    set(root, "details", details);
    json_t *links = json_object();
    lw_json_text(links, "page", context->page_url, LW_URL_MAX);
    put_runbook(links, context->runbook_url, alert->name);
    set(root, "links", links);
    lw_json_dump(root, out);
    return 0;
}
