/* Walking the plan over one datum.
 *
 * One loop over the steps, one switch, no allocation, no call for the common cases.
 * Every read is checked against the end of the bytes; what cannot be is named with the
 * field and the offset at which its value begins. Cells start from `initial` (missing, or
 * the reader's default), so a null has nothing to store, and fields that must be there
 * are checked once at the end. */
#include <math.h>
#include <string.h>

#include "base/cell.h"
#include "event/convert.h"
#include "event/wire.h"

const uint8_t *lw_wire_varint_slow(const uint8_t *at, const uint8_t *end, uint64_t *out) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t b = *at++;
        if (shift == 63 && b > 1)
            return NULL;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return at;
        }
    }
    return NULL;
}

bool lw_decimal(const uint8_t *bytes, size_t len, int scale, double *out) {
    if (len > 64)
        return false;
    if (len <= 8) { /* exact as an integer: one rounding for it, one for the division */
        uint64_t v = len > 0 && bytes[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < len; i++)
            v = v << 8 | bytes[i];
        *out = (double)(int64_t)v / pow(10.0, scale);
        return true;
    }
    double v = (double)(int8_t)bytes[0];
    for (size_t i = 1; i < len; i++)
        v = v * 256.0 + bytes[i];
    *out = v / pow(10.0, scale);
    return true;
}

/* A walk's state besides the position: what a store needs to say where it failed. */
struct walk {
    const struct lw_decoder *d;
    const uint8_t *data, *end;
    struct lw_cell *cells;
    struct lw_err *err;
};

static int fail_at(const struct walk *w, const struct lw_step *step, const uint8_t *at,
                   const char *why) {
    return lw_fail(w->err, LW_EINPUT, "field \"%s\" at byte %zu of %zu: %s",
                   w->d->name[step->name], (size_t)(at - w->data),
                   (size_t)(w->end - w->data), why);
}

/* Each store returns NULL, or why the value cannot be. */
static const char *store_whole(const struct lw_step *step, int64_t v,
                               struct lw_cell *cell) {
    if (step->as >= LW_AS_MILLIS && !lw_to_ms(v, (enum lw_as)step->as, &v))
        return "not a believable time";
    lw_cell_put_int(cell, v);
    return NULL;
}

static const char *store_real(const struct lw_step *step, double v,
                              struct lw_cell *cell) {
    int64_t whole;
    if (isnan(v))
        return NULL;
    if (step->as == LW_AS_WHOLE) {
        if (!lw_to_whole(v, &whole))
            return "a category must be a whole number";
        lw_cell_put_int(cell, whole);
        return NULL;
    }
    lw_cell_put(cell, v, 0, true);
    return NULL;
}

static void store_text(const struct lw_step *step, const uint8_t *text, size_t len,
                       struct lw_cell *cell) {
    lw_cell_put(cell, NAN, step->keyed ? lw_text_key((const char *)text, len) : 0, true);
    cell->text = (const char *)text;
    cell->len = (uint32_t)len;
}

static const char *store_enum(const struct walk *w, const struct lw_step *step, int64_t v,
                              struct lw_cell *cell) {
    if (v < 0 || v >= (int64_t)step->n)
        return "no such enum symbol";
    *cell = w->d->symbol[step->arg + (uint32_t)v];
    return cell->present ? NULL : "an enum symbol that the reader does not know";
}

static const char *store_decimal(const struct lw_step *step, const uint8_t *bytes,
                                 size_t len, struct lw_cell *cell) {
    double v;
    if (!lw_decimal(bytes, len, step->scale, &v))
        return "a decimal of more than 64 bytes";
    *cell = lw_cell_num(v);
    return NULL;
}

/* Numbers and enums: reads one at `at`, stores it; the new position, or NULL with *why.
 */
static const uint8_t *take_number(const struct walk *w, const struct lw_step *step,
                                  const uint8_t *at, const char **why) {
    struct lw_cell *cell = &w->cells[step->cell];
    int64_t v;
    size_t left = (size_t)(w->end - at);
    switch (step->op) {
    case LW_OP_INT:
    case LW_OP_LONG:
        at = lw_wire_long(at, w->end, &v);
        if (!at)
            return NULL;
        if (step->op == LW_OP_INT && v != (int32_t)v)
            *why = "an int of more than 32 bits";
        else
            *why = store_whole(step, v, cell);
        return at;
    case LW_OP_FLOAT:
        if (left < 4)
            return NULL;
        *why = store_real(step, lw_wire_float(at), cell);
        return at + 4;
    case LW_OP_DOUBLE:
        if (left < 8)
            return NULL;
        *why = store_real(step, lw_wire_double(at), cell);
        return at + 8;
    case LW_OP_BOOLEAN:
        if (left < 1)
            return NULL;
        if (*at > 1)
            *why = "a boolean must be 0 or 1";
        lw_cell_put_int(cell, *at);
        return at + 1;
    default:
        at = lw_wire_long(at, w->end, &v);
        if (at)
            *why = store_enum(w, step, v, cell);
        return at;
    }
}

static const uint8_t *take_bytes(const struct walk *w, const struct lw_step *step,
                                 const uint8_t *at, const char **why) {
    struct lw_cell *cell = &w->cells[step->cell];
    bool fixed = step->op == LW_OP_TEXT_FIXED || step->op == LW_OP_DECIMAL_FIXED;
    size_t len = step->arg;
    at = fixed ? lw_wire_skip(at, w->end, len) : lw_wire_bytes(at, w->end, &len);
    if (!at)
        return NULL;
    if (len > UINT32_MAX)
        *why = "a text of more than 4 GiB";
    else if (step->op == LW_OP_TEXT || step->op == LW_OP_TEXT_FIXED)
        store_text(step, at - len, len, cell);
    else
        *why = store_decimal(step, at - len, len, cell);
    return at;
}

static const uint8_t *take(const struct walk *w, const struct lw_step *step,
                           const uint8_t *at, const char **why) {
    uint64_t v;
    size_t len;
    switch (step->op) {
    case LW_OP_SKIP_VARINT:
        return lw_wire_varint(at, w->end, &v);
    case LW_OP_SKIP_BYTES:
        return lw_wire_bytes(at, w->end, &len);
    case LW_OP_SKIP_FIXED:
        return lw_wire_skip(at, w->end, step->arg);
    case LW_OP_SKIP_SHAPE:
        at = lw_shape_skip(&w->d->shapes, step->arg, at, w->end);
        if (!at)
            *why = "the bytes end, a length or count cannot be, or it is nested deeper "
                   "than 512 types";
        return at;
    case LW_OP_TEXT:
    case LW_OP_TEXT_FIXED:
    case LW_OP_DECIMAL:
    case LW_OP_DECIMAL_FIXED:
        return take_bytes(w, step, at, why);
    default:
        return take_number(w, step, at, why);
    }
}

/* The branch of a union; -1 when the bytes end or there is no such branch. */
static int64_t take_branch(const struct walk *w, const uint8_t **at, uint32_t branches) {
    int64_t branch;
    const uint8_t *after = lw_wire_long(*at, w->end, &branch);
    if (!after || branch < 0 || branch >= (int64_t)branches)
        return -1;
    *at = after;
    return branch;
}

/* The commonest steps, in line: the new position, or NULL when take() must look closer
 * (also at what fails, so that there is one place for each complaint). */
static inline const uint8_t *take_common(const struct walk *w, const struct lw_step *step,
                                         const uint8_t *at) {
    struct lw_cell *cell = &w->cells[step->cell];
    int64_t v;
    if (step->op == LW_OP_DOUBLE && step->as == LW_AS_PLAIN && w->end - at >= 8) {
        double x = lw_wire_double(at);
        if (isnan(x))
            return NULL;
        lw_cell_put(cell, x, 0, true);
        return at + 8;
    }
    if (step->op != LW_OP_INT && step->op != LW_OP_LONG)
        return NULL;
    at = lw_wire_long(at, w->end, &v);
    if (!at || (step->op == LW_OP_INT && v != (int32_t)v) || step->as > LW_AS_MILLIS ||
        (step->as == LW_AS_MILLIS && (v > LW_MS_MAX || v < -LW_MS_MAX)))
        return NULL;
    lw_cell_put_int(cell, v);
    return at;
}

/* Runs the plan; the end of the datum, or NULL with the error set. */
static const uint8_t *run(const struct walk *w) {
    const struct lw_decoder *d = w->d;
    const uint8_t *at = w->data;
    size_t i = 0;
    while (i < d->nsteps) {
        const struct lw_step *step = &d->step[i++];
        if (step->op == LW_OP_JUMP) {
            i = step->arg;
            continue;
        }
        const uint8_t *start = at;
        if (step->null || step->op == LW_OP_BRANCH) {
            int64_t branch = take_branch(w, &at, step->op == LW_OP_BRANCH ? step->n : 2);
            if (branch < 0) {
                fail_at(w, step, start, "no such union branch, or the bytes end");
                return NULL;
            }
            if (step->op == LW_OP_BRANCH) {
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
        const char *why = NULL;
        at = take(w, step, at, &why);
        if (!at || why) {
            fail_at(w, step, start,
                    why ? why : "the bytes end, or a length or count cannot be");
            return NULL;
        }
    }
    return at;
}

int lw_decoder_decode(const struct lw_decoder *d, const uint8_t *data, size_t len,
                      struct lw_cell *cells, struct lw_err *err) {
    static const uint8_t nothing[1] = {0};
    if (!data) /* an empty value may come as no pointer at all */
        data = nothing;
    struct walk w = {.d = d, .data = data, .end = data + len, .cells = cells, .err = err};
    memcpy(cells, d->initial, d->ncells * sizeof *cells);
    const uint8_t *at = run(&w);
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
