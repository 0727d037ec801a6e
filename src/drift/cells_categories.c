/* From category counts to cells, and the share of new categories.
 *
 * Up to the summaries' cap every count is exact. Past it a summary has two parts
 * (leeway/categories.h): exact counts for a random sample of all categories, those
 * sampled at the greater of the two depths; and counts of the heavy ones to within
 * `error`.
 *
 * Cells past the cap. Each sampled category that is large enough is a cell; its counts
 * are exact, so it has the textbook's variance. Smaller ones are merged by their keys
 * into at most GROUPS cells, so that a change among many small categories is detected as
 * well. A heavy category that is not sampled has a true count between the reported one
 * and `error` more; of the possible counts, the two that differ least are used. If they
 * can be equal, no change is certain: the category joins the rest, and still counts as a
 * degree of freedom, so that selecting the differing ones gives no advantage. The rest is
 * everything without a cell.
 *
 * Unseen: the share of current values in categories that the reference lacks. For sampled
 * categories this is a count. A heavy category that is not sampled is new if the
 * reference can have had at most a tenth of it. For the others, light and not sampled,
 * the share of new values is estimated by that of the sampled light ones. This is a ratio
 * estimate, whose standard error must be at most UNSEEN_SE; otherwise unseen is unknown.
 *
 * Expected unseen: a reference of n values from many categories has not seen all of them.
 * Those unseen have a total probability of about N1/n, where N1 is the number of
 * categories that it has seen once (Good 1953, Turing), with variance (N1 + 2 N2)/n^2.
 * The test uses only the sampled categories, where both sides are exact: U new values of
 * m against N1 of n, z = (U/m - N1/n) / sqrt(p(1 - p)/m + (N1 + 2 N2)/n^2); with few
 * values, Fisher's exact test. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "drift/special.h"
#include "drift/stats.h"

#define HEAVY      4.0 /* in units of the error: smaller counts may be 0 */
#define TENTH      10.0
#define UNSEEN_SE  0.07
#define UNSEEN_MIN 50.0 /* sampled values per side */
#define FEW        10.0
#define GROUPS     64

struct category_side {
    struct lw_cats *cats;
    double n, error;
    double sampled; /* values in sampled categories */
    double light;   /* values of light sampled categories */
    double others;  /* values in heavy categories that are not sampled */
};

struct tally {
    struct lw_cells *out;
    struct category_side ref, cur;
    unsigned depth;
    double heavy;              /* current count from which a category is heavy */
    double rest_ref, rest_cur; /* values without a cell */
    double group_ref[GROUPS], group_cur[GROUPS]; /* small sampled categories */
    double unseen, unseen2; /* light sampled, new: values, sum of squared counts */
    double unseen_heavy;    /* new values in heavy sampled categories */
    double new_heavy, nnew; /* not sampled, new: values, categories */
    double squares, cross;  /* light sampled: sum of squared counts, of new x all */
    double once, twice; /* sampled categories that the reference has seen once, twice */
    struct lw_cats_diff diff;
};

static void put_cell(struct tally *t, double ref, double cur) {
    lw_cells_put(t->out, ref, cur);
    t->rest_ref -= ref;
    t->rest_cur -= cur;
}

static bool categories_large(const struct tally *t, double ref, double cur) {
    return lw_cells_expected(ref, cur, t->ref.n, t->cur.n) >= LW_CELL_MIN;
}

static void put_sampled(struct tally *t, uint64_t key, double ref, double cur) {
    bool heavy = cur >= t->heavy;
    t->ref.sampled += ref;
    t->cur.sampled += cur;
    t->once += ref == 1.0;
    t->twice += ref == 2.0;
    t->diff.linf = fmax(t->diff.linf, fabs(ref / t->ref.n - cur / t->cur.n));
    double new = ref == 0.0 ? cur : 0.0;
    if (heavy) {
        t->unseen_heavy += new;
    } else {
        t->cur.light += cur;
        t->unseen += new;
        t->unseen2 += new *new;
        t->cross += new *cur;
        t->squares += cur * cur;
    }
    if (categories_large(t, ref, cur)) {
        put_cell(t, ref, cur);
    } else if (t->depth > 0) {
        t->group_ref[lw_mix64(key) % GROUPS] += ref;
        t->group_cur[lw_mix64(key) % GROUPS] += cur;
    }
}

/* Merges neighbouring groups until each is large enough; the remainder stays in the
 * rest. */
static void put_groups(struct tally *t) {
    double ref = 0.0, cur = 0.0;
    for (size_t i = 0; i < GROUPS; i++) {
        ref += t->group_ref[i];
        cur += t->group_cur[i];
        if (!categories_large(t, ref, cur))
            continue;
        put_cell(t, ref, cur);
        ref = cur = 0.0;
    }
}

/* A category that is not sampled: its reported counts are each up to `error` too
 * small. */
static void put_other(struct tally *t, double ref, double cur) {
    if (cur >= t->heavy) {
        t->cur.others += cur + t->cur.error;
        if (ref == 0.0) { /* then the reference has at most a tenth of it */
            t->new_heavy += cur;
            t->nnew++;
        }
    }
    if (fmax(ref / t->ref.n, cur / t->cur.n) <
            HEAVY * (t->ref.error / t->ref.n + t->cur.error / t->cur.n) ||
        !categories_large(t, ref, cur))
        return;
    double lo_ref = ref / t->ref.n, hi_ref = (ref + t->ref.error) / t->ref.n;
    double lo_cur = cur / t->cur.n, hi_cur = (cur + t->cur.error) / t->cur.n;
    if (hi_ref >= lo_cur && hi_cur >= lo_ref) {
        t->out->unchanged++;
        return;
    }
    double near_ref = hi_ref < lo_cur ? hi_ref : lo_ref;
    double near_cur = hi_ref < lo_cur ? lo_cur : hi_cur;
    t->diff.linf = fmax(t->diff.linf, fabs(near_ref - near_cur));
    put_cell(t, near_ref * t->ref.n, near_cur * t->cur.n);
}

static void categories_put(struct tally *t, uint64_t key, uint64_t ref, uint64_t cur) {
    if (lw_cats_sampled(key, t->depth))
        put_sampled(t, key, (double)ref, (double)cur);
    else
        put_other(t, (double)ref, (double)cur);
}

static void put_rest(struct tally *t) {
    struct lw_cells *c = t->out;
    double ref = fmax(t->rest_ref, 0.0), cur = fmax(t->rest_cur, 0.0);
    if (c->n == 0 || categories_large(t, ref, cur)) {
        lw_cells_put(c, ref, cur);
    } else { /* too small for a cell of its own: joins its group */
        size_t least = 0;
        for (size_t i = 1; i < c->n; i++)
            if (c->ref[i] + c->cur[i] < c->ref[least] + c->cur[least])
                least = i;
        c->ref[least] += ref;
        c->cur[least] += cur;
    }
    c->n_ref = t->ref.n;
    c->n_cur = t->cur.n;
}

/* The number of new values among the light ones that are not sampled, and the standard
 * error of their share. */
static double light_unseen(const struct tally *t, double *se) {
    double left = t->cur.n - t->cur.sampled - t->cur.others;
    *se = 0.0;
    if (t->depth == 0 || left <= 0.0)
        return 0.0;
    double f = t->cur.light > 0.0 ? t->unseen / t->cur.light : 0.0;
    double square = t->unseen2 - 2.0 * f * t->cross + f * f * t->squares;
    *se = t->cur.light > 0.0 ? left / t->cur.n * sqrt(fmax(square, 0.0)) / t->cur.light
                             : left / t->cur.n;
    return left * f;
}

/* One-sided: fewer new values than expected are not significant. */
static double unseen_p(const struct tally *t, double new) {
    double n = t->ref.sampled, m = t->cur.sampled, spread = t->once + 2.0 * t->twice;
    if (new / m <= t->once / n)
        return 1.0;
    if (spread < FEW)
        return lw_drift_two_shares_p((uint64_t)spread, (uint64_t)n, (uint64_t) new,
                                     (uint64_t)m);
    double p = new / m;
    double z = (p - t->once / n) / sqrt(p * (1.0 - p) / m + spread / (n * n));
    return lw_special_normal_two_sided(z) / 2.0;
}

static void judge_unseen(struct tally *t) {
    struct lw_cats_diff *d = &t->diff;
    double se, light = light_unseen(t, &se);
    bool enough = t->depth == 0 || fmin(t->ref.sampled, t->cur.sampled) >= UNSEEN_MIN;
    d->p = 1.0;
    d->known = enough && se <= UNSEEN_SE;
    if (!d->known)
        return;
    double new = t->unseen + t->unseen_heavy;
    d->unseen = fmin((new + t->new_heavy + light) / t->cur.n, 1.0);
    /* Assumes the same share for the light values; heavy ones are in the reference. */
    double share = t->cur.sampled > 0.0 ? t->once / t->ref.sampled : 0.0;
    double all = t->cur.n - t->cur.others - t->cur.sampled;
    double of_light = t->cur.light > 0.0 ? t->cur.sampled / t->cur.light : 1.0;
    d->expected =
        fmin(share * (t->cur.sampled + fmax(all, 0.0) * of_light) / t->cur.n, 1.0);
    d->p = unseen_p(t, new);
    if (t->new_heavy > 0.0)
        d->p = fmin(
            d->p, lw_drift_two_shares_p((uint64_t)fmin(t->nnew * t->ref.error, t->ref.n),
                                        (uint64_t)t->ref.n, (uint64_t)t->new_heavy,
                                        (uint64_t)t->cur.n));
}

static struct category_side side_of(struct lw_cats *cats) {
    lw_cats_seal(cats);
    return (struct category_side){
        .cats = cats, .n = (double)lw_cats_n(cats), .error = (double)lw_cats_error(cats)};
}

struct lw_cats_diff lw_cells_categories(struct lw_cells *out, struct lw_cats *ref,
                                        struct lw_cats *cur) {
    struct tally t = {.out = out, .ref = side_of(ref), .cur = side_of(cur)};
    unsigned a = lw_cats_depth(ref), b = lw_cats_depth(cur);
    t.depth = a > b ? a : b;
    t.rest_ref = t.ref.n;
    t.rest_cur = t.cur.n;
    t.heavy = t.depth == 0
                  ? INFINITY
                  : FEW + HEAVY * t.cur.error + TENTH * t.ref.error * t.cur.n / t.ref.n;
    for (size_t i = 0; i < lw_cats_size(ref); i++) {
        struct lw_cat cat = lw_cats_at(ref, i);
        categories_put(&t, cat.key, cat.count, lw_cats_count(cur, cat.key));
    }
    for (size_t i = 0; i < lw_cats_size(cur); i++) {
        struct lw_cat cat = lw_cats_at(cur, i);
        if (lw_cats_count(ref, cat.key) == 0)
            categories_put(&t, cat.key, 0, cat.count);
    }
    put_groups(&t);
    put_rest(&t);
    judge_unseen(&t);
    return t.diff;
}
