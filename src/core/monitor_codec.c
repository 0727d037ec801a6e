/* The monitor's state as bytes: states of the rules (keyed by fingerprint, so that a
 * changed configuration keeps those that still exist), change detector, policy. Panes
 * and references are stored separately. */
#include <stdio.h>
#include <string.h>

#include "core/monitor_private.h"

#define STATE_VERSION 7

static uint64_t slot_key(const struct lw_spec *spec, size_t rule, size_t subject) {
    char text[3 * LW_NAME_MAX];
    const struct lw_rule *r = &spec->rule[rule];
    const char *feature = r->feature == LW_RULE_EACH
                              ? spec->feature[subject].name
                              : lw_spec_feature_name(spec, r->feature);
    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n%s", r->name,
                       lw_metric_name(r->metric), spec->window[r->window].name, feature);
    return lw_text_key(text, (size_t)len);
}

void lw_monitor_write(const struct lw_monitor *m, struct lw_buf *out) {
    struct lw_buf change = {0};
    lw_buf_u8(out, STATE_VERSION);
    lw_buf_i64(out, lw_windows_oldest(m->windows));
    lw_buf_i64(out, m->leapt_from_ms);
    lw_policy_write(&m->policy, out);
    lw_quarantine_write(&m->quarantine, out);
    lw_tracking_write(&m->tracking, out);
    lw_run_summary_write(&m->run_summary, m->spec->task, out);
    lw_buf_blob(out, m->spec->change.kind, strlen(m->spec->change.kind));
    if (m->change)
        lw_change_write(m->change, &change);
    lw_buf_blob(out, change.data, change.len);
    lw_buf_fini(&change);
    lw_buf_u32(out, (uint32_t)m->nstates);
    for (size_t r = 0; r < m->spec->nrules; r++)
        for (size_t i = 0; i < lw_rule_subjects(m->spec, &m->spec->rule[r]); i++) {
            lw_buf_u64(out, slot_key(m->spec, r, i));
            lw_rule_state_write(&m->state[m->state_of[r] + i], out);
        }
    for (int k = 0; k < LW_NOTICES; k++) {
        lw_buf_u8(out, m->notice[k].firing);
        lw_buf_u8(out, (uint8_t)m->notice[k].severity);
        lw_buf_i64(out, m->notice[k].since_ms);
    }
    lw_buf_u64(out, m->unreadable);
}

static int read_change(struct lw_monitor *m, struct lw_reader *r, struct lw_err *err) {
    size_t kind_len, len;
    const char *kind = lw_reader_blob(r, &kind_len);
    const void *state = lw_reader_blob(r, &len);
    const char *want = m->spec->change.kind;
    if (!kind || !state || !m->change || kind_len != strlen(want) ||
        memcmp(kind, want, kind_len) != 0)
        return 0; /* another detector is configured now, and starts empty */
    return lw_change_read(m->change, state, len, err);
}

static void read_slots(struct lw_monitor *m, struct lw_reader *r) {
    uint32_t n = lw_reader_u32(r);
    for (uint32_t k = 0; k < n && !r->bad; k++) {
        uint64_t key = lw_reader_u64(r);
        struct lw_rule_state state;
        lw_rule_state_read(&state, r);
        for (size_t rule = 0; rule < m->spec->nrules; rule++)
            for (size_t i = 0; i < lw_rule_subjects(m->spec, &m->spec->rule[rule]); i++)
                if (slot_key(m->spec, rule, i) == key)
                    m->state[m->state_of[rule] + i] = state;
    }
}

static void read_notices(struct lw_monitor *m, struct lw_reader *r) {
    for (int k = 0; k < LW_NOTICES; k++) {
        struct lw_notice *n = &m->notice[k];
        n->firing = lw_reader_u8(r) != 0;
        uint8_t severity = lw_reader_u8(r);
        n->since_ms = lw_reader_ms(r, 0);
        r->bad |= severity > LW_SEVERITY_CRITICAL;
        n->severity = r->bad ? LW_SEVERITY_NONE : (enum lw_severity)severity;
    }
}

int lw_monitor_read(struct lw_monitor *m, const void *data, size_t len,
                    struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    uint8_t version = lw_reader_u8(&r);
    if (version != STATE_VERSION)
        return lw_fail(err, LW_EINPUT,
                       "monitor state of version %u, this program reads %d", version,
                       STATE_VERSION);
    lw_windows_reach(m->windows, lw_reader_ms(&r, INT64_MAX));
    m->leapt_from_ms = lw_reader_ms(&r, INT64_MIN);
    lw_policy_read(&m->policy, &r);
    lw_quarantine_read(&m->quarantine, &r);
    lw_tracking_read(&m->tracking, &r);
    lw_run_summary_read(&m->run_summary, m->spec->task, &r);
    if (read_change(m, &r, err))
        return -1;
    read_slots(m, &r);
    read_notices(m, &r);
    m->unreadable = lw_reader_u64(&r);
    if (r.bad || lw_reader_left(&r))
        return lw_fail(err, LW_EINPUT, "monitor state is damaged (%zu bytes)", len);
    return 0;
}
