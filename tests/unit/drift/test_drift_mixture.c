/* A mixture of summaries against the weighted samples themselves, by NumPy and SciPy. */
#include "drift_test.h"

#include "data/drift/golden_mixture.h"
#include "drift/stats.h"
#include "leeway/profile.h"
#include "sketch/mixture.h"

#define K 4096 /* every value is held: the mixture's own rounding is what is tested */

static const struct lw_column columns[] = {
    {.name = "x", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY, .k = K},
    {.name = "zone", .kind = LW_CATEGORY}};

static struct lw_profile *profile_of(const double *x, size_t n, int missing,
                                     const int *zones) {
    struct lw_profile *p = lw_profile_new(columns, 2, 1);
    for (size_t i = 0; i < n; i++)
        lw_profile_add_numeric(p, 0, x[i]);
    for (int i = 0; i < missing; i++)
        lw_profile_add_numeric(p, 0, NAN);
    for (int i = 0; i < 4; i++)
        lw_cats_add_int(p->members[1].cats, i, (uint64_t)zones[i]);
    return p;
}

/* The two parts, the current sample, and a mixture of the parts. */
struct mixed {
    struct lw_profile *part[2], *now;
    struct lw_profile *out;
};

static void member_replace(struct lw_profile *p, size_t i,
                           const struct lw_mixture_part *part, size_t n) {
    lw_kll_free(p->members[i].num.kll);
    lw_tail_free(p->members[i].num.tail);
    lw_cats_free(p->members[i].cats);
    lw_mixture_of(&p->members[i], &columns[i], part, n);
}

static void mixed_make(struct mixed *m, double weight) {
    m->part[0] = profile_of(mixture_part0, COUNT(mixture_part0), mixture_missing[0],
                            mixture_zones0);
    m->part[1] = profile_of(mixture_part1, COUNT(mixture_part1), mixture_missing[1],
                            mixture_zones1);
    m->now = profile_of(mixture_now, COUNT(mixture_now), 0, mixture_zones_now);
    m->out = lw_profile_new(columns, 2, 2);
    for (size_t i = 0; i < 2; i++) {
        struct lw_mixture_part part[2];
        for (size_t k = 0; k < 2; k++) {
            const struct lw_member *member = &m->part[k]->members[i];
            double rows = i ? (double)lw_cats_n(member->cats)
                            : (double)(member->num.n + member->num.missing);
            part[k] = (struct lw_mixture_part){member, k ? 10 - 10 * weight : 10 * weight,
                                               rows};
        }
        member_replace(m->out, i, part, 2);
    }
}

static void mixed_free(struct mixed *m) {
    lw_profile_free(m->part[0]);
    lw_profile_free(m->part[1]);
    lw_profile_free(m->now);
    lw_profile_free(m->out);
}

static void numbers_match(const struct golden_mixture *g, const struct mixed *m) {
    const struct lw_numeric *ref = &m->out->members[0].num,
                            *cur = &m->now->members[0].num;
    double rows = (double)(ref->n + ref->missing);
    struct lw_bins bins = {.nedges = COUNT(mixture_edges)};
    struct lw_cells cells = {0};
    memcpy(bins.edge, mixture_edges, sizeof mixture_edges);
    check_near(rows, g->rows, 0, 1);
    check_near((double)ref->missing / rows, g->missing, 0, 1 / g->rows);
    check_near(ref->moments.mean, g->mean, 1e-12, 0);
    check_near(lw_moments_sd(&ref->moments), g->sd, 1 / g->rows, 0);
    check_near(lw_drift_ks_test(ref->kll, cur->kll).d, g->ks, 0, 1 / g->rows);
    check_near(lw_drift_w1_test(ref, cur).area, g->w1, 0, 2 / g->rows);
    lw_cells_numeric(&cells, ref, cur, &bins);
    check_near(lw_drift_psi(&cells), g->psi, .02, .002);
    lw_cells_fini(&cells);
    assert_int_equal(lw_tail_n(ref->tail), lw_kll_n(ref->kll));
    assert_true(lw_kll_min(ref->kll) == ref->moments.min);
    assert_true(lw_kll_max(ref->kll) == ref->moments.max);
}

static void categories_match(const struct golden_mixture *g, const struct mixed *m) {
    struct lw_cells cells = {0};
    lw_cells_categories(&cells, m->out->members[1].cats, m->now->members[1].cats);
    check_near((double)lw_cats_n(m->out->members[1].cats), g->zone_rows, 0, 0);
    check_near(lw_drift_psi(&cells), g->zone_psi, .005, .0005);
    check_near(lw_drift_chi_square(&cells).stat, g->zone_chi2, .005, .5);
    lw_cells_fini(&cells);
}

static void mixtures_match_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_mixture); i++) {
        struct mixed m;
        mixed_make(&m, golden_mixture[i].weight);
        numbers_match(&golden_mixture[i], &m);
        categories_match(&golden_mixture[i], &m);
        mixed_free(&m);
    }
}

/* One part alone is itself, whatever its weight. */
static void one_part_is_itself(void **state) {
    (void)state;
    struct mixed m;
    mixed_make(&m, .5);
    for (size_t i = 0; i < 2; i++) {
        const struct lw_member *own = &m.part[0]->members[i];
        double rows =
            i ? (double)lw_cats_n(own->cats) : (double)(own->num.n + own->num.missing);
        const struct lw_mixture_part part = {own, 77, rows};
        member_replace(m.out, i, &part, 1);
    }
    const struct lw_numeric *a = &m.out->members[0].num, *b = &m.part[0]->members[0].num;
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->missing, b->missing);
    assert_true(lw_drift_ks_test(b->kll, a->kll).d == 0);
    assert_true(lw_drift_w1_test(b, a).area == 0);
    for (uint64_t zone = 0; zone < 4; zone++)
        assert_int_equal(lw_cats_count(m.out->members[1].cats, zone),
                         lw_cats_count(m.part[0]->members[1].cats, zone));
    mixed_free(&m);
}

/* Sketches that have lost values: ranks are off by no more than the mixture says, and a
 * mixture of many parts says less than one part. */
static void errors_average_out(void **state) {
    (void)state;
    enum { PARTS = 12, ROWS = 4000 };
    struct lw_column column = columns[0];
    struct lw_profile *p[PARTS];
    struct lw_mixture_part part[PARTS];
    column.k = 64;
    for (size_t i = 0; i < PARTS; i++) {
        p[i] = lw_profile_new(&column, 1, i);
        for (int k = 0; k < ROWS; k++) /* evenly from i to i + 1, in a scattered order */
            lw_profile_add_numeric(p[i], 0, (double)i + (k * 1103 % ROWS + .5) / ROWS);
        part[i] = (struct lw_mixture_part){&p[i]->members[0], 1, ROWS};
    }
    struct lw_member out;
    lw_mixture_of(&out, &column, part, PARTS);
    double error = lw_kll_rank_error(out.num.kll, 1);
    check_near(error, lw_kll_rank_error(p[0]->members[0].num.kll, 1) / sqrt(PARTS), .02,
               0);
    assert_true(lw_cells_sketch_variance(out.num.kll) > 0);
    check_near((double)out.num.n, (double)PARTS * ROWS, 1e-2, 0);
    struct lw_kll_view *view = lw_kll_view_new(out.num.kll);
    for (int i = 1; i < 4 * PARTS; i++)
        check_near(lw_kll_view_rank(view, i / 4.), i / 4. / PARTS, 0, error);
    lw_kll_view_free(view);
    lw_kll_free(out.num.kll);
    lw_tail_free(out.num.tail);
    for (size_t i = 0; i < PARTS; i++)
        lw_profile_free(p[i]);
}

/* Many rare categories keep their common share, and a part beyond its cap its error. */
static void rare_categories_keep_their_sum(void **state) {
    (void)state;
    struct lw_column column = {.name = "zone", .kind = LW_CATEGORY, .cap = 64};
    struct lw_profile *many = lw_profile_new(&column, 1, 1);
    struct lw_profile *few = lw_profile_new(&column, 1, 1);
    for (int i = 0; i < 3000; i++)
        lw_cats_add_int(many->members[0].cats, i % 1000, 1);
    lw_cats_add_int(few->members[0].cats, 5000, 3000);
    struct lw_mixture_part part[] = {{&many->members[0], 1, 3000},
                                     {&few->members[0], 9, 3000}};
    struct lw_member out;
    lw_mixture_of(&out, &column, part, 2);
    assert_int_equal(lw_cats_depth(out.cats), lw_cats_depth(many->members[0].cats));
    assert_true(lw_cats_error(out.cats) > 0);
    assert_true(lw_cats_error(out.cats) <= lw_cats_error(many->members[0].cats));
    double n = (double)lw_cats_n(out.cats);
    check_near((double)lw_cats_count(out.cats, 5000) / n, .9, 0, 2 / n);
    check_near(n, 3000 / .82, 0, 1);
    lw_cats_free(out.cats);
    lw_profile_free(many);
    lw_profile_free(few);
    many = lw_profile_new(&columns[1], 1, 1);
    few = lw_profile_new(&columns[1], 1, 1);
    for (int i = 0; i < 600; i++)
        lw_cats_add_int(many->members[0].cats, i, 1);
    lw_cats_add_int(few->members[0].cats, 5000, 600);
    part[0] = (struct lw_mixture_part){&many->members[0], 1, 600};
    part[1] = (struct lw_mixture_part){&few->members[0], 3, 600};
    lw_mixture_of(&out, &columns[1], part, 2);
    check_near((double)lw_cats_count(out.cats, 5000), .75 * (double)lw_cats_n(out.cats),
               0, 1);
    assert_int_equal(lw_cats_dropped(out.cats), 0);
    lw_cats_free(out.cats);
    lw_profile_free(many);
    lw_profile_free(few);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixtures_match_scipy),
        cmocka_unit_test(one_part_is_itself),
        cmocka_unit_test(errors_average_out),
        cmocka_unit_test(rare_categories_keep_their_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
