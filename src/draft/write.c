/* The configuration as YAML: the head of the file, and the lines of all parts.
 *
 * A name is written plain only if every YAML reader takes it for a text; others are
 * quoted. Comments may contain names of any bytes, so each goes through lw_text_safe. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "draft/draft_private.h"

#define COMMENT_COLUMN 40
#define WIDTH          100

struct lw_draft_scalar lw__draft_scalar(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char valid[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n",   "record"};
    struct lw_draft_scalar out;
    bool plain = *name && strchr(letters, *name) && strspn(name, valid) == strlen(name);
    size_t n = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        plain = plain && strcasecmp(name, words[i]) != 0;
    if (!plain)
        out.text[n++] = '"';
    for (; *name && n + 4 < sizeof out.text; name++) {
        if (!plain && (*name == '"' || *name == '\\'))
            out.text[n++] = '\\';
        out.text[n++] = *name;
    }
    if (!plain)
        out.text[n++] = '"';
    out.text[n] = 0;
    return out;
}

/* The comment above its line, broken between words. */
static void write_above(struct lw_buf *out, size_t indent, const char *text) {
    size_t room = WIDTH - 2 - indent;
    while (*text) {
        size_t len = strlen(text), cut = len < room ? len : room;
        while (cut < len && cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            cut = strcspn(text, " ");
        lw_buf_printf(out, "%*s# %.*s\n", (int)indent, "", (int)cut, text);
        text += cut;
        text += strspn(text, " ");
    }
}

void lw__draft_write_line(struct lw_buf *out, const char *line, const char *fmt, ...) {
    char raw[1024], text[1200];
    size_t len = strlen(line), pad = len < COMMENT_COLUMN ? COMMENT_COLUMN - len : 1;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    lw_text_safe(text, sizeof text, raw, strlen(raw));
    bool blank = strspn(line, " ") == len;
    if (!*text)
        lw_buf_printf(out, "%s\n", line);
    else if (!blank && len + pad + 2 + strlen(text) <= WIDTH)
        lw_buf_printf(out, "%s%*s# %s\n", line, (int)pad, "", text);
    else {
        write_above(out, strspn(line, " "), text);
        if (!blank)
            lw_buf_printf(out, "%s\n", line);
    }
}

void lw__draft_write_heading(struct lw_buf *out, const char *text) {
    lw_buf_printf(out, "\n# ---- %s ", text);
    for (size_t i = strlen(text); i + 8 < WIDTH; i++)
        lw_buf_printf(out, "-");
    lw_buf_printf(out, "\n\n");
}

static void write_head(const struct lw_draft *d, const struct lw_draft_names *names,
                       struct lw_buf *out) {
    char events[32], days[32] = "";
    lw_format_count(events, sizeof events, d->sample->events);
    if (d->pace.known)
        snprintf(days, sizeof days, ", %.3g days", d->pace.days);
    lw__draft_write_line(
        out, "",
        "A first configuration, drafted by `leeway init` from %s: "
        "%s events%s. Each comment tells what a choice is based on. Read "
        "them all, above all those that begin with \"guessed\" or end in "
        "a question; then run `leeway check` and `leeway backtest`. "
        "docs/config.md describes every key.",
        names->files, events, days);
}

/* "NAME=VALUE" as YAML; the values are plain texts. */
static void write_properties(const struct lw_draft_names *names, struct lw_buf *out) {
    for (size_t i = 0; i < names->nproperties; i++) {
        const char *equals = strchr(names->property[i], '=');
        lw_buf_printf(out, "  %.*s: \"", (int)(equals - names->property[i]),
                      names->property[i]);
        for (const char *p = equals + 1; *p; p++)
            lw_buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        lw_buf_printf(out, "\"\n");
    }
}

/* What a sample cannot tell: where the registry is. */
static void write_framing(const struct lw_draft_names *names, struct lw_buf *out) {
    if (!names->framing || strcmp(names->framing, "raw") == 0)
        return;
    lw_buf_printf(out, "  framing: %s\n", names->framing);
    if (strcmp(names->framing, "confluent") == 0)
        lw__draft_write_line(
            out, "  registry: {url: \"${LEEWAY_REGISTRY:-http://localhost:8081}\"}",
            "guessed: where is the registry?");
}

static void write_source(const struct lw_draft_names *names, struct lw_buf *out) {
    struct lw_draft_scalar stream = lw__draft_scalar(names->stream);
    char line[600], quoted[400];
    size_t n = 0;
    for (const char *p = names->schema; *p && n + 3 < sizeof quoted; p++) {
        if (*p == '"' || *p == '\\')
            quoted[n++] = '\\';
        quoted[n++] = *p;
    }
    quoted[n] = 0;
    lw_buf_printf(out, "\n");
    snprintf(line, sizeof line, "stream: %s", stream.text);
    lw__draft_write_line(out, line, "%s",
                         names->topic ? "from the name of the topic"
                                      : "from the name of the file, like the topic");
    lw_buf_printf(out,
                  "\nkafka:\n"
                  "  bootstrap.servers: \"${LEEWAY_KAFKA:-%s}\"\n"
                  "  group.id: leeway-%s\n"
                  "  auto.offset.reset: earliest\n",
                  names->servers ? names->servers : "localhost:9092", names->stream);
    write_properties(names, out);
    lw_buf_printf(out, "redis:\n"
                       "  url: \"${LEEWAY_REDIS:-redis://localhost:6379}\"\n\n"
                       "source:\n");
    lw_buf_printf(out, "  topic: %s\n",
                  names->topic ? lw__draft_scalar(names->topic).text : stream.text);
    snprintf(line, sizeof line, "  schema: \"%s\"", quoted);
    lw__draft_write_line(out, line, "%s",
                         names->topic ? "--schema" : "as embedded in the file");
    write_framing(names, out);
    snprintf(line, sizeof line, "  # dead_letters: %s.dead", names->stream);
    lw__draft_write_line(out, line, "a topic for unreadable messages; create it first");
}

void lw_draft_write(const struct lw_draft *d, const struct lw_draft_names *names,
                    struct lw_buf *out) {
    write_head(d, names, out);
    write_source(names, out);
    lw__draft_write_heading(out, "what an event is");
    lw__draft_write_events(d, out);
    lw__draft_write_policy(d, out);
}
