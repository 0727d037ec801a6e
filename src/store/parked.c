/* Deliveries that were given up: kept, shown, and put back by a person's word. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/guard.h"

/* KEYS: outbox, outbox:parked, audit. ARGV: entry or outbox id, cap of the outbox, audit
 * words. 1, or 0: there is none. */
static const struct lw_script retry_script = {
    "parked_retry",
    "for _, e in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-')) do\n"
    "  local f = {}\n"
    "  for i = 1, #e[2], 2 do f[e[2][i]] = e[2][i + 1] end\n"
    "  if (e[1] == ARGV[1] or f.id == ARGV[1]) and f.id and f.json then\n"
    "    will('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'id', f.id, 'json', "
    "f.json)\n"
    "    will('XDEL', KEYS[2], e[1])\n"
    "    will(unpack(ARGV, 3))\n"
    "    return commit(1)\n"
    "  end\n"
    "end\n"
    "return 0\n"};

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

int lw_parked_retry(struct lw_redis *r, const struct lw_spec *spec, const char *entry,
                    const char *who, int64_t now_ms, struct lw_err *err) {
    struct lw_cmd *c = lw_verb_cmd(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "outbox");
    lw_key_arg(c, spec, "outbox:parked");
    lw_key_arg(c, spec, "audit");
    lw_cmd_str(c, entry);
    lw_cmd_int(c, LW_OUTBOX_CAP);
    lw__audit_words(c, spec, &(struct lw_audit_line){"retried", who, entry, 0, now_ms});
    struct lw_reply *reply = lw_redis_eval(r, &retry_script, c, err);
    if (!reply)
        return lw_err_context(err, "parked delivery");
    int64_t found = lw_reply_int(reply);
    lw_reply_free(reply);
    return found ? 0
                 : lw_fail(err, LW_ENOTFOUND,
                           "no delivery %.80s was given up (leeway alerts lists them)",
                           entry);
}
