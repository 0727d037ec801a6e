/* The alert's sentence for people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/monitor_private.h"
#include "core/task.h"

#define SIZE sizeof((struct lw_alert *)0)->summary

void lw__summary_fault(const struct lw_metric_input *in, struct lw_alert *alert,
                       const char *count) {
    const struct lw_fault *fault = &in->view->fault[in->column];
    if (!alert->firing)
        snprintf(alert->summary, SIZE,
                 "Data fault in %s over %s is over: its values are back in line "
                 "with the reference (n = %s).",
                 alert->feature, alert->window, count);
    else
        snprintf(alert->summary, SIZE,
                 "Data fault in %s over %s: %s (figure %.3g, n = %s).", alert->feature,
                 alert->window, fault->text, fault->figure, count);
}

/* "missing" as "Share missing", "out_of_range" as "Share out of range". */
void lw__summary_share(const struct lw_metric_input *in, struct lw_alert *alert,
                       const char *count) {
    char words[40];
    (void)in;
    lw_copy(words, sizeof words, lw_metric_name(alert->rule->metric));
    for (char *at = words; *at; at++)
        if (*at == '_')
            *at = ' ';
    snprintf(alert->summary, SIZE,
             "Share %s of %s over %s is %s percentage points above the reference "
             "(n = %s).",
             words, alert->feature, alert->window, lw_digits(100 * alert->value, 1).text,
             count);
}

static void summarise_drift(struct lw_alert *alert, const char *count) {
    snprintf(alert->summary, SIZE,
             "%s has drifted over %s: %s %s, threshold %.3g (n = %s).", alert->feature,
             alert->window, lw_metric_name(alert->rule->metric),
             lw_digits(alert->value, 3).text, alert->threshold, count);
}

void lw__summary_ratio(const struct lw_metric_input *in, struct lw_alert *alert,
                       const char *count) {
    snprintf(alert->summary, SIZE,
             "%s over %s is %s, %s times the %s that version %u should have there "
             "(threshold %.3g, n = %s).",
             in->m->spec->task->figure[0].label, alert->window,
             lw_digits(lw_losses_error(&in->view->counts.champion), 3).text,
             lw_digits(alert->value, 2).text, lw_digits(in->view->expected_error, 3).text,
             alert->model_version, alert->threshold, count);
}

void lw__summary_gain(const struct lw_metric_input *in, struct lw_alert *alert,
                      const char *count) {
    snprintf(alert->summary, SIZE,
             "Recalibrating version %u would remove %s%% of the %s over %s "
             "(threshold %.1f%%, n = %s).",
             alert->model_version, lw_digits(100 * alert->value, 1).text,
             in->m->spec->task->loss, alert->window, 100 * alert->threshold, count);
}

static void summarise_value(struct lw_alert *alert, const char *count) {
    snprintf(alert->summary, SIZE, "%s over %s is %.4g, threshold %.4g (n = %s).",
             lw_metric_name(alert->rule->metric), alert->window, alert->value,
             alert->threshold, count);
}

void lw__summary_silence(const struct lw_metric_input *in, struct lw_alert *alert,
                         const char *count) {
    (void)in;
    (void)count;
    if (alert->firing)
        snprintf(alert->summary, SIZE,
                 "No message has arrived for %.4g minutes (threshold %.4g).",
                 alert->value, alert->threshold);
    else
        snprintf(alert->summary, SIZE, "Messages arrive again.");
}

void lw__summary_lag(const struct lw_metric_input *in, struct lw_alert *alert,
                     const char *count) {
    char value[32], threshold[32];
    (void)in;
    (void)count;
    lw_format_count(value, sizeof value, (uint64_t)alert->value);
    lw_format_count(threshold, sizeof threshold, (uint64_t)alert->threshold);
    snprintf(alert->summary, SIZE, "%s messages in Kafka are unread (threshold %s).",
             value, threshold);
}

void lw__summary_live_share(const struct lw_metric_input *in, struct lw_alert *alert,
                            const char *count) {
    (void)in;
    (void)count;
    snprintf(alert->summary, SIZE, "%.1f%% of the newest messages %s (threshold %.1f%%).",
             100 * alert->value, alert->rule->metric->phrase, 100 * alert->threshold);
}

/* Longer times are one: the tail is extrapolated from weeks. */
#define DAYS_MAX 365

static void say_rarity(struct lw_alert *alert) {
    size_t at = strlen(alert->summary);
    double days = alert->once_in_days;
    if (days > DAYS_MAX)
        snprintf(alert->summary + at, SIZE - at,
                 " Values this large usually occur less than once a year.");
    else if (days >= 1)
        snprintf(alert->summary + at, SIZE - at,
                 " Values this large usually occur once in %.0f days.", days);
}

void lw__monitor_summary(struct lw_monitor *m, struct lw_alert *alert, int subject) {
    const struct lw_metric *metric = alert->rule->metric;
    char count[32], was[SIZE];
    lw_format_count(count, sizeof count, alert->n);
    if (lw_metric_per_feature(metric))
        lw__monitor_view_merge(m, (size_t)alert->rule->window);
    struct lw_metric_input in =
        lw__monitor_input(m, metric, (size_t)alert->rule->window, subject);
    struct lw_view own;
    if (alert->rule->except)
        in.view = lw__monitor_view_of(m, alert->rule, &own);
    if (metric->summary)
        metric->summary(&in, alert, count);
    else if (lw_metric_per_feature(metric))
        summarise_drift(alert, count);
    else
        summarise_value(alert, count);
    if (alert->rule->except) {
        size_t used = strlen(alert->summary);
        snprintf(alert->summary + used, SIZE - used, " Without the days of %.60s.",
                 m->spec->calendars.of[alert->rule->except - 1].name);
    }
    if (alert->firing) {
        say_rarity(alert);
        return;
    }
    lw_copy(was, sizeof was, alert->summary);
    snprintf(alert->summary, SIZE, "Resolved. %.*s", (int)sizeof was - 12, was);
}
