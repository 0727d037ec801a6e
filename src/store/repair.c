/* What a person decides about damaged state: to drop it, or to read a partition again.
 *
 * All of it is safe while processes run. What is dropped nobody reads. A partition that
 * is read again gets a new epoch in the same step, so that a flush of its owner changes
 * nothing any more; it claims the partition anew, as after a rebalance. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/damage.h"
#include "store/guard.h"
#include "store/state_private.h"

/* KEYS: unreadable:<name>, unreadable, audit. ARGV: name, audit words. */
static const struct lw_script drop = {
    "drop",
    "local was = redis.call('DEL', KEYS[1]) + redis.call('HDEL', KEYS[2], ARGV[1])\n"
    "if was > 0 then redis.call(unpack(ARGV, 2)) end\n"
    "return was\n"};

/* KEYS: part, unreadable:part..., unreadable, audit, panes, offsets. ARGV: epoch as it
 * was, name, wall ms, ttl, offset, progress, prefix of panes, partition, start of the
 * first pane that is not sealed or '-inf', audit words. 1, or 0: it has changed. */
static const struct lw_script reread = {
    "reread",
    "if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[1] then return 0 end\n"
    "local was = redis.call('HMGET', KEYS[1], 'champion', 'shadows')\n"
    "local starts = redis.call('ZRANGEBYSCORE', KEYS[5], ARGV[9], '+inf')\n"
    "redis.call('ZCARD', KEYS[6])\n"
    "if redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  local to = KEYS[2]\n"
    "  if redis.call('EXISTS', to) == 1 then to = to .. ':' .. ARGV[3] end\n"
    "  redis.call('RENAME', KEYS[1], to)\n"
    "  redis.call('PEXPIRE', to, ARGV[4])\n"
    "end\n"
    "local t = redis.call('TIME')\n"
    "local epoch = math.max(tonumber(t[1]) * 1000000 + tonumber(t[2]),\n"
    "                       (tonumber(ARGV[1]) or 0) + 1)\n"
    "redis.call('HSET', KEYS[1], 'owner', 'repair', 'epoch', string.format('%.0f', "
    "epoch),\n"
    "           'claimed', ARGV[3], 'idle', '0', 'champion', was[1] or '0',\n"
    "           'champion_since', ARGV[5], 'shadows', was[2] or '',\n"
    "           'next_offset', ARGV[5], 'progress', ARGV[6])\n"
    "for _, m in ipairs(starts) do\n"
    "  local start, number = string.match(m, '^(-?%d+):(%d+)$')\n"
    "  if number == ARGV[8] then\n"
    "    redis.call('UNLINK', ARGV[7] .. m)\n"
    "    redis.call('ZREM', KEYS[5], m)\n"
    "    redis.call('ZREMRANGEBYSCORE', KEYS[6], start, start)\n"
    "  end\n"
    "end\n"
    "redis.call('HSET', KEYS[3], ARGV[2], ARGV[3] .. ' read again from offset ' .. "
    "ARGV[5])\n"
    "redis.call('PEXPIRE', KEYS[3], ARGV[4])\n"
    "redis.call(unpack(ARGV, 10))\n"
    "return 1\n"};

int lw_damage_drop(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err) {
    if (!*name || strlen(name) > sizeof((struct lw_damage *)0)->name - 1)
        return lw_fail(err, LW_ENOTFOUND, "nothing is set aside under \"%.80s\"", name);
    struct lw_cmd *c = lw_verb_cmd(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "unreadable:%s", name);
    lw_key_arg(c, spec, "unreadable");
    lw_key_arg(c, spec, "audit");
    lw_cmd_str(c, name);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){"repaired", who, name, 0, lw_wall_ms()});
    struct lw_reply *reply = lw_redis_eval(r, &drop, c, err);
    if (!reply)
        return -1;
    bool was = lw_reply_int(reply) > 0;
    lw_reply_free(reply);
    return was ? 0
               : lw_fail(err, LW_ENOTFOUND, "nothing is set aside under \"%.80s\"", name);
}

int lw_damage_offset(struct lw_redis *r, const struct lw_spec *spec, int32_t partition,
                     int64_t from_ms, int64_t *out, struct lw_err *err) {
    char key[LW_KEY_MAX], from[32] = "-inf";
    *out = -1;
    if (from_ms != INT64_MIN)
        snprintf(from, sizeof from, "%" PRId64, from_ms);
    struct lw_reply *lines =
        lw_redis_do(r, err, "ZRANGEBYSCORE %s %s +inf",
                    lw_key(key, spec, "offsets:%d", partition), from);
    if (!lines)
        return -1;
    for (size_t i = 0; i < lw_reply_count(lines); i++) {
        const char *text = lw_reply_text(lw_reply_at(lines, i), NULL);
        int64_t start, first, last;
        if (text &&
            sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &start, &first, &last) ==
                3 &&
            first >= 0 && first <= last && (*out < 0 || first < *out))
            *out = first;
    }
    lw_reply_free(lines);
    return 0;
}

static void put_progress(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                         const struct lw_reread *what) {
    struct lw_partition *p = lw_partition_new(spec, what->partition);
    struct lw_buf *bytes = lw_verb_bytes(r);
    lw_partition_resume(p, what->sealed_ms, what->sealed_ms, NULL);
    lw__progress_put(bytes, p, what->offset);
    lw_cmd_arg(c, bytes->data, bytes->len);
    lw_partition_free(p);
}

int lw_damage_reread(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_reread *what, const char *who, struct lw_err *err) {
    char name[300], detail[400], prefix[LW_KEY_MAX];
    snprintf(name, sizeof name, "part:%s:%d", what->topic, what->partition);
    snprintf(detail, sizeof detail, "%s is read again from offset %" PRId64, name,
             what->offset);
    struct lw_cmd *c = lw_verb_cmd(r);
    lw_cmd_int(c, 6);
    lw_key_arg(c, spec, "%s", name);
    lw_key_arg(c, spec, "unreadable:%s", name);
    lw_key_arg(c, spec, "unreadable");
    lw_key_arg(c, spec, "audit");
    lw_key_arg(c, spec, "panes");
    lw_key_arg(c, spec, "offsets:%d", what->partition);
    lw_cmd_uint(c, what->base_epoch);
    lw_cmd_str(c, name);
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_int(c, LW_ASIDE_KEEP_MS);
    lw_cmd_int(c, what->offset);
    put_progress(r, c, spec, what);
    lw_cmd_str(c, lw_key(prefix, spec, "pane:"));
    lw_cmd_int(c, what->partition);
    if (what->sealed_ms == INT64_MIN)
        lw_cmd_str(c, "-inf");
    else
        lw_cmd_int(c, what->sealed_ms);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){"repaired", who, detail, 0, lw_wall_ms()});
    struct lw_reply *reply = lw_redis_eval(r, &reread, c, err);
    if (!reply)
        return -1;
    bool done = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return done ? 0
                : lw_fail(err, LW_EAGAIN,
                          "partition %d was claimed meanwhile; run the command again",
                          what->partition);
}
