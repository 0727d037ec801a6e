/* See imports.h. */
#include "store/imports.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "store/audit.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/requests.h"
#include "store/scripts.h"

static void put_pair(struct lw_cmd *c, const char *field, const char *text) {
    lw_cmd_str(c, field);
    lw_cmd_str(c, text);
}

int lw_imports_add(struct lw_redis *r, const struct lw_spec *spec, struct lw_import *what,
                   struct lw_err *err) {
    static const char *const keys[] = {"models", "audit", "monitor", "asks"};
    struct lw_cmd *c = lw_cmd_scratch(r);
    char prefix[LW_KEY_MAX];
    lw_cmd_int(c, 4);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        lw_key_arg(c, spec, "%s", keys[i]);
    lw_cmd_str(c, lw_key(prefix, spec, "model:"));
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_str(c, what->who);
    lw_cmd_str(c, what->reason);
    lw_cmd_int(c, LW_AUDIT_CAP);
    lw_cmd_int(c, what->waits);
    lw_cmd_int(c, LW_REQUESTS_CAP);
    put_pair(c, "reason", what->reason);
    put_pair(c, "verdict", what->waits ? "waits for its test" : "not tested");
    put_pair(c, "facts", what->facts);
    lw_cmd_str(c, "model");
    lw_cmd_arg(c, what->model, what->model_len);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_import, c, err);
    if (!reply)
        return lw_err_context(err, "import of a model");
    what->version = (uint32_t)lw_reply_int(reply);
    lw_reply_free(reply);
    return 0;
}

void lw__imports_clear(struct lw_cmd *c, const struct lw_spec *spec) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "models");
    lw_cmd_str(c, "imported");
    lw_cmd_int(c, 0);
    lw_cmd_fill(c, slot);
}

int lw_imports_drop(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, uint32_t version, const char *why,
                    struct lw_err *err) {
    char verdict[240];
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    lw__imports_clear(c, spec);
    size_t slot = lw_cmd_slot(c);
    snprintf(verdict, sizeof verdict, "its test failed: %.200s", why);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "model:%u", version);
    put_pair(c, "verdict", verdict);
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "end of the test of an import", err);
}
