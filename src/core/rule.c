/* See rule.h. */
#include "core/rule.h"

#include <math.h>

#include "base/time.h"

size_t lw_rule_subjects(const struct lw_spec *spec, const struct lw_rule *rule) {
    return rule->feature == LW_RULE_EACH ? spec->nfeatures : 1;
}

/* Of the budget, of an incident that a promotion ended: it was drift, or passed for it. */
#define COST_OF_DRIFT 0.5

static bool rule_fires_below(const struct lw_rule *rule) {
    return rule->metric->flags & LW_METRIC_FIRES_BELOW;
}

static bool rule_breached(const struct lw_rule *rule, double value, double threshold) {
    if (isnan(threshold))
        return false;
    return rule_fires_below(rule) ? value <= threshold : value >= threshold;
}

static bool rule_is_clear(const struct lw_rule *rule, double value, double clear) {
    return rule_fires_below(rule) ? value > clear : value < clear;
}

bool lw_rule_on_budget(const struct lw_rule *rule) {
    return rule->rate[LW_USUAL_WARN] != 0 || rule->rate[LW_USUAL_CRITICAL] != 0;
}

/* Lower of the two thresholds; NAN is passed over. */
static double lowest(double warn, double critical) {
    return fmin(warn, critical);
}

/* Without a threshold of its own, a critical alert takes twice the effect of a warning. */
static struct lw_usual_terms rule_terms(const struct lw_rule *rule) {
    double effect = rule->metric->effect, neutral = rule->metric->neutral;
    double least = lowest(rule->warn, rule->critical);
    if (least > neutral)
        effect = least - neutral;
    return (struct lw_usual_terms){
        .scale = {neutral, effect},
        .least = {isnan(rule->warn) ? neutral + effect : rule->warn,
                  isnan(rule->critical) ? neutral + 2 * effect : rule->critical},
        .period_ms = rule->period_ms,
        .rate = {rule->rate[0], rule->rate[1]}};
}

double lw_rule_days(const struct lw_rule *rule, const struct lw_rule_state *state,
                    double value) {
    struct lw_usual_terms terms = rule_terms(rule);
    return lw_rule_on_budget(rule) ? lw_usual_periods(&state->usual, &terms, value) *
                                         (double)rule->period_ms / (double)LW_DAY
                                   : NAN;
}

/* An incident keeps the thresholds that it began with, so that it can end: it raises them
 * when it is over. */
struct lw_rule_bounds lw_rule_bounds(const struct lw_rule *rule,
                                     const struct lw_rule_state *state) {
    struct lw_rule_bounds b = {rule->warn, rule->critical, rule->clear_below, NAN};
    struct lw_usual_terms terms = rule_terms(rule);
    for (int i = LW_USUAL_CRITICAL; i >= LW_USUAL_WARN; i--) {
        enum lw_usual_level level = (enum lw_usual_level)i;
        if (!(rule->rate[level] > 0))
            continue;
        struct lw_usual_bound bound = lw_usual_threshold(&state->usual, &terms, level);
        *(level == LW_USUAL_WARN ? &b.warn : &b.critical) = bound.raised;
        b.asks = bound.quantile;
    }
    if (rule->rate[LW_USUAL_CRITICAL] > 0)
        b.critical = fmax(b.warn, b.critical);
    if (isnan(b.clear))
        b.clear = rule->metric->neutral +
                  0.9 * (lowest(b.warn, b.critical) - rule->metric->neutral);
    return b;
}

static enum lw_severity rule_severity(const struct lw_rule *rule,
                                      const struct lw_rule_bounds *bounds,
                                      const struct lw_reading *reading) {
    if (!reading->significant)
        return LW_SEVERITY_NONE;
    if (rule_breached(rule, reading->value, bounds->critical))
        return LW_SEVERITY_CRITICAL;
    return rule_breached(rule, reading->value, bounds->warn) ? LW_SEVERITY_WARN
                                                             : LW_SEVERITY_NONE;
}

double lw_rule_threshold(const struct lw_rule_bounds *bounds, enum lw_severity severity) {
    return severity == LW_SEVERITY_CRITICAL ? bounds->critical : bounds->warn;
}

static enum lw_transition slot_fire(struct lw_rule_state *state,
                                    enum lw_severity severity) {
    enum lw_alert_state was = state->state;
    state->state = LW_ALERT_FIRING;
    if (was != LW_ALERT_FIRING) {
        state->severity = severity;
        return LW_FIRES;
    }
    if (severity <= state->severity)
        return LW_STAYS;
    state->severity = severity;
    return LW_WORSENS;
}

void lw_rule_end(const struct lw_rule *rule, struct lw_rule_state *state, bool drifted) {
    double cost = drifted ? COST_OF_DRIFT : 1;
    if (drifted)
        lw_usual_drifted(&state->usual);
    if (state->state == LW_ALERT_FIRING && lw_rule_on_budget(rule)) {
        lw_usual_incident(&state->usual, LW_USUAL_WARN, cost);
        if (state->severity == LW_SEVERITY_CRITICAL)
            lw_usual_incident(&state->usual, LW_USUAL_CRITICAL, cost);
    }
    *state = (struct lw_rule_state){.usual = state->usual};
}

static enum lw_transition slot_calm(const struct lw_rule *rule,
                                    struct lw_rule_state *state, bool clear) {
    struct lw_rule_state was = *state;
    state->over = state->critical = 0;
    if (state->state != LW_ALERT_FIRING) {
        state->state = LW_ALERT_OK;
        return LW_STAYS;
    }
    state->under = clear ? state->under + 1 : 0;
    if (state->under < (uint32_t)rule->clear_count)
        return LW_STAYS;
    lw_rule_end(rule, state, false);
    state->since_ms = was.since_ms;
    state->severity = was.severity;
    state->released_ms = was.released_ms;
    return LW_RESOLVES;
}

static enum lw_transition slot_step(const struct lw_rule *rule,
                                    const struct lw_rule_bounds *bounds,
                                    struct lw_rule_state *state,
                                    const struct lw_reading *reading, int64_t at_ms) {
    enum lw_severity now = rule_severity(rule, bounds, reading);
    if (state->released && now != LW_SEVERITY_NONE)
        return LW_STAYS;
    state->released = false;
    if (now == LW_SEVERITY_NONE)
        return slot_calm(rule, state,
                         rule_is_clear(rule, reading->value, bounds->clear) ||
                             (!reading->significant && !reading->likely));
    if (state->over == 0 && state->state != LW_ALERT_FIRING)
        state->since_ms = at_ms;
    state->under = 0;
    state->over++;
    state->critical = now == LW_SEVERITY_CRITICAL ? state->critical + 1 : 0;
    if (state->over < (uint32_t)rule->for_count) {
        if (state->state == LW_ALERT_OK)
            state->state = LW_ALERT_PENDING;
        return LW_STAYS;
    }
    return slot_fire(state, state->critical >= (uint32_t)rule->for_count
                                ? LW_SEVERITY_CRITICAL
                            : isnan(bounds->warn) ? LW_SEVERITY_CRITICAL
                                                  : LW_SEVERITY_WARN);
}

/* What a reading beyond the first level says about the need of a training does not depend
 * on how many messages there were. */
static bool reading_asks(const struct lw_rule *rule, const struct lw_rule_bounds *bounds,
                         const struct lw_reading *reading) {
    double least = fmax(rule->metric->neutral, rule->critical); /* passes over NAN */
    return reading->significant && reading->value >= least &&
           reading->value >= bounds->asks;
}

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *state,
                                const struct lw_reading *reading, int64_t at_ms) {
    if (!reading->known || reading->n < rule->min_n)
        return LW_STAYS;
    struct lw_rule_bounds bounds = lw_rule_bounds(rule, state);
    if (!lw_rule_on_budget(rule))
        return slot_step(rule, &bounds, state, reading, at_ms);
    struct lw_usual_terms terms = rule_terms(rule);
    state->asking = reading_asks(rule, &bounds, reading) ? state->asking + 1 : 0;
    bool open = state->state == LW_ALERT_FIRING;
    enum lw_transition change = slot_step(rule, &bounds, state, reading, at_ms);
    if (!open) /* what lasts as an incident does not become usual by it */
        lw_usual_observe(
            &state->usual, &terms,
            &(struct lw_usual_reading){.value = reading->value,
                                       .bound = lowest(bounds.warn, bounds.critical),
                                       .asks = state->asking > 0,
                                       .at_ms = at_ms});
    return change;
}

bool lw_rule_asks(const struct lw_rule *rule, const struct lw_rule_state *state) {
    if (!(rule->actions & LW_ACTION_RETRAIN))
        return false;
    if (lw_rule_on_budget(rule))
        return state->asking >= (uint32_t)rule->for_count;
    return state->state == LW_ALERT_FIRING && state->severity == LW_SEVERITY_CRITICAL;
}

void lw_rule_state_write(const struct lw_rule_state *state, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)state->state);
    lw_buf_u8(out, (uint8_t)state->severity);
    lw_buf_u32(out, state->over);
    lw_buf_u32(out, state->critical);
    lw_buf_u32(out, state->under);
    lw_buf_i64(out, state->since_ms);
    lw_buf_u8(out, state->released);
    lw_buf_i64(out, state->released_ms);
    lw_buf_u8(out, state->fault);
    lw_buf_f64(out, state->unit);
    lw_buf_u32(out, state->asking);
    lw_usual_write(&state->usual, out);
}

void lw_rule_state_read(struct lw_rule_state *state, struct lw_reader *r) {
    uint8_t st = lw_reader_u8(r), severity = lw_reader_u8(r);
    r->bad |= st > LW_ALERT_FIRING || severity > LW_SEVERITY_CRITICAL;
    state->state = r->bad ? LW_ALERT_OK : (enum lw_alert_state)st;
    state->severity = r->bad ? LW_SEVERITY_NONE : (enum lw_severity)severity;
    state->over = lw_reader_u32(r);
    state->critical = lw_reader_u32(r);
    state->under = lw_reader_u32(r);
    state->since_ms = lw_reader_ms(r, 0);
    state->released = lw_reader_u8(r) != 0;
    state->released_ms = lw_reader_ms(r, 0);
    state->fault = lw_reader_u8(r);
    r->bad |= state->fault > LW_FAULT_STUCK;
    state->unit = lw_reader_f64(r);
    state->asking = lw_reader_u32(r);
    lw_usual_read(&state->usual, r);
}
