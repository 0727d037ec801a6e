/* See finite.h. */
#include "model/finite.h"

#include "model/forest.h"
#include "model/scorer.h"

/* Below this, a sum of weights has lost its digits to underflow. */
#define WEIGHT_MIN 1e-200

static size_t first_bad(const double *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return i;
    return n;
}

static int too_large(const char *what, struct lw_err *err) {
    return lw_fail(err, LW_EINPUT,
                   "the values of \"%s\" are too large to be squared and summed; clip "
                   "them, or reject such events with `valid`",
                   what);
}

static const char *term_text(const struct lw_model *m, int t) {
    return lw_plan_term_at(m->plan, (size_t)t)->text;
}

static bool is_large(const struct lw_chunk *feed, size_t t) {
    const struct lw_model_term *part = &feed->m->part[t];
    bool large = feed->large_term[t];
    for (int j = 0; j < part->nnum; j++)
        large |= feed->large_atom[part->num[j]];
    return large;
}

int lw_finite_chunk(const struct lw_chunk *feed, struct lw_err *err) {
    for (size_t t = 0; t < feed->nterms; t++)
        if (is_large(feed, t))
            return too_large(term_text(feed->m, (int)t), err);
    return 0;
}

/* The term of a rest column. */
static int term_of(const struct lw_layout *l, uint32_t column) {
    for (int k = 0; k < l->nrest; k++) {
        int t = l->rest[k];
        if (column >= l->at[t] && column < l->at[t] + l->width[t])
            return t;
    }
    return -1;
}

/* The diagonal shows which term has too large values. */
static int check_rest(const struct lw_stats *s, const struct lw_model *m,
                      struct lw_err *err) {
    const struct lw_layout *l = s->layout;
    for (uint32_t i = 0; i < l->nr; i++)
        if (!isfinite(s->a[(size_t)i * l->nr + i]) && term_of(l, i) >= 0)
            return too_large(term_text(m, term_of(l, i)), err);
    if (first_bad(s->d, l->ne) < l->ne)
        return too_large(term_text(m, l->e_term), err);
    return 0;
}

int lw_finite_stats(const struct lw_stats *s, const struct lw_model *m,
                    struct lw_err *err) {
    const struct lw_layout *l = s->layout;
    size_t na = (size_t)l->nr * l->nr, nc = l->ne * lw_stats_stride(l);
    if (!(s->sw >= WEIGHT_MIN))
        return lw_fail(
            err, LW_EINPUT,
            "every row has weight 0: half_life is too short for the age of the rows");
    if (check_rest(s, m, err))
        return -1;
    if (!isfinite(s->yy) || first_bad(s->br, l->nr) < l->nr ||
        first_bad(s->be, l->ne) < l->ne)
        return too_large("target", err);
    if (first_bad(s->a, na) < na || first_bad(s->c, nc) < nc ||
        first_bad(s->pair, s->pairs.n) < s->pairs.n)
        return lw_fail(
            err, LW_EINPUT,
            "the products of two terms are too large to be summed; clip what they are made of");
    return 0;
}

static int check_learned(const struct lw_model *m, struct lw_err *err) {
    for (size_t i = 0; i < m->nimputes; i++) {
        const struct lw_impute *imp = &m->impute[i];
        bool bad = !isfinite(imp->mean);
        for (int j = 0; j < imp->nby; j++)
            bad |=
                first_bad(imp->single[j], m->dict[imp->by[j]].n) < m->dict[imp->by[j]].n;
        bad |= first_bad(imp->cross_mean, imp->cross.nlevels) < imp->cross.nlevels;
        if (bad)
            return too_large(lw_plan_atom_text(m->plan, (size_t)imp->atom), err);
    }
    for (size_t i = 0; i < m->nquantiles; i++) {
        const struct lw_quantiles *q = &m->quantiles[i];
        if (first_bad(q->edge, (size_t)q->nedges) < (size_t)q->nedges)
            return too_large(lw_plan_atom_text(m->plan, (size_t)q->atom), err);
    }
    return 0;
}

int lw_finite_model(const struct lw_model *m, struct lw_err *err) {
    if (!isfinite(m->intercept))
        return lw_fail(err, LW_EINPUT, "the constant is not a finite number");
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++)
        if (first_bad(m->part[t].coef, m->part[t].n) < m->part[t].n)
            return lw_fail(err, LW_EINPUT,
                           "a coefficient of \"%s\" is not a finite number",
                           term_text(m, (int)t));
    for (size_t g = 0; m->scorer && g < m->scorer->ngroups; g++) {
        const struct lw_group *group = &m->scorer->group[g];
        if (first_bad(group->table, group->cells) < group->cells)
            return lw_fail(err, LW_EINPUT,
                           "the coefficients do not add up to a finite number");
    }
    return check_learned(m, err);
}
