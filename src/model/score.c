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
#include "model/forest.h"
#include "model/scorer.h"

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

static uint32_t code_of(const struct lw_model *m, size_t a, bool present, uint64_t key) {
    const struct lw_dict *dict = &m->dict[a];
    uint32_t code;
    if (!present)
        code = dict->missing;
    else if (m->by_key[a])
        return key < m->nkeys[a] ? m->by_key[a][key] : dict->n;
    else
        code = lw_table_get(&dict->table, key);
    return code == LW_CODE_NONE ? dict->n : code;
}

static void learned_value(const struct lw_model *m, size_t a, struct lw_values *v) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    double x = v->num[atom->from];
    if (atom->kind == LW_NUMERIC) {
        v->num[a] = lw_learned_number(m, a, x, v->code);
        return;
    }
    uint32_t code = lw_learned_code(m, a, x, v->code);
    v->code[a] = code == LW_CODE_NONE ? m->dict[a].n : code;
}

/* Calendar parts of one timestamp share its moment: it is kept for the next atom. */
struct clock {
    int field;
    struct lw_moment at;
};

static uint32_t calendar_code(const struct lw_model *m, size_t a,
                              const struct lw_cell *cells, struct clock *clock) {
    const struct lw_atom *atom = &m->plan->atom[a];
    const struct lw_cell *cell = &cells[atom->field[0]];
    if (cell->present && clock->field != atom->field[0]) {
        clock->field = atom->field[0];
        clock->at = lw_moment_of(m->plan, (int64_t)cell->key);
    }
    uint64_t part = 0;
    if (cell->present)
        part = (uint64_t)lw_calendar_part(atom->source, clock->at);
    return code_of(m, a, cell->present, part);
}

static void evaluate(const struct lw_model *m, const struct lw_cell *cells,
                     struct lw_values *v) {
    const struct lw_plan *plan = m->plan;
    struct clock clock = {.field = -1};
    for (size_t a = 0; a < plan->natoms; a++) {
        const struct lw_atom *atom = &plan->atom[a];
        const struct lw_cell *cell = &cells[atom->field[0]];
        if (atom->learned) {
            learned_value(m, a, v);
        } else if (atom->kind == LW_NUMERIC) {
            v->num[a] = atom->source == LW_SOURCE_FIELD
                            ? lw_atom_steps(atom, lw_cell_number(cell))
                            : lw_atom_number(plan, atom, cells);
        } else if (lw_is_calendar(atom->source)) {
            v->code[a] = calendar_code(m, a, cells, &clock);
        } else if (atom->nsteps == 0) {
            v->code[a] = code_of(m, a, cell->present, cell->key);
        } else {
            struct lw_cell bin = lw_atom_value(plan, atom, cells);
            v->code[a] = code_of(m, a, bin.present, bin.key);
        }
    }
}

double lw_model_predict(const struct lw_model *m, const struct lw_row *row) {
    struct lw_values v;
    float x[LW_ATOMS_MAX];
    lw_assert(m->is_bound);
    evaluate(m, row->cells, &v);
    if (!m->forest)
        return clipped(m, lw_scorer_score(m->scorer, m, &v));
    lw_forest_features(m, row->cells, &v, x);
    return clipped(m, lw_forest_score(m->forest, x));
}

/* --- rows of a dataset -------------------------------------------------------------- */

static void row_values(const struct lw_feed *feed, size_t i, struct lw_values *v) {
    for (size_t a = 0; a < feed->natoms; a++) {
        if (feed->num[a]) {
            v->num[a] = feed->num[a][i];
            continue;
        }
        uint32_t code = feed->code[a][i];
        v->code[a] = code == LW_CODE_NONE ? feed->m->dict[a].n : code;
    }
}

/* The same arithmetic as for one row, so that a replay of files decides as a live run. */
void lw_model_predict_chunk(const struct lw_model *m, const struct lw_feed *feed,
                            const uint32_t *idx, size_t n, double *out) {
    struct lw_values v;
    float x[LW_ATOMS_MAX];
    for (size_t i = 0; i < n; i++) {
        if (m->forest) {
            lw_forest_feed_features(m->forest, feed, i, idx[i], x);
            out[i] = clipped(m, lw_forest_score(m->forest, x));
            continue;
        }
        row_values(feed, i, &v);
        out[i] = clipped(m, lw_scorer_score(m->scorer, m, &v));
    }
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
        lw_feed_atoms(&feed, idx, n, feed.natoms);
        lw_model_predict_chunk(m, &feed, idx, n, out);
        begin += n;
        out += n;
    }
    lw_feed_fini(&feed);
}
