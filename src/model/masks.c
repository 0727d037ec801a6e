#include "model/masks.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/forest.h"

#define LEAVES_MAX 64
#define GRID       1024 /* cells of a feature's range */
#define STEP       4
#define LANES      16 /* trees at a time */
#define LINE       8  /* words of a cache line */

/* Two words in one register, which every x86-64 and ARMv8 has. Wider ones gain less than
 * a tenth here: most of the time goes into adding the leaves one after the other. */
typedef uint64_t mask_pair __attribute__((vector_size(16), may_alias));

/* The thresholds of one feature, ascending, under a grid of equal cells: only those in
 * the cell of a value are compared with it. Cells are computed with the same monotone
 * arithmetic for values and thresholds, so a threshold in a lower cell is lower. */
struct mask_feature {
    int feature;
    uint32_t n, window; /* the most thresholds in a cell: STEP times a power of 2 */
    float *threshold;   /* n, and `window` times infinity */
    float low, scale;
    uint16_t *start;        /* GRID + 1: the first threshold of a cell */
    uint64_t *store, *live; /* n + 2 rows of `stride` trees: by bin, then missing */
};

struct lw_masks {
    size_t ntrees, stride, nfeatures;
    uint32_t *first; /* leaf of a tree */
    float *leaf;
    double *wide; /* leaves in double precision, or NULL */
    struct mask_feature feature[LW_FEATURES_MAX];
};

/* Where each node of the forest is. */
struct mask_places {
    uint32_t *leaves; /* below a node */
    uint32_t *first;  /* of these, from left to right in the tree */
    uint32_t *tree;
    uint8_t *parents; /* also as a root; 2: more than one */
};

static void places_fini(struct mask_places *p) {
    free(p->leaves);
    free(p->first);
    free(p->tree);
    free(p->parents);
}

static void count_parent(struct mask_places *p, int32_t node) {
    p->parents[node] = p->parents[node] ? 2 : 1;
}

/* Children come after their parents. False: a tree is too large, or shares a node. */
static bool places_init(struct mask_places *p, const struct lw_forest *f) {
    p->leaves = lw_calloc(f->nnodes + 1, sizeof *p->leaves);
    p->first = lw_calloc(f->nnodes + 1, sizeof *p->first);
    p->tree = lw_calloc(f->nnodes + 1, sizeof *p->tree);
    p->parents = lw_calloc(f->nnodes + 1, sizeof *p->parents);
    bool fits = true;
    for (size_t i = f->nnodes; i-- > 0 && fits;) {
        int32_t left = f->node[i].left;
        p->leaves[i] = f->is_leaf[i] ? 1 : p->leaves[left] + p->leaves[left + 1];
        fits = p->leaves[i] <= LEAVES_MAX;
    }
    for (size_t t = 0; t < f->ntrees; t++) {
        p->tree[f->root[t]] = (uint32_t)t;
        count_parent(p, f->root[t]);
    }
    for (size_t i = 0; i < f->nnodes && fits; i++) {
        int32_t left = f->node[i].left;
        fits = p->parents[i] == 1;
        if (f->is_leaf[i])
            continue;
        p->tree[left] = p->tree[left + 1] = p->tree[i];
        p->first[left] = p->first[i];
        p->first[left + 1] = p->first[i] + p->leaves[left];
        count_parent(p, left);
        count_parent(p, left + 1);
    }
    return fits;
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static inline uint32_t grid_cell(const struct mask_feature *k, float x) {
    float at = (x - k->low) * k->scale, last = GRID - 1;
    at = at > 0 ? at : 0; /* also when it is NAN */
    return (uint32_t)(int32_t)(at < last ? at : last);
}

static void grid_lay(struct mask_feature *k) {
    float span = k->threshold[k->n - 1] - k->threshold[0];
    uint32_t most = 0;
    k->low = k->threshold[0];
    k->scale = span > 0 ? (float)(GRID - 1) / span : 0;
    if (!isfinite(k->scale)) /* thresholds closer than single precision can scale */
        k->scale = 0;
    k->start = lw_calloc(GRID + 1, sizeof *k->start);
    for (uint32_t i = 0; i < k->n; i++) {
        uint16_t *in = &k->start[grid_cell(k, k->threshold[i]) + 1];
        most = ++*in > most ? *in : most;
    }
    for (size_t c = 0; c < GRID; c++)
        k->start[c + 1] = (uint16_t)(k->start[c + 1] + k->start[c]);
    for (k->window = STEP; k->window < most;)
        k->window *= 2;
    k->threshold = lw_realloc(k->threshold, k->n + k->window, sizeof *k->threshold);
    for (uint32_t i = 0; i < k->window; i++)
        k->threshold[k->n + i] = INFINITY;
}

/* The number of thresholds <= x; NAN: the bin of missing values. No branch depends on x,
 * which would be mispredicted for every other row: a threshold beyond the cell is above
 * x, so a window of fixed length is searched. */
static inline uint32_t feature_bin(const struct mask_feature *k, float x) {
    const float *at = k->threshold + k->start[grid_cell(k, x)];
    for (uint32_t half = k->window / 2; half >= STEP; half /= 2)
        at += at[half - 1] <= x ? half : 0;
    uint32_t n = (uint32_t)(at - k->threshold);
    for (int i = 0; i < STEP; i++)
        n += at[i] <= x;
    return isnan(x) ? k->n + 1 : n;
}

/* Collects a feature's thresholds. False: none, or too many for the grid. */
static bool take_thresholds(struct mask_feature *k, const struct lw_forest *f,
                            int feature) {
    size_t n = 0, distinct = 0;
    *k = (struct mask_feature){.feature = feature};
    k->threshold = lw_malloc((f->nnodes + 1) * sizeof *k->threshold);
    for (size_t i = 0; i < f->nnodes; i++)
        if (!f->is_leaf[i] && f->node[i].feature == feature)
            k->threshold[n++] = f->node[i].value;
    qsort(k->threshold, n, sizeof *k->threshold, by_value);
    for (size_t i = 0; i < n; i++)
        if (distinct == 0 || k->threshold[distinct - 1] < k->threshold[i])
            k->threshold[distinct++] = k->threshold[i];
    k->n = (uint32_t)distinct;
    if (distinct > 0 && distinct < UINT16_MAX) {
        grid_lay(k);
        return true;
    }
    free(k->threshold);
    return false;
}

static void rule_out(const struct mask_feature *k, size_t stride,
                     const struct lw_forest *f, const struct mask_places *p, size_t i) {
    const struct lw_tree_node *node = &f->node[i];
    uint32_t tree = p->tree[i], n = p->leaves[node->left];
    uint64_t left = (~(uint64_t)0 >> (LEAVES_MAX - n)) << p->first[i];
    uint32_t bin = feature_bin(k, node->value); /* the lowest bin that goes right */
    k->live[bin * stride + tree] &= ~left;
    if (!node->missing_left)
        k->live[(k->n + 1) * stride + tree] &= ~left;
}

static void fill_words(struct mask_feature *k, size_t stride, const struct lw_forest *f,
                       const struct mask_places *p) {
    size_t words = ((size_t)k->n + 2) * stride;
    k->store = lw_malloc((words + LINE) * sizeof *k->store);
    k->live = k->store + LINE - (uintptr_t)k->store / sizeof *k->store % LINE;
    memset(k->live, 0xff, words * sizeof *k->live);
    for (size_t i = 0; i < f->nnodes; i++)
        if (!f->is_leaf[i] && f->node[i].feature == k->feature)
            rule_out(k, stride, f, p, i);
    for (size_t at = stride; at < words - stride; at++) /* a higher bin rules out more */
        k->live[at] &= k->live[at - stride];
}

static void number_leaves(struct lw_masks *m, const struct lw_forest *f,
                          const struct mask_places *p) {
    uint32_t n = 0;
    m->first = lw_calloc(m->stride, sizeof *m->first);
    m->leaf = lw_calloc(f->nnodes + 1, sizeof *m->leaf);
    for (size_t t = 0; t < f->ntrees; t++) {
        m->first[t] = n;
        n += p->leaves[f->root[t]];
    }
    if (f->wide)
        m->wide = lw_calloc(f->nnodes + 1, sizeof *m->wide);
    for (size_t i = 0; i < f->nnodes; i++) {
        if (!f->is_leaf[i])
            continue;
        m->leaf[m->first[p->tree[i]] + p->first[i]] = f->leaf[i];
        if (f->wide)
            m->wide[m->first[p->tree[i]] + p->first[i]] = f->wide[i];
    }
}

static bool masks_build(struct lw_masks *m, const struct lw_forest *f) {
    struct mask_places places = {0};
    size_t words = 0;
    bool fits = places_init(&places, f);
    m->ntrees = f->ntrees;
    m->stride = (f->ntrees + LANES - 1) / LANES * LANES;
    for (int k = 0; k < f->nfeatures && fits; k++) {
        struct mask_feature *to = &m->feature[m->nfeatures];
        if (!take_thresholds(to, f, k))
            continue;
        m->nfeatures++;
        words += ((size_t)to->n + 2) * m->stride;
        fits = words <= LW_MASKS_BYTES / sizeof *to->live;
    }
    for (size_t k = 0; k < m->nfeatures && fits; k++)
        fill_words(&m->feature[k], m->stride, f, &places);
    if (fits)
        number_leaves(m, f, &places);
    places_fini(&places);
    return fits && m->nfeatures;
}

struct lw_masks *lw_masks_new(const struct lw_forest *f) {
    struct lw_masks *m = lw_calloc(1, sizeof *m);
    if (masks_build(m, f))
        return m;
    lw_masks_free(m);
    return NULL;
}

void lw_masks_free(struct lw_masks *m) {
    if (!m)
        return;
    for (size_t k = 0; k < m->nfeatures; k++) {
        free(m->feature[k].threshold);
        free(m->feature[k].start);
        free(m->feature[k].store);
    }
    free(m->first);
    free(m->leaf);
    free(m->wide);
    free(m);
}

static inline float tree_leaf(const struct lw_masks *m, size_t t, uint64_t live) {
    return m->leaf[m->first[t] + (uint32_t)__builtin_ctzll(live)];
}

/* The leaves that remain in LANES trees from t on. Four pairs at a time stay in
 * registers while the features are combined. */
static inline void trees_live(const uint64_t *const *row, size_t n, size_t t,
                              uint64_t *live) {
    for (size_t at = 0; at < LANES; at += LANES / 2) {
        const mask_pair *w = (const mask_pair *)(row[0] + t + at);
        mask_pair a = w[0], b = w[1], c = w[2], d = w[3];
        for (size_t k = 1; k < n; k++) {
            w = (const mask_pair *)(row[k] + t + at);
            a &= w[0];
            b &= w[1];
            c &= w[2];
            d &= w[3];
        }
        mask_pair *to = (mask_pair *)(live + at);
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
}

static inline void find_rows(const struct lw_masks *m, const float *x,
                             const uint64_t **row) {
    lw_assert(m->nfeatures > 0);
    for (size_t k = 0; k < m->nfeatures; k++) {
        const struct mask_feature *f = &m->feature[k];
        row[k] = f->live + feature_bin(f, x[f->feature]) * m->stride;
    }
}

double lw_masks_score_wide(const struct lw_masks *m, const float *x, double sum) {
    const uint64_t *row[LW_FEATURES_MAX];
    uint64_t live[LANES] __attribute__((aligned(LINE * 8)));
    find_rows(m, x, row);
    for (size_t t = 0; t < m->ntrees; t += LANES) {
        trees_live(row, m->nfeatures, t, live);
        for (size_t j = 0; j < LANES && t + j < m->ntrees; j++)
            sum += m->wide[m->first[t + j] + (uint32_t)__builtin_ctzll(live[j])];
    }
    return sum;
}

float lw_masks_score(const struct lw_masks *m, const float *x, float sum) {
    const uint64_t *row[LW_FEATURES_MAX];
    uint64_t live[LANES] __attribute__((aligned(LINE * 8)));
    size_t t = 0;
    find_rows(m, x, row);
    for (; t + LANES <= m->ntrees; t += LANES) {
        trees_live(row, m->nfeatures, t, live);
        for (size_t j = 0; j < LANES; j++)
            sum += tree_leaf(m, t + j, live[j]);
    }
    if (t < m->ntrees)
        trees_live(row, m->nfeatures, t, live);
    for (size_t j = 0; t + j < m->ntrees; j++)
        sum += tree_leaf(m, t + j, live[j]);
    return sum;
}
