/* Rewrites the text of a schema, as other tools accept it, into strict JSON.
 *
 * Avro's Java library, and with it the registries and Kafka Connect, accepts more than
 * JSON: a byte order mark, comments, bare NaN and Infinity as a default (Python writes
 * them too), numbers of any length, unpaired surrogates in a doc. None of these should
 * turn a whole topic into dead letters, so the text is rewritten once, and the rewritten
 * text is stored and written into files. Other errors are left to the JSON parser. */
#include "event/schema_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

struct rewrite {
    const char *at, *end;
    struct lw_buf *out;
};

static bool rewrite_starts_with(const struct rewrite *r, const char *word) {
    size_t len = strlen(word);
    return (size_t)(r->end - r->at) >= len && memcmp(r->at, word, len) == 0;
}

static void rewrite_copy(struct rewrite *r, size_t len) {
    lw_buf_put(r->out, r->at, len);
    r->at += len;
}

/* The code unit of "\uXXXX" at `at`, or -1. */
static long unit_at(const char *at, const char *end) {
    char hex[5] = "";
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    memcpy(hex, at + 2, 4);
    return strspn(hex, "0123456789abcdefABCDEF") == 4 ? strtol(hex, NULL, 16) : -1;
}

static void rewrite_escape(struct rewrite *r) {
    long unit = unit_at(r->at, r->end);
    bool high = unit >= 0xd800 && unit < 0xdc00, low = unit >= 0xdc00 && unit < 0xe000;
    long next = high ? unit_at(r->at + 6, r->end) : -1;
    if (high && next >= 0xdc00 && next < 0xe000) {
        rewrite_copy(r, 12);
    } else if (high || low) {
        lw_buf_printf(r->out, "\\ufffd");
        r->at += 6;
    } else {
        rewrite_copy(r, unit >= 0 ? 6 : r->end - r->at > 1 ? 2 : 1);
    }
}

static void rewrite_string(struct rewrite *r) {
    rewrite_copy(r, 1);
    while (r->at < r->end && *r->at != '"') {
        size_t len = lw_utf8_sequence(r->at, (size_t)(r->end - r->at));
        if (*r->at == '\\') {
            rewrite_escape(r);
        } else if (len == 0) {
            lw_buf_printf(r->out, "\xEF\xBF\xBD");
            r->at++;
        } else {
            rewrite_copy(r, len);
        }
    }
    if (r->at < r->end)
        rewrite_copy(r, 1);
}

/* A number longer than a long is a real, one larger than a double is infinite. */
static void rewrite_number(struct rewrite *r) {
    char text[64];
    size_t len = 0;
    while (len < (size_t)(r->end - r->at) && r->at[len] &&
           strchr("0123456789+-.eE", r->at[len]))
        len++;
    bool whole =
        !memchr(r->at, '.', len) && !memchr(r->at, 'e', len) && !memchr(r->at, 'E', len);
    const char *begin = r->at;
    r->at += len;
    if (len < sizeof text) {
        memcpy(text, begin, len);
        text[len] = '\0';
        errno = 0;
        bool fits =
            whole ? (strtoll(text, NULL, 10), errno == 0) : isfinite(strtod(text, NULL));
        if (!fits && !whole)
            lw_buf_printf(r->out, "\"%sInfinity\"", *text == '-' ? "-" : "");
        if (!fits && !whole)
            return;
        whole = whole && !fits;
    }
    lw_buf_put(r->out, begin, len);
    if (whole)
        lw_buf_printf(r->out, "e0");
}

static void rewrite_comment(struct rewrite *r) {
    bool line = r->at[1] == '/';
    r->at += 2;
    while (r->at < r->end && !(line ? *r->at == '\n' : rewrite_starts_with(r, "*/"))) {
        if (*r->at == '\n') /* keep line numbers for the parser */
            lw_buf_u8(r->out, '\n');
        r->at++;
    }
    if (!line && r->at < r->end)
        r->at += 2;
    lw_buf_u8(r->out, ' ');
}

static void rewrite_token(struct rewrite *r) {
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    if (*r->at == '"') {
        rewrite_string(r);
        return;
    }
    if (rewrite_starts_with(r, "//") || rewrite_starts_with(r, "/*")) {
        rewrite_comment(r);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rewrite_starts_with(r, words[i])) {
            lw_buf_printf(r->out, "\"%s\"", words[i]);
            r->at += strlen(words[i]);
            return;
        }
    if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9'))
        rewrite_number(r);
    else
        rewrite_copy(r, 1);
}

int lw_schema_text(const char *json, size_t len, struct lw_buf *out, struct lw_err *err) {
    struct rewrite r = {json, json + len, out};
    if (rewrite_starts_with(&r, "\xFF\xFE") || rewrite_starts_with(&r, "\xFE\xFF"))
        return lw_fail(err, LW_ECONFIG,
                       "Avro schema: the text is UTF-16; save it as UTF-8");
    if (rewrite_starts_with(&r, "\xEF\xBB\xBF"))
        r.at += 3;
    while (r.at < r.end)
        rewrite_token(&r);
    return 0;
}

json_t *lw_schema_text_load(const char *text, size_t len, json_error_t *where) {
    return json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, where);
}

const char *lw_schema_text_name(const json_t *json) {
    const char *text = json_string_value(json);
    return text && strlen(text) == json_string_length(json) ? text : NULL;
}
