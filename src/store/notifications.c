/* Alert states by fingerprint, each one a small JSON text, and their notifications.
 *
 * A delivery is written in the same step as the state that caused it, and removed when
 * a receiver has confirmed it: no alert is lost with a process or sent by two. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/alerts.h"
#include "store/audit.h"
#include "store/evaluation.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/notifications.h"
#include "store/outbox.h"

static void put_json_text(struct lw_buf *out, const char *name, const char *text) {
    lw_buf_printf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            lw_buf_printf(out, "\\%c", *p);
        else if (*p < 0x20)
            lw_buf_printf(out, "\\u%04x", *p);
        else
            lw_buf_u8(out, *p);
    }
    lw_buf_u8(out, '"');
}

static void put_json_number(struct lw_buf *out, const char *name, double v) {
    char text[40];
    lw_buf_printf(out, ",\"%s\":%s", name,
                  isfinite(v) ? lw_format_f64(text, sizeof text, v) : "null");
}

static void put_json(struct lw_buf *out, const struct lw_alert *a) {
    lw_buf_clear(out);
    lw_buf_u8(out, '{');
    put_json_text(out, "status", a->firing ? "firing" : "resolved");
    put_json_text(out, "severity", lw_alert_severity_name(a->severity));
    put_json_text(out, "rule", a->name);
    put_json_text(out, "feature", a->feature);
    put_json_text(out, "window", a->window);
    put_json_number(out, "value", a->value);
    put_json_number(out, "threshold", a->threshold);
    put_json_number(out, "once_in_days", a->once_in_days);
    lw_buf_printf(out,
                  ",\"n\":%" PRIu64 ",\"model\":%u,\"since\":%" PRId64 ",\"at\":%" PRId64,
                  a->n, a->model_version, a->since_ms, a->at_ms);
    lw_buf_printf(out, ",\"incident\":\"%016" PRIx64 "\"", a->incident);
    put_json_text(out, "summary", a->summary);
    lw_buf_u8(out, '}');
}

static void put_alert(struct lw_cmd *c, const struct lw_spec *spec,
                      const struct lw_alert *a, struct lw_buf *bytes) {
    char fingerprint[17];
    snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, a->fingerprint);
    put_json(bytes, a);
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "alerts");
    lw_cmd_str(c, fingerprint);
    lw_cmd_arg(c, bytes->data, bytes->len);
    lw_cmd_fill(c, slot);
}

static void put_notification(struct lw_cmd *c, const struct lw_spec *spec,
                             const char *key, const struct lw_notification_field *field) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, field->text ? "HSET" : "HDEL");
    lw_key_arg(c, spec, "%s", key);
    lw_cmd_str(c, field->name);
    if (field->text)
        lw_cmd_arg(c, field->text, field->len);
    lw_cmd_fill(c, slot);
}

static void notifications_put(struct lw_redis *r, struct lw_cmd *c,
                              const struct lw_spec *spec,
                              const struct lw_notifications *p,
                              const struct lw_lease *lease, int64_t now_ms) {
    for (size_t i = 0; i < p->nalerts; i++)
        put_alert(c, spec, &p->alert[i], lw_cmd_bytes(r));
    for (size_t i = 0; i < p->nmessages; i++)
        put_notification(c, spec, "alerts:message", &p->message[i]);
    for (size_t i = 0; i < p->noutgoing; i++)
        lw__outbox_put(c, spec, &p->outgoing[i]);
    for (size_t i = 0; i < p->nnotified; i++)
        put_notification(c, spec, "alerts:notified", &p->notified[i]);
    for (size_t i = 0; i < p->nlines; i++) {
        size_t slot = lw_cmd_slot(c);
        lw__audit_words(c, spec,
                        &(struct lw_audit_line){p->line[i].what, lease->who,
                                                p->line[i].detail, 0, now_ms});
        lw_cmd_fill(c, slot);
    }
}

void lw__notifications_put(struct lw_redis *r, struct lw_cmd *c,
                           const struct lw_spec *spec,
                           const struct lw_evaluation_step *step) {
    struct lw_buf *bytes = lw_cmd_bytes(r);
    for (size_t i = 0; i < step->evaluation->nalerts; i++)
        put_alert(c, spec, &step->evaluation->alert[i], bytes);
    if (step->notifications)
        notifications_put(r, c, spec, step->notifications, step->lease, step->now_ms);
}

int lw_notifications_write(struct lw_redis *r, const struct lw_spec *spec,
                           const struct lw_lease *lease,
                           const struct lw_notifications *notifications, int64_t now_ms,
                           struct lw_err *err) {
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    notifications_put(r, c, spec, notifications, lease, now_ms);
    /* The new stamp reveals a Redis that is restored to before this write. */
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "monitor");
    lw_cmd_str(c, "updated");
    lw_cmd_int(c, now_ms);
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "alerts", err);
}

static void hash_each(const struct lw_reply *hash,
                      const struct lw_notifications_reader *reader, int which) {
    for (size_t i = 0; i + 1 < lw_reply_count(hash); i += 2) {
        size_t len = 0;
        const char *name = lw_reply_text(lw_reply_at(hash, i), NULL);
        const char *text = lw_reply_text(lw_reply_at(hash, i + 1), &len);
        struct lw_alert_status alert;
        if (!name || !text)
            continue;
        if (which == 0 && lw__alerts_entry(name, lw_reply_at(hash, i + 1), &alert))
            reader->alert(reader->arg, &alert);
        if (which == 1)
            reader->message(reader->arg, name, text, len);
        if (which == 2)
            reader->notified(reader->arg, name, text);
    }
}

int lw_notifications_load(struct lw_redis *r, const struct lw_spec *spec,
                          const struct lw_notifications_reader *reader,
                          struct lw_err *err) {
    static const char *const keys[] = {"alerts", "alerts:message", "alerts:notified"};
    struct lw_batch b;
    lw_batch_init(&b, 3);
    for (size_t i = 0; i < 3; i++) {
        lw_cmd_str(b.cmd[i], "HGETALL");
        lw_key_arg(b.cmd[i], spec, "%s", keys[i]);
    }
    int rc = lw_batch_send(r, &b, err);
    for (int i = 0; rc == 0 && i < 3; i++)
        hash_each(b.reply[i], reader, i);
    lw_batch_fini(&b);
    return rc ? lw_err_context(err, "alerts") : 0;
}
