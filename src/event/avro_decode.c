/* Decodes one Avro record by running the decoder's plan.
 *
 * One loop over the steps, one switch, no allocation, no call in the common cases. Every
 * read is checked against the end of the bytes; an error names the field and the offset
 * of its value. Cells start from `initial` (missing, or the reader's default), so a null
 * has nothing to store, and required fields are checked once at the end. */
#include <math.h>
#include <string.h>

#include "base/cell.h"
#include "base/mem.h"
#include "event/convert.h"
#include "event/wire.h"

/* State of a walk besides the position: what a store needs for its error message. */
struct decode_walk {
    const struct lw_avro_decoder *d;
    const uint8_t *data, *end;
    struct lw_cell *cells;
    struct lw_err *err;
};

static int fail_at(const struct decode_walk *w, const struct lw_decode_step *step,
                   const uint8_t *at, const char *why) {
    return lw_fail(w->err, LW_EINPUT, "field \"%s\" at byte %zu of %zu: %s",
                   w->d->name[step->name], (size_t)(at - w->data),
                   (size_t)(w->end - w->data), why);
}

static int refuse_at(const struct decode_walk *w, const struct lw_decode_step *step,
                     const uint8_t *at, const struct lw_refusal *no) {
    return lw_fail(w->err, LW_EINPUT, "field \"%s\" at byte %zu of %zu: %s: %s",
                   w->d->name[step->name], (size_t)(at - w->data),
                   (size_t)(w->end - w->data), no->why, no->value);
}

/* Why a step failed: `why`, the bytes are not valid for the schema; `no`, the value does
 * not convert to the kind in the configuration. */
struct taken {
    const char *why;
    struct lw_refusal no;
};

static void store_enum(const struct decode_walk *w, const struct lw_decode_step *step,
                       int64_t v, struct taken *t) {
    if (v < 0 || v >= (int64_t)step->n) {
        t->why = "no such enum symbol";
        return;
    }
    const struct lw_cell *symbol = &w->d->symbol[step->arg + (uint32_t)v];
    if (symbol->present)
        w->cells[step->cell] = *symbol;
    else
        lw_convert_refuse_text(&t->no, "an enum symbol that the reader's schema lacks",
                               symbol->text, symbol->len);
}

/* Numbers and enums: reads one at `at` and stores it; returns the new position, or NULL.
 */
static const uint8_t *take_number(const struct decode_walk *w,
                                  const struct lw_decode_step *step, const uint8_t *at,
                                  struct taken *t) {
    struct lw_cell *cell = &w->cells[step->cell];
    int64_t v;
    size_t left = (size_t)(w->end - at);
    switch (step->op) {
    case LW_DECODE_INT:
    case LW_DECODE_LONG:
        at = lw_wire_long(at, w->end, &v);
        if (!at)
            return NULL;
        if (step->op == LW_DECODE_INT && v != (int32_t)v)
            t->why = "an int of more than 32 bits";
        else
            lw_convert_whole(step, w->d->zone, v, cell, &t->no);
        return at;
    case LW_DECODE_FLOAT:
        if (left < 4)
            return NULL;
        lw_convert_real(step, w->d->zone, lw_wire_float(at), cell, &t->no);
        return at + 4;
    case LW_DECODE_DOUBLE:
        if (left < 8)
            return NULL;
        lw_convert_real(step, w->d->zone, lw_wire_double(at), cell, &t->no);
        return at + 8;
    case LW_DECODE_BOOLEAN:
        if (left < 1)
            return NULL;
        if (*at > 1)
            t->why = "a boolean must be 0 or 1";
        lw_cell_put_int(cell, *at);
        return at + 1;
    default:
        at = lw_wire_long(at, w->end, &v);
        if (at)
            store_enum(w, step, v, t);
        return at;
    }
}

static const uint8_t *take_bytes(const struct decode_walk *w,
                                 const struct lw_decode_step *step, const uint8_t *at,
                                 struct taken *t) {
    struct lw_cell *cell = &w->cells[step->cell];
    bool fixed = step->op == LW_DECODE_TEXT_FIXED || step->op == LW_DECODE_DECIMAL_FIXED;
    size_t len = step->arg;
    at = fixed ? lw_wire_skip(at, w->end, len) : lw_wire_bytes(at, w->end, &len);
    if (!at)
        return NULL;
    if (step->op == LW_DECODE_TEXT || step->op == LW_DECODE_TEXT_FIXED)
        lw_convert_text(step, w->d->zone, (const char *)at - len, len, cell, &t->no);
    else
        lw_convert_decimal(step, at - len, len, cell, &t->no);
    return at;
}

static const uint8_t *take_value(const struct decode_walk *w,
                                 const struct lw_decode_step *step, const uint8_t *at,
                                 struct taken *t) {
    uint64_t v;
    size_t len;
    switch (step->op) {
    case LW_DECODE_SKIP_VARINT:
        return lw_varint_read(at, w->end, &v);
    case LW_DECODE_SKIP_BYTES:
        return lw_wire_bytes(at, w->end, &len);
    case LW_DECODE_SKIP_FIXED:
        return lw_wire_skip(at, w->end, step->arg);
    case LW_DECODE_SKIP_LAYOUT:
        at = lw_skip_layout_end(&w->d->layouts, step->arg, at, w->end);
        if (!at)
            t->why =
                "the bytes end, a length or count is invalid, or the value is nested deeper than 512 types";
        return at;
    case LW_DECODE_TEXT:
    case LW_DECODE_TEXT_FIXED:
    case LW_DECODE_DECIMAL:
    case LW_DECODE_DECIMAL_FIXED:
        return take_bytes(w, step, at, t);
    default:
        return take_number(w, step, at, t);
    }
}

/* Reads the branch of a union; -1 if the bytes end or there is no such branch. */
static int64_t take_branch(const struct decode_walk *w, const uint8_t **at,
                           uint32_t branches) {
    int64_t branch;
    const uint8_t *after = lw_wire_long(*at, w->end, &branch);
    if (!after || branch < 0 || branch >= (int64_t)branches)
        return -1;
    *at = after;
    return branch;
}

/* The most common steps, inline: the new position, or NULL if the general path must
 * handle the step (also its failure, so that each error has one place). */
static inline const uint8_t *take_common(const struct decode_walk *w,
                                         const struct lw_decode_step *step,
                                         const uint8_t *at) {
    struct lw_cell *cell = &w->cells[step->cell];
    int64_t v;
    if (step->op == LW_DECODE_DOUBLE && step->as == LW_AS_PLAIN && w->end - at >= 8) {
        double x = lw_wire_double(at);
        if (isnan(x))
            return NULL;
        lw_cell_put(cell, x, 0, true);
        return at + 8;
    }
    if (step->op != LW_DECODE_INT && step->op != LW_DECODE_LONG)
        return NULL;
    at = lw_wire_long(at, w->end, &v);
    if (!at || (step->op == LW_DECODE_INT && v != (int32_t)v) ||
        step->as > LW_AS_MILLIS || step->local ||
        (step->as == LW_AS_MILLIS && (v > LW_MS_MAX || v < -LW_MS_MAX)))
        return NULL;
    lw_cell_put_int(cell, v);
    return at;
}

/* The same for every step: NULL with the error set. A value that does not convert is
 * missing, unless the field is strict. */
static const uint8_t *take_whole(const struct decode_walk *w,
                                 const struct lw_decode_step *step, const uint8_t *at,
                                 const uint8_t *start) {
    struct taken t;
    t.why = t.no.why = NULL; /* no need to zero its text */
    at = take_value(w, step, at, &t);
    if (!at || t.why)
        fail_at(w, step, start,
                t.why ? t.why : "the bytes end, or a length or count is invalid");
    else if (!t.no.why || !step->strict)
        return at;
    else
        refuse_at(w, step, start, &t.no);
    return NULL;
}

/* Runs the plan; returns the end of the datum, or NULL with the error set. */
static const uint8_t *decode_steps(const struct decode_walk *w) {
    const struct lw_avro_decoder *d = w->d;
    const uint8_t *at = w->data;
    size_t i = 0;
    while (i < d->nsteps) {
        const struct lw_decode_step *step = &d->step[i++];
        if (step->op == LW_DECODE_JUMP) {
            i = step->arg;
            continue;
        }
        const uint8_t *start = at;
        if (step->null || step->op == LW_DECODE_BRANCH) {
            int64_t branch =
                take_branch(w, &at, step->op == LW_DECODE_BRANCH ? step->n : 2);
            if (branch < 0) {
                fail_at(w, step, start, "no such union branch, or the bytes end");
                return NULL;
            }
            if (step->op == LW_DECODE_BRANCH) {
                i = d->jump[step->arg + (size_t)branch];
                continue;
            }
            if (branch == step->null - 1)
                continue;
        }
        const uint8_t *after = take_common(w, step, at);
        if (after) {
            at = after;
            continue;
        }
        at = take_whole(w, step, at, start);
        if (!at)
            return NULL;
    }
    return at;
}

int lw__decode_plan_run(const struct lw_decoder *decoder,
                        const struct lw_encoded_record *record,
                        struct lw_decoder_scratch *scratch, struct lw_cell *cells,
                        struct lw_err *err) {
    (void)scratch;
    const struct lw_avro_decoder *d = (const struct lw_avro_decoder *)decoder;
    static const uint8_t nothing[1] = {0};
    /* An empty value may be a null pointer. */
    lw_assert(record->data || record->len == 0);
    const uint8_t *data = record->data ? record->data : nothing;
    struct decode_walk w = {
        .d = d, .data = data, .end = data + record->len, .cells = cells, .err = err};
    memcpy(cells, d->initial, d->ncells * sizeof *cells);
    const uint8_t *at = decode_steps(&w);
    if (!at)
        return -1;
    if (at != w.end)
        return lw_fail(err, LW_EINPUT,
                       "%zu bytes follow the record's %zu: written with another schema?",
                       (size_t)(w.end - at), (size_t)(at - data));
    for (size_t i = 0; i < d->nrequired; i++)
        if (!cells[d->required[i]].present)
            return lw_fail(err, LW_EINPUT, "field \"%s\" is required, but is missing",
                           d->field_name[d->required[i]]);
    return 0;
}
