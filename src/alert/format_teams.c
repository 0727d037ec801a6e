/* Microsoft Teams: an adaptive card (version 1.4) to a workflow's "when a webhook request
 * is received" address, the successor of the retired office connectors.
 *
 * The whole message may have 28 KB; with five movers and five segments of at most 400
 * bytes it stays under half of that. Card text is Markdown, and finds addresses by
 * itself: what would begin any of that is escaped (base/text_media.c), so that text out
 * of the data stays text. A mention needs an entry in `msteams.entities`, which we never
 * write. Sources: adaptivecards.io/explorer, learn.microsoft.com "Create incoming
 * webhooks with Workflows". */
#include <stdio.h>
#include <string.h>

#include "alert/message.h"
#include "base/mem.h"
#include "base/text_media.h"

#define TEXT_MAX 2000

static void set(json_t *object, const char *key, json_t *value) {
    int failed = json_object_set_new(object, key, value);
    lw_assert(failed == 0);
}

/* Sets key to a text that stays text. */
static void plain(json_t *object, const char *key, const char *text) {
    struct lw_buf safe = {0};
    lw_text_for(LW_MEDIUM_CARD, &safe, text, strlen(text), TEXT_MAX);
    set(object, key, json_string(lw_buf_str(&safe)));
    lw_buf_fini(&safe);
}

static json_t *block(const char *text) {
    json_t *b = json_object();
    set(b, "type", json_string("TextBlock"));
    plain(b, "text", text);
    set(b, "wrap", json_true());
    return b;
}

static json_t *heading(const struct lw_message *m) {
    char title[400];
    json_t *b = block(lw_message_title(m, title, sizeof title));
    const char *colour = !m->firing                             ? "good"
                         : strcmp(m->severity, "critical") == 0 ? "attention"
                                                                : "warning";
    set(b, "weight", json_string("bolder"));
    set(b, "size", json_string("large"));
    set(b, "color", json_string(colour));
    return b;
}

static json_t *fact_set(const struct lw_message *m) {
    struct lw_fact fact[LW_FACTS];
    json_t *list = json_array(), *set_ = json_object();
    size_t n = lw_message_facts(m, fact);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        set(one, "title", json_string(fact[i].name));
        plain(one, "value", fact[i].value);
        json_array_append_new(list, one);
    }
    set(set_, "type", json_string("FactSet"));
    set(set_, "facts", list);
    return set_;
}

typedef char *line_fn(const struct lw_message *m, size_t i, char *out, size_t size);

static void add_lines(json_t *to, const char *title, const struct lw_message *m, size_t n,
                      line_fn *line) {
    char text[400];
    if (n == 0)
        return;
    json_t *head = block(title);
    set(head, "weight", json_string("bolder"));
    json_array_append_new(to, head);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(to, block(line(m, i, text, sizeof text)));
}

static void add_action(json_t *list, const char *url, const char *title) {
    if (url[0] == '\0')
        return;
    json_t *a = json_object();
    set(a, "type", json_string("Action.OpenUrl"));
    set(a, "title", json_string(title));
    lw_json_text(a, "url", url, LW_URL_MAX);
    json_array_append_new(list, a);
}

static json_t *card(const struct lw_message *m) {
    json_t *c = json_object(), *body = json_array(), *actions = json_array();
    json_array_append_new(body, heading(m));
    if (m->summary[0] != '\0')
        json_array_append_new(body, block(m->summary));
    json_array_append_new(body, fact_set(m));
    add_lines(body, "Moved most", m, lw_message_movers(m), lw_message_mover);
    add_lines(body, "Where the error rose", m, lw_message_segments(m),
              lw_message_segment);
    add_action(actions, m->page, "Dashboard");
    add_action(actions, m->runbook, "Runbook");
    set(c, "$schema", json_string("http://adaptivecards.io/schemas/adaptive-card.json"));
    set(c, "type", json_string("AdaptiveCard"));
    set(c, "version", json_string("1.4"));
    set(c, "body", body);
    set(c, "actions", actions);
    return c;
}

int lw_body_teams(const struct lw_receiver *r, const struct lw_secrets *secrets,
                  const struct lw_message *m, struct lw_buf *out, struct lw_err *err) {
    (void)r, (void)secrets, (void)err;
    json_t *root = json_object(), *attachment = json_object();
    set(attachment, "contentType",
        json_string("application/vnd.microsoft.card.adaptive"));
    set(attachment, "contentUrl", json_null());
    set(attachment, "content", card(m));
    set(root, "type", json_string("message"));
    set(root, "attachments", json_pack("[o]", attachment));
    lw_json_dump(root, out);
    return 0;
}
