/* Helper of kll_datasketches.py: creates, reads and rewrites sketch files with this
 * library, for comparison with the Python package.
 *
 *   kll_tool make FILE K SEED FIRST COUNT        values FIRST .. FIRST + COUNT
 *   kll_tool merge FILE OUT SEED WITH...         FILE with the others merged in
 *   kll_tool read FILE                           k n retained min max and 101 quantiles
 *   kll_tool hll FILE COUNT                      a distinct count of 0 .. COUNT - 1
 *   kll_tool hll-read FILE                       its estimate
 *
 * Exit code 1 with the reason on standard error if the bytes are refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "leeway/distinct.h"
#include "leeway/kll.h"

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "kll_tool: %s\n", what);
    exit(1);
}

static double value_at(uint64_t i) { /* as in kll_datasketches.py */
    return (double)(i * 7919 % 100003) / 8 - 1000;
}

static uint8_t *file_load(const char *path, size_t *len) {
    struct lw_err err = {0};
    char *data = lw_read_file(path, 1 << 24, len, &err);
    if (!data)
        give_up(err.msg);
    return (uint8_t *)data;
}

static void file_save(const char *path, const uint8_t *data, size_t len) {
    struct lw_err err = {0};
    if (lw_write_file(path, data, len, &err))
        give_up(err.msg);
}

static struct lw_kll *load_kll(const char *path, uint64_t seed) {
    size_t len;
    uint8_t *data = file_load(path, &len);
    struct lw_err err = {0};
    struct lw_kll *s = lw_kll_read(data, len, seed, &err);
    free(data);
    if (!s)
        give_up(err.msg);
    return s;
}

static void save_kll(const char *path, struct lw_kll *s) {
    size_t len = lw_kll_serial_size(s);
    uint8_t *data = lw_malloc(len);
    lw_kll_write(s, data);
    file_save(path, data, len);
    free(data);
    lw_kll_free(s);
}

static uint64_t number_parse(const char *text) {
    return strtoull(text, NULL, 10);
}

static void kll_make(char **args) {
    struct lw_kll *s = lw_kll_new((uint16_t)number_parse(args[1]), number_parse(args[2]));
    uint64_t first = number_parse(args[3]), count = number_parse(args[4]);
    for (uint64_t i = first; i < first + count; i++)
        lw_kll_update(s, value_at(i));
    save_kll(args[0], s);
}

static void kll_merge(char **args, int n) {
    struct lw_kll *s = load_kll(args[0], number_parse(args[2]));
    for (int i = 3; i < n; i++) {
        struct lw_kll *other = load_kll(args[i], 0);
        lw_kll_merge(s, other);
        lw_kll_free(other);
    }
    save_kll(args[1], s);
}

static void print_kll(const char *path) {
    struct lw_kll *s = load_kll(path, 0);
    printf("%u %" PRIu64 " %zu", lw_kll_k(s), lw_kll_n(s), lw_kll_retained(s));
    if (lw_kll_n(s) > 0) {
        struct lw_kll_view *view = lw_kll_view_new(s);
        printf(" %.17g %.17g", lw_kll_min(s), lw_kll_max(s));
        for (int i = 0; i <= 100; i++)
            printf(" %.17g", lw_kll_view_quantile(view, i / 100.0));
        lw_kll_view_free(view);
    }
    printf("\n");
    lw_kll_free(s);
}

static void make_hll(char **args) {
    struct lw_hll *h = lw_hll_new();
    for (uint64_t i = 0; i < number_parse(args[1]); i++)
        lw_hll_add_int(h, (int64_t)i);
    uint8_t *data = lw_malloc(lw_hll_serial_size(h));
    file_save(args[0], data, lw_hll_write(h, data));
    free(data);
    lw_hll_free(h);
}

static void print_hll(const char *path) {
    size_t len;
    uint8_t *data = file_load(path, &len);
    struct lw_err err = {0};
    struct lw_hll *h = lw_hll_read(data, len, &err);
    if (!h)
        give_up(err.msg);
    printf("%.17g\n", lw_hll_estimate(h));
    lw_hll_free(h);
    free(data);
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "make") == 0 && argc == 7)
        kll_make(argv + 2);
    else if (strcmp(verb, "merge") == 0 && argc >= 5)
        kll_merge(argv + 2, argc - 2);
    else if (strcmp(verb, "read") == 0 && argc == 3)
        print_kll(argv[2]);
    else if (strcmp(verb, "hll") == 0 && argc == 4)
        make_hll(argv + 2);
    else if (strcmp(verb, "hll-read") == 0 && argc == 3)
        print_hll(argv[2]);
    else
        give_up("see the head of kll_tool.c for its verbs");
    return 0;
}
