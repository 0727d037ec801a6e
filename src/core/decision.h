/* A decision about a model version. */
#ifndef LW_CORE_DECISION_H
#define LW_CORE_DECISION_H

#include <stdint.h>

enum lw_decision_kind {
    LW_DECIDED_PROMOTE, /* the training's model becomes champion */
    LW_DECIDED_REJECT,
    LW_DECIDED_CONFIRM,   /* probation passed */
    LW_DECIDED_ROLL_BACK, /* the previous champion returns */
    LW_DECIDED_EXTEND,    /* probation is extended: both versions scored too few events */
    LW_DECIDED_NOT_JUDGED /* probation ended with too little data for a verdict */
};
/* "promoted", "rejected", "confirmed", "rolled_back", "probation_extended", "not_judged" */
const char *lw_decision_name(enum lw_decision_kind kind);

struct lw_decision {
    enum lw_decision_kind kind;
    /* the version; and the one that it replaces or gives way to */
    uint32_t version, other;
    int64_t at_ms;
    char reason[240];
};

#endif
