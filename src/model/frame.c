/* What a fit determines before the coefficients: the fields it reads, the categories,
 * what impute() and qbins() learn, and the levels of each block. */
#include "model/frame.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/learned.h"

/* What the terms of a fit read. */
struct uses {
    bool field[LW_FIELDS_MAX], calendar[LW_CALENDARS_MAX];
};

static void mark_fields(const struct lw_plan *plan, int at, struct uses *used) {
    const struct lw_atom *atom = lw_plan_atom_at(plan, (size_t)at);
    if (atom->learned) {
        mark_fields(plan, atom->from, used);
        for (int j = 0; j < atom->nby; j++)
            mark_fields(plan, atom->by[j], used);
        return;
    }
    used->field[atom->field[0]] = true;
    if (atom->source == LW_SOURCE_SAME || atom->source == LW_SOURCE_MINUTES)
        used->field[atom->field[1]] = true;
    if (atom->source == LW_SOURCE_HOLIDAY)
        used->calendar[atom->calendar] = true;
}

static void mark_terms(const struct lw_plan *plan, const struct lw_fit_spec *spec,
                       struct uses *used) {
    for (size_t i = 0; i < spec->nterms; i++) {
        const struct lw_term *term = lw_plan_term_at(plan, (size_t)spec->terms[i]);
        for (int j = 0; j < term->ncat + term->nnum; j++)
            mark_fields(plan, term->factor[j], used);
    }
}

static void used_fields(const struct lw_plan *plan, const struct uses *used,
                        struct lw_fields *out) {
    out->n = 0;
    for (size_t i = 0; i < plan->fields->n; i++)
        if (used->field[i])
            out->field[out->n++] = plan->fields->field[i];
}

static void add_calendars(struct lw_model *m, const struct lw_plan *plan,
                          const struct uses *used) {
    for (size_t i = 0; plan->calendars && i < plan->calendars->n; i++)
        if (used->calendar[i])
            lw_model_add_calendar(m, &plan->calendars->of[i]);
}

static int add_terms(struct lw_model *m, const struct lw_plan *plan,
                     const struct lw_fit_spec *spec, struct lw_err *err) {
    for (size_t i = 0; i < spec->nterms; i++) {
        const struct lw_term *term = lw_plan_term_at(plan, (size_t)spec->terms[i]);
        if (lw_model_add_term(m, term, err) < 0)
            return -1;
    }
    return 0;
}

struct lw_model *lw_frame_new(const struct lw_plan *plan, const struct lw_fit_spec *spec,
                              struct lw_err *err) {
    struct lw_fields *fields = lw_calloc(1, sizeof *fields);
    struct lw_model *m = NULL;
    struct uses used = {0};
    mark_terms(plan, spec, &used);
    if (spec->base)
        mark_terms(plan, spec->base, &used);
    used_fields(plan, &used, fields);
    if (plan->zone && !*plan->zone_name)
        lw_fail(
            err, LW_ECONFIG,
            "the time zone of the features has no name, so the model cannot store it");
    else
        m = lw_model_new(fields, plan->zone ? plan->zone_name : "", err);
    free(fields);
    if (m)
        add_calendars(m, plan, &used);
    if (m && add_terms(m, plan, spec, err)) {
        lw_model_free(m);
        return NULL;
    }
    if (m)
        lw_model_list_learned(m);
    return m;
}

/* Collects the categories that occur in the rows. */
static void atom_dictionary(struct lw_model *m, const struct lw_rows *rows, size_t a) {
    size_t from = (size_t)m->plan_atom[a];
    const struct lw_dict *all = lw_dataset_dict(rows->ds, from);
    const uint32_t *code = lw_dataset_codes(rows->ds, from);
    bool *seen = lw_calloc(all->n + 1, sizeof *seen);
    uint32_t idx[LW_CHUNK];
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));)
        for (size_t i = 0; i < n; i++)
            if (code[idx[i]] != LW_CODE_NONE)
                seen[code[idx[i]]] = true;
    for (uint32_t c = 0; c < all->n; c++) {
        struct lw_cell cell = lw_dict_cell(all, c);
        if (seen[c])
            lw_dict_add(&m->dict[a], &cell);
    }
    lw_dict_sort(&m->dict[a]);
    free(seen);
}

static int count_levels(struct lw_model *m, struct lw_chunk *feed,
                        const struct lw_rows *rows, struct lw_err *err) {
    struct lw_block_tally *tally = lw_calloc(m->nblocks + 1, sizeof *tally);
    uint32_t idx[LW_CHUNK];
    int rc = 0;
    for (size_t b = 0; b < m->nblocks && !rc; b++) {
        rc = lw_block_shape(&m->block[b], m->dict, err);
        if (!rc)
            lw_block_tally_init(&tally[b], m->block[b].space);
    }
    for (size_t n, at = rows->begin; !rc && (n = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, n, feed->natoms);
        for (size_t b = 0; b < m->nblocks; b++)
            for (size_t i = 0; i < n; i++) {
                uint64_t c = lw_chunk_composite(feed, &m->block[b], i);
                if (c != UINT64_MAX)
                    lw_block_tally_add(&tally[b], c);
            }
    }
    for (size_t b = 0; b < m->nblocks; b++) {
        if (!rc)
            rc = lw_block_tally_finish(&tally[b], &m->block[b], err);
        lw_block_tally_fini(&tally[b]);
    }
    free(tally);
    return rc;
}

int lw_frame_learn(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                   struct lw_err *err) {
    size_t natoms = lw_plan_atoms(m->plan);
    for (size_t a = 0; a < natoms; a++) {
        const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
        if (!atom->learned && atom->kind == LW_CATEGORY)
            atom_dictionary(m, rows, a);
    }
    lw_chunk_remap(feed);
    for (size_t a = 0; a < natoms; a++)
        if (lw_plan_atom_at(m->plan, a)->learned && lw_learned_fit(m, feed, rows, a, err))
            return -1;
    lw_model_index_keys(m);
    return count_levels(m, feed, rows, err);
}
