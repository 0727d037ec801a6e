/* The demo's webhook receiver: accepts any POST and passes its body on. */
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <microhttpd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/demo.h"

#define BODY_MAX 65536

struct lw_demo_webhook {
    struct MHD_Daemon *daemon;
    int port;
    void (*received)(void *arg, const char *body);
    void *arg;
};

static enum MHD_Result send_response(struct MHD_Connection *connection) {
    struct MHD_Response *r =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result rc = MHD_queue_response(connection, MHD_HTTP_NO_CONTENT, r);
    MHD_destroy_response(r);
    return rc;
}

/* NOLINTNEXTLINE(readability-function-size) the library's signature */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data, size_t *size,
                                  void **state) {
    struct lw_demo_webhook *w = arg;
    struct lw_buf *body = *state;
    (void)url;
    (void)version;
    if (strcmp(method, "POST") != 0)
        return MHD_NO;
    if (!body) {
        *state = lw_calloc(1, sizeof *body);
        return MHD_YES;
    }
    if (*size > 0) {
        if (body->len + *size <= BODY_MAX)
            lw_buf_put(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    w->received(w->arg, lw_buf_str(body));
    return send_response(connection);
}

static void on_done(void *arg, struct MHD_Connection *connection, void **state,
                    enum MHD_RequestTerminationCode why) {
    (void)arg;
    (void)connection;
    (void)why;
    if (*state)
        lw_buf_fini(*state);
    free(*state);
    *state = NULL;
}

struct lw_demo_webhook *lw_demo_webhook_start(void (*received)(void *arg,
                                                               const char *body),
                                              void *arg, struct lw_err *err) {
    struct lw_demo_webhook *w = lw_calloc(1, sizeof *w);
    w->received = received;
    w->arg = arg;
    w->port = lw_demo_free_port();
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)w->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    w->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
                                 on_request, w, MHD_OPTION_SOCK_ADDR, &addr,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_done, w, MHD_OPTION_END);
    if (w->daemon)
        return w;
    lw_fail(err, LW_ESTOP, "cannot start the webhook receiver on port %d", w->port);
    free(w);
    return NULL;
}

void lw_demo_webhook_stop(struct lw_demo_webhook *w) {
    if (!w)
        return;
    MHD_stop_daemon(w->daemon);
    free(w);
}

int lw_demo_webhook_port(const struct lw_demo_webhook *w) {
    return w->port;
}
