/* A leeway message, parsed once; the formats read its values. Internal to the layer. */
#ifndef LW_ALERT_MESSAGE_H
#define LW_ALERT_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "leeway/err.h"

/* Significant digits of its numbers: 0.1 is written as 0.1; no figure is more precise. */
#define LW_MESSAGE_DIGITS 15

/* Texts are borrowed from root and never NULL ("" when absent or null). */
struct lw_message {
    json_t *root;
    const char *id, *incident, *fingerprint, *status, *severity;
    const char *stream, *rule, *metric, *feature, *summary, *action;
    const char *window, *from, *until, *since, *at, *raised_at, *page, *runbook, *host;
    const char *error_label; /* "RMSE": of the segments */
    double value, threshold; /* NAN when null */
    int64_t n, model_version, since_ms, at_ms, raised_ms, repeat;
    int64_t now_ms;
    bool firing;
    const json_t *top_drifted, *shifted, *segments, *examples; /* arrays, or NULL */
};
int lw__message_read(struct lw_message *m, const char *json, size_t len, int64_t now_ms,
                     struct lw_err *err);
void lw__message_fini(struct lw_message *m);

#endif
