/* The server does not depend on the engine, so the engine's state is copied here. */
#include "cli/serve.h"

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

static void copy_vitals(void *arg, struct lw_vitals *out) {
    struct lw_serve *s = arg;
    struct lw_engine *engine = atomic_load(&s->engine);
    *out = (struct lw_vitals){.code = LW_CODE_VERSION, .started = engine != NULL};
    if (!engine) {
        pthread_mutex_lock(&s->lock);
        lw_copy(out->waits, sizeof out->waits, s->waits);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    struct lw_engine_status e = lw_engine_status(engine);
    struct lw_err why = {0};
    lw_copy(out->who, sizeof out->who, lw_engine_who(engine));
    out->leading = e.leading;
    out->training = e.training;
    out->stalled = e.stalled;
    out->held = e.paused_partitions;
    out->registry = e.registry;
    out->registry_away = e.registry_away;
    out->registry_requests = e.registry_requests;
    out->registry_failures = e.registry_failures;
    out->since_poll_ms = lw_mono_ms() - e.polled_ms;
    out->counts = e.counts;
    out->trainings = e.trainings;
    out->trainings_failed = e.trainings_failed;
    out->partitions = e.partitions;
    lw_engine_health(engine, &out->health);
    out->live_known = lw_engine_live(engine, &out->live);
    if (lw_engine_failed(engine, &why))
        lw_copy(out->failure, sizeof out->failure, why.msg);
}

int lw_serve_start(struct lw_serve *s, const struct lw_config *config,
                   struct lw_err *err) {
    char address[200];
    struct lw_server_options options = {
        .config = config, .arg = s, .vitals = copy_vitals};
    atomic_store(&s->engine, NULL);
    pthread_mutex_init(&s->lock, NULL);
    s->waits[0] = '\0';
    s->server = NULL;
    if (!config->http.on)
        return 0;
    s->server = lw_server_start(&options, err);
    if (!s->server)
        return -1;
    lw_log(http_listening, lw_server_address(s->server, address, sizeof address));
    return 0;
}

void lw_serve_set_wait(struct lw_serve *s, const struct lw_err *why) {
    pthread_mutex_lock(&s->lock);
    lw_copy(s->waits, sizeof s->waits, why->msg);
    pthread_mutex_unlock(&s->lock);
}

void lw_serve_set_engine(struct lw_serve *s, struct lw_engine *engine) {
    atomic_store(&s->engine, engine);
}

void lw_serve_stop(struct lw_serve *s) {
    lw_server_stop(s->server);
    s->server = NULL;
}
