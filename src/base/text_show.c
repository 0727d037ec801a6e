/* Bytes of strangers as text that is safe and tells them apart.
 *
 * A name out of a record may be any bytes: not UTF-8, with zero bytes, with what drives a
 * terminal or turns the direction of writing. So a byte that is no UTF-8 becomes \xHH, a
 * character that is not seen becomes \xHH (below U+0080) or \uHHHH, and a backslash
 * becomes \\ where it would otherwise read as the beginning of one of these: before x, u,
 * a backslash, or what is itself escaped. So the shown text can be read back, and two
 * different inputs never look alike unless they are cut. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

size_t lw_utf8_sequence(const char *text, size_t left) {
    static const struct {
        unsigned char lo, hi, second_lo, second_hi, len;
    } form[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
                {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
                {0xf4, 0xf4, 0x80, 0x8f, 4}};
    const unsigned char *p = (const unsigned char *)text;
    for (size_t f = 0; left > 0 && f < sizeof form / sizeof form[0]; f++) {
        if (p[0] < form[f].lo || p[0] > form[f].hi)
            continue;
        size_t len = form[f].len;
        if (len > left ||
            (len > 1 && (p[1] < form[f].second_lo || p[1] > form[f].second_hi)))
            return 0;
        for (size_t i = 2; i < len; i++)
            if ((p[i] & 0xc0) != 0x80)
                return 0;
        return len;
    }
    return 0;
}

static uint32_t code_point(const unsigned char *p, size_t len) {
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = p[0] & mask[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* Controls, and what has no shape of its own: soft hyphen, marks of direction, zero-width
 * and format characters, line separators, tags, noncharacters. */
static bool unseen(uint32_t c) {
    static const uint32_t range[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
        {0x115f, 0x1160}, {0x180e, 0x180e}, {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof range / sizeof range[0] && c >= range[i][0]; i++)
        if (c <= range[i][1])
            return true;
    return false;
}

struct piece {
    char byte[12];
    size_t len, taken;
    bool escaped;
};

static struct piece raw_piece(const char *text, size_t left, bool show) {
    struct piece out = {.taken = lw_utf8_sequence(text, left)};
    const unsigned char *p = (const unsigned char *)text;
    if (out.taken == 0) {
        out.taken = 1;
        out.escaped = true;
        out.len = (size_t)snprintf(out.byte, sizeof out.byte, "\\x%02x", p[0]);
        return out;
    }
    uint32_t c = p[0] < 0x80 ? p[0] : code_point(p, out.taken);
    out.escaped = show && unseen(c);
    if (out.escaped) {
        int n = c < 0x80      ? snprintf(out.byte, sizeof out.byte, "\\x%02x", c)
                : c < 0x10000 ? snprintf(out.byte, sizeof out.byte, "\\u%04x", c)
                              : snprintf(out.byte, sizeof out.byte, "\\U%08x", c);
        out.len = (size_t)n;
    } else {
        out.len = out.taken;
        memcpy(out.byte, text, out.taken);
    }
    return out;
}

/* A backslash is doubled where it could be taken for one of ours. */
static struct piece piece_at(const char *text, size_t left, bool show) {
    struct piece out = raw_piece(text, left, show);
    if (text[0] != '\\' || left == 1)
        return out;
    char next = text[1];
    bool doubtful = next == 'x' || next == 'u' || next == 'U' || next == '\\' ||
                    raw_piece(text + 1, left - 1, show).escaped;
    if (doubtful) {
        memcpy(out.byte, "\\\\", 2);
        out.len = 2;
    }
    return out;
}

size_t lw_text_show(char *out, size_t size, const char *text, size_t len) {
    lw_assert(size >= 4);
    size_t used = 0, keep = 0; /* how far it may stay when an ellipsis must follow */
    for (size_t i = 0; i < len;) {
        struct piece p = piece_at(text + i, len - i, true);
        if (used + p.len > size - 1) {
            memcpy(out + keep, "\xE2\x80\xA6", 3);
            out[keep + 3] = '\0';
            return keep + 3;
        }
        memcpy(out + used, p.byte, p.len);
        used += p.len;
        i += p.taken;
        if (used + 3 <= size - 1)
            keep = used;
    }
    out[used] = '\0';
    return used;
}

size_t lw_text_utf8(char *out, const char *text, size_t len) {
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        if ((unsigned char)text[i] < 0x80 && text[i] != '\\') {
            if (out)
                out[used] = text[i];
            used++;
            i++;
            continue;
        }
        struct piece p = piece_at(text + i, len - i, false);
        if (out)
            memcpy(out + used, p.byte, p.len);
        used += p.len;
        i += p.taken;
    }
    return used;
}
