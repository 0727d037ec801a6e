/* A model as the record of schemas/model.avsc. The part for people (name, kind,
 * parameters) comes first, then the part that scoring reads; the fingerprint is a hash
 * of the second part. */
#include <math.h>
#include <string.h>

#include <xxhash.h>

#include "base/mem.h"
#include "model/finite.h"
#include "model/forest.h"
#include "model/parts.h"
#include "model/schema_text.h"
#include "model/wire.h"

static void put_head(const struct lw_model *m, struct lw_buf *out) {
    lw_varint_put_long(out, LW_MODEL_FORMAT);
    lw_wire_text(out, m->name);
    lw_wire_text(out, m->kind);
    lw_wire_open(out, m->nparams);
    for (size_t i = 0; i < m->nparams; i++) {
        lw_wire_text(out, m->param[i].key);
        lw_wire_text(out, m->param[i].value);
    }
    lw_wire_close(out);
}

static void put_fields(const struct lw_model *m, struct lw_buf *out) {
    lw_wire_open(out, m->fields.n);
    for (size_t i = 0; i < m->fields.n; i++) {
        lw_wire_text(out, m->fields.field[i].name);
        lw_varint_put_long(out, (int64_t)m->fields.field[i].kind);
        lw_buf_u8(out, m->fields.field[i].required);
    }
    lw_wire_close(out);
}

static void put_calendars(const struct lw_model *m, struct lw_buf *out) {
    lw_wire_open(out, m->calendars.n);
    for (size_t i = 0; i < m->calendars.n; i++) {
        const struct lw_calendar *c = &m->calendars.of[i];
        lw_wire_text(out, c->name);
        lw_wire_open(out, c->n);
        for (size_t k = 0; k < c->n; k++)
            lw_varint_put_long(out, c->day[k]);
        lw_wire_close(out);
    }
    lw_wire_close(out);
}

static void put_texts(const struct lw_model *m, struct lw_buf *out) {
    size_t natoms = lw_plan_atoms(m->plan), n = 0;
    for (size_t a = 0; a < natoms; a++)
        n += m->dict[a].texts == 1;
    lw_wire_open(out, n);
    for (size_t a = 0; a < natoms; a++)
        if (m->dict[a].texts == 1)
            lw_wire_text(out, lw_plan_atom_text(m->plan, a));
    lw_wire_close(out);
}

static void put_atoms(const struct lw_model *m, const int *atoms, int n,
                      struct lw_buf *out) {
    lw_wire_open(out, (size_t)n);
    for (int i = 0; i < n; i++)
        lw_wire_text(out, lw_plan_atom_text(m->plan, (size_t)atoms[i]));
    lw_wire_close(out);
}

static void put_level(const struct lw_model *m, const struct lw_block *block,
                      uint32_t level, struct lw_buf *scratch, struct lw_buf *out) {
    lw_buf_clear(scratch);
    lw_model_level_text(m, block, level, scratch);
    lw_wire_string(out, (const char *)scratch->data, scratch->len);
}

static void put_levels(const struct lw_model *m, const struct lw_block *block,
                       struct lw_buf *out) {
    struct lw_buf scratch = {0};
    uint32_t n = block->nlevels - (block->other != LW_CODE_NONE);
    lw_wire_open(out, n);
    for (uint32_t i = 0; i < n; i++)
        put_level(m, block, i, &scratch, out);
    lw_wire_close(out);
    lw_buf_fini(&scratch);
}

static void put_doubles(const double *v, size_t n, struct lw_buf *out) {
    lw_assert(v || n == 0);
    lw_wire_open(out, n);
    for (size_t i = 0; i < n; i++)
        lw_buf_f64(out, v[i]);
    lw_wire_close(out);
}

static void put_term(const struct lw_model *m, size_t t, struct lw_buf *out) {
    const struct lw_term *term = lw_plan_term_at(m->plan, t);
    const struct lw_model_term *part = &m->part[t];
    const struct lw_block *block = part->block < 0 ? NULL : &m->block[part->block];
    bool other = block && part->coef && block->other != LW_CODE_NONE;
    lw_wire_text(out, term->text);
    put_atoms(m, term->factor, term->ncat, out);
    put_atoms(m, term->factor + term->ncat, term->nnum, out);
    lw_buf_f64(out, term->penalty);
    lw_varint_put_long(out, term->min_count);
    if (block && part->coef)
        put_levels(m, block, out);
    else
        lw_wire_close(out);
    put_doubles(part->coef, part->n - other, out);
    lw_varint_put_long(out, other);
    if (other)
        lw_buf_f64(out, part->coef[block->other]);
}

/* A block of one category, to write its text. */
static void put_single(const struct lw_model *m, int atom, const double *mean,
                       struct lw_buf *out) {
    struct lw_buf scratch = {0};
    uint32_t n = m->dict[atom].n;
    lw_wire_open(out, n);
    for (uint32_t code = 0; code < n; code++) {
        uint64_t composite[1] = {code};
        struct lw_block one = {.ncat = 1, .atom = {atom}, .stride = {1}, .nlevels = 1};
        one.composite = composite;
        one.other = LW_CODE_NONE;
        put_level(m, &one, 0, &scratch, out);
        lw_buf_f64(out, mean[code]);
    }
    lw_wire_close(out);
    lw_buf_fini(&scratch);
}

static void put_impute(const struct lw_model *m, const struct lw_impute *imp,
                       struct lw_buf *out) {
    struct lw_buf scratch = {0};
    lw_wire_text(out, lw_plan_atom_text(m->plan, (size_t)imp->atom));
    lw_wire_text(out, lw_plan_atom_text(m->plan, (size_t)imp->from));
    put_atoms(m, imp->by, imp->nby, out);
    lw_buf_f64(out, imp->mean);
    lw_wire_open(out, (size_t)imp->nby);
    for (int j = 0; j < imp->nby; j++)
        put_single(m, imp->by[j], imp->single[j], out);
    lw_wire_close(out);
    lw_wire_open(out, imp->cross.nlevels);
    for (uint32_t l = 0; l < imp->cross.nlevels; l++) {
        put_level(m, &imp->cross, l, &scratch, out);
        lw_buf_f64(out, imp->cross_mean[l]);
    }
    lw_wire_close(out);
    lw_buf_fini(&scratch);
}

static void put_quantiles(const struct lw_model *m, const struct lw_quantiles *q,
                          struct lw_buf *out) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, (size_t)q->atom);
    lw_wire_text(out, atom->text);
    lw_wire_text(out, lw_plan_atom_text(m->plan, (size_t)atom->from));
    put_doubles(q->edge, (size_t)q->nedges, out);
}

static void put_scoring(const struct lw_model *m, struct lw_buf *out) {
    size_t nterms = lw_plan_terms(m->plan);
    put_fields(m, out);
    lw_wire_text(out, m->zone_name);
    put_calendars(m, out);
    lw_buf_f64(out, m->clip_lo);
    lw_buf_f64(out, m->clip_hi);
    lw_buf_f64(out, m->intercept);
    put_texts(m, out);
    lw_wire_open(out, nterms);
    for (size_t t = 0; t < nterms; t++)
        put_term(m, t, out);
    lw_wire_close(out);
    lw_wire_open(out, m->nimputes);
    for (size_t i = 0; i < m->nimputes; i++)
        put_impute(m, &m->impute[i], out);
    lw_wire_close(out);
    lw_wire_open(out, m->nquantiles);
    for (size_t i = 0; i < m->nquantiles; i++)
        put_quantiles(m, &m->quantiles[i], out);
    lw_wire_close(out);
}

static void put_forest(const struct lw_model *m, struct lw_buf *out) {
    lw_varint_put_long(out, m->forest != NULL);
    if (m->forest)
        lw_forest_write(m->forest, m, out);
}

/* The base's own head is for people too: the fingerprint leaves it out. */
static void put_body(const struct lw_model *m, bool heads, struct lw_buf *out) {
    put_scoring(m, out);
    lw_varint_put_long(out, m->base != NULL);
    if (m->base) {
        if (heads)
            put_head(m->base, out);
        put_scoring(m->base, out);
        lw_varint_put_long(out, 0); /* neither a base nor a forest */
        lw_varint_put_long(out, 0);
    }
    put_forest(m, out);
}

int lw_model_encode(const struct lw_model *m, struct lw_buf *out, struct lw_err *err) {
    struct lw_buf record = {0};
    if (lw_finite_model(m, err)) /* a written model must be readable */
        return lw_err_context(err, "model \"%s\"", m->name);
    put_head(m, &record);
    put_body(m, true, &record);
    int rc = lw_wire_wrap(out, lw_model_schema, &record, err);
    lw_buf_fini(&record);
    return rc;
}

uint64_t lw_model_fingerprint(const struct lw_model *m) {
    struct lw_buf body = {0};
    put_body(m, false, &body);
    uint64_t hash = XXH3_64bits(body.data, body.len);
    lw_buf_fini(&body);
    return hash;
}
