/* Records a live run on real services pane by pane, and repeats its decisions from the
 * record.
 *
 *   live_tool CONFIG PARTITIONS
 *
 * Runs the engine until its standard input ends and everything is sealed. After each
 * evaluation it reads the sealed pane from Redis and keeps its bytes, with all outputs
 * of the leader (figures, alerts, requests, decisions) and the monitor's state. Then a
 * new monitor gets the recorded panes and the recorded verdicts of trainings, and must
 * have the same outputs and the same state, byte for byte, at every step. Prints the
 * comparison as JSON; exit code 1 with the first difference on standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/core_loop.h"

#include "base/time.h"
#include "config/config.h"
#include "engine/engine.h"
#include "store/state.h"

struct step {
    bool sealed; /* else a training ended */
    int64_t start_ms;
    struct lw_buf pane, said, state;
    /* for the result of a training */
    struct lw_request request;
    uint32_t version;
    bool failed;
    struct lw_gate gate;
    char candidate[LW_NAME_MAX];
    size_t ndays;
    struct lw_tracking_day day[LW_TRACKING_DAYS];
    char failure[256];
    struct lw_buf reference;
};

struct record {
    const struct lw_config *config;
    struct lw_redis *redis;
    int32_t npartitions;
    struct step *step;
    size_t n, cap;
    int alerts, requests, promotions, rejections;
    char trouble[512];
};

static struct step *new_step(struct record *r) {
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 4096;
        r->step = lw_realloc(r->step, r->cap, sizeof *r->step);
    }
    struct step *s = &r->step[r->n++];
    *s = (struct step){0};
    return s;
}

static void say_all(struct lw_buf *out, const struct lw_evaluation *e) {
    core_log(out, e);
    for (size_t i = 0; i < e->nalerts; i++)
        lw_buf_printf(out, "%s\n", e->alert[i].summary);
    for (size_t i = 0; i < e->nfigures; i++)
        lw_buf_printf(out, "%s=%.17g\n", e->figure[i].name, e->figure[i].value);
}

/* ---- recording; in the leader's thread ---- */

static void evaluated(void *arg, const struct lw_evaluation *e,
                      const struct lw_monitor *m) {
    struct record *r = arg;
    const struct lw_spec *spec = &r->config->spec;
    struct lw_err err = {0};
    struct step *s = new_step(r);
    s->sealed = true;
    s->start_ms = e->at_ms - spec->pane_ms;
    struct lw_pane *pane =
        lw_state_pane(r->redis, spec, r->npartitions, s->start_ms, NULL, &err);
    if (!pane) {
        snprintf(r->trouble, sizeof r->trouble, "a pane cannot be read: %.400s", err.msg);
        return;
    }
    core_pane_bytes(pane, &s->pane);
    lw_pane_free(pane);
    say_all(&s->said, e);
    lw_monitor_write(m, &s->state);
    r->alerts += (int)e->nalerts;
    r->requests += e->request.id != 0;
}

static void trained(void *arg, const struct lw_request *request, uint32_t version,
                    const struct lw_training *t, const char *failure) {
    struct record *r = arg;
    struct step *s = new_step(r);
    s->request = *request;
    s->version = version;
    s->failed = t == NULL;
    if (!t) {
        lw_copy(s->failure, sizeof s->failure, failure);
        return;
    }
    s->gate = t->gate;
    s->ndays = t->ndays;
    memcpy(s->day, t->day, sizeof s->day);
    lw_copy(s->candidate, sizeof s->candidate, t->trial[t->chosen].name);
    lw_reference_write(t->reference, &s->reference);
    r->promotions += t->gate.passed;
    r->rejections += !t->gate.passed;
}

/* ---- repeating the decisions ---- */

static struct lw_reference *reference_of(const struct record *r, uint32_t version) {
    for (size_t i = 0; i < r->n; i++)
        if (!r->step[i].sealed && !r->step[i].failed && r->step[i].version == version)
            return lw_reference_read(&r->config->spec, r->step[i].reference.data,
                                     r->step[i].reference.len, NULL);
    return NULL;
}

static void set_champion(const struct record *r, struct lw_monitor *m, uint32_t version,
                         int64_t at_ms) {
    lw_monitor_champion(m, version, reference_of(r, version), at_ms);
    uint32_t first = lw_monitor_first_version(m);
    if (first && first != version)
        lw_monitor_first(m, reference_of(r, first));
}

static void again_trained(const struct record *r, const struct step *s,
                          struct lw_monitor *m, struct lw_evaluation *e) {
    static struct lw_training t;
    t.gate = s->gate;
    t.ndays = s->ndays;
    memcpy(t.day, s->day, sizeof t.day);
    lw_copy(t.trial[0].name, sizeof t.trial[0].name, s->candidate);
    lw_monitor_trained(m, s->request.id, s->version, s->failed ? NULL : &t, s->failure,
                       e);
    if (e->ndecisions && e->decision[0].kind == LW_DECIDED_PROMOTE)
        set_champion(r, m, s->version, e->at_ms);
}

static void again_sealed(const struct record *r, const struct step *s,
                         struct lw_monitor *m, struct lw_evaluation *e) {
    struct lw_pane *pane = lw_pane_new(&r->config->spec, s->start_ms, 0);
    core_pane_fill(pane, &s->pane);
    lw_monitor_seal(m, pane, e);
    for (size_t i = 0; i < e->ndecisions; i++)
        if (e->decision[i].kind == LW_DECIDED_ROLL_BACK)
            set_champion(r, m, e->decision[i].other, e->at_ms);
}

static int differ(const char *what, const struct step *s, const struct lw_buf *live,
                  const struct lw_buf *again) {
    char when[32];
    if (live->len == again->len &&
        (live->len == 0 || memcmp(live->data, again->data, live->len) == 0))
        return 0;
    size_t at = 0;
    while (at < live->len && at < again->len && live->data[at] == again->data[at])
        at++;
    fprintf(
        stderr,
        "live_tool: after the pane of %s the %s differs at byte %zu (%zu, %zu bytes)\n",
        lw_format_time(when, sizeof when, s->start_ms), what, at, live->len, again->len);
    if (strcmp(what, "evaluation") == 0)
        fprintf(stderr, "live:  %.300s\nagain: %.300s\n", live->data + at,
                again->data + at);
    return -1;
}

static int decide_again(const struct record *r) {
    struct lw_monitor *m = lw_monitor_new(&r->config->spec);
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    int rc = 0;
    for (size_t i = 0; i < r->n && rc == 0; i++) {
        const struct step *s = &r->step[i];
        struct lw_buf said = {0}, state = {0};
        if (s->sealed) {
            again_sealed(r, s, m, e);
            say_all(&said, e);
            lw_monitor_write(m, &state);
            rc = differ("evaluation", s, &s->said, &said) ||
                 differ("state", s, &s->state, &state);
        } else {
            again_trained(r, s, m, e);
        }
        lw_buf_fini(&said);
        lw_buf_fini(&state);
    }
    free(e);
    lw_monitor_free(m);
    return rc;
}

/* ---- the run ---- */

/* Waits until the producer has stopped and its last messages are consumed. */
static void wait_for_end(void) {
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static int live(struct record *r, struct lw_err *err) {
    struct lw_engine_hooks hooks = {.arg = r, .evaluated = evaluated, .trained = trained};
    struct lw_engine *engine = lw_engine_start(r->config, &hooks, err);
    if (!engine)
        return -1;
    wait_for_end();
    lw_engine_flow(engine, LW_ENDED);
    int64_t until = INT64_MIN, quiet_ms = 0;
    while (quiet_ms < 10000 && !lw_engine_failed(engine, err)) {
        struct lw_engine_status s = lw_engine_status(engine);
        bool moved = s.sealed_until_ms != until || s.training || !s.flow_flushed;
        until = s.sealed_until_ms;
        quiet_ms = moved ? 0 : quiet_ms + 100;
        lw_sleep_ms(100);
    }
    bool failed = lw_engine_failed(engine, err);
    lw_engine_stop(engine);
    return failed ? -1 : 0;
}

static void free_record(struct record *r) {
    for (size_t i = 0; i < r->n; i++) {
        lw_buf_fini(&r->step[i].pane);
        lw_buf_fini(&r->step[i].said);
        lw_buf_fini(&r->step[i].state);
        lw_buf_fini(&r->step[i].reference);
    }
    free(r->step);
    lw_redis_free(r->redis);
}

int main(int argc, char **argv) {
    struct lw_err err = {0};
    struct record r = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: live_tool CONFIG PARTITIONS\n");
        return 2;
    }
    r.npartitions = atoi(argv[2]);
    struct lw_config *config = lw_config_load(argv[1], &err);
    r.config = config;
    int rc = config ? 0 : -1;
    if (rc == 0 && !(r.redis = lw_redis_new(&config->redis, &err)))
        rc = -1;
    if (rc == 0)
        rc = live(&r, &err);
    if (rc || r.trouble[0]) {
        fprintf(stderr, "live_tool: %s\n", rc ? err.msg : r.trouble);
        rc = 1;
    } else {
        rc = decide_again(&r) ? 1 : 0;
        printf("{\"steps\":%zu,\"alerts\":%d,\"requests\":%d,\"promotions\":%d,"
               "\"rejections\":%d,\"same\":%s}\n",
               r.n, r.alerts, r.requests, r.promotions, r.rejections,
               rc ? "false" : "true");
    }
    free_record(&r);
    lw_config_free(config);
    return rc;
}
