/* Tests with the real Alertmanager: it accepts our messages, they become alerts with the
 * labels that people route by, are silenced there, last while they are posted again, and
 * resolve there; and its webhook bodies have the form that our `alertmanager_webhook`
 * format produces. Skipped (77) if prometheus-alertmanager is not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alert/alert_json.h"
#include "alert/deliver.h"
#include "alert/notified.h"
#include "alert/notifier.h"
#include "alert/post.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "base/text.h"
#include "base/time.h"
#include "core/task.h"
#include "net/curl.h"
#include "support/http_peer.h"

#define BINARY "/usr/bin/prometheus-alertmanager"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct world {
    char dir[64];
    int port;
    pid_t pid;
    struct lw_peer *hook;
    struct lw_spec *spec;
    struct lw_receiver receiver;
};

/* ---- the process ---- */

static void write_config(const struct world *w, char *path, size_t size) {
    char text[600];
    snprintf(path, size, "%s/alertmanager.yml", w->dir);
    snprintf(text, sizeof text,
             "route:\n  receiver: hook\n  group_by: [alertname, stream]\n"
             "  group_wait: 1s\n  group_interval: 1s\n  repeat_interval: 1h\n"
             "receivers:\n  - name: hook\n    webhook_configs:\n"
             "      - url: http://127.0.0.1:%d/\n",
             lw_peer_port(w->hook));
    assert_int_equal(lw_write_file(path, text, strlen(text), NULL), 0);
}

static pid_t spawn(const struct world *w, const char *config) {
    char file[240], storage[240], listen[80], log[240];
    snprintf(file, sizeof file, "--config.file=%s", config);
    snprintf(storage, sizeof storage, "--storage.path=%s/data", w->dir);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%d", w->port);
    snprintf(log, sizeof log, "%s/log", w->dir);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execl(BINARY, BINARY, file, storage, listen,
          "--cluster.listen-address=", (char *)NULL);
    _exit(127);
}

static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char child[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        if (unlink(child) < 0)
            remove_tree(child);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

/* ---- its API ---- */

static size_t take(char *data, size_t size, size_t count, void *arg) {
    lw_buf_put(arg, data, size * count);
    return size * count;
}

/* The JSON answer, or NULL. body NULL: GET. */
static json_t *call(const struct world *w, const char *method, const char *path,
                    const char *body, long *status) {
    char url[300];
    struct lw_buf answer = {0};
    CURL *curl = curl_easy_init();
    struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json");
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", w->port, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, type);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    *status = 0;
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(type);
    json_t *root =
        json_loadb((const char *)answer.data, answer.len, JSON_DECODE_ANY, NULL);
    lw_buf_fini(&answer);
    return root;
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
}

static json_t *alerts(const struct world *w, const char *query) {
    char path[200];
    long status;
    snprintf(path, sizeof path, "/api/v2/alerts?%s", query);
    json_t *list = call(w, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    return list;
}

/* Waits until the query finds n alerts; returns the list. */
static json_t *wait_alerts(const struct world *w, const char *query, size_t n) {
    json_t *list = alerts(w, query);
    for (int i = 0; i < 200 && json_array_size(list) != n; i++) {
        nap();
        json_decref(list);
        list = alerts(w, query);
    }
    assert_int_equal(json_array_size(list), n);
    return list;
}

/* The newest webhook body, once `count` of them have arrived. */
static json_t *wait_hook(const struct world *w, unsigned count) {
    for (int i = 0; i < 400 && lw_peer_count(w->hook) < count; i++)
        nap();
    assert_int_equal(lw_peer_count(w->hook), count);
    char *request = lw_peer_request(w->hook, NULL);
    json_t *body = json_loads(strstr(request, "\r\n\r\n") + 4, 0, NULL);
    assert_non_null(body);
    free(request);
    return body;
}

/* ---- our side ---- */

static const struct lw_metric metric = {.name = "psi"};
static struct lw_rule rule = {.name = "psi-day", .metric = &metric};

static struct lw_alert alert(bool firing, enum lw_severity severity) {
    struct lw_alert a = {.fingerprint = 1,
                         .incident = 2,
                         .firing = firing,
                         .rule = &rule,
                         .severity = severity,
                         .value = 0.31,
                         .threshold = 0.25,
                         .n = 1000,
                         .model_version = 3};
    lw_copy(a.name, sizeof a.name, "psi-day");
    lw_copy(a.feature, sizeof a.feature, "trip_distance");
    lw_copy(a.window, sizeof a.window, "day");
    lw_copy(a.summary, sizeof a.summary, "trip_distance has moved");
    a.at_ms = lw_wall_ms() / LW_HOUR * LW_HOUR;
    a.since_ms = a.at_ms - LW_HOUR;
    return a;
}

/* Sends one message in the given format through all of our code to Alertmanager. */
static void post_message(const struct world *w, bool firing, enum lw_severity severity) {
    struct lw_alert a = alert(firing, severity);
    struct lw_alert_context c = {.now_ms = lw_wall_ms(), .page_url = "http://127.0.0.1/"};
    struct lw_buf json = {0};
    struct lw_post_result res;
    assert_int_equal(lw_alert_json_write(w->spec, &a, &c, &json, NULL), 0);
    lw_deliver(&w->receiver, lw_buf_str(&json), json.len, c.now_ms, &res);
    if (res.verdict != LW_POST_DELIVERED)
        fail_msg("%s", res.reason);
    lw_buf_fini(&json);
}

static json_t *our_webhook(const struct world *w, bool firing,
                           enum lw_severity severity) {
    struct lw_receiver r = w->receiver;
    struct lw_secrets s = {0};
    struct lw_alert a = alert(firing, severity);
    struct lw_alert_context c = {.now_ms = lw_wall_ms(), .page_url = "http://127.0.0.1/"};
    struct lw_buf json = {0}, body = {0};
    r.format = LW_FORMAT_ALERTMANAGER_WEBHOOK;
    assert_int_equal(lw_alert_json_write(w->spec, &a, &c, &json, NULL), 0);
    assert_int_equal(
        lw_render_body(&r, &s,
                       &(struct lw_render_input){lw_buf_str(&json), json.len, c.now_ms},
                       &body, NULL),
        0);
    json_t *root = json_loadb((const char *)body.data, body.len, 0, NULL);
    lw_buf_fini(&json);
    lw_buf_fini(&body);
    return root;
}

static const char *text(const json_t *o, const char *a, const char *b) {
    const char *t = json_string_value(json_object_get(json_object_get(o, a), b));
    return t == NULL ? "(none)" : t;
}

/* Both have the same members of the same types. */
static void assert_same_form(json_t *ours, json_t *theirs, const char *where) {
    const char *key;
    json_t *v;
    json_object_foreach(theirs, key, v) {
        const json_t *mine = json_object_get(ours, key);
        if (mine == NULL || json_typeof(mine) != json_typeof(v))
            fail_msg("%s: member %s is missing in ours, or of another type", where, key);
    }
    if (json_object_size(ours) != json_object_size(theirs))
        fail_msg("%s: we have %zu members, Alertmanager %zu", where,
                 json_object_size(ours), json_object_size(theirs));
}

/* `endsAt` is in the future, at most by that much. */
static void assert_expires(const json_t *a, int64_t within_ms) {
    int64_t ends = 0;
    const char *at = json_string_value(json_object_get(a, "endsAt"));
    assert_true(at != NULL && lw_parse_time(at, &ends));
    assert_true(ends > lw_wall_ms() && ends <= lw_wall_ms() + within_ms);
}

static void an_alert_fires_is_silenced_and_resolves(void **state) {
    struct world *w = *state;
    long status;
    post_message(w, true, LW_SEVERITY_WARN);
    json_t *list = wait_alerts(w, "active=true", 1);
    json_t *a = json_array_get(list, 0);
    assert_string_equal(text(a, "labels", "alertname"), "psi-day");
    assert_string_equal(text(a, "labels", "stream"), "nyc-green");
    assert_string_equal(text(a, "labels", "severity"), "warning");
    assert_string_equal(text(a, "labels", "feature"), "trip_distance");
    assert_string_equal(text(a, "annotations", "description"), "trip_distance has moved");
    assert_string_equal(text(a, "status", "state"), "active");
    json_decref(list);

    /* Bodies of the real Alertmanager have the same members as ours. */
    json_t *real = wait_hook(w, 1), *ours = our_webhook(w, true, LW_SEVERITY_WARN);
    assert_same_form(ours, real, "message");
    assert_int_equal(json_array_size(json_object_get(real, "alerts")), 1);
    json_t *theirs = json_array_get(json_object_get(real, "alerts"), 0);
    json_t *mine = json_array_get(json_object_get(ours, "alerts"), 0);
    assert_same_form(mine, theirs, "alert");
    assert_true(
        json_equal(json_object_get(mine, "labels"), json_object_get(theirs, "labels")));
    assert_true(json_equal(json_object_get(mine, "annotations"),
                           json_object_get(theirs, "annotations")));
    assert_string_equal(json_string_value(json_object_get(theirs, "endsAt")),
                        json_string_value(json_object_get(mine, "endsAt")));
    assert_string_equal(json_string_value(json_object_get(theirs, "status")), "firing");
    assert_true(json_equal(json_object_get(ours, "groupLabels"),
                           json_object_get(real, "groupLabels")));
    assert_string_equal(json_string_value(json_object_get(ours, "groupKey")),
                        json_string_value(json_object_get(real, "groupKey")));
    json_decref(real);
    json_decref(ours);

    /* Sent again: still one alert, and no second notification. */
    post_message(w, true, LW_SEVERITY_WARN);
    json_decref(wait_alerts(w, "active=true", 1));

    /* Now critical: another alert in the same group. */
    post_message(w, true, LW_SEVERITY_CRITICAL);
    list = wait_alerts(w, "filter=severity%3Dcritical", 1);
    assert_expires(json_array_get(list, 0), 4 * LW_MINUTE);
    json_decref(list);
    real = wait_hook(w, 2);
    assert_int_equal(json_array_size(json_object_get(real, "alerts")), 2);
    json_decref(real);

    /* Silenced there. */
    char body[600], from[40], until[40];
    lw_format_time(from, sizeof from, lw_wall_ms());
    lw_format_time(until, sizeof until, lw_wall_ms() + LW_HOUR);
    snprintf(
        body, sizeof body,
        "{\"matchers\":[{\"name\":\"stream\",\"value\":\"nyc-green\",\"isRegex\":false}],"
        "\"startsAt\":\"%s\",\"endsAt\":\"%s\",\"createdBy\":\"t\",\"comment\":\"c\"}",
        from, until);
    json_t *made = call(w, "POST", "/api/v2/silences", body, &status);
    assert_int_equal(status, 200);
    char path[200];
    snprintf(path, sizeof path, "/api/v2/silence/%s",
             json_string_value(json_object_get(made, "silenceID")));
    json_decref(made);
    list = wait_alerts(w, "silenced=true&active=false", 2);
    assert_string_equal(text(json_array_get(list, 0), "status", "state"), "suppressed");
    json_decref(list);
    json_decref(call(w, "DELETE", path, NULL, &status));
    assert_int_equal(status, 200);
    json_decref(wait_alerts(w, "silenced=false&active=true", 2));

    /* Each resolution causes a notification. */
    post_message(w, false, LW_SEVERITY_CRITICAL);
    json_decref(wait_alerts(w, "", 1));
    json_decref(wait_hook(w, 3));
    post_message(w, false, LW_SEVERITY_WARN);
    json_decref(wait_alerts(w, "", 0));
    real = wait_hook(w, 4);
    assert_string_equal(json_string_value(json_object_get(real, "status")), "resolved");
    json_decref(real);
}

/* Sends what is due at that moment, according to the last notification, as the leader
 * does. */
static enum lw_notify send_due(const struct world *w, const struct lw_alert *a,
                               struct lw_notified *notified, int64_t now_ms) {
    struct lw_alert_status s = {
        .incident = a->incident, .firing = a->firing, .severity = a->severity};
    struct lw_alert_context c = {.now_ms = now_ms, .page_url = "http://127.0.0.1/"};
    struct lw_buf json = {0}, again = {0};
    struct lw_post_result res = {.verdict = LW_POST_DELIVERED};
    lw_copy(s.rule, sizeof s.rule, a->name);
    struct lw_notified_step step = lw_notified_next(&w->receiver, &s, notified, now_ms);
    assert_int_equal(lw_alert_json_write(w->spec, a, &c, &json, NULL), 0);
    const struct lw_restated how = {.notified = step.notified, .now_ms = now_ms};
    if (step.what == LW_NOTIFY_REPEAT)
        assert_int_equal(
            lw_alert_json_restate(lw_buf_str(&json), json.len, &how, &again, NULL), 0);
    struct lw_buf *what = step.what == LW_NOTIFY_REPEAT ? &again : &json;
    if (step.what != LW_NOTIFY_NOTHING)
        lw_deliver(&w->receiver, lw_buf_str(what), what->len, now_ms, &res);
    if (res.verdict != LW_POST_DELIVERED)
        fail_msg("%s", res.reason);
    *notified = step.notified;
    lw_buf_fini(&json);
    lw_buf_fini(&again);
    return step.what;
}

static int64_t ends_at(const struct world *w) {
    int64_t ends = 0;
    json_t *list = wait_alerts(w, "filter=stream%3Dlasting", 1);
    const char *at =
        json_string_value(json_object_get(json_array_get(list, 0), "endsAt"));
    assert_true(at && lw_parse_time(at, &ends));
    json_decref(list);
    return ends;
}

/* An alert lasts there as long as it is posted again, and subscribers of Alertmanager are
 * notified once. The test controls the clock that determines the repetitions. */
static void a_repeated_alert_continues_to_fire(void **state) {
    struct world *w = *state;
    unsigned before = lw_peer_count(w->hook);
    struct lw_alert a = alert(true, LW_SEVERITY_CRITICAL);
    struct lw_notified notified = {0};
    int64_t now = lw_wall_ms();
    lw_copy(w->spec->stream, sizeof w->spec->stream, "lasting");
    assert_int_equal(send_due(w, &a, &notified, now), LW_NOTIFY_CHANGE);
    json_decref(wait_hook(w, before + 1));
    int64_t last = ends_at(w);
    for (int minute = 1; minute <= 5; minute++) {
        int64_t then = now + minute * w->receiver.repeat_ms;
        assert_int_equal(send_due(w, &a, &notified, then - 1), LW_NOTIFY_NOTHING);
        assert_int_equal(send_due(w, &a, &notified, then), LW_NOTIFY_REPEAT);
        int64_t next = ends_at(w);
        for (int i = 0; i < 100 && next <= last; i++) { /* the update takes a while */
            nap();
            next = ends_at(w);
        }
        assert_true(next >= last + w->receiver.repeat_ms && next > then);
        last = next;
    }
    assert_int_equal(lw_peer_count(w->hook), before + 1); /* one notification in all */
    a.firing = false;
    assert_int_equal(send_due(w, &a, &notified, lw_wall_ms()), LW_NOTIFY_CHANGE);
    json_t *real = wait_hook(w, before + 2);
    assert_string_equal(json_string_value(json_object_get(real, "status")), "resolved");
    json_decref(real);
    json_decref(wait_alerts(w, "filter=stream%3Dlasting", 0));
}

/* An incident that is critical from the start: its notifications contain that one alert
 * only. */
static void a_critical_incident_is_one_alert(void **state) {
    struct world *w = *state;
    unsigned before = lw_peer_count(w->hook);
    lw_copy(w->spec->stream, sizeof w->spec->stream, "other");
    for (int firing = 1; firing >= 0; firing--) {
        post_message(w, firing, LW_SEVERITY_CRITICAL);
        json_t *real = wait_hook(w, ++before);
        json_t *list = json_object_get(real, "alerts");
        assert_int_equal(json_array_size(list), 1);
        assert_string_equal(text(json_array_get(list, 0), "labels", "severity"),
                            "critical");
        assert_string_equal(json_string_value(json_object_get(real, "status")),
                            firing ? "firing" : "resolved");
        json_decref(real);
    }
}

/* An alert that nobody was notified of is not resolved either. */
static void an_unknown_incident_is_resolved_without_notification(void **state) {
    struct world *w = *state;
    unsigned before = lw_peer_count(w->hook);
    lw_copy(w->spec->stream, sizeof w->spec->stream, "never-fired");
    post_message(w, false, LW_SEVERITY_WARN);
    lw_copy(w->spec->stream, sizeof w->spec->stream, "fired-after");
    post_message(w, true, LW_SEVERITY_WARN);
    json_t *real = wait_hook(w, before + 1);
    assert_string_equal(text(real, "commonLabels", "stream"), "fired-after");
    json_decref(real);
}

/* ---- order ---- */

#define BOX 4

/* An outbox in memory, and the notifier's own rules. */
struct box {
    size_t n;
    struct lw_notifier_entry waiting[BOX];
    char id[BOX][LW_ALERT_ID_MAX + LW_RECEIVER_NAME_MAX];
    struct lw_buf json[BOX];
};

static void put_out(struct box *b, const struct world *w, uint64_t incident,
                    bool firing) {
    struct lw_alert a = alert(firing, LW_SEVERITY_CRITICAL);
    struct lw_alert_context c = {.now_ms = lw_wall_ms(), .page_url = "http://127.0.0.1/"};
    char id[LW_ALERT_ID_MAX];
    a.incident = incident;
    assert_true(b->n < BOX);
    assert_int_equal(lw_alert_json_write(w->spec, &a, &c, &b->json[b->n], NULL), 0);
    lw_alert_json_id(id, sizeof id, &a, 0);
    lw_notifier_outbox_id(b->id[b->n], sizeof b->id[b->n], id, w->receiver.name);
    b->waiting[b->n] = (struct lw_notifier_entry){b->id[b->n], a.fingerprint, 0};
    b->n++;
}

/* Sends what is due at that time; failed messages wait, as in the notifier. */
static void deliver_due(struct box *b, const struct lw_receiver *r, int64_t now_ms) {
    size_t i;
    struct lw_post_result result;
    while (lw_notifier_due(b->waiting, b->n, now_ms, &i, 1)) {
        lw_deliver(r, lw_buf_str(&b->json[i]), b->json[i].len, now_ms, &result);
        struct lw_notifier_step next =
            lw_notifier_next(r, b->id[i], &result, 1, now_ms, now_ms);
        b->waiting[i].not_before_ms = next.not_before_ms;
        if (next.what == LW_NOTIFIER_RETRY)
            continue;
        assert_int_equal(next.what, LW_NOTIFIER_DONE);
        lw_buf_fini(&b->json[i]);
        b->n--;
        for (; i < b->n; i++) {
            b->json[i] = b->json[i + 1];
            lw_copy(b->id[i], sizeof b->id[i], b->id[i + 1]);
            b->waiting[i] = b->waiting[i + 1];
            b->waiting[i].id = b->id[i];
        }
        b->json[b->n] = (struct lw_buf){0};
    }
}

/* The resolution of an incident cannot be delivered, the next incident of the same alert
 * starts, and then Alertmanager answers again: the next incident stays open. */
static void a_late_resolution_keeps_the_new_incident_open(void **state) {
    struct world *w = *state;
    unsigned before = lw_peer_count(w->hook);
    struct box b = {0};
    struct lw_receiver away = w->receiver;
    int64_t now = lw_wall_ms();
    lw_copy(w->spec->stream, sizeof w->spec->stream, "again");
    snprintf(away.url, sizeof away.url, "http://127.0.0.1:%d", lw_peer_free_port());
    put_out(&b, w, 0xa, true);
    deliver_due(&b, &w->receiver, now);
    assert_int_equal(b.n, 0);
    json_decref(wait_hook(w, ++before));

    put_out(&b, w, 0xa, false);
    deliver_due(&b, &away, now); /* fails, and waits */
    put_out(&b, w, 0xb, true);
    deliver_due(&b, &w->receiver, now);
    assert_int_equal(b.n, 2); /* the new one waits behind it */
    deliver_due(&b, &w->receiver, now + 2 * LW_HOUR);
    assert_int_equal(b.n, 0);
    for (int i = 0; i < 100; i++) { /* no further change may follow */
        json_t *list = wait_alerts(w, "filter=stream%3Dagain", 1);
        const json_t *a = json_array_get(list, 0);
        bool settled =
            strcmp(text(a, "annotations", "incident"), "000000000000000b") == 0;
        if (settled) {
            assert_string_equal(text(a, "status", "state"), "active");
            i = 100;
        }
        json_decref(list);
        if (!settled)
            nap();
        assert_true(settled || i < 99);
    }
    put_out(&b, w, 0xb, false);
    deliver_due(&b, &w->receiver, lw_wall_ms());
    json_decref(wait_alerts(w, "filter=stream%3Dagain", 0));
}

static int start(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char config[200];
    long status = 0;
    *state = w;
    if (lw_curl_init(NULL) < 0)
        return -1;
    unsetenv("http_proxy");
    w->hook = lw_peer_start(LW_PEER_REPLY, OK);
    snprintf(w->dir, sizeof w->dir, "/tmp/lw-alertmanager-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->port = lw_peer_free_port();
    w->spec = calloc(1, sizeof *w->spec);
    w->spec->task = &lw_task_regression;
    lw_copy(w->spec->stream, sizeof w->spec->stream, "nyc-green");
    w->receiver = lw_receiver_defaults();
    w->receiver.format = LW_FORMAT_ALERTMANAGER;
    lw_copy(w->receiver.name, sizeof w->receiver.name, "hook");
    snprintf(w->receiver.url, sizeof w->receiver.url, "http://127.0.0.1:%d", w->port);
    assert_int_equal(lw_receiver_check(&w->receiver, NULL), 0);
    write_config(w, config, sizeof config);
    w->pid = spawn(w, config);
    for (int i = 0; i < 400 && status != 200; i++) {
        nap();
        json_decref(call(w, "GET", "/-/ready", NULL, &status));
    }
    return status == 200 ? 0 : -1;
}

static int stop(void **state) {
    struct world *w = *state;
    if (w->pid > 0) {
        kill(w->pid, SIGTERM);
        waitpid(w->pid, NULL, 0);
    }
    lw_peer_stop(w->hook);
    remove_tree(w->dir);
    free(w->spec);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_fires_is_silenced_and_resolves),
        cmocka_unit_test(a_repeated_alert_continues_to_fire),
        cmocka_unit_test(a_critical_incident_is_one_alert),
        cmocka_unit_test(a_late_resolution_keeps_the_new_incident_open),
        cmocka_unit_test(an_unknown_incident_is_resolved_without_notification)};
    if (access(BINARY, X_OK) < 0)
        return 77;
    return cmocka_run_group_tests(tests, start, stop);
}
