#include "model/scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint32_t codes_of(const struct lw_model *m, int atom) {
    return m->dict[atom].n + 1;
}

static bool same_numbers(const struct lw_group *g, const struct lw_model_term *part) {
    return g->nnum == part->nnum &&
           memcmp(g->num, part->num, (size_t)g->nnum * sizeof *g->num) == 0;
}

static int group_position(const struct lw_group *g, int atom) {
    for (int i = 0; i < g->ncat; i++)
        if (g->cat[i] == atom)
            return i;
    return -1;
}

static bool group_covers(const struct lw_group *g, const struct lw_block *block) {
    for (int i = 0; block && i < block->ncat; i++)
        if (group_position(g, block->atom[i]) < 0)
            return false;
    return true;
}

static const struct lw_block *block_of(const struct lw_model *m, int term) {
    int b = m->part[term].block;
    return b < 0 ? NULL : &m->block[b];
}

/* False if the table would be too large. */
static bool start_group(struct lw_group *g, const struct lw_model *m, int term) {
    const struct lw_model_term *part = &m->part[term];
    const struct lw_block *block = block_of(m, term);
    *g = (struct lw_group){.nnum = part->nnum, .cells = 1};
    memcpy(g->num, part->num, sizeof g->num);
    for (int i = 0; block && i < block->ncat; i++) {
        if (group_position(g, block->atom[i]) >= 0)
            continue;
        g->cat[g->ncat] = block->atom[i];
        g->stride[g->ncat++] = (uint32_t)g->cells;
        g->cells *= codes_of(m, block->atom[i]);
        if (g->cells > LW_GROUP_CELLS)
            return false;
    }
    return true;
}

/* Adds a term's coefficients to every cell of its group. */
static void group_fold_term(struct lw_group *g, const struct lw_model *m, int term) {
    const struct lw_block *block = block_of(m, term);
    const struct lw_model_term *part = &m->part[term];
    uint32_t codes[LW_ATOMS_MAX];
    for (uint64_t cell = 0; cell < g->cells; cell++) {
        uint32_t level = 0;
        for (int i = 0; i < g->ncat; i++) {
            uint32_t n = codes_of(m, g->cat[i]);
            uint32_t code = (uint32_t)(cell / g->stride[i] % n);
            codes[g->cat[i]] = code == n - 1 ? LW_CODE_NONE : code;
        }
        if (block)
            level = lw_block_find(block, lw_block_composite(block, codes));
        if (level != LW_CODE_NONE)
            g->table[cell] += part->coef[level];
    }
}

static struct lw_group *find_group(struct lw_scorer *s, const struct lw_model *m,
                                   int term) {
    for (size_t i = 0; i < s->ngroups; i++)
        if (same_numbers(&s->group[i], &m->part[term]) &&
            group_covers(&s->group[i], block_of(m, term)))
            return &s->group[i];
    struct lw_group *g = &s->group[s->ngroups];
    if (!start_group(g, m, term))
        return NULL;
    g->table = lw_calloc(g->cells, sizeof *g->table);
    s->ngroups++;
    return g;
}

struct lw_scorer *lw_scorer_new(const struct lw_model *m) {
    struct lw_scorer *s = lw_calloc(1, sizeof *s);
    int nterms = (int)lw_plan_terms(m->plan);
    for (int ncat = LW_FACTORS_MAX; ncat >= 0; ncat--) /* wide crosses absorb narrow ones
                                                        */
        for (int t = 0; t < nterms; t++) {
            const struct lw_block *block = block_of(m, t);
            if ((block ? block->ncat : 0) != ncat || !m->part[t].coef)
                continue;
            struct lw_group *g = find_group(s, m, t);
            if (g)
                group_fold_term(g, m, t);
            else
                s->slow[s->nslow++] = t;
        }
    return s;
}

void lw_scorer_free(struct lw_scorer *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->ngroups; i++)
        free(s->group[i].table);
    free(s);
}

static double number_product(const int *num, int n, const double *values) {
    double x = 1;
    for (int i = 0; i < n; i++) {
        double v = values[num[i]];
        x *= isnan(v) ? 0 : v;
    }
    return n > 1 ? lw_model_product(x) : x;
}

static double slow_term(const struct lw_model *m, int term, const struct lw_values *v) {
    const struct lw_model_term *part = &m->part[term];
    const struct lw_block *block = block_of(m, term);
    uint64_t composite = 0;
    for (int i = 0; i < block->ncat; i++) {
        uint32_t code = v->code[block->atom[i]];
        if (code >= m->dict[block->atom[i]].n)
            composite = UINT64_MAX;
        if (composite == UINT64_MAX)
            break;
        composite += code * block->stride[i];
    }
    uint32_t level = lw_block_find(block, composite);
    if (level == LW_CODE_NONE)
        return 0;
    return part->coef[level] * number_product(part->num, part->nnum, v->num);
}

double lw_scorer_score(const struct lw_scorer *s, const struct lw_model *m,
                       const struct lw_values *v) {
    double sum = m->intercept;
    for (size_t i = 0; i < s->ngroups; i++) {
        const struct lw_group *g = &s->group[i];
        double c = g->table[lw_group_cell(g, v)];
        if (g->nnum)
            c *= number_product(g->num, g->nnum, v->num);
        sum += c;
    }
    for (size_t i = 0; i < s->nslow; i++)
        sum += slow_term(m, s->slow[i], v);
    return sum;
}
