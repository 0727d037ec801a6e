/* A training on a small synthetic set: which candidate is chosen, the hold-out, the
 * reasons given. */
#include "support/core_fixture.h"

#include "core/train.h"

#define AS_OF (CORE_START + 5 * LW_DAY)
#define HOLD  (AS_OF - 12 * LW_HOUR)

struct fixture {
    struct lw_spec *spec;
    struct lw_dataset *ds;
    struct lw_training t;
};

/* y = 10 + 2 zone + x / 2 + level + noise until one day after AS_OF, plus `shift` in the
 * hold-out. */
static void make_rows(struct fixture *f, uint64_t seed, double level, double shift) {
    struct core_stream s;
    struct core_event e;
    lw_dataset_free(f->ds);
    f->ds = lw_dataset_new(f->spec->train);
    core_stream_init(&s, seed);
    s.level = level;
    while (s.now_ms < AS_OF + LW_DAY) {
        core_stream_next(&s, f->spec, &e);
        if (e.row.time_ms >= HOLD)
            e.row.target += shift;
        lw_dataset_add(f->ds, &e.row);
    }
    lw_dataset_sort(f->ds);
}

static void train(struct fixture *f, struct lw_model *champion) {
    struct lw_err err = {0};
    lw_training_fini(&f->t);
    f->t.as_of_ms = AS_OF;
    if (lw_train(f->spec, f->ds, champion, NULL, &f->t, &err))
        fail_msg("%s", err.msg);
}

static int setup(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->spec = core_spec_new();
    make_rows(f, 1, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    lw_training_fini(&f->t);
    lw_dataset_free(f->ds);
    core_spec_free(f->spec);
    free(f);
    return 0;
}

static double predict(const struct fixture *f, struct lw_model *m, int zone, double x) {
    struct core_event e;
    struct lw_err err = {0};
    core_event_set(f->spec, &e, AS_OF, zone, x, 1);
    if (lw_model_bind(m, &f->spec->event.fields, &err))
        fail_msg("%s", err.msg);
    return lw_model_predict(m, &e.row);
}

static void the_best_candidate_is_chosen(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    assert_int_equal(f->t.ntrials, 2);
    assert_int_equal(f->t.chosen, 1);
    assert_string_equal(f->t.trial[1].name, "both");
    assert_true(fabs(f->t.trial[1].error - 1) < .15); /* the noise */
    assert_true(f->t.trial[0].error > 2);             /* and the zones' spread */
    assert_true(f->t.gate.passed);                    /* no champion to beat */
    assert_true(fabs(predict(f, f->t.model, 3, 10) - 21) < .3);
    assert_int_equal(f->t.holdout_from_ms, HOLD);
    assert_int_equal(f->t.rows, lw_dataset_lower_bound(f->ds, AS_OF));
    assert_int_equal(f->t.holdout_rows, f->t.rows - lw_dataset_lower_bound(f->ds, HOLD));
    assert_int_equal(f->t.rows_from_ms, lw_dataset_time(f->ds, 0));
}

/* If a fit used targets of the hold-out, a shift of all of those would not appear in
 * full: each error would differ by less than the shift. */
static void no_fit_sees_the_hold_out(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    struct lw_losses before = f->t.reference->losses;
    assert_int_equal(before.n, f->t.holdout_rows);
    make_rows(f, 1, 0, 5);
    train(f, NULL);
    const struct lw_losses *after = &f->t.reference->losses;
    double n = (double)before.n;
    assert_int_equal(after->n, before.n);
    assert_true(fabs(after->errors.e.mean - (before.errors.e.mean - 5)) < 1e-7);
    assert_true(fabs(after->loss - (before.loss - n * (10 * before.errors.e.mean - 25))) <
                1e-6 * n);
}

/* The promoted model has used the hold-out. Rows at or after as_of are never used. */
static void the_refit_includes_the_hold_out(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    double before = predict(f, f->t.model, 2, 10);
    struct lw_fit_report report = {0};
    size_t end = lw_dataset_lower_bound(f->ds, AS_OF);
    struct lw_model *all =
        lw_fit(&(struct lw_fit_rows){.ds = f->ds, .end = end, .as_of_ms = AS_OF},
               &f->spec->candidate[1], &report, NULL);
    assert_true(lw_model_fingerprint(all) == lw_model_fingerprint(f->t.model));
    lw_model_free(all);
    make_rows(f, 1, 0, 5); /* also shifts the rows after AS_OF: 10 % of the others */
    train(f, NULL);
    double rise = predict(f, f->t.model, 2, 10) - before;
    assert_true(rise > .25 && rise < .85);
}

static void a_better_champion_stays(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    struct lw_model *champion = f->t.model; /* it has even used these rows */
    f->t.model = NULL;
    train(f, champion);
    assert_false(f->t.gate.passed);
    assert_true(f->t.gate.gain < .01);
    assert_int_equal(f->t.gate.n, f->t.holdout_rows);
    assert_true(fabs(f->t.gate.challenger_error - f->t.trial[1].error) < 1e-9);
    assert_non_null(f->t.model); /* rejected, but still available */
    lw_model_free(champion);
}

/* Who keeps no rejected model gets the same verdict without it. */
static void a_verdict_needs_no_model(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    uint64_t fingerprint = lw_model_fingerprint(f->t.model);
    struct lw_model *champion = f->t.model;
    f->t.model = NULL;
    train(f, champion);
    struct lw_gate gate = f->t.gate;
    f->t.verdict_only = true;
    train(f, champion);
    assert_null(f->t.model);
    assert_non_null(f->t.reference);
    assert_false(f->t.gate.passed);
    assert_string_equal(f->t.gate.reason, gate.reason);
    assert_true(f->t.gate.challenger_error == gate.challenger_error);
    train(f, NULL); /* passes: kept all the same */
    assert_true(lw_model_fingerprint(f->t.model) == fingerprint);
    lw_model_free(champion);
}

static void a_worse_champion_is_replaced(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    struct lw_model *champion = f->t.model;
    f->t.model = NULL;
    make_rows(f, 2, 3, 0); /* everything has taken 3 longer since then */
    train(f, champion);
    assert_true(f->t.gate.passed);
    assert_true(f->t.gate.champion_error > 2.8 && f->t.gate.challenger_error < 1.2);
    assert_true(f->t.gate.z > 5);
    lw_model_free(champion);
}

/* A barred candidate is replaced by a worse one; if there is no other, it does not
 * pass. */
static void a_barred_candidate_is_replaced(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    assert_true(f->spec->ncandidates >= 2);
    char best[LW_NAME_MAX];
    size_t chosen = f->t.chosen;
    lw_copy(best, sizeof best, f->t.trial[chosen].name);
    lw_copy(f->t.barred, sizeof f->t.barred, best);
    train(f, NULL);
    assert_true(f->t.chosen != chosen);
    assert_true(f->t.trial[f->t.chosen].error >= f->t.trial[chosen].error);
    assert_true(f->t.gate.passed);
    assert_string_equal(lw_model_name(f->t.model), f->t.trial[f->t.chosen].name);
    struct lw_fit_spec first = f->spec->candidate[0];
    size_t n = f->spec->ncandidates;
    f->spec->candidate[0] = f->spec->candidate[chosen];
    f->spec->ncandidates = 1;
    train(f, NULL);
    assert_false(f->t.gate.passed);
    assert_non_null(strstr(f->t.gate.reason, "barred"));
    f->spec->candidate[0] = first;
    f->spec->ncandidates = n;
}

static void refused(struct fixture *f, int64_t as_of, const char *words) {
    struct lw_err err = {0};
    struct lw_training t = {.as_of_ms = as_of};
    assert_int_equal(lw_train(f->spec, f->ds, NULL, NULL, &t, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    assert_null(t.model);
    assert_null(t.reference);
}

static void too_few_rows_are_an_error(void **state) {
    struct fixture *f = *state;
    size_t before = lw_dataset_lower_bound(f->ds, HOLD);
    char words[64];
    f->spec->retrain.min_rows = before;
    train(f, NULL);
    f->spec->retrain.min_rows = before + 1;
    snprintf(words, sizeof words, "%zu usable rows", before);
    refused(f, AS_OF, words);
    f->spec->retrain.min_rows = 1;
    refused(f, AS_OF + 30 * LW_DAY, "usable rows"); /* the window has none */
    refused(f, AS_OF + 3 * LW_DAY, "hold-out");     /* no rows in the hold-out */
    refused(f, CORE_START, "usable rows");
    f->spec->ncandidates = 0;
    refused(f, AS_OF, "none is configured");
}

/* A window shorter than the hold-out leaves no rows to fit, and the error says so. */
static void a_window_inside_the_hold_out_is_an_error(void **state) {
    struct fixture *f = *state;
    f->spec->retrain.window_ms = 6 * LW_HOUR;
    refused(f, AS_OF, "0 usable rows");
}

static void the_hourly_loss_is_scaled_to_the_hold_out_error(void **state) {
    struct fixture *f = *state;
    train(f, NULL);
    const struct lw_reference *ref = f->t.reference;
    double expected = 0;
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++)
        assert_true(ref->hour_loss[h] > 0 && isfinite(ref->hour_loss[h]));
    for (size_t i = lw_dataset_lower_bound(f->ds, HOLD); i < f->t.rows; i++)
        expected += ref->hour_loss[lw_hour_of_week(NULL, lw_dataset_time(f->ds, i))];
    assert_true(fabs(expected - ref->losses.loss) < 1e-6 * ref->losses.loss);
    assert_true(fabs(lw_losses_error(&ref->losses) - f->t.trial[1].error) < 1e-9);
    assert_int_equal(ref->scores->members[0].num.n, ref->losses.n);
}

static void the_reference_survives_its_bytes(void **state) {
    struct fixture *f = *state;
    struct lw_buf one = {0}, two = {0};
    struct lw_err err = {0};
    train(f, NULL);
    f->t.reference->version = 7;
    lw_reference_write(f->t.reference, &one);
    struct lw_reference *back = lw_reference_read(f->spec, one.data, one.len, &err);
    if (!back)
        fail_msg("%s", err.msg);
    assert_int_equal(back->version, 7);
    lw_reference_write(back, &two);
    core_assert_same(&one, &two);
    lw_reference_free(back);
    for (size_t i = 0; i < one.len; i += 1 + one.len / 300) {
        struct lw_err why = {0};
        assert_null(lw_reference_read(f->spec, one.data, i, &why));
        assert_int_equal(why.code, LW_EINPUT);
        one.data[i] ^= 0x81;
        lw_reference_free(lw_reference_read(f->spec, one.data, one.len, NULL));
        one.data[i] ^= 0x81;
    }
    lw_copy(f->spec->column[1].name, LW_NAME_MAX, "w"); /* made for other features */
    assert_null(lw_reference_read(f->spec, one.data, one.len, &err));
    assert_non_null(strstr(err.msg, "\"w\""));
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

/* A model that has memorised its rows (a level for every four of them) has a smaller
 * error on those. The stream is the same at all hours, so the expected error must be,
 * too, for hours inside and outside the hold-out; if it were computed from rows that the
 * model has used, it would vary by two fifths. */
static void the_expected_error_comes_from_unseen_rows(void **state) {
    struct fixture *f = *state;
    struct core_event e;
    struct lw_rng rng;
    double held = 0, other = 0;
    lw_rng_seed(&rng, 9);
    lw_dataset_free(f->ds);
    f->ds = lw_dataset_new(f->spec->train);
    for (int64_t t = AS_OF - 7 * LW_DAY; t < AS_OF; t += 30 * LW_SECOND) {
        core_event_set(f->spec, &e, t, (int)lw_rng_below(&rng, 5000), 1,
                       20 + 3 * lw_rng_normal(&rng));
        lw_dataset_add(f->ds, &e.row);
    }
    f->spec->candidate[0] = f->spec->candidate[1];
    f->spec->candidate[0].alpha = .01;
    f->spec->ncandidates = 1;
    train(f, NULL);
    for (int h = 0; h < 12; h++) {
        held += f->t.reference->hour_loss[lw_hour_of_week(NULL, HOLD + h * LW_HOUR)] / 12;
        for (int day = 1; day < 7; day++)
            other += f->t.reference->hour_loss[lw_hour_of_week(NULL, HOLD + h * LW_HOUR -
                                                                         day * LW_DAY)] /
                     72;
    }
    assert_true(held / other > .9 && held / other < 1.1);
    double all = f->t.reference->losses.loss / (double)f->t.reference->losses.n;
    assert_true(other / all > .9 && other / all < 1.1);
}

/* A copy as a file would bring it: bound to the fields, not to the dataset's plan. */
static struct lw_model *as_imported(const struct fixture *f, const struct lw_model *m) {
    struct lw_buf file = {0};
    struct lw_err err = {0};
    assert_int_equal(lw_model_encode(m, &file, &err), 0);
    struct lw_model *copy = lw_model_decode(file.data, file.len, &err);
    lw_buf_fini(&file);
    assert_int_equal(lw_model_bind(copy, &f->spec->event.fields, &err), 0);
    return copy;
}

static struct lw_model *fit_candidate(const struct fixture *f, int at) {
    struct lw_err err = {0};
    struct lw_fit_rows rows = {
        .ds = f->ds, .end = lw_dataset_lower_bound(f->ds, HOLD), .as_of_ms = HOLD};
    struct lw_model *m = lw_fit(&rows, &f->spec->candidate[at], NULL, &err);
    if (!m)
        fail_msg("%s", err.msg);
    return m;
}

/* Candidate 1 knows the zones, candidate 0 does not. */
static void an_imported_model_passes_the_same_gate(void **state) {
    struct fixture *f = *state;
    for (int better = 0; better < 2; better++) {
        struct lw_model *champion = fit_candidate(f, !better);
        struct lw_model *made = fit_candidate(f, better);
        uint64_t fingerprint = lw_model_fingerprint(made);
        f->t.imported = as_imported(f, made);
        train(f, champion);
        assert_int_equal(f->t.gate.passed, better);
        assert_int_equal(f->t.ntrials, 1);
        assert_null(f->t.trial[0].fit);
        assert_true(lw_model_fingerprint(f->t.model) ==
                    fingerprint); /* not fitted again */
        assert_int_equal(f->t.reference->losses.n, f->t.holdout_rows);
        assert_true(f->t.reference->hour_loss[0] > 0);
        assert_true(fabs(f->t.trial[0].error - f->t.gate.challenger_error) < 1e-12);
        lw_model_free(champion);
        lw_model_free(made);
    }
}

/* A model that reads what no candidate does needs a longer plan, which changes no fit. */
static void a_longer_plan_changes_no_fit(void **state) {
    struct fixture *f = *state;
    struct lw_err err = {0};
    train(f, NULL);
    uint64_t fingerprint = lw_model_fingerprint(f->t.model);
    struct lw_plan *plan = lw_plan_copy(f->spec->train);
    size_t natoms = lw_plan_atoms(plan);
    struct lw_model *other = as_imported(f, f->t.model);
    assert_int_equal(lw_model_extend_plan(other, plan, &err), 0);
    assert_int_equal(lw_plan_atoms(plan), natoms); /* it has them all */
    assert_true(lw_plan_atom(plan, "square(x)", &err) >= 0);
    lw_dataset_free(f->ds);
    f->ds = NULL;
    const struct lw_plan *was = f->spec->train;
    f->spec->train = plan;
    make_rows(f, 1, 0, 0);
    train(f, other);
    assert_true(lw_model_fingerprint(f->t.model) == fingerprint);
    lw_dataset_free(f->ds);
    f->ds = NULL;
    f->spec->train = (struct lw_plan *)(uintptr_t)was;
    make_rows(f, 1, 0, 0);
    lw_model_free(other);
    lw_plan_free(plan);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_barred_candidate_is_replaced),
        TEST(the_best_candidate_is_chosen),
        TEST(no_fit_sees_the_hold_out),
        TEST(the_refit_includes_the_hold_out),
        TEST(a_better_champion_stays),
        TEST(a_verdict_needs_no_model),
        TEST(a_worse_champion_is_replaced),
        TEST(too_few_rows_are_an_error),
        TEST(a_window_inside_the_hold_out_is_an_error),
        TEST(the_hourly_loss_is_scaled_to_the_hold_out_error),
        TEST(the_reference_survives_its_bytes),
        TEST(the_expected_error_comes_from_unseen_rows),
        TEST(an_imported_model_passes_the_same_gate),
        TEST(a_longer_plan_changes_no_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
