/* Partitions of a recreated topic. */
#include <inttypes.h>
#include <stdio.h>

#include "store/audit.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/scripts.h"
#include "store/state_private.h"

static void forget_offsets(struct lw_partition *p) {
    for (size_t i = 0; i < lw_partition_panes(p); i++) {
        struct lw_pane *pane = lw_partition_pane(p, i);
        pane->first_offset = pane->last_offset = -1;
        pane->dirty = true;
    }
}

int lw_state_restart(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_flush *flush, struct lw_partition *p,
                     const char *who, struct lw_err *err) {
    char detail[400];
    snprintf(detail, sizeof detail,
             "%s/%" PRId32 ": offset %" PRId64
             " is beyond the end of the topic, which was recreated; reading "
             "restarts at %" PRId64,
             flush->topic, flush->partition, flush->base_offset, flush->next_offset);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "part:%s:%d", flush->topic, flush->partition);
    lw_key_arg(c, spec, "offsets:%d", flush->partition);
    lw_key_arg(c, spec, "audit");
    lw_cmd_uint(c, flush->epoch);
    lw_cmd_int(c, flush->base_offset);
    lw_cmd_int(c, flush->next_offset);
    lw_cmd_int(c, LW_AUDIT_CAP);
    lw_cmd_str(c, who);
    lw_cmd_str(c, detail);
    lw_cmd_int(c, flush->now_ms);
    struct lw_buf *progress = lw_cmd_bytes(r);
    lw__state_put_progress(progress, p, flush->next_offset);
    lw_cmd_arg(c, progress->data, progress->len);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_restart, c, err);
    if (!reply)
        return lw_err_context(err, "restart of %s/%d", flush->topic, flush->partition);
    const char *found = lw_reply_text(lw_reply_at(reply, 1), NULL);
    int rc = 0;
    if (lw_reply_int(lw_reply_at(reply, 0)) == 1)
        forget_offsets(p);
    else
        rc = lw_fail(err, LW_EFENCED, "restart of %s/%d: Redis has %s", flush->topic,
                     flush->partition, found ? found : "something else");
    lw_reply_free(reply);
    return rc;
}
