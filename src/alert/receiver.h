/* A receiver of alerts: plain values, filled in by the configuration. */
#ifndef LW_ALERT_RECEIVER_H
#define LW_ALERT_RECEIVER_H

#include "alert/format.h"
#include "core/alert.h"

#define LW_RECEIVERS_MAX     16
#define LW_RECEIVER_RULES    16
#define LW_RECEIVER_NAME_MAX 32
#define LW_URL_MAX           1024
#define LW_ALERT_PATH_MAX    256

/* Each `*_file` is a path, or "env:NAME" for an environment variable. It is read at every
 * delivery, so a secret can be changed without a restart. "": not used. */
struct lw_receiver {
    char name[LW_RECEIVER_NAME_MAX]; /* letters, digits, '_', '-', '.' */
    enum lw_format format;
    char url[LW_URL_MAX];                  /* http(s)://; either url or url_file is set */
    char url_file[LW_ALERT_PATH_MAX];      /* for a URL that is a secret (Slack, Teams) */
    char secret_file[LW_ALERT_PATH_MAX];   /* Standard Webhooks keys: one or two lines
                                              "whsec_<base64>" */
    char token_file[LW_ALERT_PATH_MAX];    /* bearer token; PagerDuty: the routing key */
    char headers_file[LW_ALERT_PATH_MAX];  /* "Name: value" lines */
    char ca_file[LW_ALERT_PATH_MAX];       /* PEM; "": the system's CA bundle */
    char template_file[LW_ALERT_PATH_MAX]; /* LW_FORMAT_TEMPLATE only */
    char content_type[96];  /* LW_FORMAT_TEMPLATE; "" is application/json */
    enum lw_severity least; /* minimum severity; NONE is the same as WARN */
    size_t nrules;          /* 0: all rules */
    char rule[LW_RECEIVER_RULES][LW_NAME_MAX]; /* a '*' at the end matches any rest */
    bool resolved;                             /* send resolved messages too */
    int64_t timeout_ms;                        /* of the whole exchange */
    int64_t give_up_ms;                        /* retried for this long, then parked */
    int64_t repeat_ms; /* a firing alert is sent again after this; 0: never */
};
/* Defaults: json, all severities and rules, resolved, 10 s, 3 d, 4 h (1 min for
 * "alertmanager", set by _check when repeat_ms < 0). */
struct lw_receiver lw_receiver_defaults(void);
/* Completes the defaults that depend on the format and validates the receiver: LW_ECONFIG
 * with its name, the key and the remedy. No I/O. */
int lw_receiver_check(struct lw_receiver *r, struct lw_err *err);
/* Routing: does this receiver take an alert of that severity and rule? */
bool lw_receiver_wants(const struct lw_receiver *r, enum lw_severity severity,
                       const char *rule);
/* The URL without its secret parts: "https://hooks.slack.com"; "?" for an invalid URL. */
char *lw_receiver_url_shown(char *out, size_t size, const char *url);
/* May the character be part of a receiver's or a header's name? */
bool lw_receiver_name_char(char c);

#endif
