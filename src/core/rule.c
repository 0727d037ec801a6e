/* See rule.h. */
#include "core/rule.h"

#include <math.h>

size_t lw_rule_subjects(const struct lw_spec *spec, const struct lw_rule *rule) {
    return rule->feature == LW_RULE_EACH ? spec->nfeatures : 1;
}

static bool rule_fires_below(const struct lw_rule *rule) {
    return rule->metric->flags & LW_METRIC_FIRES_BELOW;
}

static bool rule_breached(const struct lw_rule *rule, double value, double threshold) {
    if (isnan(threshold))
        return false;
    return rule_fires_below(rule) ? value <= threshold : value >= threshold;
}

static bool rule_is_clear(const struct lw_rule *rule, double value) {
    return rule_fires_below(rule) ? value > rule->clear_below : value < rule->clear_below;
}

static enum lw_severity rule_severity(const struct lw_rule *rule,
                                      const struct lw_reading *reading) {
    if (!reading->significant)
        return LW_SEVERITY_NONE;
    if (rule_breached(rule, reading->value, rule->critical))
        return LW_SEVERITY_CRITICAL;
    return rule_breached(rule, reading->value, rule->warn) ? LW_SEVERITY_WARN
                                                           : LW_SEVERITY_NONE;
}

double lw_rule_threshold(const struct lw_rule *rule, enum lw_severity severity) {
    return severity == LW_SEVERITY_CRITICAL ? rule->critical : rule->warn;
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

static enum lw_transition slot_calm(const struct lw_rule *rule,
                                    struct lw_rule_state *state, bool clear) {
    state->over = state->critical = 0;
    if (state->state != LW_ALERT_FIRING) {
        state->state = LW_ALERT_OK;
        return LW_STAYS;
    }
    state->under = clear ? state->under + 1 : 0;
    if (state->under < (uint32_t)rule->clear_count)
        return LW_STAYS;
    *state = (struct lw_rule_state){.since_ms = state->since_ms,
                                    .severity = state->severity,
                                    .released_ms = state->released_ms};
    return LW_RESOLVES;
}

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *state,
                                const struct lw_reading *reading, int64_t at_ms) {
    if (!reading->known || reading->n < rule->min_n)
        return LW_STAYS;
    enum lw_severity now = rule_severity(rule, reading);
    if (state->released && now != LW_SEVERITY_NONE)
        return LW_STAYS;
    state->released = false;
    if (now == LW_SEVERITY_NONE)
        return slot_calm(rule, state,
                         rule_is_clear(rule, reading->value) ||
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
                            : isnan(rule->warn) ? LW_SEVERITY_CRITICAL
                                                : LW_SEVERITY_WARN);
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
}
