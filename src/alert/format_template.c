/* A text with {{field}} placeholders, for receivers that no other format fits.
 *
 * A field is a path into the message's JSON: {{summary}}, {{window.from}},
 * {{details.top_drifted}}; `title` and `top_drifted` are the phrases of the other
 * formats, and {{.}} is the whole message. A text is escaped for JSON, without quotes,
 * which the template supplies; numbers are written as they are, null as nothing, objects
 * and lists as JSON. {{field|plain}} writes a text unescaped, {{field|json}} any value as
 * JSON with its own quotes and null. Templates have no logic on purpose, so that none
 * fails in a rare branch. An unknown field or an unclosed brace is refused, and so is a
 * result that should be JSON but is not. */
#include "alert/format_body.h"

#include <stdio.h>
#include <string.h>

#include "alert/phrase.h"
#include "base/mem.h"
#include "json/json.h"

#define PATH_MAX_BYTES 128
#define RESULT_MAX     ((size_t)256 * 1024)

/* The value at a dotted path: a new reference, or NULL. */
static json_t *field_lookup(const struct lw_message *m, const char *path) {
    char text[400];
    if (strcmp(path, ".") == 0)
        return json_incref(m->root);
    if (strcmp(path, "title") == 0)
        return json_string(lw__phrase_title(m, text, sizeof text));
    if (strcmp(path, "top_drifted") == 0) {
        struct lw_buf all = {0};
        for (size_t i = 0; i < lw__phrase_drifted_count(m); i++)
            lw_buf_printf(&all, "%s%s", i > 0 ? "; " : "",
                          lw__phrase_drifted(m, i, text, sizeof text));
        json_t *joined = json_string(lw_buf_str(&all));
        lw_buf_fini(&all);
        return joined;
    }
    json_t *at = m->root;
    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        char key[PATH_MAX_BYTES];
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        at = json_object_get(at, key);
        path += len + (path[len] == '.');
        if (json_is_null(at)) /* {{window.from}} where there is no window */
            break;
    }
    return json_incref(at);
}

enum how { ESCAPED, PLAIN, AS_JSON };

static void write_value(json_t *value, enum how how, struct lw_buf *out) {
    struct lw_buf text = {0};
    const char *string = json_string_value(value);
    if (how != AS_JSON && json_is_null(value)) {
        json_decref(value);
        return;
    }
    if (how == PLAIN && string != NULL) {
        lw_buf_put(out, string, strlen(string));
        json_decref(value);
        return;
    }
    bool quoted = string != NULL && how == ESCAPED;
    lw_json_dump(value, LW_MESSAGE_DIGITS, &text);
    if (quoted)
        lw_buf_put(out, text.data + 1, text.len - 2);
    else
        lw_buf_put(out, text.data, text.len);
    lw_buf_fini(&text);
}

static int line_of(const char *text, const char *at) {
    int line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    return line;
}

/* One placeholder, without its braces. */
static int write_field(const struct lw_receiver *r, const struct lw_message *m,
                       const char *field, int line, struct lw_buf *out,
                       struct lw_err *err) {
    char path[PATH_MAX_BYTES];
    enum how how = ESCAPED;
    snprintf(path, sizeof path, "%s", field);
    char *bar = strchr(path, '|');
    if (bar != NULL) {
        *bar++ = '\0';
        how = strcmp(bar, "plain") == 0 ? PLAIN : AS_JSON;
        if (how == AS_JSON && strcmp(bar, "json") != 0)
            return lw_fail(err, LW_ECONFIG,
                           "receiver %s: `template_file`: line %d: {{%.60s}}: '|' must "
                           "be followed by plain or json",
                           r->name, line, field);
    }
    json_t *value = path[0] == '\0' ? NULL : field_lookup(m, path);
    if (value == NULL)
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `template_file`: line %d: {{%.60s}}: unknown "
                       "field; see schemas/alert.schema.json",
                       r->name, line, field);
    write_value(value, how, out);
    return 0;
}

static int template_expand(const struct lw_receiver *r, const char *text,
                           const struct lw_message *m, struct lw_buf *out,
                           struct lw_err *err) {
    const char *at = text, *open;
    while ((open = strstr(at, "{{")) != NULL) {
        char field[PATH_MAX_BYTES];
        const char *close = strstr(open, "}}");
        lw_buf_put(out, at, (size_t)(open - at));
        int line = line_of(text, open);
        if (close == NULL || close - open - 2 >= PATH_MAX_BYTES)
            return lw_fail(err, LW_ECONFIG,
                           "receiver %s: `template_file`: line %d: {{ without }}",
                           r->name, line);
        snprintf(field, sizeof field, "%.*s", (int)(close - open - 2), open + 2);
        if (write_field(r, m, field, line, out, err) < 0)
            return -1;
        if (out->len > RESULT_MAX)
            return lw_fail(
                err, LW_ECONFIG,
                "receiver %s: `template_file`: the result is longer than 256 KiB",
                r->name);
        at = close + 2;
    }
    lw_buf_put(out, at, strlen(at));
    return 0;
}

static int check_json(const struct lw_receiver *r, const struct lw_buf *out,
                      struct lw_err *err) {
    json_error_t why;
    json_t *root = json_loadb((const char *)out->data, out->len, 0, &why);
    if (root == NULL)
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `template_file`: the result is not valid JSON: "
                       "line %d: %s; set `content_type` if it should not be JSON",
                       r->name, why.line, why.text);
    json_decref(root);
    return 0;
}

int lw__format_template(const struct lw_receiver *r, const struct lw_secrets *secrets,
                        const struct lw_message *m, struct lw_buf *out,
                        struct lw_err *err) {
    if (secrets->template_text == NULL)
        return lw_fail(err, LW_ECONFIG, "receiver %s: `template_file` is not loaded",
                       r->name);
    if (template_expand(r, secrets->template_text, m, out, err) < 0)
        return -1;
    bool json = r->content_type[0] == '\0' || strstr(r->content_type, "json") != NULL;
    return json ? check_json(r, out, err) : 0;
}
