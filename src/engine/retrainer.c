/* The retrainer: one training at a time, in its own thread, with its own connections.
 *
 * Rows are read from Kafka by the offset ranges that the panes recorded, outside the
 * group, so that the lineage of a version is exact and scoring is not disturbed. Its
 * result is a proposal: the leader checks that it is still requested. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/intake.h"
#include "engine/rebuild.h"
#include "engine/retrainer.h"
#include "engine/version_facts.h"
#include "kafka/ranges.h"
#include "store/models.h"

#define READ_TIMEOUT_MS 60000
#define SCHEMA_WAIT_MS  (READ_TIMEOUT_MS / 2)
#define SCHEMA_LOOK_MS  20

struct training_reader {
    const struct lw_config *config;
    struct lw_engine *engine;
    struct lw_intake *intake;
    struct lw_dataset *rows;
    struct lw_err waits; /* LW_EAGAIN: a schema did not arrive */
    int64_t from_ms, until_ms;
    struct lw_lineage lineage;
};

/* Waits for an unknown schema, but not until the read counts as stuck. -1: it can
 * never be decoded; 1: not in this attempt. */
static int message_decode(struct training_reader *in, const rd_kafka_message_t *m,
                          struct lw_cell *cells) {
    struct lw_err err = {0};
    int64_t until = lw_mono_ms() + SCHEMA_WAIT_MS, look = 1;
    while (lw_intake_decode(in->intake, m, cells, &err)) {
        if (err.code != LW_EAGAIN)
            return -1;
        if (lw_mono_ms() > until || !lw__engine_sleep(in->engine, look)) {
            in->waits = err;
            return 1;
        }
        look = 2 * look < SCHEMA_LOOK_MS ? 2 * look : SCHEMA_LOOK_MS;
        lw_err_clear(&err);
    }
    return 0;
}

static int rows_add_message(void *arg, const rd_kafka_message_t *m) {
    struct training_reader *in = arg;
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    in->lineage.read++;
    int reason = -1, failed = message_decode(in, m, cells);
    if (failed > 0)
        return failed;
    if (failed == 0)
        reason = lw_event_row(&in->config->spec.event, cells, lw_intake_message_time(m),
                              &row, NULL);
    in->lineage.undecodable += reason < 0;
    if (reason == LW_GOOD && row.time_ms >= in->from_ms && row.time_ms < in->until_ms)
        lw_dataset_add(in->rows, &row);
    return 0;
}

static int read_rows(struct lw_engine *e, struct lw_redis *redis,
                     struct training_reader *in, struct lw_range *ranges, size_t n,
                     struct lw_err *err) {
    const struct lw_spec *spec = &e->config->spec;
    if (lw_state_ranges(redis, spec, (int32_t)n,
                        (struct lw_time_range){in->from_ms, in->until_ms}, ranges, err))
        return -1;
    struct lw_offset_range *wanted = lw_calloc(n, sizeof *wanted);
    for (size_t i = 0; i < n; i++)
        wanted[i] = (struct lw_offset_range){.partition = ranges[i].partition,
                                             .first = ranges[i].first,
                                             .last = ranges[i].last};
    in->lineage.topic = e->config->source.topic;
    in->lineage.range = ranges;
    in->lineage.nranges = n;
    struct lw_read_options how = {.timeout_ms = READ_TIMEOUT_MS,
                                  .stop = &e->stop_flag,
                                  .each = rows_add_message,
                                  .arg = in};
    int rc = lw_ranges_read(&e->config->kafka, e->config->source.topic,
                            (struct lw_offset_ranges){wanted, n}, &how, &in->lineage.gone,
                            err);
    if (rc > 0)
        rc = lw_fail(err, in->waits.code, "%s", in->waits.msg);
    free(wanted);
    lw_dataset_sort(in->rows);
    return rc;
}

/* The models that a training judges, and the plan with what all of them read. */
struct training_models {
    struct lw_model *champion, *imported;
    struct lw_plan *plan;
};

static struct lw_model *load_version(struct lw_engine *e, struct lw_redis *redis,
                                     uint32_t version, struct lw_version *v,
                                     struct lw_reply **reply, struct lw_err *err) {
    *reply = lw_models_get(redis, &e->config->spec, version, v, err);
    return *reply ? lw_model_decode(v->model, v->model_len, err) : NULL;
}

static int load_champion(struct lw_engine *e, struct lw_redis *redis, struct lw_job *job,
                         struct training_models *m, struct lw_err *err) {
    struct lw_version v;
    struct lw_reply *reply;
    m->champion = load_version(e, redis, job->champion, &v, &reply, err);
    job->training.champion_ms = reply ? v.as_of_ms : 0;
    lw_reply_free(reply);
    return m->champion ? lw_model_extend_plan(m->champion, m->plan, err) : -1;
}

static int load_imported(struct lw_engine *e, struct lw_redis *redis, struct lw_job *job,
                         struct training_models *m, struct lw_err *err) {
    struct lw_version v;
    struct lw_reply *reply;
    m->imported = load_version(e, redis, job->imported, &v, &reply, err);
    free(job->origin);
    job->origin = m->imported && v.facts ? lw_strdup(v.facts) : NULL;
    lw_reply_free(reply);
    if (!m->imported || lw_model_bind(m->imported, &e->config->spec.event.fields, err))
        return -1;
    return lw_model_extend_plan(m->imported, m->plan, err);
}

/* The champion may read what no candidate reads: it may be imported, too. */
static int load_models(struct lw_engine *e, struct lw_redis *redis, struct lw_job *job,
                       struct training_models *m, struct lw_err *err) {
    *m = (struct training_models){.plan = lw_plan_copy(e->config->spec.train)};
    job->training = (struct lw_training){.as_of_ms = job->request.as_of_ms,
                                         .tracked = job->request.tracked,
                                         .looks = job->request.looks};
    if (job->champion && load_champion(e, redis, job, m, err))
        return -1;
    return job->imported ? load_imported(e, redis, job, m, err) : 0;
}

static int train_candidates(struct lw_engine *e, struct lw_job *job,
                            const struct lw_dataset *rows, struct training_models *m,
                            struct lw_err *err) {
    lw_copy(job->training.barred, sizeof job->training.barred, job->request.barred);
    job->training.quarantine = job->quarantine;
    job->training.imported = m->imported;
    m->imported = NULL; /* taken */
    return lw_train(&e->config->spec, rows, m->champion, job->recent, &job->training,
                    err);
}

static int read_and_train(struct lw_engine *e, struct lw_redis *redis, struct lw_job *job,
                          struct training_models *m, struct lw_err *err) {
    const struct lw_spec *spec = &e->config->spec;
    int64_t began = lw_mono_ms();
    struct training_reader in = {.config = e->config,
                                 .engine = e,
                                 .from_ms =
                                     job->request.as_of_ms - spec->retrain.window_ms,
                                 .until_ms = job->request.as_of_ms,
                                 .rows = lw_dataset_new(m->plan)};
    size_t n = (size_t)atomic_load(&e->npartitions);
    struct lw_range *ranges = lw_calloc(n, sizeof *ranges);
    in.intake = lw_intake_new(e->config, e->registry, err);
    if (in.intake) /* the workers waited already */
        lw_intake_patience(in.intake, 0);
    int rc = in.intake ? read_rows(e, redis, &in, ranges, n, err) : -1;
    if (rc == 0)
        rc = train_candidates(e, job, in.rows, m, err);
    if (rc == 0)
        job->facts = lw__version_facts(e->config, job, &in.lineage,
                                       (double)(lw_mono_ms() - began) / 1000.0);
    lw_intake_free(in.intake);
    lw_dataset_free(in.rows);
    free(ranges);
    return rc;
}

static int job_run(struct lw_engine *e, struct lw_redis *redis, struct lw_job *job,
                   struct lw_err *err) {
    struct training_models m;
    int rc = load_models(e, redis, job, &m, err);
    if (rc == 0)
        rc = read_and_train(e, redis, job, &m, err);
    lw_model_free(m.champion);
    lw_model_free(m.imported);
    lw_plan_free(m.plan);
    return rc;
}

/* Retries while a service is unreachable; any other error is the training's outcome. */
static void job_run_until_answered(struct lw_engine *e, struct lw_redis *redis,
                                   struct lw_job *job) {
    for (;;) {
        lw_err_clear(&job->err);
        job->failed = job_run(e, redis, job, &job->err) != 0;
        if (!job->failed || job->err.code != LW_EAGAIN)
            return;
        lw_log(training_retry, LW_QUOTE(job->err.msg));
        if (!lw__engine_sleep(e, 1000))
            return;
    }
}

/* ---- unreadable panes ---- */

#define FILL_TRIES 5 /* one second apart: the step that seals it may be in progress */

/* 0: rebuilt, or impossible; -1: not sealed yet. */
static int rebuild_pane(struct lw_engine *e, struct lw_redis *redis, int64_t start_ms,
                        int32_t partition) {
    const struct lw_rebuilder with = {e->config, e->registry, redis};
    struct lw_rebuilt made;
    struct lw_err err = {0};
    char when[32];
    lw_format_time(when, sizeof when, start_ms);
    int rc = lw_rebuild_pane(&with, start_ms, partition, &made, &err);
    if (rc == 0 && !made.exact)
        rc = lw_fail(
            &err, LW_EINPUT,
            "Kafka has %llu of its %llu events; the others were deleted or were late; "
            "leeway repair panes accepts the difference",
            (unsigned long long)made.pane->events, (unsigned long long)made.wanted);
    if (rc == 0 &&
        lw_damage_fill(redis, &e->config->spec, made.pane, partition, e->who, &err) == 0)
        lw_log(pane_rebuilt, when, partition, (unsigned long long)made.pane->events);
    lw_partition_free(made.partition);
    if (err.code)
        lw_log(pane_not_rebuilt, when, partition, LW_QUOTE(err.msg));
    return err.code == LW_EFENCED || err.code == LW_EAGAIN ? -1 : 0;
}

/* Rebuilds panes whose events Kafka still has unchanged. */
static void rebuild_panes(struct lw_engine *e, struct lw_redis *redis) {
    struct lw_damages all;
    struct lw_err err = {0};
    if (lw_damage_list(redis, &e->config->spec, &all, &err))
        return;
    for (size_t i = 0; i < all.n; i++) {
        int64_t start;
        int32_t partition;
        if (!lw_damage_is_pane(&e->config->spec, all.item[i].name, &start, &partition))
            continue;
        for (int k = 0; k < FILL_TRIES && rebuild_pane(e, redis, start, partition); k++)
            if (!lw__engine_sleep(e, LW_SECOND))
                break;
    }
    free(all.item);
}

void lw__retrainer_rebuild_panes(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    e->lost = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* NULL: the engine stops. */
static struct lw_job *next_job(struct lw_engine *e, struct lw_redis *redis) {
    struct lw_job *job = NULL;
    pthread_mutex_lock(&e->lock);
    while (!atomic_load(&e->stop) && !job) {
        bool lost = e->lost;
        job = e->job_taken ? NULL : e->job;
        if (!job && lost) {
            e->lost = false;
            pthread_mutex_unlock(&e->lock);
            rebuild_panes(e, redis);
            pthread_mutex_lock(&e->lock);
        } else if (!job) {
            pthread_cond_wait(&e->changed, &e->lock);
        }
    }
    job = atomic_load(&e->stop) ? NULL : job;
    e->job_taken = job != NULL;
    pthread_mutex_unlock(&e->lock);
    return job;
}

void *lw__retrainer_main(void *engine) {
    struct lw_engine *e = engine;
    struct lw_err err = {0};
    struct lw_redis *redis = lw_redis_new(&e->config->redis, &err);
    struct lw_job *job;
    if (!redis)
        lw__engine_request_shutdown(e, &err);
    while (redis && (job = next_job(e, redis))) {
        job_run_until_answered(e, redis, job);
        atomic_fetch_add(job->failed ? &e->trainings_failed : &e->trainings, 1);
        pthread_mutex_lock(&e->lock);
        job->done = true;
        pthread_cond_broadcast(&e->changed);
        pthread_mutex_unlock(&e->lock);
    }
    lw_redis_free(redis);
    return NULL;
}

void lw__retrainer_job_free(struct lw_job *job) {
    if (!job)
        return;
    if (!job->failed)
        lw_training_fini(&job->training);
    lw_pane_free(job->recent);
    free(job->facts);
    free(job->origin);
    free(job);
}

void lw__retrainer_post(struct lw_engine *e, struct lw_job *job) {
    pthread_mutex_lock(&e->lock);
    lw_assert(!e->job);
    e->job = job;
    e->job_taken = false;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

struct lw_job *lw__retrainer_collect(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    struct lw_job *job = e->job && e->job->done ? e->job : NULL;
    if (job)
        e->job = NULL;
    pthread_mutex_unlock(&e->lock);
    return job;
}

bool lw__retrainer_busy(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    bool busy = e->job != NULL;
    pthread_mutex_unlock(&e->lock);
    return busy;
}
