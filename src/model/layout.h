/* The order of the columns of a fit; stats.h explains its parts. */
#ifndef LW_MODEL_LAYOUT_H
#define LW_MODEL_LAYOUT_H

#include "model/parts.h"

#define LW_REST_MAX 8192 /* columns besides the eliminated block: 512 MiB of A */

struct lw_layout {
    int e_term;                                    /* of the model's plan, or -1 */
    uint32_t ne, nr;                               /* columns */
    uint32_t ndense;                               /* the first rest columns */
    int nfixed, nsparse;                           /* terms */
    bool intercept;                                /* column 0 */
    uint32_t at[LW_TERMS_MAX];                     /* first rest column of a term */
    uint32_t width[LW_TERMS_MAX];                  /* columns of a term */
    int fixed[LW_TERMS_MAX], sparse[LW_TERMS_MAX]; /* terms */
    int rest[LW_TERMS_MAX]; /* all rest terms in order of their columns */
    int nrest;
    uint32_t *fixed_col; /* ne x nfixed: rest column, or LW_CODE_NONE */
};

/* LW_ECONFIG: more than LW_REST_MAX rest columns. */
int lw_layout_init(struct lw_layout *layout, const struct lw_model *m, bool intercept,
                   struct lw_err *err);
void lw_layout_fini(struct lw_layout *layout);

#endif
