/* The audit trail, requests by people, and what a stream says about itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/guard.h"
#include "store/scripts.h"
#include "store/state_private.h"

#define CONTRACT_VERSION 2
#define CONTRACT_MAX     1000 /* beyond, and panes beyond these: damage */
#define PANE_MIN         LW_SECOND
#define PANE_MAX         (366 * LW_DAY)
#define LOOK_AT          1000 /* panes, of all partitions */
#define ASKS_CAP         100

/* What people and servers wrote: whoever prints the trail shall not be surprised. */
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

int lw_audit_write(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                   const char *who, const char *detail, int64_t now_ms,
                   struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw__audit_words(c, spec, &(struct lw_audit_line){what, who, detail, 0, now_ms});
    struct lw_reply *reply = lw_redis_call(r, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

int lw_requests_add(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                    const char *who, struct lw_err *err) {
    if (!*what || strchr(what, ' '))
        return lw_fail(err, LW_EINPUT,
                       "\"%.80s\" cannot be asked for: it is not one word", what);
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%s %s", what, who);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_key_arg(c, spec, "asks");
    lw_cmd_arg(c, text.data, text.len);
    lw_cmd_int(c, ASKS_CAP);
    lw_buf_fini(&text);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_ask, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

int lw_requests_first(struct lw_redis *r, const struct lw_spec *spec, char *what,
                      size_t size, char *who, size_t who_size, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "LINDEX %s 0", lw_key(key, spec, "asks"));
    if (!reply)
        return -1;
    const char *text = lw_reply_text(reply, NULL);
    size_t n = text ? strcspn(text, " ") : 0;
    if (text) {
        lw_copy(what, n + 1 < size ? n + 1 : size, text);
        const char *name = text[n] ? text + n + 1 : "";
        lw_text_safe(who, who_size, name, strlen(name));
    }
    lw_reply_free(reply);
    return text != NULL;
}

static void put_features(struct lw_cmd *c, const struct lw_spec *spec) {
    struct lw_buf list = {0};
    for (size_t i = 0; i < spec->nfeatures; i++)
        lw_buf_printf(&list, "%s%s", i ? "," : "", spec->feature[i].name);
    lw_cmd_str(c, "features");
    lw_cmd_arg(c, list.data, list.len);
    lw_buf_fini(&list);
}

static int other_panes(const struct lw_spec *spec, int64_t had, struct lw_err *err) {
    char was[32], is[32];
    return lw_fail(
        err, LW_ECONFIG,
        "stream %s was counted in panes of %s, panes.length is %s, and what is "
        "counted cannot be cut anew: give the stream another name, or go back",
        spec->stream, lw_format_duration(was, sizeof was, had),
        lw_format_duration(is, sizeof is, spec->pane_ms));
}

/* What no program can have written is damage, which the next leader writes over, and no
 * reason to refuse. NULL: not the name of a topic. */
static const char *topic_name(const struct lw_reply *reply) {
    size_t len;
    const char *text = lw_reply_text(reply, &len);
    size_t legal =
        text ? strspn(text,
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
             : 0;
    return legal > 0 && legal == len && len <= 249 ? text : NULL;
}

/* Is the state that is there of the topic `had`? Not when there are partitions of ours
 * and none of that one: then the name is damaged. */
static bool is_of(struct lw_redis *r, const struct lw_spec *spec, const char *had,
                  const char *topic) {
    const char *name[] = {had, topic};
    struct lw_batch b;
    lw_batch_init(&b, 2);
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], "EXISTS");
        lw_key_arg(b.cmd[i], spec, "part:%s:0", name[i]);
    }
    bool ours = lw_batch_send(r, &b, NULL) == 0 && lw_reply_int(b.reply[0]) == 0 &&
                lw_reply_int(b.reply[1]) == 1;
    lw_batch_fini(&b);
    return !ours;
}

/* Do the newest panes stand as ours do, at multiples of our length and one length apart?
 * Then it is `pane_ms` that is damaged. */
static bool panes_are_ours(struct lw_redis *r, const struct lw_spec *spec) {
    char key[LW_KEY_MAX];
    int64_t newer = INT64_MAX, gap = INT64_MAX;
    struct lw_reply *reply =
        lw_redis_do(r, NULL, "ZREVRANGE %s 0 %d", lw_key(key, spec, "panes"), LOOK_AT);
    bool ours = lw_reply_count(reply) > 1;
    for (size_t i = 0; i < lw_reply_count(reply) && ours; i++) {
        int64_t start =
            lw__pane_start(spec, lw_reply_text(lw_reply_at(reply, i), NULL), NULL);
        ours = start != INT64_MIN;
        if (ours && start < newer && newer != INT64_MAX && newer - start < gap)
            gap = newer - start;
        newer = start;
    }
    lw_reply_free(reply);
    return ours && gap == spec->pane_ms;
}

/* Version 1 kept the monitor's state under `detector`; `meta` may be gone or damaged. */
static int has_version_1(struct lw_redis *r, const struct lw_spec *spec, bool *out,
                         struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "EXISTS %s", lw_key(key, spec, "detector"));
    *out = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

/* Fails with the code when the state in Redis follows another contract. A number that no
 * program writes is damage, which the next leader overwrites. */
static int check_contract(struct lw_redis *r, const struct lw_spec *spec,
                          int64_t contract, enum lw_errc code, struct lw_err *err) {
    bool old = contract > 0 && contract < CONTRACT_VERSION;
    if (contract == CONTRACT_VERSION)
        return 0;
    if (contract > CONTRACT_VERSION && contract <= CONTRACT_MAX)
        return lw_fail(err, code,
                       "stream %s was written by a newer leeway (contract %" PRId64
                       ", this one knows %d): upgrade, or give the stream another name",
                       spec->stream, contract, CONTRACT_VERSION);
    if (!old && has_version_1(r, spec, &old, err))
        return -1;
    return old ? lw_fail(
                     err, code,
                     "stream %s has state of contract version 1 in Redis, and this "
                     "leeway reads version %d only: delete the keys leeway:{%s}:*, or "
                     "give the stream another name",
                     spec->stream, CONTRACT_VERSION, spec->stream)
               : 0;
}

int lw_meta_contract(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HMGET %s contract", lw_key(key, spec, "meta"));
    if (!reply) /* damaged: `leeway repair` and the leader deal with it */
        return lw_redis_why(r) == LW_REDIS_DAMAGED ? (lw_err_clear(err), 0) : -1;
    int64_t contract = lw_reply_int(lw_reply_at(reply, 0));
    lw_reply_free(reply);
    return check_contract(r, spec, contract, LW_EINPUT, err);
}

int lw_meta_check(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HMGET %s contract pane_ms topic", lw_key(key, spec, "meta"));
    if (!reply)
        return -1;
    int64_t contract = lw_reply_int(lw_reply_at(reply, 0));
    int64_t pane_ms = lw_reply_int(lw_reply_at(reply, 1));
    const char *had = topic_name(lw_reply_at(reply, 2));
    int rc = check_contract(r, spec, contract, LW_ECONFIG, err);
    if (rc == 0 && pane_ms >= PANE_MIN && pane_ms <= PANE_MAX &&
        pane_ms != spec->pane_ms && !panes_are_ours(r, spec))
        rc = other_panes(spec, pane_ms, err);
    else if (rc == 0 && had && strcmp(had, topic) != 0 && is_of(r, spec, had, topic))
        rc = lw_fail(err, LW_ECONFIG,
                     "stream %s is one of topic %s, source.topic is %s, and its panes "
                     "would mix: give the stream another name, or go back",
                     spec->stream, had, topic);
    lw_reply_free(reply);
    return rc;
}

int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, const char *code_version, int64_t now_ms,
                  struct lw_err *err) {
    char key[LW_KEY_MAX], hash[20];
    lw_key(key, spec, "meta");
    if (lw_meta_check(r, spec, topic, err))
        return -1;
    snprintf(hash, sizeof hash, "%016" PRIx64, spec->config_hash);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_cmd_str(c, key);
    lw_cmd_int(c, now_ms);
    lw_cmd_str(c, "contract");
    lw_cmd_int(c, CONTRACT_VERSION);
    lw_cmd_str(c, "stream");
    lw_cmd_str(c, spec->stream);
    lw_cmd_str(c, "topic");
    lw_cmd_str(c, topic);
    lw_cmd_str(c, "partitions");
    lw_cmd_int(c, npartitions);
    lw_cmd_str(c, "config_hash");
    lw_cmd_str(c, hash);
    lw_cmd_str(c, "code");
    lw_cmd_str(c, code_version);
    lw_cmd_str(c, "pane_ms");
    lw_cmd_int(c, spec->pane_ms);
    put_features(c, spec);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_meta, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}
