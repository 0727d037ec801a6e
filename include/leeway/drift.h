/* Drift between a reference profile and a current one, column by column.
 *
 * Bin edges are frozen from the reference; the outer bins are open. A column drifts only
 * if it is statistically significant for these two sample sizes (corrected over columns)
 * and its effect is larger than a floor. A smaller change of one share or of the values'
 * distance makes it shifted. A bad column has its own verdict and does not affect others;
 * no figure is NaN where the verdict is OK, SHIFTED or DRIFT. Definitions with sources:
 * docs/statistics.md. */
#ifndef LEEWAY_DRIFT_H
#define LEEWAY_DRIFT_H

#include "leeway/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LW_BINS_MAX 64

/* What tests again and again, as rules and `shifted` do, needs a p below this part of
 * alpha. */
#define LW_DRIFT_STRICT 0.01

enum lw_verdict {
    LW_VERDICT_OK,
    LW_VERDICT_SHIFTED, /* a small change, but a real one: see struct lw_shift */
    LW_VERDICT_DRIFT,
    LW_VERDICT_INSUFFICIENT, /* fewer rows than min_n on a side */
    LW_VERDICT_EMPTY,        /* no present value on one side */
    LW_VERDICT_CONSTANT /* one value in the reference and in the current rows, the same */
};
const char *lw_verdict_name(enum lw_verdict v);

enum lw_correction_kind { LW_CORRECT_NONE, LW_CORRECT_BONFERRONI, LW_CORRECT_BH };

struct lw_drift_options {
    int bins;                           /* numeric bins from reference quantiles: 10 */
    uint64_t min_n;                     /* 100 */
    double alpha;                       /* significance after correction: 0.01 */
    enum lw_correction_kind correction; /* LW_CORRECT_BH */
    double floor_psi;                   /* effect floor in PSI (bias-corrected): 0.2 */
    double floor_shift; /* effect floor of `shifted`, in standard deviations: 0.1 */
};
struct lw_drift_options lw_drift_defaults(void);

/* Frozen bins of one numeric column: nedges inner edges in ascending order make nedges +
 * 1 bins; bin i is (edge[i-1], edge[i]], the outer two are open. */
struct lw_bins {
    int nedges;
    double edge[LW_BINS_MAX - 1];
};
/* Edges at quantiles of the reference, without ties; one bin per value when it has at
 * most `bins` distinct ones. No edges when it is empty. bins: 2..LW_BINS_MAX. */
void lw_bins_from(const struct lw_numeric *reference, int bins, struct lw_bins *out);

/* A share of the values, in the reference and now. */
struct lw_shift_share {
    double ref, cur;
};

/* What changed, and by how much: parts whose change is significant at LW_DRIFT_STRICT and
 * above floor_shift. The size of a share's change is Cohen's h, that of a number's
 * distribution w1. */
enum {
    LW_SHIFT_SHARE = 1,   /* of the category, or number, whose share changed most */
    LW_SHIFT_MEDIAN = 2,  /* of the median: half of the values, or most of the distance */
    LW_SHIFT_ABOVE = 4,   /* share of values above the reference's 99th percentile */
    LW_SHIFT_BELOW = 8,   /* share of values below its first */
    LW_SHIFT_W1 = 16,     /* distance of the distributions */
    LW_SHIFT_MISSING = 32 /* share of missing values, of all rows */
};
struct lw_shift {
    unsigned parts;       /* LW_SHIFT_; 0: nothing changed that much */
    double p, p_adjusted; /* of the most significant part; adjusted over the columns */
    uint64_t key;         /* categories: the one whose share changed most */
    double value;         /* numbers: likewise */
    struct lw_shift_share share, above, below, missing; /* 0 where there is no part */
    double above_at, below_at;                          /* values above and below these */
    double median_ref, median_cur;
    double w1;
};

/* Every figure is finite, whatever the columns hold. A figure that does not apply to
 * the kind of column, or that cannot be computed (no present values on a side), is 0,
 * and its p-value 1. A column whose verdict is INSUFFICIENT has figures for people to
 * read, but p, p_adjusted and effect stay 1, 1 and 0, so that nothing acts on them. */
struct lw_drift {
    enum lw_verdict verdict;
    /* else unseen and unseen_expected are 0 and unseen_p is 1: the summaries hold too
     * little to estimate them */
    bool unseen_known;
    uint64_t n_ref, n_cur; /* values the figures rest on: present and in range */
    double psi;            /* bias-corrected, >= 0 */
    double psi_raw;        /* natural log, empty bins smoothed */
    double js;             /* Jensen-Shannon distance, base 2, bias-corrected, [0, 1] */
    double hellinger;      /* [0, 1] */
    double ks, ks_p;       /* numeric: D and p, allowing for sketch error */
    /* numeric: Wasserstein-1 over the reference's sd; an upper bound of p */
    double w1, w1_p;
    double chi2, chi2_p; /* on the cells of PSI, small ones merged */
    double cramers_v;    /* of the same cells, bias-corrected */
    double linf;         /* categories: largest change of a share */
    /* categories: share of current values in categories that the reference lacks; the
     * share expected from the reference alone; p of a larger share. */
    double unseen, unseen_expected, unseen_p;
    double missing_ref, missing_cur;           /* shares of all rows */
    double out_of_range_ref, out_of_range_cur; /* shares of all rows */
    double missing_p, out_of_range_p; /* two-sided p of equal shares (Fisher, or z) */
    double p, p_adjusted; /* of the deciding test; adjusted over the columns compared */
    double ks_p_adjusted, w1_p_adjusted, unseen_p_adjusted; /* the others, likewise */
    double effect;             /* the figure compared with the floor (psi) */
    double mean_ref, mean_cur; /* numeric */
    struct lw_shift shift;
};

/* Compares every column; out has reference->n entries. bins: one per column (ignored
 * for categories), or NULL to take them from the reference. Cost: O(retained items +
 * categories). */
void lw_drift_compare(const struct lw_profile *reference, struct lw_profile *current,
                      const struct lw_bins *bins, const struct lw_drift_options *options,
                      struct lw_drift *out);
/* The same for a reference that is a part or a mixture of a larger one. */
struct lw_drift_reference {
    const struct lw_profile *profile;
    const struct lw_bins *bins;    /* one per column, or NULL: taken from the profile */
    const struct lw_profile *seen; /* the larger one: what it has is not `unseen` */
    double rows; /* that the parts rest on; fewer than min_n: insufficient */
};
void lw_drift_compare_to(const struct lw_drift_reference *reference,
                         struct lw_profile *current,
                         const struct lw_drift_options *options, struct lw_drift *out);

/* The category of LW_SHIFT_SHARE as one of the two sides has it; both are sealed. */
struct lw_cat lw_shift_category(const struct lw_shift *shift, struct lw_cats *reference,
                                struct lw_cats *current);
#define LW_SHIFT_TEXT 256
/* The two most telling parts in plain units: "75: 0.5 → 2.5 %", "median 12.1 → 15.7
 * (× 1.3), above 57.2: 1.0 → 3.0 %"; "" without parts. category: its name; NULL for
 * numbers. Returns out, of LW_SHIFT_TEXT bytes. */
char *lw_shift_text(const struct lw_shift *shift, const char *category, char *out);
/* The same with the category's own name. */
char *lw_shift_describe(const struct lw_shift *shift, const struct lw_member *reference,
                        const struct lw_member *current, char *out);

#ifdef __cplusplus
}
#endif
#endif
