/* The audit trail. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/guard.h"

/* Texts of people and servers, made safe to print. */
static void put_safe(struct lw_cmd *c, const char *name, const char *text) {
    char safe[1024];
    lw_cmd_str(c, name);
    lw_cmd_str(c, lw_text_safe(safe, sizeof safe, text, strlen(text)));
}

static void put_words(struct lw_cmd *c, const struct lw_spec *spec, const char *key,
                      int64_t cap, const struct lw_audit_line *line) {
    lw_cmd_str(c, "XADD");
    lw_key_arg(c, spec, "%s", key);
    lw_cmd_str(c, "MAXLEN");
    lw_cmd_str(c, "~");
    lw_cmd_int(c, cap);
    lw_cmd_str(c, "*");
    lw_cmd_str(c, "what");
    lw_cmd_str(c, line->what);
    put_safe(c, "who", line->who);
    put_safe(c, "detail", line->detail);
    lw_cmd_str(c, "event");
    lw_cmd_int(c, line->event_ms == INT64_MIN ? 0 : line->event_ms);
    lw_cmd_str(c, "at");
    lw_cmd_int(c, line->now_ms);
}

void lw__audit_words(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_audit_line *line) {
    put_words(c, spec, "audit", LW_AUDIT_CAP, line);
}

void lw__audit_evaluation_words(struct lw_cmd *c, const struct lw_spec *spec,
                                const struct lw_audit_line *line) {
    put_words(c, spec, "evaluations", LW_EVALUATIONS_CAP, line);
}

int lw_audit_write(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_audit_line *line, struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw__audit_words(c, spec, line);
    struct lw_reply *reply = lw_redis_call(r, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}
