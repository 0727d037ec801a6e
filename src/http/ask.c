/* The thread that asks Redis for those requests that need it: one at a time, in order,
 * over one connection. A Redis that hangs costs each at most `redis.timeout`, and the
 * ones behind it an answer at once, for calls fail without waiting between attempts to
 * reconnect. */
#include "base/time.h"
#include "http/private.h"

bool lw_ask_queue(struct lw_call *c) {
    struct lw_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    bool room = s->queued < LW_QUEUE_MAX && !atomic_load(&s->stop);
    if (room) {
        /* Suspended before anybody can resume it. */
        MHD_suspend_connection(c->connection);
        c->next = NULL;
        *s->queue_end = c;
        s->queue_end = &c->next;
        s->queued++;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (!room)
        lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE, "too many requests wait for Redis");
    return room;
}

static struct lw_call *take(struct lw_server *s) {
    pthread_mutex_lock(&s->lock);
    while (!s->queue && !atomic_load(&s->stop))
        pthread_cond_wait(&s->changed, &s->lock);
    struct lw_call *c = s->queue;
    if (c) {
        s->queue = c->next;
        s->queue_end = s->queue ? s->queue_end : &s->queue;
        s->queued--;
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}

/* Goes on after `stop` until nothing is suspended any more. */
void *lw_ask_main(void *arg) {
    struct lw_server *s = arg;
    struct lw_call *c;
    while ((c = take(s))) {
        if (atomic_load(&s->stop))
            lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
        else
            c->route->run(c);
        c->answered = true;
        struct MHD_Connection *connection = c->connection;
        MHD_resume_connection(connection); /* c may be gone from here on */
    }
    return NULL;
}
