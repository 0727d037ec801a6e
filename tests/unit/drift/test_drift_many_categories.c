/* Categories past the cap, from a hundred levels to half a million: without a change none
 * is reported; a real change is found; the share of new categories is estimated
 * correctly. All draws are seeded; a failure prints its case. */
#include "drift_test.h"

#include "columns.h"
#include "drift/stats.h"

/* docs/statistics.md has the rates over 100 seeds. */
enum { SEEDS = 30, PANES = 24 };

/* Draws levels by a distribution: 0 uniform, else shares that fall as 1 / rank^law. */
struct law {
    int levels;
    double law;
    double *cumulative;
};

static struct law law_of(int levels, double law) {
    struct law l = {levels, law, malloc((size_t)levels * sizeof(double))};
    double sum = 0.0;
    for (int i = 0; i < levels; i++)
        l.cumulative[i] = sum += pow(i + 1, -law);
    return l;
}

static int draw(const struct law *l, struct lw_rng *rng) {
    double u = lw_rng_unit(rng) * l->cumulative[l->levels - 1];
    int lo = 0, hi = l->levels - 1;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (l->cumulative[mid] <= u)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Collects n values in panes that are merged, as for windows and references. */
static struct lw_cats *collect(const struct law *l, struct lw_rng *rng, int n, int panes,
                               int (*change)(int level, struct lw_rng *rng)) {
    struct lw_cats *all = lw_cats_new(LW_CATS_CAP_DEFAULT);
    for (int p = 0; p < panes; p++) {
        struct lw_cats *pane = lw_cats_new(LW_CATS_CAP_DEFAULT);
        for (int i = 0; i < n / panes; i++) {
            int level = draw(l, rng);
            lw_cats_add_int(pane, change ? change(level, rng) : level, 1);
        }
        lw_cats_merge(all, pane);
        lw_cats_free(pane);
    }
    return all;
}

struct finding {
    double p, psi, unseen_p, unseen, expected, linf;
    bool known;
};

static struct finding compare(const struct law *l, uint64_t seed, int n, int m,
                              int (*change)(int level, struct lw_rng *rng)) {
    struct lw_rng rng;
    struct lw_cells cells = {0};
    lw_rng_seed(&rng, seed);
    struct lw_cats *ref = collect(l, &rng, n, PANES, NULL);
    struct lw_cats *cur = collect(l, &rng, m, PANES / 4, change);
    struct lw_cats_diff d = lw_cells_categories(&cells, ref, cur);
    struct lw_chi2 test = lw_drift_chi_square(&cells);
    struct finding f = {test.p,     lw_drift_psi_corrected(&cells, test.null_psi),
                        d.p,        d.unseen,
                        d.expected, d.linf,
                        d.known};
    lw_cells_fini(&cells);
    lw_cats_free(ref);
    lw_cats_free(cur);
    return f;
}

static const struct {
    int levels;
    double law;
    int n, m;
} cases[] = {
    {100, 0.0, 20000, 5000},     {100, 1.0, 20000, 5000},     {1500, 0.5, 10000, 10000},
    {2000, 0.0, 20000, 5000},    {2000, 1.0, 20000, 5000},    {5000, 0.0, 20000, 20000},
    {5000, 1.0, 20000, 5000},    {20000, 0.0, 40000, 10000},  {20000, 1.0, 40000, 10000},
    {500000, 0.0, 40000, 10000}, {500000, 1.0, 40000, 10000},
};

/* The true share of new values, on average. */
static double unseen_of(const struct law *l, int n) {
    double sum = 0.0, all = l->cumulative[l->levels - 1];
    for (int i = 0; i < l->levels; i++) {
        double p = (l->cumulative[i] - (i ? l->cumulative[i - 1] : 0.0)) / all;
        sum += p * pow(1.0 - p, n);
    }
    return sum;
}

static void no_change_is_reported_without_one(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(cases); k++) {
        struct law l = law_of(cases[k].levels, cases[k].law);
        size_t known = 0, low = 0, low_unseen = 0, fires = 0;
        double mean = 0.0, expected = 0.0, worst = 0.0;
        double truth = unseen_of(&l, cases[k].n);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct finding f = compare(&l, seed, cases[k].n, cases[k].m, NULL);
            low += f.p < 0.05;
            low_unseen += f.unseen_p < 0.05;
            fires += f.p < 1e-4 || f.unseen_p < 1e-4 || f.psi > 0.1;
            if (!f.known) { /* then nothing is reported */
                assert_true(f.unseen_p == 1.0 && f.unseen == 0.0);
                continue;
            }
            known++;
            mean += f.unseen;
            expected += f.expected;
            worst = fmax(worst, fabs(f.unseen - truth));
        }
        mean /= (double)known;
        expected /= (double)known;
        printf(
            "%6d levels, law %g: known %zu, p < .05 %zu, unseen %zu of %d; unseen %.4f, expected %.4f, worst %.4f\n",
            cases[k].levels, cases[k].law, known, low, low_unseen, SEEDS, mean, expected,
            worst);
        assert_true(known >= 3);
        if (low > 6 || low_unseen > 6 || fires > 0)
            fail_msg("p < .05: %zu and %zu, fired: %zu", low, low_unseen, fires);
        check_near(mean, truth, 0.15, 0.002);
        check_near(expected, truth, 0.15, 0.002);
        free(l.cumulative);
    }
}

/* Three in ten values in one new category; a fifth in a thousand new ones; the heavy half
 * moved up; or every level replaced by another one. */
static int one_new(int level, struct lw_rng *rng) {
    return lw_rng_unit(rng) < 0.3 ? -7 : level;
}
static int many_new(int level, struct lw_rng *rng) {
    return lw_rng_unit(rng) < 0.2 ? -1 - (int)lw_rng_below(rng, 1000) : level;
}
static int first_half(int level, struct lw_rng *rng) {
    (void)rng;
    return level / 2;
}
static int others(int level, struct lw_rng *rng) {
    (void)rng;
    return level + 1000000;
}

static void a_real_change_is_found(void **state) {
    (void)state;
    enum { RUNS = 4 };
    for (size_t k = 0; k < COUNT(cases); k++) {
        struct law l = law_of(cases[k].levels, cases[k].law);
        bool new_is_rare = unseen_of(&l, cases[k].n) < 0.5;
        for (uint64_t seed = 1; seed <= RUNS; seed++) {
            struct finding f = compare(&l, seed, cases[k].n, cases[k].m, one_new);
            if (f.p > 1e-6 || f.linf < 0.25)
                fail_msg("%d levels, one new: p %g linf %g", cases[k].levels, f.p,
                         f.linf);
            f = compare(&l, seed, cases[k].n, cases[k].m, many_new);
            double least = cases[k].levels <= 5000 ? 1e-4 : 0.05; /* fewer are sampled */
            if (f.known && new_is_rare &&
                (f.unseen_p > least || f.unseen - f.expected < 0.05))
                fail_msg("%d levels, law %g, many new: unseen %g, expected %g, p %g",
                         cases[k].levels, cases[k].law, f.unseen, f.expected, f.unseen_p);
            f = compare(&l, seed, cases[k].n, cases[k].m, first_half);
            if (cases[k].levels <= 5000 && f.p > 1e-6)
                fail_msg("%d levels, law %g, first half: p %g psi %g", cases[k].levels,
                         cases[k].law, f.p, f.psi);
            f = compare(&l, seed, cases[k].n, cases[k].m, others);
            if (f.known && (f.unseen < 0.97 || (new_is_rare && f.unseen_p > 1e-4)))
                fail_msg("%d levels, law %g, all new: unseen %g, p %g", cases[k].levels,
                         cases[k].law, f.unseen, f.unseen_p);
        }
        free(l.cumulative);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_change_is_reported_without_one),
        cmocka_unit_test(a_real_change_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
