/* Fitting linear models on a dataset. See fit.c for the algebra (sufficient statistics,
 * the largest one-hot block eliminated through its diagonal Gram matrix, Schur
 * complement by LAPACK). */
#ifndef LW_MODEL_FIT_H
#define LW_MODEL_FIT_H

#include "base/rng.h"
#include "leeway/model.h"
#include "model/dataset.h"

enum lw_fit_kind {
    LW_FIT_OLS,
    LW_FIT_RIDGE,
    LW_FIT_LASSO,
    LW_FIT_ELASTIC_NET,
    LW_FIT_TREES,
    LW_FIT_EXTERNAL /* nothing is fitted: the prediction is the value of its one term */
};

/* "ols", "ridge", "lasso", "elastic-net", "trees", "external". */
const char *lw_fit_kind_name(enum lw_fit_kind kind);

/* A second fit to the residuals of the first, on a shorter time scale, added to it. */
struct lw_correction {
    int64_t half_life_ms;  /* 0: no correction */
    int64_t window_ms;     /* rows younger than this; 0: 5 half-lives */
    double penalty_factor; /* on every term's penalty (30) */
};

struct lw_tree_params {
    int rounds, depth;
    double eta, min_child_weight, subsample, lambda;
};

/* The loss of a residual: squared, or Huber's (robust.h). */
enum lw_fit_loss { LW_LOSS_SQUARED, LW_LOSS_HUBER };

/* Whether this build can fit this kind; every build can score all kinds. */
bool lw_fit_can(enum lw_fit_kind kind);

struct lw_fit_spec {
    char name[LW_NAME_MAX];     /* of the candidate; recorded in the model */
    char features[LW_NAME_MAX]; /* of its feature set, for the record */
    enum lw_fit_kind kind;
    /* Trees: the linear fit whose residuals they learn; borrowed. NULL: none */
    const struct lw_fit_spec *base;
    enum lw_fit_loss loss;   /* of a linear model */
    double alpha;            /* penalty; as scikit-learn defines it for the kind */
    double l1_ratio;         /* elastic net */
    int terms[LW_TERMS_MAX]; /* of the plan */
    size_t nterms;
    bool intercept;
    int64_t window_ms;    /* rows with time >= as_of - window; 0: all given */
    int64_t half_life_ms; /* weight 2^(-(as_of - time) / half_life); 0: all weigh 1 */
    struct lw_correction correction;
    bool uncorrected; /* leave out the correction, also the base's: see lw_fit_correct */
    double clip_lo,
        clip_hi; /* predictions are clipped to this; -INFINITY, INFINITY: not */
    struct lw_tree_params trees;
};

struct lw_fit_report {
    bool quick; /* set by the caller: skip train_rmse, which takes a pass over the rows
                 */
    size_t rows, columns, eliminated, rank_deficient; /* columns dropped as dependent */
    double train_rmse;
    double seconds; /* filled by the caller that owns a clock; 0 here */
    int iterations; /* coordinate descent sweeps */
};

/* A part of the rows, drawn by blocks of event time, so that neighbouring rows, whose
 * errors are similar, are in the same part. */
struct lw_fold {
    int64_t block_ms; /* 0: all rows are in it */
    int half;         /* 0 or 1; or with `of` parts, 0 ... of - 1 */
    int of;           /* 0: halves */
    bool without;     /* all parts but this one */
    bool in_turn;     /* the blocks of the parts alternate, instead of being drawn */
};
static inline bool lw_fold_has(const struct lw_fold *fold, int64_t time_ms) {
    if (fold->block_ms == 0)
        return true;
    uint64_t parts = fold->of ? (uint64_t)fold->of : 2;
    uint64_t block = (uint64_t)(time_ms / fold->block_ms);
    int part = (int)((fold->in_turn ? block : lw_mix64(block)) % parts);
    return (part == fold->half) != fold->without;
}
/* Rows [begin, end) of a dataset, as of a time. */
struct lw_fit_rows {
    const struct lw_dataset *ds;
    size_t begin, end;
    int64_t as_of_ms;
    struct lw_fold fold; /* only a part of them; zero: all */
    /* lw_fit_correct: what is in each target besides the model; NULL: nothing */
    const double *offset;
};

/* Fits on those rows of `from` that are inside the spec's window before as_of_ms. NULL and
 * LW_EINPUT if there are fewer than 2 usable rows, or if a number of the fit is not
 * finite; the message then names the term. Rank deficiency is handled (minimum number of
 * columns dropped) and reported. Deterministic. Thread: any; BLAS threads as set. */
struct lw_model *lw_fit(const struct lw_fit_rows *from, const struct lw_fit_spec *spec,
                        struct lw_fit_report *report, struct lw_err *err);

#define LW_FOLDS 5
/* As lw_fit, for a linear spec without its correction; and, where the sums of all folds
 * fit into memory, predictions of the rows [begin, end) out of fold: each by a fit on the
 * other folds, which a hash of the row's time assigns. Categories and what is learned from
 * inputs alone are those of all rows. *held is NULL if a fold must be fitted from its
 * rows; else end - begin entries, free(). */
struct lw_model *lw_fit_folded(const struct lw_fit_rows *from,
                               const struct lw_fit_spec *spec, double **held,
                               struct lw_err *err);
static inline struct lw_fold lw_fit_fold(int k) {
    return (struct lw_fold){.block_ms = 1, .half = k, .of = LW_FOLDS};
}

/* Whether two specs differ in name and correction only (of trees: their bases do); their
 * fits then differ in the last stage only. */
bool lw_fit_same_base(const struct lw_fit_spec *a, const struct lw_fit_spec *b);
/* Adds the correction of `spec` to a model that lw_fit made from the same rows and the
 * same spec, uncorrected. */
int lw_fit_correct(struct lw_model *m, const struct lw_fit_rows *from,
                   const struct lw_fit_spec *spec, struct lw_err *err);
/* Copies the coefficients that a correction changes, a linear model's or those of a
 * base (free() the copy; NULL if there are none), and restores them. */
double *lw_fit_keep(const struct lw_model *m);
void lw_fit_restore(struct lw_model *m, const double *coefficients);

/* Predictions for rows [begin, end); out has end - begin entries. The model must be
 * bound to the dataset's plan (lw_fit's results are; loaded ones by lw_model_bind_plan).
 */
void lw_model_predict_rows(const struct lw_model *m, const struct lw_dataset *ds,
                           size_t begin, size_t end, double *out);

/* Resolves a loaded model's atoms against a dataset's plan, so that
 * lw_model_predict_rows works. */
int lw_model_bind_plan(struct lw_model *m, const struct lw_plan *plan,
                       struct lw_err *err);
/* Adds the atoms that a model reads to a plan, so that it can be bound to it. LW_ECONFIG:
 * it reads what the fields do not have, or there are too many atoms. */
int lw_model_extend_plan(const struct lw_model *m, struct lw_plan *plan,
                         struct lw_err *err);

#endif
