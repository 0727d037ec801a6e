/* Slack's incoming webhooks: Block Kit in one attachment with a colour bar.
 *
 * Text that may come from events goes into plain_text objects, which have no emphasis,
 * mentions, channels, links or emoji. mrkdwn is used only for leeway's own words and
 * addresses, with `verbatim`. `text` is what notifications and screen readers show, so it
 * is the whole message in one line; the message as a whole switches off all
 * interpretation of it (`mrkdwn`, `parse`, `link_names`, `unfurl_*`).
 *
 * Limits (api.slack.com/reference/block-kit): header 150 characters, section text 3,000,
 * field 2,000, ten fields per section, 50 blocks. A webhook cannot thread its messages:
 * firing and resolved are two messages with the same title. Mattermost and Rocket.Chat
 * accept the same body. */
#include "alert/format_body.h"

#include <stdio.h>
#include <string.h>

#include "alert/phrase.h"
#include "base/mem.h"
#include "base/text_media.h"
#include "json/json.h"

#define SECTION_MAX 2900
#define TITLE_MAX   148
#define TEXT_MAX    2700
#define FACTS_MAX   5 /* a field is a name and a value */

static void add_text(struct lw_buf *to, const char *text, size_t max) {
    lw_text_for(LW_MEDIUM_SLACK, to, text, strlen(text), max);
}

/* Takes the buffer's text, which is already safe. */
static json_t *text_plain(struct lw_buf *text) {
    json_t *t = json_object();
    lw_json_set_text(t, "type", "plain_text");
    lw_json_set(t, "text", json_string(lw_buf_str(text)));
    lw_json_set_bool(t, "emoji", false);
    lw_buf_fini(text);
    return t;
}

static json_t *plain_of(const char *text, size_t max) {
    struct lw_buf safe = {0};
    add_text(&safe, text, max);
    return text_plain(&safe);
}

/* For leeway's own words only. */
static json_t *text_mrkdwn(const char *text) {
    json_t *t = json_object();
    lw_json_set_text(t, "type", "mrkdwn");
    lw_json_set(t, "text", json_string(text));
    lw_json_set_bool(t, "verbatim", true);
    return t;
}

static json_t *section_block(const char *key, json_t *value) {
    json_t *s = json_object();
    lw_json_set_text(s, "type", "section");
    lw_json_set(s, key, value);
    return s;
}

static json_t *header_block(const struct lw_message *m) {
    char title[400];
    json_t *h = json_object();
    lw_json_set_text(h, "type", "header");
    lw_json_set(h, "text", plain_of(lw__phrase_title(m, title, sizeof title), TITLE_MAX));
    return h;
}

static void add_facts(json_t *blocks, const struct lw_message *m) {
    struct lw_fact fact[LW_FACTS];
    char name[64];
    size_t n = lw__phrase_facts(m, fact);
    for (size_t i = 0; i < n; i += FACTS_MAX) {
        json_t *list = json_array();
        for (size_t k = i; k < n && k < i + FACTS_MAX; k++) {
            snprintf(name, sizeof name, "*%s*", fact[k].name);
            json_array_append_new(list, text_mrkdwn(name));
            json_array_append_new(list, plain_of(fact[k].value, 1900));
        }
        json_array_append_new(blocks, section_block("fields", list));
    }
}

typedef char *line_fn(const struct lw_message *m, size_t i, char *out, size_t size);

static void add_list(json_t *blocks, const struct lw_message *m, const char *title,
                     size_t n, line_fn *line) {
    char raw[400];
    struct lw_buf text = {0}, one = {0};
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        lw_buf_clear(&one);
        add_text(&one, line(m, i, raw, sizeof raw), SECTION_MAX / 5);
        if (text.len + one.len + 8 < SECTION_MAX)
            lw_buf_printf(&text, "%s• %s", i ? "\n" : "", lw_buf_str(&one));
    }
    json_array_append_new(blocks, section_block("text", text_mrkdwn(title)));
    json_array_append_new(blocks, section_block("text", text_plain(&text)));
    lw_buf_fini(&one);
}

/* "<url|label>"; an address that contains one of Slack's control characters is left out.
 */
static void add_link(struct lw_buf *text, const char *url, const char *label) {
    if (url[0] != '\0' && strpbrk(url, "<>|") == NULL)
        lw_buf_printf(text, "%s<%s|%s>", text->len > 0 ? "  ·  " : "", url, label);
}

static void add_links(json_t *blocks, const struct lw_message *m) {
    struct lw_buf text = {0};
    add_link(&text, m->page, "Dashboard");
    add_link(&text, m->runbook, "Runbook");
    if (text.len > 0)
        json_array_append_new(blocks,
                              section_block("text", text_mrkdwn(lw_buf_str(&text))));
    lw_buf_fini(&text);
}

int lw__format_slack(const struct lw_receiver *r, const struct lw_secrets *secrets,
                     const struct lw_message *m, struct lw_buf *out, struct lw_err *err) {
    (void)r, (void)secrets, (void)err;
    char title[400];
    struct lw_buf text = {0};
    json_t *root = json_object(), *attachment = json_object(), *blocks = json_array();
    add_text(&text, lw__phrase_title(m, title, sizeof title), TEXT_MAX / 4);
    if (m->summary[0] != '\0') {
        lw_buf_printf(&text, " — ");
        add_text(&text, m->summary, TEXT_MAX / 2);
    }
    json_array_append_new(blocks, header_block(m));
    if (m->summary[0] != '\0')
        json_array_append_new(blocks,
                              section_block("text", plain_of(m->summary, SECTION_MAX)));
    add_facts(blocks, m);
    add_list(blocks, m, "*Top drifted features*", lw__phrase_drifted_count(m),
             lw__phrase_drifted);
    add_list(blocks, m, "*Error by segment*", lw__phrase_segment_count(m),
             lw__phrase_segment);
    add_links(blocks, m);
    const char *colour = !m->firing                             ? "#2e7d32"
                         : strcmp(m->severity, "critical") == 0 ? "#c62828"
                                                                : "#f9a825";
    lw_json_set_text(attachment, "color", colour);
    lw_json_set(attachment, "blocks", blocks);
    lw_json_set(root, "text", json_string(lw_buf_str(&text)));
    lw_json_set_bool(root, "mrkdwn", false);
    lw_json_set_text(root, "parse", "none");
    lw_json_set_bool(root, "link_names", false);
    lw_json_set_bool(root, "unfurl_links", false);
    lw_json_set_bool(root, "unfurl_media", false);
    lw_json_set(root, "attachments", json_pack("[o]", attachment));
    lw_json_dump(root, LW_MESSAGE_DIGITS, out);
    lw_buf_fini(&text);
    return 0;
}
