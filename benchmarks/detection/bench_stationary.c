/* Measures false alarms and false promotions on streams in which nothing changes.
 *
 *   bench_stationary CONFIG [--seeds N] [--days N] [--rate EVENTS]... [--gate N]
 *                          [--z Z] [--log] [STREAM...]
 *
 * For each made stream (made.h), rate and seed: the whole loop with the configuration's
 * rules, retraining, gate and probation. Per year of event time after the first two
 * months, in which the versions still learn the stream: warnings, critical alerts,
 * retrains and those of them that a rule asked for, and promotions. Then, of the promotions
 * that were followed for a week, those that did worse than the replaced version with 95 %
 * confidence. At last the target shifts by half a standard deviation of the noise: the
 * hours from there to the first notification, to the first training that a rule asked for,
 * and to the first of both.
 *
 * --log: also prints each training. --z Z: replaces the configuration's gate.z.
 * --gate N: N times, the gate alone on a champion and a challenger with the same expected
 * loss; on the best of twelve such challengers; and on the best of twelve on the first day
 * of the hold-out, judged on the second (nested). The share that passes at z = 1.645 (or
 * --z) is nominally 5 %. Then the same for challengers whose systematic error is half as large:
 * the power. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "core/backtest.h"
#include "core/gate.h"
#include "made.h"

#define HOUR_MAX  8192
#define RATES_MAX 8
#define LEARNING  (60 * LW_DAY)
#define AFTER     (21 * LW_DAY) /* the shift */
#define SHIFT     0.5
#define RIVALS    12
#define HISTORY   (28 * 24) /* hours before the gate's hold-out */
#define HOLDOUT   (2 * 24)
#define DAYS      ((HISTORY + HOLDOUT) / 24)

enum { NOTIFIED, ASKED, FIRST, WAYS_TO_FIND };

struct counts {
    double warnings, criticals, retrains, asked, promotions, judged, worse;
    double days;
    int64_t from_ms, shift_ms, now_ms;
    int64_t found_ms[WAYS_TO_FIND]; /* in this run; 0: not yet */
    unsigned found[WAYS_TO_FIND];   /* runs */
    double delay[WAYS_TO_FIND];     /* hours, their sum */
    bool log;
};

struct bench {
    struct lw_config *config;
    unsigned seeds, days, gates;
    bool log;
    size_t nrates;
    double rate[RATES_MAX];
};

static void run_or_exit(int rc, const struct lw_err *err) {
    if (rc == 0)
        return;
    fprintf(stderr, "bench_stationary: %s\n", err->msg);
    exit(1);
}

static void start(const struct bench *bench, struct made_stream *s,
                  const struct made_kind *kind, double rate, uint64_t seed) {
    if (made_init(s, kind, &bench->config->spec.event.fields, rate, seed)) {
        fprintf(stderr, "bench_stationary: the fields are not those of made.avsc\n");
        exit(1);
    }
}

static bool counting(const struct counts *c, int64_t at_ms) {
    return at_ms >= c->from_ms && at_ms < c->shift_ms;
}

static void found(struct counts *c, int way, int64_t at_ms) {
    if (at_ms <= c->shift_ms || c->found_ms[way])
        return;
    c->found_ms[way] = at_ms;
    c->found[way]++;
    c->delay[way] += (double)(at_ms - c->shift_ms) / (double)LW_HOUR;
    if (way != FIRST)
        found(c, FIRST, at_ms);
}

static bool rule_asked(const struct lw_request *request) {
    return strncmp(request->reason, "rule ", 5) == 0;
}

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct counts *c = arg;
    c->now_ms = e->at_ms;
    for (size_t i = 0; i < e->nalerts; i++) {
        const struct lw_alert *a = &e->alert[i];
        bool critical = a->severity == LW_SEVERITY_CRITICAL;
        if (!a->firing)
            continue;
        c->warnings += counting(c, a->at_ms) && !critical;
        c->criticals += counting(c, a->at_ms) && critical;
        found(c, NOTIFIED, a->at_ms);
    }
    if (e->request.id && rule_asked(&e->request))
        found(c, ASKED, e->at_ms);
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *training, const char *failure) {
    struct counts *c = arg;
    char when[32];
    (void)version;
    if (c->log)
        printf("  %s %s: %s\n", lw_format_time(when, sizeof when, c->now_ms),
               request->reason, training ? training->gate.reason : failure);
    if (!counting(c, c->now_ms))
        return;
    c->retrains++;
    c->asked += rule_asked(request);
    c->promotions += training && training->gate.passed;
}

static void on_followed(void *arg, const struct lw_followed *f) {
    struct counts *c = arg;
    if (!counting(c, f->from_ms) || f->until_ms > c->shift_ms)
        return;
    c->judged++;
    c->worse += f->worse;
}

static void one_run(const struct bench *bench, const struct made_kind *kind, double rate,
                    uint64_t seed, struct counts *c) {
    const struct lw_spec *spec = &bench->config->spec;
    struct made_stream stream;
    start(bench, &stream, kind, rate, seed);
    c->from_ms = stream.hour_ms + LEARNING;
    c->shift_ms = c->from_ms + bench->days * LW_DAY;
    memset(c->found_ms, 0, sizeof c->found_ms);
    c->days += bench->days;
    struct lw_backtest_hooks hooks = {.arg = c,
                                      .evaluated = on_evaluated,
                                      .trained = on_trained,
                                      .followed = on_followed};
    struct lw_backtest *b = lw_backtest_new(spec, &hooks);
    struct made_event *event = lw_malloc(HOUR_MAX * sizeof *event);
    struct lw_err err = {0};
    while (stream.hour_ms < c->shift_ms + AFTER &&
           !(c->found_ms[NOTIFIED] && c->found_ms[ASKED])) {
        stream.shift = stream.hour_ms >= c->shift_ms ? SHIFT : 0;
        size_t n = made_hour(&stream, event, HOUR_MAX);
        for (size_t i = 0; i < n; i++) {
            struct lw_row row;
            int reason = lw_event_row(&spec->event, event[i].cell, 0, &row, &err);
            run_or_exit(reason < 0, &err);
            run_or_exit(lw_backtest_event(b, &row, reason, &err), &err);
        }
    }
    free(event);
    lw_backtest_free(b);
}

static void measure_loop(const struct bench *bench, const struct made_kind *kind,
                         double rate) {
    struct counts c = {.log = bench->log};
    for (unsigned seed = 1; seed <= bench->seeds; seed++)
        one_run(bench, kind, rate, seed, &c);
    double year = 365 / c.days;
    printf("%-14s %6.0f %8.1f %8.1f %8.1f %6.1f %8.1f  %3.0f of %-4.0f", kind->name, rate,
           year * c.warnings, year * c.criticals, year * c.retrains, year * c.asked,
           year * c.promotions, c.worse, c.judged);
    for (int way = 0; way < WAYS_TO_FIND; way++)
        printf(" %2u/%-2u %4.0f", c.found[way], bench->seeds,
               c.found[way] ? c.delay[way] / c.found[way] : NAN);
    printf("\n");
    fflush(stdout);
}

/* ---- the gate alone ---- */

/* Models with the same expected loss: each errs by a constant part, and by as much more in
 * half of the zones as less in the others. */
struct rival {
    double size, constant, by_zone[MADE_ZONES];
};

static struct rival draw_rival(struct lw_rng *rng, double angle) {
    struct rival r = {.size = 1, .constant = MADE_NOISE * .3 * cos(angle)};
    for (size_t i = 0; i < MADE_ZONES; i++)
        r.by_zone[i] = MADE_NOISE * .3 * sin(angle) * (i % 2 ? 1 : -1);
    for (size_t i = MADE_ZONES - 1; i > 0; i--) {
        size_t j = (size_t)lw_rng_below(rng, i + 1);
        double other = r.by_zone[j];
        r.by_zone[j] = r.by_zone[i];
        r.by_zone[i] = other;
    }
    return r;
}

static double rival_answer(const struct rival *r, const struct made_event *e) {
    return e->truth + r->size * (r->constant + r->by_zone[e->zone]);
}

struct trial_rows {
    struct lw_dataset *ds;
    size_t n, cap, hold, second; /* first rows of the hold-out, of its second day */
    double *answer[RIVALS + 1];  /* the champion's last */
    struct lw_trial_losses losses;
};

static void rows_draw(const struct bench *bench, struct made_stream *s,
                      const struct rival *rival, struct trial_rows *t) {
    struct made_event *event = lw_malloc(HOUR_MAX * sizeof *event);
    struct lw_err err = {0};
    for (int hour = 0; hour < HISTORY + HOLDOUT; hour++) {
        if (hour == HISTORY) {
            t->hold = t->n;
            t->losses.from_ms = s->hour_ms;
        }
        t->second = hour == HISTORY + 24 ? t->n : t->second;
        size_t n = made_hour(s, event, HOUR_MAX);
        while (t->n + n > t->cap) {
            t->cap = t->cap ? 2 * t->cap : 4096;
            for (size_t j = 0; j <= RIVALS; j++)
                t->answer[j] = lw_realloc(t->answer[j], t->cap, sizeof(double));
        }
        for (size_t i = 0; i < n; i++) {
            struct lw_row row;
            run_or_exit(lw_event_row(&bench->config->spec.event, event[i].cell, 0, &row,
                                     &err) < 0,
                        &err);
            lw_dataset_add(t->ds, &row);
            for (size_t j = 0; j <= RIVALS; j++) {
                double answer = rival_answer(&rival[j], &event[i]);
                double loss = (answer - event[i].y) * (answer - event[i].y);
                t->answer[j][t->n] = answer;
                if (hour >= HISTORY && j < RIVALS)
                    t->losses.hour[j * HOLDOUT + (size_t)(hour - HISTORY)] += loss;
                else if (j < RIVALS)
                    t->losses.block[j * DAYS + DAYS - 1 - (size_t)(hour / 24)] += loss;
            }
            t->n++;
        }
    }
    free(event);
}

/* The rival with the smallest loss in the first hours of the hold-out. */
static size_t best_rival(const struct trial_rows *t, size_t hours) {
    double least = INFINITY;
    size_t best = 0;
    for (size_t j = 0; j < RIVALS; j++) {
        double loss = 0;
        for (size_t h = 0; h < hours; h++)
            loss += t->losses.hour[j * HOLDOUT + h];
        if (loss < least) {
            least = loss;
            best = j;
        }
    }
    return best;
}

enum { ONE, BEST, NESTED, WAYS };
struct passes {
    unsigned n[WAYS];
};

static void judge_all(const struct lw_spec *spec, const struct trial_rows *t,
                      int64_t until_ms, struct passes *passes) {
    struct lw_gate gate;
    struct lw_gate_rows rows = {.ds = t->ds,
                                .begin = t->hold,
                                .end = t->n,
                                .champion = t->answer[RIVALS],
                                .challenger = t->answer[0],
                                .until_ms = until_ms};
    lw_gate_judge(spec, &rows, &gate);
    passes->n[ONE] += gate.passed;
    rows.challenger = t->answer[best_rival(t, HOLDOUT)];
    rows.trials = &t->losses;
    lw_gate_judge(spec, &rows, &gate);
    passes->n[BEST] += gate.passed;
    rows.challenger = t->answer[best_rival(t, HOLDOUT / 2)];
    rows.trials = NULL;
    rows.begin = t->second;
    lw_gate_judge(spec, &rows, &gate);
    passes->n[NESTED] += gate.passed;
}

/* size: of the rivals' errors; the champion's is 1. */
static void judge_once(const struct bench *bench, const struct made_kind *kind,
                       double rate, uint64_t seed, double size, struct passes *passes) {
    struct lw_spec spec = bench->config->spec;
    struct made_stream s;
    struct rival rival[RIVALS + 1];
    struct trial_rows t = {
        .ds = lw_dataset_new(spec.train),
        .losses = {.nhours = HOLDOUT, .nblocks = DAYS, .ntrials = RIVALS}};
    t.losses.hour = lw_calloc(RIVALS * HOLDOUT, sizeof *t.losses.hour);
    t.losses.block = lw_calloc(RIVALS * DAYS, sizeof *t.losses.block);
    start(bench, &s, kind, rate, seed);
    for (size_t j = 0; j < RIVALS; j++) {
        rival[j] = draw_rival(&s.rng, 3.14159 * (double)j / RIVALS);
        rival[j].size = size;
    }
    rival[RIVALS] = draw_rival(&s.rng, 3.14159);
    rows_draw(bench, &s, rival, &t);
    judge_all(&spec, &t, s.hour_ms, passes);
    lw_dataset_free(t.ds);
    free(t.losses.hour);
    free(t.losses.block);
    for (size_t j = 0; j <= RIVALS; j++)
        free(t.answer[j]);
}

static void measure_gate(const struct bench *bench, const struct made_kind *kind,
                         double rate) {
    struct passes null = {{0}}, power = {{0}};
    for (unsigned i = 0; i < bench->gates; i++) {
        judge_once(bench, kind, rate, i + 1, 1, &null);
        judge_once(bench, kind, rate, i + 1, .5, &power);
    }
    printf("%-16s %7.0f ", kind->name, rate);
    for (size_t k = 0; k < WAYS; k++)
        printf(" %7.1f %%", 100.0 * null.n[k] / bench->gates);
    for (size_t k = 0; k < WAYS; k++)
        printf(" %7.1f %%", 100.0 * power.n[k] / bench->gates);
    printf("\n");
    fflush(stdout);
}

/* ---- arguments ---- */

static bool option(struct bench *bench, const char *name, const char *value) {
    unsigned n = value ? (unsigned)strtoul(value, NULL, 10) : 0;
    if (value && strcmp(name, "--z") == 0) {
        bench->config->spec.retrain.gate.z = strtod(value, NULL);
        return true;
    }
    if (n == 0)
        return false;
    if (strcmp(name, "--seeds") == 0)
        bench->seeds = n;
    else if (strcmp(name, "--days") == 0)
        bench->days = n;
    else if (strcmp(name, "--gate") == 0)
        bench->gates = n;
    else if (strcmp(name, "--rate") == 0 && bench->nrates < RATES_MAX)
        bench->rate[bench->nrates++] = n;
    else
        return false;
    return true;
}

static bool wanted(const struct made_kind *kind, char **names, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(kind->name, names[i]) == 0)
            return true;
    return n == 0;
}

static void print_head(const struct bench *bench) {
    if (bench->gates)
        printf("gate, z %-6.3f %7s %11s %9s %9s %9s %9s %9s\n",
               bench->config->spec.retrain.gate.z, "a day", "one", "best of 12", "nested",
               "power:one", "best of 12", "nested");
    else
        printf("%-14s %6s %8s %8s %8s %6s %8s  %-11s %-10s %-10s %-10s\n", "a year of",
               "a day", "warnings", "critical", "retrains", "asked", "promoted", "worse",
               "notified h", "asked h", "first h");
}

static void measure_all(const struct bench *bench, char **names, int n) {
    print_head(bench);
    for (size_t k = 0; k < made_nkinds; k++)
        for (size_t r = 0; r < bench->nrates && wanted(&made_kinds[k], names, n); r++) {
            if (bench->gates)
                measure_gate(bench, &made_kinds[k], bench->rate[r]);
            else
                measure_loop(bench, &made_kinds[k], bench->rate[r]);
        }
}

/* Returns the first argument that is not an option. */
static int options(struct bench *bench, int argc, char **argv) {
    int i = 2;
    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        bool log = strcmp(argv[i], "--log") == 0;
        if (!log && !option(bench, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
            break;
        bench->log |= log;
        i += log ? 1 : 2;
    }
    return i;
}

int main(int argc, char **argv) {
    struct bench bench = {.seeds = 3, .days = 365};
    struct lw_err err = {0};
    if (argc < 2 || !(bench.config = lw_config_load(argv[1], &err))) {
        fprintf(stderr,
                "usage: bench_stationary CONFIG [--seeds N] [--days N] "
                "[--rate EVENTS]... [--gate N] [--z Z] [--log] [STREAM...]\n%s\n",
                err.msg);
        return 2;
    }
    int first = options(&bench, argc, argv);
    run_or_exit(first < argc && argv[first][0] == '-'
                    ? lw_fail(&err, LW_ECONFIG, "%s: no such option, or no value for it",
                              argv[first])
                    : 0,
                &err);
    if (!bench.nrates) {
        bench.rate[bench.nrates++] = 300;
        bench.rate[bench.nrates++] = 2500;
    }
    if (bench.gates && !(bench.config->spec.retrain.gate.z > 0))
        bench.config->spec.retrain.gate.z = 1.645;
    measure_all(&bench, argv + first, argc - first);
    lw_config_free(bench.config);
    return 0;
}
