/* Text that is safe to send.
 *
 * Receivers refuse a whole message for one invalid byte (jansson, Slack and PagerDuty all
 * require valid UTF-8), and each product has its own length limit. So every text passes
 * here once: invalid UTF-8 and control characters are escaped as in base/text_show.c,
 * newlines stay (they separate leeway's own lines), and text that is too long is cut
 * between code points and ends in an ellipsis. Names of categories have passed through
 * lw_cat_name before. Limits are in bytes, so they also hold for products that count
 * characters.
 *
 * Left out: grapheme clusters. A cut may separate a letter from a combining accent. */
#include "alert/utf8.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct utf8_unit {
    char byte[12];
    size_t len;   /* bytes to write */
    size_t taken; /* bytes of the source */
};

static struct utf8_unit unit_at(const char *text, size_t left) {
    size_t len = lw_utf8_sequence(text, left);
    struct utf8_unit u = {.byte = "\n", .taken = len ? len : 1};
    if (text[0] != '\n')
        lw_text_safe(u.byte, sizeof u.byte, text, u.taken);
    u.len = strlen(u.byte);
    return u;
}

/* `keep` is the length of text that leaves room for an ellipsis. */
char *lw__utf8_clean(char *out, size_t size, const char *text, size_t len) {
    lw_assert(size >= 4);
    size_t used = 0, keep = 0;
    for (size_t i = 0; i < len;) {
        struct utf8_unit u = unit_at(text + i, len - i);
        if (used + u.len > size - 1) {
            memcpy(out + keep, "\xE2\x80\xA6", 3);
            out[keep + 3] = '\0';
            return out;
        }
        memcpy(out + used, u.byte, u.len);
        used += u.len;
        i += u.taken;
        if (used + 3 <= size - 1)
            keep = used;
    }
    out[used] = '\0';
    return out;
}
