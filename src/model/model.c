/* Creation and parts of a model, and its accessors. */
#include "leeway/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/forest.h"
#include "model/scorer.h"

struct lw_model *lw_model_new(const struct lw_fields *fields, const char *zone_name,
                              struct lw_err *err) {
    struct lw_model *m = lw_calloc(1, sizeof *m);
    m->fields = m->bound = *fields;
    m->clip_lo = -INFINITY;
    m->clip_hi = INFINITY;
    for (size_t i = 0; i < LW_ATOMS_MAX; i++)
        lw_dict_init(&m->dict[i]);
    lw_copy(m->zone_name, sizeof m->zone_name, zone_name);
    if (*zone_name) {
        m->zone = lw_zone_new(zone_name, err);
        if (!m->zone) {
            free(m);
            return NULL;
        }
    }
    m->plan = lw_plan_new(&m->bound, m->zone);
    lw_plan_set_zone_name(m->plan, zone_name);
    lw_plan_set_calendars(m->plan, &m->calendars);
    return m;
}

void lw_model_add_calendar(struct lw_model *m, const struct lw_calendar *calendar) {
    lw_calendars_copy(&m->calendars, calendar);
}

static void free_learned(struct lw_model *m) {
    for (size_t i = 0; i < m->nimputes; i++) {
        struct lw_impute *imp = &m->impute[i];
        for (int j = 0; j < imp->nby; j++)
            free(imp->single[j]);
        free(imp->cross_mean);
        lw_block_fini(&imp->cross);
    }
    free(m->impute);
    free(m->quantiles);
}

void lw_model_free(struct lw_model *m) {
    if (!m)
        return;
    free_learned(m);
    for (size_t i = 0; i < m->nblocks; i++)
        lw_block_fini(&m->block[i]);
    for (size_t i = 0; i < lw_plan_terms(m->plan); i++)
        free(m->part[i].coef);
    for (size_t i = 0; i < LW_ATOMS_MAX; i++) {
        lw_dict_fini(&m->dict[i]);
        free(m->by_key[i]);
    }
    lw_forest_free(m->forest);
    lw_model_free(m->base);
    lw_scorer_free(m->scorer);
    free(m->op);
    lw_plan_free(m->plan);
    lw_zone_free(m->zone);
    lw_calendars_fini(&m->calendars);
    free(m);
}

static int find_block(struct lw_model *m, const struct lw_term *term) {
    for (size_t i = 0; i < m->nblocks; i++) {
        const struct lw_block *b = &m->block[i];
        if (b->ncat == term->ncat && b->min_count == term->min_count &&
            memcmp(b->atom, term->factor, (size_t)b->ncat * sizeof *b->atom) == 0)
            return (int)i;
    }
    struct lw_block *b = &m->block[m->nblocks];
    *b = (struct lw_block){.ncat = term->ncat, .min_count = term->min_count};
    memcpy(b->atom, term->factor, (size_t)term->ncat * sizeof *b->atom);
    return (int)m->nblocks++;
}

int lw_model_add_term(struct lw_model *m, const struct lw_term *term,
                      struct lw_err *err) {
    size_t before = lw_plan_terms(m->plan);
    int at = lw_plan_term(m->plan, term->text, term->penalty, term->min_count, err);
    if (at < 0 || (size_t)at < before)
        return at;
    const struct lw_term *own = lw_plan_term_at(m->plan, (size_t)at);
    struct lw_model_term *part = &m->part[at];
    *part = (struct lw_model_term){.block = own->ncat ? find_block(m, own) : -1};
    part->nnum = own->nnum;
    memcpy(part->num, own->factor + own->ncat, (size_t)own->nnum * sizeof *part->num);
    return at;
}

static void add_impute(struct lw_model *m, const struct lw_atom *atom, size_t i) {
    m->impute = lw_realloc(m->impute, m->nimputes + 1, sizeof *m->impute);
    struct lw_impute *imp = &m->impute[m->nimputes];
    *imp = (struct lw_impute){.atom = (int)i, .from = atom->from, .nby = atom->nby};
    memcpy(imp->by, atom->by, sizeof imp->by);
    if (imp->nby > 1) {
        imp->cross.ncat = imp->nby;
        memcpy(imp->cross.atom, imp->by, sizeof imp->by);
    }
    m->learned[i] = (int)m->nimputes++;
}

void lw_model_list_learned(struct lw_model *m) {
    for (size_t i = 0; i < lw_plan_atoms(m->plan); i++) {
        const struct lw_atom *atom = lw_plan_atom_at(m->plan, i);
        m->learned[i] = -1;
        if (atom->source == LW_SOURCE_IMPUTE) {
            add_impute(m, atom, i);
        } else if (lw_atom_ends_in(atom, LW_STEP_QBINS)) {
            m->quantiles =
                lw_realloc(m->quantiles, m->nquantiles + 1, sizeof *m->quantiles);
            m->quantiles[m->nquantiles] = (struct lw_quantiles){.atom = (int)i};
            m->learned[i] = (int)m->nquantiles++;
        }
    }
}

static void index_keys(struct lw_model *m, size_t atom) {
    const struct lw_dict *dict = &m->dict[atom];
    uint64_t top = 0;
    if (dict->texts != 0)
        return;
    for (uint32_t i = 0; i < dict->n; i++)
        if (!dict->level[i].missing && dict->level[i].key > top)
            top = dict->level[i].key;
    if (top >= LW_KEYS_DENSE)
        return;
    uint32_t *map = lw_malloc((top + 1) * sizeof *map);
    for (uint64_t k = 0; k <= top; k++)
        map[k] = lw_table_get(&dict->table, k);
    for (uint64_t k = 0; k <= top; k++)
        map[k] = map[k] == LW_TABLE_NONE ? dict->n : map[k];
    m->by_key[atom] = map;
    m->nkeys[atom] = (uint32_t)top + 1;
}

void lw_model_index_keys(struct lw_model *m) {
    for (size_t i = 0; i < lw_plan_atoms(m->plan); i++)
        index_keys(m, i);
}

void lw_model_finish(struct lw_model *m) {
    lw_scorer_free(m->scorer);
    m->scorer = m->forest ? NULL : lw_scorer_new(m);
    if (m->op)
        lw__model_compile(m); /* which groups there are is in it */
}

void lw_model_add_param(struct lw_model *m, const char *key, const char *value) {
    lw_assert(m->nparams < LW_PARAMS_MAX);
    lw_copy(m->param[m->nparams].key, LW_NAME_MAX, key);
    lw_copy(m->param[m->nparams++].value, LW_NAME_MAX, value);
}

void lw_model_level_text(const struct lw_model *m, const struct lw_block *block,
                         uint32_t level, struct lw_buf *out) {
    lw_assert(level < block->nlevels && level != block->other);
    uint64_t composite = block->composite[level];
    for (int i = 0; i < block->ncat; i++) {
        const struct lw_dict *dict = &m->dict[block->atom[i]];
        const struct lw_dict_level *part = &dict->level[composite / block->stride[i]];
        composite %= block->stride[i];
        if (i)
            lw_buf_u8(out, LW_LEVEL_SEPARATOR);
        if (part->missing)
            lw_buf_u8(out, LW_LEVEL_MISSING);
        else if (part->text)
            lw_buf_put(out, part->text, part->len);
        else
            lw_buf_printf(out, "%lld", (long long)part->key);
    }
}

const char *lw_model_name(const struct lw_model *m) {
    return m->name;
}

const char *lw_model_kind(const struct lw_model *m) {
    return m->kind;
}

const struct lw_fields *lw_model_fields(const struct lw_model *m) {
    return &m->fields;
}

double lw_model_intercept(const struct lw_model *m) {
    return m->intercept;
}

size_t lw_model_coefficients(const struct lw_model *m) {
    size_t n = m->forest ? lw_forest_nodes(m->forest) : 0;
    for (size_t i = 0; i < lw_plan_terms(m->plan); i++)
        n += m->part[i].n;
    return n + (m->base ? lw_model_coefficients(m->base) : 0);
}

static bool same_but_spaces(const char *a, const char *b) {
    for (;; a++, b++) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        if (*a != *b)
            return false;
        if (!*a)
            return true;
    }
}

static double level_coefficient(const struct lw_model *m,
                                const struct lw_model_term *part, const char *level) {
    const struct lw_block *block = &m->block[part->block];
    struct lw_buf text = {0};
    double found = NAN;
    for (uint32_t i = 0; i < block->nlevels && isnan(found); i++) {
        if (i == block->other)
            continue;
        lw_buf_clear(&text);
        lw_model_level_text(m, block, i, &text);
        if (strcmp(lw_buf_str(&text), level) == 0)
            found = part->coef[i];
    }
    lw_buf_fini(&text);
    return found;
}

double lw_model_coefficient(const struct lw_model *m, const char *term,
                            const char *level) {
    for (size_t i = 0; i < lw_plan_terms(m->plan); i++) {
        const struct lw_model_term *part = &m->part[i];
        if (!same_but_spaces(lw_plan_term_at(m->plan, i)->text, term) || !part->coef)
            continue;
        if (part->block < 0)
            return *level ? NAN : part->coef[0];
        return level_coefficient(m, part, level);
    }
    return NAN;
}
