/* One text, written so that it stays text in each medium that we write to.
 *
 * Everything that drives a terminal, turns the direction of writing, ends a line or is no
 * UTF-8 goes first, the same way for all (lw_text_safe). Then each medium's own
 * characters are escaped: what remains means nothing to it, and taking the escapes back
 * gives the text. Nothing is left out and nothing is replaced by a likeness, so two texts
 * that differ still differ. Names of strangers go through lw_text_show before.
 *
 * Cards: an Adaptive Card's text is Markdown, where a backslash takes its meaning from
 * any ASCII punctuation; also from braces, which begin a date function, and from the
 * colon and dot by which addresses are found and made into links. A number at the
 * beginning would begin a list. Entities would do for Slack's & < >, whose emphasis and
 * emoji know no escape: a text goes there as plain_text, never as mrkdwn. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/text_media.h"

#define ELLIPSIS "\xE2\x80\xA6"

static const char *entity_of(char c, bool quotes) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return quotes ? "&quot;" : NULL;
    case '\'':
        return quotes ? "&#39;" : NULL;
    default:
        return NULL;
    }
}

/* Does a card read something into the character at text[i]? */
static bool read_by_a_card(const char *text, size_t len, size_t i) {
    char c = text[i];
    if (strchr("\\`*_{}[]()<>#!|~&^=", c))
        return true;
    if (c == '-' || c == '+')
        return i == 0;
    if (c == ':')
        return i + 2 < len && text[i + 1] == '/' && text[i + 2] == '/';
    if (c != '.')
        return false;
    size_t digits = 0;
    while (digits < i && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    bool ends = i + 1 == len || text[i + 1] == ' ';
    return (ends && digits == i) || (i >= 3 && strncmp(text + i - 3, "www", 3) == 0);
}

/* The escape of the character; out has room for it. */
static const char *medium_escape(enum lw_medium medium, const char *text, size_t len,
                                 size_t i, char out[3]) {
    const char *instead = NULL;
    bool slash = false;
    if (medium == LW_MEDIUM_HTML || medium == LW_MEDIUM_SLACK)
        instead = entity_of(text[i], medium == LW_MEDIUM_HTML);
    else if (medium == LW_MEDIUM_LABEL)
        slash = text[i] == '"' || text[i] == '\\';
    else if (medium == LW_MEDIUM_CARD)
        slash = read_by_a_card(text, len, i);
    if (instead)
        return instead;
    size_t n = 0;
    if (slash)
        out[n++] = '\\';
    out[n++] = text[i];
    out[n] = '\0';
    return out;
}

/* One character of the source, safe and escaped. */
struct media_unit {
    char byte[40];
    size_t len, taken;
};

static struct media_unit unit_at(enum lw_medium medium, const char *text, size_t len,
                                 size_t i) {
    struct media_unit u = {.taken = lw_utf8_sequence(text + i, len - i)};
    char safe[16], two[3];
    u.taken = u.taken ? u.taken : 1;
    lw_text_safe(safe, sizeof safe, text + i, u.taken);
    bool same = strlen(safe) == u.taken && memcmp(safe, text + i, u.taken) == 0;
    size_t n = strlen(safe);
    for (size_t k = 0; k < n; k++) {
        const char *piece = same && n == 1 ? medium_escape(medium, text, len, i, two)
                                           : medium_escape(medium, safe, n, k, two);
        size_t size = strlen(piece);
        lw_assert(u.len + size <= sizeof u.byte);
        memcpy(u.byte + u.len, piece, size);
        u.len += size;
    }
    return u;
}

void lw_text_for(enum lw_medium medium, struct lw_buf *out, const char *text, size_t len,
                 size_t max) {
    size_t begin = out->len, keep = begin; /* so far when an ellipsis must follow */
    lw_assert(max >= sizeof ELLIPSIS - 1);
    for (size_t i = 0; i < len;) {
        struct media_unit u = unit_at(medium, text, len, i);
        if (out->len - begin + u.len > max) {
            out->len = keep;
            lw_buf_put(out, ELLIPSIS, sizeof ELLIPSIS - 1);
            return;
        }
        lw_buf_put(out, u.byte, u.len);
        i += u.taken;
        if (out->len - begin + sizeof ELLIPSIS - 1 <= max)
            keep = out->len;
    }
}

static void put_utf16(struct lw_buf *out, const char *text, size_t n) {
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)text[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    if (c >= 0x10000) {
        lw_buf_printf(out, "\\u%04x", (unsigned)(0xd7c0 + (c >> 10)));
        c = 0xdc00 | (c & 0x3ff);
    }
    lw_buf_printf(out, "\\u%04x", (unsigned)c);
}

void lw_text_json(struct lw_buf *out, const char *json, size_t len) {
    for (size_t i = 0, n; i < len; i += n) {
        char safe[16];
        n = lw_utf8_sequence(json + i, len - i);
        lw_assert(n > 0); /* from a library that writes nothing else */
        lw_text_safe(safe, sizeof safe, json + i, n);
        if (json[i] == '\n' || strncmp(safe, json + i, n) == 0)
            lw_buf_put(out, json + i, n); /* a newline separates values */
        else
            put_utf16(out, json + i, n);
    }
}
