/* The outbox: deliveries that no receiver has confirmed.
 *
 * Entries of a stream cannot be changed, so failed attempts are counted in
 * outbox:tries. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/notifications.h"
#include "store/outbox.h"
#include "store/scripts.h"

#define PARKED_CAP 1000

static void put_alert(struct lw_cmd *c, uint64_t fingerprint) {
    char hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, fingerprint);
    lw_cmd_str(c, "alert");
    lw_cmd_str(c, hex);
}

void lw__outbox_put(struct lw_cmd *c, const struct lw_spec *spec,
                    const struct lw_outgoing *o) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "XADD");
    lw_key_arg(c, spec, "outbox");
    lw_cmd_str(c, "MAXLEN");
    lw_cmd_str(c, "~");
    lw_cmd_int(c, LW_OUTBOX_CAP);
    lw_cmd_str(c, "*");
    lw_cmd_str(c, "id");
    lw_cmd_str(c, o->id);
    put_alert(c, o->alert);
    lw_cmd_str(c, "json");
    lw_cmd_arg(c, o->json, o->len);
    lw_cmd_fill(c, slot);
}

static void read_delivery(const struct lw_reply *e, struct lw_delivery *out) {
    const char *entry = lw_reply_text(lw_reply_at(e, 0), NULL);
    const struct lw_reply *fields = lw_reply_at(e, 1);
    const char *tries = lw_reply_text(lw_reply_at(e, 2), NULL);
    *out = (struct lw_delivery){0};
    out->put_ms = entry ? (int64_t)strtoll(entry, NULL, 10) : 0; /* ids are times */
    lw_copy(out->entry, sizeof out->entry, entry ? entry : "");
    out->id = lw_reply_text(lw_reply_field(fields, "id"), NULL);
    out->json = lw_reply_text(lw_reply_field(fields, "json"), &out->len);
    const char *alert = lw_reply_text(lw_reply_field(fields, "alert"), NULL);
    out->alert = alert ? strtoull(alert, NULL, 16) : 0;
    if (tries) {
        char *rest;
        out->attempts = strtoull(tries, &rest, 10);
        out->not_before_ms = strtoll(rest, NULL, 10);
    }
    if (out->attempts > INT32_MAX || out->not_before_ms > lw_wall_ms() + LW_DAY)
        out->attempts = 0, out->not_before_ms = 0; /* damaged: try at once */
}

struct lw_reply *lw_outbox_read(struct lw_redis *r, const struct lw_spec *spec,
                                struct lw_outbox_of of, struct lw_delivery *out,
                                size_t *n, struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "outbox");
    lw_key_arg(c, spec, "outbox:tries");
    lw_cmd_uint(c, of.max);
    lw_cmd_str(c, of.receiver);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_outbox, c, err);
    *n = 0;
    for (size_t i = 0; i < lw_reply_count(reply) && i < of.max; i++) {
        read_delivery(lw_reply_at(reply, i), &out[*n]);
        if (out[*n].id && out[*n].json) /* an entry of another writer is left alone */
            ++*n;
    }
    return reply;
}

static void put_pair(struct lw_cmd *c, const struct lw_spec *spec, const char *verb,
                     const char *key, const char *entry) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, verb);
    lw_key_arg(c, spec, "%s", key);
    lw_cmd_str(c, entry);
    lw_cmd_fill(c, slot);
}

int lw_outbox_done(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const char *entry, struct lw_err *err) {
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    put_pair(c, spec, "XDEL", "outbox", entry);
    put_pair(c, spec, "HDEL", "outbox:tries", entry);
    return lw_guard_run(r, c, "outbox", err);
}

int lw_outbox_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, const struct lw_delivery *next,
                    struct lw_err *err) {
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " %" PRId64, next->attempts,
             next->not_before_ms);
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "outbox:tries");
    lw_cmd_str(c, next->entry);
    lw_cmd_str(c, text);
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "outbox", err);
}

int lw_outbox_park(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_delivery *d,
                   int64_t now_ms, struct lw_err *err) {
    char detail[400];
    snprintf(detail, sizeof detail, "%.100s: %.280s", d->id, d->reason);
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "XADD");
    lw_key_arg(c, spec, "outbox:parked");
    lw_cmd_str(c, "MAXLEN");
    lw_cmd_str(c, "~");
    lw_cmd_int(c, PARKED_CAP);
    lw_cmd_str(c, "*");
    lw_cmd_str(c, "id");
    lw_cmd_str(c, d->id);
    put_alert(c, d->alert);
    lw_cmd_str(c, "json");
    lw_cmd_arg(c, d->json, d->len);
    lw_cmd_str(c, "reason");
    lw_cmd_str(c, d->reason);
    lw_cmd_str(c, "attempts");
    lw_cmd_uint(c, d->attempts);
    lw_cmd_str(c, "at");
    lw_cmd_int(c, now_ms);
    lw_cmd_fill(c, slot);
    slot = lw_cmd_slot(c);
    lw__audit_words(
        c, spec, &(struct lw_audit_line){"undeliverable", lease->who, detail, 0, now_ms});
    lw_cmd_fill(c, slot);
    put_pair(c, spec, "XDEL", "outbox", d->entry);
    put_pair(c, spec, "HDEL", "outbox:tries", d->entry);
    return lw_guard_run(r, c, "outbox", err);
}
