/* Silences: one JSON text each, in one hash, by id.
 *
 * A hash field cannot expire, so ended ones are taken out when another is added, readers
 * pass over them, and the key itself expires a day after the last one ends. Who silenced
 * what, and why, is in the audit for longer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "store/alerts.h"
#include "store/guard.h"
#include "store/scripts.h"
#include "store/silences.h"

/* In place; it never gets longer than its room. */
static void make_safe(char *text, size_t size) {
    char safe[sizeof((struct lw_silence *)0)->comment];
    lw_assert(size <= sizeof safe);
    lw_text_safe(safe, size, text, strlen(text));
    memcpy(text, safe, strlen(safe) + 1);
}

static char *json_of(const struct lw_silence *s) {
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "id", s->id, "rule", s->rule,
        "feature", s->feature, "severity",
        s->severity == LW_SEVERITY_NONE ? "" : lw_alert_severity_name(s->severity),
        "from", (json_int_t)s->from_ms, "until", (json_int_t)s->until_ms, "by", s->by,
        "comment", s->comment);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static void silence_describe(const struct lw_silence *s, char *out, size_t size) {
    char until[32];
    snprintf(out, size, "%s: rule %s, feature %s, severity %s, until %s: %s", s->id,
             s->rule[0] ? s->rule : "any", s->feature[0] ? s->feature : "any",
             s->severity == LW_SEVERITY_NONE ? "any"
                                             : lw_alert_severity_name(s->severity),
             lw_format_time(until, sizeof until, s->until_ms), s->comment);
}

/* Ids are short, for people to type; two that are added in the same millisecond by the
 * same process differ by what they say. */
static void silence_assign_id(struct lw_silence *s, int64_t now_ms) {
    char text[sizeof s->rule + sizeof s->feature + 64];
    snprintf(text, sizeof text, "%s|%s|%" PRId64 "|%ld|%" PRId64, s->rule, s->feature,
             now_ms, (long)getpid(), lw_mono_ms());
    uint64_t key = lw_mix64(lw_text_key(text, strlen(text)));
    snprintf(s->id, sizeof s->id, "%08" PRIx32, (uint32_t)(key >> 32));
}

static int silence_eval(struct lw_redis *r, const struct lw_script *script,
                        struct lw_cmd *c, int64_t *out, struct lw_err *err) {
    struct lw_reply *reply = lw_redis_eval(r, script, c, err);
    *out = lw_reply_int(reply);
    lw_reply_free(reply);
    return reply ? 0 : lw_err_context(err, "silence");
}

int lw_silences_add(struct lw_redis *r, const struct lw_spec *spec, struct lw_silence *s,
                    int64_t now_ms, struct lw_err *err) {
    char text[700];
    int64_t added = 0;
    if (s->until_ms <= s->from_ms || s->until_ms <= now_ms)
        return lw_fail(err, LW_EINPUT,
                       "a silence must end after it begins, and later than now");
    silence_assign_id(s, now_ms);
    make_safe(s->by, sizeof s->by);
    make_safe(s->comment, sizeof s->comment);
    char *json = json_of(s);
    if (!json)
        return lw_fail(err, LW_EINPUT, "a silence's texts must be UTF-8");
    silence_describe(s, text, sizeof text);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "silences");
    lw_key_arg(c, spec, "audit");
    lw_cmd_int(c, now_ms);
    lw_cmd_int(c, s->until_ms);
    lw_cmd_str(c, s->id);
    lw_cmd_str(c, json);
    lw_cmd_int(c, LW_SILENCES_MAX);
    lw__audit_words(c, spec, &(struct lw_audit_line){"silenced", s->by, text, 0, now_ms});
    int rc = silence_eval(r, &lw_script_silence_add, c, &added, err);
    free(json);
    if (rc == 0 && !added)
        return lw_fail(err, LW_EINPUT, "there are %d silences already; end one first",
                       LW_SILENCES_MAX);
    return rc;
}

int lw_silences_end(struct lw_redis *r, const struct lw_spec *spec, const char *id,
                    const char *who, int64_t now_ms, struct lw_err *err) {
    int64_t ended = 0;
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "silences");
    lw_key_arg(c, spec, "audit");
    lw_cmd_str(c, id);
    lw__audit_words(c, spec, &(struct lw_audit_line){"unsilenced", who, id, 0, now_ms});
    if (silence_eval(r, &lw_script_silence_end, c, &ended, err))
        return -1;
    return ended ? 0
                 : lw_fail(err, LW_ENOTFOUND,
                           "there is no silence %.40s (leeway alerts lists them)", id);
}

int lw_silences_load(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                     struct lw_silence **out, size_t *n, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HGETALL %s", lw_key(key, spec, "silences"));
    if (!reply)
        return lw_err_context(err, "silences");
    *n = lw__alerts_silences(reply, now_ms, out);
    lw_reply_free(reply);
    return 0;
}
