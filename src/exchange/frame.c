/* Features by name, and models over them. */
#include "exchange/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/fit.h"
#include "model/forest.h"
#include "model/frame.h"
#include "model/parts.h"

static struct lw_plan *plan_of(const struct lw_exchange *to) {
    struct lw_plan *plan = lw_plan_new(to->fields, to->zone);
    lw_plan_set_zone_name(plan, to->zone_name);
    lw_plan_set_calendars(plan, to->calendars);
    return plan;
}

/* Whether the atom reads the field, itself or through the atoms that it reads. */
static bool reads_field(const struct lw_plan *plan, size_t at, int field) {
    const struct lw_atom *atom = lw_plan_atom_at(plan, at);
    if (!atom->learned) {
        bool two = atom->source == LW_SOURCE_SAME || atom->source == LW_SOURCE_MINUTES;
        return atom->field[0] == field || (two && atom->field[1] == field);
    }
    for (int j = 0; j < atom->nby; j++)
        if (reads_field(plan, (size_t)atom->by[j], field))
            return true;
    return reads_field(plan, (size_t)atom->from, field);
}

/* Integers and texts are different categories, though both print as "74". */
static int check_levels(const struct lw_exchange *to, const struct lw_model *m, size_t a,
                        struct lw_err *err) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    if (atom->source != LW_SOURCE_FIELD || atom->kind != LW_CATEGORY || atom->learned)
        return 0;
    enum lw_exchange_levels want = to->levels[atom->field[0]];
    bool texts = m->dict[a].texts == 1;
    if (want == LW_LEVELS_EITHER || m->dict[a].texts < 0 ||
        texts == (want == LW_LEVELS_TEXTS))
        return 0;
    return lw_fail(
        err, LW_ECONFIG, "the levels of \"%s\" are %s in the model, and %s in the schema",
        atom->text, texts ? "texts" : "integers", texts ? "integers" : "texts");
}

/* A training compares the champion with candidates in the configuration's zone. */
static int check_zone(const struct lw_exchange *to, const struct lw_model *m, size_t a,
                      struct lw_err *err) {
    const struct lw_atom *atom = lw_plan_atom_at(m->plan, a);
    bool local = lw_is_calendar(atom->source) || atom->source == LW_SOURCE_HOLIDAY;
    if (!local || strcmp(m->zone_name, to->zone_name) == 0)
        return 0;
    return lw_fail(err, LW_ECONFIG,
                   "\"%s\" is in the zone \"%s\" in the model, event.time_zone is \"%s\"",
                   atom->text, m->zone_name, to->zone_name);
}

int lw__frame_fits(const struct lw_exchange *to, const struct lw_model *m,
                   struct lw_err *err) {
    for (size_t a = 0; a < lw_plan_atoms(m->plan); a++) {
        if (to->leaks >= 0 && reads_field(m->plan, a, to->leaks))
            return lw_fail(err, LW_ECONFIG,
                           "\"%s\" reads the target \"%s\", which is not known when an "
                           "event is predicted",
                           lw_plan_atom_text(m->plan, a),
                           to->fields->field[to->leaks].name);
        if (check_levels(to, m, a, err) || check_zone(to, m, a, err))
            return -1;
    }
    return m->base ? lw__frame_fits(to, m->base, err) : 0;
}

/* A category whose integers a tree compares, or a number. */
static int check_kind(const struct lw_exchange *to, const struct lw_plan *plan,
                      const struct lw_term *term, struct lw_frame_feature *feature,
                      struct lw_err *err) {
    const struct lw_atom *atom = lw_plan_atom_at(plan, (size_t)term->factor[0]);
    if (term->ncat + term->nnum != 1)
        return lw_fail(err, LW_ECONFIG, "a feature of a tree is one factor, not a cross");
    if (atom->learned)
        return lw_fail(err, LW_ECONFIG,
                       "impute() and qbins() have tables that the file does not contain");
    feature->integer = atom->kind == LW_CATEGORY;
    if (atom->source == LW_SOURCE_HOLIDAY ||
        (feature->integer && atom->source == LW_SOURCE_FIELD &&
         to->levels[atom->field[0]] == LW_LEVELS_TEXTS))
        return lw_fail(err, LW_ECONFIG,
                       "it is a category of texts, which a tree cannot compare as a "
                       "number: train on a column of integers");
    return 0;
}

int lw__frame_check(const struct lw_exchange *to, struct lw_frame_feature *feature,
                    size_t n, struct lw_err *err) {
    struct lw_plan *plan = plan_of(to);
    int rc = 0, at = 0;
    for (size_t k = 0; k < n && !rc; k++) {
        if (!feature[k].used)
            continue;
        size_t before = lw_plan_terms(plan);
        int t = before == LW_TERMS_MAX
                    ? lw_fail(err, LW_EINPUT, "its trees use more than %d features",
                              LW_TERMS_MAX)
                    : lw_plan_term(plan, feature[k].name, 1, 0, err);
        rc = t < 0 ? -1
                   : check_kind(to, plan, lw_plan_term_at(plan, (size_t)t), &feature[k],
                                err);
        if (!rc && (size_t)t < before)
            rc = lw_fail(err, LW_EINPUT, "two features have this name");
        if (rc && t >= 0)
            lw_err_context(err, "feature \"%.80s\"", feature[k].name);
        feature[k].at = at++;
    }
    lw_plan_free(plan);
    return rc;
}

struct lw_model *lw__frame_new(const struct lw_exchange *to, const char *const *text,
                               size_t n, struct lw_err *err) {
    struct lw_plan *plan = plan_of(to);
    struct lw_fit_spec spec = {.nterms = n};
    struct lw_model *m = NULL;
    int rc = n > LW_TERMS_MAX
                 ? lw_fail(err, LW_EINPUT, "it has more than %d terms", LW_TERMS_MAX)
                 : 0;
    for (size_t t = 0; t < n && !rc; t++) {
        spec.terms[t] = lw_plan_term(plan, text[t], 1, 0, err);
        rc = spec.terms[t] < 0 ? -1 : 0;
        if (!rc && (size_t)spec.terms[t] < t)
            rc = lw_fail(err, LW_EINPUT, "\"%.80s\" appears twice", text[t]);
    }
    if (!rc)
        m = lw_frame_new(plan, &spec, err);
    lw_plan_free(plan);
    if (m)
        lw_copy(m->name, sizeof m->name, to->name);
    return m;
}

int lw__frame_plant(struct lw_model *m, struct lw_forest *forest, struct lw_err *err) {
    m->forest = forest;
    forest->nfeatures = 0;
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++)
        forest->atom[forest->nfeatures++] = lw_plan_term_at(m->plan, t)->factor[0];
    m->intercept = (double)forest->base;
    lw_copy(m->kind, sizeof m->kind, "trees");
    if (lw_forest_index(forest, m, err) || lw_forest_check(forest, err))
        return -1;
    lw_model_finish(m);
    return 0;
}

size_t lw__tree_copy(struct lw_forest *forest, size_t first,
                     const struct lw_tree_source *source, struct lw_err *err) {
    size_t *from = lw_calloc(source->size + 2, sizeof *from), used = 1, k = 0, child[2];
    for (; k < used; k++) {
        int split = source->node(source->arg, from[k], first + k, child, err);
        if (split > 0 && used + 2 > source->size)
            split = lw_fail(err, LW_EINPUT, "the nodes do not form a tree");
        if (split < 0)
            break;
        if (split == 0)
            continue;
        forest->node[first + k].left = (int32_t)(first + used);
        from[used++] = child[0];
        from[used++] = child[1];
    }
    bool whole = k == used;
    free(from);
    return whole ? used : 0;
}
