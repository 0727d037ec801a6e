/* Alerts and silences as the HTTP API and the command line list them. */
#include "alert/status_json.h"

#include "json/json.h"

json_t *lw_alert_status_json(const struct lw_alert_status *a) {
    json_t *o = json_object();
    lw_json_set_hex(o, "fingerprint", a->fingerprint);
    lw_json_set_text(o, "status", a->firing ? "firing" : "resolved");
    lw_json_set_text(o, "severity", lw_alert_severity_name(a->severity));
    lw_json_set_text_or_null(o, "rule", a->rule);
    lw_json_set_text_or_null(o, "feature", a->feature);
    lw_json_set_text_or_null(o, "window", a->window);
    lw_json_set_number(o, "value", a->value);
    lw_json_set_number(o, "threshold", a->threshold);
    lw_json_set_number(o, "once_in_days", a->once_in_days);
    lw_json_set_count(o, "n", a->n);
    lw_json_set_version(o, "model", a->model_version);
    lw_json_set_ms(o, "since_ms", a->since_ms);
    lw_json_set_ms(o, "at_ms", a->at_ms);
    lw_json_set_hex(o, "incident", a->incident);
    lw_json_set_text_or_null(o, "summary", a->summary);
    lw_json_set_bool(o, "silenced", a->silenced_by[0] != '\0');
    lw_json_set_text_or_null(o, "silenced_by", a->silenced_by);
    lw_json_set_text_or_null(o, "inhibited_by", a->inhibited_by);
    return o;
}

json_t *lw_silence_json(const struct lw_silence *s) {
    const char *severity = s->severity ? lw_alert_severity_name(s->severity) : "";
    json_t *o = json_object();
    lw_json_set_text(o, "id", s->id);
    lw_json_set_text_or_null(o, "rule", s->rule);
    lw_json_set_text_or_null(o, "feature", s->feature);
    lw_json_set_text_or_null(o, "severity", severity);
    lw_json_set_ms(o, "from_ms", s->from_ms);
    lw_json_set_ms(o, "until_ms", s->until_ms);
    lw_json_set_text_or_null(o, "by", s->by);
    lw_json_set_text_or_null(o, "comment", s->comment);
    return o;
}
