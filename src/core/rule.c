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

static enum lw_transition slot_fire(struct lw_rule_state *slot,
                                    enum lw_severity severity) {
    enum lw_alert_state was = slot->state;
    slot->state = LW_ALERT_FIRING;
    if (was != LW_ALERT_FIRING) {
        slot->severity = severity;
        return LW_FIRES;
    }
    if (severity <= slot->severity)
        return LW_STAYS;
    slot->severity = severity;
    return LW_WORSENS;
}

static enum lw_transition slot_calm(const struct lw_rule *rule,
                                    struct lw_rule_state *slot, bool clear) {
    slot->over = slot->critical = 0;
    if (slot->state != LW_ALERT_FIRING) {
        slot->state = LW_ALERT_OK;
        return LW_STAYS;
    }
    slot->under = clear ? slot->under + 1 : 0;
    if (slot->under < (uint32_t)rule->clear_count)
        return LW_STAYS;
    *slot = (struct lw_rule_state){.since_ms = slot->since_ms,
                                   .severity = slot->severity,
                                   .released_ms = slot->released_ms};
    return LW_RESOLVES;
}

enum lw_transition lw_rule_step(const struct lw_rule *rule, struct lw_rule_state *slot,
                                const struct lw_reading *reading, int64_t at_ms) {
    if (!reading->known || reading->n < rule->min_n)
        return LW_STAYS;
    enum lw_severity now = rule_severity(rule, reading);
    if (slot->released && now != LW_SEVERITY_NONE)
        return LW_STAYS;
    slot->released = false;
    if (now == LW_SEVERITY_NONE)
        return slot_calm(rule, slot,
                         rule_is_clear(rule, reading->value) ||
                             (!reading->significant && !reading->likely));
    if (slot->over == 0 && slot->state != LW_ALERT_FIRING)
        slot->since_ms = at_ms;
    slot->under = 0;
    slot->over++;
    slot->critical = now == LW_SEVERITY_CRITICAL ? slot->critical + 1 : 0;
    if (slot->over < (uint32_t)rule->for_count) {
        if (slot->state == LW_ALERT_OK)
            slot->state = LW_ALERT_PENDING;
        return LW_STAYS;
    }
    return slot_fire(slot, slot->critical >= (uint32_t)rule->for_count
                               ? LW_SEVERITY_CRITICAL
                           : isnan(rule->warn) ? LW_SEVERITY_CRITICAL
                                               : LW_SEVERITY_WARN);
}

void lw_rule_state_write(const struct lw_rule_state *slot, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)slot->state);
    lw_buf_u8(out, (uint8_t)slot->severity);
    lw_buf_u32(out, slot->over);
    lw_buf_u32(out, slot->critical);
    lw_buf_u32(out, slot->under);
    lw_buf_i64(out, slot->since_ms);
    lw_buf_u8(out, slot->released);
    lw_buf_i64(out, slot->released_ms);
    lw_buf_u8(out, slot->fault);
    lw_buf_f64(out, slot->unit);
}

void lw_rule_state_read(struct lw_rule_state *slot, struct lw_reader *r) {
    uint8_t state = lw_reader_u8(r), severity = lw_reader_u8(r);
    r->bad |= state > LW_ALERT_FIRING || severity > LW_SEVERITY_CRITICAL;
    slot->state = r->bad ? LW_ALERT_OK : (enum lw_alert_state)state;
    slot->severity = r->bad ? LW_SEVERITY_NONE : (enum lw_severity)severity;
    slot->over = lw_reader_u32(r);
    slot->critical = lw_reader_u32(r);
    slot->under = lw_reader_u32(r);
    slot->since_ms = lw_reader_ms(r, 0);
    slot->released = lw_reader_u8(r) != 0;
    slot->released_ms = lw_reader_ms(r, 0);
    slot->fault = lw_reader_u8(r);
    r->bad |= slot->fault > LW_FAULT_STUCK;
    slot->unit = lw_reader_f64(r);
}
