/* Chunks of a dataset, column by column: each loop runs over one column of at most
 * LW_CHUNK rows, which fits into the first-level cache. */
#include "model/chunk.h"
#include "model/learned.h"

#include <stdlib.h>

#include "base/mem.h"

static bool has_code(const struct lw_atom *atom) {
    return atom->kind == LW_CATEGORY;
}

void lw_chunk_init(struct lw_chunk *feed, const struct lw_model *m,
                   const struct lw_dataset *ds) {
    *feed = (struct lw_chunk){.m = m, .ds = ds};
    feed->natoms = lw_plan_atoms(m->plan);
    feed->nterms = lw_plan_terms(m->plan);
    for (size_t a = 0; a < feed->natoms; a++) {
        if (has_code(lw_plan_atom_at(m->plan, a)))
            feed->code[a] = lw_malloc(LW_CHUNK * sizeof *feed->code[a]);
        else
            feed->num[a] = lw_malloc(LW_CHUNK * sizeof *feed->num[a]);
    }
    for (size_t b = 0; b < m->nblocks; b++)
        feed->level[b] = lw_malloc(LW_CHUNK * sizeof *feed->level[b]);
    for (size_t t = 0; t < feed->nterms; t++)
        if (m->part[t].nnum)
            feed->value[t] = lw_malloc(LW_CHUNK * sizeof *feed->value[t]);
    lw_chunk_remap(feed);
    if (!m->base)
        return;
    feed->base = lw_malloc(sizeof *feed->base);
    lw_chunk_init(feed->base, m->base, ds);
}

void lw_chunk_fini(struct lw_chunk *feed) {
    if (feed->base)
        lw_chunk_fini(feed->base);
    free(feed->base);
    for (size_t a = 0; a < feed->natoms; a++) {
        free(feed->remap[a]);
        free(feed->num[a]);
        free(feed->code[a]);
    }
    for (size_t t = 0; t < LW_TERMS_MAX; t++) {
        free(feed->level[t]);
        free(feed->value[t]);
    }
    *feed = (struct lw_chunk){0};
}

void lw_chunk_remap(struct lw_chunk *feed) {
    for (size_t a = 0; a < feed->natoms; a++) {
        size_t from = (size_t)feed->m->plan_atom[a];
        const struct lw_dict *dict = lw_dataset_dict(feed->ds, from);
        if (!lw_dataset_codes(feed->ds, from))
            continue;
        feed->remap[a] = lw_realloc(feed->remap[a], dict->n + 1, sizeof(uint32_t));
        for (uint32_t i = 0; i < dict->n; i++) {
            struct lw_cell cell = lw_dict_cell(dict, i);
            feed->remap[a][i] = lw_dict_find(&feed->m->dict[a], &cell);
        }
    }
}

static void stored_atom(struct lw_chunk *feed, const uint32_t *idx, size_t n, size_t a) {
    size_t from = (size_t)feed->m->plan_atom[a];
    const double *num = lw_dataset_numbers(feed->ds, from);
    const uint32_t *code = lw_dataset_codes(feed->ds, from);
    if (num) {
        for (size_t i = 0; i < n; i++) {
            double x = num[idx[i]];
            feed->num[a][i] = lw_model_number(x);
            feed->large_atom[a] |= !isnan(x) && !lw_summable(x);
        }
        return;
    }
    const uint32_t *map = feed->remap[a];
    for (size_t i = 0; i < n; i++) {
        uint32_t c = code[idx[i]];
        feed->code[a][i] = c == LW_CODE_NONE ? LW_CODE_NONE : map[c];
    }
}

static void learned_atom(struct lw_chunk *feed, size_t n, size_t a) {
    const struct lw_atom *atom = lw_plan_atom_at(feed->m->plan, a);
    const double *x = feed->num[atom->from];
    for (size_t i = 0; i < n; i++) {
        uint32_t codes[LW_ATOMS_MAX];
        for (int j = 0; j < atom->nby; j++)
            codes[atom->by[j]] = feed->code[atom->by[j]][i];
        if (feed->code[a])
            feed->code[a][i] = lw_learned_code(feed->m, a, x[i], codes);
        else
            feed->num[a][i] = lw_learned_number(feed->m, a, x[i], codes);
    }
}

void lw_chunk_atoms(struct lw_chunk *feed, const uint32_t *idx, size_t n, size_t natoms) {
    if (feed->base)
        lw_chunk_atoms(feed->base, idx, n, feed->base->natoms);
    for (size_t a = 0; a < natoms; a++) {
        if (lw_plan_atom_at(feed->m->plan, a)->learned)
            learned_atom(feed, n, a);
        else
            stored_atom(feed, idx, n, a);
    }
}

static void block_levels(struct lw_chunk *feed, size_t n, size_t b) {
    const struct lw_block *block = &feed->m->block[b];
    uint32_t *level = feed->level[b];
    for (size_t i = 0; i < n; i++)
        level[i] = lw_block_find(block, lw_chunk_composite(feed, block, i));
}

static void term_values(struct lw_chunk *feed, size_t n, size_t t) {
    const struct lw_model_term *part = &feed->m->part[t];
    double *v = feed->value[t];
    for (int j = 0; j < part->nnum; j++) {
        const double *x = feed->num[part->num[j]];
        for (size_t i = 0; i < n; i++) {
            double xi = isnan(x[i]) ? 0 : x[i];
            v[i] = j ? v[i] * xi : xi;
        }
    }
    for (size_t i = 0; part->nnum > 1 && i < n; i++) {
        feed->large_term[t] |= !lw_summable(v[i]);
        v[i] = lw_model_product(v[i]);
    }
}

void lw_chunk_chunk(struct lw_chunk *feed, const uint32_t *idx, size_t n) {
    lw_chunk_atoms(feed, idx, n, feed->natoms);
    for (size_t b = 0; b < feed->m->nblocks; b++)
        block_levels(feed, n, b);
    for (size_t t = 0; t < feed->nterms; t++)
        if (feed->value[t])
            term_values(feed, n, t);
}

static void add_term(const struct lw_chunk *feed, size_t n, size_t t, double *out) {
    const struct lw_model_term *part = &feed->m->part[t];
    const double *v = feed->value[t];
    if (part->block < 0) {
        for (size_t i = 0; i < n; i++)
            out[i] += part->coef[0] * v[i];
        return;
    }
    const uint32_t *level = feed->level[part->block];
    for (size_t i = 0; i < n; i++)
        if (level[i] != LW_CODE_NONE)
            out[i] += part->coef[level[i]] * (v ? v[i] : 1);
}

void lw_chunk_predict(const struct lw_chunk *feed, size_t n, double *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = feed->m->intercept;
    for (size_t t = 0; t < feed->nterms; t++)
        add_term(feed, n, t, out);
}
