/* A first configuration, drafted from a sample of events: what each field is, what is
 * predicted, and how often to look. Every choice carries a text that says which number of
 * the sample led to it; the writer puts it beside the key.
 *
 * It is a draft: the sample cannot tell which value is known before the target. Whatever
 * looks like an outcome is left out with its reason, so that a person adds it on purpose
 * and not a leak by accident. Pure: the same sample and wishes give the same text. */
#ifndef LW_DRAFT_DRAFT_H
#define LW_DRAFT_DRAFT_H

#include "base/buf.h"
#include "draft/sample.h"

#define LW_DRAFT_ROWS_MIN 100 /* events without which nothing is drafted */
#define LW_DRAFT_WHY      240
#define LW_DRAFT_TERMS    80 /* of the features of a model; see LW_TERMS_MAX */

enum lw_draft_role {
    LW_DRAFT_OUT, /* why: the reason */
    LW_DRAFT_ID,
    LW_DRAFT_NUMBER,
    LW_DRAFT_CATEGORY,
    LW_DRAFT_INSTANT, /* a timestamp with calendar features */
    LW_DRAFT_USED     /* as event time or in the target only */
};

/* Robust quantiles of a number, and the range in which its values are plausible. */
struct lw_draft_range {
    size_t n;       /* values in the sample */
    double lo, hi;  /* plain numbers, inclusive */
    double outside; /* share of the values */
    double least, q05, median, q95, most;
    double zeros; /* share */
    bool whole;
};

struct lw_draft_field {
    enum lw_draft_role role;
    enum lw_unit unit; /* of a timestamp */
    bool instant;      /* its values are times */
    double distinct;   /* number of values, estimated */
    double missing;    /* share of the events */
    double effect;     /* share of the target's variance that its values explain */
    struct lw_draft_range range;
    char why[LW_DRAFT_WHY];
};

/* How fast events arrive, and what follows from it. */
struct lw_draft_pace {
    bool known;     /* false: event time is the record's */
    bool unordered; /* the file is not in order of arrival */
    double days, per_day, lag_ms;
    int64_t pane_ms, lateness_ms, jump_ms;
    int64_t window_ms[3]; /* short, medium, long */
    double least;         /* fewest events of the sample in a short window */
    int64_t holdout_ms, train_ms, cooldown_ms, max_age_ms;
    double bootstrap_rows, min_fresh, min_rows;
};

struct lw_draft_term {
    char text[LW_NAME_MAX * 3];
    char why[LW_DRAFT_WHY];
    double penalty; /* 1: not written */
    bool plain;     /* also in the plain set */
};

struct lw_draft {
    const struct lw_draft_sample *sample; /* borrowed */
    const char *time_zone;                /* borrowed; NULL: unknown */
    struct lw_draft_field *field;         /* one for each column */
    double *target;                       /* of the rows of the sample; NAN: unusable */
    int id, time;                         /* columns, or -1 */
    int from, to; /* of the target; the same: its field, else minutes between */
    char id_why[LW_DRAFT_WHY], time_why[LW_DRAFT_WHY], target_why[2 * LW_DRAFT_WHY];
    struct lw_draft_range range; /* of the target */
    struct lw_draft_pace pace;
    size_t nterms;
    struct lw_draft_term term[LW_DRAFT_TERMS];
};

/* What a person has decided. NULL, or NAN: to be found. */
struct lw_draft_wishes {
    const char *target;    /* FIELD, or minutes_between:A,B */
    const char *time, *id; /* fields */
    const char *time_zone; /* of the clocks that the stream lives by */
    const char *const *leave_out;
    size_t nleave_out;
    double lo, hi; /* range of the target */
};

/* NULL with LW_EINPUT if the sample is too small or nothing can be predicted, and with
 * LW_ECONFIG if a wish names no such field. */
struct lw_draft *lw_draft_new(const struct lw_draft_sample *sample,
                              const struct lw_draft_wishes *wishes, struct lw_err *err);
void lw_draft_free(struct lw_draft *d);

/* Names that the text contains. */
struct lw_draft_names {
    const char *stream, *schema; /* of the stream; path of the schema's file */
    const char *files;           /* that the sample is from */
    /* The topic that it was read from; NULL: called like the stream, its framing and
     * cluster unknown. */
    const char *topic, *framing, *servers;
    const char *const *property; /* of librdkafka, as NAME=VALUE */
    size_t nproperties;
};
/* Appends the configuration as YAML. */
void lw_draft_write(const struct lw_draft *d, const struct lw_draft_names *names,
                    struct lw_buf *out);

#endif
