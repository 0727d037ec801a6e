/* The threads for slow requests: those that ask Redis, and predictions of many records.
 *
 * Requests that change something have a thread and a Redis connection of their own, so
 * they never wait for reads. Each address has one read in progress at a time, and the
 * address served longest ago is next. When the queue is full, the address with the most
 * waiting requests loses its newest. So a client that polls in a loop waits only for
 * itself.
 *
 * Redis is single-threaded, and the workers need it. So the readers take turns: a turn is
 * a step of a few milliseconds, and after it Redis is left alone for as long as the turn
 * took. All reads over HTTP together take at most half of its time.
 *
 * Predictions of many records take milliseconds each. They run here too, the address
 * served longest ago first, so that quick requests stay quick beside them.
 *
 * When Redis hangs, a request waits at most `redis.timeout`, and the requests behind it
 * are answered at once, because calls fail without waiting while the connection is down.
 */
#include "base/mem.h"
#include "base/time.h"
#include "http/private.h"

#define PAUSE_MAX_US 50000

/* ---- turns ---- */

static void turn_begin(struct lw_http_thread *a) {
    struct lw_server *s = a->server;
    if (a->lane != LW_LANE_READ)
        return;
    pthread_mutex_lock(&s->turn_lock);
    uint64_t mine = s->turn_next++;
    while (s->turn_now != mine)
        pthread_cond_wait(&s->turn_changed, &s->turn_lock);
    int64_t wait = s->turn_free_us - lw_mono_us();
    pthread_mutex_unlock(&s->turn_lock);
    if (wait > 0)
        lw_sleep_ms((wait + 999) / 1000);
    a->turn = true;
    a->began_us = lw_mono_us();
}

static void turn_end(struct lw_http_thread *a) {
    struct lw_server *s = a->server;
    if (!a->turn)
        return;
    a->turn = false;
    int64_t now = lw_mono_us(), took = now - a->began_us;
    pthread_mutex_lock(&s->turn_lock);
    s->turn_free_us = now + (took < PAUSE_MAX_US ? took : PAUSE_MAX_US);
    s->turn_now++;
    pthread_cond_broadcast(&s->turn_changed);
    pthread_mutex_unlock(&s->turn_lock);
}

void lw_ask_yield(void *call) {
    struct lw_call *c = call;
    turn_end(c->asker);
    turn_begin(c->asker);
}

void lw_ask_done(struct lw_call *c) {
    turn_end(c->asker);
}

/* ---- the queues ---- */

static size_t queued_of(const struct lw_queue *q, const struct lw_address *a) {
    size_t n = 0;
    for (const struct lw_call *c = q->first; c; c = c->next)
        n += c->peer->address == a;
    return n;
}

static struct lw_call *take_out(struct lw_queue *q, struct lw_call **at) {
    struct lw_call *c = *at;
    *at = c->next;
    if (!c->next)
        q->end = at;
    q->n--;
    return c;
}

/* The newest request of the address with the most waiting, if those are more than the
 * newcomer has. */
static struct lw_call *queue_displace(struct lw_queue *q,
                                      const struct lw_address *newcomer) {
    size_t most = queued_of(q, newcomer) + 1;
    struct lw_call **out = NULL;
    for (struct lw_call **at = &q->first; *at; at = &(*at)->next) {
        size_t n = queued_of(q, (*at)->peer->address);
        if (n > most || (out && n == most)) {
            most = n;
            out = at;
        }
    }
    return out ? take_out(q, out) : NULL;
}

static void too_many(struct lw_call *c) {
    lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE, "too many requests are waiting");
}

/* There are as many batches as connections, but one address cannot use all of them. */
static bool is_full(const struct lw_call *c, enum lw_lane lane) {
    const struct lw_server *s = c->server;
    size_t half = (size_t)(s->config->http.connections + 1) / 2;
    return lane == LW_LANE_BATCH ? queued_of(&s->queue[lane], c->peer->address) >= half
                                 : s->queue[lane].n == LW_QUEUE_MAX;
}

bool lw_ask_queue(struct lw_call *c, enum lw_lane lane) {
    struct lw_server *s = c->server;
    struct lw_queue *q = &s->queue[lane];
    struct lw_call *out = NULL;
    pthread_mutex_lock(&s->lock);
    bool full = is_full(c, lane);
    if (full && lane != LW_LANE_BATCH)
        out = queue_displace(q, c->peer->address);
    bool room = (!full || out) && !atomic_load(&s->stop);
    if (room) {
        /* Suspended first, so that no thread resumes it too early. */
        MHD_suspend_connection(c->connection);
        c->next = NULL;
        *q->end = c;
        q->end = &c->next;
        q->n++;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (out) {
        too_many(out);
        MHD_resume_connection(out->connection);
    }
    if (!room)
        too_many(c);
    return room;
}

/* The next request to serve; NULL: none now. */
static struct lw_call *queue_choose(struct lw_server *s, const struct lw_http_thread *a) {
    struct lw_queue *q = &s->queue[a->lane];
    struct lw_call **best = NULL;
    for (struct lw_call **at = &q->first; *at; at = &(*at)->next) {
        const struct lw_address *from = (*at)->peer->address;
        if (a->lane == LW_LANE_READ && from->reading)
            continue;
        if (!best || from->served < (*best)->peer->address->served)
            best = at;
    }
    if (!best)
        return NULL;
    struct lw_call *c = take_out(q, best);
    c->peer->address->served = ++s->served;
    c->peer->address->reading += a->lane == LW_LANE_READ;
    return c;
}

static struct lw_call *queue_take(struct lw_server *s, const struct lw_http_thread *a) {
    struct lw_call *c;
    pthread_mutex_lock(&s->lock);
    while (!(c = queue_choose(s, a)) && !atomic_load(&s->stop))
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return c;
}

/* Resumes the connection; c may be freed from here on. */
static void give_back(struct lw_server *s, const struct lw_http_thread *a,
                      struct lw_call *c) {
    pthread_mutex_lock(&s->lock);
    c->peer->address->reading -= a->lane == LW_LANE_READ;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    c->answered = true;
    MHD_resume_connection(c->connection);
}

/* Runs after `stop` until no request is suspended. */
void *lw_ask_main(void *arg) {
    struct lw_http_thread *a = arg;
    struct lw_server *s = a->server;
    struct lw_call *c;
    while ((c = queue_take(s, a))) {
        c->asker = a;
        c->redis = a->redis;
        lw_redis_forget_why(a->redis); /* of another request */
        if (atomic_load(&s->stop)) {
            lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
        } else {
            turn_begin(a);
            c->route->run(c);
            turn_end(a);
        }
        give_back(s, a, c);
    }
    return NULL;
}
