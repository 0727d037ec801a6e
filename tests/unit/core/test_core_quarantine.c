/* Spans in quarantine compared with a list of hours, each of them marked or not. */
#include "support/core_fixture.h"

#include "core/quarantine.h"

#define HOURS 400
#define AT(h) (CORE_START + (h)*LW_HOUR)

static struct lw_span *begin(struct lw_quarantine *q, const char *feature, int64_t from,
                             int64_t until, const char *why) {
    struct lw_span s = {.from_ms = from, .until_ms = until, .broken_ms = from + 1};
    lw_copy(s.feature, sizeof s.feature, feature);
    lw_copy(s.why, sizeof s.why, why);
    return lw_quarantine_begin(q, &s);
}

static bool marked(const struct lw_quarantine *q, int hour) {
    for (size_t i = 0; i < q->n; i++) {
        const struct lw_span *s = &q->span[i];
        if (AT(hour) >= s->from_ms && (s->open || AT(hour) < s->until_ms))
            return true;
    }
    return false;
}

static void agrees_with_hours(const struct lw_quarantine *q, struct lw_rng *rng) {
    for (int h = 0; h < HOURS; h++) {
        assert_int_equal(lw_quarantine_touches(q, AT(h), AT(h) + 1), marked(q, h));
        int past = h, next = h + 1;
        while (past < HOURS && marked(q, past))
            past++;
        if (past < HOURS)
            assert_true(lw_quarantine_past(q, AT(h)) == AT(past));
        while (next < HOURS && !(marked(q, next) && !marked(q, next - 1)))
            next++;
        if (!marked(q, h) && next < HOURS)
            assert_true(lw_quarantine_next(q, AT(h)) == AT(next));
    }
    int a = (int)lw_rng_below(rng, HOURS), b = a + 1 + (int)lw_rng_below(rng, 30);
    bool any = false;
    for (int h = a; h < b; h++)
        any |= marked(q, h);
    assert_int_equal(lw_quarantine_touches(q, AT(a), AT(b)), any);
    /* Counts hours that are not marked backwards from a. */
    int want = 1 + (int)lw_rng_below(rng, 40), left = want, back = a;
    while (left > 0 && back > -HOURS)
        left -= !marked(q, --back);
    if (left == 0)
        assert_true(lw_quarantine_back(q, AT(a), want * LW_HOUR) == AT(back));
}

static void same_after_bytes(const struct lw_quarantine *q) {
    struct lw_buf one = {0}, two = {0};
    struct lw_quarantine back;
    lw_quarantine_write(q, &one);
    struct lw_reader r = lw_reader_of(one.data, one.len);
    lw_quarantine_read(&back, &r);
    assert_false(r.bad);
    assert_int_equal(lw_reader_left(&r), 0);
    lw_quarantine_write(&back, &two);
    core_assert_same(&one, &two);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

static void sorted_and_apart(const struct lw_quarantine *q) {
    for (size_t i = 0; i < q->n; i++)
        for (size_t j = i + 1; j < q->n; j++) {
            const struct lw_span *a = &q->span[i], *b = &q->span[j];
            assert_true(a->from_ms <= b->from_ms && a->id != b->id);
            if (strcmp(a->feature, b->feature) == 0)
                assert_true(!a->open && a->until_ms < b->from_ms);
        }
}

static void spans_agree_with_a_list_of_hours(void **state) {
    (void)state;
    const uint64_t seed = 20260;
    struct lw_rng rng;
    struct lw_quarantine q = {0};
    printf("seed %llu\n", (unsigned long long)seed);
    lw_rng_seed(&rng, seed);
    for (int step = 0; step < 3000; step++) {
        char name[8];
        snprintf(name, sizeof name, "f%d", (int)lw_rng_below(&rng, 4));
        int from = (int)lw_rng_below(&rng, HOURS - 40);
        struct lw_span *open = lw_quarantine_open_of(&q, name), was;
        if (lw_rng_below(&rng, 12) == 0) {
            bool had = false, any = false;
            for (size_t i = 0; i < q.n; i++)
                had |= strcmp(q.span[i].feature, name) == 0;
            while (lw_quarantine_release(&q, name, &was))
                any = true;
            assert_int_equal(any, had);
        } else if (open) {
            open->open = false;
            open->until_ms =
                open->from_ms + (int64_t)(1 + lw_rng_below(&rng, 20)) * LW_HOUR;
        } else {
            uint32_t newest = q.newest;
            struct lw_span *s = begin(&q, name, AT(from), AT(from + 1), "a rule");
            assert_true(s->open && s->from_ms <= AT(from));
            assert_true(s->id <= newest + 1 && q.newest >= s->id);
            assert_ptr_equal(lw_quarantine_open_of(&q, name), s);
            if (lw_rng_below(&rng, 8)) { /* an open span covers everything after it */
                s->open = false;
                s->until_ms =
                    s->from_ms + (int64_t)(1 + lw_rng_below(&rng, 20)) * LW_HOUR;
            }
        }
        agrees_with_hours(&q, &rng);
    }
    assert_true(q.newest > 100);
    same_after_bytes(&q);
}

/* Spans close in order of time, as the monitor closes them. Their number stays bounded,
 * and no hour is ever lost. */
static void too_many_spans_merge_without_losing_hours(void **state) {
    (void)state;
    static struct lw_quarantine q;
    q = (struct lw_quarantine){0};
    for (int i = 0; i < 3 * LW_SPANS_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%d", i % (LW_FEATURES_MAX + 1));
        struct lw_span *s = begin(&q, name, AT(3 * i), AT(3 * i + 1), "a");
        assert_true(q.n <= LW_SPANS_MAX);
        s->open = false;
        sorted_and_apart(&q);
    }
    for (int i = 0; i < 3 * LW_SPANS_MAX; i++)
        assert_true(lw_quarantine_touches(&q, AT(3 * i), AT(3 * i) + 1));
    same_after_bytes(&q);
    lw_quarantine_forget(&q, AT(9 * LW_SPANS_MAX) + 1);
    assert_int_equal(q.n, 0);
}

static void adjacent_spans_of_a_feature_merge(void **state) {
    (void)state;
    struct lw_quarantine q = {0};
    struct lw_span *s = begin(&q, "x", AT(10), AT(12), "a"), out;
    s->open = false;
    s = begin(&q, "y", AT(12), AT(14), "a"); /* another feature's */
    assert_int_equal(q.n, 2);
    s->open = false;
    s = begin(&q, "x", AT(12), AT(15), "b"); /* right behind it */
    assert_int_equal(q.n, 2);
    assert_int_equal(s->id, 1);
    assert_true(s->from_ms == AT(10) && s->until_ms == AT(15) && s->open);
    assert_true(lw_quarantine_touches(&q, AT(1000), AT(1000) + 1));
    s->open = false;
    assert_false(lw_quarantine_touches(&q, AT(15), AT(15) + 1));
    s = begin(&q, "x", AT(15) + 1, AT(16), "b"); /* a small gap */
    assert_int_equal(s->id, 3);
    s->open = false;
    lw_quarantine_forget(&q, AT(14));
    assert_int_equal(q.n, 2); /* y's span is gone */
    assert_false(lw_quarantine_release(&q, "y", &out));
    assert_true(lw_quarantine_release(&q, "3", &out)); /* by its number */
    assert_string_equal(out.feature, "x");
    assert_int_equal(out.id, 3);
    assert_int_equal(q.n, 1);
    assert_int_equal(q.span[0].id, 1);
}

static void a_span_is_described(void **state) {
    (void)state;
    char text[300];
    struct lw_span s = {.id = 3, .from_ms = CORE_START, .until_ms = CORE_START + LW_DAY};
    lw_copy(s.feature, sizeof s.feature, "km");
    lw_copy(s.why, sizeof s.why, "fault (unit)");
    assert_string_equal(lw_quarantine_span_text(text, sizeof text, &s),
                        "span 3: km from 2020-03-02T00:00:00Z until "
                        "2020-03-03T00:00:00Z, because of fault (unit)");
    s.open = true;
    assert_string_equal(
        lw_quarantine_span_text(text, sizeof text, &s),
        "span 3: km from 2020-03-02T00:00:00Z now on, because of fault (unit)");
}

static void hostile_bytes_are_refused_or_harmless(void **state) {
    (void)state;
    struct lw_quarantine q = {0}, back;
    struct lw_buf good = {0};
    size_t refused = 0;
    begin(&q, "x", AT(1), AT(2), "a")->open = false;
    begin(&q, "y", AT(5), AT(6), "b");
    lw_quarantine_write(&q, &good);
    for (size_t i = 0; i < good.len; i++) {
        struct lw_reader r = lw_reader_of(good.data, i);
        lw_quarantine_read(&back, &r);
        assert_true(r.bad);
        for (int bit = 0; bit < 8; bit++) {
            good.data[i] ^= (uint8_t)(1 << bit);
            r = lw_reader_of(good.data, good.len);
            lw_quarantine_read(&back, &r);
            refused += r.bad;
            lw_quarantine_back(&back, AT(3), LW_DAY);
            begin(&back, "x", AT(1), AT(2), "a");
            good.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_true(refused > 20);
    lw_buf_fini(&good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_agree_with_a_list_of_hours),
        cmocka_unit_test(too_many_spans_merge_without_losing_hours),
        cmocka_unit_test(adjacent_spans_of_a_feature_merge),
        cmocka_unit_test(a_span_is_described),
        cmocka_unit_test(hostile_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
