/* Times this project's sketches on raw files of compare.py, one verb per run, so that
 * runs of a peer can alternate with them.
 *
 *   kll FILE             updates/s of lw_kll_update_many, then of lw_kll_update
 *   merge FILE COUNT     merges/s of COUNT sketches of equal shares of the file
 *   rank FILE SEED       worst and root mean square rank error over 1,000 quantiles
 *   ints FILE            adds/s of lw_cats_add_int
 *   texts FILE           adds/s of lw_cats_add_text; texts of at most 15 bytes, 16 per
 *                        record
 *   tail FILE            updates/s of a tail sketch, then quantiles .5 .9 .99 .999 .9999
 *   quantiles FILE       the same quantiles by lw_numeric_quantile
 *   pane                 ns to merge a 12-row KLL, and a profile of two columns
 *
 * Files hold little-endian doubles (kll, merge, rank, tail, quantiles) or int64. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "leeway/profile.h"

struct file {
    union {
        const char *bytes;
        const double *numbers;
        const int64_t *ints;
    };
    size_t len;
};

static struct file file_load(const char *path) {
    struct lw_err err = {0};
    struct file f = {0};
    f.bytes = lw_read_file(path, (size_t)1 << 31, &f.len, &err);
    if (!f.bytes) {
        fprintf(stderr, "bench_sketch: %s\n", err.msg);
        exit(1);
    }
    return f;
}

static double rate_since(size_t count, int64_t since_us) {
    return (double)count / ((double)(lw_mono_us() - since_us) / 1e6);
}

static void bench_kll(struct file f) {
    size_t n = f.len / 8;
    struct lw_kll *s = lw_kll_new(200, 1);
    int64_t t = lw_mono_us();
    lw_kll_update_many(s, f.numbers, n);
    printf("%.0f", rate_since(n, t));
    lw_kll_reset(s, 1);
    t = lw_mono_us();
    for (size_t i = 0; i < n; i++)
        lw_kll_update(s, f.numbers[i]);
    printf(" %.0f\n", rate_since(n, t));
    lw_kll_free(s);
}

static void bench_merge(struct file f, size_t count) {
    size_t each = f.len / 8 / count;
    struct lw_kll **part = lw_calloc(count, sizeof *part), *sum = lw_kll_new(200, 1);
    for (size_t i = 0; i < count; i++) {
        part[i] = lw_kll_new(200, i);
        lw_kll_update_many(part[i], f.numbers + i * each, each);
    }
    int64_t t = lw_mono_us();
    for (size_t i = 0; i < count; i++)
        lw_kll_merge(sum, part[i]);
    printf("%.0f\n", rate_since(count, t));
    for (size_t i = 0; i < count; i++)
        lw_kll_free(part[i]);
    free(part);
    lw_kll_free(sum);
}

static int doubles_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench_rank(struct file f, uint64_t seed) {
    size_t n = f.len / 8;
    struct lw_kll *s = lw_kll_new(200, seed);
    lw_kll_update_many(s, f.numbers, n);
    double *sorted = lw_memdup(f.numbers, f.len), worst = 0, squares = 0;
    qsort(sorted, n, sizeof *sorted, doubles_compare);
    struct lw_kll_view *view = lw_kll_view_new(s);
    for (size_t i = 1; i <= 1000; i++) {
        size_t at = i * n / 1001;
        double exact = (double)(at + 1) / (double)n;
        double error = lw_kll_view_rank(view, sorted[at]) - exact;
        worst = fmax(worst, fabs(error));
        squares += error * error;
    }
    printf("%.6f %.6f\n", worst, sqrt(squares / 1000));
    lw_kll_view_free(view);
    free(sorted);
    lw_kll_free(s);
}

static void bench_ints(struct file f) {
    size_t n = f.len / 8;
    struct lw_cats *c = lw_cats_new(0);
    int64_t t = lw_mono_us();
    for (size_t i = 0; i < n; i++)
        lw_cats_add_int(c, f.ints[i], 1);
    printf("%.0f %zu\n", rate_since(n, t), lw_cats_size(c));
    lw_cats_free(c);
}

static void bench_texts(struct file f) {
    size_t n = f.len / 16;
    struct lw_cats *c = lw_cats_new(0);
    int64_t t = lw_mono_us();
    for (size_t i = 0; i < n; i++) {
        const char *text = f.bytes + 16 * i;
        lw_cats_add_text(c, text, (size_t)text[15], 1);
    }
    printf("%.0f %zu\n", rate_since(n, t), lw_cats_size(c));
    lw_cats_free(c);
}

static const double ranks[] = {.5, .9, .99, .999, .9999};

static void bench_tail(struct file f) {
    size_t n = f.len / 8;
    struct lw_tail *tail = lw_tail_new();
    int64_t t = lw_mono_us();
    for (size_t i = 0; i < n; i++)
        lw_tail_add(tail, f.numbers[i]);
    printf("%.0f", rate_since(n, t));
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        printf(" %.17g", lw_tail_quantile(tail, ranks[i]));
    printf("\n");
    lw_tail_free(tail);
}

static const struct lw_column columns[] = {
    {.name = "x", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY},
    {.name = "zone", .kind = LW_CATEGORY},
};

static void bench_quantiles(struct file f) {
    struct lw_profile *p = lw_profile_new(columns, 1, 1);
    for (size_t i = 0; i < f.len / 8; i++)
        lw_profile_add_numeric(p, 0, f.numbers[i]);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        printf("%.17g ", lw_numeric_quantile(&p->members[0].num, ranks[i]));
    printf("\n");
    lw_profile_free(p);
}

static void profile_fill(struct lw_profile *p, struct lw_rng *rng, int rows) {
    for (int i = 0; i < rows; i++) {
        struct lw_cell cells[] = {lw_cell_num(12 * exp(lw_rng_normal(rng))),
                                  lw_cell_int((int64_t)lw_rng_below(rng, 265))};
        lw_profile_add(p, cells);
    }
}

static void bench_pane(void) {
    enum { ROUNDS = 200000 };
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    struct lw_profile *window = lw_profile_new(columns, 2, 1);
    struct lw_profile *pane = lw_profile_new(columns, 2, 2);
    profile_fill(window, &rng, 100000);
    profile_fill(pane, &rng, 12);
    struct lw_kll *big = window->members[0].num.kll, *small = pane->members[0].num.kll;
    int64_t t = lw_mono_us();
    for (int i = 0; i < ROUNDS; i++)
        lw_kll_merge(big, small);
    printf("%.1f", 1e9 / rate_since(ROUNDS, t));
    lw_profile_reset(window, 1);
    profile_fill(window, &rng, 100000);
    t = lw_mono_us();
    for (int i = 0; i < ROUNDS; i++)
        lw_profile_merge(window, pane);
    printf(" %.1f\n", 1e9 / rate_since(ROUNDS, t));
    lw_profile_free(window);
    lw_profile_free(pane);
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    struct file f = {{0}, 0};
    if (argc > 2)
        f = file_load(argv[2]);
    if (strcmp(verb, "kll") == 0 && argc == 3)
        bench_kll(f);
    else if (strcmp(verb, "merge") == 0 && argc == 4)
        bench_merge(f, (size_t)atol(argv[3]));
    else if (strcmp(verb, "rank") == 0 && argc == 4)
        bench_rank(f, (uint64_t)atol(argv[3]));
    else if (strcmp(verb, "ints") == 0 && argc == 3)
        bench_ints(f);
    else if (strcmp(verb, "texts") == 0 && argc == 3)
        bench_texts(f);
    else if (strcmp(verb, "tail") == 0 && argc == 3)
        bench_tail(f);
    else if (strcmp(verb, "quantiles") == 0 && argc == 3)
        bench_quantiles(f);
    else if (strcmp(verb, "pane") == 0 && argc == 2)
        bench_pane();
    else {
        fprintf(stderr, "bench_sketch: unknown verb; see bench_sketch.c\n");
        return 2;
    }
    return 0;
}
