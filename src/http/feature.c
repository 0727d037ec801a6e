/* GET /api/v1/features/NAME: one column now against the champion's reference, drawn from
 * the sketches. Both sides have the same bin edges, so that they can be overlaid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"
#include "base/text.h"
#include "http/now.h"
#include "http/private.h"
#include "http/serve.h"
#include "store/keys.h"

#define BARS       40
#define DISTINCT   50 /* with fewer distinct values each has its own bar */
#define CATEGORIES 30
#define NAME_BYTES 96
#define TAIL       0.002 /* ranks beyond this on either side are not drawn */

struct feature_column {
    const char *name;
    const struct lw_column *column;
    bool of_scores; /* prediction, error */
    int at;
};

static bool find_column(struct lw_call *c, struct feature_column *out) {
    const struct lw_spec *spec = c->server->spec;
    const char *names[LW_FEATURES_MAX + 3];
    size_t n = 0;
    for (size_t i = 0; i <= spec->nfeatures; i++)
        names[n++] = spec->column[i].name;
    names[n++] = spec->score_column[0].name;
    names[n++] = spec->score_column[1].name;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(c->tail, names[i]) != 0)
            continue;
        out->of_scores = i > spec->nfeatures;
        out->at = (int)(out->of_scores ? i - spec->nfeatures - 1 : i);
        out->column =
            out->of_scores ? &spec->score_column[out->at] : &spec->column[out->at];
        out->name = out->column->name;
        return true;
    }
    const char *near = lw_nearest(c->tail, names, n);
    lw_call_fail(c, MHD_HTTP_NOT_FOUND, "no feature is called \"%.100s\"%s%s%s", c->tail,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

/* ---- reading ---- */

struct sides {
    struct lw_reference *reference; /* NULL: no champion yet */
    const struct lw_member *ref;
    struct lw_kll *kll; /* current */
    struct lw_cats *cats;
    double missing, out_of_range; /* current shares; NAN: unknown */
    double at;
    const char *verdict;       /* NULL: not judged */
    char shift[LW_SHIFT_TEXT]; /* what changed; "": nothing for certain */
};

static void free_sides(struct sides *s) {
    lw_reference_free(s->reference);
    lw_kll_free(s->kll);
    lw_cats_free(s->cats);
}

static int read_reference(struct lw_call *c, const struct feature_column *col,
                          struct sides *s, struct lw_err *err) {
    struct lw_aliases a;
    struct lw_version v;
    if (lw_models_aliases(c->redis, c->server->spec, &a, err))
        return -1;
    if (!a.champion)
        return 0;
    struct lw_reply *reply =
        lw_models_get(c->redis, c->server->spec, a.champion, &v, err);
    if (!reply)
        return -1;
    s->reference = lw_reference_read(c->server->spec, v.reference, v.reference_len, err);
    lw_reply_free(reply);
    if (!s->reference)
        return -1;
    const struct lw_profile *p =
        col->of_scores ? s->reference->scores : s->reference->profile;
    s->reference->version = a.champion;
    s->ref = &p->members[col->at];
    return 0;
}

/* The name of a column among the figures, in which the target is `target`. */
static const char *figure_name(const struct lw_spec *spec,
                               const struct feature_column *col) {
    return !col->of_scores && (size_t)col->at == spec->nfeatures
               ? lw_now_column_name(spec, spec->nfeatures)
               : col->name;
}

static void read_verdict(const struct lw_reply *now, const char *window,
                         const char *column, struct sides *s) {
    double drift = lw_now_figure(now, "%s:drift:%s", window, column);
    double shifted = lw_now_figure(now, "%s:shifted:%s", window, column);
    const char *what = lw_now_shift(now, window, column);
    if (isfinite(drift) && s->reference)
        s->verdict = drift > 0 ? "drift" : shifted > 0 ? "shifted" : "ok";
    lw_copy(s->shift, sizeof s->shift, what ? what : "");
}

static int read_current(struct lw_call *c, const struct feature_column *col,
                        const struct lw_window_spec *w, struct sides *s,
                        struct lw_err *err) {
    char key[LW_KEY_MAX];
    size_t len;
    struct lw_reply *reply =
        lw_redis_do(c->redis, err, "GET %s",
                    lw_key(key, c->server->spec, "window:%s:%s", w->name, col->name));
    if (!reply)
        return -1;
    const char *data = lw_reply_text(reply, &len);
    if (data && col->column->kind == LW_CATEGORY)
        s->cats = lw_cats_read((const uint8_t *)data, len, err);
    else if (data)
        s->kll = lw_kll_read((const uint8_t *)data, len, 0, err);
    bool bad = data && !s->cats && !s->kll;
    lw_reply_free(reply);
    if (bad)
        return -1;
    struct lw_snapshot *n = lw_watch_snapshot(c->server);
    s->missing = s->out_of_range = s->at = NAN;
    if (n) {
        s->at = lw_now_figure(n->now, "at");
        s->missing = lw_now_figure(n->now, "%s:missing:%s", w->name, col->name);
        s->out_of_range = lw_now_figure(n->now, "%s:out_of_range:%s", w->name, col->name);
        read_verdict(n->now, w->name, figure_name(c->server->spec, col), s);
    }
    lw_watch_snapshot_put(n);
    return 0;
}

/* ---- numbers ---- */

struct cuts {
    size_t n; /* edges; n - 1 bars */
    double edge[DISTINCT + 2 > BARS + 1 ? DISTINCT + 2 : BARS + 1];
};

/* Few values: an edge halfway between neighbours. False: there are many values. */
static bool cut_between(struct lw_kll_view *const view[2], struct cuts *out) {
    double value[2 * DISTINCT];
    size_t n = 0, distinct = 0;
    for (int side = 0; side < 2; side++) {
        const double *v;
        const uint64_t *cumulative;
        size_t count = view[side] ? lw_kll_view_points(view[side], &v, &cumulative) : 0;
        if (count > DISTINCT)
            return false;
        for (size_t i = 0; i < count; i++)
            value[n++] = v[i];
    }
    lw_sort_f64(value, n);
    for (size_t i = 0; i < n; i++)
        if (distinct == 0 || value[i] > value[distinct - 1])
            value[distinct++] = value[i];
    if (distinct == 0 || distinct > DISTINCT)
        return false;
    double gap = distinct > 1 ? value[1] - value[0] : 1;
    out->edge[out->n++] = value[0] - gap / 2;
    for (size_t i = 1; i < distinct; i++)
        out->edge[out->n++] = (value[i - 1] + value[i]) / 2;
    gap = distinct > 1 ? value[distinct - 1] - value[distinct - 2] : 1;
    out->edge[out->n++] = value[distinct - 1] + gap / 2;
    return true;
}

static void cut_evenly(struct lw_kll_view *const view[2], struct cuts *out) {
    double lo = INFINITY, hi = -INFINITY;
    for (int side = 0; side < 2; side++) {
        if (!view[side])
            continue;
        lo = fmin(lo, lw_kll_view_quantile(view[side], TAIL)); /* fmin ignores NAN */
        hi = fmax(hi, lw_kll_view_quantile(view[side], 1 - TAIL));
    }
    if (!(lo < hi))
        return;
    for (int i = 0; i <= BARS; i++)
        out->edge[out->n++] = lo + (hi - lo) * i / BARS;
}

static json_t *quantiles_json(const struct lw_kll_view *view) {
    static const double ranks[] = {0,    0.01, 0.05, 0.1,  0.25, 0.5,
                                   0.75, 0.9,  0.95, 0.99, 1};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_real(ranks[i]));
        json_array_append_new(pair, lw_json_number(lw_kll_view_quantile(view, ranks[i])));
        json_array_append_new(list, pair);
    }
    return list;
}

static json_t *density_json(const struct lw_kll_view *view, const struct cuts *cuts) {
    json_t *list = json_array();
    for (size_t i = 0; i + 1 < cuts->n; i++) {
        double below = i == 0
                           ? lw_kll_view_rank(view, nextafter(cuts->edge[0], -INFINITY))
                           : lw_kll_view_rank(view, cuts->edge[i]);
        double share = lw_kll_view_rank(view, cuts->edge[i + 1]) - below;
        json_t *bar = json_array();
        json_array_append_new(bar, lw_json_number(cuts->edge[i]));
        json_array_append_new(bar, lw_json_number(cuts->edge[i + 1]));
        json_array_append_new(bar, lw_json_number(share));
        json_array_append_new(list, bar);
    }
    return list;
}

static json_t *numeric_json(const struct lw_kll *kll, const struct lw_kll_view *view,
                            const struct cuts *cuts) {
    json_t *o = json_object();
    lw_json_set_count(o, "n", lw_kll_n(kll));
    lw_json_set(o, "quantiles", quantiles_json(view));
    lw_json_set(o, "density", density_json(view, cuts));
    return o;
}

static void put_shares(json_t *o, double missing, double out_of_range) {
    lw_json_set_number(o, "missing", missing);
    lw_json_set_number(o, "out_of_range", out_of_range);
}

static void put_numeric(json_t *o, const struct sides *s) {
    const struct lw_kll *side[2] = {s->ref ? s->ref->num.kll : NULL, s->kll};
    static const char *const name[2] = {"reference", "current"};
    struct lw_kll_view *view[2] = {NULL, NULL};
    struct cuts cuts = {0};
    for (int i = 0; i < 2; i++)
        if (side[i] && lw_kll_n(side[i]) > 0)
            view[i] = lw_kll_view_new(side[i]);
    if (!cut_between(view, &cuts))
        cut_evenly(view, &cuts);
    for (int i = 0; i < 2; i++) {
        json_t *one = view[i] ? numeric_json(side[i], view[i], &cuts) : json_null();
        lw_json_set(o, name[i], one);
        if (view[i] && i == 1)
            put_shares(one, s->missing, s->out_of_range);
        if (view[i] && i == 0 && s->ref) {
            const struct lw_numeric *num = &s->ref->num;
            double rows = (double)(num->n + num->missing);
            put_shares(one, (double)num->missing / rows,
                       (double)num->out_of_range / rows);
            lw_json_set_int(one, "version", s->reference->version);
        }
        lw_kll_view_free(view[i]);
    }
}

/* ---- categories ---- */

struct category_share {
    struct lw_cat cat;
    double ref, cur;
};

static int by_difference(const void *a, const void *b) {
    const struct category_share *x = a, *y = b;
    double dx = fabs(x->ref - x->cur), dy = fabs(y->ref - y->cur);
    if (dx != dy)
        return dx > dy ? -1 : 1;
    if (x->cur != y->cur)
        return x->cur > y->cur ? -1 : 1;
    return x->cat.key < y->cat.key ? -1 : x->cat.key > y->cat.key;
}

static double share_of(const struct lw_cats *c, uint64_t key) {
    double n = c ? (double)lw_cats_n(c) : 0;
    return n > 0 ? (double)lw_cats_count(c, key) / n : 0;
}

/* All categories that either side holds; the caller frees it. */
static struct category_share *join_parts(struct lw_cats *ref, struct lw_cats *cur,
                                         size_t *n) {
    size_t left = ref ? lw_cats_size(ref) : 0, right = cur ? lw_cats_size(cur) : 0;
    struct category_share *list = lw_calloc(left + right + 1, sizeof *list);
    *n = 0;
    if (ref)
        lw_cats_seal(ref);
    if (cur)
        lw_cats_seal(cur);
    for (size_t i = 0; i < left + right; i++) {
        struct lw_cat cat = i < left ? lw_cats_at(ref, i) : lw_cats_at(cur, i - left);
        if (i >= left && ref && lw_cats_count(ref, cat.key) > 0)
            continue;
        list[(*n)++] = (struct category_share){
            .cat = cat, .ref = share_of(ref, cat.key), .cur = share_of(cur, cat.key)};
    }
    qsort(list, *n, sizeof *list, by_difference);
    return list;
}

static json_t *category_json(const struct category_share *s, bool has_ref, bool has_cur) {
    json_t *o = json_object();
    char name[NAME_BYTES];
    json_t *value = s->cat.text ? json_string(lw_cat_name(&s->cat, name, sizeof name))
                                : json_integer((json_int_t)s->cat.key);
    lw_json_set(o, "value", value);
    lw_json_set_number(o, "reference_share", has_ref ? s->ref : NAN);
    lw_json_set_number(o, "current_share", has_cur ? s->cur : NAN);
    return o;
}

/* How many categories have their own count, and how many values are in others, because
 * there are more categories than features.NAME.cap. */
static void put_held(json_t *side, const struct lw_cats *c) {
    lw_json_set_count(side, "counted", lw_cats_size(c));
    lw_json_set_count(side, "dropped", lw_cats_dropped(c));
}

static void put_categories(json_t *o, const struct sides *s) {
    struct lw_cats *ref = s->ref ? s->ref->cats : NULL, *cur = s->cats;
    size_t n;
    struct category_share *list = join_parts(ref, cur, &n);
    json_t *shown = json_array(), *side = json_object();
    double rest_ref = 1, rest_cur = 1;
    for (size_t i = 0; i < n && i < CATEGORIES; i++) {
        json_array_append_new(shown, category_json(&list[i], ref != NULL, cur != NULL));
        rest_ref -= list[i].ref;
        rest_cur -= list[i].cur;
    }
    free(list);
    lw_json_set_number(side, "reference_share", ref ? fmax(rest_ref, 0) : NAN);
    lw_json_set_number(side, "current_share", cur ? fmax(rest_cur, 0) : NAN);
    lw_json_set(o, "categories", shown);
    lw_json_set(o, "other", side);
    json_t *r = ref ? json_object() : json_null(), *c = cur ? json_object() : json_null();
    lw_json_set(o, "reference", r);
    lw_json_set(o, "current", c);
    if (ref) {
        double rows = (double)(lw_cats_n(ref) + lw_cats_missing(ref));
        lw_json_set_int(r, "version", s->reference->version);
        lw_json_set_count(r, "n", lw_cats_n(ref));
        put_held(r, ref);
        lw_json_set_number(r, "missing", (double)lw_cats_missing(ref) / rows);
    }
    if (cur) {
        double rows = (double)(lw_cats_n(cur) + lw_cats_missing(cur));
        lw_json_set_count(c, "n", lw_cats_n(cur));
        put_held(c, cur);
        lw_json_set_number(c, "missing", (double)lw_cats_missing(cur) / rows);
    }
}

void lw_serve_feature(struct lw_call *c) {
    struct feature_column col;
    struct sides s = {0};
    struct lw_err err = {0};
    const struct lw_window_spec *w = lw_call_window(c);
    if (!w || !find_column(c, &col))
        return;
    if (read_reference(c, &col, &s, &err) || read_current(c, &col, w, &s, &err)) {
        free_sides(&s);
        /* damaged bytes in Redis are not the client's fault */
        if (err.code == LW_EINPUT)
            err.code = LW_ESTOP;
        lw_call_err(c, &err);
        return;
    }
    bool category = col.column->kind == LW_CATEGORY;
    json_t *o = json_object();
    lw_json_set_text(o, "name", col.name);
    lw_json_set_text(o, "kind", category ? "category" : "numeric");
    lw_json_set_text(o, "window", w->name);
    lw_json_set_whole(o, "at_ms", s.at > 0 ? s.at : NAN);
    lw_json_set_text_or_null(o, "verdict", s.verdict);
    lw_json_set_text_or_null(o, "shift", s.shift);
    if (category)
        put_categories(o, &s);
    else
        put_numeric(o, &s);
    free_sides(&s);
    lw_call_json(c, o);
}
