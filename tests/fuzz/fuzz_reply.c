/* Replies of Redis: the first byte selects the operation, the rest are the bytes of the
 * reply, after which the connection ends. Each operation of the store succeeds, or fails
 * with a reason; its result is completely readable. */
#include "support/core_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/alerts.h"
#include "store/conn.h"
#include "store/history.h"
#include "store/lease.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/requests.h"
#include "store/silences.h"
#include "store/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 3

static void failed(int rc, const struct lw_err *err) {
    lw_assert(rc >= 0 || (err->code != LW_OK && err->msg[0]));
}

static void view(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_partition_view out[PARTS];
    failed(lw_state_view(r, spec, "t", PARTS, out, &err), &err);
}

static void pane(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_unreadable_panes unread = {0};
    struct lw_pane *p = lw_state_pane(r, spec, PARTS, CORE_START, &unread, &err);
    failed(p ? 0 : -1, &err);
    lw_pane_free(p);
    lw_unreadable_fini(&unread);
}

static void ranges(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_range out[PARTS];
    int64_t start;
    failed(lw_state_ranges(r, spec, PARTS,
                           (struct lw_time_range){CORE_START, CORE_START + LW_DAY}, out,
                           &err),
           &err);
    failed(lw_state_next_pane(r, spec, CORE_START, &start, &err), &err);
}

static void lease(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_lease l = {0};
    lw_copy(l.who, sizeof l.who, "me");
    failed(lw_lease_hold(r, spec, &l, &err), &err);
}

static void detector(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_monitor_state state = {0};
    failed(lw_monitor_state_load(r, spec, &state, &err), &err);
    free(state.state);
}

static void version(const struct lw_version *v) {
    volatile char sink = 0;
    const char *model = v->model;
    for (size_t i = 0; model && i < v->model_len; i++)
        sink = (char)(sink ^ model[i]);
}

static void models(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_aliases aliases;
    struct lw_version v;
    failed(lw_models_aliases(r, spec, &aliases, &err), &err);
    struct lw_reply *reply = lw_models_get(r, spec, 1, &v, &err);
    failed(reply ? 0 : -1, &err);
    if (reply)
        version(&v);
    lw_reply_free(reply);
}

static void outbox(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_delivery out[4];
    size_t n = 0;
    struct lw_reply *reply = lw_outbox_read(
        r, spec, (struct lw_outbox_of){.receiver = "", .max = 4}, out, &n, &err);
    failed(reply ? 0 : -1, &err);
    for (size_t i = 0; reply && i < n; i++)
        lw_assert(out[i].entry[0] && out[i].id && out[i].json[out[i].len] == '\0');
    lw_reply_free(reply);
}

static void parked(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_parked out[4];
    size_t n = 0;
    struct lw_reply *reply = lw_parked_read(r, spec, 4, out, &n, &err);
    failed(reply ? 0 : -1, &err);
    for (size_t i = 0; reply && i < n; i++)
        lw_assert(out[i].id && out[i].json && out[i].json[out[i].len] == '\0');
    lw_reply_free(reply);
}

static void alerts(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_alerts a = {0};
    int rc = lw_alerts_read(r, spec, CORE_START, &a, &err);
    failed(rc, &err);
    if (rc == 0)
        lw_alerts_firing(&a);
    lw_alerts_fini(&a);
}

static void on_alert(void *arg, const struct lw_alert_status *alert) {
    *(size_t *)arg += strlen(alert->rule);
}
static void on_message(void *arg, const char *fingerprint, const char *json, size_t len) {
    lw_assert(json[len] == '\0');
    *(size_t *)arg += strlen(fingerprint);
}
static void on_notified(void *arg, const char *name, const char *text) {
    *(size_t *)arg += strlen(name) + strlen(text);
}

static void notifications(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    size_t bytes = 0, n = 0;
    struct lw_silence *silence = NULL;
    struct lw_notifications_reader reader = {&bytes, on_alert, on_message, on_notified};
    failed(lw_notifications_load(r, spec, &reader, &err), &err);
    failed(lw_silences_load(r, spec, CORE_START, &silence, &n, &err), &err);
    free(silence);
}

static void history(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    static const char *const field[] = {"a", "b"};
    struct lw_history_query query = {.from_ms = INT64_MIN,
                                     .until_ms = INT64_MAX,
                                     .max = 50,
                                     .nfields = 2,
                                     .field = field};
    struct lw_history out = {0};
    failed(lw_history_read(r, spec, &query, &out, &err), &err);
    lw_history_fini(&out);
}

static void meta(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_err err = {0};
    struct lw_requested asked_for;
    lw_meta_partitions(r, spec, "trips", 2, &err);
    lw_err_clear(&err);
    lw_requests_first(r, spec, &asked_for, &err);
    lw_err_clear(&err);
    lw_redis_info(r, "redis_version", &err);
}

/* An open connection whose other end has already sent everything. */
static struct lw_redis *answered(const uint8_t *data, size_t size, int *other) {
    struct lw_err err = {0};
    struct lw_redis_options options = {.url = "unix:/nowhere", .timeout_ms = 1000};
    int ends[2];
    struct lw_redis *r = lw_redis_new(&options, &err);
    lw_assert(r && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    while (size > 0) {
        ssize_t n = send(ends[1], data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            break; /* more than the socket buffer: truncated */
        data += n;
        size -= (size_t)n;
    }
    shutdown(ends[1], SHUT_WR);
    r->ctx = redisConnectFd(ends[0]);
    r->next_try_ms = INT64_MAX; /* no reconnect */
    lw_assert(r->ctx);
    *other = ends[1]; /* stays open; the socket buffer takes the requests */
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct lw_spec *spec;
    static void (*const verbs[])(struct lw_redis *, const struct lw_spec *) = {
        view,   pane,   ranges, lease,         detector, models,
        outbox, parked, alerts, notifications, history,  meta};
    if (size == 0)
        return 0;
    if (!spec)
        spec = core_spec_new();
    int other;
    struct lw_redis *r = answered(data + 1, size - 1, &other);
    verbs[data[0] % (sizeof verbs / sizeof *verbs)](r, spec);
    lw_redis_free(r);
    close(other);
    return 0;
}
