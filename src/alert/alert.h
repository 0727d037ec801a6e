/* Alerts on their way out: our own JSON, the receivers' formats, signatures, and one
 * bounded POST.
 *
 * core decides that an alert fired or resolved (struct lw_alert); the store keeps one
 * outbox entry per (alert, receiver) until it is confirmed; the engine's notifier thread
 * calls what stands here. Nothing here keeps state between calls, so any thread may call
 * it (one CURL handle a call).
 *
 *   lw_alert ─ lw_alert_json ─► outbox ─ lw_alert_render ─► lw_http_request ─
 * lw_http_post ─► verdict
 *
 * docs/alerts.md is the manual; schemas/alert.schema.json describes the JSON. */
#ifndef LW_ALERT_H
#define LW_ALERT_H

#include "base/buf.h"
#include "core/monitor.h"
#include "core/standing.h"

#define LW_RECEIVERS_MAX     16
#define LW_RECEIVER_RULES    16
#define LW_RECEIVER_NAME_MAX 32
#define LW_ALERT_ID_MAX      64
#define LW_URL_MAX           1024
#define LW_ALERT_PATH_MAX    256

/* ---- receivers: plain values, filled by the configuration ---- */

enum lw_format {
    LW_FORMAT_JSON,                 /* "json": our own, schemas/alert.schema.json */
    LW_FORMAT_ALERTMANAGER_WEBHOOK, /* "alertmanager_webhook": its webhook body, version 4
                                     */
    LW_FORMAT_ALERTMANAGER,         /* "alertmanager": POST <url>/api/v2/alerts */
    LW_FORMAT_SLACK,                /* "slack": incoming webhook */
    LW_FORMAT_PAGERDUTY, /* "pagerduty": Events API v2; token_file: the routing key */
    LW_FORMAT_TEAMS,     /* "teams": adaptive card to a workflow webhook */
    LW_FORMAT_TEMPLATE,  /* "template": template_file with {{field}} in it */
    LW_FORMATS
};
const char *lw_format_name(enum lw_format f);

/* Each `*_file` is a path, or "env:NAME" for an environment variable; it is read at every
 * delivery, so a secret may be changed without a restart. "" means: not used. */
struct lw_receiver {
    char name[LW_RECEIVER_NAME_MAX]; /* letters, digits, '_', '-', '.' */
    enum lw_format format;
    char url[LW_URL_MAX]; /* http:// or https://; one of url and url_file is set */
    char url_file[LW_ALERT_PATH_MAX];      /* for URLs that are secrets themselves (Slack,
                                              Teams) */
    char secret_file[LW_ALERT_PATH_MAX];   /* one or two lines "whsec_<base64>": Standard
                                              Webhooks keys */
    char token_file[LW_ALERT_PATH_MAX];    /* bearer token; PagerDuty: the routing key */
    char headers_file[LW_ALERT_PATH_MAX];  /* "Name: value" lines */
    char ca_file[LW_ALERT_PATH_MAX];       /* PEM; else the system's */
    char template_file[LW_ALERT_PATH_MAX]; /* LW_FORMAT_TEMPLATE only */
    char content_type[96];  /* LW_FORMAT_TEMPLATE; "" is application/json */
    enum lw_severity least; /* this and more severe; NONE is the same as WARN */
    size_t nrules;          /* 0: all rules */
    char rule[LW_RECEIVER_RULES]
             [LW_NAME_MAX]; /* names; '*' at the end matches any rest */
    bool resolved;          /* send resolved messages too */
    int64_t timeout_ms;     /* the whole exchange */
    int64_t give_up_ms;     /* retried this long, then parked */
    int64_t repeat_ms;      /* a firing alert is said again after this; 0: never */
};
/* Defaults: json, all severities and rules, resolved, 10 s, 3 d, 4 h (1 min for
 * "alertmanager", set by _check when repeat_ms < 0). */
struct lw_receiver lw_receiver_defaults(void);
/* Completes defaults that depend on the format and refuses what cannot work; LW_ECONFIG
 * with the receiver's name, the key and the remedy. No I/O. */
int lw_receiver_check(struct lw_receiver *r, struct lw_err *err);
/* Routing: does this receiver get an alert of that severity and rule? */
bool lw_receiver_wants(const struct lw_receiver *r, enum lw_severity severity,
                       const char *rule);
/* By what a receiver of that format knows that two messages are about one thing: by
 * nothing, each stands for itself; by the incident; or by labels, which are equal for all
 * incidents of an alert. */
enum lw_keyed { LW_KEYED_NOT, LW_KEYED_INCIDENT, LW_KEYED_LABELS };
enum lw_keyed lw_format_keyed(enum lw_format f);
/* The URL without what may be secret: "https://hooks.slack.com"; "?" when it is no URL.
 */
char *lw_url_shown(char *out, size_t size, const char *url);

/* ---- our JSON ---- */

/* A slice of the events and its part in the error's rise. */
struct lw_alert_segment {
    const char *name, *value; /* "PULocationID", "74" */
    uint64_t n;
    double rmse, reference_rmse, share; /* share of the rise in squared error, [0, 1] */
};

/* What of the events a message may say (privacy.c). */
enum lw_examples_said { LW_EXAMPLES_NONE, LW_EXAMPLES_IDS, LW_EXAMPLES_HASHED };
enum lw_categories_said { LW_CATEGORIES_TOP, LW_CATEGORIES_HASHED };
struct lw_privacy {
    enum lw_examples_said examples;
    enum lw_categories_said categories;
    uint8_t key[32]; /* of the hash; only where something is hashed */
};
/* Is there anything to hash, and a key needed? */
bool lw_privacy_hashes(const struct lw_privacy *p);
/* "h:" and 16 hexadecimal digits. */
#define LW_HASHED_MAX 20
enum lw_private { LW_PRIVATE_EXAMPLE, LW_PRIVATE_CATEGORY };
void lw_privacy_hash(const struct lw_privacy *p, enum lw_private what, const char *value,
                     char out[LW_HASHED_MAX]);

/* What the alert itself does not know. Everything may be absent (NULL, 0). */
struct lw_alert_context {
    int64_t now_ms;   /* wall */
    unsigned repeat;  /* 0: the change itself; n: its n-th repetition */
    const char *host; /* who says it */
    const struct lw_reference *reference; /* the champion's */
    struct lw_pane
        *window;        /* the window that was judged, merged (its sketches get sealed) */
    const char *action; /* what leeway did: "retrain requested", ... */
    const char *page_url,
        *runbook_url; /* runbook: "#<rule>" is added unless it has a # */
    const struct lw_alert_segment *segment;
    size_t nsegments;
    const char *const *example; /* event identifiers */
    size_t nexamples;
    const struct lw_privacy *privacy; /* NULL: all is said */
};

/* "<incident>-<warning|critical|resolved>[.<repeat>]": the same change always has the
 * same id, and a receiver that remembers ids sees each once. out: LW_ALERT_ID_MAX bytes.
 */
char *lw_alert_id(char *out, size_t size, const struct lw_alert *alert, unsigned repeat);
/* Appends the message as JSON: 2 to 4 KiB as a rule, never more than 32 KiB, for long
 * texts and lists are cut. Bytes that are no UTF-8 are replaced. LW_EINPUT when alert or
 * stream has no name. Cost: one drift comparison when there are a reference and a window.
 */
int lw_alert_json(const struct lw_spec *spec, const struct lw_alert *alert,
                  const struct lw_alert_context *context, struct lw_buf *out,
                  struct lw_err *err);

/* ---- the outbox's bookkeeping, as far as it is pure ---- */

/* The outbox id of one alert for one receiver: "<alert id>@<receiver>", so that each
 * receiver has an entry, a retry count and a pace of its own. */
char *lw_outbox_id(char *out, size_t size, const char *alert_id, const char *receiver);
/* The receiver's name in an outbox id (borrowed), or NULL; *len is the alert id's length.
 */
const char *lw_outbox_receiver(const char *outbox_id, size_t *len);
/* Index of the receiver of an outbox id, or -1 when the configuration no longer has it.
 */
int lw_receiver_find(const struct lw_receiver *r, size_t n, const char *outbox_id);

/* ---- rendering ---- */

#define LW_HTTP_HEADERS_MAX 32

struct lw_http_request {
    char url[LW_URL_MAX + 32];
    char ca_file[LW_ALERT_PATH_MAX];
    size_t nheaders;
    char *header[LW_HTTP_HEADERS_MAX]; /* "Name: value", owned */
    struct lw_buf body;
    int64_t timeout_ms;
};
void lw_http_request_fini(struct lw_http_request *req); /* wipes and frees */

/* What the `*_file`s hold. */
struct lw_secrets {
    char url[LW_URL_MAX];
    char token[512];
    size_t nkeys;
    struct lw_sign_key {
        size_t len;
        uint8_t byte[64];
    } key[2];
    char *headers, *template_text; /* owned; NULL when not used */
};
/* LW_ECONFIG names receiver, key and path, never the contents. */
int lw_secrets_load(const struct lw_receiver *r, struct lw_secrets *out,
                    struct lw_err *err);
void lw_secrets_fini(struct lw_secrets *s); /* wipes and frees */

/* Turns the outbox's JSON into the receiver's request: body, content type, authorisation,
 * signature. LW_EINPUT when the JSON is none of ours, LW_ECONFIG when receiver or
 * template cannot work. On error out is empty. */
int lw_alert_render(const struct lw_receiver *r, const struct lw_secrets *secrets,
                    const char *json, size_t len, int64_t now_ms,
                    struct lw_http_request *out, struct lw_err *err);
/* Alone, the receiver's body: for `leeway alerts test --print` and for tests. */
int lw_alert_body(const struct lw_receiver *r, const struct lw_secrets *secrets,
                  const char *json, size_t len, int64_t now_ms, struct lw_buf *out,
                  struct lw_err *err);

/* Standard Webhooks: "v1,<base64(HMAC-SHA256(key, id.timestamp.body))>", one a key,
 * space-separated. */
#define LW_SIGNATURE_MAX 128
void lw_sign(const struct lw_sign_key *keys, size_t nkeys, const char *id,
             int64_t timestamp_s, const void *body, size_t len,
             char out[LW_SIGNATURE_MAX]);
/* One key from "whsec_<base64>" (24 to 64 bytes) ; LW_ECONFIG without showing it. */
int lw_sign_key_parse(const char *text, struct lw_sign_key *out, struct lw_err *err);

/* ---- sending ---- */

enum lw_delivered {
    LW_DELIVERED, /* 2xx */
    LW_RETRY,     /* no answer, 408, 425, 429, 5xx: the same may succeed later */
    LW_REFUSED    /* any other answer: not by itself */
};

#define LW_ANSWER_MAX 120

struct lw_http_result {
    enum lw_delivered verdict;
    int status;             /* 0: no answer */
    int64_t retry_after_ms; /* what the receiver asked for, at most an hour; 0: nothing */
    int64_t took_ms;
    char answer[LW_ANSWER_MAX]; /* its beginning, printable ASCII; may repeat what was
                                   sent */
    char reason[240];           /* in words, without secrets: for the log and the audit */
};
/* One POST: certificate checked, no redirect followed, http and https only, at most 64
 * KiB of answer read, over within req->timeout_ms whatever the peer does. Call
 * lw_curl_init (net/curl.h) once before threads start. */
void lw_http_post(const struct lw_http_request *req, struct lw_http_result *out);
/* n of them (<= LW_RECEIVERS_MAX) side by side: as long as the slowest, not as their sum.
 */
void lw_http_post_many(const struct lw_http_request *const *req, size_t n,
                       struct lw_http_result *out);

/* Load, render, sign, post. A failure before the network (a missing secret, a bad
 * template) is LW_RETRY with the reason: somebody may mend it while the message waits. */
void lw_alert_send(const struct lw_receiver *r, const char *json, size_t len,
                   int64_t now_ms, struct lw_http_result *out);

/* Several at once, each to its own receiver. result is filled for every one. */
struct lw_envelope {
    const struct lw_receiver *receiver;
    const char *json;
    size_t len;
    struct lw_http_result *result;
};
void lw_alert_send_many(const struct lw_envelope *e, size_t n, int64_t now_ms);

/* Wait before attempt number attempts + 1: full jitter over min(1 h, 2 s * 2^attempts),
 * at least 1 s; deterministic in (attempts, seed). */
int64_t lw_backoff_ms(uint64_t attempts, uint64_t seed);

/* Which of the waiting entries (oldest first) to send now: those whose time has come, at
 * most one a receiver, and none while an older one about the same alert waits for the
 * same receiver. Writes at most max indices into out and returns how many. Cost: O(n^2).
 */
struct lw_waiting {
    const char *id; /* outbox id */
    uint64_t alert; /* fingerprint */
    int64_t not_before_ms;
};
size_t lw_notifier_due(const struct lw_waiting *w, size_t n, int64_t now_ms, size_t *out,
                       size_t max);

/* What to do with an outbox entry after an attempt. */
enum lw_next { LW_NEXT_DONE, LW_NEXT_RETRY, LW_NEXT_PARK };
struct lw_next_step {
    enum lw_next what;
    int64_t not_before_ms; /* LW_NEXT_RETRY: wall */
};
/* DONE when delivered. A retry waits lw_backoff_ms or what the receiver asked for,
 * whichever is longer; a refusal that a person can mend (3xx, 401, 403, 404, 407) is
 * tried hourly. PARK: any other refusal, and what is older than give_up_ms. attempts
 * counts this one; put_ms: when the entry was put into the outbox. */
struct lw_next_step lw_notifier_next(const struct lw_receiver *r, const char *outbox_id,
                                     const struct lw_http_result *result,
                                     uint64_t attempts, int64_t put_ms, int64_t now_ms);

/* ---- who is told what, and when ---- */

/* What one receiver was told of one alert last. */
struct lw_told {
    uint64_t incident; /* 0: nothing is open there */
    enum lw_severity severity;
    int64_t said_ms; /* wall clock */
    unsigned repeat; /* of the last message */
};
enum lw_say {
    LW_SAY_NOTHING,
    LW_SAY_CHANGE, /* the alert's own newest message */
    LW_SAY_AGAIN,  /* it still fires */
    LW_SAY_CLOSED, /* the incident that it was told of is over, and this is another */
    LW_SAY_FORGET  /* over, and this receiver does not hear of ends */
};
struct lw_saying {
    enum lw_say what;
    struct lw_told told; /* what is to be remembered once it has been said */
};
/* What the receiver is to be told now, so that what it knows becomes what is. It looks at
 * states alone and not at changes: whatever kept a message back (a silence, a cause, a
 * receiver that was not configured yet), the message follows when that is over, and never
 * twice. Nothing is said while silenced; while inhibited no alert is opened and none
 * repeated, but one that was told of may be closed. Pure. */
struct lw_saying lw_pager_say(const struct lw_receiver *r,
                              const struct lw_standing *alert, const struct lw_told *told,
                              int64_t now_ms);
#define LW_TOLD_MAX 80
/* "<incident> <severity> <said> <repeat>", and back; false when it is none of ours. */
char *lw_told_print(char out[LW_TOLD_MAX], const struct lw_told *told);
bool lw_told_parse(const char *text, struct lw_told *out);

/* A message of ours said in another way: as repetition number `repeat`, or (closed) as
 * the end of another incident than its own. */
struct lw_restated {
    bool closed;
    struct lw_told
        told; /* the incident, its severity, and the number of the repetition */
    int64_t now_ms;
    const char *summary; /* closed: why */
};
/* Appends the message; LW_EINPUT when it is none of ours. */
int lw_alert_restate(const char *json, size_t len, const struct lw_restated *how,
                     struct lw_buf *out, struct lw_err *err);

#endif
