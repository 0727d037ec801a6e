/* One rule on one subject as a small state machine: readings in, state changes out.
 *
 * ok -> pending (breached, but not `for_count` times in a row) -> firing -> ok, by
 * `clear_count` readings under `clear_below`. A reading that is unknown or has too few
 * events changes nothing. */
#ifndef LW_CORE_RULE_H
#define LW_CORE_RULE_H

#include "base/buf.h"
#include "core/alert.h"
#include "leeway/fault.h"

/* What a rule remembers about one subject. */
struct lw_rule_state {
    enum lw_alert_state state;
    enum lw_severity severity;
    uint32_t over, critical, under; /* consecutive readings: breached, critical, clear */
    int64_t since_ms;               /* of the first breach of the run that fired */
    /* Released by a person: does not fire again until the breach has been seen to end. */
    bool released;
    int64_t released_ms; /* time of the last release; 0: never */
    uint8_t fault;       /* of a firing rule on `fault`: the kind recognised last */
    double unit;         /* ... and its factor, if it is a fault of the unit */
};

enum lw_transition { LW_STAYS, LW_FIRES, LW_WORSENS, LW_RESOLVES };

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *state,
                                const struct lw_reading *reading, int64_t at_ms);
/* The threshold for a severity. */
double lw_rule_threshold(const struct lw_rule *rule, enum lw_severity severity);
/* Number of subjects of a rule: features for `each`, else 1. */
size_t lw_rule_subjects(const struct lw_spec *spec, const struct lw_rule *rule);

void lw_rule_state_write(const struct lw_rule_state *state, struct lw_buf *out);
void lw_rule_state_read(struct lw_rule_state *state, struct lw_reader *r);

#endif
