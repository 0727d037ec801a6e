/* impute(x, a, b): means of x over the rows with x > 0.
 *
 * Empirical Bayes in steps: the mean of a level is shrunk towards the overall mean, as
 * if there were `pull` further rows with that value; the prior of a pair is the average
 * of its members' shrunk means; the pair's own mean is shrunk towards that. An unseen
 * pair takes the prior, an unseen member the overall mean.
 *     m_a  = (sum_a + pull * m) / (n_a + pull)
 *     m_ab = (sum_ab + pull * (m_a + m_b) / 2) / (n_ab + pull)
 *
 * qbins(x, count): edges at the training rows' quantiles 1/count, 2/count, ...; equal
 * edges are merged. Beyond a quarter of a million rows only every k-th counts, which
 * keeps the rank of a quantile accurate to a fraction of a percent. */
#include "model/learned.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/sort.h"

static const double pull = 3;

static double impute_mean(const struct lw_model *m, const struct lw_impute *imp,
                          const uint32_t *codes) {
    double prior = 0;
    for (int j = 0; j < imp->nby; j++) {
        uint32_t code = codes[imp->by[j]];
        prior += code < m->dict[imp->by[j]].n ? imp->single[j][code] : imp->mean;
    }
    prior /= imp->nby;
    if (imp->nby == 1)
        return prior;
    uint64_t composite = 0;
    for (int j = 0; j < imp->nby; j++) {
        if (codes[imp->by[j]] >= m->dict[imp->by[j]].n)
            return prior;
        composite += codes[imp->by[j]] * imp->cross.stride[j];
    }
    uint32_t level = lw_block_find(&imp->cross, composite);
    return level == LW_CODE_NONE ? prior : imp->cross_mean[level];
}

double lw_learned_number(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes) {
    const struct lw_atom *a = lw_plan_atom_at(m->plan, atom);
    if (a->source == LW_SOURCE_IMPUTE && !(x > 0))
        x = impute_mean(m, &m->impute[m->learned[atom]], codes);
    return lw_atom_steps(a, x);
}

struct lw_cell lw_learned_bin(const struct lw_model *m, size_t atom, double x,
                              const uint32_t *codes) {
    const struct lw_atom *a = lw_plan_atom_at(m->plan, atom);
    const double *edge = a->edge;
    int nedges = a->nedges;
    if (lw_atom_ends_in(a, LW_STEP_QBINS)) {
        edge = m->quantiles[m->learned[atom]].edge;
        nedges = m->quantiles[m->learned[atom]].nedges;
    } else {
        x = lw_learned_number(m, atom, x, codes);
    }
    return isnan(x) ? lw_cell_missing() : lw_cell_int(lw_plan_bin_of(edge, nedges, x));
}

uint32_t lw_learned_code(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes) {
    struct lw_cell cell = lw_learned_bin(m, atom, x, codes);
    return lw_dict_find(&m->dict[atom], &cell);
}

struct mean_table {
    double *sum, *weight;
};

static struct mean_table mean_table_new(size_t n) {
    return (struct mean_table){lw_calloc(n + 1, sizeof(double)),
                               lw_calloc(n + 1, sizeof(double))};
}

/* Turns sums into shrunk means in place; the caller takes ownership. */
static double *mean_table_take(struct mean_table *t, size_t n, const double *prior,
                               double common) {
    for (size_t i = 0; i < n; i++)
        t->sum[i] =
            (t->sum[i] + pull * (prior ? prior[i] : common)) / (t->weight[i] + pull);
    free(t->weight);
    return t->sum;
}

/* Levels of the pair: those with at least one row, so that each has a mean. */
static int impute_levels(struct lw_model *m, struct lw_chunk *feed,
                         const struct lw_rows *rows, struct lw_impute *imp,
                         struct lw_err *err) {
    uint32_t idx[LW_CHUNK];
    struct lw_block_tally tally;
    if (lw_block_shape(&imp->cross, m->dict, err))
        return -1;
    lw_block_tally_init(&tally, imp->cross.space);
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, n, (size_t)imp->atom);
        for (size_t i = 0; i < n; i++) {
            uint64_t c = lw_chunk_composite(feed, &imp->cross, i);
            if (c != UINT64_MAX && feed->num[imp->from][i] > 0)
                lw_block_tally_add(&tally, c);
        }
    }
    return lw_block_tally_finish(&tally, &imp->cross, err);
}

static void impute_sums(struct lw_chunk *feed, const struct lw_rows *rows,
                        struct lw_impute *imp, struct mean_table *single,
                        struct mean_table *cross) {
    uint32_t idx[LW_CHUNK];
    double w[LW_CHUNK], sum = 0, weight = 0;
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, n, (size_t)imp->atom);
        lw_rows_weights(rows, idx, n, w);
        for (size_t i = 0; i < n; i++) {
            double x = feed->num[imp->from][i];
            if (!(x > 0))
                continue;
            sum += w[i] * x;
            weight += w[i];
            for (int j = 0; j < imp->nby; j++) {
                uint32_t code = feed->code[imp->by[j]][i];
                if (code == LW_CODE_NONE)
                    continue;
                single[j].sum[code] += w[i] * x;
                single[j].weight[code] += w[i];
            }
            if (imp->nby == 1)
                continue;
            uint32_t l =
                lw_block_find(&imp->cross, lw_chunk_composite(feed, &imp->cross, i));
            if (l == LW_CODE_NONE)
                continue;
            cross->sum[l] += w[i] * x;
            cross->weight[l] += w[i];
        }
    }
    imp->mean = weight > 0 ? sum / weight : 0;
}

static double *cross_prior(const struct lw_impute *imp) {
    const struct lw_block *block = &imp->cross;
    double *prior = lw_calloc(block->nlevels + 1, sizeof *prior);
    for (uint32_t l = 0; l < block->nlevels; l++) {
        uint64_t rest = block->composite[l];
        for (int j = 0; j < block->ncat; j++) {
            prior[l] += imp->single[j][rest / block->stride[j]] / imp->nby;
            rest %= block->stride[j];
        }
    }
    return prior;
}

static int learn_impute(struct lw_model *m, struct lw_chunk *feed,
                        const struct lw_rows *rows, struct lw_impute *imp,
                        struct lw_err *err) {
    struct mean_table single[LW_IMPUTE_MAX], cross;
    if (imp->nby > 1 && impute_levels(m, feed, rows, imp, err))
        return -1;
    for (int j = 0; j < imp->nby; j++)
        single[j] = mean_table_new(m->dict[imp->by[j]].n);
    cross = mean_table_new(imp->cross.nlevels);
    impute_sums(feed, rows, imp, single, &cross);
    for (int j = 0; j < imp->nby; j++)
        imp->single[j] =
            mean_table_take(&single[j], m->dict[imp->by[j]].n, NULL, imp->mean);
    double *prior = cross_prior(imp);
    imp->cross_mean = mean_table_take(&cross, imp->cross.nlevels, prior, 0);
    free(prior);
    return 0;
}

static size_t gather_values(struct lw_chunk *feed, const struct lw_rows *rows,
                            size_t from, double *out, size_t stride) {
    uint32_t idx[LW_CHUNK];
    size_t got = 0, seen = 0;
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, n, from + 1);
        for (size_t i = 0; i < n; i++)
            if (!isnan(feed->num[from][i]) && seen++ % stride == 0)
                out[got++] = feed->num[from][i];
    }
    return got;
}

static void learn_quantiles(struct lw_chunk *feed, const struct lw_rows *rows,
                            const struct lw_atom *atom, struct lw_quantiles *q) {
    size_t total = rows->end - rows->begin, stride = 1 + total / 262144;
    int count = (int)atom->step[atom->nsteps - 1].a;
    double *x = lw_malloc((total / stride + 2) * sizeof *x);
    size_t n = gather_values(feed, rows, (size_t)atom->from, x, stride);
    lw_sort_f64(x, n);
    for (int i = 1; i < count && n; i++) {
        double edge = x[(size_t)((double)n * i / count)];
        if (q->nedges == 0 || edge > q->edge[q->nedges - 1])
            q->edge[q->nedges++] = edge;
    }
    free(x);
}

/* Every possible bin, whether or not a row has it. */
static void bin_dictionary(struct lw_dict *dict, int nedges) {
    for (int i = 0; i <= nedges; i++) {
        struct lw_cell cell = lw_cell_int(i);
        lw_dict_add(dict, &cell);
    }
    struct lw_cell none = lw_cell_missing();
    lw_dict_add(dict, &none);
}

int lw_learned_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                   size_t a, struct lw_err *err) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    int nedges = atom->nedges;
    if (lw_atom_ends_in(atom, LW_STEP_QBINS)) {
        struct lw_quantiles *q = &m->quantiles[m->learned[a]];
        learn_quantiles(feed, rows, atom, q);
        nedges = q->nedges;
    } else if (atom->source == LW_SOURCE_IMPUTE &&
               learn_impute(m, feed, rows, &m->impute[m->learned[a]], err)) {
        return -1;
    }
    if (atom->kind == LW_CATEGORY)
        bin_dictionary(&m->dict[a], nedges);
    return 0;
}
