/* GET /healthz, /readyz: from memory, even while services are down.
 *
 * A healthy process need not be restarted. A ready process does its work, and its stream
 * progresses. core/health.h decides both; this file reports them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "http/private.h"
#include "http/serve.h"

static void answer_checks(struct lw_call *c, json_t *o, json_t *reasons, const char *well,
                          const char *ill) {
    bool ok = json_array_size(reasons) == 0;
    lw_json_set_text(o, "status", ok ? well : ill);
    if (!ok)
        json_object_set(o, "reasons", reasons);
    json_decref(reasons);
    lw_call_json(c, o);
    c->status = ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static void add_reason(json_t *reasons, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add_reason(json_t *reasons, const char *fmt, ...) {
    char text[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(reasons, lw_json_text(text, SIZE_MAX));
}

/* What other live processes report about themselves; this process has its own reasons. */
static void add_others(json_t *warnings, const struct lw_health *h, const char *who) {
    for (size_t i = 0; i < h->ntroubles; i++) {
        const struct lw_trouble *t = &h->trouble[i];
        char at[32];
        if (strcmp(t->who, who) != 0)
            add_reason(warnings, "%.90s: %s: %s (since %s)", t->who,
                       lw_health_component_name(t->component), t->text,
                       lw_format_time(at, sizeof at, t->since_ms));
    }
}

/* Warnings: the process is healthy, but a person should know. */
static void add_warnings(json_t *o, const struct lw_snapshot *n,
                         const struct lw_vitals *v) {
    json_t *warnings = json_array();
    for (int k = 0; n && k < 2; k++)
        if (n->unreadable[k][0])
            add_reason(warnings, "%s", n->unreadable[k]);
    add_others(warnings, &v->health, v->who);
    if (json_array_size(warnings))
        json_object_set(o, "warnings", warnings);
    json_decref(warnings);
}

/* Alive. A service that is down is no reason to restart the process. */
static void add_failures(json_t *reasons, const struct lw_vitals *v) {
    if (v->failure[0])
        add_reason(reasons, "a thread cannot continue: %s", v->failure);
    if (v->started && v->since_poll_ms > LW_STALE_POLL_MS)
        add_reason(reasons, "a worker has not polled Kafka for %lld s",
                   (long long)(v->since_poll_ms / LW_SECOND));
}

void lw_serve_health(struct lw_call *c) {
    struct lw_vitals v = {0};
    json_t *reasons = json_array(), *o = json_object();
    struct lw_snapshot *n = lw_watch_snapshot(c->server);
    c->server->options.vitals(c->server->options.arg, &v);
    add_failures(reasons, &v);
    add_warnings(o, n, &v);
    lw_watch_snapshot_put(n);
    answer_checks(c, o, reasons, "ok", "failing");
}

/* ---- ready ---- */

/* A component that is failing or not known to be well: a reason in words, and an object.
 */
static void add_component(json_t *reasons, json_t *failing, enum lw_component c,
                          const struct lw_health_item *item) {
    bool ill = item->condition == LW_ILL;
    const char *text = item->text[0] ? item->text : "not known yet";
    char at[32] = "";
    if (item->condition == LW_WELL)
        return;
    if (ill)
        lw_format_time(at, sizeof at, item->since_ms);
    add_reason(reasons, "%s: %s%s%s%s", lw_health_component_name(c), text,
               ill ? " (since " : "", at, ill ? ")" : "");
    json_t *o = json_object();
    lw_json_set_text(o, "component", lw_health_component_name(c));
    lw_json_set_bool(o, "known", ill);
    lw_json_set_ms(o, "since_ms", ill ? item->since_ms : 0);
    lw_json_set_text(o, "text", text);
    json_array_append_new(failing, o);
}

static void add_components(json_t *reasons, json_t *o, const struct lw_health *h) {
    json_t *failing = json_array();
    for (int c = 0; c < LW_COMPONENTS; c++)
        add_component(reasons, failing, (enum lw_component)c, &h->item[c]);
    if (json_array_size(failing))
        json_object_set(o, "failing", failing);
    json_decref(failing);
}

bool lw_serve_is_ready(const struct lw_vitals *v, const struct lw_snapshot *n) {
    return v->started && !v->failure[0] && v->since_poll_ms <= LW_STALE_POLL_MS &&
           lw_health_ready(&v->health, lw_mono_ms()) && n && !n->unusable &&
           !n->aliases.damaged;
}

void lw_serve_ready(struct lw_call *c) {
    struct lw_vitals v = {0};
    json_t *reasons = json_array(), *o = json_object();
    struct lw_snapshot *n = lw_watch_snapshot(c->server);
    struct lw_champion *champion = lw_watch_champion(c->server);
    c->server->options.vitals(c->server->options.arg, &v);
    if (!v.started)
        add_reason(reasons, "the workers have not started: %s",
                   v.waits[0] ? v.waits
                              : "Kafka does not answer, or the topic does not exist");
    else
        add_components(reasons, o, &v.health);
    add_failures(reasons, &v);
    if (v.started && v.health.looked_ms &&
        lw_mono_ms() - v.health.looked_ms >= LW_HEALTH_STALE_MS)
        add_reason(reasons, "health has not been checked for %lld s",
                   (long long)((lw_mono_ms() - v.health.looked_ms) / LW_SECOND));
    if (!n)
        add_reason(reasons, "redis: nothing has been read yet");
    if (n && n->unusable)
        add_reason(reasons,
                   "version %u is champion and cannot be used, so nothing is scored: "
                   "see the log for the reason and promote another version",
                   n->unusable);
    if (n && n->aliases.damaged)
        add_reason(reasons,
                   "the alias champion in Redis is damaged, so the scoring version is "
                   "unknown: see `leeway repair`, or promote a version");
    lw_json_set_version(o, "champion", champion ? champion->version : 0);
    lw_json_set_int(o, "partitions", v.partitions);
    lw_json_set_bool(o, "leading", v.leading);
    add_warnings(o, n, &v);
    lw_watch_snapshot_put(n);
    lw_watch_champion_put(champion);
    answer_checks(c, o, reasons, "ready", "waiting");
}
