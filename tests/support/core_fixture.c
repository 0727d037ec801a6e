/* See core_fixture.h. */
#include "support/core_fixture.h"

#include "core/pane.h"

static void must(int rc, const struct lw_err *err) {
    if (rc < 0)
        fail_msg("%s", err->msg);
}

static void add_fields(struct lw_spec *spec) {
    static const struct {
        const char *name;
        enum lw_kind kind;
    } list[CORE_FIELDS] = {
        {"t", LW_TIMESTAMP}, {"zone", LW_CATEGORY}, {"x", LW_NUMERIC}, {"y", LW_NUMERIC}};
    struct lw_err err = {0};
    for (size_t i = 0; i < CORE_FIELDS; i++)
        must(lw_fields_add(&spec->event.fields, list[i].name, list[i].kind, false, &err),
             &err);
    spec->event.id_field = -1;
    spec->event.time_field = CORE_T;
    spec->event.target = LW_TARGET_FIELD;
    spec->event.target_a = CORE_Y;
    spec->event.target_lo = 0;
    spec->event.target_hi = 1000;
}

static void add_features(struct lw_spec *spec) {
    static const char *const names[] = {"zone", "x"};
    struct lw_err err = {0};
    spec->watch = lw_plan_new(&spec->event.fields, NULL);
    spec->train = lw_plan_new(&spec->event.fields, NULL);
    spec->nfeatures = 2;
    for (int i = 0; i < 2; i++) {
        struct lw_column *c = &spec->feature[i];
        lw_copy(c->name, sizeof c->name, names[i]);
        c->kind = i ? LW_NUMERIC : LW_CATEGORY;
        c->lo = i ? 0 : -INFINITY;
        c->hi = i ? 20 : INFINITY;
        c->k = 20; /* small: sketches that compact within a pane */
        must(spec->feature_atom[i] = lw_plan_atom(spec->watch, names[i], &err), &err);
        must(lw_plan_term(spec->train, names[i], 1, 0, &err), &err);
    }
    lw_spec_columns(spec);
}

static void add_candidate(struct lw_spec *spec, const char *name, int first, int n) {
    struct lw_fit_spec *c = &spec->candidate[spec->ncandidates++];
    *c = (struct lw_fit_spec){.kind = LW_FIT_RIDGE,
                              .alpha = 1,
                              .intercept = true,
                              .clip_lo = -INFINITY,
                              .clip_hi = INFINITY};
    lw_copy(c->name, sizeof c->name, name);
    for (int i = 0; i < n; i++)
        c->terms[c->nterms++] = first + i;
}

struct lw_spec *core_spec_new(void) {
    struct lw_spec *spec = lw_calloc(1, sizeof *spec);
    lw_copy(spec->stream, sizeof spec->stream, "test");
    add_fields(spec);
    add_features(spec);
    add_candidate(spec, "x alone", 1, 1);
    add_candidate(spec, "both", 0, 2);
    spec->pane_ms = LW_HOUR;
    spec->lateness_ms = 10 * LW_MINUTE;
    spec->max_jump_ms = 6 * LW_HOUR;
    spec->jump_agree = 3;
    spec->nwindows = 2;
    spec->window[0] = (struct lw_window_spec){.name = "6h", .length_ms = 6 * LW_HOUR};
    spec->window[1] = (struct lw_window_spec){.name = "2d", .length_ms = 2 * LW_DAY};
    spec->drift = lw_drift_defaults();
    spec->retrain =
        (struct lw_retrain_spec){.bootstrap_until_ms = CORE_START + 2 * LW_DAY,
                                 .holdout_ms = 12 * LW_HOUR,
                                 .min_rows = 100,
                                 .min_fresh = 100,
                                 .cooldown_ms = LW_DAY,
                                 .cooldown_max_ms = 8 * LW_DAY,
                                 .window_ms = 7 * LW_DAY,
                                 .reference_ms = LW_DAY,
                                 .gate = {.min_gain = .01, .z = 2, .block_ms = LW_HOUR},
                                 .probation_ms = 2 * LW_DAY,
                                 .probation_z = 3,
                                 .keep_first = true};
    return spec;
}

void core_spec_free(struct lw_spec *spec) {
    lw_plan_free(spec->watch);
    lw_plan_free(spec->train);
    free(spec);
}

struct lw_rule *core_rule(struct lw_spec *spec, const char *name, const char *metric,
                          int feature, double critical) {
    struct lw_rule *r = &spec->rule[spec->nrules++];
    *r = (struct lw_rule){.metric = lw_metric_find(metric),
                          .feature = feature,
                          .warn = NAN,
                          .critical = critical,
                          .clear_below = critical,
                          .for_count = 1,
                          .clear_count = 1};
    lw_copy(r->name, sizeof r->name, name);
    return r;
}

void core_event_set(const struct lw_spec *spec, struct core_event *e, int64_t t, int zone,
                    double x, double y) {
    struct lw_err err = {0};
    e->cell[CORE_T] = lw_cell_int(CORE_START); /* any time fits into a pane's row here */
    e->cell[CORE_ZONE] = lw_cell_int(zone);
    e->cell[CORE_X] = lw_cell_num(x);
    e->cell[CORE_Y] = lw_cell_num(y);
    e->reason = lw_event_row(&spec->event, e->cell, 0, &e->row, &err);
    must(e->reason, &err);
    e->cell[CORE_T] = lw_cell_int(t);
    e->row.time_ms = t;
}

void core_stream_init(struct core_stream *s, uint64_t seed) {
    *s = (struct core_stream){.now_ms = CORE_START, .step_ms = 2 * LW_MINUTE, .noise = 1};
    lw_rng_seed(&s->rng, seed);
}

void core_stream_next(struct core_stream *s, const struct lw_spec *spec,
                      struct core_event *e) {
    s->now_ms += (int64_t)lw_rng_below(&s->rng, 2 * (uint64_t)s->step_ms);
    int64_t t = s->now_ms - (int64_t)lw_rng_below(&s->rng, 15 * (uint64_t)LW_MINUTE);
    int zone = (int)lw_rng_below(&s->rng, 5);
    double x = lw_rng_unit(&s->rng) * 20;
    double y = 10 + 2 * zone + x / 2 + s->level + s->noise * lw_rng_normal(&s->rng);
    core_event_set(spec, e, t < CORE_START ? CORE_START : t, zone,
                   s->nulls ? NAN : x + s->shift, y);
}

static void collect(void *arg, const char *field, const void *data, size_t len) {
    struct lw_buf *out = arg;
    lw_buf_put(out, field, strlen(field) + 1);
    lw_buf_blob(out, data, len);
}

void core_pane_bytes(struct lw_pane *pane, struct lw_buf *out) {
    struct lw_buf scratch = {0};
    lw_pane_write(pane, &scratch, collect, out);
    lw_buf_fini(&scratch);
}

void core_pane_fill(struct lw_pane *pane, const struct lw_buf *bytes) {
    struct lw_reader r = lw_reader_of(bytes->data, bytes->len);
    while (lw_reader_left(&r)) {
        struct lw_err err = {0};
        size_t len;
        const char *field = (const char *)r.at;
        lw_reader_bytes(&r, strlen(field) + 1);
        const void *data = lw_reader_blob(&r, &len);
        must(lw_pane_read(pane, field, data, len, &err), &err);
    }
}

void core_assert_same(const struct lw_buf *a, const struct lw_buf *b) {
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}
