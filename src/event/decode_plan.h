/* The compiled form of a decoder, private to the event layer.
 *
 * Steps run one after the other over the bytes of a record, in the writer's order. A
 * step either skips a value or stores it in a cell. `null` marks a value in a union of
 * null and one type: 0 no, 1 null is branch 0, 2 null is branch 1. Any other union with
 * a wanted field is a BRANCH into a jump table, and each branch ends in a JUMP past the
 * last. */
#ifndef LW_EVENT_DECODE_PLAN_H
#define LW_EVENT_DECODE_PLAN_H

#include "event/decoder.h"
#include "event/skip_layout.h"

enum lw_decode_op {
    LW_DECODE_SKIP_VARINT,
    LW_DECODE_SKIP_BYTES,
    LW_DECODE_SKIP_FIXED,  /* arg bytes */
    LW_DECODE_SKIP_LAYOUT, /* arg: layout */
    LW_DECODE_INT,
    LW_DECODE_LONG,
    LW_DECODE_FLOAT,
    LW_DECODE_DOUBLE,
    LW_DECODE_BOOLEAN,
    LW_DECODE_ENUM, /* arg: first of n symbol cells */
    LW_DECODE_TEXT,
    LW_DECODE_TEXT_FIXED,    /* arg bytes */
    LW_DECODE_DECIMAL,       /* scale */
    LW_DECODE_DECIMAL_FIXED, /* arg bytes, scale */
    LW_DECODE_BRANCH,        /* arg: first of n entries in jump */
    LW_DECODE_JUMP           /* arg: step */
};

/* The conversion of a value. */
enum lw_as {
    LW_AS_PLAIN,
    LW_AS_WHOLE, /* a category from a float: must be whole */
    LW_AS_MILLIS,
    LW_AS_SECONDS,
    LW_AS_MICROS,
    LW_AS_NANOS,
    LW_AS_DAYS,
    LW_AS_ISO /* a text that is a time */
};

struct lw_decode_step {
    uint8_t op, null, as;
    bool keyed;   /* a text that is a category: key is its hash */
    bool local;   /* a local time in the decoder's zone */
    bool strict;  /* a value that does not convert fails the record; else it is missing
                   */
    uint8_t form; /* of a text */
    uint16_t cell;
    uint16_t scale; /* of a decimal */
    uint32_t arg, n;
    uint32_t name; /* of the writer's field, in lw_avro_decoder.name, for messages */
};

struct lw_avro_decoder {
    struct lw_decoder base;
    struct lw_decode_step *step;
    uint32_t *jump;
    char **name;
    struct lw_cell *symbol;  /* enum symbols by writer's index; not present: unknown */
    struct lw_cell *initial; /* fallbacks, or missing; one per field */
    uint16_t *required;      /* cells that must be present at the end */
    struct lw_skip_layouts layouts;
    const struct lw_zone *zone;
    char **text; /* owned texts that symbol and initial point to */
    size_t nsteps, njumps, nnames, nsymbols, ncells, nrequired, ntexts;
    char (*field_name)[LW_NAME_MAX];
};

/* State of a compilation. */
struct lw_decode_compile {
    struct lw_avro_decoder *d;
    const struct lw_fields *fields;
    const struct lw_schema *reader;
    bool written[LW_FIELDS_MAX]; /* the writer has the field */
    struct lw_err *err;
    int depth;
};

struct lw_decode_step *lw__decode_plan_add(struct lw_decode_compile *c,
                                           enum lw_decode_op op, uint32_t name);
const char *lw__decode_plan_own(struct lw_avro_decoder *d, const char *text, size_t len);

/* Sets how a type other than a union, resolved to the reader's type, fills a field: op,
 * as, keyed, local, strict, form, scale and the arg of a fixed. False if the type does
 * not convert. */
bool lw__decode_plan_reading(const struct lw_field *field, const struct lw_node *writer,
                             const struct lw_node *reader, const struct lw_zone *zone,
                             struct lw_decode_step *step);
/* Adds steps that skip a value of the type. */
int lw__decode_plan_skip(struct lw_decode_compile *c, const struct lw_node *writer,
                         uint32_t name);
/* Adds steps that store the writer's value, resolved to the reader's type, in a cell.
 * LW_ECONFIG if it does not convert. */
int lw__decode_plan_store(struct lw_decode_compile *c, const struct lw_node *writer,
                          const struct lw_node *reader, uint16_t cell, uint32_t name);
/* Sets the cell of a field that the writer lacks. `at` is the reader's field at the
 * first name of the path that the writer lacks, `rest` the path below it ("" when it is
 * the last). */
int lw__decode_plan_fallback(struct lw_decode_compile *c, const struct lw_node_field *at,
                             const char *rest, uint16_t cell);

/* The decoder's `decode`: runs the plan over one record. */
int lw__decode_plan_run(const struct lw_decoder *decoder,
                        const struct lw_encoded_record *record,
                        struct lw_decoder_scratch *scratch, struct lw_cell *cells,
                        struct lw_err *err);

#endif
