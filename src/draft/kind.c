/* What each field is: a time, an identifier, a number, or a category.
 *
 * The schema decides where it can: floating-point numbers are numbers, texts are
 * categories or identifiers. A whole number may be a quantity, or a name written in
 * digits. It is a name when it says so (PULocationID, payment_type), when it has few
 * values, or when its values taken one by one explain far more of the target than their
 * order does. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "draft/draft_private.h"
#include "event/event.h"

#define FEW_VALUES     30
#define LEVELS_MAX     2000 /* of a category */
#define ROWS_PER_LEVEL 20
#define UNIQUE         0.93 /* share of distinct values; the estimate is within 5 % */
#define NAME_GAIN      0.02 /* of effect: a name rather than a quantity */
#define TOO_LARGE      1e30
#define YEARS_MAX      20 /* in the middle of a whole number that is a time */

#define TIME_WORDS                                                                         \
    "time timestamp datetime date ts at when stamp epoch start end started ended created " \
    "updated pickup dropoff departure arrival seconds secs sec ms us ns unix"
#define CODE_WORDS                                                                        \
    "id ids code type zone flag class status kind category cat group region store route " \
    "line station vendor carrier model brand country state city zip area hour weekday "   \
    "month dow number no nr flight sku account"
#define ID_WORDS "id uuid guid key"
#define COUNT_WORDS                                                                      \
    "count counts num qty quantity age size amount distance duration minutes seconds "   \
    "passengers items length width height weight price year temperature speed delay"

/* ---- names ---- */

/* The next part of a name in lower case ("PULocation", "ID"); false at its end. */
static bool name_part(const char **at, char out[LW_NAME_MAX]) {
    const char *p = *at;
    size_t n = 0;
    while (*p && !isalnum((unsigned char)*p))
        p++;
    while (isalnum((unsigned char)*p) && n + 1 < LW_NAME_MAX) {
        if (n > 0 && isupper((unsigned char)*p) && islower((unsigned char)p[-1]))
            break;
        out[n++] = (char)tolower((unsigned char)*p++);
    }
    out[n] = 0;
    *at = p;
    return n > 0;
}

/* The position of a word in a list that spaces separate, or -1. */
static int word_position(const char *word, const char *words) {
    size_t len = strlen(word);
    for (int i = 0; *words; i++) {
        size_t n = strcspn(words, " ");
        if (n == len && strncmp(words, word, n) == 0)
            return i;
        words += n;
        words += *words == ' ';
    }
    return -1;
}

int lw__draft_named(const char *name, const char *words) {
    char part[LW_NAME_MAX];
    int best = -1;
    while (name_part(&name, part)) {
        int at = word_position(part, words);
        if (at >= 0 && (best < 0 || at < best))
            best = at;
    }
    return best;
}

bool lw__draft_named_last(const char *name, const char *words) {
    char part[LW_NAME_MAX];
    bool last = false;
    while (name_part(&name, part))
        last = word_position(part, words) >= 0;
    return last;
}

bool lw__draft_name_fits(const char *name) {
    static const char *const valid =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    return *name && !isdigit((unsigned char)*name) && strspn(name, valid) == strlen(name);
}

bool lw__draft_name_writable(const char *name) {
    char shown[LW_NAME_MAX * 10 + 16];
    size_t n = lw_text_show(shown, sizeof shown, name, strlen(name));
    return *name && n == strlen(name) && memcmp(shown, name, n) == 0 &&
           !strchr(name, '$');
}

/* ---- times ---- */

static bool plausible_ms(double ms) {
    return ms >= (double)LW_TIME_FROM && ms < (double)LW_TIME_UNTIL;
}

/* The unit in which the values of a whole number are times. */
static bool unit_of_numbers(const struct lw_draft *d, size_t column, enum lw_unit *unit) {
    const char *name = d->sample->column[column].name;
    size_t n;
    double *v = lw__draft_sorted(d, column, &n);
    double lo = lw__draft_quantile(v, n, 0.02), hi = lw__draft_quantile(v, n, 0.98);
    bool found = false;
    free(v);
    for (int u = LW_UNIT_S; n > 0 && u <= LW_UNIT_NS && !found; u++) {
        double ms = lw__draft_unit_ms((enum lw_unit)u);
        found = plausible_ms(lo * ms) && plausible_ms(hi * ms) &&
                (hi - lo) * ms < YEARS_MAX * 366 * 86400e3;
        *unit = found ? (enum lw_unit)u : LW_UNIT_OF_TYPE;
    }
    /* Ten digits may also be a number of something: then the name must say "time". */
    return found && !lw__draft_named_last(name, CODE_WORDS) &&
           (*unit != LW_UNIT_S || lw__draft_named(name, TIME_WORDS) >= 0);
}

void lw__draft_find_times(struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++) {
        const struct lw_draft_column *c = &d->sample->column[i];
        struct lw_draft_field *f = &d->field[i];
        enum lw_unit unit = LW_UNIT_OF_TYPE;
        if (c->type == LW_DRAFT_TIME || c->type == LW_DRAFT_DATE)
            f->instant = c->present > 0;
        else if (c->type == LW_DRAFT_WORD)
            f->instant = c->present > 0 && (double)c->times >= 0.99 * (double)c->present;
        else if (c->type == LW_DRAFT_WHOLE && unit_of_numbers(d, i, &unit)) {
            f->instant = true;
            f->unit = unit;
        }
    }
}

/* ---- identifiers ---- */

static bool is_unique(const struct lw_draft *d, size_t column) {
    const struct lw_draft_column *c = &d->sample->column[column];
    return c->missing == 0 && d->field[column].distinct >= UNIQUE * (double)c->present;
}

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* No value twice in the sample of rows, which is exact where it holds all events. */
static bool has_no_twins(const struct lw_draft *d, size_t column) {
    uint64_t *key = lw__draft_keys(d, column);
    bool twins = false;
    qsort(key, d->sample->rows, sizeof *key, compare_keys);
    for (size_t i = 1; i < d->sample->rows && !twins; i++)
        twins = key[i] == key[i - 1];
    free(key);
    return !twins;
}

/* Likelihood that a column identifies events: 0 for none. */
static int id_rank(const struct lw_draft *d, size_t column) {
    const struct lw_draft_column *c = &d->sample->column[column];
    bool named = lw__draft_named(c->name, ID_WORDS) >= 0;
    bool word = c->type == LW_DRAFT_WORD || (c->type == LW_DRAFT_WHOLE && named);
    bool can_be = word && !d->field[column].instant && is_unique(d, column) &&
                  lw__draft_name_writable(c->name) && has_no_twins(d, column);
    return can_be ? 1 + named : 0;
}

int lw__draft_choose_id(struct lw_draft *d, const char *wish, struct lw_err *err) {
    char count[32];
    int best = 0;
    d->id = -1;
    if (wish) {
        d->id = lw__draft_wished(d, "--id", wish, err);
        if (d->id < 0)
            return -1;
        lw_copy(d->id_why, sizeof d->id_why, "--id");
    }
    for (size_t i = 0; !wish && i < d->sample->n; i++) {
        int rank = id_rank(d, i);
        if (rank > best) {
            d->id = (int)i;
            best = rank;
        }
    }
    if (d->id < 0)
        return 0;
    if (!wish)
        snprintf(d->id_why, sizeof d->id_why, "no value twice in a sample of %s events",
                 lw_format_count(count, sizeof count, d->sample->rows));
    d->field[d->id].role = LW_DRAFT_ID;
    return 0;
}

/* ---- numbers and categories ---- */

/* How a whole number would explain the target: by value, and by order. */
static bool behaves_like_a_name(const struct lw_draft *d, size_t column, double *by_value,
                                double *by_order) {
    uint64_t *key = lw__draft_keys(d, column), *tenth = lw__draft_tenths(d, column);
    *by_value = lw__draft_levels_of(d, key).effect;
    *by_order = lw__draft_levels_of(d, tenth).effect;
    free(key);
    free(tenth);
    return *by_value > 2 * *by_order + NAME_GAIN;
}

static bool few_rows(const struct lw_draft *d, size_t column) {
    double n = d->field[column].distinct;
    return n > LEVELS_MAX ||
           n * ROWS_PER_LEVEL > (double)d->sample->column[column].present;
}

/* An estimate with the two digits that it is good for. */
static double rounded_count(double v) {
    double unit = v >= 1000 ? pow(10, floor(log10(v)) - 1) : 1;
    return round(v / unit) * unit;
}

static void choose_category(struct lw_draft *d, size_t column, const char *why) {
    const struct lw_draft_field *f = &d->field[column];
    char some[32], all[32];
    if (is_unique(d, column))
        lw__draft_set(d, column, LW_DRAFT_OUT, "a different value in almost every event");
    else if (few_rows(d, column) && f->distinct > 2)
        lw__draft_set(
            d, column, LW_DRAFT_OUT, "too many values: about %s in %s events",
            lw_format_count(some, sizeof some, (uint64_t)rounded_count(f->distinct)),
            lw_format_count(all, sizeof all, d->sample->events));
    else
        lw__draft_set(d, column, LW_DRAFT_CATEGORY, "%.0f values%s%s", f->distinct,
                      *why ? "; " : "", why);
}

static void choose_whole(struct lw_draft *d, size_t column) {
    const char *name = d->sample->column[column].name;
    double distinct = d->field[column].distinct, by_value, by_order;
    bool counted = lw__draft_named(name, COUNT_WORDS) >= 0;
    char why[LW_DRAFT_WHY];
    if (lw__draft_named_last(name, CODE_WORDS)) {
        choose_category(d, column, "named like a code");
    } else if (distinct <= FEW_VALUES && !counted) {
        choose_category(d, column, "few enough to be names");
    } else if (!few_rows(d, column) && !counted &&
               behaves_like_a_name(d, column, &by_value, &by_order)) {
        snprintf(why, sizeof why,
                 "they explain %.0f %% of the target one by one, %.0f %% by their order",
                 100 * by_value, 100 * by_order);
        choose_category(d, column, why);
    } else {
        lw__draft_set(d, column, LW_DRAFT_NUMBER, "%s", "");
    }
}

static void describe_number(struct lw_draft *d, size_t column) {
    struct lw_draft_field *f = &d->field[column];
    const struct lw_draft_range *r = &f->range;
    if (r->outside > 0)
        snprintf(f->why, sizeof f->why,
                 "middle 90 %%: %.4g to %.4g; %.2g %% are outside (%.6g to %.6g)", r->q05,
                 r->q95, 100 * r->outside, r->least, r->most);
    else
        snprintf(f->why, sizeof f->why, "middle 90 %%: %.4g to %.4g", r->q05, r->q95);
}

static void choose_kind(struct lw_draft *d, size_t column) {
    const struct lw_draft_column *c = &d->sample->column[column];
    struct lw_draft_field *f = &d->field[column];
    if (f->instant)
        lw__draft_set(d, column, LW_DRAFT_INSTANT, "%s", "");
    else if (c->type == LW_DRAFT_REAL)
        lw__draft_set(d, column, LW_DRAFT_NUMBER, "%s", "");
    else if (c->type == LW_DRAFT_WHOLE)
        choose_whole(d, column);
    else
        choose_category(d, column, "");
    if (f->role == LW_DRAFT_NUMBER) {
        size_t n;
        double *v = lw__draft_sorted(d, column, &n);
        f->range = lw__draft_range_of(v, n);
        free(v);
        if (fabs(f->range.lo) > TOO_LARGE || fabs(f->range.hi) > TOO_LARGE)
            lw__draft_set(d, column, LW_DRAFT_OUT, "too large to be squared: up to %.3g",
                          f->range.most);
        else if (!(f->range.hi > f->range.lo))
            lw__draft_set(d, column, LW_DRAFT_OUT, "almost always %.6g", f->range.median);
        else
            describe_number(d, column);
    }
}

void lw__draft_choose_kinds(struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++) {
        const struct lw_draft_column *c = &d->sample->column[i];
        struct lw_draft_field *f = &d->field[i];
        if (f->role != LW_DRAFT_OUT || *f->why)
            continue; /* chosen, or left out on request */
        if (c->present == 0)
            lw__draft_set(d, i, LW_DRAFT_OUT, "always null");
        else if (f->distinct < 1.5)
            lw__draft_set(d, i, LW_DRAFT_OUT, "always the same value%s",
                          c->missing ? ", or null" : "");
        else if (!lw__draft_name_fits(c->name))
            lw__draft_set(d, i, LW_DRAFT_OUT,
                          "the feature language cannot express its name");
        else
            choose_kind(d, i);
    }
}
