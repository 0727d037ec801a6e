/* The hash table compared with a linear search in a list. */
#include "test.h"

#include "base/rng.h"
#include "base/table.h"

enum { KEYS = 2000 };

struct model {
    size_t n;
    uint64_t key[KEYS];
    uint32_t value[KEYS];
};

static size_t model_find(const struct model *m, uint64_t key) {
    size_t i = 0;
    while (i < m->n && m->key[i] != key)
        i++;
    return i;
}

static void check_all(const struct lw_table *t, const struct model *m) {
    assert_int_equal(t->n, m->n);
    for (size_t i = 0; i < m->n; i++)
        assert_int_equal(lw_table_get(t, m->key[i]), m->value[i]);
}

/* Typical keys (small integers, 0, all ones, hashes), inserted and looked up at
 * random. */
static void the_table_agrees_with_a_list(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct lw_rng rng;
        struct lw_table t = {0};
        static struct model m;
        m.n = 0;
        lw_rng_seed(&rng, seed);
        for (int step = 0; step < 4000; step++) {
            uint64_t key = lw_rng_below(&rng, 600);
            key = key % 3 == 0 ? lw_mix64(key) : key % 3 == 1 ? UINT64_MAX - key : key;
            size_t at = model_find(&m, key);
            uint64_t what = lw_rng_below(&rng, 3);
            int fresh = -1;
            if (what == 0) {
                assert_int_equal(lw_table_get(&t, key),
                                 at < m.n ? m.value[at] : LW_TABLE_NONE);
                continue;
            }
            uint32_t value = what == 1 ? (uint32_t)step : (uint32_t)m.n;
            if (what == 1)
                lw_table_put(&t, key, value);
            else
                assert_int_equal(lw_table_index(&t, key, &fresh),
                                 at < m.n ? m.value[at] : value);
            if (what == 2)
                assert_int_equal(fresh, at == m.n);
            if (at == m.n)
                m.key[m.n++] = key;
            else if (what == 2)
                continue;
            m.value[at] = value;
        }
        check_all(&t, &m);
        lw_table_fini(&t);
    }
}

static void new_keys_are_numbered_in_order(void **state) {
    (void)state;
    struct lw_table t = {0};
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(lw_table_index(&t, i * UINT64_C(1000003), NULL), i);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(lw_table_index(&t, i * UINT64_C(1000003), NULL), i);
    assert_int_equal(t.n, 10000);
    assert_true(t.cap >= 2 * t.n);
    lw_table_fini(&t);
}

static void an_empty_table_finds_nothing(void **state) {
    (void)state;
    struct lw_table t = {0};
    assert_int_equal(lw_table_get(&t, 0), LW_TABLE_NONE);
    lw_table_put(&t, 0, 9);
    assert_int_equal(lw_table_get(&t, 0), 9);
    assert_int_equal(lw_table_get(&t, 1), LW_TABLE_NONE);
    lw_table_fini(&t);
    assert_int_equal(lw_table_get(&t, 0), LW_TABLE_NONE);
    lw_table_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_agrees_with_a_list),
        cmocka_unit_test(new_keys_are_numbered_in_order),
        cmocka_unit_test(an_empty_table_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
