/* Scoring: a row in, a number out. No allocation, no lock, no state but the stack's.
 *
 * The plan gives sources and numeric steps (plan_eval.c), the dictionaries turn
 * categories into codes, blocks turn codes into levels. Datasets come the same way in
 * columns (feed.c). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/feed.h"
#include "model/fit.h"

static double clipped(const struct lw_model *m, double v) {
    if (isnan(v))
        v = m->intercept; /* inf - inf of absurd coefficients: the mean is an answer */
    return v < m->clip_lo ? m->clip_lo : v > m->clip_hi ? m->clip_hi : v;
}

/* --- binding ------------------------------------------------------------------------ */

static int check_fields(const struct lw_model *m, const struct lw_fields *fields,
                        struct lw_err *err) {
    for (size_t i = 0; i < m->fields.n; i++) {
        const struct lw_field *own = &m->fields.field[i];
        int at = lw_fields_find(fields, own->name);
        if (at < 0)
            return lw_fail(err, LW_ECONFIG,
                           "model \"%s\" reads the field \"%s\", which is not there",
                           m->name, own->name);
        if (fields->field[at].kind != own->kind)
            return lw_fail(err, LW_ECONFIG,
                           "model \"%s\" reads the field \"%s\" as %s, but it is %s",
                           m->name, own->name, lw_kind_name(own->kind),
                           lw_kind_name(fields->field[at].kind));
    }
    return 0;
}

/* The same texts over other fields compile to the same atoms in the same order; only the
 * fields' indexes differ. */
int lw_model_bind(struct lw_model *m, const struct lw_fields *fields,
                  struct lw_err *err) {
    if (check_fields(m, fields, err))
        return -1;
    m->bound = *fields;
    struct lw_plan *plan = lw_plan_new(&m->bound, m->zone);
    lw_plan_set_zone_name(plan, m->zone_name);
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++) {
        const struct lw_term *term = lw_plan_term_at(m->plan, t);
        if (lw_plan_term(plan, term->text, term->penalty, term->min_count, err) < 0) {
            lw_plan_free(plan);
            return -1;
        }
    }
    lw_assert(lw_plan_atoms(plan) == lw_plan_atoms(m->plan));
    lw_plan_free(m->plan);
    m->plan = plan;
    m->is_bound = true;
    return 0;
}

int lw_model_bind_plan(struct lw_model *m, const struct lw_plan *plan,
                       struct lw_err *err) {
    for (size_t a = 0; a < lw_plan_atoms(m->plan); a++) {
        const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
        int at = lw_plan_find_atom(plan, atom->text);
        if (at < 0 || lw_plan_atom_at(plan, (size_t)at)->kind != atom->kind)
            return lw_fail(err, LW_ECONFIG,
                           "model \"%s\" reads \"%s\", which the feature plan lacks",
                           m->name, atom->text);
        m->plan_atom[a] = at;
    }
    m->has_plan = true;
    return 0;
}

/* --- one row ------------------------------------------------------------------------ */

struct values {
    double num[LW_ATOMS_MAX]; /* NAN is missing */
    uint32_t code[LW_ATOMS_MAX];
};

static uint32_t code_of(const struct lw_model *m, size_t a, const struct lw_cell *cell) {
    if (!cell->present)
        return m->dict[a].missing;
    if (m->by_key[a])
        return cell->key < m->nkeys[a] ? m->by_key[a][cell->key] : LW_CODE_NONE;
    return lw_table_get(&m->dict[a].table, cell->key);
}

static void evaluate(const struct lw_model *m, const struct lw_row *row,
                     struct values *v) {
    for (size_t a = 0; a < m->plan->natoms; a++) {
        const struct lw_atom *atom = &m->plan->atom[a];
        if (atom->learned) {
            double x = v->num[atom->from];
            if (atom->kind == LW_CATEGORY)
                v->code[a] = lw_learned_code(m, a, x, v->code);
            else
                v->num[a] = lw_learned_number(m, a, x, v->code);
            continue;
        }
        struct lw_cell cell = lw_atom_value(m->plan, atom, row->cells);
        if (atom->kind == LW_CATEGORY)
            v->code[a] = code_of(m, a, &cell);
        else
            v->num[a] = cell.num;
    }
}

static double linear(const struct lw_model *m, const struct values *v) {
    uint32_t level[LW_TERMS_MAX];
    double sum = m->intercept;
    for (size_t b = 0; b < m->nblocks; b++)
        level[b] = lw_block_find(&m->block[b], lw_block_composite(&m->block[b], v->code));
    for (size_t t = 0; t < m->plan->nterms; t++) {
        const struct lw_part *part = &m->part[t];
        double x = 1;
        for (int j = 0; j < part->nnum; j++) {
            double factor = v->num[part->num[j]];
            x *= isnan(factor) ? 0 : factor;
        }
        uint32_t at = part->block < 0 ? 0 : level[part->block];
        if (at != LW_CODE_NONE)
            sum += part->coef[at] * x;
    }
    return sum;
}

double lw_model_predict(const struct lw_model *m, const struct lw_row *row) {
    struct values v;
    lw_assert(m->is_bound);
    evaluate(m, row, &v);
    return clipped(m, linear(m, &v));
}

/* --- rows of a dataset -------------------------------------------------------------- */

void lw_model_predict_chunk(const struct lw_model *m, const struct lw_feed *feed,
                            size_t n, double *out) {
    lw_feed_predict(feed, n, out);
    for (size_t i = 0; i < n; i++)
        out[i] = clipped(m, out[i]);
}

void lw_model_predict_rows(const struct lw_model *m, const struct lw_dataset *ds,
                           size_t begin, size_t end, double *out) {
    struct lw_feed feed;
    uint32_t idx[LW_CHUNK];
    lw_assert(m->has_plan && begin <= end && end <= lw_dataset_rows(ds));
    lw_feed_init(&feed, m, ds);
    while (begin < end) {
        size_t n = end - begin < LW_CHUNK ? end - begin : LW_CHUNK;
        for (size_t i = 0; i < n; i++)
            idx[i] = (uint32_t)(begin + i);
        lw_feed_chunk(&feed, idx, n);
        lw_model_predict_chunk(m, &feed, n, out);
        begin += n;
        out += n;
    }
    lw_feed_fini(&feed);
}
