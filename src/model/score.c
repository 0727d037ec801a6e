/* Scoring of a row. It allocates nothing, takes no lock, and has no state but the stack.
 *
 * The plan gives sources and numeric steps (plan_eval.c), dictionaries turn categories
 * into codes, and blocks turn codes into levels. chunk.c does the same for the columns
 * of a dataset. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/chunk.h"
#include "model/fit.h"
#include "model/forest.h"
#include "model/learned.h"
#include "model/scorer.h"

static double clip_prediction(const struct lw_model *m, double v) {
    if (isnan(v))
        v = m->intercept; /* inf - inf of absurd coefficients: fall back to the mean */
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
                           "model \"%s\" reads the field \"%s\", which does not exist",
                           m->name, own->name);
        if (fields->field[at].kind != own->kind)
            return lw_fail(err, LW_ECONFIG,
                           "model \"%s\" reads the field \"%s\" as %s, but it is %s",
                           m->name, own->name, lw_kind_name(own->kind),
                           lw_kind_name(fields->field[at].kind));
    }
    return 0;
}

static struct lw_atom_op op_of(const struct lw_model *m, size_t a) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    const struct lw_dict *dict = &m->dict[a];
    bool field = atom->source == LW_SOURCE_FIELD;
    struct lw_atom_op op = {LW_ATOM_OP_OTHER, atom->source, (int)a,       atom->field[0],
                            atom->nsteps,     atom->step,   m->by_key[a], m->nkeys[a],
                            dict->n,          dict->missing};
    if (dict->missing == LW_CODE_NONE)
        op.missing = dict->n;
    if (atom->kind == LW_NUMERIC)
        op.kind = field ? LW_ATOM_OP_NUMBER : LW_ATOM_OP_OTHER;
    else if (op.by_key && lw_is_calendar(atom->source))
        op.kind = LW_ATOM_OP_CALENDAR;
    else if (op.by_key && field && atom->nsteps == 0)
        op.kind = LW_ATOM_OP_KEY;
    return op;
}

/* A table that may be out of cache, and whose cell depends on keys only. */
static bool worth_fetching(const struct lw_model *m, const struct lw_group *g) {
    enum { NEAR = 2048 };
    if (g->cells < NEAR)
        return false;
    for (int i = 0; i < g->ncat; i++)
        if (op_of(m, (size_t)g->cat[i]).kind != LW_ATOM_OP_KEY)
            return false;
    return true;
}

/* Keys first: they determine the cells of the large tables, which are prefetched while
 * roots, logarithms and calendar parts are computed. */
void lw__model_compile(struct lw_model *m) {
    size_t natoms = lw_plan_atoms(m->plan), groups = m->scorer ? m->scorer->ngroups : 0;
    m->op = lw_realloc(m->op, natoms + groups + 1, sizeof *m->op);
    m->nops = 0;
    for (size_t a = 0; a < natoms; a++)
        if (op_of(m, a).kind == LW_ATOM_OP_KEY)
            m->op[m->nops++] = op_of(m, a);
    for (size_t g = 0; g < groups; g++)
        if (worth_fetching(m, &m->scorer->group[g]))
            m->op[m->nops++] =
                (struct lw_atom_op){.kind = LW_ATOM_OP_FETCH, .atom = (int)g};
    for (size_t a = 0; a < natoms; a++)
        if (op_of(m, a).kind != LW_ATOM_OP_KEY)
            m->op[m->nops++] = op_of(m, a);
}

/* The same texts compile to the same atoms in the same order; only the indexes of the
 * fields differ. */
int lw_model_bind(struct lw_model *m, const struct lw_fields *fields,
                  struct lw_err *err) {
    if (check_fields(m, fields, err))
        return -1;
    m->bound = *fields;
    struct lw_plan *plan = lw_plan_new(&m->bound, m->zone);
    lw_plan_set_zone_name(plan, m->zone_name);
    lw_plan_set_calendars(plan, &m->calendars);
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
    lw__model_compile(m);
    return m->base ? lw_model_bind(m->base, fields, err) : 0;
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
    return m->base ? lw_model_bind_plan(m->base, plan, err) : 0;
}

int lw_model_extend_plan(const struct lw_model *m, struct lw_plan *plan,
                         struct lw_err *err) {
    for (size_t a = 0; a < lw_plan_atoms(m->plan); a++)
        if (lw_plan_atom(plan, lw_plan_atom_text(m->plan, a), err) < 0)
            return lw_err_context(err, "model \"%s\"", m->name);
    return m->base ? lw_model_extend_plan(m->base, plan, err) : 0;
}

/* --- one row ------------------------------------------------------------------------ */

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

static void other_value(const struct lw_model *m, size_t a, const struct lw_cell *cells,
                        struct lw_values *v) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    if (atom->learned) {
        learned_value(m, a, v);
    } else if (atom->kind == LW_NUMERIC) {
        v->num[a] = lw_model_number(lw_plan_atom_number(m->plan, atom, cells));
    } else {
        struct lw_cell cell = lw_plan_atom_value(m->plan, atom, cells);
        uint32_t code = lw_dict_find(&m->dict[a], &cell);
        v->code[a] = code == LW_CODE_NONE ? m->dict[a].n : code;
    }
}

static uint32_t key_code(const struct lw_atom_op *op, bool present, uint64_t key) {
    if (!present)
        return op->missing;
    return key < op->nkeys ? op->by_key[key] : op->unknown;
}

static uint32_t calendar_code(const struct lw_model *m, const struct lw_atom_op *op,
                              const struct lw_cell *cell, struct lw_plan_clock *clock) {
    if (!cell->present)
        return op->missing;
    struct lw_plan_moment at = lw_plan_clock_read(clock, m->plan, op->field, cell);
    return key_code(op, true, (uint64_t)lw_calendar_part(op->source, at));
}

static void evaluate_atoms(const struct lw_model *m, const struct lw_cell *cells,
                           struct lw_values *v) {
    struct lw_plan_clock clock = {.field = -1};
    const struct lw_atom_op *end = m->op + m->nops;
    for (const struct lw_atom_op *op = m->op; op < end; op++) {
        const struct lw_cell *cell = &cells[op->field];
        switch (op->kind) {
        case LW_ATOM_OP_NUMBER:
            v->num[op->atom] =
                lw_model_number(lw_steps(op->step, op->nsteps, lw_cell_number(cell)));
            break;
        case LW_ATOM_OP_KEY:
            v->code[op->atom] = key_code(op, cell->present, cell->key);
            break;
        case LW_ATOM_OP_FETCH: {
            const struct lw_group *g = &m->scorer->group[op->atom];
            __builtin_prefetch(&g->table[lw_group_cell(g, v)]);
            break;
        }
        case LW_ATOM_OP_CALENDAR:
            v->code[op->atom] = calendar_code(m, op, cell, &clock);
            break;
        default:
            other_value(m, (size_t)op->atom, cells, v);
        }
    }
}

double lw_model_predict(const struct lw_model *m, const struct lw_row *row) {
    struct lw_values v;
    float x[LW_FEATURES_MAX];
    lw_assert(m->op);
    evaluate_atoms(m, row->cells, &v);
    if (!m->forest)
        return clip_prediction(m, lw_scorer_score(m->scorer, m, &v));
    double linear = m->base ? lw_model_predict(m->base, row) : 0;
    lw_forest_features(m, row->cells, &v, linear, x);
    return clip_prediction(m, linear + lw_forest_score(m->forest, x));
}

/* --- rows of a dataset -------------------------------------------------------------- */

static void row_values(const struct lw_chunk *feed, size_t i, struct lw_values *v) {
    for (size_t a = 0; a < feed->natoms; a++) {
        if (feed->num[a]) {
            v->num[a] = feed->num[a][i];
            continue;
        }
        uint32_t code = feed->code[a][i];
        v->code[a] = code == LW_CODE_NONE ? feed->m->dict[a].n : code;
    }
}

/* The arithmetic is the same as for one row, so that a backtest decides as a live run
 * does. */
void lw_model_predict_chunk(const struct lw_model *m, const struct lw_chunk *feed,
                            const uint32_t *idx, size_t n, double *out) {
    struct lw_values v;
    float x[LW_FEATURES_MAX];
    lw_assert(!m->base == !feed->base);
    if (feed->base)
        lw_model_predict_chunk(m->base, feed->base, idx, n, out);
    for (size_t i = 0; i < n; i++) {
        if (m->forest) {
            double linear = feed->base ? out[i] : 0;
            lw_forest_feed_features(m->forest, feed, i, idx[i], linear, x);
            out[i] = clip_prediction(m, linear + lw_forest_score(m->forest, x));
            continue;
        }
        row_values(feed, i, &v);
        out[i] = clip_prediction(m, lw_scorer_score(m->scorer, m, &v));
    }
}

void lw_model_predict_rows(const struct lw_model *m, const struct lw_dataset *ds,
                           size_t begin, size_t end, double *out) {
    struct lw_chunk feed;
    uint32_t idx[LW_CHUNK];
    lw_assert(m->has_plan && begin <= end && end <= lw_dataset_rows(ds));
    lw_chunk_init(&feed, m, ds);
    while (begin < end) {
        size_t n = end - begin < LW_CHUNK ? end - begin : LW_CHUNK;
        for (size_t i = 0; i < n; i++)
            idx[i] = (uint32_t)(begin + i);
        lw_chunk_atoms(&feed, idx, n, feed.natoms);
        lw_model_predict_chunk(m, &feed, idx, n, out);
        begin += n;
        out += n;
    }
    lw_chunk_fini(&feed);
}
