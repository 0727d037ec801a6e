/* A model from the record of schemas/model.avsc.
 *
 * The input is not trusted: counts are bounded by the bytes that follow, expressions go
 * through the same compiler as those of a configuration, texts must be canonical,
 * numbers finite, levels ordered and unique. The record is read in two steps, because
 * the dictionaries are the union over all terms: the first step keeps each level as
 * borrowed text, the second makes codes and composites. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/finite.h"
#include "model/forest.h"
#include "model/parts.h"
#include "model/schema_text.h"
#include "model/wire.h"

struct slice {
    const char *text;
    size_t len;
};

/* Levels as read, each with a number. */
struct pairs {
    struct slice *level;
    double *value;
    size_t nlevels, nvalues, level_cap, value_cap;
    bool has_other;
    double other;
};

struct decoder {
    struct lw_reader in;
    struct lw_err *err;
    struct lw_model *m;
    bool is_base;          /* the record is the base of another */
    struct lw_model *head; /* scratch for name, kind, parameters, fields, clip */
    struct slice texts[LW_ATOMS_MAX];
    size_t ntexts;
    struct pairs term[LW_TERMS_MAX];
    struct pairs single[LW_ATOMS_MAX][LW_IMPUTE_MAX], cross[LW_ATOMS_MAX];
};

static int model_damaged(struct decoder *d, const char *what) {
    return lw_fail(d->err, LW_EINPUT, "damaged model: %s", what);
}

/* LW_ECONFIG elsewhere means a wrong configuration; here it means a damaged file. */
static int model_foreign(struct decoder *d) {
    if (d->err)
        d->err->code = LW_EINPUT;
    return lw_err_context(d->err, "damaged model");
}

static int get_name(struct decoder *d, char *out, size_t size, const char *what) {
    size_t len;
    const char *text = lw_wire_get_string(&d->in, &len);
    if (d->in.bad || len >= size || memchr(text, 0, len))
        return model_damaged(d, what);
    memcpy(out, text, len);
    out[len] = 0;
    return 0;
}

static int get_number(struct decoder *d, double *out, const char *what) {
    *out = lw_wire_get_double(&d->in);
    return d->in.bad || !isfinite(*out) ? model_damaged(d, what) : 0;
}

static void add_level(struct pairs *p, struct slice level) {
    if (p->nlevels == p->level_cap) {
        p->level_cap = p->level_cap ? 2 * p->level_cap : 16;
        p->level = lw_realloc(p->level, p->level_cap, sizeof *p->level);
    }
    p->level[p->nlevels++] = level;
}

static void add_value(struct pairs *p, double value) {
    if (p->nvalues == p->value_cap) {
        p->value_cap = p->value_cap ? 2 * p->value_cap : 16;
        p->value = lw_realloc(p->value, p->value_cap, sizeof *p->value);
    }
    p->value[p->nvalues++] = value;
}

static void get_levels(struct decoder *d, struct pairs *p) {
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left)) {
        struct slice level;
        level.text = lw_wire_get_string(&d->in, &level.len);
        add_level(p, level);
    }
}

static void get_values(struct decoder *d, struct pairs *p) {
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left))
        add_value(p, lw_wire_get_double(&d->in));
}

static void get_map(struct decoder *d, struct pairs *p) {
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left)) {
        struct slice level;
        level.text = lw_wire_get_string(&d->in, &level.len);
        add_level(p, level);
        add_value(p, lw_wire_get_double(&d->in));
    }
}

static int all_finite(struct decoder *d, const struct pairs *p) {
    for (size_t i = 0; i < p->nvalues; i++)
        if (!isfinite(p->value[i]))
            return model_damaged(d, "a coefficient is not a number");
    return 0;
}

/* --- head ------------------------------------------------------------------------- */

static int get_params(struct decoder *d) {
    struct lw_model *h = d->head;
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left)) {
        if (h->nparams == LW_PARAMS_MAX)
            return model_damaged(d, "too many parameters");
        struct lw_param *param = &h->param[h->nparams++];
        if (get_name(d, param->key, sizeof param->key, "a parameter's name") ||
            get_name(d, param->value, sizeof param->value, "a parameter's value"))
            return -1;
    }
    return 0;
}

static int get_fields(struct decoder *d) {
    uint64_t left = 0;
    char name[LW_NAME_MAX];
    while (lw_wire_more(&d->in, &left)) {
        if (get_name(d, name, sizeof name, "a field's name"))
            return -1;
        int64_t kind = lw_varint_get_long(&d->in);
        bool required = lw_wire_get_boolean(&d->in);
        if (d->in.bad || kind < LW_NUMERIC || kind > LW_TEXT)
            return model_damaged(d, "a field's kind");
        if (lw_fields_add(&d->head->fields, name, (enum lw_kind)kind, required, d->err) <
            0)
            return model_foreign(d);
    }
    return 0;
}

static int get_calendar(struct decoder *d, int32_t *day) {
    char name[LW_NAME_MAX];
    uint64_t left = 0;
    size_t n = 0;
    if (get_name(d, name, sizeof name, "a calendar's name"))
        return -1;
    while (lw_wire_more(&d->in, &left)) {
        int64_t v = lw_varint_get_long(&d->in);
        if (n == LW_CALENDAR_DAYS_MAX || v < INT32_MIN || v > INT32_MAX)
            return model_damaged(d, "a calendar's dates");
        day[n++] = (int32_t)v;
    }
    if (d->in.bad)
        return model_damaged(d, "a calendar's dates");
    return lw_calendars_add(&d->head->calendars, name, day, n, d->err) ? model_foreign(d)
                                                                       : 0;
}

static int get_calendars(struct decoder *d) {
    int32_t *day = lw_calloc(LW_CALENDAR_DAYS_MAX, sizeof *day);
    uint64_t left = 0;
    int rc = 0;
    while (!rc && lw_wire_more(&d->in, &left))
        rc = get_calendar(d, day);
    free(day);
    return rc ? -1 : d->in.bad ? model_damaged(d, "the calendars") : 0;
}

static int get_range(struct decoder *d) {
    struct lw_model *h = d->head;
    h->clip_lo = lw_wire_get_double(&d->in);
    h->clip_hi = lw_wire_get_double(&d->in);
    if (d->in.bad || !(h->clip_lo < h->clip_hi))
        return model_damaged(d, "the clip range");
    return get_number(d, &h->intercept, "the intercept");
}

static int get_texts(struct decoder *d) {
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left)) {
        if (d->ntexts == LW_ATOMS_MAX)
            return model_damaged(d, "too many text categories");
        struct slice *text = &d->texts[d->ntexts++];
        text->text = lw_wire_get_string(&d->in, &text->len);
    }
    return d->in.bad ? model_damaged(d, "the text categories") : 0;
}

static int get_head(struct decoder *d) {
    int64_t format = lw_varint_get_long(&d->in);
    struct lw_model *h = d->head;
    if (d->in.bad || format != LW_MODEL_FORMAT)
        return lw_fail(d->err, LW_EINPUT,
                       "the model is of format %lld, this program reads %d",
                       (long long)format, LW_MODEL_FORMAT);
    if (get_name(d, h->name, sizeof h->name, "its name") ||
        get_name(d, h->kind, sizeof h->kind, "its kind") || get_params(d) ||
        get_fields(d) || get_name(d, h->zone_name, sizeof h->zone_name, "its zone") ||
        get_calendars(d) || get_range(d) || get_texts(d))
        return -1;
    d->m = lw_model_new(&h->fields, h->zone_name, d->err);
    if (!d->m)
        return -1;
    for (size_t i = 0; i < h->calendars.n; i++)
        lw_model_add_calendar(d->m, &h->calendars.of[i]);
    memcpy(d->m->name, h->name, sizeof h->name);
    memcpy(d->m->kind, h->kind, sizeof h->kind);
    memcpy(d->m->param, h->param, sizeof h->param);
    d->m->nparams = h->nparams;
    d->m->clip_lo = h->clip_lo;
    d->m->clip_hi = h->clip_hi;
    d->m->intercept = h->intercept;
    return 0;
}

/* --- terms and learned tables, as read ---------------------------------------------- */

/* The list of factors is for other readers; it must name exactly the atoms of the text.
 */
static int expect_atoms(struct decoder *d, const int *atoms, int n) {
    uint64_t left = 0;
    int i = 0;
    for (; lw_wire_more(&d->in, &left); i++) {
        size_t len;
        const char *text = lw_wire_get_string(&d->in, &len);
        const char *want = i < n ? lw_plan_atom_text(d->m->plan, (size_t)atoms[i]) : NULL;
        if (!want || len != strlen(want) || memcmp(text, want, len) != 0)
            return model_damaged(d, "a term's factors do not match its text");
    }
    return i == n && !d->in.bad ? 0 : model_damaged(d, "a term lacks a factor");
}

static int get_other(struct decoder *d, struct pairs *p) {
    int64_t branch = lw_varint_get_long(&d->in);
    if (d->in.bad || branch < 0 || branch > 1)
        return model_damaged(d, "a term's other level");
    p->has_other = branch == 1;
    return p->has_other ? get_number(d, &p->other, "a term's other level") : 0;
}

static int get_term(struct decoder *d) {
    struct lw_term given = {0}; /* categories and numbers: checked later */
    size_t at = lw_plan_terms(d->m->plan);
    struct lw_reader lists;
    if (get_name(d, given.text, sizeof given.text, "a term's text"))
        return -1;
    lists = d->in;
    for (int list = 0; list < 2; list++)
        for (uint64_t left = 0; lw_wire_more(&d->in, &left);) {
            size_t len;
            lw_wire_get_string(&d->in, &len);
        }
    given.penalty = lw_wire_get_double(&d->in);
    int64_t min_count = lw_varint_get_long(&d->in);
    if (d->in.bad || min_count < 0 || min_count > UINT32_MAX)
        return model_damaged(d, "a term's rare handling");
    given.min_count = (uint32_t)min_count;
    int added = lw_model_add_term(d->m, &given, d->err);
    if (added < 0)
        return model_foreign(d);
    if ((size_t)added != at)
        return model_damaged(d, "a term appears twice");
    const struct lw_term *term = lw_plan_term_at(d->m->plan, at);
    if (strcmp(term->text, given.text) != 0)
        return model_damaged(d, "a term's text is not canonical");
    struct lw_reader after = d->in;
    d->in = lists;
    if (expect_atoms(d, term->factor, term->ncat) ||
        expect_atoms(d, term->factor + term->ncat, term->nnum))
        return -1;
    d->in = after;
    get_levels(d, &d->term[at]);
    get_values(d, &d->term[at]);
    if (d->in.bad)
        return model_damaged(d, "a term's levels");
    return get_other(d, &d->term[at]);
}

static int get_terms(struct decoder *d) {
    uint64_t left = 0;
    while (lw_wire_more(&d->in, &left))
        if (get_term(d))
            return -1;
    if (d->in.bad)
        return model_damaged(d, "the terms");
    lw_model_list_learned(d->m);
    return 0;
}

static int get_impute(struct decoder *d, size_t i) {
    struct lw_impute *imp = &d->m->impute[i];
    uint64_t left = 0;
    int j = 0, atoms[2] = {imp->atom, imp->from};
    for (int k = 0; k < 2; k++) {
        char text[LW_NAME_MAX * 2];
        if (get_name(d, text, sizeof text, "an imputation's text"))
            return -1;
        if (strcmp(text, lw_plan_atom_text(d->m->plan, (size_t)atoms[k])) != 0)
            return model_damaged(d, "an imputation does not match the terms");
    }
    if (expect_atoms(d, imp->by, imp->nby) ||
        get_number(d, &imp->mean, "an imputation's mean"))
        return -1;
    for (; lw_wire_more(&d->in, &left); j++) {
        if (j == imp->nby)
            return model_damaged(d, "an imputation has too many tables");
        get_map(d, &d->single[i][j]);
    }
    get_map(d, &d->cross[i]);
    if (d->in.bad || j != imp->nby || (imp->nby == 1 && d->cross[i].nlevels))
        return model_damaged(d, "an imputation's tables");
    return 0;
}

static int get_quantiles(struct decoder *d, size_t i) {
    struct lw_quantiles *q = &d->m->quantiles[i];
    const struct lw_atom *atom = lw_plan_atom_at(d->m->plan, (size_t)q->atom);
    char text[LW_NAME_MAX * 2], from[LW_NAME_MAX * 2];
    uint64_t left = 0;
    if (get_name(d, text, sizeof text, "a binning's text") ||
        get_name(d, from, sizeof from, "a binning's number"))
        return -1;
    if (strcmp(text, atom->text) != 0 ||
        strcmp(from, lw_plan_atom_text(d->m->plan, (size_t)atom->from)) != 0)
        return model_damaged(d, "a binning does not match the terms");
    while (lw_wire_more(&d->in, &left)) {
        double edge = lw_wire_get_double(&d->in);
        if (q->nedges == LW_QBINS_MAX || !isfinite(edge) ||
            (q->nedges && !(edge > q->edge[q->nedges - 1])))
            return model_damaged(d, "a binning's edges");
        q->edge[q->nedges++] = edge;
    }
    return d->in.bad ? model_damaged(d, "a binning's edges") : 0;
}

static int get_learned(struct decoder *d) {
    uint64_t left = 0;
    size_t i = 0;
    for (; lw_wire_more(&d->in, &left); i++)
        if (i == d->m->nimputes ? model_damaged(d, "too many imputations")
                                : get_impute(d, i))
            return -1;
    if (i != d->m->nimputes)
        return model_damaged(d, "an imputation is missing");
    left = 0;
    for (i = 0; lw_wire_more(&d->in, &left); i++)
        if (i == d->m->nquantiles ? model_damaged(d, "too many binnings")
                                  : get_quantiles(d, i))
            return -1;
    return i == d->m->nquantiles ? 0 : model_damaged(d, "a binning is missing");
}

static bool is_text(const struct decoder *d, int atom) {
    const char *text = lw_plan_atom_text(d->m->plan, (size_t)atom);
    for (size_t i = 0; i < d->ntexts; i++)
        if (d->texts[i].len == strlen(text) &&
            memcmp(d->texts[i].text, text, d->texts[i].len) == 0)
            return true;
    return false;
}

static struct lw_model *record_decode(struct lw_reader *in, bool is_base,
                                      struct lw_err *err);

static int get_base(struct decoder *d) {
    int64_t branch = lw_varint_get_long(&d->in);
    if (d->in.bad || branch < 0 || branch > !d->is_base)
        return model_damaged(d, "its base");
    if (branch == 0)
        return 0;
    d->m->base = record_decode(&d->in, true, d->err);
    return d->m->base ? 0 : lw_err_context(d->err, "the base");
}

static int get_forest(struct decoder *d) {
    int64_t branch = lw_varint_get_long(&d->in);
    if (d->in.bad || branch < 0 || branch > !d->is_base)
        return model_damaged(d, "the forest");
    if (branch == 1) {
        bool texts[LW_ATOMS_MAX];
        for (size_t a = 0; a < lw_plan_atoms(d->m->plan); a++)
            texts[a] = is_text(d, (int)a);
        d->m->forest = lw_forest_read(d->m, &d->in, texts, d->err);
        if (!d->m->forest)
            return -1;
    }
    if (d->m->base && !d->m->forest)
        return model_damaged(d, "a base without a forest");
    if (d->in.bad || (!d->is_base && lw_reader_left(&d->in)))
        return model_damaged(d, "the record is too long or too short");
    return 0;
}

/* --- dictionaries and composites ---------------------------------------------------- */

static int part_cell(struct decoder *d, int atom, struct slice part,
                     struct lw_cell *out) {
    char digits[24];
    int64_t v;
    if (part.len == 1 && *part.text == LW_LEVEL_MISSING) {
        *out = lw_cell_missing();
        return 0;
    }
    if (is_text(d, atom)) {
        *out = lw_cell_text(part.text, part.len);
        return 0;
    }
    if (part.len == 0 || part.len >= sizeof digits)
        return model_damaged(d, "a level is not an integer");
    memcpy(digits, part.text, part.len);
    digits[part.len] = 0;
    if (!lw_parse_i64(digits, &v))
        return model_damaged(d, "a level is not an integer");
    *out = lw_cell_int(v);
    return 0;
}

/* Splits a level into the cells of its categories. */
static int level_cells(struct decoder *d, const int *atoms, int n, struct slice level,
                       struct lw_cell *out) {
    for (int i = 0; i < n; i++) {
        struct slice part = level;
        const char *cut = memchr(level.text, LW_LEVEL_SEPARATOR, level.len);
        if ((cut != NULL) != (i < n - 1))
            return model_damaged(d, "a level has too few or too many parts");
        if (cut) {
            part.len = (size_t)(cut - level.text);
            level.text = cut + 1;
            level.len -= part.len + 1;
        }
        if (part_cell(d, atoms[i], part, &out[i]))
            return -1;
    }
    return 0;
}

static int learn_levels(struct decoder *d, const int *atoms, int n,
                        const struct pairs *p) {
    struct lw_cell cells[LW_FACTORS_MAX];
    for (size_t i = 0; i < p->nlevels; i++) {
        if (level_cells(d, atoms, n, p->level[i], cells))
            return -1;
        for (int j = 0; j < n; j++)
            if (lw_dict_add(&d->m->dict[atoms[j]], &cells[j]) == LW_CODE_NONE)
                return model_damaged(d, "a level's text cannot be a level");
    }
    return 0;
}

static int build_dictionaries(struct decoder *d) {
    for (size_t t = 0; t < lw_plan_terms(d->m->plan); t++) {
        const struct lw_term *term = lw_plan_term_at(d->m->plan, t);
        if (term->ncat && learn_levels(d, term->factor, term->ncat, &d->term[t]))
            return -1;
    }
    for (size_t i = 0; i < d->m->nimputes; i++) {
        const struct lw_impute *imp = &d->m->impute[i];
        for (int j = 0; j < imp->nby; j++)
            if (learn_levels(d, &imp->by[j], 1, &d->single[i][j]))
                return -1;
        if (imp->nby > 1 && learn_levels(d, imp->by, imp->nby, &d->cross[i]))
            return -1;
    }
    for (size_t a = 0; a < lw_plan_atoms(d->m->plan); a++)
        lw_dict_sort(&d->m->dict[a]);
    lw_model_index_keys(d->m);
    return 0;
}

/* Composites of the levels, which must be in ascending order. NULL on failure. */
static uint64_t *block_composites(struct decoder *d, const struct lw_block *block,
                                  const struct pairs *p) {
    uint64_t *out = lw_malloc((p->nlevels + 1) * sizeof *out);
    struct lw_cell cells[LW_FACTORS_MAX];
    for (size_t i = 0; i < p->nlevels; i++) {
        out[i] = 0;
        if (level_cells(d, block->atom, block->ncat, p->level[i], cells)) {
            free(out);
            return NULL;
        }
        for (int j = 0; j < block->ncat; j++)
            out[i] +=
                lw_dict_find(&d->m->dict[block->atom[j]], &cells[j]) * block->stride[j];
        if (i && out[i] <= out[i - 1]) {
            free(out);
            model_damaged(d, "levels are not in order");
            return NULL;
        }
    }
    return out;
}

/* The first term of a block defines its levels; the other terms must list the same. */
static int block_define(struct decoder *d, struct lw_block *block,
                        const struct pairs *p) {
    bool first = block->composite == NULL;
    if (p->nlevels >= LW_LEVELS_MAX)
        return model_damaged(d, "a term has too many levels");
    if (first && lw_block_shape(block, d->m->dict, d->err))
        return model_foreign(d);
    uint64_t *c = block_composites(d, block, p);
    if (!c)
        return -1;
    if (first)
        lw_block_levels(block, c, (uint32_t)p->nlevels, p->has_other);
    bool same = block->nlevels == p->nlevels + p->has_other &&
                memcmp(block->composite, c, p->nlevels * sizeof *c) == 0;
    free(c);
    return same
               ? 0
               : model_damaged(d, "terms over the same categories have different levels");
}

static int build_term(struct decoder *d, size_t t) {
    struct lw_model_term *part = &d->m->part[t];
    const struct pairs *p = &d->term[t];
    bool rare = lw_plan_term_at(d->m->plan, t)->min_count > 0;
    size_t want = part->block < 0 ? 1 : p->nlevels;
    if (all_finite(d, p))
        return -1;
    if (d->m->forest)
        return p->nvalues || p->nlevels ? model_damaged(d, "trees have no coefficients")
                                        : 0;
    if (p->nvalues != want || p->has_other != rare || (part->block < 0 && p->nlevels))
        return model_damaged(d, "a term's coefficients do not match its levels");
    if (part->block >= 0 && block_define(d, &d->m->block[part->block], p))
        return -1;
    part->n = (uint32_t)(want + p->has_other);
    part->coef = lw_calloc(part->n + 1, sizeof *part->coef);
    memcpy(part->coef, p->value, want * sizeof *p->value);
    if (p->has_other)
        part->coef[want] = p->other;
    return 0;
}

static int build_single(struct decoder *d, struct lw_impute *imp, int j,
                        const struct pairs *p) {
    const struct lw_dict *dict = &d->m->dict[imp->by[j]];
    imp->single[j] = lw_malloc((dict->n + 1) * sizeof *imp->single[j]);
    for (uint32_t c = 0; c < dict->n; c++)
        imp->single[j][c] = imp->mean;
    for (size_t i = 0; i < p->nlevels; i++) {
        struct lw_cell cell;
        if (part_cell(d, imp->by[j], p->level[i], &cell))
            return -1;
        imp->single[j][lw_dict_find(dict, &cell)] = p->value[i];
    }
    return all_finite(d, p);
}

static int build_impute(struct decoder *d, size_t i) {
    struct lw_impute *imp = &d->m->impute[i];
    const struct pairs *p = &d->cross[i];
    for (int j = 0; j < imp->nby; j++)
        if (build_single(d, imp, j, &d->single[i][j]))
            return -1;
    if (imp->nby > 1 && block_define(d, &imp->cross, p))
        return -1;
    imp->cross_mean = lw_malloc((p->nlevels + 1) * sizeof *imp->cross_mean);
    if (p->nlevels)
        memcpy(imp->cross_mean, p->value, p->nlevels * sizeof *p->value);
    return all_finite(d, p);
}

static int model_build(struct decoder *d) {
    if (build_dictionaries(d) ||
        (d->m->forest && lw_forest_index(d->m->forest, d->m, d->err)))
        return -1;
    for (size_t t = 0; t < lw_plan_terms(d->m->plan); t++)
        if (build_term(d, t))
            return -1;
    for (size_t i = 0; i < d->m->nimputes; i++)
        if (build_impute(d, i))
            return -1;
    lw_model_finish(d->m);
    return lw_finite_model(d->m, d->err) ? model_foreign(d) : 0;
}

static void pairs_fini(struct pairs *p) {
    free(p->level);
    free(p->value);
}

static void decoder_free(struct decoder *d) {
    for (size_t t = 0; t < LW_TERMS_MAX; t++)
        pairs_fini(&d->term[t]);
    for (size_t i = 0; i < LW_ATOMS_MAX; i++) {
        pairs_fini(&d->cross[i]);
        for (int j = 0; j < LW_IMPUTE_MAX; j++)
            pairs_fini(&d->single[i][j]);
    }
    lw_calendars_fini(&d->head->calendars);
    free(d->head);
    free(d);
}

/* A record at the reader's position; a base ends where its record does. */
static struct lw_model *record_decode(struct lw_reader *in, bool is_base,
                                      struct lw_err *err) {
    struct decoder *d = lw_calloc(1, sizeof *d);
    d->in = *in;
    d->err = err;
    d->is_base = is_base;
    d->head = lw_calloc(1, sizeof *d->head);
    int rc = get_head(d) || get_terms(d) || get_learned(d) || get_base(d) ||
             get_forest(d) || model_build(d);
    struct lw_model *m = d->m;
    *in = d->in;
    decoder_free(d);
    if (!rc)
        return m;
    lw_model_free(m);
    return NULL;
}

struct lw_model *lw_model_decode(const void *data, size_t len, struct lw_err *err) {
    struct lw_buf record = {0};
    struct lw_model *m = NULL;
    if (lw_wire_unwrap(data, len, lw_model_schema, &record, err) == 0) {
        struct lw_reader in = lw_reader_of(record.data, record.len);
        m = record_decode(&in, false, err);
    }
    lw_buf_fini(&record);
    return m;
}
