/* The parts of the configuration about windows, rules, models and retraining. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "core/task.h"
#include "draft/draft_private.h"
#include "model/trees.h"

#define TREES_ROWS 20000 /* without which trees learn noise */
#define RICH_ROWS  3000
#define EVERY      (6 * LW_HOUR) /* data is checked several times a day */

struct lw_draft_length {
    char text[32];
};

static struct lw_draft_length length_text(int64_t ms) {
    struct lw_draft_length out;
    lw_format_duration(out.text, sizeof out.text, ms);
    return out;
}

/* ---- windows ---- */

enum window_role { WINDOW_SHORT, WINDOW_MEDIUM, WINDOW_LONG };

static const char *window_name(const struct lw_draft *d, enum window_role role) {
    static const char *const of_days[] = {"day", "three_days", "week"};
    static const char *const names[] = {"short", "medium", "long"};
    return d->pace.window_ms[0] == LW_DAY ? of_days[role] : names[role];
}

static void write_panes(const struct lw_draft *d, struct lw_buf *out) {
    const struct lw_draft_pace *p = &d->pace;
    char line[200];
    lw_buf_printf(out, "\npanes:\n");
    snprintf(line, sizeof line, "  length: %s", length_text(p->pane_ms).text);
    lw__draft_write_line(out, line,
                         p->known ? "%.4g events a day"
                                  : "no times: %.4g events a day are assumed",
                         p->per_day);
    snprintf(line, sizeof line, "  lateness: %s", length_text(p->lateness_ms).text);
    if (p->unordered)
        lw__draft_write_line(
            out, line,
            "assumed: the sample is not in order of arrival, and most of it "
            "would be late (lags of %s); sort it by the event time",
            length_text(llround(ceil(p->lag_ms / 1000)) * LW_SECOND).text);
    else if (p->lag_ms > 0)
        lw__draft_write_line(
            out, line, "99.9 %% of the events lag by less than %s",
            length_text(llround(ceil(p->lag_ms / 1000)) * LW_SECOND).text);
    else
        lw__draft_write_line(out, line, "99.9 %% of the events are in order");
    if (p->jump_ms != 12 * LW_HOUR) {
        snprintf(line, sizeof line, "  max_jump: %s", length_text(p->jump_ms).text);
        lw__draft_write_line(out, line, "few events: gaps are usual");
    }
    lw_buf_printf(out, "\n");
    lw__draft_write_line(out, "windows:", "the first holds about %.3g events",
                         p->per_day * (double)p->window_ms[0] / (double)LW_DAY);
    for (int i = WINDOW_SHORT; i <= WINDOW_LONG; i++)
        lw_buf_printf(out, "  %s: %s\n", window_name(d, (enum window_role)i),
                      length_text(p->window_ms[i]).text);
}

/* ---- rules ---- */

/* The rules of a new stream: the one place that says when they fire. */
struct draft_rule {
    const char *name;
    const char *metric;  /* NULL: the error over the expected error */
    const char *feature; /* or NULL */
    int window;          /* enum window_role; -1: the running stream */
    int64_t every_ms;    /* 0: not written */
    const char *when;    /* the keys that decide when it fires, and what it triggers */
    const char *why;
};
static const struct draft_rule rules[] = {
    {"error", NULL, NULL, WINDOW_MEDIUM, LW_DAY, "min_n: 500, retrain: true",
     "the error over the expected error"},
    {"recalibration", "recalibration_gain", NULL, WINDOW_MEDIUM, LW_DAY,
     "warn: 0.05, budget: 1 per 180d, min_n: 500, retrain: true",
     "share of the squared error that a new fit would remove"},
    {"feature-drift", "psi", "each", WINDOW_LONG, LW_DAY, "for: 2",
     "context for the person on call"},
    {"target-drift", "psi", "target", WINDOW_LONG, LW_DAY, "for: 2", ""},
    {"missing", "missing", "each", WINDOW_SHORT, LW_DAY, "warn: 0.05, budget: 1 per 60d",
     "share of missing values above the reference's; when half are lost, `fault` pages"},
    {"fault", "fault", "each", WINDOW_SHORT, EVERY, "critical: 1, block: true",
     "another unit, nulls, a stuck value: such rows are not trained on"},
    {"fault-target", "fault", "target", WINDOW_SHORT, EVERY, "critical: 1, block: true",
     ""},
    {"lag", "lag", NULL, -1, 0, "warn: 100000, critical: 1000000, for: 30",
     "unread messages in Kafka"},
    {"unreadable", "dead_letters", NULL, -1, 0, "warn: 0.001, critical: 0.05, for: 3",
     "share of messages that cannot be read"},
};

static void write_rule(const struct lw_draft *d, const struct draft_rule *r,
                       struct lw_buf *out) {
    char line[400], feature[40] = "", window[60] = "", every[60] = "";
    struct lw_task_name error = lw_task_error_key(&lw_task_regression, "", "_ratio");
    if (r->feature)
        snprintf(feature, sizeof feature, ", feature: %s", r->feature);
    if (r->window >= 0)
        snprintf(window, sizeof window, ", window: %s",
                 window_name(d, (enum window_role)r->window));
    if (r->every_ms > 0)
        snprintf(every, sizeof every, ", every: %s",
                 length_text(lw_later(r->every_ms, d->pace.pane_ms)).text);
    snprintf(line, sizeof line, "  - {name: %s, metric: %s%s%s%s%s%s}", r->name,
             r->metric ? r->metric : error.text, feature, window, *r->when ? ", " : "",
             r->when, every);
    lw__draft_write_line(out, line, "%s", r->why);
}

/* A number with its first digit, rounded down. */
static double plain_below(double v) {
    double unit = v >= 1 ? pow(10, floor(log10(v))) : 1;
    return floor(v / unit) * unit;
}

static void write_rules(const struct lw_draft *d, struct lw_buf *out) {
    char when[60], why[100];
    double least = plain_below(d->pace.least / 2);
    lw_buf_printf(out, "\n");
    lw__draft_write_line(out, "rules:",
                         "without thresholds a rule learns what is usual on this stream, "
                         "and keeps to `alerts`");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        write_rule(d, &rules[i], out);
    if (least < 1 || !d->pace.known)
        return;
    snprintf(when, sizeof when, "warn: %.0f", least);
    snprintf(why, sizeof why, "half of the least of the sample, %.0f", d->pace.least);
    write_rule(d,
               &(struct draft_rule){"few-events", "events", NULL, WINDOW_SHORT, EVERY,
                                    when, why},
               out);
}

/* ---- models ---- */

static bool has_rich(const struct lw_draft *d) {
    bool more = false;
    for (size_t i = 0; i < d->nterms; i++)
        more |= !d->term[i].plain;
    return more && d->sample->events >= RICH_ROWS;
}

static void write_terms(const struct lw_draft *d, bool plain, struct lw_buf *out) {
    for (size_t i = 0; i < d->nterms; i++) {
        const struct lw_draft_term *t = &d->term[i];
        char line[600];
        if (t->plain != plain)
            continue;
        if (t->penalty != 1)
            snprintf(line, sizeof line, "    - {term: \"%s\", penalty: %g}", t->text,
                     t->penalty);
        else
            snprintf(line, sizeof line, "    - \"%s\"", t->text);
        lw__draft_write_line(out, line, "%s", t->why);
    }
}

static void write_sets(const struct lw_draft *d, struct lw_buf *out) {
    lw__draft_write_line(out, "feature_sets:",
                         "terms in the language of docs/models.md; the shares are of the "
                         "target's variance, each term for itself");
    lw_buf_printf(out, "  plain:\n");
    write_terms(d, true, out);
    if (!has_rich(d))
        return;
    lw_buf_printf(out, "  rich:\n    - {include: plain}\n");
    write_terms(d, false, out);
}

static void write_candidates(const struct lw_draft *d, struct lw_buf *out) {
    const char *set = has_rich(d) ? "rich" : "plain";
    lw_buf_printf(out, "\n");
    lw__draft_write_line(
        out, "candidates:", "every training fits all of them; the hold-out decides");
    lw_buf_printf(out, "  - name: ridge\n    features: %s\n    alpha: [1, 10]\n", set);
    lw__draft_write_line(out, "    half_life: [28d, 56d]",
                         "the memory of calm months; five of them are the window below");
    if (d->sample->events < TREES_ROWS || !lw_trees_available())
        return;
    lw__draft_write_line(out, "  - name: boosted",
                         "trees learn what the linear model leaves; worth it from %d "
                         "events on, and there are %llu",
                         TREES_ROWS, (unsigned long long)d->sample->events);
    lw_buf_printf(
        out,
        "    kind: trees\n    base: ridge-1-56d\n    features: plain\n"
        "    window: 150d\n    half_life: 56d\n"
        "    trees: {rounds: 100, depth: 6, eta: 0.12, min_child_weight: %d, lambda: "
        "20}\n",
        d->sample->events >= 10 * TREES_ROWS ? 200 : 50);
}

/* ---- retraining ---- */

static void write_retrain(const struct lw_draft *d, struct lw_buf *out) {
    const struct lw_draft_pace *p = &d->pace;
    char line[200];
    lw_buf_printf(out, "\nretrain:\n");
    snprintf(line, sizeof line, "  bootstrap: {rows: %.0f}", p->bootstrap_rows);
    lw__draft_write_line(out, line,
                         "version 1: after %.2g days of this rate, at %.4g events a day",
                         p->bootstrap_rows / p->per_day, p->per_day);
    snprintf(line, sizeof line, "  holdout: %s", length_text(p->holdout_ms).text);
    lw__draft_write_line(out, line, "about %.3g events%s",
                         p->per_day * (double)p->holdout_ms / (double)LW_DAY,
                         p->known && p->holdout_ms < 2 * LW_DAY
                             ? ": a quarter of the sample, which is short; set 2d or more"
                             : "");
    snprintf(line, sizeof line, "  window: %s", length_text(p->train_ms).text);
    lw__draft_write_line(out, line, "at most %.3g events in memory",
                         p->per_day * (double)p->train_ms / (double)LW_DAY);
    snprintf(line, sizeof line, "  reference: %s", length_text(p->window_ms[2]).text);
    lw__draft_write_line(out, line, "as long as the longest window");
    if (p->min_rows < 1000)
        lw_buf_printf(out, "  min_rows: %.0f\n", p->min_rows);
    snprintf(line, sizeof line, "  min_fresh: %.0f", p->min_fresh);
    lw__draft_write_line(out, line, "%.2g days", p->min_fresh / p->per_day);
    snprintf(line, sizeof line, "  cooldown: %s", length_text(p->cooldown_ms).text);
    lw__draft_write_line(out, line, "doubles with each rejection, up to four weeks");
    snprintf(line, sizeof line, "  max_age: %s", length_text(p->max_age_ms).text);
    lw__draft_write_line(out, line, "a challenger at least this often");
    lw__draft_write_line(
        out, "  gate: {z: 1}",
        "of a useless challenger 16 %% pass, and are watched on probation");
    lw_buf_printf(out, "  probation: {length: %s}\n", length_text(p->holdout_ms).text);
    lw__draft_write_line(out, "  keep_first: true",
                         "scores version 1, too: the error without any retraining");
}

void lw__draft_write_policy(const struct lw_draft *d, struct lw_buf *out) {
    write_panes(d, out);
    write_rules(d, out);
    lw__draft_write_heading(out, "models");
    write_sets(d, out);
    write_candidates(d, out);
    write_retrain(d, out);
    lw__draft_write_heading(out, "notifications");
    lw__draft_write_line(
        out,
        "alerts:", "how many messages the rules without thresholds may send together");
    lw_buf_printf(out, "  warning: 1 per 30d\n  critical: 1 per 90d\n\n");
    lw_buf_printf(
        out,
        "# webhooks:\n"
        "#   - {name: on-call, url: \"${LEEWAY_WEBHOOK}\", format: json, severity: "
        "warning}\n"
        "#   - {name: chat, url_file: slack.url, format: slack, severity: critical}\n");
}
