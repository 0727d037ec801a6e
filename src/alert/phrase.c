/* A message in words: title, facts, one line per drifted feature, one line per segment.
 * Slack, Teams, PagerDuty and Alertmanager's annotations share them and so read alike.
 * The facts are in the order of urgency: how bad, since when, over which window, on how
 * much data, which model, and what has been done. */
#include "alert/phrase.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "core/health.h"

char *lw__phrase_figure(char *out, size_t size, double v) {
    if (!isfinite(v))
        lw_copy(out, size, "n/a");
    else if (fabs(v) >= 10000 && fabs(v) < 1e13)
        snprintf(out, size, "%.0f", v);
    else
        snprintf(out, size, "%.4g", v);
    return out;
}

static void fact_put(struct lw_fact *out, size_t *n, const char *name,
                     const char *value) {
    if (value[0] == '\0' || *n == LW_FACTS)
        return;
    out[*n].name = name;
    lw_text_safe(out[*n].value, sizeof out[*n].value, value, strlen(value));
    ++*n;
}

static void put_value(const struct lw_message *m, struct lw_fact *out, size_t *n) {
    char value[40], threshold[40], text[160];
    if (isnan(m->value))
        return;
    lw__phrase_figure(value, sizeof value, m->value);
    lw__phrase_figure(threshold, sizeof threshold, m->threshold);
    snprintf(text, sizeof text, "%s%s%s%s", value,
             isnan(m->threshold) ? "" : " (threshold ",
             isnan(m->threshold) ? "" : threshold, isnan(m->threshold) ? "" : ")");
    fact_put(out, n, "Value", text);
}

static void put_window(const struct lw_message *m, struct lw_fact *out, size_t *n) {
    char text[256], count[32];
    if (m->window[0] != '\0') {
        snprintf(text, sizeof text, "%.64s: %.32s to %.32s", m->window, m->from,
                 m->until);
        fact_put(out, n, "Window", text);
    }
    if (m->n > 0) {
        lw_format_count(count, sizeof count, (uint64_t)m->n);
        snprintf(text, sizeof text, "%s events", count);
        fact_put(out, n, "Sample", text);
    }
}

size_t lw__phrase_facts(const struct lw_message *m, struct lw_fact out[LW_FACTS]) {
    char text[320];
    size_t n = 0;
    put_value(m, out, &n);
    bool itself = lw_health_component_of_alert(m->rule) < LW_COMPONENTS;
    snprintf(text, sizeof text, "%s%s", m->since, itself ? "" : " (event time)");
    fact_put(out, &n, "Since", text);
    put_window(m, out, &n);
    if (m->model_version > 0) {
        snprintf(text, sizeof text, "v%lld", (long long)m->model_version);
        fact_put(out, &n, "Model", text);
    }
    snprintf(text, sizeof text, "%.100s (%.100s)", m->rule, m->metric);
    fact_put(out, &n, "Rule", m->metric[0] == '\0' ? m->rule : text);
    fact_put(out, &n, "Action", m->action);
    return n;
}

char *lw__phrase_title(const struct lw_message *m, char *out, size_t size) {
    char text[512];
    const char *mark = !m->firing                             ? "RESOLVED"
                       : strcmp(m->severity, "critical") == 0 ? "CRITICAL"
                                                              : "WARNING";
    snprintf(text, sizeof text, "[%s] %.96s: %.96s%s%.96s%s", mark, m->stream, m->rule,
             m->feature[0] != '\0' ? " of " : "", m->feature,
             m->repeat > 0 && m->firing ? " (still)" : "");
    return lw_text_safe(out, size, text, strlen(text));
}

static double number_at(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static const char *status_word(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* ", median 1.9 → 2.6 (p10 0.8 → 0.9, p90 6.1 → 9.8)" */
static void say_quantiles(const json_t *drifted, struct lw_buf *out) {
    static const struct {
        const char *key, *before, *after;
    } part[] = {{"p50", ", median ", " (p10 "}, {"p10", "", ", p90 "}, {"p90", "", ")"}};
    const json_t *old = json_object_get(drifted, "reference");
    const json_t *now = json_object_get(drifted, "window");
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        char a[40], b[40];
        lw__phrase_figure(a, sizeof a, number_at(old, part[i].key));
        lw__phrase_figure(b, sizeof b, number_at(now, part[i].key));
        lw_buf_printf(out, "%s%s → %s%s", part[i].before, a, b, part[i].after);
    }
}

/* ", new: 264 (31.2 %), 7 (2.0 %)" */
static void say_categories(const json_t *drifted, const char *key, const char *label,
                           struct lw_buf *out) {
    const json_t *list = json_object_get(drifted, key);
    for (size_t i = 0; i < json_array_size(list) && i < 3; i++) {
        const json_t *c = json_array_get(list, i);
        lw_buf_printf(out, "%s%.64s (%s %%)", i == 0 ? label : ", ",
                      status_word(c, "value"),
                      lw_digits(100 * number_at(c, "share"), 1).text);
    }
}

static void say_moved(const json_t *drifted, struct lw_buf *out) {
    const json_t *list = json_object_get(drifted, "moved");
    for (size_t i = 0; i < json_array_size(list) && i < 3; i++) {
        const json_t *c = json_array_get(list, i);
        lw_buf_printf(out, "%s%.64s %s → %s %%", i == 0 ? ", shifted: " : ", ",
                      status_word(c, "value"),
                      lw_digits(100 * number_at(c, "reference"), 1).text,
                      lw_digits(100 * number_at(c, "window"), 1).text);
    }
}

/* Small changes are no news of their own: they are named beside a drift. */
size_t lw__phrase_drifted_count(const struct lw_message *m) {
    size_t n = json_array_size(m->top_drifted);
    return n + (n > 0 && json_array_size(m->shifted) > 0);
}

/* "also shifted: flag (1: 0.5 → 5.0 %), price (median 12.1 → 15.7 (× 1.3))" */
static char *say_shifted(const struct lw_message *m, char *out, size_t size) {
    struct lw_buf text = {0};
    for (size_t i = 0; i < json_array_size(m->shifted) && i < 3; i++) {
        const json_t *one = json_array_get(m->shifted, i);
        lw_buf_printf(&text, "%s%.96s (%s)", i == 0 ? "also shifted: " : ", ",
                      status_word(one, "feature"), status_word(one, "text"));
    }
    lw_text_safe(out, size, lw_buf_str(&text), text.len);
    lw_buf_fini(&text);
    return out;
}

char *lw__phrase_drifted(const struct lw_message *m, size_t i, char *out, size_t size) {
    if (i >= json_array_size(m->top_drifted))
        return say_shifted(m, out, size);
    const json_t *drifted = json_array_get(m->top_drifted, i);
    struct lw_buf text = {0};
    char psi[40];
    lw_buf_printf(&text, "%.96s: PSI %s", status_word(drifted, "feature"),
                  lw__phrase_figure(psi, sizeof psi, number_at(drifted, "psi")));
    if (strcmp(status_word(drifted, "kind"), "numeric") == 0) {
        say_quantiles(drifted, &text);
    } else {
        say_moved(drifted, &text);
        say_categories(drifted, "appeared", ", new: ", &text);
        say_categories(drifted, "vanished", ", gone: ", &text);
    }
    const json_t *missing = json_object_get(drifted, "missing");
    double before = number_at(missing, "reference"), now = number_at(missing, "window");
    if (fabs(now - before) > 0.005)
        lw_buf_printf(&text, ", missing %s → %s %%", lw_digits(100 * before, 1).text,
                      lw_digits(100 * now, 1).text);
    lw_text_safe(out, size, lw_buf_str(&text), text.len);
    lw_buf_fini(&text);
    return out;
}

size_t lw__phrase_segment_count(const struct lw_message *m) {
    return json_array_size(m->segments);
}

char *lw__phrase_segment(const struct lw_message *m, size_t i, char *out, size_t size) {
    const json_t *s = json_array_get(m->segments, i);
    char old[40], now[40], text[320];
    snprintf(text, sizeof text, "%.96s %.64s: %s %% of the increase, %.64s %s → %s",
             status_word(s, "name"), status_word(s, "value"),
             lw_digits(100 * number_at(s, "share"), 0).text, m->error_label,
             lw__phrase_figure(old, sizeof old, number_at(s, "reference_error")),
             lw__phrase_figure(now, sizeof now, number_at(s, "error")));
    return lw_text_safe(out, size, text, strlen(text));
}
