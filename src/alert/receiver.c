/* Receivers: defaults, validation, routing.
 *
 * An impossible receiver is refused at start, by name and key, rather than by a parked
 * message at night. Checks that need I/O (does the file exist, is the key valid) are in
 * lw_secrets_load, which `leeway check` calls. Routing is a minimum severity and a list
 * of rule names. A tree of routes was left out: teams that need one have an Alertmanager,
 * which is a format. */
#include "alert/receiver.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

struct lw_receiver lw_receiver_defaults(void) {
    struct lw_receiver r = {.format = LW_FORMAT_JSON,
                            .least = LW_SEVERITY_WARN,
                            .resolved = true,
                            .timeout_ms = 10 * LW_SECOND,
                            .give_up_ms = 3 * LW_DAY,
                            .repeat_ms = -1};
    return r;
}

bool lw_receiver_name_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Start of the host, or NULL if it is not an http(s) URL. */
static const char *url_authority(const char *url) {
    const char *at = strncmp(url, "http://", 7) == 0    ? url + 7
                     : strncmp(url, "https://", 8) == 0 ? url + 8
                                                        : NULL;
    if (at == NULL || *at == '\0' || strchr("/?#:@", *at) != NULL)
        return NULL;
    for (const char *p = at; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
            return NULL;
    return at;
}

static int check_name(const struct lw_receiver *r, struct lw_err *err) {
    if (r->name[0] == '\0')
        return lw_fail(err, LW_ECONFIG, "a receiver lacks `name`: give it a short one");
    for (const char *p = r->name; *p != '\0'; p++)
        if (!lw_receiver_name_char(*p))
            return lw_fail(
                err, LW_ECONFIG,
                "receiver %s: a name may contain only letters, digits, '_', '-' and '.'",
                r->name);
    return 0;
}

static int check_url(struct lw_receiver *r, struct lw_err *err) {
    if (r->url[0] == '\0' && r->url_file[0] == '\0' && r->format == LW_FORMAT_PAGERDUTY)
        lw_copy(r->url, sizeof r->url, "https://events.pagerduty.com/v2/enqueue");
    if ((r->url[0] == '\0') == (r->url_file[0] == '\0'))
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: give either `url` or `url_file` (the latter for "
                       "addresses that are secrets themselves)",
                       r->name);
    if (r->url[0] != '\0' && url_authority(r->url) == NULL)
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `url` must be http://host/... or https://host/...",
                       r->name);
    return 0;
}

/* Requirements of single formats. */
static int check_format(const struct lw_receiver *r, struct lw_err *err) {
    bool template = r->format == LW_FORMAT_TEMPLATE;
    if (template != (r->template_file[0] != '\0'))
        return lw_fail(err, LW_ECONFIG, "receiver %s: `template_file` %s", r->name,
                       template ? "is missing: the text with {{field}} placeholders"
                                : "is for `format: template` only");
    if (!template && r->content_type[0] != '\0')
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `content_type` is for `format: template` only",
                       r->name);
    for (const char *p = r->content_type; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            return lw_fail(err, LW_ECONFIG,
                           "receiver %s: `content_type` must be printable ASCII",
                           r->name);
    if (lw_secret_in_env(r->ca_file))
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `ca_file` must be a path to a PEM file", r->name);
    if (r->format == LW_FORMAT_PAGERDUTY && r->token_file[0] == '\0')
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `token_file` is missing: a file with the "
                       "integration's routing key, or env:NAME",
                       r->name);
    return 0;
}

static int check_times(struct lw_receiver *r, struct lw_err *err) {
    bool client = r->format == LW_FORMAT_ALERTMANAGER;
    if (r->repeat_ms < 0)
        r->repeat_ms = client ? LW_MINUTE : 4 * LW_HOUR;
    if (r->timeout_ms < 100 || r->timeout_ms > 2 * LW_MINUTE)
        return lw_fail(err, LW_ECONFIG, "receiver %s: `timeout` must be 100ms to 2m",
                       r->name);
    if (r->give_up_ms < LW_MINUTE || r->give_up_ms > 30 * LW_DAY)
        return lw_fail(err, LW_ECONFIG, "receiver %s: `give_up` must be 1m to 30d",
                       r->name);
    if (client && (r->repeat_ms < LW_SECOND || r->repeat_ms > LW_HOUR))
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `repeat` must be 1s to 1h: Alertmanager resolves an "
                       "alert that is not posted again",
                       r->name);
    if (!client && r->repeat_ms != 0 && r->repeat_ms < LW_MINUTE)
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `repeat` must be 1m or more, or 0 for never",
                       r->name);
    return 0;
}

int lw_receiver_check(struct lw_receiver *r, struct lw_err *err) {
    if (check_name(r, err) < 0 || check_url(r, err) < 0 || check_format(r, err) < 0)
        return -1;
    for (size_t i = 0; i < r->nrules; i++)
        if (r->rule[i][0] == '\0')
            return lw_fail(
                err, LW_ECONFIG,
                "receiver %s: `rules` contains an empty name: omit the list to get "
                "every rule",
                r->name);
    return check_times(r, err);
}

static bool rule_matches(const char *pattern, const char *rule) {
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, rule, len - 1) == 0;
    return strcmp(pattern, rule) == 0;
}

bool lw_receiver_wants(const struct lw_receiver *r, enum lw_severity severity,
                       const char *rule) {
    enum lw_severity least = r->least == LW_SEVERITY_NONE ? LW_SEVERITY_WARN : r->least;
    if (severity < least)
        return false;
    for (size_t i = 0; i < r->nrules; i++)
        if (rule_matches(r->rule[i], rule))
            return true;
    return r->nrules == 0;
}

char *lw_receiver_url_shown(char *out, size_t size, const char *url) {
    const char *host = url_authority(url);
    if (host == NULL) {
        lw_copy(out, size, "?");
        return out;
    }
    size_t end = strcspn(host, "/?#\\");
    for (size_t i = end; i-- > 0;) /* after the last '@' of the authority */
        if (host[i] == '@') {
            host += i + 1;
            end -= i + 1;
            break;
        }
    bool tls = strncmp(url, "https", 5) == 0;
    snprintf(out, size, "%s%.*s", tls ? "https://" : "http://", (int)end, host);
    return out;
}
