/* Makes untrusted texts safe to show and distinguishable.
 *
 * A name out of a record may be any bytes: not UTF-8, with zero bytes, with what drives a
 * terminal or turns the direction of writing. lw_text_show is for names. A byte that is
 * no UTF-8 becomes \xHH, a character that is not seen becomes \xHH (below U+0080) or
 * \uHHHH, and a backslash becomes \\ where it would otherwise read as the beginning of
 * one of these: before x, u, ~, a space, a backslash, or what is itself escaped. A
 * space that would be lost (first, last, or behind another) is \x20. What is too long is
 * cut, and the mark of the cut, …\~ and eight digits, is a checksum of the whole. So the
 * shown text can be read back, and two different inputs never look alike.
 *
 * lw_text_safe is for whole sentences, whose names have been through lw_text_show: it
 * only takes away what would do harm, so that applying it twice changes nothing.
 *
 * Left out: letters of different scripts that are drawn alike (Latin a, Cyrillic а). */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

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

enum sight {
    SEEN,
    UNSEEN, /* no shape, a blank that is no space, or part of the letter before it */
    HARMFUL /* drives a terminal, turns the direction of writing, or is no character */
};

static enum sight sight_of(uint32_t c) {
    static const struct {
        uint32_t lo, hi;
        enum sight sight;
    } range[] = {
        {0x00, 0x1f, HARMFUL},      {0x7f, 0x9f, HARMFUL},     {0xa0, 0xa0, UNSEEN},
        {0xad, 0xad, UNSEEN},       {0x300, 0x36f, UNSEEN},    {0x61c, 0x61c, HARMFUL},
        {0x115f, 0x1160, UNSEEN},   {0x1680, 0x1680, UNSEEN},  {0x17b4, 0x17b5, UNSEEN},
        {0x180b, 0x180f, UNSEEN},   {0x2000, 0x200d, UNSEEN},  {0x200e, 0x200f, HARMFUL},
        {0x2028, 0x202e, HARMFUL},  {0x202f, 0x202f, UNSEEN},  {0x205f, 0x2065, UNSEEN},
        {0x2066, 0x206f, HARMFUL},  {0x2800, 0x2800, UNSEEN},  {0x3000, 0x3000, UNSEEN},
        {0x3164, 0x3164, UNSEEN},   {0xfdd0, 0xfdef, HARMFUL}, {0xfe00, 0xfe0f, UNSEEN},
        {0xfeff, 0xfeff, UNSEEN},   {0xffa0, 0xffa0, UNSEEN},  {0xfff0, 0xfffb, UNSEEN},
        {0x1d173, 0x1d17a, UNSEEN}, {0xe0000, 0xe0fff, UNSEEN}};
    if ((c & 0xfffe) == 0xfffe)
        return HARMFUL;
    for (size_t i = 0; i < sizeof range / sizeof range[0] && c >= range[i].lo; i++)
        if (c <= range[i].hi)
            return range[i].sight;
    return SEEN;
}

struct shown_piece {
    char byte[12];
    size_t len, taken;
    bool escaped;
};

/* What is worse than `most` is escaped. */
static struct shown_piece raw_piece(const char *text, size_t left, enum sight most) {
    struct shown_piece out = {.taken = lw_utf8_sequence(text, left)};
    const unsigned char *p = (const unsigned char *)text;
    if (out.taken == 0) {
        out.taken = 1;
        out.escaped = true;
        out.len = (size_t)snprintf(out.byte, sizeof out.byte, "\\x%02x", p[0]);
        return out;
    }
    uint32_t c = p[0] < 0x80 ? p[0] : code_point(p, out.taken);
    out.escaped = sight_of(c) > most;
    if (!out.escaped) {
        out.len = out.taken;
        memcpy(out.byte, text, out.taken);
    } else if (c < 0x80) {
        out.len = (size_t)snprintf(out.byte, sizeof out.byte, "\\x%02x", (unsigned)c);
    } else if (c < 0x10000) {
        out.len = (size_t)snprintf(out.byte, sizeof out.byte, "\\u%04x", (unsigned)c);
    } else {
        out.len = (size_t)snprintf(out.byte, sizeof out.byte, "\\U%08x", (unsigned)c);
    }
    return out;
}

/* ---- for programs ---- */

/* A backslash is doubled where it could be taken for one of ours. */
static struct shown_piece piece_at(const char *text, size_t left, enum sight most) {
    struct shown_piece out = raw_piece(text, left, most);
    if (text[0] != '\\' || left == 1)
        return out;
    bool doubtful = (text[1] && strchr("xuU~\\ ", text[1])) ||
                    raw_piece(text + 1, left - 1, most).escaped;
    if (doubtful) {
        memcpy(out.byte, "\\\\", 2);
        out.len = 2;
    }
    return out;
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
        struct shown_piece p = piece_at(text + i, len - i, HARMFUL);
        if (out)
            memcpy(out + used, p.byte, p.len);
        used += p.len;
        i += p.taken;
    }
    return used;
}

/* ---- for people ---- */

/* `kept` is how far a text may stay when the mark of a cut must still follow. */
struct shown_line {
    char *out;
    size_t size, used, kept, mark;
};

/* False, and nothing is written, when there is no more room. */
static bool line_put(struct shown_line *l, const struct shown_piece *p) {
    if (l->used + p->len > l->size - 1)
        return false;
    memcpy(l->out + l->used, p->byte, p->len);
    l->used += p->len;
    if (l->used + l->mark <= l->size - 1)
        l->kept = l->used;
    return true;
}

#define ELLIPSIS  "\xE2\x80\xA6"
#define CUT_BYTES 13 /* an ellipsis, "\~" and eight digits */

/* Returns the bytes written. */
static size_t line_cut(struct shown_line *l, const char *whole, size_t len) {
    char mark[CUT_BYTES + 1];
    unsigned sum = (unsigned)(XXH3_64bits(whole, len) & UINT32_MAX);
    snprintf(mark, sizeof mark, ELLIPSIS "\\~%08x", sum);
    memcpy(l->out + l->kept, mark, l->mark);
    l->out[l->kept + l->mark] = '\0';
    return l->kept + l->mark;
}

/* Bare where there is no room for a checksum. */
static struct shown_line line_in(char *out, size_t size) {
    lw_assert(size >= 4);
    return (struct shown_line){
        .out = out, .size = size, .mark = size > CUT_BYTES ? CUT_BYTES : 3};
}

static struct shown_piece name_piece(const char *text, size_t len, size_t i) {
    struct shown_piece p = piece_at(text + i, len - i, SEEN);
    bool lost = i == 0 || i + 1 == len || text[i - 1] == ' ';
    if (text[i] == ' ' && lost)
        p = (struct shown_piece){.byte = "\\x20", .len = 4, .taken = 1};
    return p;
}

size_t lw_text_show(char *out, size_t size, const char *text, size_t len) {
    struct shown_line line = line_in(out, size);
    for (size_t i = 0; i < len;) {
        struct shown_piece p = name_piece(text, len, i);
        if (!line_put(&line, &p))
            return line_cut(&line, text, len);
        i += p.taken;
    }
    out[line.used] = '\0';
    return line.used;
}

struct lw_shown lw_text_column(const char *shown, size_t least, size_t most) {
    struct lw_shown column;
    size_t len = strlen(shown), columns = 0;
    struct shown_line line = line_in(column.text, most + 1);
    lw_assert(most + least < sizeof column.text);
    for (size_t i = 0; i < len;) {
        struct shown_piece p = raw_piece(shown + i, len - i, UNSEEN);
        if (!line_put(&line, &p)) {
            line.used = line_cut(&line, shown, len);
            break;
        }
        i += p.taken;
    }
    for (size_t i = 0; i < line.used; i++)
        columns += ((unsigned char)column.text[i] & 0xc0) != 0x80;
    for (; columns < least; columns++)
        column.text[line.used++] = ' ';
    column.text[line.used] = '\0';
    return column;
}

char *lw_text_safe(char *out, size_t size, const char *text, size_t len) {
    struct shown_line line = line_in(out, size);
    line.mark = 3;
    for (size_t i = 0; i < len;) {
        struct shown_piece p = raw_piece(text + i, len - i, UNSEEN);
        if (!line_put(&line, &p)) {
            line_cut(&line, text, len);
            return out;
        }
        i += p.taken;
    }
    out[line.used] = '\0';
    return out;
}
