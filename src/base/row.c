/* Cells and the field list. */
#include "leeway/row.h"

#include <math.h>
#include <string.h>

#include <xxhash.h>

#include "base/text.h"

static const char *const kind_names[] = {"numeric", "category", "timestamp", "text"};

int lw_fields_find(const struct lw_fields *fields, const char *name) {
    for (size_t i = 0; i < fields->n; i++)
        if (strcmp(fields->field[i].name, name) == 0)
            return (int)i;
    return -1;
}

int lw_fields_add(struct lw_fields *fields, const char *name, enum lw_kind kind,
                  bool required, struct lw_err *err) {
    if (strlen(name) >= LW_NAME_MAX)
        return lw_fail(err, LW_ECONFIG, "field name \"%.40s...\" is longer than %d bytes",
                       name, LW_NAME_MAX - 1);
    if (lw_fields_find(fields, name) >= 0)
        return lw_fail(err, LW_ECONFIG, "field \"%s\" is listed twice", name);
    if (fields->n == LW_FIELDS_MAX)
        return lw_fail(err, LW_ECONFIG, "field \"%s\": at most %d fields are supported",
                       name, LW_FIELDS_MAX);
    struct lw_field *field = &fields->field[fields->n];
    *field = (struct lw_field){.kind = kind, .required = required};
    memcpy(field->name, name, strlen(name) + 1);
    return (int)fields->n++;
}

uint64_t lw_text_key(const char *text, size_t len) {
    return XXH3_64bits(text, len);
}

const char *lw_kind_name(enum lw_kind kind) {
    return (size_t)kind < sizeof kind_names / sizeof *kind_names ? kind_names[kind] : "?";
}

int lw_kind_parse(const char *name) {
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++)
        if (strcmp(kind_names[i], name) == 0)
            return (int)i;
    return -1;
}

struct lw_cell lw_cell_missing(void) {
    return (struct lw_cell){.num = NAN};
}

struct lw_cell lw_cell_num(double v) {
    if (isnan(v))
        return lw_cell_missing();
    return (struct lw_cell){.num = v, .present = true};
}

struct lw_cell lw_cell_int(int64_t v) {
    return (struct lw_cell){.num = (double)v, .key = (uint64_t)v, .present = true};
}

struct lw_cell lw_cell_text(const char *text, size_t len) {
    return (struct lw_cell){.num = NAN,
                            .key = lw_text_key(text, len),
                            .text = text,
                            .len = (uint32_t)len,
                            .present = true};
}

/* Decimal digits without printf: this runs once an event. */
static size_t put_integer(int64_t v, char *out) {
    char text[24];
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (v < 0)
        text[--at] = '-';
    if (out)
        memcpy(out, text + at, sizeof text - at);
    return sizeof text - at;
}

static size_t put_hex(const struct lw_cell *cell, bool dashes, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < cell->len; i++) {
        uint8_t byte = (uint8_t)cell->text[i];
        bool dash = dashes && (i == 4 || i == 6 || i == 8 || i == 10);
        if (dash && out)
            out[used] = '-';
        used += dash;
        if (out) {
            out[used] = "0123456789abcdef"[byte >> 4];
            out[used + 1] = "0123456789abcdef"[byte & 15];
        }
        used += 2;
    }
    return used;
}

size_t lw_cell_show(const struct lw_cell *cell, char *out) {
    if (!cell->text)
        return put_integer((int64_t)cell->key, out);
    if (cell->form == LW_FORM_TEXT)
        return lw_text_utf8(out, cell->text, cell->len);
    return put_hex(cell, cell->form == LW_FORM_UUID && cell->len == 16, out);
}
