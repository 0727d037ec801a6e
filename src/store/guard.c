/* See guard.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/evaluation.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/scripts.h"

struct lw_cmd *lw_guard_begin(struct lw_redis *r, const struct lw_spec *spec,
                              const struct lw_lease *lease,
                              const struct lw_evaluation_step *step, const char *id) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_clear(&r->keys);
    lw_key_arg(&r->keys, spec, "fence");
    lw_key_arg(&r->keys, spec, "monitor");
    c->keys = &r->keys;
    lw_cmd_uint(c, lease->token);
    if (step && step->was_sealed_until_ms != INT64_MIN)
        lw_cmd_int(c, step->was_sealed_until_ms);
    else
        lw_cmd_str(c, "");
    lw_cmd_str(c, id);
    return c;
}

int lw_guard_run(struct lw_redis *r, struct lw_cmd *c, const char *what,
                 struct lw_err *err) {
    struct lw_reply *reply = lw_redis_eval_keys(r, &lw_script_guarded, &r->keys, c, err);
    if (!reply)
        return lw_err_context(err, "%s", what);
    const char *word = lw_reply_text(lw_reply_at(reply, 0), NULL);
    const char *why = lw_reply_text(lw_reply_at(reply, 1), NULL);
    int rc = 0;
    if (word && strcmp(word, "FENCED") == 0)
        rc = lw_fail(err, LW_EFENCED,
                     "%s: fenced: another process holds the lease: Redis has %s", what,
                     why ? why : "another token");
    else if (word && strcmp(word, "NOTFOUND") == 0)
        rc = lw_fail(err, LW_ENOTFOUND, "%s: there is no model version %s", what,
                     why ? why : "");
    else if (!word || (strcmp(word, "OK") != 0 && strcmp(word, "AGAIN") != 0)) {
        lw_redis_odd(r, reply, what, err);
        return -1;
    }
    lw_reply_free(reply);
    return rc;
}
