/* What the formats share: a message of ours, parsed once and borrowed from; text that is
 * safe to hand on; small JSON helpers. Internal to the layer. */
#ifndef LW_ALERT_MESSAGE_H
#define LW_ALERT_MESSAGE_H

#include <jansson.h>

#include "alert/alert.h"

/* Our JSON as values. Texts are borrowed from root and never NULL ("" when absent or
 * null). */
struct lw_message {
    json_t *root;
    const char *id, *incident, *fingerprint, *status, *severity;
    const char *stream, *rule, *metric, *feature, *summary, *action;
    const char *window, *from, *until, *since, *at, *raised_at, *page, *runbook, *host;
    double value, threshold; /* NAN when null */
    int64_t n, model_version, since_ms, at_ms, raised_ms, repeat;
    int64_t now_ms;
    bool firing;
    const json_t *movers, *segments, *examples; /* arrays, or NULL */
};
int lw__message_read(struct lw_message *m, const char *json, size_t len, int64_t now_ms,
                     struct lw_err *err);
void lw__message_fini(struct lw_message *m);

/* One line a mover: "trip_distance: PSI 0.31, median 1.9 → 2.6 (p10 0.8 → 0.9, p90 6.1
 * → 9.8)". Returns how many lines there are; line i (from 0) is written to out. */
size_t lw__phrase_drifted_count(const struct lw_message *m);
char *lw__phrase_drifted(const struct lw_message *m, size_t i, char *out, size_t size);
/* "PULocationID 74: 31 % of the rise". */
size_t lw__phrase_segment_count(const struct lw_message *m);
char *lw__phrase_segment(const struct lw_message *m, size_t i, char *out, size_t size);
/* "[CRITICAL] green: rmse of model v3", "[RESOLVED] green: psi of trip_distance". */
char *lw__phrase_title(const struct lw_message *m, char *out, size_t size);
/* A figure for people: four significant digits, "n/a" for NAN. */
char *lw__phrase_figure(char *out, size_t size, double v);
/* "1.234 (threshold 1.2)" and "12 Mar 2020 …" style facts as name and value, in the order
 * in which a person asks for them. Returns how many were written, at most LW_FACTS. */
#define LW_FACTS 10
struct lw_fact {
    const char *name;
    char value[320];
};
size_t lw__phrase_facts(const struct lw_message *m, struct lw_fact out[LW_FACTS]);

/* Copies at most size - 1 bytes of valid UTF-8: damaged bytes and control characters
 * other than newline become \xHH or \uHHHH; when it does not fit it is cut between code
 * points and ends in "…". */
char *lw__utf8_clean(char *out, size_t size, const char *text, size_t len);

/* Sets key to value (taken); to null when value is NULL, as jansson answers for text
 * that is not UTF-8. */
void lw__json_set(json_t *object, const char *key, json_t *value);
/* Sets key to text made safe, as one line or (lines of ours, joined by newlines) as
 * several, at most max bytes (<= 4095); null when text is NULL or "". */
void lw__json_text(json_t *object, const char *key, const char *text, size_t max);
void lw__json_lines(json_t *object, const char *key, const char *text, size_t max);
/* Sets key to a number, or null where it is no finite one. */
void lw__json_real(json_t *object, const char *key, double v);
void lw__json_time(json_t *object, const char *key, int64_t ms);
/* Appends the value as compact JSON and releases it. */
void lw__json_dump(json_t *value, struct lw_buf *out);

/* The formats' bodies. */
typedef int lw__format_fn(const struct lw_receiver *r, const struct lw_secrets *secrets,
                          const struct lw_message *m, struct lw_buf *out,
                          struct lw_err *err);
lw__format_fn lw__format_alertmanager, lw__format_alertmanager_webhook, lw__format_slack,
    lw__format_pagerduty, lw__format_teams, lw__format_template;

/* details.movers, made from the sketches of reference and window. New reference. */
json_t *lw__top_drifted_json(const struct lw_spec *spec, const struct lw_alert *alert,
                             const struct lw_alert_context *context);

/* True when the character may stand in a receiver's or a header's name. */
bool lw_receiver_name_char(char c);

#endif
