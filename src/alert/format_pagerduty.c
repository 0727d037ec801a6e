/* PagerDuty, Events API v2: trigger while firing, resolve when resolved.
 *
 * dedup_key is the incident, so repetitions, retries and a growth in severity update one
 * PagerDuty incident. "critical" and "warning" map to PagerDuty's severities of the same
 * name; its service decides how to notify. Limits: summary 1,024 characters, dedup_key
 * 255, the event 512 KB. custom_details holds the facts and lists as plain text, because
 * the mobile app shows that part. The routing key is the token_file and goes into the
 * body, never into a header or a log. An accepted event is answered with 202. Source:
 * developer.pagerduty.com, "Send an Event". */
#include "alert/format_body.h"

#include <string.h>

#include "alert/phrase.h"
#include "base/mem.h"
#include "json/json.h"

typedef char *line_fn(const struct lw_message *m, size_t i, char *out, size_t size);

static void add_lines(json_t *to, const char *key, const struct lw_message *m, size_t n,
                      line_fn *line) {
    char text[400];
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(line(m, i, text, sizeof text)));
    if (n > 0)
        lw_json_set(to, key, list);
    else
        json_decref(list);
}

static json_t *custom_details(const struct lw_message *m) {
    struct lw_fact fact[LW_FACTS];
    json_t *d = json_object();
    size_t n = lw__phrase_facts(m, fact);
    for (size_t i = 0; i < n; i++)
        lw_json_set_text_cut(d, fact[i].name, fact[i].value, sizeof fact[i].value);
    add_lines(d, "Top drifted features", m, lw__phrase_drifted_count(m),
              lw__phrase_drifted);
    add_lines(d, "Error by segment", m, lw__phrase_segment_count(m), lw__phrase_segment);
    if (json_array_size(m->examples) > 0)
        lw_json_set(d, "Examples", json_deep_copy(m->examples));
    return d;
}

static json_t *event_payload(const struct lw_message *m) {
    char title[400];
    struct lw_buf text = {0};
    json_t *p = json_object();
    lw_buf_printf(&text, "%s%s%s", lw__phrase_title(m, title, sizeof title),
                  m->summary[0] != '\0' ? " " : "", m->summary);
    bool critical = strcmp(m->severity, "critical") == 0;
    lw_json_set_text_cut(p, "summary", lw_buf_str(&text), 1024);
    lw_json_set_text_cut(p, "source", m->host[0] != '\0' ? m->host : "leeway", 255);
    lw_json_set_text(p, "severity", critical ? "critical" : "warning");
    lw_json_set(p, "timestamp", json_string(m->raised_at));
    lw_json_set_text_cut(p, "component", m->stream, 255);
    lw_json_set_text_cut(p, "group", m->feature[0] != '\0' ? m->feature : "model", 255);
    lw_json_set_text_cut(p, "class", m->metric[0] != '\0' ? m->metric : m->rule, 255);
    lw_json_set(p, "custom_details", custom_details(m));
    lw_buf_fini(&text);
    return p;
}

static void add_link(json_t *list, const char *url, const char *text) {
    if (url[0] == '\0')
        return;
    json_t *link = json_object();
    lw_json_set_text_cut(link, "href", url, LW_URL_MAX);
    lw_json_set_text_cut(link, "text", text, 64);
    json_array_append_new(list, link);
}

int lw__format_pagerduty(const struct lw_receiver *r, const struct lw_secrets *secrets,
                         const struct lw_message *m, struct lw_buf *out,
                         struct lw_err *err) {
    if (secrets->token[0] == '\0')
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `token_file` contains no routing key", r->name);
    json_t *root = json_object();
    lw_json_set(root, "routing_key", json_string(secrets->token));
    lw_json_set_text(root, "event_action", m->firing ? "trigger" : "resolve");
    lw_json_set_text_cut(root, "dedup_key", m->incident, 255);
    if (m->firing) {
        json_t *links = json_array();
        add_link(links, m->page, "Dashboard");
        add_link(links, m->runbook, "Runbook");
        lw_json_set_text(root, "client", "leeway");
        if (m->page[0] != '\0')
            lw_json_set_text_cut(root, "client_url", m->page, LW_URL_MAX);
        lw_json_set(root, "links", links);
        lw_json_set(root, "payload", event_payload(m));
    }
    lw_json_dump(root, LW_MESSAGE_DIGITS, out);
    return 0;
}
