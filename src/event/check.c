/* Parses a validity check: "trip_distance < 50", "a >= 0", "0 <= b < 10".
 *
 * A check is a chain of terms and comparisons with one field in it: field op number,
 * number op field, or number op field op number. Both comparisons of a chain must point
 * the same way, and the range must not be empty. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"

#include "base/text.h"

struct op {
    bool less; /* < or <=: the left side is the smaller */
    bool open; /* strict */
};

struct chain {
    char term[3][LW_NAME_MAX];
    struct op op[2];
    int terms;
};

static const char *skip_blank(const char *at) {
    return at + strspn(at, " \t");
}

static const char *read_term(const char *at, char *out) {
    size_t len = strcspn(at, " \t<>=");
    if (len == 0 || len >= LW_NAME_MAX)
        return NULL;
    memcpy(out, at, len);
    out[len] = '\0';
    return skip_blank(at + len);
}

static const char *read_op(const char *at, struct op *op) {
    if (*at != '<' && *at != '>')
        return NULL;
    op->less = *at == '<';
    op->open = at[1] != '=';
    return skip_blank(at + (op->open ? 1 : 2));
}

static bool read_chain(const char *at, struct chain *chain) {
    *chain = (struct chain){0};
    at = skip_blank(at);
    for (;;) {
        at = read_term(at, chain->term[chain->terms]);
        if (!at)
            return false;
        chain->terms++;
        if (*at == '\0')
            return chain->terms >= 2;
        if (chain->terms == 3 || !(at = read_op(at, &chain->op[chain->terms - 1])))
            return false;
    }
}

static int check_refuse(const char *text, const char *why, struct lw_err *err) {
    return lw_fail(
        err, LW_ECONFIG,
        "check \"%.100s\": %s; write \"name < 50\", \"name >= 0\" or \"0 <= name < 10\"",
        text, why);
}

static int unknown_field(const char *text, const char *name,
                         const struct lw_fields *fields, struct lw_err *err) {
    const char *names[LW_FIELDS_MAX];
    for (size_t i = 0; i < fields->n; i++)
        names[i] = fields->field[i].name;
    const char *near = lw_nearest(name, names, fields->n);
    return lw_fail(err, LW_ECONFIG, "check \"%.100s\": no field \"%s\"%s%s%s", text, name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Narrows the check by "field op number" (reversed: "number op field"). */
static void check_bound(struct lw_check *check, struct op op, double v, bool reversed) {
    if (op.less != reversed) {
        check->hi = v;
        check->hi_open = op.open;
    } else {
        check->lo = v;
        check->lo_open = op.open;
    }
}

static int take_bounds(const char *text, const struct chain *chain, int at,
                       struct lw_check *check, struct lw_err *err) {
    for (int i = 0; i < chain->terms; i++) {
        double v;
        if (i == at)
            continue;
        if (!lw_parse_f64(chain->term[i], &v))
            return check_refuse(text, "a bound must be a number", err);
        check_bound(check, chain->op[i < at ? i : at], v, i < at);
    }
    bool empty = check->lo > check->hi ||
                 (check->lo == check->hi && (check->lo_open || check->hi_open));
    if (empty)
        return check_refuse(text, "no value lies within these bounds", err);
    return 0;
}

int lw_event_check_parse(const char *text, const struct lw_fields *fields,
                         struct lw_check *check, struct lw_err *err) {
    struct chain chain;
    double number;
    if (strlen(text) >= sizeof check->reason)
        return check_refuse(text, "too long", err);
    if (!read_chain(text, &chain))
        return check_refuse(text, "not a comparison", err);
    if (chain.terms == 3 && chain.op[0].less != chain.op[1].less)
        return check_refuse(text, "both comparisons must point the same way", err);
    int at = chain.terms == 3 || lw_parse_f64(chain.term[0], &number) ? 1 : 0;
    int field = lw_fields_find(fields, chain.term[at]);
    if (field < 0)
        return unknown_field(text, chain.term[at], fields, err);
    if (fields->field[field].kind == LW_TEXT)
        return check_refuse(text, "text has no order", err);
    *check = (struct lw_check){.field = field, .lo = -INFINITY, .hi = INFINITY};
    lw_copy(check->reason, sizeof check->reason, text);
    return take_bounds(text, &chain, at, check, err);
}
