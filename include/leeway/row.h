/* A row: one event after decoding, and the list of fields that gives its cells their
 * meaning.
 *
 * The list is created once from the configuration (or from a model file); decoding,
 * feature plans, sketches and models refer to fields by their index in it. A row
 * borrows: texts point into the bytes it was decoded from and live as long as those. */
#ifndef LEEWAY_ROW_H
#define LEEWAY_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LW_FIELDS_MAX 128
#define LW_NAME_MAX   96

enum lw_kind {
    LW_NUMERIC,   /* num */
    LW_CATEGORY,  /* key, and text where the value is a string or an enum symbol */
    LW_TIMESTAMP, /* num: milliseconds since 1970, exact in a double; key: the same as
                     int64 */
    LW_TEXT       /* text only: an identifier, never a feature */
};

/* The kind of bytes in a text, which decides how an identifier is written. */
enum lw_form {
    LW_FORM_TEXT,  /* as they are; invalid UTF-8 is escaped */
    LW_FORM_BYTES, /* bytes and fixed: hexadecimal digits */
    LW_FORM_UUID   /* 16 bytes of a uuid: 8-4-4-4-12 digits */
};

/* The unit of a number of a timestamp since 1970, where the schema does not say. */
enum lw_unit { LW_UNIT_OF_TYPE, LW_UNIT_S, LW_UNIT_MS, LW_UNIT_US, LW_UNIT_NS };

/* One value. A missing value (null, absent, NaN) has present = false and num = NAN, key =
 * 0. A category's key is the integer itself (as uint64) or lw_text_key() of its text. */
struct lw_cell {
    double num;
    uint64_t key;
    const char *text; /* not NUL-terminated; NULL for integers */
    uint32_t len;
    bool present;
    uint8_t form; /* enum lw_form, of a text */
};

struct lw_field {
    char name[LW_NAME_MAX];
    enum lw_kind kind;
    bool required; /* null or absent makes the event undecodable */
    bool strict;  /* so does a value that cannot be converted to the kind, but not null */
    uint8_t unit; /* enum lw_unit, of a timestamp */
};

struct lw_zone;

struct lw_fields {
    size_t n;
    const struct lw_zone *zone; /* of times without an offset; borrowed; NULL: UTC */
    struct lw_field field[LW_FIELDS_MAX];
};

/* Index of a field by name, or -1. */
int lw_fields_find(const struct lw_fields *fields, const char *name);

/* Appends a field and returns its index; LW_ECONFIG when the name is taken, too long, or
 * there are LW_FIELDS_MAX already. */
int lw_fields_add(struct lw_fields *fields, const char *name, enum lw_kind kind,
                  bool required, struct lw_err *err);

/* 64-bit key of a category's text (XXH3). Integers are their own key. */
uint64_t lw_text_key(const char *text, size_t len);

/* A decoder's output. cells has one entry per field. */
struct lw_row {
    const struct lw_cell *cells;
    int64_t time_ms; /* event time */
    double target;   /* NAN when unknown */
};

const char *lw_kind_name(enum lw_kind kind);
/* Kind by name ("numeric", "category", "timestamp", "text"), or -1. */
int lw_kind_parse(const char *name);

/* Constructors for a cell. */
struct lw_cell lw_cell_missing(void);
struct lw_cell lw_cell_num(double v);  /* NaN becomes missing */
struct lw_cell lw_cell_int(int64_t v); /* num = v, key = v */
struct lw_cell lw_cell_text(const char *text, size_t len);
/* A present category or text as UTF-8 for other programs: a text as it is, with invalid
 * UTF-8 escaped; a uuid with dashes; other bytes in hexadecimal digits; an integer in
 * decimal. Different values never look alike. Returns the number of bytes; out, unless
 * it is NULL, must have room for all. No NUL at the end. */
size_t lw_cell_show(const struct lw_cell *cell, char *out);

#ifdef __cplusplus
}
#endif
#endif
