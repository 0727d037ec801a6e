/* See core_loop.h. */
#include "support/core_loop.h"

#include <inttypes.h>

void core_loop_init(struct core_loop *l, const struct lw_spec *spec) {
    *l = (struct core_loop){.spec = spec, .next_version = 1};
    l->partition = lw_partition_new(spec, 0);
    l->monitor = lw_monitor_new(spec);
    l->rows = lw_dataset_new(spec->train);
}

void core_loop_fini(struct core_loop *l) {
    lw_partition_free(l->partition);
    lw_monitor_free(l->monitor);
    lw_dataset_free(l->rows);
    for (size_t i = 0; i < CORE_VERSIONS_MAX; i++) {
        lw_model_free(l->version[i].model);
        lw_buf_fini(&l->version[i].reference);
    }
    for (size_t i = 0; i < l->nsealed; i++)
        lw_buf_fini(&l->sealed[i]);
    free(l->sealed);
    free(l->sealed_start);
    lw_buf_fini(&l->log);
}

void core_log(struct lw_buf *log, const struct lw_evaluation *e) {
    for (size_t i = 0; i < e->nalerts; i++) {
        const struct lw_alert *a = &e->alert[i];
        lw_buf_printf(log,
                      "%" PRId64 " alert %s/%s %s %s %s value %.17g n %" PRIu64
                      " v%u incident %" PRIx64 " once in %.17g: %s\n",
                      e->at_ms, a->name, a->feature, a->window,
                      a->firing ? "firing" : "resolved",
                      lw_alert_severity_name(a->severity), a->value, a->n,
                      a->model_version, a->incident, a->once_in_days, a->summary);
    }
    if (e->request.id)
        lw_buf_printf(log, "%" PRId64 " request %" PRIu64 " %s\n", e->at_ms,
                      e->request.id, e->request.reason);
    for (size_t i = 0; i < e->nspans; i++) {
        const struct lw_span *s = &e->span[i].span;
        lw_buf_printf(log,
                      "%" PRId64 " span %s %s id %u [%" PRId64 ", %" PRId64 ")%s%s\n",
                      e->at_ms,
                      e->span[i].what == LW_SPAN_BEGINS ? "begins"
                      : e->span[i].what == LW_SPAN_ENDS ? "ends"
                                                        : "released",
                      s->feature, s->id, s->from_ms, s->open ? INT64_C(0) : s->until_ms,
                      e->by[0] ? " by " : "", e->by);
    }
    if (e->postponed[0])
        lw_buf_printf(log, "%" PRId64 " postponed: %s\n", e->at_ms, e->postponed);
    for (size_t i = 0; i < e->ndecisions; i++)
        lw_buf_printf(log, "%" PRId64 " decision %d %u over %u: %s\n", e->at_ms,
                      (int)e->decision[i].kind, e->decision[i].version,
                      e->decision[i].other, e->decision[i].reason);
}

double core_figure(const struct lw_evaluation *e, const char *name) {
    for (size_t i = 0; i < e->nfigures; i++)
        if (strcmp(e->figure[i].name, name) == 0)
            return e->figure[i].value;
    fail_msg("no figure %s", name);
    return NAN;
}

static void note(struct core_loop *l, const struct lw_evaluation *e) {
    core_log(&l->log, e);
    for (size_t i = 0; i < e->nalerts; i++) {
        l->fired += e->alert[i].firing;
        l->resolved += !e->alert[i].firing;
    }
    l->requests += e->request.id != 0;
}

static void set_champion(struct core_loop *l, uint32_t number, int64_t at_ms) {
    struct lw_err err = {0};
    const struct lw_buf *bytes = &l->version[number].reference;
    struct lw_reference *ref = lw_reference_read(l->spec, bytes->data, bytes->len, &err);
    if (!ref)
        fail_msg("%s", err.msg);
    lw_monitor_champion(l->monitor, number, ref, at_ms);
}

static void keep(struct core_loop *l, struct lw_training *t, uint32_t number) {
    struct lw_err err = {0};
    assert_true(number < CORE_VERSIONS_MAX);
    if (lw_model_bind(t->model, &l->spec->event.fields, &err))
        fail_msg("%s", err.msg);
    t->reference->version = number;
    lw_reference_write(t->reference, &l->version[number].reference);
    l->version[number].model = t->model;
    l->version[number].as_of_ms = t->as_of_ms;
    t->model = NULL;
}

static void train(struct core_loop *l, const struct lw_request *request,
                  struct lw_evaluation *e) {
    struct lw_training t = {0};
    struct lw_err err = {0};
    uint32_t now = lw_monitor_champion_version(l->monitor);
    struct lw_pane *recent = lw_monitor_recent(l->monitor, l->spec->retrain.reference_ms);
    lw_dataset_sort(l->rows);
    lw_copy(t.barred, sizeof t.barred, request->barred);
    t.quarantine = *lw_monitor_quarantine(l->monitor);
    l->barred += request->barred[0] != 0;
    t.as_of_ms = request->as_of_ms;
    t.tracked = request->tracked;
    t.champion_ms = l->version[now].as_of_ms;
    int rc = lw_train(l->spec, l->rows, l->version[now].model, recent, &t, &err);
    lw_pane_free(recent);
    if (rc) {
        lw_monitor_trained(l->monitor, request->id, 0, t.early ? &t : NULL, err.msg, e);
        note(l, e);
        return;
    }
    l->left_out = t.nleft;
    uint32_t number = l->next_version++;
    t.gate.passed |= number == l->bad_version;
    lw_monitor_trained(l->monitor, request->id, number, &t, NULL, e);
    note(l, e);
    assert_int_equal(e->ndecisions, 1);
    if (e->decision[0].kind == LW_DECIDED_PROMOTE) {
        l->promoted++;
        keep(l, &t, number);
        set_champion(l, number, e->at_ms);
    }
    lw_training_fini(&t);
}

/* Discards everything but the serialised state. */
static void restart(struct core_loop *l) {
    struct lw_buf state = {0}, again = {0};
    struct lw_err err = {0};
    int64_t until = lw_monitor_sealed_until(l->monitor);
    lw_monitor_write(l->monitor, &state);
    lw_monitor_free(l->monitor);
    l->monitor = lw_monitor_new(l->spec);
    if (lw_monitor_read(l->monitor, state.data, state.len, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < l->nsealed; i++) {
        if (l->sealed_start[i] < until - lw_spec_longest_window(l->spec))
            continue;
        struct lw_pane *pane = lw_pane_new(l->spec, l->sealed_start[i], 0);
        core_pane_fill(pane, &l->sealed[i]);
        lw_monitor_refill(l->monitor, pane);
    }
    uint32_t champion = lw_monitor_champion_version(l->monitor);
    if (champion)
        set_champion(l, champion, 0);
    lw_monitor_write(l->monitor, &again);
    core_assert_same(&state, &again);
    lw_buf_fini(&state);
    lw_buf_fini(&again);
}

static void seal(struct core_loop *l, struct lw_pane *pane) {
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    size_t n = l->nsealed++;
    l->sealed = lw_realloc(l->sealed, l->nsealed, sizeof *l->sealed);
    l->sealed_start = lw_realloc(l->sealed_start, l->nsealed, sizeof *l->sealed_start);
    l->sealed[n] = (struct lw_buf){0};
    l->sealed_start[n] = pane->start_ms;
    core_pane_bytes(pane, &l->sealed[n]);
    lw_monitor_seal(l->monitor, pane, e);
    note(l, e);
    for (size_t i = 0; i < e->ndecisions; i++) {
        l->confirmed += e->decision[i].kind == LW_DECIDED_CONFIRM;
        if (e->decision[i].kind != LW_DECIDED_ROLL_BACK)
            continue;
        l->rollbacks++;
        set_champion(l, e->decision[i].other, e->at_ms);
    }
    lw_partition_track(l->partition, lw_monitor_tracking(l->monitor));
    struct lw_request request = e->request;
    lw_partition_track(l->partition, lw_monitor_tracking(l->monitor));
    if (request.id)
        train(l, &request, e);
    free(e);
    if (l->restart_every && l->nsealed % (size_t)l->restart_every == 0)
        restart(l);
}

static double predict(const struct core_loop *l, uint32_t version,
                      const struct lw_row *row) {
    return lw_model_predict(l->version[version].model, row) +
           (version == l->bad_version ? 8 : 0);
}

void core_loop_event(struct core_loop *l, const struct core_event *e) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[LW_VERSIONS_MAX];
    uint32_t who[1 + LW_VERSIONS_MAX] = {lw_monitor_champion_version(l->monitor)};
    bool scores = who[0] && lw_spec_predicts(l->spec);
    size_t n = scores ? 1 + lw_monitor_shadows(l->monitor, who + 1) : 0;
    struct lw_pane *pane;
    lw_spec_watch(l->spec, &e->row, watched);
    for (size_t i = 0; i < n && e->reason == LW_GOOD; i++)
        scored[i] = (struct lw_scored){who[i], predict(l, who[i], &e->row), 0};
    const struct lw_pane_event event = {l->offset++, watched,
                                        e->reason,   e->row.target,
                                        scored,      e->reason == LW_GOOD ? n : 0};
    enum lw_timeliness where = lw_partition_add(l->partition, &e->row, &event);
    if (e->reason == LW_GOOD && where != LW_SUSPECT)
        lw_dataset_add(l->rows, &e->row);
    while ((pane = lw_partition_take_closed(l->partition)))
        seal(l, pane);
}

void core_loop_until(struct core_loop *l, struct core_stream *s, int64_t until_ms) {
    while (s->now_ms < until_ms) {
        struct core_event e;
        core_stream_next(s, l->spec, &e);
        core_loop_event(l, &e);
    }
}

void core_loop_end(struct core_loop *l) {
    struct lw_pane *pane;
    while ((pane = lw_partition_take_oldest(l->partition)))
        seal(l, pane);
}

bool core_loop_release(struct core_loop *l, const char *which, const char *who) {
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    bool held = lw_monitor_release(l->monitor, which, who, e);
    note(l, e);
    free(e);
    return held;
}

void core_loop_ask(struct core_loop *l, const char *who) {
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    lw_monitor_ask(l->monitor, who, e);
    note(l, e);
    struct lw_request request = e->request;
    if (request.id)
        train(l, &request, e);
    free(e);
}

int core_run_teardown(void **state) {
    struct core_run *r = *state;
    core_loop_fini(&r->loop);
    core_spec_free(r->spec);
    free(r);
    return 0;
}

void core_run_again(struct core_run *r) {
    core_loop_fini(&r->loop);
    core_loop_init(&r->loop, r->spec);
}

void core_run_until(struct core_run *r, double days) {
    core_loop_until(&r->loop, &r->stream, CORE_START + (int64_t)(days * (double)LW_DAY));
}
