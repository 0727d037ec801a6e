/* What a field is: number, category, identifier, or nothing to learn from. */
#include "support.h"

/* id, word, free text, flag, code in digits, count, constant, null, number */
static void event_of_kinds(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    static const char *const words[] = {"red", "green", "blue"};
    static char id[32], free_text[40];
    size_t w = lw_rng_below(rng, 3);
    uint64_t shop = lw_rng_below(rng, 60);
    snprintf(id, sizeof id, "order-%zu", i);
    snprintf(free_text, sizeof free_text, "note %llu",
             (unsigned long long)lw_rng_below(rng, 900));
    /* a shop has its own level, which has nothing to do with its number */
    double level = (double)(lw_mix64(shop) % 100);
    c[0] = lw_cell_text(id, strlen(id));
    c[1] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    c[2] = lw_cell_text(words[w], strlen(words[w]));
    c[3] = lw_cell_text(free_text, strlen(free_text));
    c[4] = lw_cell_int((int64_t)lw_rng_below(rng, 2));
    c[5] = lw_cell_int((int64_t)(shop * 1000));
    c[6] = lw_cell_int((int64_t)lw_rng_below(rng, 5));
    c[7] = lw_cell_int((int64_t)(5000 + shop));
    c[8] = lw_cell_num(42);
    c[10] =
        lw_rng_below(rng, 10) ? lw_cell_num(10 * lw_rng_unit(rng)) : lw_cell_missing();
    c[11] = lw_cell_num(level + 30 * lw_rng_normal(rng));
    c[12] = lw_cell_int((int64_t)lw_rng_below(rng, 1000));
}
#define KINDS                                                                            \
    "order_id:string at:time colour:string note:string gift:boolean place:int "          \
    "items_count:int shopCode:int same:double nothing:double? weight:double? "           \
    "target:double kilos:int"

static void kinds_follow_type_values_and_names(void **state) {
    (void)state;
    struct made m = made_of(KINDS, 5000, event_of_kinds, NULL);
    assert_role(&m, "order_id", LW_DRAFT_ID);
    assert_string_equal(m.sample->column[m.draft->id].name, "order_id");
    assert_role(&m, "colour", LW_DRAFT_CATEGORY);
    assert_role(&m, "note", LW_DRAFT_OUT);
    assert_says(&m, "note", "too many values: about 9");
    assert_role(&m, "gift", LW_DRAFT_CATEGORY);
    assert_role(&m, "place", LW_DRAFT_CATEGORY);
    assert_says(&m, "place", "of the target one by one");
    assert_role(&m, "items_count", LW_DRAFT_NUMBER);
    assert_role(&m, "shopCode", LW_DRAFT_CATEGORY);
    assert_says(&m, "shopCode", "named like a code");
    assert_role(&m, "same", LW_DRAFT_OUT);
    assert_says(&m, "same", "always the same value");
    assert_role(&m, "nothing", LW_DRAFT_OUT);
    assert_says(&m, "nothing", "always null");
    assert_role(&m, "weight", LW_DRAFT_NUMBER);
    assert_role(&m, "kilos", LW_DRAFT_NUMBER);
    assert_true(fabs(field_named(&m, "weight")->missing - 0.1) < 0.02);
    assert_true(m.draft->from == m.draft->to);
    assert_string_equal(m.sample->column[m.draft->to].name, "target");
    made_free(&m);
}

static void an_id_with_a_twin_is_none(void **state) {
    (void)state;
    struct made m = made_of(KINDS, 5000, event_of_kinds, NULL);
    struct lw_cell cells[13];
    struct lw_rng rng;
    lw_rng_seed(&rng, 9);
    for (size_t j = 0; j < 13; j++)
        cells[j] = lw_cell_missing();
    event_of_kinds(17, cells, &rng); /* order-17 again */
    lw_draft_sample_add(m.sample, cells);
    lw_draft_free(m.draft);
    m.draft =
        lw_draft_new(m.sample, &(struct lw_draft_wishes){.lo = NAN, .hi = NAN}, &m.err);
    assert_non_null(m.draft);
    assert_int_equal(m.draft->id, -1);
    assert_role(&m, "order_id", LW_DRAFT_OUT);
    made_free(&m);
}

/* ---- ranges ---- */

static double range_normal(struct lw_rng *rng) {
    return lw_rng_normal(rng);
}
static double range_lognormal(struct lw_rng *rng) {
    return exp(lw_rng_normal(rng));
}
static double range_uniform(struct lw_rng *rng) {
    return 1000 + lw_rng_unit(rng);
}
static double range_exponential(struct lw_rng *rng) {
    return -3 * log(1 - lw_rng_unit(rng));
}
static double range_rare(struct lw_rng *rng) {
    return lw_rng_below(rng, 50) ? 0 : 1 + 20 * lw_rng_unit(rng);
}

static double (*draw)(struct lw_rng *rng);
static double absurd_share;

static void event_of_range(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    double v = draw(rng);
    if (lw_rng_unit(rng) < absurd_share)
        v = 1e6 * (lw_rng_below(rng, 2) ? 1 : -1);
    c[0] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    c[1] = lw_cell_num(v);
    c[2] = lw_cell_num(lw_rng_normal(rng));
}

/* Whatever the distribution, 99.9 % of its values stay in the range, and values of
 * another order of magnitude do not, up to 1 % of them. */
static void a_range_keeps_all_but_absurd_values(void **state) {
    (void)state;
    double (*const drawn[])(struct lw_rng *) = {
        range_normal, range_lognormal, range_uniform, range_exponential, range_rare};
    static const double shares[] = {0, 0.002, 0.01};
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        for (size_t j = 0; j < sizeof shares / sizeof *shares; j++) {
            draw = drawn[i];
            absurd_share = shares[j];
            struct made m =
                made_of("at:time x:double target:double", 20000, event_of_range, NULL);
            const struct lw_draft_range *r = &field_named(&m, "x")->range;
            double lost = r->outside - absurd_share;
            if (draw == range_rare && absurd_share > 0) {
                made_free(&m);
                continue; /* nothing tells the rare values from absurd ones */
            }
            if (lost > 0.001 + 0.0015)
                fail_msg("distribution %zu, %g absurd: %g outside [%g, %g]", i,
                         absurd_share, r->outside, r->lo, r->hi);
            if (absurd_share > 0)
                assert_true(r->hi < 1e6 && r->lo > -1e6);
            if (draw == range_lognormal || draw == range_exponential)
                assert_true(absurd_share > 0 || r->lo == 0);
            made_free(&m);
        }
}

static void plain_ends(void **state) {
    (void)state;
    draw = range_uniform;
    absurd_share = 0;
    struct made m = made_of("at:time x:double target:double", 5000, event_of_range, NULL);
    const struct lw_draft_range *r = &field_named(&m, "x")->range;
    assert_true(r->lo == 1000 && r->hi == 1001);
    made_free(&m);
}

/* ---- many fields ---- */

static void event_of_many(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    double sum = 0;
    for (size_t j = 1; j < 299; j++) {
        double v = lw_rng_normal(rng);
        c[j] = lw_cell_num(v);
        sum += j == 150 ? 10 * v : j == 151 ? 5 * v : 0;
    }
    c[0] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    c[299] = lw_cell_num(sum + lw_rng_normal(rng));
}

static void of_300_fields_the_telling_ones_stay(void **state) {
    (void)state;
    char fields[8192] = "at:time";
    size_t used = strlen(fields), numbers = 0;
    for (int j = 1; j < 299; j++)
        used += (size_t)snprintf(fields + used, sizeof fields - used, " f%d:double", j);
    snprintf(fields + used, sizeof fields - used, " target:double");
    struct made m = made_of(fields, 3000, event_of_many, NULL);
    assert_role(&m, "f150", LW_DRAFT_NUMBER);
    assert_role(&m, "f151", LW_DRAFT_NUMBER);
    for (size_t i = 0; i < m.sample->n; i++)
        numbers += m.draft->field[i].role == LW_DRAFT_NUMBER;
    assert_int_equal(numbers, 16);
    assert_true(m.sample->rows * m.sample->n <= LW_DRAFT_CELLS);
    made_free(&m);
}

static void memory_is_bounded(void **state) {
    (void)state;
    draw = range_normal;
    absurd_share = 0;
    struct made m = made_of("at:time x:double target:double", 3 * LW_DRAFT_ROWS,
                            event_of_range, NULL);
    assert_int_equal(m.sample->rows, LW_DRAFT_ROWS);
    /* a uniform sample: the kept times are spread over all events */
    double early = 0;
    for (size_t i = 0; i < m.sample->rows; i++)
        early += lw_draft_sample_row(m.sample, i)[0].num <
                 (double)(T0 + LW_DRAFT_ROWS * LW_MINUTE);
    assert_true(fabs(early / LW_DRAFT_ROWS - 1.0 / 3) < 0.015);
    made_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_follow_type_values_and_names),
        cmocka_unit_test(an_id_with_a_twin_is_none),
        cmocka_unit_test(a_range_keeps_all_but_absurd_values),
        cmocka_unit_test(plain_ends),
        cmocka_unit_test(of_300_fields_the_telling_ones_stay),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
