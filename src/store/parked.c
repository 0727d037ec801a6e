/* Deliveries that were given up: kept, listed, and retried by a person. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/audit.h"
#include "store/guard.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/scripts.h"

static void read_one(const struct lw_reply *e, struct lw_parked *out) {
    const char *entry = lw_reply_text(lw_reply_at(e, 0), NULL);
    const struct lw_reply *f = lw_reply_at(e, 1);
    *out = (struct lw_parked){0};
    lw_copy(out->entry, sizeof out->entry, entry ? entry : "");
    out->id = lw_reply_text(lw_reply_field(f, "id"), NULL);
    out->json = lw_reply_text(lw_reply_field(f, "json"), &out->len);
    out->reason = lw_reply_text(lw_reply_field(f, "reason"), NULL);
    out->attempts = (uint64_t)lw_reply_int(lw_reply_field(f, "attempts"));
    out->parked_ms = lw_reply_int(lw_reply_field(f, "at"));
    if (!out->reason)
        out->reason = "";
}

struct lw_reply *lw_parked_read(struct lw_redis *r, const struct lw_spec *spec,
                                size_t max, struct lw_parked *out, size_t *n,
                                struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply = lw_redis_do(r, err, "XREVRANGE %s + - COUNT %zu",
                                         lw_key(key, spec, "outbox:parked"), max);
    *n = 0;
    for (size_t i = 0; i < lw_reply_count(reply) && i < max; i++) {
        read_one(lw_reply_at(reply, i), &out[*n]);
        if (out[*n].id && out[*n].json)
            ++*n;
    }
    return reply;
}

int lw_parked_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_parked_retry_request *again, struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 4);
    lw_key_arg(c, spec, "outbox");
    lw_key_arg(c, spec, "outbox:parked");
    lw_key_arg(c, spec, "audit");
    lw_key_arg(c, spec, "alerts:notified");
    lw_cmd_str(c, again->entry);
    lw_cmd_int(c, LW_OUTBOX_CAP);
    lw_cmd_str(c, again->by_incident);
    lw_cmd_str(c, again->by_labels);
    lw__audit_words(
        c, spec,
        &(struct lw_audit_line){"retried", again->who, again->entry, 0, again->now_ms});
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_parked_retry, c, err);
    if (!reply)
        return lw_err_context(err, "parked delivery");
    int64_t found = lw_reply_int(reply);
    lw_reply_free(reply);
    if (found == 2)
        return lw_fail(err, LW_EINPUT,
                       "delivery %.80s is out of date: the receiver has a newer message "
                       "about this alert; nothing was sent",
                       again->entry);
    return found ? 0
                 : lw_fail(err, LW_ENOTFOUND,
                           "no parked delivery is named %.80s (leeway alerts lists them)",
                           again->entry);
}
