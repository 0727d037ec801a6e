/* leeway backtest --calibrate: settings for a stream, from its own history.
 *
 * The whole policy runs over the files once for each value that is tried, one key after the
 * other. Values are compared on the first two thirds of the scored days. The simplest value
 * wins that is not clearly worse than the best one: fewest retrains among those whose loss
 * is within one standard error of the best, by days (the rule of one standard error;
 * Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984). The
 * last third is used for nothing but the report. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "config/edit.h"
#include "config/tree.h"
#include "core/rule.h"
#include "json/json.h"

#define DAYS_MIN   14 /* scored */
#define VALUES_MAX 4
/* A pause is tried if the first part is so many times as long: else it says nothing. */
#define TIMES_MIN   4
#define RULE_BUDGET "1 per 30d"

/* Tried in this order; the first value is the default of the bundled configurations. */
static const struct calibrate_step {
    const char *key, *value[VALUES_MAX];
} steps[] = {
    {"max_age", {"31d", "7d", "14d", "62d"}},
    {"cooldown", {"5d", "3d", "10d"}},
    {"holdout", {"2d", "4d"}},
};
#define STEPS (sizeof steps / sizeof *steps)

struct calibrate_part {
    struct lw_losses losses;
    unsigned retrains, promotions, alerts, criticals;
};

/* One run: its days, and the sums of both parts. */
struct calibrate_run {
    struct lw_cli_backtest_day *day;
    size_t ndays;
    struct calibrate_part part[2]; /* tuned on, judged on */
};

struct calibration {
    const char *path, *until;
    char **files;
    size_t nfiles;
    struct lw_buf text;           /* the configuration so far */
    int64_t first_day, split_day; /* where the second part begins; 0: not known yet */
    unsigned runs;
    struct calibrate_run best; /* the smallest loss of all runs */
};

static struct calibrate_part *part_of(const struct calibration *c,
                                      struct calibrate_run *run, int64_t day) {
    return &run->part[day >= c->split_day];
}

static void run_sum(const struct calibration *c, const struct lw_cli_backtest *b,
                    struct calibrate_run *run) {
    const struct lw_zone *zone = b->config->spec.zone;
    for (size_t i = 0; i < b->ndays; i++) {
        struct calibrate_part *p = part_of(c, run, b->day[i].day);
        p->losses.task = b->day[i].managed.task;
        p->losses.n += b->day[i].managed.n;
        p->losses.loss += b->day[i].managed.loss;
    }
    for (size_t i = 0; i < b->ntrainings; i++) {
        const struct lw_cli_backtest_training *t = &b->training[i];
        struct calibrate_part *p =
            part_of(c, run, lw_zone_day(zone, t->request.as_of_ms));
        p->retrains += !t->request.bootstrap;
        p->promotions += !t->request.bootstrap && !t->failed && t->t.gate.passed;
    }
    for (size_t i = 0; i < b->nalerts; i++) {
        enum lw_severity severity;
        struct calibrate_part *p = part_of(c, run, lw_zone_day(zone, b->alert[i].at_ms));
        if (!lw_cli_backtest_incident(b, i, &severity))
            continue;
        p->alerts++;
        p->criticals += severity == LW_SEVERITY_CRITICAL;
    }
}

static int calibrate_split(struct calibration *c, const struct lw_cli_backtest *b,
                           struct lw_err *err) {
    if (b->ndays < DAYS_MIN)
        return lw_fail(
            err, LW_EINPUT,
            "%zu days of these files were scored; to calibrate, at least %d are "
            "needed after version 1",
            b->ndays, DAYS_MIN);
    c->first_day = b->day[0].day;
    c->split_day = b->day[b->ndays * 2 / 3].day;
    return 0;
}

/* Runs the policy as `text` has it. LW_ECONFIG when that is no valid configuration. */
static int calibrate_try(struct calibration *c, const struct lw_buf *text,
                         struct calibrate_run *run, struct lw_err *err) {
    char what[32];
    struct lw_cli_backtest b = {.path = c->path, .what = what};
    struct lw_cli_backtest_options options = {.until = c->until};
    struct lw_config *config =
        lw_config_parse((const char *)text->data, text->len, c->path, err);
    *run = (struct calibrate_run){0};
    if (!config)
        return -1;
    if (c->until)
        lw_parse_instant(c->until, strlen(c->until), config->spec.zone,
                         &config->spec.retrain.bootstrap_until_ms);
    b.config = config;
    snprintf(what, sizeof what, "calibrate, run %u", ++c->runs);
    int rc = lw_cli_backtest_run(&b, &options, c->files, c->nfiles, err);
    rc = rc ? rc : c->split_day ? 0 : calibrate_split(c, &b, err);
    if (rc == 0) {
        run_sum(c, &b, run);
        run->day = b.day;
        run->ndays = b.ndays;
        b.day = NULL;
    }
    lw_cli_backtest_fini(&b);
    lw_config_free(config);
    return rc;
}

/* Is a's loss above b's by more than one standard error of the difference between days? */
static bool clearly_worse(const struct calibration *c, const struct calibrate_run *a,
                          const struct calibrate_run *b) {
    double n = 0, mean = 0, squares = 0;
    for (size_t i = 0, j = 0; i < a->ndays && a->day[i].day < c->split_day; i++) {
        while (j < b->ndays && b->day[j].day < a->day[i].day)
            j++;
        if (j == b->ndays || b->day[j].day != a->day[i].day)
            continue;
        double d = a->day[i].managed.loss - b->day[j].managed.loss, apart = d - mean;
        mean += apart / ++n;
        squares += apart * (d - mean);
    }
    return n > 1 && mean > sqrt(squares / (n - 1) / n);
}

static double run_loss(const struct calibrate_run *run) {
    return run->day ? lw_losses_mean(&run->part[0].losses) : INFINITY;
}

static struct calibrate_run run_copy(const struct calibrate_run *run) {
    struct calibrate_run copy = *run;
    copy.day = lw_malloc((run->ndays + 1) * sizeof *copy.day);
    for (size_t i = 0; i < run->ndays; i++)
        copy.day[i] = run->day[i];
    return copy;
}

/* Index of the run to keep; the first one is what the configuration has now. All are
 * compared with the best run so far, so that small losses do not add up. */
static size_t calibrate_choose(struct calibration *c, const struct calibrate_run *run,
                               size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = run_loss(&run[i]) < run_loss(&run[best]) ? i : best;
    if (run_loss(&run[best]) < run_loss(&c->best)) {
        free(c->best.day);
        c->best = run_copy(&run[best]);
    }
    size_t chosen = clearly_worse(c, &run[0], &c->best) ? best : 0;
    for (size_t i = 1; i < n; i++)
        if (run[i].day && !clearly_worse(c, &run[i], &c->best) &&
            run[i].part[0].retrains < run[chosen].part[0].retrains)
            chosen = i;
    return chosen;
}

static bool long_enough(const struct calibration *c, const char *value) {
    int64_t ms = 0;
    return lw_parse_duration(value, &ms) &&
           (c->split_day - c->first_day) * LW_DAY >= TIMES_MIN * ms;
}

/* Tries the values of one key; keeps the chosen text in c->text, its run in *now. */
static int calibrate_key(struct calibration *c, const struct calibrate_step *step,
                         struct calibrate_run *now, struct lw_err *err) {
    struct calibrate_run run[VALUES_MAX + 1] = {*now};
    struct lw_buf text[VALUES_MAX + 1] = {c->text};
    size_t n = 1;
    for (size_t i = 0; i < VALUES_MAX && step->value[i]; i++) {
        struct lw_err why = {0};
        if (!long_enough(c, step->value[i]))
            continue;
        const struct lw_config_change change = {"retrain", step->key, step->value[i]};
        if (lw_config_edit((const char *)c->text.data, c->text.len, c->path, &change,
                           &text[n], err))
            break;
        /* a value that other keys forbid is not for this stream */
        if (calibrate_try(c, &text[n], &run[n], &why))
            run[n].day = NULL;
        n++;
    }
    size_t chosen = err->code ? 0 : calibrate_choose(c, run, n);
    for (size_t i = 0; i <= VALUES_MAX; i++) {
        if (i == chosen)
            continue;
        free(run[i].day);
        lw_buf_fini(&text[i]);
    }
    *now = run[chosen];
    c->text = text[chosen];
    return err->code ? -1 : 0;
}

/* Gives a budget to rules with fixed thresholds that can have one. */
static int calibrate_rules(struct calibration *c, struct calibrate_run *now,
                           struct lw_err *err) {
    struct lw_config *config =
        lw_config_parse((const char *)c->text.data, c->text.len, c->path, err);
    struct lw_buf text = {0}, next = {0};
    bool changed = false;
    int rc = config ? 0 : -1;
    lw_buf_put(&text, c->text.data, c->text.len);
    for (size_t i = 0; rc == 0 && i < config->spec.nrules; i++) {
        const struct lw_rule *rule = &config->spec.rule[i];
        char section[32];
        if (lw_rule_on_budget(rule) || !lw_metric_takes_budget(rule->metric) ||
            lw_metric_of_feed(rule->metric))
            continue;
        snprintf(section, sizeof section, "rules[%zu]", i);
        const struct lw_config_change change = {section, "budget", RULE_BUDGET};
        rc = lw_config_edit((const char *)text.data, text.len, c->path, &change, &next,
                            err);
        struct lw_buf before = text;
        text = next;
        next = before;
        changed = true;
    }
    struct calibrate_run run = {0};
    if (rc == 0 && changed && calibrate_try(c, &text, &run, err) == 0 &&
        run.part[0].alerts <= now->part[0].alerts) {
        free(now->day);
        *now = run;
        lw_buf_clear(&c->text);
        lw_buf_put(&c->text, text.data, text.len);
    } else {
        free(run.day);
    }
    lw_buf_fini(&text);
    lw_buf_fini(&next);
    lw_config_free(config);
    return err->code ? -1 : 0;
}

/* ---- output ---- */

static void put_part(const struct calibrate_part *p, const char *name,
                     struct lw_buf *out) {
    char retrains[32], alerts[32], error[32];
    snprintf(retrains, sizeof retrains, "%u (%u)", p->retrains, p->promotions);
    snprintf(alerts, sizeof alerts, "%u (%u)", p->alerts, p->criticals);
    snprintf(error, sizeof error, "%s",
             lw_digits(p->losses.n ? lw_losses_error(&p->losses) : NAN, 3).text);
    lw_buf_printf(out, "#   %-26s %10s %12s %12s\n", name, error, retrains, alerts);
}

static void put_header(const struct calibration *c, const struct calibrate_run *was,
                       const struct calibrate_run *now, struct lw_buf *out) {
    char from[32], split[32], until[32];
    lw_assert(was->day && was->ndays >= DAYS_MIN);
    lw_format_time(from, sizeof from, was->day[0].day * LW_DAY);
    lw_format_time(split, sizeof split, c->split_day * LW_DAY);
    lw_format_time(until, sizeof until, (was->day[was->ndays - 1].day + 1) * LW_DAY);
    lw_buf_printf(
        out,
        "# Proposed by `leeway backtest --calibrate` after %u runs. Values were "
        "chosen on %.10s to\n# %.10s; %.10s to %.10s was used for this table "
        "only.\n",
        c->runs, from, split, split, until);
    lw_buf_printf(out, "#   %-26s %10s %12s %12s\n", "",
                  was->part[0].losses.task->figure[0].label, "retrains", "alerts");
    put_part(&was->part[0], "as it was, chosen on", out);
    put_part(&now->part[0], "proposed, chosen on", out);
    put_part(&was->part[1], "as it was, judged on", out);
    put_part(&now->part[1], "proposed, judged on", out);
    lw_buf_printf(out, "# retrains (promoted), alerts (critical)\n");
}

static json_t *part_json(const struct calibrate_part *p) {
    json_t *o = json_object();
    lw_json_set_count(o, "scored", p->losses.n);
    lw_json_set_number(o, p->losses.task ? p->losses.task->figure[0].key : "error",
                       p->losses.n ? lw_losses_error(&p->losses) : NAN);
    lw_json_set_count(o, "retrains", p->retrains);
    lw_json_set_count(o, "promotions", p->promotions);
    lw_json_set_count(o, "alerts", p->alerts);
    lw_json_set_count(o, "critical_alerts", p->criticals);
    return o;
}

static void print_json(const struct calibration *c, const struct calibrate_run *was,
                       const struct calibrate_run *now) {
    json_t *o = json_object();
    lw_json_set_count(o, "runs", c->runs);
    lw_json_set_time(o, "judged_from", c->split_day * LW_DAY);
    const struct calibrate_run *run[] = {was, now};
    static const char *const name[] = {"before", "proposed"};
    for (size_t i = 0; i < 2; i++) {
        json_t *both = json_object();
        lw_json_set(both, "chosen_on", part_json(&run[i]->part[0]));
        lw_json_set(both, "judged_on", part_json(&run[i]->part[1]));
        lw_json_set(o, name[i], both);
    }
    lw_json_set_text_cut(o, "config", (const char *)c->text.data, c->text.len);
    lw_cli_print_json(o);
}

static int calibrate_all(struct calibration *c, bool json, struct lw_err *err) {
    struct calibrate_run was, now;
    if (calibrate_try(c, &c->text, &was, err))
        return -1;
    now = run_copy(&was);
    c->best = run_copy(&was);
    int rc = calibrate_rules(c, &now, err);
    for (size_t i = 0; rc == 0 && i < STEPS; i++)
        rc = calibrate_key(c, &steps[i], &now, err);
    struct lw_buf header = {0};
    if (rc == 0 && json) {
        print_json(c, &was, &now);
    } else if (rc == 0) {
        put_header(c, &was, &now, &header);
        fwrite(header.data, 1, header.len, stdout);
        fwrite(c->text.data, 1, c->text.len, stdout);
    }
    lw_buf_fini(&header);
    free(was.day);
    free(now.day);
    free(c->best.day);
    return rc;
}

int lw_cli_backtest_calibrate(const struct lw_cli_backtest_calibration *how,
                              struct lw_err *err) {
    struct calibration c = {.path = how->config,
                            .until = how->until,
                            .files = how->files,
                            .nfiles = how->nfiles};
    size_t len;
    char *text = lw_read_file(how->config, LW_CONFIG_BYTES_MAX, &len, err);
    if (!text)
        return -1;
    lw_buf_put(&c.text, text, len);
    free(text);
    int rc = calibrate_all(&c, how->json, err);
    lw_buf_fini(&c.text);
    return rc;
}
