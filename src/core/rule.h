/* One rule on one subject as a small state machine: readings in, state changes out.
 *
 * ok -> pending (breached, but not `for_count` times in a row) -> firing -> ok, by
 * `clear_count` readings under `clear_below`. A reading that is unknown or has too few
 * events changes nothing. */
#ifndef LW_CORE_RULE_H
#define LW_CORE_RULE_H

#include "base/buf.h"
#include "core/alert.h"
#include "core/usual.h"
#include "leeway/fault.h"

/* What a rule remembers about one subject. */
struct lw_rule_state {
    enum lw_alert_state state;
    enum lw_severity severity;
    uint32_t over, critical, under; /* consecutive readings: breached, critical, clear */
    int64_t since_ms;               /* of the first breach of the run that fired */
    /* Released by a person: does not fire again until the breach has been seen to end. */
    bool released;
    int64_t released_ms;   /* time of the last release; 0: never */
    uint8_t fault;         /* of a firing rule on `fault`: the kind recognised last */
    double unit;           /* ... and its factor, if it is a fault of the unit */
    uint32_t asking;       /* consecutive readings that ask for a training; on a budget */
    struct lw_usual usual; /* of a rule on a budget; outlives incidents and promotions */
};

enum lw_transition { LW_STAYS, LW_FIRES, LW_WORSENS, LW_RESOLVES };

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *state,
                                const struct lw_reading *reading, int64_t at_ms);
/* The thresholds in force; NAN: that level is not used. */
struct lw_rule_bounds {
    double warn, critical, clear;
    double asks; /* on a budget: the first level, not raised by incidents */
};
struct lw_rule_bounds lw_rule_bounds(const struct lw_rule *rule,
                                     const struct lw_rule_state *state);
double lw_rule_threshold(const struct lw_rule_bounds *bounds, enum lw_severity severity);
bool lw_rule_on_budget(const struct lw_rule *rule);
/* Mean number of days between readings of at least that size; NAN: fixed thresholds. */
double lw_rule_days(const struct lw_rule *rule, const struct lw_rule_state *state,
                    double value);
/* Does the rule ask for a training? With fixed thresholds while it fires as critical; on a
 * budget while readings are beyond `critical` and the first level of the budget, whether or
 * not a message is left in it. */
bool lw_rule_asks(const struct lw_rule *rule, const struct lw_rule_state *state);
/* Ends an incident from outside: what is usual stays learned. drifted: a new version has
 * repaired what it was about, so it costs only half of an incident. */
void lw_rule_end(const struct lw_rule *rule, struct lw_rule_state *state, bool drifted);
/* Number of subjects of a rule: features for `each`, else 1. */
size_t lw_rule_subjects(const struct lw_spec *spec, const struct lw_rule *rule);

void lw_rule_state_write(const struct lw_rule_state *state, struct lw_buf *out);
void lw_rule_state_read(struct lw_rule_state *state, struct lw_reader *r);

#endif
