/* Category counts against a naive table: exact up to the cap, within the error past it,
 * the same bytes for any order of operations, and hostile bytes refused. */
#include "sketch_test.h"

#include "base/rng.h"
#include "leeway/categories.h"

enum { KEYS = 5000 };

/* A heavy-tailed draw from 0 .. KEYS - 1. */
static int64_t draw(struct lw_rng *rng) {
    double u = lw_rng_unit(rng);
    return (int64_t)(KEYS * u * u * u * u);
}

/* Keys of all kinds: small integers, large and negative ones. */
static int64_t key_of(int64_t i) {
    return i % 3 == 0 ? i / 3 : i % 3 == 1 ? i * 1000003 : -i;
}

static uint8_t *bytes_of(struct lw_cats *c, size_t *len) {
    *len = lw_cats_serial_size(c);
    uint8_t *bytes = lw_malloc(*len);
    assert_int_equal(lw_cats_write(c, bytes), *len);
    return bytes;
}

static void assert_same(struct lw_cats *a, struct lw_cats *b) {
    size_t x, y;
    uint8_t *p = bytes_of(a, &x), *q = bytes_of(b, &y);
    assert_int_equal(x, y);
    assert_memory_equal(p, q, x);
    free(p);
    free(q);
}

static struct lw_cats *reload(struct lw_cats *c) {
    size_t len;
    uint8_t *bytes = bytes_of(c, &len);
    struct lw_err err = {0};
    struct lw_cats *back = lw_cats_read(bytes, len, &err);
    if (!back)
        fail_msg("%s", err.msg);
    free(bytes);
    return back;
}

static void few_categories_are_counted_exactly(void **state) {
    (void)state;
    struct lw_cats *c = lw_cats_new(0);
    assert_int_equal(lw_cats_cap(c), LW_CATS_CAP_DEFAULT);
    assert_int_equal(lw_cats_count(c, 7), 0);
    lw_cats_seal(c);
    struct lw_cell cells[] = {lw_cell_int(7),       lw_cell_missing(),
                              lw_cell_text("N", 1), lw_cell_text("", 0),
                              lw_cell_int(-1),      lw_cell_int(7)};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        lw_cats_add(c, &cells[i]);
    lw_cats_add_text(c, "N", 1, 3);
    lw_cats_add_int(c, 8, 0); /* no effect */
    assert_int_equal(lw_cats_n(c), 8);
    assert_int_equal(lw_cats_missing(c), 1);
    assert_int_equal(lw_cats_size(c), 4);
    assert_int_equal(lw_cats_error(c), 0);
    assert_int_equal(lw_cats_count(c, 7), 2);
    assert_int_equal(lw_cats_count(c, (uint64_t)-1), 1);
    assert_int_equal(lw_cats_count(c, lw_text_key("N", 1)), 4);
    assert_int_equal(lw_cats_count(c, lw_text_key("Y", 1)), 0);
    lw_cats_seal(c);
    uint64_t before = 0;
    int texts = 0;
    for (size_t i = 0; i < lw_cats_size(c); i++) {
        struct lw_cat cat = lw_cats_at(c, i);
        assert_true(i == 0 || cat.key > before);
        before = cat.key;
        assert_int_equal(lw_cats_index(c, cat.key), i);
        if (cat.text) {
            texts++;
            assert_int_equal(lw_text_key(cat.text, cat.len), cat.key);
        }
    }
    assert_int_equal(texts, 2);
    assert_true(lw_cats_index(c, lw_text_key("Y", 1)) == SIZE_MAX);
    lw_cats_reset(c);
    assert_true(lw_cats_n(c) == 0 && lw_cats_size(c) == 0 && lw_cats_missing(c) == 0);
    lw_cats_free(c);
}

static void exact_below_the_cap(void **state) {
    (void)state;
    struct lw_cats *c = lw_cats_new(KEYS);
    struct lw_rng rng;
    lw_rng_seed(&rng, 4);
    uint64_t *naive = lw_calloc(KEYS, sizeof *naive);
    size_t distinct = 0;
    for (int i = 0; i < 200000; i++) {
        int64_t k = draw(&rng);
        distinct += naive[k]++ == 0;
        lw_cats_add_int(c, key_of(k), 1);
    }
    assert_int_equal(lw_cats_error(c), 0);
    assert_int_equal(lw_cats_size(c), distinct);
    for (int64_t k = 0; k < KEYS; k++)
        assert_int_equal(lw_cats_count(c, (uint64_t)key_of(k)), naive[k]);
    free(naive);
    lw_cats_free(c);
}

/* Past the cap: every count is in [true - error, true], the error is at most 4 n / cap,
 * and every category more frequent than the error is present. */
static void errors_past_the_cap_are_bounded(void **state) {
    (void)state;
    const uint32_t caps[] = {1, 2, 10, 33, 64, 500};
    for (size_t at = 0; at < sizeof caps / sizeof *caps; at++) {
        struct lw_cats *c = lw_cats_new(caps[at]);
        struct lw_rng rng;
        lw_rng_seed(&rng, at);
        uint64_t *naive = lw_calloc(KEYS, sizeof *naive), n = 50000;
        for (uint64_t i = 0; i < n; i++) {
            int64_t k = draw(&rng);
            naive[k]++;
            lw_cats_add_int(c, key_of(k), 1);
        }
        uint64_t error = lw_cats_error(c);
        assert_true(error > 0 && error <= 4 * n / caps[at]);
        assert_true(lw_cats_size(c) <= caps[at]);
        assert_int_equal(lw_cats_n(c), n);
        for (int64_t k = 0; k < KEYS; k++) {
            uint64_t count = lw_cats_count(c, (uint64_t)key_of(k));
            assert_true(count <= naive[k] && naive[k] <= count + error);
        }
        free(naive);
        lw_cats_free(c);
    }
}

static void merging_keeps_the_bounds(void **state) {
    (void)state;
    enum { PARTS = 20, CAP = 100 };
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct lw_cats *whole = lw_cats_new(CAP);
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        uint64_t *naive = lw_calloc(KEYS, sizeof *naive), n = 0;
        for (int part = 0; part < PARTS; part++) {
            struct lw_cats *c = lw_cats_new(CAP);
            for (uint64_t i = lw_rng_below(&rng, 4000); i-- > 0; n++) {
                int64_t k = draw(&rng);
                naive[k]++;
                lw_cats_add_int(c, key_of(k), 1);
            }
            lw_cats_add_missing(c, 3);
            lw_cats_merge(whole, c);
            lw_cats_free(c);
        }
        uint64_t error = lw_cats_error(whole);
        assert_int_equal(lw_cats_n(whole), n);
        assert_int_equal(lw_cats_missing(whole), 3 * PARTS);
        assert_true(error <= 4 * n / CAP && lw_cats_size(whole) <= CAP);
        for (int64_t k = 0; k < KEYS; k++) {
            uint64_t count = lw_cats_count(whole, (uint64_t)key_of(k));
            assert_true(count <= naive[k] && naive[k] <= count + error);
        }
        free(naive);
        lw_cats_free(whole);
    }
}

/* Exact counts merge commutatively and associatively, with identical bytes. */
static void exact_merges_do_not_depend_on_order(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct lw_cats *part[4], *forth = lw_cats_new(KEYS), *back = lw_cats_new(KEYS);
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        for (int p = 0; p < 4; p++) {
            part[p] = lw_cats_new(KEYS);
            for (uint64_t i = lw_rng_below(&rng, 300); i-- > 0;) {
                char text[16];
                int len = snprintf(text, sizeof text, "t%d", (int)(draw(&rng) % 200));
                lw_cats_add_int(part[p], key_of(draw(&rng)), 1);
                lw_cats_add_text(part[p], text, (size_t)len, 1);
            }
        }
        for (int p = 0; p < 4; p++) {
            lw_cats_merge(forth, part[p]);
            lw_cats_merge(back, part[3 - p]);
        }
        assert_same(forth, back);
        lw_cats_merge(part[2], part[3]);
        lw_cats_merge(part[1], part[2]);
        lw_cats_merge(part[0], part[1]);
        assert_same(forth, part[0]);
        for (int p = 0; p < 4; p++)
            lw_cats_free(part[p]);
        lw_cats_free(forth);
        lw_cats_free(back);
    }
}

/* Storing and loading, cloning, and resetting and refilling all give the same bytes, also
 * across cuts and merges. */
static void interruptions_do_not_change_the_bytes(void **state) {
    (void)state;
    const uint32_t caps[] = {5, 40, 300, 5000};
    for (size_t at = 0; at < 4; at++) {
        struct lw_cats *smooth = lw_cats_new(caps[at]), *broken = lw_cats_new(caps[at]);
        struct lw_cats *used = lw_cats_new(caps[at]);
        struct lw_rng rng;
        lw_rng_seed(&rng, at);
        for (int i = 0; i < 4000; i++)
            lw_cats_add_int(used, key_of(draw(&rng)), 1);
        lw_cats_reset(used);
        for (int i = 0; i < 20000; i++) {
            int64_t k = draw(&rng);
            char text[32];
            int len = snprintf(text, sizeof text, "%d", (int)k);
            struct lw_cell cell = i % 50 == 0  ? lw_cell_missing()
                                  : i % 2 == 0 ? lw_cell_int(key_of(k))
                                               : lw_cell_text(text, (size_t)len);
            struct lw_cats *each[] = {smooth, broken, used};
            for (int j = 0; j < 3; j++)
                lw_cats_add(each[j], &cell);
            if (i % 997 == 0) {
                struct lw_cats *loaded = reload(broken);
                lw_cats_free(broken);
                broken = loaded;
                loaded = reload(smooth);
                lw_cats_merge(smooth, broken);
                lw_cats_merge(broken, loaded);
                lw_cats_merge(used, loaded);
                lw_cats_free(loaded);
            }
            if (i % 1503 == 0) {
                struct lw_cats *copy = lw_cats_clone(broken);
                lw_cats_free(broken);
                broken = copy;
            }
        }
        assert_same(smooth, broken);
        assert_same(smooth, used);
        lw_cats_free(smooth);
        lw_cats_free(broken);
        lw_cats_free(used);
    }
}

static void long_texts_are_cut(void **state) {
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text);
    struct lw_cats *c = lw_cats_new(10);
    lw_cats_add_text(c, text, sizeof text, 1);
    lw_cats_add_text(c, text, LW_CATS_TEXT_MAX, 1);
    lw_cats_add_text(c, text, LW_CATS_TEXT_MAX - 1, 1);
    assert_int_equal(lw_cats_size(c), 3);
    struct lw_cats *back = reload(c);
    assert_same(c, back);
    lw_cats_seal(back);
    for (size_t i = 0; i < 3; i++)
        assert_true(lw_cats_at(back, i).len >= LW_CATS_TEXT_MAX - 1 &&
                    lw_cats_at(back, i).len <= LW_CATS_TEXT_MAX);
    lw_cats_free(c);
    lw_cats_free(back);

    /* Two texts that differ only beyond the cut stay different, also by name; no
     * character is split. */
    c = lw_cats_new(10);
    for (int i = 0; i < 300; i += 2)
        memcpy(text + i + 1, "\xc3\xa9", 2);
    lw_cats_add_text(c, text, 301, 1);
    text[300] = 'y';
    lw_cats_add_text(c, text, 301, 1);
    back = reload(c);
    assert_same(c, back);
    lw_cats_seal(back);
    struct lw_cat a = lw_cats_at(back, 0), b = lw_cats_at(back, 1);
    assert_true(a.len <= LW_CATS_TEXT_MAX && b.len == a.len);
    assert_memory_equal(a.text, b.text, a.len - 16);
    assert_memory_not_equal(a.text, b.text, a.len);
    assert_true((a.text[a.len - 21] & 0xc0) ==
                0x80); /* complete: the second byte of a character */
    lw_cats_free(c);
    lw_cats_free(back);
}

static int read_and_use(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_cats *c = lw_cats_read(data, len, err);
    if (!c)
        return 0;
    struct lw_cats *other = lw_cats_clone(c);
    for (int i = 0; i < 50; i++)
        lw_cats_add_int(c, i * 77, 1);
    lw_cats_add_text(c, "more", 4, 1);
    lw_cats_merge(c, other);
    lw_cats_seal(c);
    uint64_t sum = 0;
    for (size_t i = 0; i < lw_cats_size(c); i++)
        sum += lw_cats_at(c, i).count;
    assert_true(sum <= lw_cats_n(c) && lw_cats_size(c) <= lw_cats_cap(c));
    lw_cats_free(other);
    lw_cats_free(c);
    return 1;
}

static void hostile_bytes_are_refused(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 20, 60};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_cats *c = lw_cats_new(50); /* 60 categories are cut */
        for (int j = 0; j < sizes[i]; j++) {
            lw_cats_add_int(c, key_of(j), (uint64_t)j + 1);
            lw_cats_add_text(c, &"abcdefghijklmn"[j % 13], 2, 1);
        }
        size_t len;
        uint8_t *bytes = bytes_of(c, &len);
        lw_hostile(read_and_use, bytes, len);
        free(bytes);
        lw_cats_free(c);
    }
}

/* A random one in 2^depth of all categories, at most half of the cap, always has exact
 * counts; every order of merging samples the same set. */
static void sampled_categories_stay_exact(void **state) {
    (void)state;
    enum { PARTS = 7, LEVELS = 30000, ROWS = 20000 };
    struct lw_rng rng;
    lw_rng_seed(&rng, 99);
    uint64_t *naive = calloc(LEVELS, sizeof *naive);
    struct lw_cats *part[PARTS], *all = lw_cats_new(300), *back = lw_cats_new(300);
    for (int p = 0; p < PARTS; p++) {
        part[p] = lw_cats_new(300);
        for (int i = 0; i < ROWS; i++) {
            double u = lw_rng_unit(&rng);
            int key = (int)(LEVELS * u * u * u * (p + 1) /
                            PARTS); /* low keys are the heavy ones */
            naive[key]++;
            lw_cats_add_int(part[p], key, 1);
        }
        lw_cats_merge(all, part[p]);
    }
    for (int p = PARTS; p-- > 0;)
        lw_cats_merge(back, part[p]);
    unsigned depth = lw_cats_depth(all);
    size_t sampled = 0;
    assert_true(depth > 0 && lw_cats_size(all) <= 300);
    for (int key = 0; key < LEVELS; key++) {
        uint64_t count = lw_cats_count(all, (uint64_t)key);
        assert_true(count <= naive[key] &&
                    naive[key] <= lw_cats_upper(all, (uint64_t)key));
        if (!lw_cats_sampled((uint64_t)key, depth))
            continue;
        assert_int_equal(count, naive[key]);
        sampled += count > 0;
        if (lw_cats_sampled((uint64_t)key, lw_cats_depth(back)))
            assert_int_equal(lw_cats_count(back, (uint64_t)key), naive[key]);
    }
    assert_true(sampled <= 150 && sampled > 30);
    assert_true(lw_cats_dropped(all) > 0 && lw_cats_dropped(all) < lw_cats_n(all));
    for (int p = 0; p < PARTS; p++)
        lw_cats_free(part[p]);
    lw_cats_free(all);
    lw_cats_free(back);
    free(naive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_categories_are_counted_exactly),
        cmocka_unit_test(exact_below_the_cap),
        cmocka_unit_test(sampled_categories_stay_exact),
        cmocka_unit_test(errors_past_the_cap_are_bounded),
        cmocka_unit_test(merging_keeps_the_bounds),
        cmocka_unit_test(exact_merges_do_not_depend_on_order),
        cmocka_unit_test(interruptions_do_not_change_the_bytes),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(hostile_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
