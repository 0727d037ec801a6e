/* Slack's incoming webhooks: Block Kit in one attachment with a colour bar.
 *
 * `text` is what the phone's notification and screen readers show, so it says all of it
 * in one line. Limits (api.slack.com/reference/block-kit): header 150 characters, section
 * text 3,000, field 2,000, ten fields a section, 50 blocks. Texts are escaped for & < >
 * as Slack asks, and cut between entities, so that no trip id can mention a channel. A
 * webhook cannot thread its messages: firing and resolved are two messages with the same
 * title. Mattermost and Rocket.Chat take the same body. */
#include <stdio.h>
#include <string.h>

#include "alert/message.h"
#include "base/mem.h"

#define SECTION_MAX 2900

static void set(json_t *object, const char *key, json_t *value) {
    /* NULL: of a text that is no UTF-8 */
    int failed = json_object_set_new(object, key, value ? value : json_null());
    lw_assert(failed == 0);
}

static json_t *mrkdwn(const char *text) {
    json_t *t = json_object();
    set(t, "type", json_string("mrkdwn"));
    lw_json_text(t, "text", text, SECTION_MAX + 90);
    return t;
}

static json_t *section(const char *key, json_t *value) {
    json_t *s = json_object();
    set(s, "type", json_string("section"));
    set(s, key, value);
    return s;
}

static json_t *header(const struct lw_message *m) {
    char title[150];
    json_t *t = json_object(), *h = json_object();
    set(t, "type", json_string("plain_text"));
    lw_json_text(t, "text", lw_message_title(m, title, sizeof title), 149);
    set(h, "type", json_string("header"));
    set(h, "text", t);
    return h;
}

static json_t *fields(const struct lw_message *m) {
    struct lw_fact fact[LW_FACTS];
    json_t *list = json_array();
    size_t n = lw_message_facts(m, fact);
    for (size_t i = 0; i < n; i++) {
        char value[1600], text[1700];
        lw_utf8_slack(value, sizeof value, fact[i].value);
        snprintf(text, sizeof text, "*%s*\n%s", fact[i].name, value);
        json_array_append_new(list, mrkdwn(text));
    }
    return section("fields", list);
}

typedef char *line_fn(const struct lw_message *m, size_t i, char *out, size_t size);

static void add_list(json_t *blocks, const struct lw_message *m, const char *title,
                     size_t n, line_fn *line) {
    char raw[400], safe[500];
    struct lw_buf text = {0};
    if (n == 0)
        return;
    lw_buf_printf(&text, "*%s*", title);
    for (size_t i = 0; i < n; i++) {
        line(m, i, raw, sizeof raw);
        lw_utf8_slack(safe, sizeof safe, raw);
        if (text.len + strlen(safe) + 8 < SECTION_MAX)
            lw_buf_printf(&text, "\n• %s", safe);
    }
    json_array_append_new(blocks, section("text", mrkdwn(lw_buf_str(&text))));
    lw_buf_fini(&text);
}

/* "<url|label>"; an address with one of Slack's own characters in it is left out. */
static void add_link(struct lw_buf *text, const char *url, const char *label) {
    if (url[0] != '\0' && strpbrk(url, "<>|") == NULL)
        lw_buf_printf(text, "%s<%s|%s>", text->len > 0 ? "  ·  " : "", url, label);
}

static void add_links(json_t *blocks, const struct lw_message *m) {
    struct lw_buf text = {0};
    add_link(&text, m->page, "Dashboard");
    add_link(&text, m->runbook, "Runbook");
    if (text.len > 0)
        json_array_append_new(blocks, section("text", mrkdwn(lw_buf_str(&text))));
    lw_buf_fini(&text);
}

int lw_body_slack(const struct lw_receiver *r, const struct lw_secrets *secrets,
                  const struct lw_message *m, struct lw_buf *out, struct lw_err *err) {
    (void)r, (void)secrets, (void)err;
    char title[400], escaped[600], summary[2000], text[2700];
    json_t *root = json_object(), *attachment = json_object(), *blocks = json_array();
    lw_utf8_slack(escaped, sizeof escaped, lw_message_title(m, title, sizeof title));
    lw_utf8_slack(summary, sizeof summary, m->summary);
    snprintf(text, sizeof text, "%s%s%s", escaped, summary[0] ? " — " : "", summary);
    json_array_append_new(blocks, header(m));
    if (summary[0] != '\0')
        json_array_append_new(blocks, section("text", mrkdwn(summary)));
    json_array_append_new(blocks, fields(m));
    add_list(blocks, m, "Moved most", lw_message_movers(m), lw_message_mover);
    add_list(blocks, m, "Where the error rose", lw_message_segments(m),
             lw_message_segment);
    add_links(blocks, m);
    const char *colour = !m->firing                             ? "#2e7d32"
                         : strcmp(m->severity, "critical") == 0 ? "#c62828"
                                                                : "#f9a825";
    set(attachment, "color", json_string(colour));
    set(attachment, "blocks", blocks);
    lw_json_text(root, "text", text, 2700);
    set(root, "attachments", json_pack("[o]", attachment));
    lw_json_dump(root, out);
    return 0;
}
