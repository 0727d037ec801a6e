/* See metrics.h. The readers come first, the table last. */
#include "core/metrics.h"

#include <math.h>
#include <string.h>

#include "core/monitor_private.h"
#include "drift/stats.h"

/* A share has risen by more than chance below this two-sided p: three standard errors
 * of large samples. */
#define SHARE_P 0.0027
/* An error must exceed its expectation by this many standard errors. */
#define ERROR_Z 2.0

static const struct lw_losses *errors_of(const struct lw_metric_input *in) {
    return &in->view->counts.champion;
}

static struct lw_reading model_reading(const struct lw_metric_input *in,
                                       double (*value)(const struct lw_losses *)) {
    const struct lw_losses *e = errors_of(in);
    bool known = e->n >= 2;
    return (struct lw_reading){
        .n = e->n, .known = known, .significant = true, .value = known ? value(e) : 0};
}

static struct lw_reading error_read(const struct lw_metric_input *in) {
    return model_reading(in, lw_losses_error);
}

static double mae_of(const struct lw_losses *e) {
    return lw_losses_figure(e, "mae");
}

static double bias_of(const struct lw_losses *e) {
    return lw_losses_figure(e, "bias");
}

static struct lw_reading mae_read(const struct lw_metric_input *in) {
    return model_reading(in, mae_of);
}

static struct lw_reading bias_read(const struct lw_metric_input *in) {
    struct lw_reading r = model_reading(in, bias_of);
    r.value = fabs(r.value);
    return r;
}

/* Of the plain predictions: tracking hides what a new fit would gain. */
static struct lw_reading gain_read(const struct lw_metric_input *in) {
    const struct lw_losses *e = &in->view->counts.plain;
    bool known = e->n >= 2;
    return (struct lw_reading){.n = e->n,
                               .known = known,
                               .significant = true,
                               .value = known ? lw_losses_recalibration_gain(e) : 0};
}

static struct lw_reading ratio_read(const struct lw_metric_input *in) {
    struct lw_reading r = error_read(in);
    double error = r.value, expected = in->view->expected_error;
    r.known = r.known && expected > 0;
    r.value = r.known ? error / expected : 0;
    r.significant =
        r.known && error - ERROR_Z * lw_losses_error_se(errors_of(in)) > expected;
    return r;
}

static struct lw_reading change_read(const struct lw_metric_input *in) {
    return (struct lw_reading){.value = in->m->changed,
                               .n = errors_of(in)->n,
                               .known = true,
                               .significant = true};
}

/* Without a detector, a champion or a reference no change can be detected. */
static double change_figure(const struct lw_metric_input *in) {
    return in->m->change && in->m->policy.champion && in->m->reference ? in->m->changed
                                                                       : NAN;
}

static double n_figure(const struct lw_metric_input *in) {
    return (double)errors_of(in)->n;
}

static double unsummed_figure(const struct lw_metric_input *in) {
    return (double)errors_of(in)->unsummed;
}

static double error_figure(const struct lw_metric_input *in) {
    return lw_losses_error(errors_of(in));
}

static double error_se_figure(const struct lw_metric_input *in) {
    return lw_losses_error_se(errors_of(in));
}

static double error_high_figure(const struct lw_metric_input *in) {
    return lw_losses_error_high(errors_of(in));
}

static double expected_figure(const struct lw_metric_input *in) {
    return in->view->expected_error;
}

static double ratio_figure(const struct lw_metric_input *in) {
    return lw_losses_error(errors_of(in)) / in->view->expected_error;
}

static double first_figure(const struct lw_metric_input *in) {
    return lw_losses_error(&in->view->counts.first);
}

static double mae_figure(const struct lw_metric_input *in) {
    return mae_of(errors_of(in));
}

static double bias_figure(const struct lw_metric_input *in) {
    return bias_of(errors_of(in));
}

static double r2_figure(const struct lw_metric_input *in) {
    return lw_losses_figure(errors_of(in), "r2");
}

static double gain_figure(const struct lw_metric_input *in) {
    return lw_losses_recalibration_gain(&in->view->counts.plain);
}

static struct lw_reading events_read(const struct lw_metric_input *in) {
    return (struct lw_reading){.value = (double)in->view->counts.events,
                               .n = UINT64_MAX, /* few events are the finding itself */
                               .known = in->view->counts.filled,
                               .significant = true};
}

static double events_figure(const struct lw_metric_input *in) {
    return (double)in->view->counts.events;
}

static struct lw_reading rejected_read(const struct lw_metric_input *in) {
    const struct lw_counts *c = &in->view->counts;
    const struct lw_reference *ref = in->m->reference;
    uint64_t n = c->events, rejected = n - c->good;
    struct lw_reading r = {.n = n, .known = ref && n > 0};
    if (!r.known)
        return r;
    r.value = (double)rejected / (double)n -
              (ref->events > 0 ? (double)ref->rejected / (double)ref->events : 0);
    r.significant =
        r.value > 0 && ref->events > 0 &&
        lw_drift_two_shares_p(ref->rejected, ref->events, rejected, n) < SHARE_P;
    return r;
}

static double rejected_figure(const struct lw_metric_input *in) {
    const struct lw_counts *c = &in->view->counts;
    return (double)(c->events - c->good) / (double)c->events;
}

/* Both sides have enough values for a verdict. */
static bool drift_judged(const struct lw_drift *d) {
    return d->verdict != LW_VERDICT_INSUFFICIENT && d->verdict != LW_VERDICT_EMPTY;
}

/* p: of the metric's own test, corrected over the columns. The rule's threshold is the
 * floor of the effect. */
static struct lw_reading drift_reading(const struct lw_metric_input *in, double value,
                                       double p) {
    const struct lw_drift *d = in->drift;
    double alpha = in->m->spec->drift.alpha;
    struct lw_reading r = {.value = value, .n = d->n_cur};
    r.known = drift_judged(d);
    /* A rule tests again and again, a report only once. It resolves at alpha. */
    r.significant = r.known && p < LW_DRIFT_STRICT * alpha;
    r.likely = r.known && p < alpha;
    return r;
}

/* PSI and JS: the chi-square test of the same cells. */
static struct lw_reading psi_read(const struct lw_metric_input *in) {
    return drift_reading(in, in->drift->psi, in->drift->p_adjusted);
}

static struct lw_reading js_read(const struct lw_metric_input *in) {
    return drift_reading(in, in->drift->js, in->drift->p_adjusted);
}

static struct lw_reading ks_read(const struct lw_metric_input *in) {
    return drift_reading(in, in->drift->ks, in->drift->ks_p_adjusted);
}

static struct lw_reading w1_read(const struct lw_metric_input *in) {
    return drift_reading(in, in->drift->w1, in->drift->w1_p_adjusted);
}

static struct lw_reading unseen_read(const struct lw_metric_input *in) {
    const struct lw_drift *d = in->drift;
    double above = fmax(d->unseen - d->unseen_expected, 0);
    struct lw_reading r = drift_reading(in, above, d->unseen_p_adjusted);
    if (!d->unseen_known)
        r.known = r.significant = r.likely = false;
    return r;
}

/* A statistic that is computed apart from struct lw_drift. */
static struct lw_reading statistic_read(const struct lw_metric_input *in) {
    struct lw_reading r =
        drift_reading(in, in->statistic->value, in->statistic->p_adjusted);
    if (!in->statistic->known)
        r.known = r.significant = r.likely = false;
    return r;
}

/* Shares are of all rows: n_cur excludes missing values. */
static struct lw_reading share_reading(const struct lw_metric_input *in, double rise,
                                       double p) {
    uint64_t rows = in->view->counts.events;
    return (struct lw_reading){.value = rise,
                               .n = rows,
                               .known = rows > 0,
                               .significant = rise > 0 && p < SHARE_P};
}

static struct lw_reading missing_read(const struct lw_metric_input *in) {
    const struct lw_drift *d = in->drift;
    return share_reading(in, d->missing_cur - d->missing_ref, d->missing_p);
}

static struct lw_reading range_read(const struct lw_metric_input *in) {
    const struct lw_drift *d = in->drift;
    return share_reading(in, d->out_of_range_cur - d->out_of_range_ref,
                         d->out_of_range_p);
}

static struct lw_metric_share missing_share(const struct lw_member *m) {
    return (struct lw_metric_share){lw_member_missing(m), lw_member_rows(m)};
}

static struct lw_metric_share range_share(const struct lw_member *m) {
    if (m->kind != LW_NUMERIC)
        return missing_share(m);
    return (struct lw_metric_share){m->num.out_of_range, lw_member_rows(m)};
}

static struct lw_reading fault_read(const struct lw_metric_input *in) {
    struct lw_reading r = lw__monitor_fault_reading(
        in->before, in->now, &in->view->fault[in->column], in->state);
    r.n = in->view->counts.events;
    return r;
}

/* A distance is known when both sides hold values. */
static bool has_distance(const struct lw_metric_input *in) {
    return in->drift && in->drift->n_ref > 0 && in->drift->n_cur > 0;
}

static double psi_figure(const struct lw_metric_input *in) {
    return in->drift ? in->drift->psi : NAN;
}

static double js_figure(const struct lw_metric_input *in) {
    return in->drift ? in->drift->js : NAN;
}

static double ks_figure(const struct lw_metric_input *in) {
    return has_distance(in) ? in->drift->ks : NAN;
}

static double w1_figure(const struct lw_metric_input *in) {
    return has_distance(in) ? in->drift->w1 : NAN;
}

static double verdict_figure(const struct lw_metric_input *in, enum lw_verdict verdict) {
    return in->drift && drift_judged(in->drift) ? in->drift->verdict == verdict : NAN;
}

static double drift_figure(const struct lw_metric_input *in) {
    return verdict_figure(in, LW_VERDICT_DRIFT);
}

static double shifted_figure(const struct lw_metric_input *in) {
    return verdict_figure(in, LW_VERDICT_SHIFTED);
}

static double missing_figure(const struct lw_metric_input *in) {
    return in->drift ? in->drift->missing_cur : NAN;
}

static double range_figure(const struct lw_metric_input *in) {
    return in->drift ? in->drift->out_of_range_cur : NAN;
}

static double unseen_figure(const struct lw_metric_input *in) {
    return has_distance(in) && in->drift->unseen_known ? in->drift->unseen : NAN;
}

/* Unknown with too few values to decide. */
static double fault_figure(const struct lw_metric_input *in) {
    if (!in->before)
        return NAN;
    const struct lw_fault *found = &in->view->fault[in->column];
    return lw__monitor_fault_judged(in->before, in->now, found)
               ? found->kind != LW_FAULT_NONE
               : NAN;
}

static double psi_first_figure(const struct lw_metric_input *in) {
    return in->first ? in->first->psi : NAN;
}

lw_statistic_fn lw_statistic_energy;

#define FEED LW_METRIC_OF_FEED
#define LIVE (LW_METRIC_OF_FEED | LW_METRIC_BLOCKS)
#define ONLY LW_METRIC_FIGURE_ONLY
#define ZERO LW_METRIC_ZERO

static const struct lw_metric table[] = {
    {.name = "n",
     .meaning = "scored events",
     .unit = "",
     .scope = LW_SCOPE_MODEL,
     .flags = LW_METRIC_COUNT | ONLY | ZERO,
     .figure = n_figure},
    {.name = "rmse",
     .meaning = "root of the mean squared error",
     .series = "leeway_window_rmse",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ZERO,
     .read = error_read,
     .figure = error_figure},
    {.name = "unsummed",
     .meaning = "scored events whose prediction cannot be summed: counted, but in no "
                "error figure",
     .unit = "",
     .scope = LW_SCOPE_MODEL,
     .flags = LW_METRIC_COUNT | ONLY | ZERO,
     .figure = unsummed_figure},
    {.name = "rmse_se",
     .meaning = "standard error of the RMSE",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ONLY | ZERO,
     .figure = error_se_figure},
    {.name = "rmse_high",
     .meaning = "upper 97.5 % limit of the RMSE, also with heavy tails",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ONLY | ZERO,
     .figure = error_high_figure},
    {.name = "rmse_expected",
     .meaning = "expected RMSE of the champion in that window",
     .series = "leeway_window_rmse_expected",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = ONLY | ZERO,
     .figure = expected_figure},
    {.name = "rmse_ratio",
     .meaning = "RMSE divided by the expected RMSE in that window; 1 is as expected",
     .series = "leeway_window_rmse_ratio",
     .unit = "",
     .effect = 0.1,
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = ZERO,
     .neutral = 1,
     .read = ratio_read,
     .figure = ratio_figure,
     .summary = lw__summary_ratio},
    {.name = "rmse_untracked",
     .meaning = "RMSE of the champion's predictions without tracking",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = ONLY | ZERO,
     .figure = lw__metric_untracked},
    {.name = "rmse_tracked",
     .meaning = "RMSE of the champion's predictions with tracking, served or not",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = ONLY | ZERO,
     .figure = lw__metric_tracked},
    {.name = "tracking_shift",
     .meaning =
         "size of the mean shift by tracking, divided by the usual size of a day's",
     .series = "leeway_window_tracking_shift",
     .unit = "",
     .effect = 3,
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = LW_METRIC_CHOOSES,
     .read = lw__metric_shift_read,
     .figure = lw__metric_shift},
    {.name = "rmse_first",
     .meaning = "RMSE of version 1, as if there had been no retraining",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_POSITIVE,
     .flags = ONLY | ZERO,
     .figure = first_figure},
    {.name = "mae",
     .meaning = "mean absolute error",
     .series = "leeway_window_mae",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ZERO,
     .read = mae_read,
     .figure = mae_figure},
    {.name = "bias",
     .meaning = "size of the mean error",
     .shown = "mean error",
     .series = "leeway_window_bias",
     .unit = "target",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ZERO,
     .read = bias_read,
     .figure = bias_figure},
    {.name = "r2",
     .meaning = "share of the target's variance that is explained",
     .unit = "",
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ONLY | ZERO,
     .figure = r2_figure},
    {.name = "recalibration_gain",
     .meaning =
         "share of the squared error that recalibrating the predictions would remove",
     .series = "leeway_window_recalibration_gain",
     .unit = "",
     .effect = 0.05,
     .scope = LW_SCOPE_MODEL,
     .known = LW_KNOWN_SCORED,
     .flags = ZERO | LW_METRIC_CHOOSES,
     .read = gain_read,
     .figure = gain_figure,
     .summary = lw__summary_gain},
    {.name = "change_point",
     .meaning = "1 if the detector of `change` found that the error rose, else 0",
     .series = "leeway_window_change_point",
     .unit = "",
     .scope = LW_SCOPE_MODEL,
     .flags = LW_METRIC_NEEDS_CHANGE,
     .read = change_read,
     .figure = change_figure},
    {.name = "events",
     .meaning = "events in the window; fires at or below its thresholds",
     .shown = "events in the window",
     .series = "leeway_window_events",
     .unit = "",
     .scope = LW_SCOPE_STREAM,
     .flags = LW_METRIC_COUNT | FEED | ZERO | LW_METRIC_ANY_N | LW_METRIC_FIRES_BELOW,
     .read = events_read,
     .figure = events_figure},
    {.name = "rejected",
     .meaning = "share of rejected events, less the reference's",
     .shown = "share of rejected events",
     .series = "leeway_window_rejected_ratio",
     .unit = "",
     .effect = 0.05,
     .scope = LW_SCOPE_STREAM,
     .flags = FEED,
     .read = rejected_read,
     .figure = rejected_figure},

    {.name = "psi",
     .meaning =
         "population stability index against the reference, corrected for sample size",
     .series = "leeway_feature_psi",
     .unit = "",
     .effect = 0.1,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_ALL,
     .flags = ZERO | LW_METRIC_IN_STATUS,
     .read = psi_read,
     .figure = psi_figure},
    {.name = "js",
     .meaning = "Jensen-Shannon distance, base 2, from 0 to 1",
     .series = "leeway_feature_js",
     .unit = "",
     .effect = 0.13,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_ALL,
     .flags = ZERO | LW_METRIC_IN_STATUS,
     .read = js_read,
     .figure = js_figure},
    {.name = "ks",
     .meaning = "Kolmogorov-Smirnov distance, from 0 to 1; numeric features",
     .series = "leeway_feature_ks",
     .unit = "",
     .effect = 0.1,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_NUMBERS,
     .read = ks_read,
     .figure = ks_figure},
    {.name = "w1",
     .meaning = "Wasserstein-1 distance over the reference's spread; numeric features",
     .series = "leeway_feature_w1",
     .unit = "",
     .effect = 0.25,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_NUMBERS,
     .read = w1_read,
     .figure = w1_figure},
    {.name = "energy",
     .meaning = "energy distance in units of the reference's spread; numeric features",
     .series = "leeway_feature_energy",
     .unit = "",
     .effect = 0.1,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_NUMBERS,
     .statistic = lw_statistic_energy},
    {.name = "drift",
     .meaning = "1 when the drift is significant and large enough, else 0",
     .series = "leeway_feature_drift",
     .unit = "",
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_ALL,
     .flags = LW_METRIC_VERDICT | ONLY,
     .figure = drift_figure},
    {.name = "shifted",
     .meaning = "1 when a part of the feature changed for certain, but less than `drift` "
                "needs, else 0",
     .unit = "",
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_ALL,
     .flags = LW_METRIC_VERDICT | ONLY,
     .figure = shifted_figure},
    {.name = "psi_first",
     .meaning = "PSI against version 1's reference",
     .unit = "",
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_FEATURES,
     .flags = ONLY | ZERO | LW_METRIC_LONGEST,
     .figure = psi_first_figure},
    {.name = "missing",
     .meaning = "share of missing values, less the reference's",
     .shown = "share of missing values",
     .series = "leeway_feature_missing_ratio",
     .unit = "",
     .effect = 0.05,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_FEATURES | LW_ON_TARGET,
     .flags = FEED | ZERO | LW_METRIC_IN_STATUS,
     .read = missing_read,
     .figure = missing_figure,
     .share = missing_share,
     .summary = lw__summary_share},
    {.name = "out_of_range",
     .meaning = "share of values out of range, less the reference's; numeric features",
     .shown = "share of values outside the configured range",
     .series = "leeway_feature_out_of_range_ratio",
     .unit = "",
     .effect = 0.02,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_NUMERIC | LW_ON_TARGET,
     .flags = FEED | ZERO | LW_METRIC_NEEDS_RANGE,
     .read = range_read,
     .figure = range_figure,
     .share = range_share,
     .summary = lw__summary_share},
    {.name = "unseen",
     .meaning = "share of values in categories that the reference lacks, less what is "
                "expected",
     .shown = "share of values in categories that the reference lacks",
     .series = "leeway_feature_unseen_ratio",
     .unit = "",
     .effect = 0.02,
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_CATEGORY,
     .flags = LW_METRIC_IN_STATUS,
     .read = unseen_read,
     .figure = unseen_figure},
    {.name = "fault",
     .meaning = "1 if a data fault was recognised, else 0; also of `target`",
     .series = "leeway_feature_fault",
     .unit = "",
     .scope = LW_SCOPE_COLUMN,
     .known = LW_KNOWN_COMPARED,
     .columns = LW_ON_FEATURES | LW_ON_TARGET,
     .flags = FEED | LW_METRIC_BLOCKS | LW_METRIC_ANY_N,
     .read = fault_read,
     .figure = fault_figure,
     .fault = true,
     .summary = lw__summary_fault},

    {.name = "silence",
     .meaning = "minutes since the last message arrived, by the wall clock; not in a "
                "backtest",
     .series = "leeway_live_silence_seconds",
     .base_unit = "seconds",
     .base_factor = 60,
     .shown = "time since the last message arrived, by the wall clock; not in a backtest",
     .unit = "minutes",
     .scope = LW_SCOPE_LIVE,
     .flags = LIVE | LW_METRIC_ANY_N,
     .live = lw__metric_live_silence,
     .summary = lw__summary_silence},
    {.name = "lag",
     .meaning = "unread messages in Kafka; not in a backtest",
     .series = "leeway_live_lag",
     .unit = "messages",
     .scope = LW_SCOPE_LIVE,
     .flags = LIVE | LW_METRIC_ANY_N,
     .live = lw__metric_live_lag,
     .summary = lw__summary_lag},
    {.name = "dead_letters",
     .meaning = "share of unreadable messages in the last ten minutes; not in a backtest",
     .series = "leeway_live_dead_letters_ratio",
     .unit = "",
     .scope = LW_SCOPE_LIVE,
     .flags = LIVE,
     .live = lw__metric_live_dead,
     .phrase = "could not be read",
     .summary = lw__summary_live_share},
    {.name = "late",
     .meaning = "share of late events in the last ten minutes; not in a backtest",
     .series = "leeway_live_late_ratio",
     .unit = "",
     .scope = LW_SCOPE_LIVE,
     .flags = LIVE,
     .live = lw__metric_live_late,
     .phrase = "arrived too late for their pane",
     .summary = lw__summary_live_share},
    {.name = "suspect",
     .meaning =
         "share of events in the last ten minutes with an implausible time; not in a "
         "backtest",
     .series = "leeway_live_suspect_ratio",
     .unit = "",
     .scope = LW_SCOPE_LIVE,
     .flags = LIVE,
     .live = lw__metric_live_suspect,
     .phrase = "have a clock that is not believed",
     .summary = lw__summary_live_share},
};

struct lw_reading lw__monitor_metric_read(const struct lw_metric *metric,
                                          const struct lw_metric_input *in) {
    return metric->statistic ? statistic_read(in) : metric->read(in);
}

double lw__monitor_metric_figure(const struct lw_metric *metric,
                                 const struct lw_metric_input *in) {
    if (!metric->statistic)
        return metric->figure(in);
    return in->statistic && in->statistic->known ? in->statistic->value : NAN;
}

size_t lw_metric_count(void) {
    return sizeof table / sizeof *table;
}

const struct lw_metric *lw_metric_at(size_t i) {
    return i < lw_metric_count() ? &table[i] : NULL;
}

const struct lw_metric *lw_metric_find(const char *name) {
    for (size_t i = 0; i < lw_metric_count(); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

bool lw__monitor_share_rose(uint64_t before, uint64_t before_n, uint64_t now,
                            uint64_t now_n) {
    return before_n > 0 && now_n > 0 &&
           (double)now / (double)now_n > (double)before / (double)before_n &&
           lw_drift_two_shares_p(before, before_n, now, now_n) < SHARE_P;
}
