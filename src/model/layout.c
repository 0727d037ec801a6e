/* The order of the columns. The eliminated block is the term with the most levels. A
 * block whose categories are all among the eliminated one's is `fixed` (a pair of zones
 * knows its zones); the smallest of the others are dense while the table of levels x
 * dense columns stays below 128 MiB, and the rest are sparse. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/layout.h"

static const size_t dense_cells = (size_t)16 << 20;

static uint32_t term_width(const struct lw_model *m, size_t t) {
    return m->part[t].block < 0 ? 1 : m->block[m->part[t].block].nlevels;
}

static bool is_fixed(const struct lw_block *e, const struct lw_block *b) {
    for (int i = 0; i < b->ncat; i++) {
        bool found = false;
        for (int j = 0; j < e->ncat; j++)
            found |= e->atom[j] == b->atom[i];
        if (!found)
            return false;
    }
    return e->other == LW_CODE_NONE;
}

static void choose_eliminated(struct lw_layout *l, const struct lw_model *m, size_t n) {
    l->e_term = -1;
    for (size_t t = 0; t < n; t++)
        if (m->part[t].block >= 0 && l->width[t] > l->ne) {
            l->e_term = (int)t;
            l->ne = l->width[t];
        }
}

static void layout_place_term(struct lw_layout *l, int t) {
    l->at[t] = l->nr;
    l->nr += l->width[t];
    l->rest[l->nrest++] = t;
}

/* The terms that are neither eliminated nor fixed, narrowest first. */
static int free_terms(const struct lw_layout *l, const struct lw_model *m, int n,
                      int *out) {
    int count = 0;
    const struct lw_block *e = l->e_term < 0 ? NULL : &m->block[m->part[l->e_term].block];
    for (int t = 0; t < n; t++) {
        int b = m->part[t].block;
        if (t == l->e_term || (e && b >= 0 && is_fixed(e, &m->block[b])))
            continue;
        int at = count++;
        for (; at > 0 && l->width[out[at - 1]] > l->width[t]; at--)
            out[at] = out[at - 1];
        out[at] = t;
    }
    return count;
}

static void place_all(struct lw_layout *l, const struct lw_model *m, int n) {
    int order[LW_TERMS_MAX];
    int count = free_terms(l, m, n, order), dense = 0;
    for (; dense < count; dense++) {
        size_t columns = l->nr + l->width[order[dense]];
        if (l->ne && columns > dense_cells / l->ne)
            break;
        layout_place_term(l, order[dense]);
    }
    l->ndense = l->nr;
    for (int t = 0; t < n; t++) {
        bool taken = t == l->e_term;
        for (int i = 0; i < count; i++)
            taken |= order[i] == t;
        if (!taken) {
            l->fixed[l->nfixed++] = t;
            layout_place_term(l, t);
        }
    }
    for (int i = dense; i < count; i++) {
        l->sparse[l->nsparse++] = order[i];
        layout_place_term(l, order[i]);
    }
}

static uint32_t fixed_level(const struct lw_block *e, const struct lw_block *b,
                            uint64_t composite) {
    uint32_t codes[LW_ATOMS_MAX];
    for (int i = 0; i < e->ncat; i++) {
        codes[e->atom[i]] = (uint32_t)(composite / e->stride[i]);
        composite %= e->stride[i];
    }
    return lw_block_find(b, lw_block_composite(b, codes));
}

static void fill_fixed(struct lw_layout *l, const struct lw_model *m) {
    if (l->nfixed == 0)
        return;
    const struct lw_block *e = &m->block[m->part[l->e_term].block];
    l->fixed_col = lw_malloc((size_t)l->ne * (size_t)l->nfixed * sizeof *l->fixed_col);
    for (uint32_t level = 0; level < l->ne; level++)
        for (int j = 0; j < l->nfixed; j++) {
            const struct lw_block *b = &m->block[m->part[l->fixed[j]].block];
            uint32_t at = fixed_level(e, b, e->composite[level]);
            l->fixed_col[(size_t)level * (size_t)l->nfixed + (size_t)j] =
                at == LW_CODE_NONE ? LW_CODE_NONE : l->at[l->fixed[j]] + at;
        }
}

int lw_layout_init(struct lw_layout *l, const struct lw_model *m, bool intercept,
                   struct lw_err *err) {
    size_t n = lw_plan_terms(m->plan);
    *l = (struct lw_layout){.intercept = intercept, .nr = intercept};
    for (size_t t = 0; t < n; t++)
        l->width[t] = term_width(m, t);
    choose_eliminated(l, m, n);
    uint64_t rest = intercept;
    for (size_t t = 0; t < n; t++)
        rest += (int)t == l->e_term ? 0 : l->width[t];
    if (rest > LW_REST_MAX)
        return lw_fail(err, LW_ECONFIG,
                       "%llu feature columns beside the largest block, at most %d can be "
                       "fitted: drop a cross, bin it, or give min_count",
                       (unsigned long long)rest, LW_REST_MAX);
    place_all(l, m, (int)n);
    fill_fixed(l, m);
    return 0;
}

void lw_layout_fini(struct lw_layout *l) {
    free(l->fixed_col);
    l->fixed_col = NULL;
}
