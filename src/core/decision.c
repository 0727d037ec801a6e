/* See decision.h. */
#include "core/decision.h"

const char *lw_decision_name(enum lw_decision_kind kind) {
    static const char *const names[] = {"promoted",           "rejected",
                                        "confirmed",          "rolled_back",
                                        "probation_extended", "not_judged"};
    return names[kind];
}
