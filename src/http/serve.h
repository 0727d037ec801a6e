/* The handlers of the routes, each in the file of its subject. */
#ifndef LW_HTTP_SERVE_H
#define LW_HTTP_SERVE_H

#include "http/call.h"
#include "http/watch.h"

/* True: the path is one of the page's files; the answer is set. */
bool lw_serve_asset(struct lw_call *c, const char *path);

lw_handler lw_serve_health, lw_serve_ready, lw_serve_metrics, lw_serve_now,
    lw_serve_history, lw_serve_heatmap, lw_serve_feature, lw_serve_alerts,
    lw_serve_models, lw_serve_model, lw_serve_audit, lw_serve_predict, lw_serve_retrain,
    lw_serve_promote, lw_serve_silence, lw_serve_unsilence, lw_serve_events;

/* Does /readyz answer ready? */
bool lw_serve_is_ready(const struct lw_vitals *v, const struct lw_snapshot *n);

#endif
