/* Accumulating the statistics.
 *
 * A chunk of rows is processed by pairs of terms, so that each inner loop has one shape:
 * two numbers (a dot product), a block and a number, or two blocks (scattered additions
 * into A, which stays in cache). For a term that is 0 in most rows (a flag, or a number
 * times a flag), only its non-zero rows are visited. The eliminated block is processed
 * row by row, because a level's row of C is contiguous. */
#include "model/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/mem.h"
#include "base/sort.h"

/* One term (or the intercept) over a chunk. */
struct lw_gram_side {
    uint32_t at;
    const uint32_t *level; /* NULL: one column */
    const double *value;   /* NULL: 1 */
    double weighted[LW_CHUNK], shifted[LW_CHUNK];
    bool scarce; /* most rows are 0: the others are listed */
    uint16_t row[LW_CHUNK];
    size_t nrows;
};

void lw_stats_init(struct lw_stats *s, const struct lw_layout *l) {
    *s = (struct lw_stats){.layout = l};
    s->a = lw_calloc((size_t)l->nr * l->nr + 1, sizeof *s->a);
    s->br = lw_calloc(l->nr + 1, sizeof *s->br);
    s->d = lw_calloc(l->ne + 1, sizeof *s->d);
    s->be = lw_calloc(l->ne + 1, sizeof *s->be);
    s->c = lw_calloc(l->ne * lw_stats_stride(l) + 1, sizeof *s->c);
    s->shift = lw_calloc((size_t)l->nrest + 1, sizeof *s->shift);
    s->side = lw_malloc(((size_t)l->nrest + 2) * sizeof *s->side);
}

void lw_stats_fini(struct lw_stats *s) {
    free(s->a);
    free(s->br);
    free(s->d);
    free(s->be);
    free(s->c);
    lw_table_fini(&s->pairs);
    free(s->pair_key);
    free(s->pair);
    free(s->row);
    free(s->row_col);
    free(s->row_val);
    free(s->side);
    free(s->shift);
    *s = (struct lw_stats){0};
}

/* The shift of a column: 0, unless all values lie far from 0. */
static double shift_of(const double *v, size_t n) {
    double sorted[LW_CHUNK];
    memcpy(sorted, v, n * sizeof *v);
    lw_sort_f64(sorted, n);
    double middle = sorted[n / 2], spread = sorted[n - 1 - n / 4] - sorted[n / 4];
    return fabs(middle) > 64 * spread ? middle : 0;
}

static void find_shifts(struct lw_stats *s, const struct lw_chunk *feed, size_t n,
                        const double *y) {
    const struct lw_layout *l = s->layout;
    s->placed = true;
    s->y_shift = shift_of(y, n);
    for (int k = 0; k < l->nrest; k++)
        if (feed->m->part[l->rest[k]].block < 0)
            s->shift[k] = shift_of(feed->value[l->rest[k]], n);
}

/* The rows of a chunk, with their weights and shifted targets. */
struct gram_rows {
    const struct lw_chunk *feed;
    size_t n;
    const double *w, *y;
};

static void side_init(struct lw_gram_side *side, const struct gram_rows *rows, int term,
                      uint32_t at, double shift) {
    const struct lw_chunk *feed = rows->feed;
    const double *w = rows->w;
    size_t n = rows->n;
    const struct lw_model_term *part = &feed->m->part[term];
    side->at = at;
    side->level = part->block < 0 ? NULL : feed->level[part->block];
    side->value = feed->value[term];
    for (size_t i = 0; shift != 0 && i < n; i++)
        side->shifted[i] = side->value[i] - shift;
    if (shift != 0)
        side->value = side->shifted;
    for (size_t i = 0; i < n; i++)
        side->weighted[i] = side->value ? w[i] * side->value[i] : w[i];
    side->nrows = 0;
    for (size_t i = 0; side->value && i < n; i++) {
        side->row[side->nrows] = (uint16_t)i;
        side->nrows += side->value[i] != 0;
    }
    side->scarce = side->value && side->nrows < n / 4;
}

static void number_number(double *a, const struct lw_gram_side *x,
                          const struct lw_gram_side *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x->weighted[i] * (y->value ? y->value[i] : 1);
    *a += sum;
}

/* Adds to a column of cells `step` apart, indexed by the block's level. */
static void block_number(double *a, size_t step, const struct lw_gram_side *block,
                         const struct lw_gram_side *number, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (block->level[i] != LW_CODE_NONE)
            a[block->level[i] * step] +=
                block->weighted[i] * (number->value ? number->value[i] : 1);
}

static void block_block(double *a, size_t nr, const struct lw_gram_side *x,
                        const struct lw_gram_side *y, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (x->level[i] != LW_CODE_NONE && y->level[i] != LW_CODE_NONE)
            a[x->level[i] * nr + y->level[i]] +=
                x->weighted[i] * (y->value ? y->value[i] : 1);
}

/* Any two sides, over the rows of a list. */
static void listed_pair(double *a, size_t nr, const struct lw_gram_side *x,
                        const struct lw_gram_side *y, const struct lw_gram_side *list) {
    double sum = 0;
    for (size_t k = 0; k < list->nrows; k++) {
        size_t i = list->row[k];
        uint32_t xl = x->level ? x->level[i] : 0, yl = y->level ? y->level[i] : 0;
        double v = x->weighted[i] * (y->value ? y->value[i] : 1);
        if (!x->level && !y->level)
            sum += v;
        else if (xl != LW_CODE_NONE && yl != LW_CODE_NONE)
            a[xl * nr + yl] += v;
    }
    *a += sum;
}

/* x comes at or after y, so the cell is in the lower triangle. */
static void gram_pair(struct lw_stats *s, const struct lw_gram_side *x,
                      const struct lw_gram_side *y, size_t n) {
    size_t nr = s->layout->nr;
    double *a = s->a + x->at * nr + y->at;
    if (x->scarce || y->scarce)
        listed_pair(a, nr, x, y,
                    x->scarce && (!y->scarce || x->nrows <= y->nrows) ? x : y);
    else if (x == y && x->level)
        block_number(a, nr + 1, x, x, n); /* the diagonal of one block */
    else if (x->level && y->level)
        block_block(a, nr, x, y, n);
    else if (x->level)
        block_number(a, nr, x, y, n);
    else if (y->level)
        block_number(a, 1, y, x, n);
    else
        number_number(a, x, y, n);
}

static void add_target(double *b, const struct lw_gram_side *x, const double *y,
                       size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t level = x->level ? x->level[i] : 0;
        if (level != LW_CODE_NONE)
            b[x->at + level] += x->weighted[i] * y[i];
    }
}

static void add_pair(struct lw_stats *s, uint64_t key, double v) {
    int fresh;
    uint32_t at = lw_table_index(&s->pairs, key, &fresh);
    if (fresh && at == s->pair_cap) {
        s->pair_cap = s->pair_cap ? 2 * s->pair_cap : 1024;
        s->pair = lw_realloc(s->pair, s->pair_cap, sizeof *s->pair);
        s->pair_key = lw_realloc(s->pair_key, s->pair_cap, sizeof *s->pair_key);
    }
    if (fresh) {
        s->pair[at] = 0;
        s->pair_key[at] = key;
    }
    s->pair[at] += v;
}

/* Adds to C for one rest term. */
static void cross_term(struct lw_stats *s, const struct lw_gram_side *e,
                       const struct lw_gram_side *x, int fixed, bool sparse, size_t n) {
    const struct lw_layout *l = s->layout;
    size_t stride = lw_stats_stride(l);
    for (size_t k = 0; k < (x->scarce ? x->nrows : n); k++) {
        size_t i = x->scarce ? x->row[k] : k;
        uint32_t el = e->level[i], level = x->level ? x->level[i] : 0;
        if (el == LW_CODE_NONE || level == LW_CODE_NONE)
            continue;
        double v = e->weighted[i] * (x->value ? x->value[i] : 1);
        if (sparse)
            add_pair(s, (uint64_t)el * l->nr + x->at + level, v);
        else if (fixed >= 0)
            s->c[el * stride + l->ndense + (size_t)fixed] += v;
        else
            s->c[el * stride + x->at + level] += v;
    }
}

static int fixed_index(const struct lw_layout *l, int term) {
    for (int j = 0; j < l->nfixed; j++)
        if (l->fixed[j] == term)
            return j;
    return -1;
}

static bool is_sparse(const struct lw_layout *l, int term) {
    for (int j = 0; j < l->nsparse; j++)
        if (l->sparse[j] == term)
            return true;
    return false;
}

static void add_eliminated(struct lw_stats *s, const struct gram_rows *rows,
                           const struct lw_gram_side *sides, size_t nsides) {
    struct lw_gram_side *e = &s->side[nsides];
    size_t n = rows->n;
    side_init(e, rows, s->layout->e_term, 0, 0);
    lw_assert(e->level); /* a term of categories */
    block_number(s->d, 1, e, e, n);
    add_target(s->be, e, rows->y, n);
    size_t first = s->layout->intercept;
    if (first)
        cross_term(s, e, &sides[0], -1, false, n);
    for (size_t k = first; k < nsides; k++) {
        int term = s->layout->rest[k - first];
        cross_term(s, e, &sides[k], fixed_index(s->layout, term),
                   is_sparse(s->layout, term), n);
    }
}

void lw_stats_add(struct lw_stats *s, const struct lw_chunk *feed, size_t n,
                  const double *w, const double *target) {
    const struct lw_layout *l = s->layout;
    double y[LW_CHUNK];
    struct gram_rows rows = {.feed = feed, .n = n, .w = w, .y = y};
    if (!s->placed && n > 0 && l->intercept)
        find_shifts(s, feed, n, target);
    for (size_t i = 0; i < n; i++)
        y[i] = target[i] - s->y_shift;
    size_t first = l->intercept, nsides = first + (size_t)l->nrest;
    struct lw_gram_side *sides = s->side;
    if (first) {
        sides[0].at = 0;
        sides[0].level = NULL;
        sides[0].value = NULL;
        sides[0].scarce = false;
        memcpy(sides[0].weighted, w, n * sizeof *w);
    }
    for (int k = 0; k < l->nrest; k++)
        side_init(&sides[first + (size_t)k], &rows, l->rest[k], l->at[l->rest[k]],
                  s->shift[k]);
    for (size_t x = 0; x < nsides; x++) {
        for (size_t k = 0; k <= x; k++)
            gram_pair(s, &sides[x], &sides[k], n);
        add_target(s->br, &sides[x], y, n);
    }
    if (l->e_term >= 0)
        add_eliminated(s, &rows, sides, nsides);
    for (size_t i = 0; i < n; i++) {
        s->sw += w[i];
        s->yy += w[i] * y[i] * y[i];
    }
    s->n += n;
}

void lw_stats_align(struct lw_stats *s, const struct lw_stats *with) {
    s->placed = with->placed;
    s->y_shift = with->y_shift;
    memcpy(s->shift, with->shift, (size_t)s->layout->nrest * sizeof *s->shift);
}

static void add_all(double *to, const double *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

void lw_stats_merge(struct lw_stats *s, const struct lw_stats *from) {
    const struct lw_layout *l = s->layout;
    if (!s->placed)
        lw_stats_align(s, from);
    add_all(s->a, from->a, (size_t)l->nr * l->nr);
    add_all(s->br, from->br, l->nr);
    add_all(s->d, from->d, l->ne);
    add_all(s->be, from->be, l->ne);
    add_all(s->c, from->c, l->ne * lw_stats_stride(l));
    for (size_t i = 0; i < from->pairs.n; i++)
        add_pair(s, from->pair_key[i], from->pair[i]);
    s->sw += from->sw;
    s->yy += from->yy;
    s->n += from->n;
}

double lw_stats_intercept(const struct lw_stats *s, const double *wr) {
    const struct lw_layout *l = s->layout;
    double at = wr[0] + s->y_shift;
    for (int k = 0; k < l->nrest; k++)
        if (s->shift[k] != 0)
            at -= s->shift[k] * wr[l->at[l->rest[k]]];
    return at;
}

/* A counting sort of the pairs by level. */
void lw_stats_seal(struct lw_stats *s) {
    const struct lw_layout *l = s->layout;
    s->row = lw_calloc(l->ne + 1, sizeof *s->row);
    s->row_col = lw_malloc((s->pairs.n + 1) * sizeof *s->row_col);
    s->row_val = lw_malloc((s->pairs.n + 1) * sizeof *s->row_val);
    for (size_t i = 0; i < s->pairs.n; i++)
        s->row[s->pair_key[i] / l->nr].end++;
    uint32_t at = 0;
    for (uint32_t e = 0; e < l->ne; e++) {
        uint32_t n = s->row[e].end;
        s->row[e].begin = s->row[e].end = at;
        at += n;
    }
    for (size_t i = 0; i < s->pairs.n; i++) {
        struct lw_pair_row *row = &s->row[s->pair_key[i] / l->nr];
        s->row_col[row->end] = (uint32_t)(s->pair_key[i] % l->nr);
        s->row_val[row->end++] = s->pair[i];
    }
}

size_t lw_stats_extras(const struct lw_stats *s, uint32_t level, uint32_t *col,
                       double *val) {
    const struct lw_layout *l = s->layout;
    const double *c = s->c + level * lw_stats_stride(l) + l->ndense;
    size_t n = 0;
    for (size_t j = 0; j < (size_t)l->nfixed; j++) {
        col[n] = l->fixed_col[level * (size_t)l->nfixed + j];
        val[n] = c[j];
        n += col[n] != LW_CODE_NONE && val[n] != 0;
    }
    for (uint32_t i = s->row[level].begin; i < s->row[level].end; i++) {
        col[n] = s->row_col[i];
        val[n++] = s->row_val[i];
    }
    return n;
}

void lw_stats_multiply(const struct lw_stats *s, const double *wr, const double *we,
                       double *out_r, double *out_e) {
    const struct lw_layout *l = s->layout;
    uint32_t *col = lw_malloc((l->nr + 1) * sizeof *col);
    double *val = lw_malloc((l->nr + 1) * sizeof *val);
    int nr = (int)l->nr, dense = (int)l->ndense;
    if (nr)
        cblas_dsymv(CblasRowMajor, CblasLower, nr, 1, s->a, nr, wr, 1, 0, out_r, 1);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = s->c + e * lw_stats_stride(l);
        double sum = s->d[e] * we[e] + cblas_ddot(dense, c, 1, wr, 1);
        cblas_daxpy(dense, we[e], c, 1, out_r, 1);
        size_t n = lw_stats_extras(s, e, col, val);
        for (size_t i = 0; i < n; i++) {
            sum += val[i] * wr[col[i]];
            out_r[col[i]] += val[i] * we[e];
        }
        out_e[e] = sum;
    }
    free(col);
    free(val);
}

double lw_stats_rss(const struct lw_stats *s, const double *wr, const double *we,
                    const double *gr, const double *ge) {
    double rss = s->yy;
    for (uint32_t i = 0; i < s->layout->nr; i++)
        rss += wr[i] * (gr[i] - 2 * s->br[i]);
    for (uint32_t i = 0; i < s->layout->ne; i++)
        rss += we[i] * (ge[i] - 2 * s->be[i]);
    return rss > 0 ? rss : 0;
}
