/* Rows as columns. Sorting computes one permutation and applies it column by column,
 * which takes the memory of four more columns. Learned atoms have no column: a model
 * computes them from the atoms they read.
 *
 * The order is total. Sums of floating-point numbers, and with them the splits of trees,
 * depend on the order of the rows, and partitions are read in any order: a live training
 * and a backtest would differ, and so would two trainings on the same offsets. Rows of
 * one time are therefore ordered by a hash of their values, and rows that share even that
 * are alike. A hash and not the values themselves: cut anywhere, a run of ties is a
 * sample. */
#include "model/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "model/dataset_private.h"

struct atom_column {
    double *num;
    uint32_t *code;
    struct lw_dict dict;
};

struct lw_dataset {
    const struct lw_plan *plan;
    size_t natoms, rows, cap;
    int64_t *time;
    double *target;
    struct atom_column col[LW_ATOMS_MAX];
};

static bool has_codes(const struct lw_dataset *ds, size_t atom) {
    const struct lw_atom *a = lw_plan_atom_at(ds->plan, atom);
    return !a->learned && a->kind == LW_CATEGORY;
}

static bool has_numbers(const struct lw_dataset *ds, size_t atom) {
    const struct lw_atom *a = lw_plan_atom_at(ds->plan, atom);
    return !a->learned && a->kind == LW_NUMERIC;
}

struct lw_dataset *lw_dataset_new(const struct lw_plan *plan) {
    struct lw_dataset *ds = lw_calloc(1, sizeof *ds);
    ds->plan = plan;
    ds->natoms = lw_plan_atoms(plan);
    for (size_t i = 0; i < ds->natoms; i++)
        lw_dict_init(&ds->col[i].dict);
    return ds;
}

void lw_dataset_free(struct lw_dataset *ds) {
    if (!ds)
        return;
    for (size_t i = 0; i < ds->natoms; i++) {
        free(ds->col[i].num);
        free(ds->col[i].code);
        lw_dict_fini(&ds->col[i].dict);
    }
    free(ds->time);
    free(ds->target);
    free(ds);
}

static void dataset_reserve(struct lw_dataset *ds, size_t rows) {
    if (rows <= ds->cap)
        return;
    size_t cap = ds->cap ? ds->cap : 1024;
    while (cap < rows)
        cap += cap / 2;
    ds->time = lw_realloc(ds->time, cap, sizeof *ds->time);
    ds->target = lw_realloc(ds->target, cap, sizeof *ds->target);
    for (size_t i = 0; i < ds->natoms; i++) {
        struct atom_column *col = &ds->col[i];
        if (has_numbers(ds, i))
            col->num = lw_realloc(col->num, cap, sizeof *col->num);
        if (has_codes(ds, i))
            col->code = lw_realloc(col->code, cap, sizeof *col->code);
    }
    ds->cap = cap;
}

void lw_dataset_add(struct lw_dataset *ds, const struct lw_row *row) {
    struct lw_cell cells[LW_ATOMS_MAX];
    lw_assert(lw_plan_atoms(ds->plan) == ds->natoms);
    lw_plan_eval(ds->plan, row, cells);
    dataset_reserve(ds, ds->rows + 1);
    ds->time[ds->rows] = row->time_ms;
    ds->target[ds->rows] = row->target;
    for (size_t i = 0; i < ds->natoms; i++) {
        struct atom_column *col = &ds->col[i];
        if (col->num)
            col->num[ds->rows] = cells[i].num;
        if (col->code)
            col->code[ds->rows] = lw_dict_add(&col->dict, &cells[i]);
    }
    ds->rows++;
}

static void append_codes(struct atom_column *to, size_t at,
                         const struct atom_column *from, size_t begin, size_t rows) {
    uint32_t *map = lw_malloc((from->dict.n + 1) * sizeof *map);
    for (uint32_t i = 0; i < from->dict.n; i++) {
        struct lw_cell cell = lw_dict_cell(&from->dict, i);
        map[i] = lw_dict_add(&to->dict, &cell);
    }
    for (size_t r = 0; r < rows; r++) {
        uint32_t code = from->code[begin + r];
        to->code[at + r] = code == LW_CODE_NONE ? LW_CODE_NONE : map[code];
    }
    free(map);
}

void lw_dataset_append_rows(struct lw_dataset *ds, const struct lw_dataset *other,
                            size_t begin, size_t end) {
    lw_assert(ds->plan == other->plan && ds->natoms == other->natoms && ds != other);
    lw_assert(begin <= end && end <= other->rows);
    size_t rows = end - begin;
    if (rows == 0)
        return;
    dataset_reserve(ds, ds->rows + rows);
    memcpy(ds->time + ds->rows, other->time + begin, rows * sizeof *ds->time);
    memcpy(ds->target + ds->rows, other->target + begin, rows * sizeof *ds->target);
    for (size_t i = 0; i < ds->natoms; i++) {
        struct atom_column *col = &ds->col[i];
        if (col->num)
            memcpy(col->num + ds->rows, other->col[i].num + begin,
                   rows * sizeof *col->num);
        if (col->code)
            append_codes(col, ds->rows, &other->col[i], begin, rows);
    }
    ds->rows += rows;
}

/* --- order ----------------------------------------------------------------------------- */

struct stamp {
    int64_t time;
    uint64_t mark; /* of rows that share their time */
    size_t row;
};

static uint64_t code_key(const struct atom_column *col, uint32_t code) {
    if (code == LW_CODE_NONE || col->dict.level[code].missing)
        return code == LW_CODE_NONE ? 1 : 2;
    return lw_mix64(col->dict.level[code].key);
}

/* A hash of the row's values. It knows nothing of where the row came from; the codes of
 * its categories, which are given in order of arrival, are not part of it. */
static uint64_t row_mark(const struct lw_dataset *ds, size_t row) {
    uint64_t bits, mark;
    memcpy(&bits, &ds->target[row], sizeof bits);
    mark = lw_mix64(bits);
    for (size_t i = 0; i < ds->natoms; i++) {
        const struct atom_column *col = &ds->col[i];
        if (col->num)
            memcpy(&bits, &col->num[row], sizeof bits);
        else if (col->code)
            bits = code_key(col, col->code[row]);
        else
            continue;
        mark = lw_mix64(mark ^ bits) + i;
    }
    return mark;
}

static int by_time(const void *a, const void *b) {
    const struct stamp *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_mark(const void *a, const void *b) {
    const struct stamp *x = a, *y = b;
    return x->mark < y->mark ? -1 : x->mark > y->mark;
}

static void order_ties(const struct lw_dataset *ds, struct stamp *order) {
    for (size_t i = 0, end; i < ds->rows; i = end) {
        for (end = i + 1; end < ds->rows && order[end].time == order[i].time;)
            end++;
        if (end == i + 1)
            continue;
        for (size_t k = i; k < end; k++)
            order[k].mark = row_mark(ds, order[k].row);
        qsort(order + i, end - i, sizeof *order, by_mark);
    }
}

/* width is 4 or 8; memcpy because a column may be of doubles or of integers. */
static void column_permute(void *column, size_t width, const struct stamp *order,
                           size_t n, void *spare) {
    const char *from = column;
    char *to = spare;
    if (!column)
        return;
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * width, from + order[i].row * width, width);
    memcpy(column, spare, n * width);
}

static bool dataset_is_sorted(const struct lw_dataset *ds) {
    for (size_t i = 1; i < ds->rows; i++)
        if (ds->time[i] < ds->time[i - 1] ||
            (ds->time[i] == ds->time[i - 1] && row_mark(ds, i) < row_mark(ds, i - 1)))
            return false;
    return true;
}

void lw_dataset_sort(struct lw_dataset *ds) {
    if (dataset_is_sorted(ds))
        return;
    struct stamp *order = lw_calloc(ds->rows, sizeof *order);
    uint64_t *spare = lw_calloc(ds->rows, sizeof *spare);
    for (size_t i = 0; i < ds->rows; i++)
        order[i] = (struct stamp){.time = ds->time[i], .row = i};
    qsort(order, ds->rows, sizeof *order, by_time);
    order_ties(ds, order);
    column_permute(ds->time, sizeof *ds->time, order, ds->rows, spare);
    column_permute(ds->target, sizeof *ds->target, order, ds->rows, spare);
    for (size_t i = 0; i < ds->natoms; i++) {
        column_permute(ds->col[i].num, sizeof(double), order, ds->rows, spare);
        column_permute(ds->col[i].code, sizeof(uint32_t), order, ds->rows, spare);
    }
    free(order);
    free(spare);
}

const struct lw_plan *lw_dataset_plan(const struct lw_dataset *ds) {
    return ds->plan;
}

size_t lw_dataset_rows(const struct lw_dataset *ds) {
    return ds->rows;
}

int64_t lw_dataset_time(const struct lw_dataset *ds, size_t row) {
    lw_assert(row < ds->rows);
    return ds->time[row];
}

double lw_dataset_target(const struct lw_dataset *ds, size_t row) {
    lw_assert(row < ds->rows);
    return ds->target[row];
}

size_t lw_dataset_bytes(const struct lw_dataset *ds) {
    size_t bytes = sizeof *ds + ds->cap * (sizeof *ds->time + sizeof *ds->target);
    for (size_t i = 0; i < ds->natoms; i++) {
        const struct atom_column *col = &ds->col[i];
        bytes += ds->cap * ((col->num != NULL) * sizeof(double) +
                            (col->code != NULL) * sizeof(uint32_t));
        bytes += col->dict.n * sizeof *col->dict.level;
        bytes += col->dict.table.cap * (sizeof(uint64_t) + sizeof(uint32_t));
    }
    return bytes;
}

size_t lw_dataset_lower_bound(const struct lw_dataset *ds, int64_t ms) {
    size_t lo = 0, hi = ds->rows;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ds->time[mid] < ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

#define LABELS_MIN    20
#define LABELS_FEW    5
#define LABELS_FAR    10.0
#define LABELS_SAMPLE 65536

struct lw_labels lw_dataset_labels(const struct lw_dataset *ds, size_t begin,
                                   size_t end) {
    struct lw_labels labels = {-INFINITY, INFINITY};
    size_t stride = 1 + (end - begin) / LABELS_SAMPLE, n = 0;
    double *y = lw_malloc(((end - begin) / stride + 2) * sizeof *y);
    for (size_t i = begin; i < end; i += stride)
        if (isfinite(ds->target[i]))
            y[n++] = ds->target[i];
    if (n >= LABELS_MIN) {
        lw_sort_f64(y, n);
        size_t few = n / 100 > LABELS_FEW ? n / 100 : n < 100 ? n / 20 : LABELS_FEW;
        double low = y[few], middle = y[n / 2], high = y[n - 1 - few];
        double far = LABELS_FAR * fmax(middle - low, high - middle);
        if (far > 0)
            labels = (struct lw_labels){middle - far, middle + far};
    }
    free(y);
    return labels;
}

void lw_dataset_cells(const struct lw_dataset *ds, size_t row, struct lw_cell *out) {
    lw_assert(row < ds->rows);
    for (size_t i = 0; i < ds->natoms; i++) {
        const struct atom_column *col = &ds->col[lw_plan_root(ds->plan, i)];
        out[i] = col->num ? lw_cell_num(col->num[row])
                          : lw_dict_cell(&col->dict, col->code[row]);
    }
}

const double *lw_dataset_numbers(const struct lw_dataset *ds, size_t atom) {
    return ds->col[atom].num;
}

const uint32_t *lw_dataset_codes(const struct lw_dataset *ds, size_t atom) {
    return ds->col[atom].code;
}

const struct lw_dict *lw_dataset_dict(const struct lw_dataset *ds, size_t atom) {
    return &ds->col[atom].dict;
}

const int64_t *lw_dataset_times(const struct lw_dataset *ds) {
    return ds->time;
}

const double *lw_dataset_targets(const struct lw_dataset *ds) {
    return ds->target;
}
