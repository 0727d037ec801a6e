/* Server-sent events: `now` when the newest evaluation has changed, and a comment as a
 * heartbeat. A subscription is a response without end; between two events it is
 * suspended, so it costs a connection but no thread. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/now.h"
#include "http/private.h"
#include "http/serve.h"

#define PENDING_MAX                                                                      \
    4096 /* a subscriber that does not read loses events instead of using memory */

/* libmicrohttpd asks for more to send. */
static ssize_t subscriber_read(void *arg, uint64_t at, char *out, size_t max) {
    (void)at;
    struct lw_subscriber *sub = arg;
    struct lw_server *s = sub->server;
    pthread_mutex_lock(&s->lock);
    ssize_t n = MHD_CONTENT_READER_END_OF_STREAM;
    if (sub->pending.len) {
        size_t take = sub->pending.len < max ? sub->pending.len : max;
        memcpy(out, sub->pending.data, take);
        sub->pending.len -= take;
        memmove(sub->pending.data, (char *)sub->pending.data + take, sub->pending.len);
        n = (ssize_t)take;
    } else if (!atomic_load(&s->stop) && !sub->ended) {
        sub->waiting = true;
        MHD_suspend_connection(sub->connection);
        n = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void subscriber_free(void *arg) {
    struct lw_subscriber *sub = arg, **at;
    struct lw_server *s = sub->server;
    pthread_mutex_lock(&s->lock);
    for (at = &s->subscribers; *at && *at != sub; at = &(*at)->next)
        ;
    if (*at) {
        *at = sub->next;
        s->nsubscribers--;
    }
    pthread_mutex_unlock(&s->lock);
    lw_buf_fini(&sub->pending);
    free(sub);
}

static void put_event(struct lw_buf *out, const struct lw_snapshot *n) {
    json_t *o = json_object();
    double at = lw_now_figure(n->now, "at");
    lw_json_set_whole(o, "at_ms", at > 0 ? at : NAN);
    lw_json_set_version(o, "champion", n->aliases.champion);
    lw_json_set_count(o, "alerts_firing", lw_watch_firing(n));
    lw_buf_printf(out, "event: now\ndata: ");
    lw_json_dump(o, 12, out);
    lw_buf_printf(out, "\n\n");
}

/* Needs the lock. */
static void subscriber_push(struct lw_subscriber *sub, const void *data, size_t len) {
    if (sub->pending.len + len <= PENDING_MAX)
        lw_buf_put(&sub->pending, data, len);
    if (sub->waiting) {
        sub->waiting = false;
        MHD_resume_connection(sub->connection);
    }
}

static void push_all(struct lw_server *s, const void *data, size_t len) {
    pthread_mutex_lock(&s->lock);
    for (struct lw_subscriber *sub = s->subscribers; sub; sub = sub->next)
        subscriber_push(sub, data, len);
    pthread_mutex_unlock(&s->lock);
}

void lw_events_publish(struct lw_server *s, const struct lw_snapshot *n) {
    struct lw_buf text = {0};
    put_event(&text, n);
    push_all(s, text.data, text.len);
    lw_buf_fini(&text);
}

void lw_events_beat(struct lw_server *s) {
    push_all(s, ": alive\n\n", 9);
}

void lw_events_end(struct lw_server *s) {
    push_all(s, "", 0); /* woken, they see `stop` */
}

static int held_by(const struct lw_server *s, const struct lw_address *a) {
    int n = 0;
    for (const struct lw_subscriber *sub = s->subscribers; sub; sub = sub->next)
        n += sub->address == a;
    return n;
}

/* Makes room, if necessary by ending a subscription of the address with the most. Needs
 * the lock. A page that loses its stream of events reconnects. */
static bool make_room(struct lw_server *s, const struct lw_address *newcomer) {
    struct lw_subscriber *out = NULL;
    int most = held_by(s, newcomer) + 1;
    if (s->nsubscribers < LW_SUBSCRIBERS)
        return true;
    for (struct lw_subscriber *sub = s->subscribers; sub; sub = sub->next) {
        int n = sub->ended ? 0 : held_by(s, sub->address);
        if (n > most || (out && n == most)) { /* the last in the list is the oldest */
            most = n;
            out = sub;
        }
    }
    if (!out || s->nsubscribers >= 2 * LW_SUBSCRIBERS)
        return false;
    out->ended = true;
    subscriber_push(out, "", 0);
    return true;
}

void lw_serve_events(struct lw_call *c) {
    struct lw_server *s = c->server;
    struct lw_subscriber *sub = lw_calloc(1, sizeof *sub);
    struct lw_snapshot *n = lw_watch_snapshot(s);
    *sub = (struct lw_subscriber){
        .server = s, .connection = c->connection, .address = c->peer->address};
    lw_buf_printf(&sub->pending, "retry: 2000\n\n");
    if (n)
        put_event(&sub->pending,
                  n); /* the first event, so that no client starts without one */
    lw_watch_snapshot_put(n);
    pthread_mutex_lock(&s->lock);
    bool room = make_room(s, sub->address);
    if (room) {
        sub->next = s->subscribers;
        s->subscribers = sub;
        s->nsubscribers++;
    }
    pthread_mutex_unlock(&s->lock);
    if (!room) {
        lw_buf_fini(&sub->pending);
        free(sub);
        lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "there are already %d subscribers: poll /api/v1/now instead",
                     LW_SUBSCRIBERS);
        return;
    }
    c->type = "text/event-stream";
    c->response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 1024, subscriber_read, sub, subscriber_free);
    c->answered = true;
    if (!c->response)
        subscriber_free(sub);
}
