/* A linear model of another program as JSON of a few keys:
 *
 *   {"link": "identity", "intercept": 3.1,
 *    "terms": {"trip_distance": 2.2, "PULocationID": {"74": 0.4, "75": -0.1}}}
 *
 * A term's name is an expression of the feature language. A number has a coefficient, a
 * category one for each level; levels of a cross are joined with U+001F, and a missing
 * part is U+001E, as in the model file. A level that is not listed contributes 0. */
#include "exchange/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/finite.h"
#include "model/parts.h"

struct linear_reader {
    const struct lw_exchange *to;
    struct lw_model *m;
    const json_t *value[LW_TERMS_MAX]; /* by term */
    const char *key[LW_TERMS_MAX];
    bool texts[LW_ATOMS_MAX]; /* the levels of a category are texts */
    struct lw_err *err;
};

static const struct lw_place terms_place = {NULL, "terms", 0};

static int check_head(const struct lw_exchange *to, const json_t *root,
                      struct lw_err *err) {
    static const char *const known[] = {"link",   "intercept",   "terms",
                                        "target", "target_unit", "name"};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)root, key, v) {
        size_t i = 0, n = sizeof known / sizeof *known;
        while (i < n && strcmp(key, known[i]) != 0)
            i++;
        struct lw_place at = {NULL, key, 0};
        if (i == n)
            return lw__place_fail(&at, err, "a linear model has no such key");
        if (strcmp(key, "terms") != 0 && strcmp(key, "intercept") != 0 &&
            !json_is_string(v))
            return lw__place_fail(&at, err, "a text is expected");
    }
    struct lw_place at = {NULL, "link", 0};
    v = json_object_get(root, "link");
    if (v && strcmp(json_string_value(v), "identity") != 0)
        return lw__place_fail(
            &at, err,
            "\"%.40s\": a model of leeway predicts the sum of its terms "
            "itself (identity); a model with another link cannot be held",
            json_string_value(v));
    at.key = "target_unit";
    v = json_object_get(root, "target_unit");
    if (v && to->minutes && strcmp(json_string_value(v), "minutes") != 0)
        return lw__place_fail(&at, err,
                              "\"%.40s\": the target of the configuration is in minutes; "
                              "scale the coefficients",
                              json_string_value(v));
    return 0;
}

/* Splits a level at U+001F. Returns the parts, or -1 if there are not n. */
static int split_level(const char *text, int n, struct lw_cell *out, const int *atom,
                       const bool *texts) {
    for (int i = 0; i < n; i++) {
        const char *cut = strchr(text, LW_LEVEL_SEPARATOR);
        size_t len = cut ? (size_t)(cut - text) : strlen(text);
        char digits[24];
        int64_t v;
        if ((cut != NULL) != (i < n - 1))
            return -1;
        if (len == 1 && *text == LW_LEVEL_MISSING) {
            out[i] = lw_cell_missing();
        } else if (texts[atom[i]]) {
            out[i] = lw_cell_text(text, len);
        } else {
            if (len == 0 || len >= sizeof digits)
                return -1;
            memcpy(digits, text, len);
            digits[len] = 0;
            if (!lw_parse_i64(digits, &v))
                return -1;
            out[i] = lw_cell_int(v);
        }
        text = cut ? cut + 1 : text + len;
    }
    return 0;
}

/* What the levels of a category are: what the schema says, else what they look like. */
static void find_texts(struct linear_reader *r) {
    bool all[LW_ATOMS_MAX];
    for (size_t a = 0; a < lw_plan_atoms(r->m->plan); a++) {
        const struct lw_atom *atom = lw_plan_atom_at(r->m->plan, a);
        all[a] = true;
        r->texts[a] = atom->source == LW_SOURCE_HOLIDAY;
        if (atom->source != LW_SOURCE_FIELD || atom->kind != LW_CATEGORY)
            continue;
        int at = lw_fields_find(r->to->fields, r->m->fields.field[atom->field[0]].name);
        r->texts[a] = at >= 0 && r->to->levels[at] == LW_LEVELS_TEXTS;
        all[a] = at < 0 || r->to->levels[at] != LW_LEVELS_EITHER;
    }
    for (size_t t = 0; t < lw_plan_terms(r->m->plan); t++) {
        const struct lw_term *term = lw_plan_term_at(r->m->plan, t);
        const char *level;
        json_t *v;
        struct lw_cell cells[LW_FACTORS_MAX];
        if (term->ncat != 1 || all[term->factor[0]])
            continue;
        json_object_foreach((json_t *)(uintptr_t)r->value[t], level, v)
            if (split_level(level, 1, cells, term->factor, r->texts))
                r->texts[term->factor[0]] = true;
    }
}

static int learn_term(struct linear_reader *r, size_t t) {
    const struct lw_term *term = lw_plan_term_at(r->m->plan, t);
    struct lw_place here = {&terms_place, r->key[t], 0};
    struct lw_cell cells[LW_FACTORS_MAX];
    const char *level;
    json_t *v;
    if (term->ncat == 0)
        return json_is_number(r->value[t])
                   ? 0
                   : lw__place_fail(&here, r->err,
                                    "it is a number in the configuration, so it has one "
                                    "coefficient");
    if (!json_is_object(r->value[t]))
        return lw__place_fail(
            &here, r->err,
            "it is a category in the configuration, so it has an object "
            "of coefficients by level");
    json_object_foreach((json_t *)(uintptr_t)r->value[t], level, v) {
        struct lw_place at = {&here, level, 0};
        if (!json_is_number(v))
            return lw__place_fail(&at, r->err, "a number is expected");
        if (split_level(level, term->ncat, cells, term->factor, r->texts))
            return lw__place_fail(
                &at, r->err,
                "a level is an integer (or a text, if the field is) for "
                "each category of the term, joined with U+001F");
        for (int j = 0; j < term->ncat; j++)
            if (lw_dict_add(&r->m->dict[term->factor[j]], &cells[j]) == LW_CODE_NONE)
                return lw__place_fail(&at, r->err, "such a text is never a level");
    }
    return 0;
}

static uint64_t composite_of(const struct linear_reader *r, const struct lw_block *block,
                             const char *level) {
    struct lw_cell cells[LW_FACTORS_MAX];
    uint64_t c = 0;
    if (split_level(level, block->ncat, cells, block->atom, r->texts))
        return UINT64_MAX;
    for (int j = 0; j < block->ncat; j++)
        c += lw_dict_find(&r->m->dict[block->atom[j]], &cells[j]) * block->stride[j];
    return c;
}

static int by_composite(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The levels of a block: those of all its terms. */
static int build_block(struct linear_reader *r, int b) {
    struct lw_block *block = &r->m->block[b];
    size_t n = 0, distinct = 0;
    const char *level;
    json_t *v;
    if (lw_block_shape(block, r->m->dict, r->err))
        return -1;
    for (size_t t = 0; t < lw_plan_terms(r->m->plan); t++)
        n += r->m->part[t].block == b ? json_object_size(r->value[t]) : 0;
    if (n >= LW_LEVELS_MAX)
        return lw_fail(r->err, LW_EINPUT, "a term has too many levels");
    uint64_t *all = lw_malloc((n + 1) * sizeof *all);
    n = 0;
    for (size_t t = 0; t < lw_plan_terms(r->m->plan); t++)
        if (r->m->part[t].block == b)
            json_object_foreach((json_t *)(uintptr_t)r->value[t], level, v)
                all[n++] = composite_of(r, block, level);
    qsort(all, n, sizeof *all, by_composite);
    for (size_t i = 0; i < n; i++)
        if (distinct == 0 || all[distinct - 1] != all[i])
            all[distinct++] = all[i];
    lw_block_levels(block, all, (uint32_t)distinct, false);
    free(all);
    return 0;
}

static int build_term(struct linear_reader *r, size_t t) {
    struct lw_model_term *part = &r->m->part[t];
    struct lw_place here = {&terms_place, r->key[t], 0};
    struct lw_block *block = part->block < 0 ? NULL : &r->m->block[part->block];
    const char *level;
    json_t *v;
    part->n = block ? block->nlevels : 1;
    part->coef = lw_calloc(part->n + 1, sizeof *part->coef);
    if (!block)
        return lw__place_number(&here, r->value[t], &part->coef[0], r->err);
    bool *given = lw_calloc(part->n + 1, sizeof *given);
    int rc = 0;
    json_object_foreach((json_t *)(uintptr_t)r->value[t], level, v) {
        struct lw_place at = {&here, level, 0};
        uint32_t i = lw_block_find(block, composite_of(r, block, level));
        rc = rc || given[i] ? -1 : lw__place_number(&at, v, &part->coef[i], r->err);
        if (given[i]) /* "7" and "07" */
            lw__place_fail(&at, r->err, "the level is listed twice");
        given[i] = true;
    }
    free(given);
    return rc;
}

static int linear_build(struct linear_reader *r) {
    struct lw_model *m = r->m;
    size_t nterms = lw_plan_terms(m->plan);
    find_texts(r);
    for (size_t t = 0; t < nterms; t++)
        if (learn_term(r, t))
            return -1;
    for (size_t a = 0; a < lw_plan_atoms(m->plan); a++)
        lw_dict_sort(&m->dict[a]);
    lw_model_index_keys(m);
    for (size_t b = 0; b < m->nblocks; b++)
        if (build_block(r, (int)b))
            return -1;
    for (size_t t = 0; t < nterms; t++)
        if (build_term(r, t))
            return -1;
    lw_model_finish(m);
    return lw_finite_model(m, r->err);
}

static int check_learned(const struct lw_model *m, struct lw_err *err) {
    for (size_t a = 0; a < lw_plan_atoms(m->plan); a++)
        if (lw_plan_atom_at(m->plan, a)->learned)
            return lw__place_fail(&terms_place, err,
                                  "\"%s\" has a table that training learned, which this "
                                  "form cannot hold",
                                  lw_plan_atom_text(m->plan, a));
    return 0;
}

static int linear_fill(struct linear_reader *r, const json_t *root, const json_t *terms) {
    const struct lw_place at = {NULL, "intercept", 0};
    const json_t *name = json_object_get(root, "name");
    const json_t *intercept = json_object_get(root, "intercept");
    size_t n = 0;
    json_t *v;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)terms, key, v) {
        r->key[n] = key;
        r->value[n++] = v;
    }
    r->m = lw__frame_new(r->to, r->key, n, r->err);
    if (!r->m) {
        r->err->code = LW_ECONFIG;
        return lw__place_context(&terms_place, r->err);
    }
    if (name)
        lw_copy(r->m->name, sizeof r->m->name, json_string_value(name));
    lw_copy(r->m->kind, sizeof r->m->kind, "linear");
    lw_model_add_param(r->m, "from", "JSON of a linear model");
    if (!json_is_number(intercept))
        return lw__place_fail(&at, r->err,
                              intercept ? "a number is expected" : "it is missing");
    if (lw__place_number(&at, intercept, &r->m->intercept, r->err) ||
        check_learned(r->m, r->err))
        return -1;
    return linear_build(r);
}

struct lw_model *lw__linear_read(const struct lw_exchange *to, const json_t *root,
                                 struct lw_err *err) {
    struct linear_reader *r = lw_calloc(1, sizeof *r);
    const json_t *terms = lw__place_member(NULL, root, "terms", JSON_OBJECT, err);
    r->to = to;
    r->err = err;
    int rc = terms ? check_head(to, root, err) : -1;
    if (!rc && json_object_size(terms) > LW_TERMS_MAX)
        rc = lw__place_fail(&terms_place, err, "more than %d terms", LW_TERMS_MAX);
    if (!rc)
        rc = linear_fill(r, root, terms);
    struct lw_model *m = r->m;
    free(r);
    if (!rc)
        return m;
    lw_model_free(m);
    return NULL;
}
