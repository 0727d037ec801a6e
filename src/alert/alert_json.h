/* An alert as leeway's own JSON, which the outbox stores and the formats read.
 * docs/alerts.md is the manual; schemas/alert.schema.json describes the JSON. */
#ifndef LW_ALERT_ALERT_JSON_H
#define LW_ALERT_ALERT_JSON_H

#include "alert/notified.h"
#include "alert/privacy.h"
#include "base/buf.h"
#include "core/alert.h"

#define LW_ALERT_ID_MAX 64

struct lw_pane;
struct lw_reference;

/* A segment of the events and its share of the increase in error. */
struct lw_alert_segment {
    const char *name, *value; /* "PULocationID", "74" */
    uint64_t n;
    double error, reference_error;
    double share; /* of the increase in loss, [0, 1] */
};

/* What the alert itself does not contain. Everything is optional (NULL, 0). */
struct lw_alert_context {
    int64_t now_ms;   /* wall */
    unsigned repeat;  /* 0: the change itself; n: its n-th repetition */
    const char *host; /* of the sender */
    const struct lw_reference *reference; /* the champion's */
    struct lw_pane *window; /* the judged window, merged (its sketches get sealed) */
    const char *action;     /* what leeway did: "retrain requested", ... */
    const char *page_url;
    const char *runbook_url; /* "#<rule>" is added unless it has a '#' */
    const struct lw_alert_segment *segment;
    size_t nsegments;
    const char *const *example; /* event identifiers */
    size_t nexamples;
    const struct lw_privacy *privacy; /* NULL: values are shown */
};

/* "<incident>-<warning|critical|resolved>[.<repeat>]": the same change always has the
 * same id, so a receiver that remembers ids sees each change once. out: LW_ALERT_ID_MAX
 * bytes. */
char *lw_alert_json_id(char *out, size_t size, const struct lw_alert *alert,
                       unsigned repeat);
/* Appends the message: usually 2 to 4 KiB, never more than 32 KiB, because long texts and
 * lists are cut. Bytes that are not UTF-8 are replaced. LW_EINPUT when the alert or the
 * stream has no name. Cost: one drift comparison when reference and window are given. */
int lw_alert_json_write(const struct lw_spec *spec, const struct lw_alert *alert,
                        const struct lw_alert_context *context, struct lw_buf *out,
                        struct lw_err *err);

/* A message rewritten as repetition number `repeat`, or (closed) as the resolution of
 * another incident. */
struct lw_restated {
    bool closed;
    struct lw_notified
        notified; /* the incident, its severity, number of the repetition */
    int64_t now_ms;
    const char *summary; /* closed: why */
};
/* Appends the message; LW_EINPUT when json is not a leeway message. */
int lw_alert_json_restate(const char *json, size_t len, const struct lw_restated *how,
                          struct lw_buf *out, struct lw_err *err);

#endif
