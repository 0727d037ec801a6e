/* See inject.h.
 *
 * Randomness is counter-based: an event's generator is seeded with (seed, number), so an
 * event changes in the same way whatever came before it, with any other injections, and
 * in a replay as in a backtest.
 *
 * A target that is the time between two fields cannot be written. Instead the later time
 * is moved, as a longer trip would have done. If that is the event time itself, the event
 * also falls into another pane, as it would have.
 *
 * Not supported: drift of a relation between two fields (each kind changes one field), and
 * concept drift by permuted labels, which regression does not have. */
#include "core/inject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"

#define PI             3.14159265358979323846
#define NEW_CATEGORY   900001 /* integers that no zone, vendor or code has */
#define CATEGORIES_MAX 1000

static const char *const kinds[LW_INJECT_KINDS] = {"sudden",     "gradual", "recurring",
                                                   "seasonal",   "unit",    "nulls",
                                                   "categories", "labels"};

const char *lw_inject_name(enum lw_inject_kind kind) {
    return kinds[kind];
}

/* ---- reading ---- */

enum key {
    KEY_FIELD,
    KEY_AT,
    KEY_UNTIL,
    KEY_SIZE,
    KEY_SEED,
    KEY_SHARE,
    KEY_PERIOD,
    KEY_OVER,
    KEYS
};
static const char *const keys[KEYS] = {"field", "at",    "until",  "size",
                                       "seed",  "share", "period", "over"};

static int inject_unknown(struct lw_err *err, const char *what, const char *name,
                          const char *const *names, size_t n) {
    const char *near = lw_nearest(name, names, n);
    return lw_fail(err, LW_ECONFIG, "there is no %s '%s'%s%s%s", what, name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int find_name(const char *name, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    return -1;
}

static int set_field(struct lw_injection *in, const struct lw_event_spec *event,
                     const char *value, struct lw_err *err) {
    const char *names[LW_FIELDS_MAX + 1] = {"target"};
    size_t n = event->fields.n;
    for (size_t i = 0; i < n; i++)
        names[i + 1] = event->fields.field[i].name;
    in->field = lw_fields_find(&event->fields, value);
    if (in->field < 0 && strcmp(value, "target") != 0)
        return inject_unknown(err, "field", value, names, n + 1);
    return 0;
}

static bool read_number(enum key key, const char *value, const struct lw_zone *zone,
                        struct lw_injection *in) {
    int64_t seed;
    switch (key) {
    case KEY_SIZE:
        return lw_parse_f64(value, &in->size);
    case KEY_SHARE:
        return lw_parse_f64(value, &in->share) && in->share > 0 && in->share <= 1;
    case KEY_SEED:
        if (!lw_parse_i64(value, &seed))
            return false;
        in->seed = (uint64_t)seed;
        return true;
    case KEY_AT:
        return lw_parse_instant(value, strlen(value), zone, &in->from_ms);
    case KEY_UNTIL:
        return lw_parse_instant(value, strlen(value), zone, &in->until_ms);
    case KEY_PERIOD:
        return lw_parse_duration(value, &in->period_ms) && in->period_ms > 0;
    default:
        return lw_parse_duration(value, &in->over_ms) && in->over_ms > 0;
    }
}

static int set_key(struct lw_injection *in, const struct lw_event_spec *event, char *item,
                   unsigned *given, struct lw_err *err) {
    static const char *const wanted[KEYS] = {
        "a field",         "a time (2020-03-20T06:00)",
        "a time",          "a number",
        "a whole number",  "a number above 0, at most 1",
        "a duration (7d)", "a duration (7d)"};
    char *equals = strchr(item, '=');
    if (!equals)
        return lw_fail(err, LW_ECONFIG, "'%s' is not key=value", item);
    *equals = '\0';
    int key = find_name(item, keys, KEYS);
    if (key < 0)
        return inject_unknown(err, "key", item, keys, KEYS);
    if (*given & 1u << key)
        return lw_fail(err, LW_ECONFIG, "'%s' is given twice", item);
    *given |= 1u << key;
    if (key == KEY_FIELD)
        return set_field(in, event, equals + 1, err);
    if (!read_number((enum key)key, equals + 1, event->fields.zone, in))
        return lw_fail(err, LW_ECONFIG, "%s: '%s' is not %s", item, equals + 1,
                       wanted[key]);
    return 0;
}

/* The cell that holds a target, and whether the kind can change the field. */
static int check_field(struct lw_injection *in, const struct lw_event_spec *event,
                       struct lw_err *err) {
    if (in->field == LW_INJECT_TARGET) {
        in->cell = event->target == LW_TARGET_FIELD ? event->target_a : event->target_b;
        if (in->kind == LW_INJECT_NULLS || in->kind == LW_INJECT_CATEGORIES)
            return lw_fail(err, LW_ECONFIG, "%s cannot be applied to the target",
                           kinds[in->kind]);
        return 0;
    }
    in->cell = in->field;
    const struct lw_field *f = &event->fields.field[in->field];
    if (in->kind == LW_INJECT_LABELS)
        return lw_fail(err, LW_ECONFIG,
                       "labels adds noise to the target: leave out field");
    if (in->kind == LW_INJECT_NULLS) {
        if (f->required || in->field == event->time_field)
            return lw_fail(err, LW_ECONFIG,
                           "'%s' is required: without it no event can be read", f->name);
        return 0;
    }
    enum lw_kind kind = in->kind == LW_INJECT_CATEGORIES ? LW_CATEGORY : LW_NUMERIC;
    if (f->kind != kind)
        return lw_fail(err, LW_ECONFIG, "%s is for %s fields; '%s' is %s",
                       kinds[in->kind], lw_kind_name(kind), f->name,
                       lw_kind_name(f->kind));
    return 0;
}

static int check_whole(struct lw_injection *in, const struct lw_event_spec *event,
                       unsigned given, struct lw_err *err) {
    if (event->time_field < 0)
        return lw_fail(err, LW_ECONFIG, "files hold no record times: set event.time");
    if (!(given & 1u << KEY_FIELD) && in->kind != LW_INJECT_LABELS)
        return lw_fail(err, LW_ECONFIG, "the key 'field' is missing");
    if (!(given & 1u << KEY_AT))
        return lw_fail(err, LW_ECONFIG,
                       "the key 'at' is missing: the time when it begins");
    if (in->until_ms <= in->from_ms)
        return lw_fail(err, LW_ECONFIG, "'until' must be later than 'at'");
    if (in->kind == LW_INJECT_CATEGORIES && !(given & 1u << KEY_SIZE))
        in->size = 1;
    else if (in->kind != LW_INJECT_NULLS && !(given & 1u << KEY_SIZE))
        return lw_fail(err, LW_ECONFIG, "the key 'size' is missing");
    if (in->kind == LW_INJECT_CATEGORIES &&
        !(in->size >= 1 && in->size <= CATEGORIES_MAX && in->size == floor(in->size)))
        return lw_fail(err, LW_ECONFIG, "size must be a number of categories, 1 to %d",
                       CATEGORIES_MAX);
    return check_field(in, event, err);
}

static int inject_parse(const char *text, const struct lw_event_spec *event,
                        struct lw_injection *in, struct lw_err *err) {
    char copy[512];
    unsigned given = 0;
    if (strlen(text) >= sizeof copy)
        return lw_fail(err, LW_ECONFIG, "too long");
    lw_copy(copy, sizeof copy, text);
    char *colon = strchr(copy, ':');
    if (!colon)
        return lw_fail(err, LW_ECONFIG, "expected KIND:key=value,...");
    *colon = '\0';
    int kind = find_name(copy, kinds, LW_INJECT_KINDS);
    if (kind < 0)
        return inject_unknown(err, "kind of drift", copy, kinds, LW_INJECT_KINDS);
    *in =
        (struct lw_injection){.kind = (enum lw_inject_kind)kind,
                              .field = LW_INJECT_TARGET,
                              .until_ms = INT64_MAX,
                              .period_ms = kind == LW_INJECT_SEASONAL ? LW_DAY : LW_WEEK,
                              .over_ms = LW_WEEK,
                              .share = 1,
                              .seed = 1};
    for (char *rest = colon + 1; rest && *rest;) {
        char *item = rest;
        rest = strchr(item, ',');
        if (rest)
            *rest++ = '\0';
        if (set_key(in, event, item, &given, err))
            return -1;
    }
    return check_whole(in, event, given, err);
}

int lw_inject_parse(const char *text, const struct lw_event_spec *event,
                    struct lw_injection *out, struct lw_err *err) {
    if (inject_parse(text, event, out, err))
        return lw_err_context(err, "injection '%.200s'", text);
    return 0;
}

/* ---- doing ---- */

/* The value to add at that time. */
static double shift_at(const struct lw_injection *in, int64_t t, struct lw_rng *rng) {
    double since = (double)(t - in->from_ms);
    switch (in->kind) {
    case LW_INJECT_GRADUAL:
        return in->size * fmin(1, since / (double)in->over_ms);
    case LW_INJECT_RECURRING:
        return 2 * ((t - in->from_ms) % in->period_ms) < in->period_ms ? in->size : 0;
    case LW_INJECT_SEASONAL:
        return in->size * sin(2 * PI * since / (double)in->period_ms);
    case LW_INJECT_LABELS:
        return in->size * lw_rng_normal(rng);
    default:
        return in->size;
    }
}

static bool move_time(const struct lw_injection *in, const struct lw_event_spec *event,
                      double shift, struct lw_cell *cells) {
    const struct lw_cell *from = &cells[event->target_a];
    struct lw_cell *to = &cells[event->target_b];
    if (!from->present || !to->present)
        return false;
    double minutes = (to->num - from->num) / (double)LW_MINUTE;
    double moved = in->kind == LW_INJECT_UNIT ? minutes * in->size : minutes + shift;
    double ms = from->num + moved * (double)LW_MINUTE;
    if (!(fabs(ms) < 9e15)) /* exact in a double, as timestamps are */
        return false;
    int64_t before = (int64_t)to->key;
    *to = lw_cell_int(llround(ms));
    return (int64_t)to->key != before;
}

static bool change_number(const struct lw_injection *in, double shift,
                          struct lw_cell *cell) {
    if (!cell->present)
        return false;
    double before = cell->num;
    *cell = lw_cell_num(in->kind == LW_INJECT_UNIT ? before * in->size : before + shift);
    return cell->num != before;
}

static bool change_category(struct lw_injection *in, struct lw_rng *rng,
                            struct lw_cell *cell) {
    uint64_t which = lw_rng_below(rng, (uint64_t)in->size);
    if (!cell->present)
        return false;
    if (!cell->text) {
        *cell = lw_cell_int((int64_t)(NEW_CATEGORY + which));
        return true;
    }
    snprintf(in->text, sizeof in->text, "new-%u", (unsigned)which + 1);
    *cell = lw_cell_text(in->text, strlen(in->text));
    return true;
}

static bool inject_change(struct lw_injection *in, const struct lw_event_spec *event,
                          int64_t t, struct lw_rng *rng, struct lw_cell *cells) {
    struct lw_cell *cell = &cells[in->cell];
    if (in->kind == LW_INJECT_CATEGORIES)
        return change_category(in, rng, cell);
    if (in->kind == LW_INJECT_NULLS) {
        bool was = cell->present;
        *cell = lw_cell_missing();
        return was;
    }
    double shift = shift_at(in, t, rng);
    if (in->field == LW_INJECT_TARGET && event->target == LW_TARGET_MINUTES_BETWEEN)
        return move_time(in, event, shift, cells);
    return change_number(in, shift, cell);
}

int lw_inject_apply(struct lw_injection *list, size_t n,
                    const struct lw_event_spec *event, uint64_t number,
                    struct lw_cell *cells) {
    int hits = 0;
    const struct lw_cell *time =
        event->time_field >= 0 ? &cells[event->time_field] : NULL;
    bool timed = time && time->present;
    int64_t t = timed ? (int64_t)time->key : 0;
    for (size_t i = 0; i < n; i++) {
        struct lw_injection *in = &list[i];
        struct lw_rng rng;
        in->hit = false;
        if (!timed || t < in->from_ms || t >= in->until_ms)
            continue;
        in->events++;
        lw_rng_seed(&rng, lw_mix64(in->seed) ^ lw_mix64(number + 1));
        if (lw_rng_unit(&rng) >= in->share)
            continue;
        in->hit = inject_change(in, event, t, &rng, cells);
        in->touched += in->hit;
        hits += in->hit;
    }
    return hits;
}
