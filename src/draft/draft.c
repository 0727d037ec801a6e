/* See draft.h. The steps in order: times, id, target, then every other field. */
#include "draft/draft.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "draft/draft_private.h"

#define NUMBERS_MAX    16
#define CATEGORIES_MAX 20
#define INSTANTS_MAX   3

void lw__draft_set(struct lw_draft *d, size_t column, enum lw_draft_role role,
                   const char *fmt, ...) {
    struct lw_draft_field *f = &d->field[column];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->why, sizeof f->why, fmt, ap);
    va_end(ap);
    f->role = role;
}

int lw__draft_wished(const struct lw_draft *d, const char *option, const char *name,
                     struct lw_err *err) {
    const char *names[LW_DRAFT_COLUMNS];
    int at = lw_draft_sample_find(d->sample, name);
    if (at >= 0 && lw__draft_name_writable(name))
        return at;
    for (size_t i = 0; i < d->sample->n; i++)
        names[i] = d->sample->column[i].name;
    const char *near = lw_nearest(name, names, d->sample->n);
    if (at >= 0)
        lw_fail(err, LW_ECONFIG, "%s: a configuration cannot contain the name \"%s\"",
                option, name);
    else
        lw_fail(err, LW_ECONFIG, "%s: the schema has no such plain field \"%s\"%s%s%s",
                option, name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
    return -1;
}

static void count_fields(struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++) {
        const struct lw_draft_column *c = &d->sample->column[i];
        d->field[i].role = LW_DRAFT_OUT;
        d->field[i].distinct = lw_hll_estimate(c->distinct);
        d->field[i].missing = (double)c->missing / (double)d->sample->events;
    }
}

static int leave_out(struct lw_draft *d, const struct lw_draft_wishes *wishes,
                     struct lw_err *err) {
    for (size_t i = 0; i < wishes->nleave_out; i++) {
        int at = lw__draft_wished(d, "--leave-out", wishes->leave_out[i], err);
        if (at < 0)
            return -1;
        lw__draft_set(d, (size_t)at, LW_DRAFT_OUT, "--leave-out");
    }
    return 0;
}

/* Keeps the fields of a role that explain most of the target. */
static void limit_role(struct lw_draft *d, enum lw_draft_role role, size_t most) {
    for (;;) {
        size_t n = 0, least = 0;
        for (size_t i = 0; i < d->sample->n; i++) {
            if (d->field[i].role != role)
                continue;
            if (n++ == 0 || d->field[i].effect <= d->field[least].effect)
                least = i;
        }
        if (n <= most)
            return;
        lw__draft_set(d, least, LW_DRAFT_OUT,
                      "explains only %.2g %% of the target, and %zu others explain more",
                      100 * d->field[least].effect, most);
    }
}

void lw__draft_limit_fields(struct lw_draft *d) {
    limit_role(d, LW_DRAFT_NUMBER, NUMBERS_MAX);
    limit_role(d, LW_DRAFT_CATEGORY, CATEGORIES_MAX);
    limit_role(d, LW_DRAFT_INSTANT, INSTANTS_MAX);
}

static bool has_features(const struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++)
        if (d->field[i].role == LW_DRAFT_NUMBER ||
            d->field[i].role == LW_DRAFT_CATEGORY || d->field[i].role == LW_DRAFT_INSTANT)
            return true;
    return false;
}

static int draft_steps(struct lw_draft *d, const struct lw_draft_wishes *wishes,
                       struct lw_err *err) {
    if (d->sample->events < LW_DRAFT_ROWS_MIN)
        return lw_fail(err, LW_EINPUT,
                       "%llu events are too few for a configuration: at least %d are "
                       "needed, better some weeks of the stream",
                       (unsigned long long)d->sample->events, LW_DRAFT_ROWS_MIN);
    count_fields(d);
    lw__draft_find_times(d);
    if (leave_out(d, wishes, err) || lw__draft_choose_time(d, wishes->time, err) ||
        lw__draft_choose_id(d, wishes->id, err) ||
        lw__draft_choose_target(d, wishes, err))
        return -1;
    lw__draft_choose_kinds(d);
    lw__draft_leave_out_leaks(d);
    lw__draft_limit_fields(d);
    if (!has_features(d))
        return lw_fail(err, LW_EINPUT,
                       "no field is left as a feature: all are constant, unique, or "
                       "follow the target");
    lw__draft_find_pace(d);
    lw__draft_find_terms(d);
    return 0;
}

struct lw_draft *lw_draft_new(const struct lw_draft_sample *sample,
                              const struct lw_draft_wishes *wishes, struct lw_err *err) {
    struct lw_draft *d = lw_calloc(1, sizeof *d);
    d->sample = sample;
    d->time_zone = wishes->time_zone;
    d->field = lw_calloc(sample->n + 1, sizeof *d->field);
    d->id = d->time = d->from = d->to = -1;
    if (draft_steps(d, wishes, err) == 0)
        return d;
    lw_draft_free(d);
    return NULL;
}

void lw_draft_free(struct lw_draft *d) {
    if (!d)
        return;
    free(d->field);
    free(d->target);
    free(d);
}
