/* The compiler of the feature language: recursive descent over one text.
 *
 * An expression is parsed directly into an atom (a source and a chain of steps, see
 * plan_private.h); qbins and impute first add the atoms they read to the plan. If a text
 * fails, only such inner atoms remain, which is harmless. Every error names the text,
 * the position and the nearest valid name. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

struct parser {
    struct lw_plan *plan;
    const char *text, *at;
    struct lw_err *err;
};

enum argument_shape {
    SHAPE_STEP,     /* f(x, numbers) on a number */
    SHAPE_MISSING,  /* f(anything) */
    SHAPE_CALENDAR, /* f(timestamp) */
    SHAPE_HOLIDAY,  /* f(timestamp, calendar) */
    SHAPE_SAME,
    SHAPE_MINUTES,
    SHAPE_IMPUTE,
    SHAPE_BINS,
    SHAPE_QBINS
};

struct function {
    const char *name;
    enum argument_shape shape;
    int code; /* enum lw_atom_step_kind or enum lw_source */
    int numbers;
};

static const struct function functions[] = {
    {"sqrt", SHAPE_STEP, LW_STEP_SQRT, 0},
    {"log1p", SHAPE_STEP, LW_STEP_LOG1P, 0},
    {"square", SHAPE_STEP, LW_STEP_SQUARE, 0},
    {"abs", SHAPE_STEP, LW_STEP_ABS, 0},
    {"clip", SHAPE_STEP, LW_STEP_CLIP, 2},
    {"zero", SHAPE_STEP, LW_STEP_ZERO, 0},
    {"hinge", SHAPE_STEP, LW_STEP_HINGE, 1},
    {"missing", SHAPE_MISSING, LW_STEP_MISSING, 0},
    {"hour", SHAPE_CALENDAR, LW_SOURCE_HOUR, 0},
    {"weekday", SHAPE_CALENDAR, LW_SOURCE_WEEKDAY, 0},
    {"weekend", SHAPE_CALENDAR, LW_SOURCE_WEEKEND, 0},
    {"month", SHAPE_CALENDAR, LW_SOURCE_MONTH, 0},
    {"hour_of_week", SHAPE_CALENDAR, LW_SOURCE_HOUR_OF_WEEK, 0},
    {"holiday", SHAPE_HOLIDAY, LW_SOURCE_HOLIDAY, 0},
    {"same", SHAPE_SAME, LW_SOURCE_SAME, 0},
    {"minutes", SHAPE_MINUTES, LW_SOURCE_MINUTES, 0},
    {"impute", SHAPE_IMPUTE, LW_SOURCE_IMPUTE, 0},
    {"bins", SHAPE_BINS, LW_STEP_BINS, 0},
    {"qbins", SHAPE_QBINS, LW_STEP_QBINS, 0},
};
#define NFUNCTIONS (sizeof functions / sizeof *functions)

__attribute__((format(printf, 2, 3))) static int fail(const struct parser *p,
                                                      const char *fmt, ...) {
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return lw_fail(p->err, LW_ECONFIG, "feature \"%.120s\", position %d: %s", p->text,
                   (int)(p->at - p->text) + 1, what);
}

static void skip_space(struct parser *p) {
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool accept_char(struct parser *p, char c) {
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static int expect_char(struct parser *p, char c) {
    if (accept_char(p, c))
        return 0;
    if (!*p->at)
        return fail(p, "'%c' is expected, but the text ends", c);
    return fail(p, "'%c' is expected here, not '%c'", c, *p->at);
}

static int parse_name(struct parser *p, char out[LW_NAME_MAX]) {
    skip_space(p);
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_' || p->at[n] == '.')
        n++;
    if (n == 0 || isdigit((unsigned char)*p->at))
        return fail(p, "a field or function is expected here");
    if (n >= LW_NAME_MAX)
        return fail(p, "this name is longer than %d bytes", LW_NAME_MAX - 1);
    memcpy(out, p->at, n);
    out[n] = 0;
    p->at += n;
    return 0;
}

static int parse_number(struct parser *p, double *out) {
    char text[64];
    skip_space(p);
    size_t n = strspn(p->at, "+-.0123456789eE");
    if (n == 0 || n >= sizeof text)
        return fail(p, "a number is expected here");
    memcpy(text, p->at, n);
    text[n] = 0;
    if (!lw_parse_f64(text, out))
        return fail(p, "\"%s\" is not a number", text);
    p->at += n;
    return 0;
}

static int no_field(struct parser *p, const char *what) {
    const char *names[LW_FIELDS_MAX + NFUNCTIONS];
    size_t n = 0;
    for (size_t i = 0; i < p->plan->fields->n; i++)
        names[n++] = p->plan->fields->field[i].name;
    for (size_t i = 0; i < NFUNCTIONS; i++)
        names[n++] = functions[i].name;
    const char *near = lw_nearest(what, names, n);
    if (near)
        return fail(p, "there is no field \"%s\"; did you mean \"%s\"?", what, near);
    return fail(p, "there is no field \"%s\"", what);
}

static int parse_field(struct parser *p, int *out) {
    char what[LW_NAME_MAX];
    skip_space(p);
    const char *from = p->at;
    if (parse_name(p, what))
        return -1;
    *out = lw_fields_find(p->plan->fields, what);
    if (*out >= 0)
        return 0;
    p->at = from;
    return no_field(p, what);
}

static enum lw_kind kind_of(const struct parser *p, int at) {
    return p->plan->fields->field[at].kind;
}

static int append_text(struct parser *p, char *text, size_t size, const char *more) {
    size_t have = strlen(text), len = strlen(more);
    if (have + len >= size)
        return fail(p, "the feature is too long (at most %zu bytes)", size - 1);
    memcpy(text + have, more, len + 1);
    return 0;
}

static int append_number(struct parser *p, struct lw_atom *atom, double v) {
    char text[40] = ", ";
    lw_format_f64(text + 2, sizeof text - 2, v);
    return append_text(p, atom->text, sizeof atom->text, text);
}

/* Wraps the atom's text: "x" becomes "name(x". */
static int wrap_atom(struct parser *p, struct lw_atom *atom, const char *what) {
    char inner[sizeof atom->text];
    lw_copy(inner, sizeof inner, atom->text);
    lw_copy(atom->text, sizeof atom->text, what);
    if (append_text(p, atom->text, sizeof atom->text, "("))
        return -1;
    return append_text(p, atom->text, sizeof atom->text, inner);
}

static int parse_expression(struct parser *p, struct lw_atom *atom, int depth);

static int keep_atom(struct parser *p, struct lw_atom *atom) {
    int found = lw_plan_find_atom(p->plan, atom->text);
    if (found >= 0) {
        free(atom->edge);
        return found;
    }
    if (p->plan->natoms == LW_ATOMS_MAX) {
        free(atom->edge);
        return fail(p, "more than %d different expressions", LW_ATOMS_MAX);
    }
    p->plan->atom[p->plan->natoms] = *atom;
    return (int)p->plan->natoms++;
}

/* Parses an expression into an atom of its own; returns its index. */
static int inner_atom(struct parser *p, enum lw_kind kind, int depth) {
    struct lw_atom atom = {0};
    skip_space(p);
    const char *from = p->at;
    if (parse_expression(p, &atom, depth + 1)) {
        free(atom.edge);
        return -1;
    }
    if (atom.kind != kind) {
        free(atom.edge);
        p->at = from;
        return fail(p, "a %s is expected here",
                    kind == LW_NUMERIC ? "number" : "category");
    }
    return keep_atom(p, &atom);
}

static int add_step(struct parser *p, struct lw_atom *atom, struct lw_atom_step step) {
    if (atom->nsteps == LW_STEPS_MAX)
        return fail(p, "functions nest more than %d deep", LW_STEPS_MAX);
    atom->step[atom->nsteps++] = step;
    return 0;
}

/* Parses the argument of a function of one number into the atom itself. */
static int number_argument(struct parser *p, struct lw_atom *atom, int depth) {
    skip_space(p);
    const char *from = p->at;
    if (parse_expression(p, atom, depth + 1))
        return -1;
    if (atom->kind == LW_NUMERIC)
        return 0;
    p->at = from;
    return fail(p, "a number is expected here; \"%.60s\" is a category", atom->text);
}

static int step_call(struct parser *p, const struct function *f, struct lw_atom *atom,
                     int depth) {
    struct lw_atom_step step = {.kind = (enum lw_atom_step_kind)f->code};
    double v[2] = {0, 0};
    if (number_argument(p, atom, depth) || wrap_atom(p, atom, f->name))
        return -1;
    for (int i = 0; i < f->numbers; i++)
        if (expect_char(p, ',') || parse_number(p, &v[i]) || append_number(p, atom, v[i]))
            return -1;
    if (f->code == LW_STEP_CLIP && !(v[0] < v[1]))
        return fail(p, "clip needs a lower bound below its upper bound");
    step.a = v[0];
    step.b = v[1];
    return add_step(p, atom, step);
}

static int missing_call(struct parser *p, struct lw_atom *atom, int depth) {
    char what[LW_NAME_MAX];
    const char *from = p->at;
    if (parse_name(p, what))
        return -1;
    int at = lw_fields_find(p->plan->fields, what);
    if (at >= 0) { /* any kind of field is allowed, even one that is not a feature */
        atom->source = LW_SOURCE_FIELD;
        atom->field[0] = at;
        lw_copy(atom->text, sizeof atom->text, what);
    } else {
        p->at = from;
        if (number_argument(p, atom, depth))
            return -1;
    }
    atom->kind = LW_NUMERIC;
    if (wrap_atom(p, atom, "missing"))
        return -1;
    return add_step(p, atom, (struct lw_atom_step){.kind = LW_STEP_MISSING});
}

static int field_call(struct parser *p, const struct function *f, struct lw_atom *atom) {
    bool pair = f->shape == SHAPE_SAME || f->shape == SHAPE_MINUTES;
    if (parse_field(p, &atom->field[0]))
        return -1;
    if (pair && (expect_char(p, ',') || parse_field(p, &atom->field[1])))
        return -1;
    enum lw_kind a = kind_of(p, atom->field[0]), b = kind_of(p, atom->field[1]);
    if (f->shape != SHAPE_SAME && (a != LW_TIMESTAMP || (pair && b != LW_TIMESTAMP)))
        return fail(p, "%s needs a timestamp", f->name);
    if (f->shape == SHAPE_SAME && (a != b || a == LW_TEXT))
        return fail(p, "same compares two numbers, two categories or two timestamps");
    atom->source = (enum lw_source)f->code;
    atom->kind = pair ? LW_NUMERIC : LW_CATEGORY;
    lw_copy(atom->text, sizeof atom->text, f->name);
    append_text(p, atom->text, sizeof atom->text, "(");
    append_text(p, atom->text, sizeof atom->text,
                p->plan->fields->field[atom->field[0]].name);
    if (!pair)
        return 0;
    if (append_text(p, atom->text, sizeof atom->text, ", "))
        return -1;
    return append_text(p, atom->text, sizeof atom->text,
                       p->plan->fields->field[atom->field[1]].name);
}

static int no_calendar(struct parser *p, const char *what) {
    const struct lw_calendars *all = p->plan->calendars;
    const char *names[LW_CALENDARS_MAX];
    size_t n = all ? all->n : 0;
    for (size_t i = 0; i < n; i++)
        names[i] = all->of[i].name;
    const char *near = lw_nearest(what, names, n);
    if (near)
        return fail(p, "there is no calendar \"%s\"; did you mean \"%s\"?", what, near);
    return fail(p,
                "there is no calendar \"%s\"; declare it, as in `calendars: {%.40s: "
                "holidays.csv}`",
                what, what);
}

static int holiday_call(struct parser *p, const struct function *f,
                        struct lw_atom *atom) {
    char what[LW_NAME_MAX];
    if (field_call(p, f, atom) || expect_char(p, ','))
        return -1;
    skip_space(p);
    const char *from = p->at;
    if (parse_name(p, what))
        return -1;
    atom->calendar = lw_calendars_find(p->plan->calendars, what);
    if (atom->calendar < 0) {
        p->at = from;
        return no_calendar(p, what);
    }
    if (append_text(p, atom->text, sizeof atom->text, ", "))
        return -1;
    return append_text(p, atom->text, sizeof atom->text, what);
}

static int impute_call(struct parser *p, struct lw_atom *atom, int depth) {
    atom->source = LW_SOURCE_IMPUTE;
    atom->kind = LW_NUMERIC;
    atom->learned = true;
    atom->from = inner_atom(p, LW_NUMERIC, depth);
    if (atom->from < 0)
        return -1;
    lw_copy(atom->text, sizeof atom->text, "impute(");
    if (append_text(p, atom->text, sizeof atom->text, p->plan->atom[atom->from].text))
        return -1;
    while (accept_char(p, ',')) {
        if (atom->nby == LW_IMPUTE_MAX)
            return fail(p, "impute takes at most %d categories", LW_IMPUTE_MAX);
        int by = inner_atom(p, LW_CATEGORY, depth);
        if (by < 0)
            return -1;
        atom->by[atom->nby++] = by;
        if (append_text(p, atom->text, sizeof atom->text, ", ") ||
            append_text(p, atom->text, sizeof atom->text, p->plan->atom[by].text))
            return -1;
    }
    return atom->nby ? 0 : fail(p, "impute needs at least one category to average over");
}

static int bins_call(struct parser *p, struct lw_atom *atom, int depth) {
    if (number_argument(p, atom, depth) || wrap_atom(p, atom, "bins"))
        return -1;
    atom->kind = LW_CATEGORY;
    free(atom->edge);
    atom->edge = lw_calloc(LW_EDGES_MAX, sizeof *atom->edge);
    while (accept_char(p, ',')) {
        double v;
        if (atom->nedges == LW_EDGES_MAX)
            return fail(p, "bins takes at most %d edges", LW_EDGES_MAX);
        if (parse_number(p, &v) || append_number(p, atom, v))
            return -1;
        if (atom->nedges && !(v > atom->edge[atom->nedges - 1]))
            return fail(p, "the edges of bins must be in ascending order");
        atom->edge[atom->nedges++] = v;
    }
    if (atom->nedges == 0)
        return fail(p, "bins needs at least one edge");
    return add_step(p, atom, (struct lw_atom_step){.kind = LW_STEP_BINS});
}

static int qbins_call(struct parser *p, struct lw_atom *atom, int depth) {
    double count;
    *atom = (struct lw_atom){.source = LW_SOURCE_ATOM, .kind = LW_CATEGORY};
    atom->learned = true;
    atom->from = inner_atom(p, LW_NUMERIC, depth);
    if (atom->from < 0)
        return -1;
    lw_copy(atom->text, sizeof atom->text, p->plan->atom[atom->from].text);
    if (wrap_atom(p, atom, "qbins") || expect_char(p, ',') || parse_number(p, &count))
        return -1;
    if (!(count >= 2 && count <= LW_QBINS_MAX) || count != (double)(int)count)
        return fail(p, "qbins needs a whole number of bins from 2 to %d", LW_QBINS_MAX);
    if (append_number(p, atom, count))
        return -1;
    return add_step(p, atom, (struct lw_atom_step){.kind = LW_STEP_QBINS, .a = count});
}

/* An impute inside another function is an atom of its own, so that its table is learned
 * once, however many functions use it; they read that atom. */
static int stand_alone(struct parser *p, struct lw_atom *atom) {
    int at = keep_atom(p, atom);
    if (at < 0)
        return -1;
    struct lw_atom outer = {.source = LW_SOURCE_ATOM, .learned = true, .from = at};
    lw_copy(outer.text, sizeof outer.text, atom->text);
    *atom = outer;
    return 0;
}

static int parse_call(struct parser *p, const struct function *f, struct lw_atom *atom,
                      int depth) {
    int rc;
    switch (f->shape) {
    case SHAPE_STEP:
        rc = step_call(p, f, atom, depth);
        break;
    case SHAPE_MISSING:
        rc = missing_call(p, atom, depth);
        break;
    case SHAPE_IMPUTE:
        rc = impute_call(p, atom, depth);
        break;
    case SHAPE_BINS:
        rc = bins_call(p, atom, depth);
        break;
    case SHAPE_HOLIDAY:
        rc = holiday_call(p, f, atom);
        break;
    case SHAPE_QBINS:
        rc = qbins_call(p, atom, depth);
        break;
    default:
        rc = field_call(p, f, atom);
    }
    if (rc || expect_char(p, ')') || append_text(p, atom->text, sizeof atom->text, ")"))
        return -1;
    return f->shape == SHAPE_IMPUTE && depth > 0 ? stand_alone(p, atom) : 0;
}

static int field_atom(struct parser *p, int at, struct lw_atom *atom) {
    enum lw_kind kind = kind_of(p, at);
    const char *what = p->plan->fields->field[at].name;
    if (kind == LW_TIMESTAMP)
        return fail(p, "\"%s\" is a timestamp: use hour(%s), weekday(%s) or another part",
                    what, what, what);
    if (kind == LW_TEXT)
        return fail(p, "\"%s\" is an identifier, not a feature", what);
    atom->source = LW_SOURCE_FIELD;
    atom->kind = kind;
    atom->field[0] = at;
    lw_copy(atom->text, sizeof atom->text, what);
    return 0;
}

static const struct function *function_named(const char *what) {
    for (size_t i = 0; i < NFUNCTIONS; i++)
        if (strcmp(functions[i].name, what) == 0)
            return &functions[i];
    return NULL;
}

static int no_function(struct parser *p, const char *what) {
    const char *names[NFUNCTIONS];
    for (size_t i = 0; i < NFUNCTIONS; i++)
        names[i] = functions[i].name;
    const char *near = lw_nearest(what, names, NFUNCTIONS);
    if (near)
        return fail(p, "there is no function \"%s\"; did you mean \"%s\"?", what, near);
    return fail(p, "there is no function \"%s\"", what);
}

static int parse_expression(struct parser *p, struct lw_atom *atom, int depth) {
    char what[LW_NAME_MAX];
    if (depth > LW_STEPS_MAX)
        return fail(p, "functions nest more than %d deep", LW_STEPS_MAX);
    skip_space(p);
    const char *from = p->at;
    if (parse_name(p, what))
        return -1;
    if (accept_char(p, '(')) {
        const struct function *f = function_named(what);
        if (f)
            return parse_call(p, f, atom, depth);
        p->at = from;
        return no_function(p, what);
    }
    const char *after = p->at;
    p->at = from;
    int at = lw_fields_find(p->plan->fields, what);
    if (at < 0)
        return no_field(p, what);
    if (field_atom(p, at, atom))
        return -1;
    p->at = after;
    return 0;
}

static int parse_atom(struct parser *p) {
    struct lw_atom atom = {0};
    if (parse_expression(p, &atom, 0)) {
        free(atom.edge);
        return -1;
    }
    return keep_atom(p, &atom);
}

static int at_end(struct parser *p) {
    skip_space(p);
    return *p->at ? fail(p, "'%c' is not expected here", *p->at) : 0;
}

int lw_plan_atom(struct lw_plan *plan, const char *text, struct lw_err *err) {
    struct parser p = {.plan = plan, .text = text, .at = text, .err = err};
    int at = parse_atom(&p);
    return at < 0 || at_end(&p) ? -1 : at;
}

/* Categories first, then numbers, each in the order written: one canonical form. */
static int order_factors(struct parser *p, const int *atoms, int n,
                         struct lw_term *term) {
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            const struct lw_atom *atom = &p->plan->atom[atoms[i]];
            if ((atom->kind == LW_NUMERIC) != (pass == 1))
                continue;
            if (term->ncat + term->nnum &&
                append_text(p, term->text, sizeof term->text, " * "))
                return -1;
            if (append_text(p, term->text, sizeof term->text, atom->text))
                return -1;
            term->factor[term->ncat + term->nnum] = atoms[i];
            *(pass ? &term->nnum : &term->ncat) += 1;
        }
    return 0;
}

static bool same_term(const struct lw_term *a, const struct lw_term *b) {
    return strcmp(a->text, b->text) == 0 && a->penalty == b->penalty &&
           a->min_count == b->min_count;
}

static int keep_term(struct parser *p, const struct lw_term *term) {
    for (size_t i = 0; i < p->plan->nterms; i++)
        if (same_term(&p->plan->term[i], term))
            return (int)i;
    if (p->plan->nterms == LW_TERMS_MAX)
        return fail(p, "more than %d terms", LW_TERMS_MAX);
    p->plan->term[p->plan->nterms] = *term;
    return (int)p->plan->nterms++;
}

int lw_plan_term(struct lw_plan *plan, const char *text, double penalty,
                 uint32_t min_count, struct lw_err *err) {
    struct parser p = {.plan = plan, .text = text, .at = text, .err = err};
    struct lw_term term = {.penalty = penalty, .min_count = min_count};
    int atoms[LW_FACTORS_MAX], n = 0;
    if (!(penalty >= 0 && penalty <= 1e12))
        return fail(&p, "a penalty must be a number from 0 to 1e12");
    do {
        if (n == LW_FACTORS_MAX)
            return fail(&p, "more than %d factors", LW_FACTORS_MAX);
        atoms[n] = parse_atom(&p);
        if (atoms[n++] < 0)
            return -1;
    } while (accept_char(&p, '*'));
    if (at_end(&p) || order_factors(&p, atoms, n, &term))
        return -1;
    if (term.ncat == 0)
        term.min_count = 0;
    return keep_term(&p, &term);
}
