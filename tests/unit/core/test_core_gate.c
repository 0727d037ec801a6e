/* The gate compared with figures by SciPy (tests/data/core/make_gate.py), and its
 * boundaries. */
#include "support/core_fixture.h"

#include "core/train.h"
#include "drift/special.h"

struct rows {
    struct lw_spec *spec;
    struct lw_dataset *ds;
    size_t n;
    double champion[1000], challenger[1000];
};

static void rows_init(struct rows *r) {
    *r = (struct rows){.spec = core_spec_new()};
    r->ds = lw_dataset_new(r->spec->train);
}

static void rows_fini(struct rows *r) {
    lw_dataset_free(r->ds);
    core_spec_free(r->spec);
}

static void add(struct rows *r, int64_t t, double y, double champion, double challenger) {
    struct core_event e;
    core_event_set(r->spec, &e, t, 1, 1, y);
    lw_dataset_add(r->ds, &e.row);
    r->champion[r->n] = champion;
    r->challenger[r->n++] = challenger;
}

/* A label outside the configured range: the gate does not check it. */
static void add_label(struct rows *r, int64_t t, double y, double champion,
                      double challenger) {
    struct core_event e;
    core_event_set(r->spec, &e, t, 1, 1, 1);
    e.row.target = y;
    lw_dataset_add(r->ds, &e.row);
    r->champion[r->n] = champion;
    r->challenger[r->n++] = challenger;
}

/* All rows are held out, and no history tells how much blocks differ. */
static struct lw_gate_rows rows_of(const struct rows *r) {
    return (struct lw_gate_rows){.ds = r->ds,
                                 .end = r->n,
                                 .champion = r->champion,
                                 .challenger = r->challenger,
                                 .until_ms =
                                     r->n ? lw_dataset_time(r->ds, r->n - 1) + 1 : 0};
}

/* The z of the same probability as Student's t. */
static double z_of(double t, double df) {
    return -lw_special_normal_quantile(lw_special_student_sf(t, df));
}

static struct lw_gate judge(const struct rows *r, double min_gain, double z) {
    r->spec->retrain.gate =
        (struct lw_gate_spec){.min_gain = min_gain, .z = z, .block_ms = LW_WEEK};
    struct lw_gate gate;
    const struct lw_gate_rows rows = rows_of(r);
    lw_gate_judge(r->spec, &rows, &gate);
    assert_true(gate.reason[0] != '\0');
    return gate;
}

static void close_to(double got, double want) {
    assert_true(fabs(got - want) < 1e-9 * fabs(want));
}

static void the_gate_agrees_with_scipy(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    struct lw_err err = {0};
    size_t len, n, blocks;
    double gain, z, a, b;
    char *text =
        lw_read_file(LW_SOURCE_DIR "/tests/data/core/gate.txt", 1 << 20, &len, &err);
    if (!text)
        fail_msg("%s", err.msg);
    char *p = text;
    n = strtoul(p, &p, 10);
    blocks = strtoul(p, &p, 10);
    gain = strtod(p, &p);
    z = strtod(p, &p);
    a = strtod(p, &p);
    b = strtod(p, &p);
    rows_init(r);
    for (size_t i = 0; i < n; i++) {
        int64_t t = strtoll(p, &p, 10);
        double y = strtod(p, &p), champion = strtod(p, &p);
        add(r, t, y, champion, strtod(p, &p));
    }
    free(text);
    assert_true(n > 500 && gain > .05 && z > 2);
    z = z_of(z, (double)blocks - 1);
    struct lw_gate g = judge(r, gain - 1e-9, z - 1e-6);
    assert_int_equal(g.n, n);
    assert_int_equal(g.blocks, blocks);
    close_to(g.gain, gain);
    close_to(g.z, z);
    close_to(g.champion_error, a);
    close_to(g.challenger_error, b);
    assert_true(g.passed);
    assert_false(judge(r, gain + 1e-9, 0).passed);
    assert_false(judge(r, 0, z + 1e-6).passed);
    memcpy(r->challenger, r->champion, sizeof r->champion); /* nor the other way */
    assert_false(judge(r, 0, 0).passed);
    rows_fini(r);
    free(r);
}

static void equal_models_never_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    for (int i = 0; i < 300; i++)
        add(r, CORE_START + i * 7 * LW_MINUTE, 20 + i % 5, 21, 21);
    struct lw_gate g = judge(r, 0, 0);
    assert_false(g.passed);
    assert_true(g.gain == 0 && g.z == 0);
    assert_null(strstr(g.reason, "one hour")); /* there is no gain */
    assert_false(judge(r, -1, -1).passed);     /* with any configuration */
    rows_fini(r);
    free(r);
}

static void a_certain_but_tiny_gain_does_not_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    rows_init(r);
    for (int i = 0; i < 900; i++) {
        double e = 1 + .01 * lw_rng_unit(&rng);
        add(r, CORE_START + i * 4 * LW_MINUTE, 20, 20 + e, 20 + e * .999);
    }
    struct lw_gate g = judge(r, .01, 2);
    assert_true(g.z > 15 && g.gain > .0015 && g.gain < .0025);
    assert_false(g.passed);
    assert_null(strstr(g.reason, "one hour"));
    assert_true(judge(r, .0015, 2).passed);
    rows_fini(r);
    free(r);
}

static void one_block_of_time_is_not_enough(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    for (int i = 0; i < 500; i++)
        add(r, CORE_START + i, 20, 30 + i % 3, 20);
    struct lw_gate g = judge(r, .01, .1);
    assert_int_equal(g.blocks, 1);
    assert_true(g.gain == 1 && g.z == 0);
    assert_false(g.passed);
    rows_fini(r);
    free(r);
}

/* n rows, ten per hour, on which the challenger errs by `b` and the champion by `a`. */
static void err_by(struct rows *r, int n, double a, double b) {
    for (int i = 0; i < n; i++)
        add(r, CORE_START + i * 6 * LW_MINUTE, 20, 20 + a * (i % 2 ? 1 : -1),
            20 + b * (i % 2 ? 1 : -1));
}

/* Labels far from all predictions: the model that is slightly nearer to them would win
 * through them alone. */
static void labels_far_from_all_predictions_do_not_decide(void **state) {
    (void)state;
    static const int rows[] = {100, 250, 600};
    struct rows *r = lw_malloc(sizeof *r);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        for (int handful = 1; handful <= 5; handful++) {
            rows_init(r);
            err_by(r, rows[k], 1, 1.1); /* the challenger is worse ... */
            for (int i = 0; i < handful; i++)
                add_label(r, CORE_START + (i + 1) * LW_HOUR, 1e6, 20, 24);
            struct lw_gate g = judge(r, 0, -1000);
            if (g.passed)
                fail_msg("%d of %d decide: %s", handful, rows[k], g.reason);
            rows_fini(r);
        }
    free(r);
}

/* The whole gain is in one hour of sixty. */
static void a_gain_in_one_block_does_not_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    for (int k = 0; k < 3; k++) {
        static const double rest[] = {1.01, 1, .999};
        rows_init(r);
        for (int i = 0; i < 600; i++) {
            bool loud = i / 10 == 30;
            add(r, CORE_START + i * 6 * LW_MINUTE, 20, 20 + (loud ? 5 : 1),
                20 + (loud ? 3 : rest[k]));
        }
        struct lw_gate g = judge(r, 0, 0);
        assert_true(g.gain > .05 && g.z > 0);
        assert_int_equal(g.passed, k == 2);
        assert_int_equal(strstr(g.reason, "one hour") != NULL, k != 2);
        rows_fini(r);
    }
    free(r);
}

/* Certain, everywhere, and too small to matter. */
static void a_gain_within_rounding_does_not_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    for (int k = 0; k < 2; k++) {
        rows_init(r);
        for (int i = 0; i < 900; i++) {
            double e = 1 + .1 * (i % 7);
            add(r, CORE_START + i * 4 * LW_MINUTE, 20, 20 + e,
                20 + e * (1 - (k ? .00026 : .00024))); /* gain: twice that */
        }
        assert_int_equal(judge(r, 0, 0).passed, k);
        rows_fini(r);
    }
    free(r);
}

static void two_blocks_are_enough(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    for (int i = 0; i < 40; i++)
        add(r, CORE_START + i * 3 * LW_MINUTE, 20, 20 + 3 + .001 * i, 20 + 1);
    struct lw_gate g = judge(r, 0, 0);
    assert_int_equal(g.blocks, 2);
    assert_true(g.z > 0 && g.passed);
    assert_true(judge(r, g.gain, g.z).passed); /* exactly the required gain is enough */
    rows_fini(r);
    free(r);
}

/* Rows before and after the requested range do not matter. */
static void only_the_given_range_of_rows_counts(void **state) {
    (void)state;
    struct rows *whole = lw_malloc(sizeof *whole), *part = lw_malloc(sizeof *part);
    struct lw_gate gate;
    rows_init(whole);
    rows_init(part);
    for (int i = 0; i < 500; i++) {
        bool in = i >= 130 && i < 410;
        double champion = in ? 22 + i % 3 : 20, challenger = in ? 21 + i % 4 / 4.0 : 4000;
        int64_t t = CORE_START + i * 6 * LW_MINUTE;
        if (i == 250)
            champion = challenger = 1e5;
        add(whole, t, 20, champion, challenger);
        if (in)
            add(part, t, 20, champion, challenger);
    }
    whole->spec->retrain.gate = (struct lw_gate_spec){.block_ms = LW_WEEK};
    struct lw_gate_rows rows = rows_of(whole);
    rows.from = rows.begin = 130;
    rows.end = 410;
    rows.champion += 130;
    rows.challenger += 130;
    rows.until_ms = lw_dataset_time(whole->ds, 409) + 1;
    lw_gate_judge(whole->spec, &rows, &gate);
    struct lw_gate want = judge(part, 0, 0);
    assert_true(want.passed && want.n == 280);
    assert_memory_equal(&gate, &want, sizeof gate);
    rows_fini(whole);
    rows_fini(part);
    free(whole);
    free(part);
}

static void the_reason_gives_the_figures(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    for (int i = 0; i < 40; i++)
        add(r, CORE_START + i * 3 * LW_MINUTE, 20, 24, i < 20 ? 22 : 21);
    assert_string_equal(
        judge(r, .125, .5).reason,
        "better on 40 held-out rows: RMSE 1.581 against 4.000, gain 84.4% "
        "(needs 12.5%), z 1.81 (needs 0.50)");
    rows_fini(r);
    free(r);
}

static void no_rows_do_not_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    assert_false(judge(r, 0, 0).passed);
    rows_fini(r);
    free(r);
}

/* Forty hours of ten rows; the challenger is far better except where `spoil` says
 * otherwise. */
static void fill(struct rows *r, double noise) {
    struct lw_rng rng;
    lw_rng_seed(&rng, 3);
    for (int i = 0; i < 400; i++) {
        double y = 10 + lw_rng_normal(&rng);
        add(r, CORE_START + i * 6 * LW_MINUTE, y, y + 2 * lw_rng_normal(&rng),
            y + noise * lw_rng_normal(&rng));
    }
}

static void predictions_that_are_not_finite_lose(void **state) {
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < 3; k++) {
        struct rows *r = lw_malloc(sizeof *r);
        rows_init(r);
        fill(r, 1);
        r->challenger[77] = bad[k];
        struct lw_gate gate = judge(r, -1, -10);
        assert_false(gate.passed);
        assert_true(isfinite(gate.gain) && isfinite(gate.z));
        r->challenger[77] = 10;
        r->champion[78] = bad[k]; /* one row in 400 without a pair */
        gate = judge(r, 0, 1.645);
        assert_true(gate.passed && isfinite(gate.champion_error));
        assert_non_null(strstr(gate.reason, "better on"));
        for (size_t i = 0; i < 400; i++)
            r->champion[i] = bad[k]; /* a champion that cannot predict has lost */
        gate = judge(r, 0, 1.645);
        assert_true(gate.passed);
        assert_non_null(strstr(gate.reason, "no finite prediction for 400 of 400"));
        rows_fini(r);
        free(r);
    }
}

static void errors_too_large_to_square_do_not_pass(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    fill(r, 1);
    for (size_t i = 0; i < 400; i++) {
        r->champion[i] *= 1e200;
        r->challenger[i] *= 1e190;
    }
    struct lw_gate gate = judge(r, -1, -10);
    assert_false(gate.passed);
    assert_non_null(strstr(gate.reason, "too large"));
    rows_fini(r);
    free(r);
}

/* Four labels of a million: without bounds both errors would be 14142.1. */
static void absurd_labels_are_bounded(void **state) {
    (void)state;
    struct rows *r = lw_malloc(sizeof *r);
    rows_init(r);
    fill(r, 1);
    for (int i = 0; i < 4; i++)
        add(r, CORE_START + (400 + i) * 6 * LW_MINUTE, 1e6, 10, 10);
    struct lw_gate gate = judge(r, .05, 1.645);
    assert_true(gate.passed);
    assert_true(gate.champion_error < 100);
    rows_fini(r);
    rows_init(r);
    fill(r, 2); /* as good as the champion */
    for (int i = 0; i < 4; i++)
        add(r, CORE_START + (400 + i) * 6 * LW_MINUTE, 1e6, 10, 30); /* nearer */
    gate = judge(r, .02, 1.645);
    assert_false(gate.passed);
    rows_fini(r);
    free(r);
}

/* ---- nominal means nominal ---- */

#define RIVALS  12
#define HISTORY (28 * 24) /* hours */
#define HOLDOUT (2 * 24)
#define DAYS    ((HISTORY + HOLDOUT) / 24)

/* How the errors of a stream depend on each other, in standard deviations. */
struct dependence {
    double day, hour, keeps;
};

/* Rows of a stream, a champion, and rivals whose expected loss is the same: each errs by
 * as much, in part everywhere and in part by zone. */
struct contest {
    struct lw_spec *spec;
    struct lw_dataset *ds;
    size_t n, hold;
    double answer[RIVALS + 1][8 * (HISTORY + HOLDOUT)], loss[RIVALS];
    double hours[RIVALS * HOLDOUT], blocks[RIVALS * DAYS];
    bool alike; /* no rival has a part everywhere: they share their level */
    struct lw_rng rng;
};

static double rival_error(const struct contest *c, size_t rival, int zone, double size) {
    static const int step[] = {1, 3, 7, 9};
    double angle = 3.14159 * (double)rival / RIVALS;
    if (c->alike && rival < RIVALS)
        angle = 3.14159 / 2;
    bool half = (zone * step[rival % 4] + (int)rival) % 10 < 5; /* of ten zones */
    return size * (cos(angle) + sin(angle) * (half ? 1 : -1));
}

/* gain: how much smaller the rivals' errors are than the champion's. */
static void contest_hour(struct contest *c, int hour, double shared, double gain) {
    for (int i = 0; i < 3; i++) {
        struct core_event e;
        int zone = (int)lw_rng_below(&c->rng, 10);
        double truth = 500 + zone, y = truth + 3 * (shared + lw_rng_normal(&c->rng));
        int64_t at = CORE_START + hour * LW_HOUR + i * 17 * LW_MINUTE;
        core_event_set(c->spec, &e, at, zone, 1, y);
        lw_dataset_add(c->ds, &e.row);
        for (size_t j = 0; j <= RIVALS; j++) {
            double size = gain > 0 ? 2.4 * (j < RIVALS ? 1 - gain : 1) : .9;
            double answer = truth + rival_error(c, j, zone, size), d = answer - y;
            c->answer[j][c->n] = answer;
            if (j == RIVALS)
                continue;
            if (hour < HISTORY) {
                c->blocks[j * DAYS + DAYS - 1 - (size_t)hour / 24] += d * d;
                continue;
            }
            c->loss[j] += d * d;
            c->hours[j * HOLDOUT + (size_t)(hour - HISTORY)] += d * d;
        }
        c->n++;
    }
}

static void contest_draw(struct contest *c, const struct dependence *d, double gain) {
    double day = 0, hourly = d->hour * lw_rng_normal(&c->rng);
    c->ds = lw_dataset_new(c->spec->train);
    c->n = 0;
    memset(c->loss, 0, sizeof c->loss);
    memset(c->hours, 0, sizeof c->hours);
    memset(c->blocks, 0, sizeof c->blocks);
    for (int hour = 0; hour < HISTORY + HOLDOUT; hour++) {
        if (hour % 24 == 0)
            day = d->day * lw_rng_normal(&c->rng);
        hourly = d->keeps * hourly +
                 d->hour * sqrt(1 - d->keeps * d->keeps) * lw_rng_normal(&c->rng);
        if (hour == HISTORY)
            c->hold = c->n;
        contest_hour(c, hour, day + hourly, gain);
    }
}

static struct contest *contest_new(uint64_t seed) {
    struct contest *c = lw_calloc(1, sizeof *c);
    c->spec = core_spec_new();
    c->spec->retrain.gate = (struct lw_gate_spec){.z = 1.645, .block_ms = LW_DAY};
    lw_rng_seed(&c->rng, seed);
    return c;
}

static void contest_free(struct contest *c) {
    core_spec_free(c->spec);
    free(c);
}

/* The hold-out, with the first rival as the challenger. */
static struct lw_gate_rows contest_rows(const struct contest *c) {
    return (struct lw_gate_rows){.ds = c->ds,
                                 .begin = c->hold,
                                 .end = c->n,
                                 .champion = c->answer[RIVALS],
                                 .challenger = c->answer[0],
                                 .until_ms = CORE_START + (HISTORY + HOLDOUT) * LW_HOUR};
}

static struct lw_trial_losses contest_losses(struct contest *c) {
    return (struct lw_trial_losses){.ntrials = RIVALS,
                                    .from_ms = CORE_START + HISTORY * LW_HOUR,
                                    .nhours = HOLDOUT,
                                    .hour = c->hours,
                                    .nblocks = DAYS,
                                    .block = c->blocks};
}

/* Shares of contests in which the first rival passes, and in which the best does. */
static void contest_passes(const struct dependence *d, double gain, double *one,
                           double *best_of) {
    enum { RUNS = 200 };
    struct contest *c = contest_new(5);
    *one = *best_of = 0;
    for (int run = 0; run < RUNS; run++) {
        size_t best = 0;
        struct lw_gate gate;
        contest_draw(c, d, gain);
        for (size_t j = 1; j < RIVALS; j++)
            best = c->loss[j] < c->loss[best] ? j : best;
        struct lw_trial_losses losses = contest_losses(c);
        struct lw_gate_rows rows = contest_rows(c);
        lw_gate_judge(c->spec, &rows, &gate);
        *one += gate.passed / (double)RUNS;
        assert_int_equal(gate.history, 28);
        rows.challenger = c->answer[best];
        rows.trials = &losses;
        lw_gate_judge(c->spec, &rows, &gate);
        assert_true(gain > 0 || gate.needs > 1.645);
        *best_of += gate.passed / (double)RUNS;
        lw_dataset_free(c->ds);
    }
    contest_free(c);
}

static const struct dependence dependences[] = {
    {0, 0, 0}, {.1, 0, 0}, {.3, 0, 0}, {0, .3, .9}};

/* At most 1.3 times 5 %, and two standard errors of 200 contests. */
static void equal_models_pass_as_seldom_as_z_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof dependences / sizeof *dependences; i++) {
        double one, best;
        contest_passes(&dependences[i], 0, &one, &best);
        if (one > .065 + .035 || best > .065 + .035)
            fail_msg("dependence %zu: %.3f, the best of %d %.3f", i, one, RIVALS, best);
    }
}

static void contest_of_one(const struct contest *c, uint32_t looks,
                           struct lw_gate *gate) {
    struct lw_gate_rows rows = contest_rows(c);
    rows.looks = looks;
    lw_gate_judge(c->spec, &rows, gate);
}

/* Equal models on the one of four hold-outs that is the champion's worst. */
static void a_chosen_hold_out_keeps_the_level(void **state) {
    (void)state;
    enum { RUNS = 150, LOOKS = 4 };
    const struct dependence shocks = {.3, 0, 0};
    struct contest *c = contest_new(6);
    double chosen = 0, naive = 0;
    for (int run = 0; run < RUNS; run++) {
        bool passed = false, alone = false;
        for (int look = 0; look < LOOKS; look++) {
            struct lw_gate gate;
            contest_draw(c, &shocks, 0);
            contest_of_one(c, LOOKS, &gate);
            assert_true(fabs(gate.needs - 2.2340) < 1e-3);
            passed |= gate.passed;
            contest_of_one(c, 1, &gate);
            alone |= gate.passed;
            lw_dataset_free(c->ds);
        }
        chosen += passed / (double)RUNS;
        naive += alone / (double)RUNS;
    }
    if (chosen > .065 + .035 || naive < chosen + .03)
        fail_msg("%.3f pass, %.3f without the correction", chosen, naive);
    contest_free(c);
}

/* Rivals that share their level gain on the same days: under day shocks, the choice between
 * them costs less than the hours alone would say. */
static void the_choice_is_judged_by_the_days(void **state) {
    (void)state;
    const struct dependence shocks = {.3, 0, 0};
    struct contest *c = contest_new(8);
    double days = 0, hours = 0;
    c->alike = true;
    for (int run = 0; run < 60; run++) {
        struct lw_gate gate;
        contest_draw(c, &shocks, 0);
        struct lw_trial_losses losses = contest_losses(c);
        struct lw_gate_rows rows = contest_rows(c);
        rows.trials = &losses;
        lw_gate_judge(c->spec, &rows, &gate);
        days += gate.needs / 60;
        losses.nblocks = 0;
        lw_gate_judge(c->spec, &rows, &gate);
        hours += gate.needs / 60;
        lw_dataset_free(c->ds);
    }
    if (days > hours - .1 || days < 1.645)
        fail_msg("%.3f by days, %.3f by hours", days, hours);
    contest_free(c);
}

static void a_better_model_passes_in_spite_of_the_days(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof dependences / sizeof *dependences; i++) {
        double one, best;
        contest_passes(&dependences[i], .9, &one, &best);
        if (i < 2 ? best < .8 : best < .3)
            fail_msg("dependence %zu: %.3f, the best of %d %.3f", i, one, RIVALS, best);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_models_pass_as_seldom_as_z_says),
        cmocka_unit_test(a_better_model_passes_in_spite_of_the_days),
        cmocka_unit_test(a_chosen_hold_out_keeps_the_level),
        cmocka_unit_test(the_choice_is_judged_by_the_days),
        cmocka_unit_test(the_gate_agrees_with_scipy),
        cmocka_unit_test(equal_models_never_pass),
        cmocka_unit_test(a_certain_but_tiny_gain_does_not_pass),
        cmocka_unit_test(one_block_of_time_is_not_enough),
        cmocka_unit_test(no_rows_do_not_pass),
        cmocka_unit_test(only_the_given_range_of_rows_counts),
        cmocka_unit_test(the_reason_gives_the_figures),
        cmocka_unit_test(labels_far_from_all_predictions_do_not_decide),
        cmocka_unit_test(a_gain_in_one_block_does_not_pass),
        cmocka_unit_test(a_gain_within_rounding_does_not_pass),
        cmocka_unit_test(two_blocks_are_enough),
        cmocka_unit_test(predictions_that_are_not_finite_lose),
        cmocka_unit_test(errors_too_large_to_square_do_not_pass),
        cmocka_unit_test(absurd_labels_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
