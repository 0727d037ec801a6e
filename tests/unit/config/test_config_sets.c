/* A candidate's terms are those of its set written out, whatever sets it includes, at any
 * depth, and whether or not another candidate uses those sets. */
#include "support.h"

#include "base/rng.h"

#define SETS   6
#define POOL   12
#define ROUNDS 200

static const char *const pool[POOL] = {
    "x0",      "x1",       "sqrt(x0)", "x0 * x1", "c0",        "c1",
    "c0 * c1", "hour(at)", "c0 * x1",  "abs(x1)", "log1p(x0)", "clip(x1, 0, 9)"};

struct set {
    size_t n;
    int term[POOL];
    bool has[POOL];
};

static void put_line(struct set *set, int term) {
    if (set->has[term])
        return;
    set->has[term] = true;
    set->term[set->n++] = term;
}

/* Writes the set's items and collects the resulting terms. */
static int write_set(struct lw_rng *rng, struct set *all, int which, char *out,
                     size_t size) {
    struct set *set = &all[which];
    int at = snprintf(out, size, "  s%d:\n", which);
    int items = 1 + (int)lw_rng_below(rng, 4);
    for (int i = 0; i < items; i++) {
        if (which > 0 && lw_rng_below(rng, 2) == 0) {
            int other = (int)lw_rng_below(rng, (uint64_t)which);
            for (size_t k = 0; k < all[other].n; k++)
                put_line(set, all[other].term[k]);
            at += snprintf(out + at, size - (size_t)at, "    - {include: s%d}\n", other);
            continue;
        }
        int term = (int)lw_rng_below(rng, POOL);
        if (set->has[term]) /* duplicates are refused, which another test checks */
            continue;
        put_line(set, term);
        at += snprintf(out + at, size - (size_t)at, "    - \"%s\"\n", pool[term]);
    }
    if (set->n == 0) {
        put_line(set, 0);
        at += snprintf(out + at, size - (size_t)at, "    - \"%s\"\n", pool[0]);
    }
    return at;
}

static const char head[] =
    "stream: s\n"
    "source: {topic: t, schema: " LW_SOURCE_DIR "/tests/data/config/sets.avsc}\n"
    "event:\n"
    "  time: at\n"
    "  fields: {x0: numeric, x1: numeric, c0: category, c1: category}\n"
    "target: {field: y, range: [0, 100]}\n"
    "features: {x0: {}}\n"
    "windows: {day: 1d}\n"
    "rules: [{name: error, metric: rmse, window: day, warn: 100}]\n"
    "retrain: {window: 90d}\n"
    "feature_sets:\n";

static void check_terms(const struct lw_spec *spec, const struct lw_fit_spec *fit,
                        const struct set *want) {
    assert_int_equal(fit->nterms, want->n);
    for (size_t i = 0; i < want->n; i++)
        assert_string_equal(lw_plan_term_at(spec->train, (size_t)fit->terms[i])->text,
                            pool[want->term[i]]);
}

static void included_terms_are_those_written_out(void **state) {
    (void)state;
    static char text[8192];
    struct lw_rng rng;
    const uint64_t seed = 20261129;
    print_message("seed %llu\n", (unsigned long long)seed);
    lw_rng_seed(&rng, seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct set set[SETS] = {0};
        struct lw_err err = {0};
        int used[SETS], n = 0;
        size_t at = (size_t)snprintf(text, sizeof text, "%s", head);
        for (int i = 0; i < SETS; i++)
            at += (size_t)write_set(&rng, set, i, text + at, sizeof text - at);
        at += (size_t)snprintf(text + at, sizeof text - at, "candidates:\n");
        for (int i = 0; i < SETS; i++)
            if (lw_rng_below(&rng, 2) || (i == SETS - 1 && n == 0))
                used[n++] = i;
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   "  - {name: m%d, features: s%d}\n", used[i], used[i]);
        struct lw_config *config = lw_config_parse(text, at, "sets.yaml", &err);
        if (!config)
            fail_msg("%s\n%s", err.msg, text);
        assert_int_equal(config->spec.ncandidates, n);
        for (int i = 0; i < n; i++)
            check_terms(&config->spec, &config->spec.candidate[i], &set[used[i]]);
        /* Terms that no candidate uses cost no column in a training. */
        size_t terms = lw_plan_terms(config->spec.train), together = 0;
        for (int k = 0; k < POOL; k++) {
            bool any = false;
            for (int i = 0; i < n; i++)
                any |= set[used[i]].has[k];
            together += any;
        }
        assert_int_equal(terms, together);
        lw_config_free(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(included_terms_are_those_written_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
