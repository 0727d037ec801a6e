/* `meta`: the stream's metadata, and whether this configuration can continue it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/guard.h"
#include "store/meta.h"
#include "store/scripts.h"
#include "store/state_private.h"

#define CONTRACT_VERSION 2
#define CONTRACT_MAX     1000 /* a larger number is damage, as are panes outside: */
#define PANE_MIN         LW_SECOND
#define PANE_MAX         (366 * LW_DAY)
#define PANES_CHECKED    1000 /* of all partitions */

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
    return lw_fail(err, LW_ECONFIG,
                   "the panes of stream %s have length %s, but panes.length is %s, "
                   "and existing panes cannot be changed: give the stream another "
                   "name, or restore the length",
                   spec->stream, lw_format_duration(was, sizeof was, had),
                   lw_format_duration(is, sizeof is, spec->pane_ms));
}

/* A name that no program can have written is damage: the next leader overwrites it,
 * and it is no reason to refuse. NULL: not the name of a topic. */
static const char *topic_name(const struct lw_reply *reply) {
    size_t len;
    const char *text = lw_reply_text(reply, &len);
    size_t legal =
        text ? strspn(text,
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
             : 0;
    return legal > 0 && legal == len && len <= 249 ? text : NULL;
}

/* Is the state of the topic `had`? Not if only our topic has partitions: then the name
 * is damaged. */
static bool is_of(struct lw_redis *r, const struct lw_spec *spec, const char *had,
                  const char *topic) {
    const char *name[2] = {had, topic};
    struct lw_batch b;
    lw_batch_init(&b, 2);
    for (size_t i = 0; i < 2; i++) {
        lw_cmd_str(b.cmd[i], "EXISTS");
        lw_key_arg(b.cmd[i], spec, "part:%s:0", name[i]);
    }
    bool ours = lw_batch_send(r, &b, NULL) == 0 && lw_reply_int(b.reply[0]) == 0 &&
                lw_reply_int(b.reply[1]) == 1;
    lw_batch_fini(&b);
    return !ours;
}

/* Do the newest panes start at multiples of our length, one length apart? Then
 * `pane_ms` is damaged. */
static bool panes_are_ours(struct lw_redis *r, const struct lw_spec *spec) {
    char key[LW_KEY_MAX];
    int64_t newer = INT64_MAX, gap = INT64_MAX;
    struct lw_reply *reply = lw_redis_do(r, NULL, "ZREVRANGE %s 0 %d",
                                         lw_key(key, spec, "panes"), PANES_CHECKED);
    bool ours = lw_reply_count(reply) > 1;
    for (size_t i = 0; i < lw_reply_count(reply) && ours; i++) {
        int64_t start =
            lw__state_pane_start(spec, lw_reply_text(lw_reply_at(reply, i), NULL), NULL);
        ours = start != INT64_MIN;
        if (ours && start < newer && newer != INT64_MAX && newer - start < gap)
            gap = newer - start;
        newer = start;
    }
    lw_reply_free(reply);
    return ours && gap == spec->pane_ms;
}

/* Version 1 kept the monitor's state in `detector`; `meta` may be missing or damaged. */
static int has_version_1(struct lw_redis *r, const struct lw_spec *spec, bool *out,
                         struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "EXISTS %s", lw_key(key, spec, "detector"));
    *out = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

/* Fails with the code when the state in Redis has another contract version. An
 * implausible number is damage, which the next leader overwrites. */
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
    if (!reply) /* damaged: `leeway repair` and the leader handle it */
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
                     "stream %s was started with topic %s, but source.topic is %s, and "
                     "panes of two topics must not mix: give the stream another name, "
                     "or restore the topic",
                     spec->stream, had, topic);
    lw_reply_free(reply);
    return rc;
}

int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_meta *meta, struct lw_err *err) {
    char key[LW_KEY_MAX], hash[20];
    lw_key(key, spec, "meta");
    if (lw_meta_check(r, spec, meta->topic, err))
        return -1;
    snprintf(hash, sizeof hash, "%016" PRIx64, spec->config_hash);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_cmd_str(c, key);
    lw_cmd_int(c, meta->now_ms);
    lw_cmd_str(c, "contract");
    lw_cmd_int(c, CONTRACT_VERSION);
    lw_cmd_str(c, "stream");
    lw_cmd_str(c, spec->stream);
    lw_cmd_str(c, "topic");
    lw_cmd_str(c, meta->topic);
    lw_cmd_str(c, "partitions");
    lw_cmd_int(c, meta->npartitions);
    lw_cmd_str(c, "config_hash");
    lw_cmd_str(c, hash);
    lw_cmd_str(c, "code");
    lw_cmd_str(c, meta->code_version);
    lw_cmd_str(c, "pane_ms");
    lw_cmd_int(c, spec->pane_ms);
    put_features(c, spec);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_meta, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

/* Of the partitions from .. until, the last one that has state, plus 1. */
static int32_t last_known(struct lw_redis *r, const struct lw_spec *spec,
                          const char *topic, int32_t from, int32_t until,
                          struct lw_err *err) {
    struct lw_batch b;
    int32_t n = from;
    lw_batch_init(&b, (size_t)(until - from));
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], "EXISTS");
        lw_key_arg(b.cmd[i], spec, "part:%s:%d", topic, from + (int32_t)i);
    }
    int rc = lw_batch_send(r, &b, err);
    for (size_t i = 0; rc == 0 && i < b.n; i++)
        if (lw_reply_int(b.reply[i]))
            n = from + (int32_t)i + 1;
    lw_batch_fini(&b);
    return rc ? -1 : n;
}

int32_t lw_meta_partitions(struct lw_redis *r, const struct lw_spec *spec,
                           const char *topic, int32_t live, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HGET %s partitions", lw_key(key, spec, "meta"));
    if (!reply)
        return -1;
    int64_t n = lw_reply_int(reply);
    lw_reply_free(reply);
    n = n > 0 && n <= LW_PARTITIONS_MAX ? n : 0;
    return n > live ? last_known(r, spec, topic, live, (int32_t)n, err) : (int32_t)n;
}
