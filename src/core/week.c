/* See week.h.
 *
 * A window of some hours mixes several parts, so that their sketches' errors average out.
 * They are therefore small: BLOCK_K. With sketches of the usual size a week of hours would
 * take as many bytes as fifty references.
 */
#include "core/week.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"
#include "sketch/mixture.h"

#define BLOCK_K 64
/* Of a part without rows. */
#define NO_ROWS 0.5

struct lw_week *lw_week_new(const struct lw_column *columns, size_t n, size_t blocks) {
    if (blocks == 0)
        return NULL;
    struct lw_week *week = lw_calloc(1, sizeof *week);
    lw_assert(blocks <= LW_BLOCKS_MAX);
    *week = (struct lw_week){.columns = columns, .n = n, .blocks = blocks};
    return week;
}

void lw_week_free(struct lw_week *week) {
    if (!week)
        return;
    for (size_t i = 0; i < LW_WEEK_PARTS_MAX; i++)
        lw_profile_free(week->part[i]);
    free(week);
}

size_t lw_week_part(const struct lw_spec *spec, int64_t start_ms) {
    size_t blocks = lw_spec_blocks(spec);
    struct lw_civil at = lw_zone_civil(spec->zone, start_ms);
    size_t hours = (LW_BLOCKS_MAX + blocks - 1) / blocks;
    return (at.weekday >= 5 ? blocks : 0) + (size_t)at.hour / hours;
}

/* The profile owns its columns. Distinct values cannot be mixed, so they are not counted. */
static struct lw_profile *part_new(const struct lw_week *week, size_t part) {
    struct lw_column *own = lw_calloc(week->n + 1, sizeof *own);
    for (size_t i = 0; i < week->n; i++) {
        own[i] = week->columns[i];
        own[i].distinct = false;
        if (week->blocks > 1 && (own[i].k == 0 || own[i].k > BLOCK_K))
            own[i].k = BLOCK_K;
    }
    struct lw_profile *profile = lw_profile_new(own, week->n, part);
    profile->own = own;
    return profile;
}

static struct lw_profile *part_profile(struct lw_week *week, size_t part) {
    if (!week->part[part])
        week->part[part] = part_new(week, part);
    return week->part[part];
}

void lw_week_merge(struct lw_week *week, size_t part, const struct lw_profile *rows) {
    lw_assert(part < 2 * week->blocks);
    lw_profile_merge(part_profile(week, part), rows);
}

void lw_week_add(struct lw_week *week, const struct lw_week *other) {
    lw_assert(week->blocks == other->blocks);
    for (size_t i = 0; i < LW_WEEK_PARTS_MAX; i++)
        if (other->part[i])
            lw_profile_merge(part_profile(week, i), other->part[i]);
}

void lw_week_add_numeric(struct lw_week *week, size_t part, size_t column, double v) {
    lw_assert(part < 2 * week->blocks);
    lw_profile_add_numeric(part_profile(week, part), column, v);
}

/* Every column has a value or a missing one of each row. */
static double profile_rows(const struct lw_profile *p) {
    if (!p || p->n == 0)
        return 0;
    return (double)lw_member_rows(&p->members[0]);
}

bool lw_week_lacks(const struct lw_week *week, bool weekend) {
    double rows[2] = {0, 0};
    for (size_t i = 0; i < 2 * week->blocks; i++)
        rows[i >= week->blocks] += profile_rows(week->part[i]);
    return rows[weekend] == 0 && rows[!weekend] > 0;
}

/* ---- mixing ---- */

/* What takes part in a mixture: a profile, its weight, and the rows that it counts for. */
struct ingredient {
    const struct lw_profile *profile;
    double weight;
    bool stands_in; /* for a part without rows */
};

/* A part's rows; else those of the same block on the other kind of day; else all. */
static struct ingredient ingredient_of(const struct lw_week *week,
                                       const struct lw_profile *whole, size_t part) {
    size_t other = (part + week->blocks) % (2 * week->blocks);
    const struct lw_profile *own = week->part[part];
    if (profile_rows(own) > 0)
        return (struct ingredient){.profile = own};
    own = week->part[other];
    return (struct ingredient){.profile = profile_rows(own) > 0 ? own : whole,
                               .stands_in = true};
}

static void mix_columns(const struct ingredient *in, size_t n, int column,
                        struct lw_profile *out) {
    struct lw_mixture_part part[LW_WEEK_PARTS_MAX];
    for (size_t c = 0; c < out->n; c++) {
        if (column >= 0 && c != (size_t)column)
            continue;
        for (size_t i = 0; i < n; i++)
            part[i] = (struct lw_mixture_part){&in[i].profile->members[c], in[i].weight,
                                               profile_rows(in[i].profile)};
        lw_mixture_of(&out->members[c], &out->columns[c], part, n);
    }
}

struct lw_week_mixture lw_week_mix(const struct lw_week *week,
                                   const struct lw_profile *whole, const double *weight,
                                   int column) {
    struct ingredient in[LW_WEEK_PARTS_MAX];
    size_t n = 0;
    double sum = 0, noise = 0;
    for (size_t i = 0; i < 2 * week->blocks; i++) {
        if (weight[i] <= 0)
            continue;
        in[n] = ingredient_of(week, whole, i);
        in[n].weight = weight[i];
        double rows = in[n].stands_in ? NO_ROWS : profile_rows(in[n].profile);
        sum += weight[i];
        noise += weight[i] * weight[i] / rows;
        n++;
    }
    lw_assert(n > 0 && profile_rows(whole) > 0);
    struct lw_profile *out = lw_calloc(1, sizeof *out);
    *out = (struct lw_profile){.n = week->n, .columns = week->columns};
    out->members = lw_calloc(week->n + 1, sizeof *out->members);
    mix_columns(in, n, column, out);
    return (struct lw_week_mixture){out, sum * sum / noise};
}

/* ---- bytes ---- */

static void write_rows(struct lw_profile *p, struct lw_buf *out) {
    struct lw_buf member = {0};
    lw_buf_u8(out, profile_rows(p) > 0);
    for (size_t i = 0; profile_rows(p) > 0 && i < p->n; i++) {
        lw_buf_clear(&member);
        lw_profile_write_member(p, i, &member);
        lw_buf_blob(out, member.data, member.len);
    }
    lw_buf_fini(&member);
}

void lw_week_write(const struct lw_week *week, struct lw_buf *out) {
    lw_buf_u8(out, week ? (uint8_t)week->blocks : 0);
    if (!week)
        return;
    for (size_t i = 0; i < 2 * week->blocks; i++)
        write_rows(week->part[i], out);
}

static int read_rows(struct lw_profile *p, struct lw_reader *r, struct lw_err *err) {
    for (size_t i = 0; i < p->n; i++) {
        size_t len;
        const void *member = lw_reader_blob(r, &len);
        if (!member)
            return lw_fail(err, LW_EINPUT, "truncated in column \"%s\"",
                           p->columns[i].name);
        if (lw_profile_read_member(p, i, member, len, err))
            return -1;
    }
    return 0;
}

static int read_parts(struct lw_week *week, struct lw_reader *r, struct lw_err *err) {
    for (size_t i = 0; i < 2 * week->blocks; i++)
        if (lw_reader_u8(r) && read_rows(part_profile(week, i), r, err))
            return -1;
    return 0;
}

int lw_week_read(struct lw_week **out, const struct lw_column *columns, size_t n,
                 struct lw_reader *r, struct lw_err *err) {
    size_t blocks = lw_reader_u8(r);
    *out = NULL;
    if (blocks > LW_BLOCKS_MAX)
        return lw_fail(err, LW_EINPUT, "%zu blocks of a day, at most %d are possible",
                       blocks, LW_BLOCKS_MAX);
    *out = lw_week_new(columns, n, blocks);
    return *out && read_parts(*out, r, err) ? lw_err_context(err, "a part of the week")
                                            : 0;
}
