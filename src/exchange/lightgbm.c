/* LightGBM's text file, where the forest can hold it exactly.
 *
 * LightGBM compares doubles (x <= threshold) and adds leaves as doubles. A number becomes
 * its rank among the thresholds of its feature (qbins with the file's thresholds as
 * edges), which is small and exact in single precision; the leaves are kept in double
 * precision (`wide`). Splits on sets of categories, linear leaves and zero_as_missing are
 * refused, with the line. */
#include "exchange/private.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/forest.h"
#include "model/parts.h"

#define ZERO      1e-35      /* LightGBM's: what is nearer to 0 is 0 */
#define EXACT_MAX 16777216.0 /* up to here every integer is a float */

enum { MISSING_NONE, MISSING_ZERO, MISSING_NAN };

struct lightgbm_tree {
    size_t line, leaves; /* where it begins */
    double *leaf, *threshold;
    int32_t *feature, *decision, *left, *right; /* leaves - 1 each */
};

struct lightgbm_file {
    char *text, *at; /* a copy; the next line */
    size_t line;
    char *names;
    struct lw_frame_feature *feature;
    size_t nfeatures, ntrees, cap;
    struct lightgbm_tree *tree;
    bool average;
    struct lw_quantiles *edges; /* by feature: its thresholds, to be edges */
    struct lw_err *err;
};

static int line_fail(const struct lightgbm_file *f, size_t line, const char *what) {
    return lw_fail(f->err, LW_EINPUT, "line %zu: %s", line, what);
}

/* ---- lines ---- */

/* The next line, cut from the text; NULL at the end. */
static char *next_line(struct lightgbm_file *f) {
    char *line = f->at;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    f->at = end ? end + 1 : NULL;
    f->line++;
    if (end)
        *end = 0;
    size_t len = strlen(line);
    if (len && line[len - 1] == '\r')
        line[len - 1] = 0;
    return line;
}

/* The value of `key=value`, or NULL. */
static char *value_of(char *line, const char *key) {
    size_t n = strlen(key);
    return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

static size_t count_words(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += *text != ' ' && (text[1] == ' ' || !text[1]);
    return n;
}

static char *next_word(char **at) {
    while (**at == ' ')
        ++*at;
    char *word = *at;
    while (**at && **at != ' ')
        ++*at;
    if (**at)
        *(*at)++ = 0;
    return word;
}

/* A number; a threshold above all numbers is "inf" (only missing values are split off). */
static bool parse_number(const char *word, double *out) {
    bool negative = *word == '-';
    if (strcmp(word + negative, "inf") != 0)
        return lw_parse_f64(word, out);
    *out = negative ? -INFINITY : INFINITY;
    return true;
}

/* Exactly n numbers. */
static int read_numbers(struct lightgbm_file *f, char *text, size_t n, double **out) {
    if (*out)
        return line_fail(f, f->line, "the key appears twice");
    if (count_words(text) != n)
        return line_fail(f, f->line, "the count of numbers does not fit num_leaves");
    *out = lw_calloc(n + 1, sizeof **out);
    for (size_t i = 0; i < n; i++)
        if (!parse_number(next_word(&text), &(*out)[i]))
            return line_fail(f, f->line, "a number is expected");
    return 0;
}

static int read_integers(struct lightgbm_file *f, char *text, size_t n, int32_t **out) {
    int64_t v;
    if (*out)
        return line_fail(f, f->line, "the key appears twice");
    if (count_words(text) != n)
        return line_fail(f, f->line, "the count of numbers does not fit num_leaves");
    *out = lw_calloc(n + 1, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        if (!lw_parse_i64(next_word(&text), &v) || v < INT32_MIN || v > INT32_MAX)
            return line_fail(f, f->line, "a whole number is expected");
        (*out)[i] = (int32_t)v;
    }
    return 0;
}

/* ---- the head ---- */

static int read_objective(struct lightgbm_file *f, const char *text) {
    static const char *const identities[] = {"regression", "regression_l1", "huber",
                                             "fair",       "quantile",      "mape"};
    char word[40];
    size_t len = strcspn(text, " ");
    bool root = strstr(text, " sqrt") != NULL, known = false;
    snprintf(word, sizeof word, "%.*s", (int)(len < 39 ? len : 39), text);
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
        known |= strcmp(word, identities[i]) == 0;
    if (known && !root)
        return 0;
    return line_fail(
        f, f->line,
        "the objective is not a regression whose prediction is the sum of its "
        "leaves (regression, regression_l1, huber, fair, quantile, mape), so its "
        "link cannot be held");
}

static int read_names(struct lightgbm_file *f, char *text) {
    if (f->feature)
        return line_fail(f, f->line, "the key appears twice");
    f->nfeatures = count_words(text);
    f->feature = lw_calloc(f->nfeatures + 1, sizeof *f->feature);
    f->edges = lw_calloc(f->nfeatures + 1, sizeof *f->edges);
    for (size_t i = 0; i < f->nfeatures; i++)
        f->feature[i].name = next_word(&text);
    return 0;
}

static int read_head_line(struct lightgbm_file *f, char *line) {
    char *v;
    if ((v = value_of(line, "num_class")) ||
        (v = value_of(line, "num_tree_per_iteration")))
        return strcmp(v, "1") == 0
                   ? 0
                   : line_fail(f, f->line, "the model has more than one output");
    if ((v = value_of(line, "objective")))
        return read_objective(f, v);
    if ((v = value_of(line, "feature_names")))
        return read_names(f, v);
    f->average |= strcmp(line, "average_output") == 0;
    return 0;
}

/* ---- trees ---- */

static struct lightgbm_tree *add_tree(struct lightgbm_file *f) {
    if (f->ntrees == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->tree = lw_realloc(f->tree, f->cap, sizeof *f->tree);
    }
    f->tree[f->ntrees] = (struct lightgbm_tree){.line = f->line};
    return &f->tree[f->ntrees++];
}

static int read_leaves(struct lightgbm_file *f, struct lightgbm_tree *t, const char *v) {
    int64_t n;
    if (!lw_parse_i64(v, &n) || n < 1 || n > INT32_MAX / 4)
        return line_fail(f, f->line, "num_leaves is not a number of leaves");
    t->leaves = (size_t)n;
    return 0;
}

static int read_tree_line(struct lightgbm_file *f, struct lightgbm_tree *t, char *line) {
    char *v;
    if ((v = value_of(line, "num_leaves")))
        return read_leaves(f, t, v);
    if ((v = value_of(line, "num_cat")) && strcmp(v, "0") != 0)
        return line_fail(f, f->line,
                         "splits on sets of categories cannot be held: train on the "
                         "category's integer, without categorical_feature");
    if ((v = value_of(line, "is_linear")) && strcmp(v, "0") != 0)
        return line_fail(f, f->line, "linear models in leaves cannot be held");
    size_t n = t->leaves ? t->leaves - 1 : 0;
    if ((v = value_of(line, "leaf_value")))
        return read_numbers(f, v, t->leaves, &t->leaf);
    if ((v = value_of(line, "threshold")))
        return read_numbers(f, v, n, &t->threshold);
    if ((v = value_of(line, "split_feature")))
        return read_integers(f, v, n, &t->feature);
    if ((v = value_of(line, "decision_type")))
        return read_integers(f, v, n, &t->decision);
    if ((v = value_of(line, "left_child")))
        return read_integers(f, v, n, &t->left);
    if ((v = value_of(line, "right_child")))
        return read_integers(f, v, n, &t->right);
    return 0;
}

static int check_tree(struct lightgbm_file *f, const struct lightgbm_tree *t) {
    bool split = t->leaves > 1;
    if (!t->leaves || !t->leaf ||
        (split &&
         (!t->threshold || !t->feature || !t->decision || !t->left || !t->right)))
        return line_fail(f, t->line, "the tree that begins here is incomplete");
    return 0;
}

static int read_lines(struct lightgbm_file *f) {
    struct lightgbm_tree *t = NULL;
    char *line;
    bool ended = false;
    while (!ended && (line = next_line(f))) {
        ended = strcmp(line, "end of trees") == 0;
        bool begins = value_of(line, "Tree") != NULL;
        if ((begins || ended) && t && check_tree(f, t))
            return -1;
        if (begins && f->ntrees == LW_TREES_MAX)
            return line_fail(f, f->line, "too many trees");
        if (begins)
            t = add_tree(f);
        else if (!ended && (t ? read_tree_line(f, t, line) : read_head_line(f, line)))
            return -1;
    }
    if (!ended)
        return line_fail(f, f->line, "the file is truncated: `end of trees` is missing");
    if (!f->ntrees)
        return line_fail(f, f->line, "the model has no trees");
    return f->nfeatures ? 0 : line_fail(f, 1, "feature_names is missing");
}

/* ---- thresholds ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int check_split(struct lightgbm_file *f, const struct lightgbm_tree *t, size_t i) {
    int missing = t->decision[i] >> 2 & 3;
    bool left = t->decision[i] & 2;
    if (t->feature[i] < 0 || (size_t)t->feature[i] >= f->nfeatures)
        return line_fail(f, t->line,
                         "a split of this tree is on a feature that the file "
                         "does not have");
    if (t->decision[i] & 1)
        return line_fail(f, t->line, "a split of this tree is on a set of categories");
    if (missing == MISSING_ZERO &&
        (left ? t->threshold[i] < ZERO : t->threshold[i] >= -ZERO))
        return line_fail(f, t->line,
                         "a split of this tree treats 0 as missing (zero_as_missing), "
                         "which cannot be held");
    f->feature[t->feature[i]].used = true;
    return 0;
}

/* Thresholds of one feature, as they are read. */
struct threshold_list {
    double *v;
    size_t n;
};

static void list_push(struct threshold_list *l, double v) {
    if ((l->n & (l->n - 1)) == 0)
        l->v = lw_realloc(l->v, l->n ? 2 * l->n : 1, sizeof *l->v);
    l->v[l->n++] = v;
}

/* x <= t exactly if x is below the next double after t. */
static int collect_thresholds(struct lightgbm_file *f, struct threshold_list *list) {
    for (size_t k = 0; k < f->ntrees; k++)
        for (size_t i = 0; i + 1 < f->tree[k].leaves; i++) {
            if (check_split(f, &f->tree[k], i))
                return -1;
            double t = f->tree[k].threshold[i];
            if (isfinite(t))
                list_push(&list[f->tree[k].feature[i]], nextafter(t, INFINITY));
        }
    return 0;
}

static int set_edges(struct lightgbm_file *f, size_t at, const struct threshold_list *l) {
    struct lw_quantiles *q = &f->edges[at];
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_value);
    for (size_t i = 0; i < l->n; i++) {
        if (q->nedges && q->edge[q->nedges - 1] == l->v[i])
            continue;
        if (q->nedges == LW_QBINS_MAX - 1)
            return lw_fail(f->err, LW_EINPUT,
                           "feature \"%.80s\" has more than %d thresholds: train with "
                           "max_bin 255 or less",
                           f->feature[at].name, LW_QBINS_MAX - 1);
        q->edge[q->nedges++] = l->v[i];
    }
    return 0;
}

/* The thresholds of every feature as edges. */
static int collect_edges(struct lightgbm_file *f) {
    struct threshold_list *list = lw_calloc(f->nfeatures, sizeof *list);
    int rc = collect_thresholds(f, list);
    for (size_t at = 0; at < f->nfeatures; at++) {
        rc = rc || set_edges(f, at, &list[at]) ? -1 : 0;
        free(list[at].v);
    }
    free(list);
    return rc;
}

/* ---- the forest ---- */

struct tree_reader {
    struct lightgbm_file *file;
    const struct lightgbm_tree *tree;
    struct lw_forest *forest;
};

/* What the forest compares with: the rank of the threshold, or the next integer. */
static int node_value(const struct tree_reader *r, size_t i, float *out) {
    const struct lightgbm_tree *t = r->tree;
    const struct lw_quantiles *q = &r->file->edges[t->feature[i]];
    if (isinf(t->threshold[i])) {
        *out = t->threshold[i] > 0 ? FLT_MAX : -FLT_MAX;
        return 0;
    }
    if (!r->file->feature[t->feature[i]].integer) {
        double edge = nextafter(t->threshold[i], INFINITY);
        *out = (float)(lw_plan_bin_of(q->edge, q->nedges, edge));
        return 0;
    }
    double next = floor(t->threshold[i]) + 1;
    *out = (float)next;
    return fabs(next) <= EXACT_MAX
               ? 0
               : line_fail(
                     r->file, t->line,
                     "a threshold of this tree is too large for a category's integer");
}

/* A node is an inner one's index, or leaves - 1 + the leaf. */
static int node_child(const struct tree_reader *r, int32_t child, size_t *out) {
    const struct lightgbm_tree *t = r->tree;
    int64_t inner = (int64_t)t->leaves - 1, leaf = -(int64_t)child - 1;
    if (child >= 0 ? child >= inner || child == 0 : leaf >= (int64_t)t->leaves)
        return line_fail(r->file, t->line, "a child in this tree does not exist");
    *out = (size_t)(child >= 0 ? child : inner + leaf);
    return 0;
}

static int tree_node(void *arg, size_t source, size_t at, size_t child[2],
                     struct lw_err *err) {
    struct tree_reader *r = arg;
    const struct lightgbm_tree *t = r->tree;
    (void)err;
    if (source + 1 >= t->leaves) {
        double v = t->leaf[source - (t->leaves - 1)];
        v = r->file->average ? v / (double)r->file->ntrees : v;
        lw_forest_set_leaf(r->forest, at, (float)v);
        r->forest->wide[at] = v;
        return 0;
    }
    struct lw_tree_node *n = &r->forest->node[at];
    bool from_zero = (t->decision[source] >> 2 & 3) == MISSING_NONE;
    bool left = t->decision[source] & 2;
    *n = (struct lw_tree_node){
        .feature = (int32_t)r->file->feature[t->feature[source]].at,
        .missing_left = from_zero ? t->threshold[source] >= 0 : left};
    return node_value(r, source, &n->value) ||
                   node_child(r, t->left[source], &child[0]) ||
                   node_child(r, t->right[source], &child[1])
               ? -1
               : 1;
}

static struct lw_forest *build_forest(struct lightgbm_file *f) {
    size_t nnodes = 0, used = 0;
    for (size_t k = 0; k < f->ntrees; k++)
        nnodes += 2 * f->tree[k].leaves - 1;
    struct lw_forest *forest = lw_forest_new(f->ntrees, nnodes);
    lw_forest_widen(forest);
    int rc = 0;
    for (size_t k = 0; k < f->ntrees && !rc; k++) {
        struct tree_reader r = {f, &f->tree[k], forest};
        const struct lw_tree_source source = {&r, 2 * f->tree[k].leaves - 1, tree_node};
        struct lw_err why = {0};
        forest->root[k] = (int32_t)used;
        size_t took = lw__tree_copy(forest, used, &source, &why);
        if (!took && why.code)
            line_fail(f, f->tree[k].line, why.msg);
        rc = took ? 0 : -1;
        used += took;
    }
    forest->nnodes = used;
    if (!rc)
        return forest;
    lw_forest_free(forest);
    return NULL;
}

/* ---- the model ---- */

static void copy_edges(const struct lightgbm_file *f, struct lw_model *m) {
    for (size_t i = 0; i < m->nquantiles; i++)
        for (size_t k = 0; k < f->nfeatures; k++) {
            const struct lw_quantiles *edges = &f->edges[k];
            if (!f->feature[k].used || edges->atom != m->quantiles[i].atom)
                continue;
            m->quantiles[i].nedges = edges->nedges;
            memcpy(m->quantiles[i].edge, edges->edge, sizeof edges->edge);
        }
}

/* The term of a feature: its rank among the thresholds, or a category as it is. */
static char *feature_term(const struct lightgbm_file *f, size_t k) {
    struct lw_buf text = {0};
    int bins = f->edges[k].nedges + 1;
    if (f->feature[k].integer)
        lw_buf_printf(&text, "%s", f->feature[k].name);
    else
        lw_buf_printf(&text, "qbins(%s, %d)", f->feature[k].name, bins < 2 ? 2 : bins);
    lw_buf_str(&text);
    return (char *)text.data;
}

static struct lw_model *make_frame(const struct lw_exchange *to,
                                   struct lightgbm_file *f) {
    char **term = lw_calloc(f->nfeatures + 1, sizeof *term);
    size_t n = 0;
    for (size_t k = 0; k < f->nfeatures; k++)
        if (f->feature[k].used)
            term[n++] = feature_term(f, k);
    struct lw_model *m = lw__frame_new(to, (const char *const *)term, n, f->err);
    for (size_t k = 0; m && k < f->nfeatures; k++)
        if (f->feature[k].used)
            f->edges[k].atom =
                lw_plan_term_at(m->plan, (size_t)f->feature[k].at)->factor[0];
    for (size_t i = 0; i < n; i++)
        free(term[i]);
    free(term);
    return m;
}

static struct lw_model *file_model(const struct lw_exchange *to,
                                   struct lightgbm_file *f) {
    if (read_lines(f) || collect_edges(f) ||
        lw__frame_check(to, f->feature, f->nfeatures, f->err))
        return NULL;
    struct lw_forest *forest = build_forest(f);
    struct lw_model *m = forest ? make_frame(to, f) : NULL;
    if (!m) {
        lw_forest_free(forest);
        return NULL;
    }
    copy_edges(f, m);
    lw_model_add_param(m, "from", "LightGBM");
    if (lw__frame_plant(m, forest, f->err) == 0)
        return m;
    lw_model_free(m);
    return NULL;
}

struct lw_model *lw__lightgbm_read(const struct lw_exchange *to, const void *data,
                                   size_t len, struct lw_err *err) {
    struct lightgbm_file f = {.err = err};
    struct lw_model *m = NULL;
    f.text = f.at = lw_malloc(len + 1);
    memcpy(f.text, data, len);
    f.text[len] = 0;
    if (strlen(f.text) != len)
        lw_fail(err, LW_EINPUT, "byte %zu: a zero byte in a text file", strlen(f.text));
    else
        m = file_model(to, &f);
    for (size_t k = 0; k < f.ntrees; k++) {
        struct lightgbm_tree *t = &f.tree[k];
        void *const parts[] = {t->leaf,     t->threshold, t->feature,
                               t->decision, t->left,      t->right};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            free(parts[i]);
    }
    free(f.tree);
    free(f.feature);
    free(f.edges);
    free(f.text);
    return m;
}
