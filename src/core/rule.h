/* One rule on one subject as a small state machine: readings in, changes of state out.
 *
 * ok -> pending (breached, but not `for_count` times in a row) -> firing -> ok, by
 * `clear_count` readings under `clear_below`. A reading with too few events behind it, or
 * of what is not known, changes nothing. */
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
    int64_t since_ms;               /* of the first breach in the row that fired */
    /* A person has released it: it does not fire again before it was seen to be over. */
    bool released;
    int64_t released_ms; /* when that was said last; 0: never */
    uint8_t fault;       /* of a rule on `fault` that fires: what was recognised last */
    double unit;         /* ... and its factor, if it was one of unit */
};

enum lw_transition { LW_STAYS, LW_FIRES, LW_WORSENS, LW_RESOLVES };

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *state,
                                const struct lw_reading *reading, int64_t at_ms);
/* The threshold that a slot's severity stands for. */
double lw_rule_threshold(const struct lw_rule *rule, enum lw_severity severity);
/* Number of subjects of a rule: features for `each`, else 1. */
size_t lw_rule_subjects(const struct lw_spec *spec, const struct lw_rule *rule);

void lw_rule_state_write(const struct lw_rule_state *state, struct lw_buf *out);
void lw_rule_state_read(struct lw_rule_state *state, struct lw_reader *r);

#endif
