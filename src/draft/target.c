/* The event time, the target, and the fields that would leak it.
 *
 * Event time is the timestamp along which the events arrived. The target is what a person
 * names; without that it is guessed from the names of the numbers, and the text says so.
 *
 * A leak is a field that is known only when the target is. Exact ones are found by
 * comparing values: a number that follows the target, a pair of timestamps whose distance
 * does. Others can only be suspected: timestamps that are later than the event time,
 * amounts that are settled at the end of what is predicted, and durations that follow the
 * time from another timestamp to the event. A wrong suspicion costs a feature that a
 * person can add; a leak costs the whole model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"
#include "base/text.h"
#include "base/time.h"
#include "draft/draft_private.h"

#define SAME        0.999 /* correlation of a field with the target that it equals */
#define ELAPSED     0.8   /* of a duration with the time up to the event */
#define SAME_GROUPS 0.98  /* effect of a category that equals the target */
#define IN_ORDER    0.5   /* how much better the order of arrival must be */
#define TARGET_WORDS                                                                       \
    "target label y truth outcome duration delay eta travel fare price amount cost total " \
    "revenue sales demand load consumption usage"
#define SURE_WORDS  "target label y truth outcome"
#define FINAL_WORDS "arr arrival actual final total end"
#define TIME_TARGET "duration delay eta travel minutes seconds time elapsed wait"
#define MONEY_WORDS                                                                      \
    "fare tip tips toll tolls amount total price paid cost charge surcharge payment "    \
    "revenue"
#define SPAN_WORDS "time duration elapsed minutes seconds"

/* ---- event time ---- */

/* Spread of the lags in milliseconds: how far from sorted the events are by a column. */
static double disorder_of(const struct lw_draft *d, size_t column) {
    const struct lw_draft_clock *c = d->sample->column[column].clock;
    double spread = INFINITY;
    if (!c || lw_kll_n(c->lag) == 0)
        return spread;
    struct lw_kll_view *view = lw_kll_view_new(c->lag);
    spread = lw_kll_view_quantile(view, 0.95) - lw_kll_view_quantile(view, 0.05);
    lw_kll_view_free(view);
    return spread * lw__draft_unit_ms(d->field[column].unit);
}

/* Share of the rows in which column a is at least column b. */
static double share_later(const struct lw_draft *d, size_t a, size_t b) {
    double later = 0, n = 0;
    for (size_t i = 0; i < d->sample->rows; i++) {
        double x = lw__draft_value(d, a, i), y = lw__draft_value(d, b, i);
        if (!isfinite(x) || !isfinite(y))
            continue;
        n++;
        later += x >= y;
    }
    return n > 0 ? later / n : 0;
}

static bool usable_time(const struct lw_draft *d, size_t column) {
    const struct lw_draft_column *c = &d->sample->column[column];
    return d->field[column].instant && lw__draft_name_writable(c->name) &&
           (double)c->missing <= 0.01 * (double)d->sample->events;
}

/* Whether events are better ordered by a than by b; of two that tell nothing, or are
 * alike, the later one. */
static bool better_time(const struct lw_draft *d, size_t a, size_t b) {
    bool date_a = d->sample->column[a].type == LW_DRAFT_DATE;
    bool date_b = d->sample->column[b].type == LW_DRAFT_DATE;
    double x = disorder_of(d, a), y = disorder_of(d, b);
    if (date_a != date_b)
        return date_b;
    if (x < IN_ORDER * y || y < IN_ORDER * x)
        return x < y;
    return share_later(d, a, b) > 0.5;
}

static void describe_time(struct lw_draft *d, const char *wish) {
    char span[32];
    double disorder = disorder_of(d, (size_t)d->time);
    lw_format_duration(span, sizeof span,
                       isfinite(disorder) ? llround(disorder / 1000) * LW_SECOND : 0);
    if (wish)
        lw_copy(d->time_why, sizeof d->time_why, "--time");
    else if (isfinite(disorder))
        snprintf(d->time_why, sizeof d->time_why,
                 "the events are in its order: 90 %% within %s of their neighbours",
                 span);
    else
        lw_copy(d->time_why, sizeof d->time_why, "the only timestamp of every event");
}

int lw__draft_choose_time(struct lw_draft *d, const char *wish, struct lw_err *err) {
    d->time = -1;
    if (wish) {
        d->time = lw__draft_wished(d, "--time", wish, err);
        if (d->time < 0)
            return -1;
        if (!d->field[d->time].instant)
            return lw_fail(err, LW_ECONFIG,
                           "--time: the values of %s are not times of the years 1990 to "
                           "2100",
                           wish);
    }
    for (size_t i = 0; !wish && i < d->sample->n; i++)
        if (usable_time(d, i) && (d->time < 0 || better_time(d, i, (size_t)d->time)))
            d->time = (int)i;
    if (d->time >= 0) {
        d->field[d->time].role = LW_DRAFT_USED;
        describe_time(d, wish);
    }
    return 0;
}

/* ---- target ---- */

static bool can_be_target(const struct lw_draft *d, size_t column) {
    const struct lw_draft_column *c = &d->sample->column[column];
    return (c->type == LW_DRAFT_REAL || c->type == LW_DRAFT_WHOLE) &&
           !d->field[column].instant && (int)column != d->id && c->present > 0 &&
           d->field[column].distinct >= 3 && lw__draft_name_writable(c->name) &&
           !*d->field[column].why;
}

/* Lower is likelier; INT32_MAX: its name says nothing. */
static int target_rank(const struct lw_draft *d, size_t column) {
    const char *name = d->sample->column[column].name;
    int at = lw__draft_named(name, TARGET_WORDS);
    if (!can_be_target(d, column) || at < 0)
        return INT32_MAX;
    return 2 * at + (lw__draft_named(name, FINAL_WORDS) < 0);
}

static void list_others(struct lw_draft *d, int chosen) {
    size_t used = strlen(d->target_why), n = 0;
    for (size_t i = 0; i < d->sample->n && n < 6; i++) {
        int len = 0;
        if ((int)i == chosen || target_rank(d, i) == INT32_MAX)
            continue;
        len = snprintf(d->target_why + used, sizeof d->target_why - used, "%s%s",
                       n++ ? ", " : "; the others were ", d->sample->column[i].name);
        used += len > 0 ? (size_t)len : 0;
        if (used >= sizeof d->target_why)
            return;
    }
}

static bool guess_field(struct lw_draft *d) {
    int best = -1;
    for (size_t i = 0; i < d->sample->n; i++)
        if (target_rank(d, i) < INT32_MAX &&
            (best < 0 || target_rank(d, i) < target_rank(d, (size_t)best)))
            best = (int)i;
    if (best < 0)
        return false;
    d->from = d->to = best;
    snprintf(d->target_why, sizeof d->target_why, "guessed: the name of %s",
             d->sample->column[best].name);
    list_others(d, best);
    return true;
}

static bool guess_minutes(struct lw_draft *d) {
    int from = -1;
    for (size_t i = 0; d->time >= 0 && i < d->sample->n; i++)
        if ((int)i != d->time && usable_time(d, i) &&
            d->sample->column[i].type != LW_DRAFT_DATE &&
            share_later(d, (size_t)d->time, i) > 0.9 &&
            (from < 0 || share_later(d, (size_t)from, i) > 0.5))
            from = (int)i;
    if (from < 0)
        return false;
    d->from = from;
    d->to = d->time;
    lw_copy(d->target_why, sizeof d->target_why,
            "guessed: no number is named like a target, and events end with the second");
    return true;
}

/* The last number, when nothing else is known of it. */
static bool guess_number(struct lw_draft *d) {
    for (size_t i = d->sample->n; i-- > 0;)
        if (can_be_target(d, i) && d->sample->column[i].type == LW_DRAFT_REAL) {
            d->from = d->to = (int)i;
            lw_copy(d->target_why, sizeof d->target_why,
                    "guessed: the last number; no name says more. Set it with --target");
            return true;
        }
    return false;
}

static int wish_minutes(struct lw_draft *d, const char *pair, struct lw_err *err) {
    char from[LW_NAME_MAX];
    const char *comma = strchr(pair, ',');
    if (!comma || (size_t)(comma - pair) >= sizeof from)
        return lw_fail(err, LW_ECONFIG,
                       "--target minutes_between takes two timestamps: "
                       "minutes_between:FROM,TO");
    memcpy(from, pair, (size_t)(comma - pair));
    from[comma - pair] = 0;
    d->from = lw__draft_wished(d, "--target", from, err);
    d->to = d->from < 0 ? -1 : lw__draft_wished(d, "--target", comma + 1, err);
    if (d->to < 0)
        return -1;
    if (d->from == d->to || !d->field[d->from].instant || !d->field[d->to].instant)
        return lw_fail(err, LW_ECONFIG,
                       "--target minutes_between: %s and %s are not two timestamps", from,
                       comma + 1);
    return 0;
}

static int wish_target(struct lw_draft *d, const char *wish, struct lw_err *err) {
    static const char pair[] = "minutes_between:";
    lw_copy(d->target_why, sizeof d->target_why, "--target");
    if (strncmp(wish, pair, sizeof pair - 1) == 0)
        return wish_minutes(d, wish + sizeof pair - 1, err);
    d->from = d->to = lw__draft_wished(d, "--target", wish, err);
    if (d->to < 0)
        return -1;
    enum lw_draft_type type = d->sample->column[d->to].type;
    if (type == LW_DRAFT_WORD || type == LW_DRAFT_DATE || d->field[d->to].instant)
        return lw_fail(err, LW_ECONFIG, "--target: %s is not a number", wish);
    return 0;
}

/* Takes the values outside the range from the rows of the target. */
static int target_values(struct lw_draft *d, const struct lw_draft_wishes *wishes,
                         struct lw_err *err) {
    size_t rows = d->sample->rows, n = 0;
    bool pair = d->from != d->to;
    d->target = pair ? lw__draft_minutes(d, (size_t)d->from, (size_t)d->to)
                     : lw__draft_values(d, (size_t)d->to);
    double *sorted = lw_calloc(rows + 1, sizeof *sorted);
    for (size_t i = 0; i < rows; i++)
        if (isfinite(d->target[i]))
            sorted[n++] = d->target[i];
    lw_sort_f64(sorted, n);
    d->range = lw__draft_range_of(sorted, n);
    if (pair && d->range.lo < 0 && d->range.q05 >= 0)
        d->range.lo = 0; /* a duration */
    d->range.lo = isnan(wishes->lo) ? d->range.lo : wishes->lo;
    d->range.hi = isnan(wishes->hi) ? d->range.hi : wishes->hi;
    free(sorted);
    size_t inside = 0;
    for (size_t i = 0; i < rows; i++) {
        if (d->target[i] >= d->range.lo && d->target[i] <= d->range.hi)
            inside++;
        else
            d->target[i] = NAN;
    }
    d->range.outside = n ? 1 - (double)inside / (double)n : 0;
    if (n < LW_DRAFT_ROWS_MIN / 2 || !(d->range.hi > d->range.lo) || inside < n / 2)
        return lw_fail(err, LW_EINPUT,
                       "the target %s%s%s has %s in the sample: name another with "
                       "--target",
                       pair ? "minutes_between " : "", d->sample->column[d->from].name,
                       pair ? ", ..." : "",
                       n < LW_DRAFT_ROWS_MIN / 2 ? "too few values" : "no spread");
    return 0;
}

int lw__draft_choose_target(struct lw_draft *d, const struct lw_draft_wishes *wishes,
                            struct lw_err *err) {
    if (wishes->target) {
        if (wish_target(d, wishes->target, err))
            return -1;
    } else if (!guess_field(d) && !guess_minutes(d) && !guess_number(d)) {
        return lw_fail(err, LW_EINPUT,
                       "no field can be the target: a number with three values or more, "
                       "or two timestamps; name it with --target");
    }
    if (target_values(d, wishes, err))
        return -1;
    d->field[d->from].role = d->from == d->to ? LW_DRAFT_USED : LW_DRAFT_OUT;
    d->field[d->to].role = LW_DRAFT_USED;
    return 0;
}

/* ---- leaks ---- */

static bool target_is_a_time(const struct lw_draft *d) {
    return d->from != d->to ||
           lw__draft_named(d->sample->column[d->to].name, TIME_TARGET) >= 0;
}

/* Whether the minutes between any other timestamp and this one follow v. */
static double correlation_with_span(const struct lw_draft *d, size_t to, const double *v,
                                    size_t *from) {
    double best = 0;
    for (size_t i = 0; i < d->sample->n; i++) {
        if (i == to || !d->field[i].instant)
            continue;
        double *minutes = lw__draft_minutes(d, i, to);
        double r = fabs(lw__draft_correlation(minutes, v, d->sample->rows));
        free(minutes);
        if (r > best) {
            best = r;
            *from = i;
        }
    }
    return best;
}

static void judge_instant(struct lw_draft *d, size_t column) {
    const char *name = d->sample->column[column].name;
    size_t from = column;
    double r = correlation_with_span(d, column, d->target, &from);
    if (r > SAME && (int)column != d->from && share_later(d, column, from) > 0.5)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak: the minutes from %s are the target (correlation %.4f)",
                      d->sample->column[from].name, r);
    else if (d->time >= 0 && (int)column != d->time && (int)column != d->from &&
             share_later(d, column, (size_t)d->time) > 0.5)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "%s is not before the event time: known only with the target?",
                      name);
}

static void judge_number(struct lw_draft *d, size_t column) {
    const char *name = d->sample->column[column].name;
    double *v = lw__draft_values(d, column);
    double r = fabs(lw__draft_correlation(v, d->target, d->sample->rows));
    size_t from = column;
    bool late = target_is_a_time(d);
    d->field[column].effect = r * r;
    if (r > SAME)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak: it follows the target (correlation %.4f)", r);
    else if (late && lw__draft_named(name, MONEY_WORDS) >= 0)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak? Amounts are usually settled with the target (correlation "
                      "%.2f)",
                      r);
    else if (late && d->time >= 0 && lw__draft_named(name, SPAN_WORDS) >= 0 &&
             (r = correlation_with_span(d, (size_t)d->time, v, &from)) > ELAPSED)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak? It follows the time from %s to the event (correlation "
                      "%.2f)",
                      d->sample->column[from].name, r);
    free(v);
}

static void judge_category(struct lw_draft *d, size_t column) {
    uint64_t *key = lw__draft_keys(d, column);
    double effect = lw__draft_levels_of(d, key).effect;
    d->field[column].effect = effect;
    if (effect > SAME_GROUPS)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak: its values determine the target (%.1f %% of its variance)",
                      100 * effect);
    else if (target_is_a_time(d) &&
             lw__draft_named(d->sample->column[column].name, MONEY_WORDS) >= 0)
        lw__draft_set(d, column, LW_DRAFT_OUT,
                      "a leak? Payments are usually made with the target");
    free(key);
}

/* The part of the calendar of the event time itself, where no earlier timestamp has it.
 * With a target that ends the event, its hour is known only then. */
static void keep_time_itself(struct lw_draft *d) {
    bool other = false;
    for (size_t i = 0; i < d->sample->n; i++)
        other |= d->field[i].role == LW_DRAFT_INSTANT;
    if (!other && d->time >= 0 && d->time != d->to &&
        lw__draft_name_fits(d->sample->column[d->time].name))
        lw__draft_set(d, (size_t)d->time, LW_DRAFT_INSTANT,
                      "the event time: the only timestamp");
}

void lw__draft_leave_out_leaks(struct lw_draft *d) {
    if (d->from != d->to && (int)d->field[d->from].role == LW_DRAFT_OUT)
        lw__draft_set(d, (size_t)d->from, LW_DRAFT_USED, "%s", "");
    for (size_t i = 0; i < d->sample->n; i++) {
        if (d->field[i].role == LW_DRAFT_INSTANT)
            judge_instant(d, i);
        else if (d->field[i].role == LW_DRAFT_NUMBER)
            judge_number(d, i);
        else if (d->field[i].role == LW_DRAFT_CATEGORY)
            judge_category(d, i);
    }
    keep_time_itself(d);
}
