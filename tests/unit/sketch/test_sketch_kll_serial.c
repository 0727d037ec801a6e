/* KLL's serial form against files made by Apache DataSketches, and against hostile bytes.
 */
#include "sketch_test.h"

#include <math.h>

#include "base/rng.h"
#include "leeway/kll.h"

static double value(int i) { /* as in make_golden.py */
    return (double)((i * 7919LL) % 100003) / 8.0 - 1000;
}

static struct lw_kll *read_golden(const char *name, size_t *len) {
    uint8_t *bytes = lw_golden(name, ".bin", len);
    struct lw_err err = {0};
    struct lw_kll *s = lw_kll_read(bytes, *len, 0, &err);
    if (!s)
        fail_msg("%s: %s", name, err.msg);
    free(bytes);
    return s;
}

/* A field of a golden line. */
static double next_number(char **at) {
    char *end;
    double v = strtod(*at, &end);
    assert_true(end != *at);
    *at = end;
    return v;
}

static void check_queries(const struct lw_kll *s, char *at) {
    static const double ranks[] = {0, .001, .01, .1, .25, .5, .75, .9, .99, .999, 1};
    assert_true(lw_kll_min(s) == next_number(&at));
    assert_true(lw_kll_max(s) == next_number(&at));
    assert_true(fabs(lw_kll_rank_error(s, 0) - next_number(&at)) < 1e-11);
    struct lw_kll_view *view = lw_kll_view_new(s);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        double theirs = next_number(&at), ours = lw_kll_view_quantile(view, ranks[i]);
        if (ranks[i] == 0) /* in theirs, the most extreme retained items */
            assert_true(ours == lw_kll_min(s) && ours <= theirs);
        else if (ranks[i] == 1)
            assert_true(ours == lw_kll_max(s) && ours >= theirs);
        else
            assert_true(ours == theirs);
    }
    for (double v = 0; v < 12000; v += v == 0 ? 5000 : 6000)
        assert_true(fabs(lw_kll_view_rank(view, v) - next_number(&at)) < 1e-12);
    lw_kll_view_free(view);
}

static void reads_what_the_library_wrote(void **state) {
    (void)state;
    size_t len;
    char *text = (char *)lw_golden("kll", ".txt", &len), *save = NULL;
    int files = 0;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), files++) {
        char name[64];
        int at = 0;
        assert_int_equal(sscanf(line, "%63s %n", name, &at), 1);
        struct lw_kll *s = read_golden(name, &len);
        char *numbers = line + at;
        assert_int_equal(lw_kll_k(s), (int)next_number(&numbers));
        assert_int_equal(lw_kll_n(s), (int)next_number(&numbers));
        assert_int_equal(lw_kll_retained(s), (int)next_number(&numbers));
        assert_int_equal(lw_kll_serial_size(s), len);
        if (lw_kll_n(s) > 0)
            check_queries(s, numbers);
        lw_kll_free(s);
    }
    assert_int_equal(files, 9);
    free(text);
}

/* Before the first compaction no coin is involved, and our bytes are the library's. After
 * it, the bytes read are the bytes written again (except the hint that level 0 is
 * sorted). */
static void writes_what_the_library_writes(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 2, 5, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[64];
        size_t len;
        snprintf(name, sizeof name, "kll_%d", sizes[i]);
        uint8_t *golden = lw_golden(name, ".bin", &len);
        struct lw_kll *s = lw_kll_new(200, 1);
        for (int j = 0; j < sizes[i]; j++)
            lw_kll_update(s, value(j));
        uint8_t *ours = lw_malloc(lw_kll_serial_size(s));
        assert_int_equal(lw_kll_write(s, ours), len);
        assert_memory_equal(ours, golden, len);
        free(golden);
        free(ours);
        lw_kll_free(s);
    }
    const char *large[] = {"kll_201", "kll_100000", "kll_merged", "kll_mixed_k"};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        size_t len;
        uint8_t *golden = lw_golden(large[i], ".bin", &len);
        struct lw_kll *s = read_golden(large[i], &len);
        uint8_t *ours = lw_malloc(lw_kll_serial_size(s));
        assert_int_equal(lw_kll_write(s, ours), len);
        golden[3] &= (uint8_t)~2;
        assert_memory_equal(ours, golden, len);
        free(golden);
        free(ours);
        lw_kll_free(s);
    }
}

/* A sketch from another library can be continued here: updates and merges keep its
 * weights. */
static void foreign_sketches_can_be_continued(void **state) {
    (void)state;
    size_t len;
    struct lw_kll *s = read_golden("kll_100000", &len),
                  *m = read_golden("kll_merged", &len);
    for (int i = 0; i < 30000; i++)
        lw_kll_update(s, value(100000 + i));
    lw_kll_merge(s, m);
    assert_int_equal(lw_kll_n(s), 100000 + 30000 + 20150);
    struct lw_kll_view *view = lw_kll_view_new(s);
    const double *values;
    const uint64_t *cumulative;
    size_t points = lw_kll_view_points(view, &values, &cumulative);
    assert_int_equal(cumulative[points - 1], lw_kll_n(s));
    assert_true(fabs(lw_kll_view_quantile(view, .5) - 5250) < 250);
    lw_kll_view_free(view);
    lw_kll_free(s);
    lw_kll_free(m);
}

static int read_and_use(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_kll *s = lw_kll_read(data, len, 3, err);
    if (!s)
        return 0;
    struct lw_kll *more = lw_kll_new(lw_kll_k(s), 1);
    for (int i = 0; i < 300; i++)
        lw_kll_update(more, i);
    uint64_t n = lw_kll_n(s);
    lw_kll_merge(more, s);
    lw_kll_update_many(s, (const double[]){1, 2, 3}, 3);
    lw_kll_merge(s, more);
    assert_true(lw_kll_n(s) == 2 * n + 303);
    lw_kll_view_free(lw_kll_view_new(s));
    uint8_t *out = lw_malloc(lw_kll_serial_size(s));
    lw_kll_write(s, out);
    free(out);
    lw_kll_free(more);
    lw_kll_free(s);
    return 1;
}

/* k = 8 gives every kind of level in few bytes, so that all bits can be flipped. */
static void hostile_bytes_are_refused(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 2, 8, 9, 700, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_kll *s = lw_kll_new(8, 1);
        for (int j = 0; j < sizes[i]; j++)
            lw_kll_update(s, value(j));
        size_t len = lw_kll_serial_size(s);
        uint8_t *bytes = lw_malloc(len);
        lw_kll_write(s, bytes);
        double refused = lw_hostile(read_and_use, bytes, len);
        print_message("n = %d: %zu bytes, %.0f %% of bit flips refused\n", sizes[i], len,
                      100 * refused);
        free(bytes);
        lw_kll_free(s);
    }
}

/* Specific kinds of damage to the library's own file, one by one. */
static void specific_damage_is_refused(void **state) {
    (void)state;
    const struct {
        size_t at;
        uint8_t to;
        const char *says;
    } damage[] = {
        {0, 2, "preamble"},   {1, 2, "preamble"},   {2, 14, "family"},
        {3, 1, "preamble"},   {3, 4, "preamble"},   {3, 8, "preamble"},
        {4, 7, "k ="},        {6, 9, "m ="},        {8, 0, "weights"},
        {16, 7, "smallest"},  {18, 0, "levels"},    {18, 62, "levels"},
        {20, 255, "levels"},  {31, 0xff, "within"}, {40, 1, "within"},
        {47, 0xff, "within"},
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        size_t len;
        uint8_t *bytes = lw_golden("kll_5", ".bin", &len);
        bytes[damage[i].at] = damage[i].to;
        if (damage[i].at == 4)
            bytes[5] = 0;
        struct lw_err err = {0};
        assert_null(lw_kll_read(bytes, len, 0, &err));
        assert_int_equal(err.code, LW_EINPUT);
        if (!strstr(err.msg, damage[i].says))
            fail_msg("byte %zu: \"%s\" does not name \"%s\"", damage[i].at, err.msg,
                     damage[i].says);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_library_wrote),
        cmocka_unit_test(writes_what_the_library_writes),
        cmocka_unit_test(foreign_sketches_can_be_continued),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(specific_damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
