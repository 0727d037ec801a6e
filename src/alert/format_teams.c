/* Microsoft Teams: an adaptive card (version 1.4) to a workflow's "when a webhook request
 * is received" address, the successor of the retired office connectors.
 *
 * A message may have 28 KB; five drifted features and five segments of at most 400 bytes
 * each take less than half of that. Card text is Markdown and turns addresses into links:
 * characters that start either are escaped (base/text_media.c), so that data remains
 * text. A mention needs an entry in `msteams.entities`, which is never written. Sources:
 * adaptivecards.io/explorer, learn.microsoft.com "Create incoming webhooks with
 * Workflows". */
#include "alert/format_body.h"

#include <stdio.h>
#include <string.h>

#include "alert/phrase.h"
#include "base/mem.h"
#include "base/text_media.h"
#include "json/json.h"

#define TEXT_MAX 2000

/* Sets key to an escaped text. */
static void json_set_plain(json_t *object, const char *key, const char *text) {
    struct lw_buf safe = {0};
    lw_text_for(LW_MEDIUM_CARD, &safe, text, strlen(text), TEXT_MAX);
    lw_json_set(object, key, json_string(lw_buf_str(&safe)));
    lw_buf_fini(&safe);
}

static json_t *text_block(const char *text) {
    json_t *b = json_object();
    lw_json_set_text(b, "type", "TextBlock");
    json_set_plain(b, "text", text);
    lw_json_set_bool(b, "wrap", true);
    return b;
}

static json_t *title_block(const struct lw_message *m) {
    char title[400];
    json_t *b = text_block(lw__phrase_title(m, title, sizeof title));
    const char *colour = !m->firing                             ? "good"
                         : strcmp(m->severity, "critical") == 0 ? "attention"
                                                                : "warning";
    lw_json_set_text(b, "weight", "bolder");
    lw_json_set_text(b, "size", "large");
    lw_json_set_text(b, "color", colour);
    return b;
}

static json_t *fact_set(const struct lw_message *m) {
    struct lw_fact fact[LW_FACTS];
    json_t *list = json_array(), *set_ = json_object();
    size_t n = lw__phrase_facts(m, fact);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        lw_json_set(one, "title", json_string(fact[i].name));
        json_set_plain(one, "value", fact[i].value);
        json_array_append_new(list, one);
    }
    lw_json_set_text(set_, "type", "FactSet");
    lw_json_set(set_, "facts", list);
    return set_;
}

typedef char *line_fn(const struct lw_message *m, size_t i, char *out, size_t size);

static void add_lines(json_t *to, const char *title, const struct lw_message *m, size_t n,
                      line_fn *line) {
    char text[400];
    if (n == 0)
        return;
    json_t *head = text_block(title);
    lw_json_set_text(head, "weight", "bolder");
    json_array_append_new(to, head);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(to, text_block(line(m, i, text, sizeof text)));
}

static void add_action(json_t *list, const char *url, const char *title) {
    if (url[0] == '\0')
        return;
    json_t *a = json_object();
    lw_json_set_text(a, "type", "Action.OpenUrl");
    lw_json_set(a, "title", json_string(title));
    lw_json_set_text_cut(a, "url", url, LW_URL_MAX);
    json_array_append_new(list, a);
}

static json_t *adaptive_card(const struct lw_message *m) {
    json_t *c = json_object(), *body = json_array(), *actions = json_array();
    json_array_append_new(body, title_block(m));
    if (m->summary[0] != '\0')
        json_array_append_new(body, text_block(m->summary));
    json_array_append_new(body, fact_set(m));
    add_lines(body, "Top drifted features", m, lw__phrase_drifted_count(m),
              lw__phrase_drifted);
    add_lines(body, "Error by segment", m, lw__phrase_segment_count(m),
              lw__phrase_segment);
    add_action(actions, m->page, "Dashboard");
    add_action(actions, m->runbook, "Runbook");
    lw_json_set_text(c, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    lw_json_set_text(c, "type", "AdaptiveCard");
    lw_json_set_text(c, "version", "1.4");
    lw_json_set(c, "body", body);
    lw_json_set(c, "actions", actions);
    return c;
}

int lw__format_teams(const struct lw_receiver *r, const struct lw_secrets *secrets,
                     const struct lw_message *m, struct lw_buf *out, struct lw_err *err) {
    (void)r, (void)secrets, (void)err;
    json_t *root = json_object(), *attachment = json_object();
    lw_json_set_text(attachment, "contentType",
                     "application/vnd.microsoft.card.adaptive");
    lw_json_set(attachment, "contentUrl", NULL);
    lw_json_set(attachment, "content", adaptive_card(m));
    lw_json_set_text(root, "type", "message");
    lw_json_set(root, "attachments", json_pack("[o]", attachment));
    lw_json_dump(root, LW_MESSAGE_DIGITS, out);
    return 0;
}
