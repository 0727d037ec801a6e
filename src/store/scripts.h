/* The Lua scripts: every write of more than one command is one of them. An error means
 * that nothing was done. */
#ifndef LW_STORE_SCRIPTS_H
#define LW_STORE_SCRIPTS_H

#include "store/redis.h"

/* What stands before each script, for those that write: will, tidy, only, commit
 * (scripts_plan.c). */
extern const char lw_script_plan[];

/* KEYS: part, models, detector. ARGV: owner, wall ms.
 * {epoch, next_offset or '', champion, shadows, progress or ''}. */
extern const struct lw_script lw_script_claim;
/* KEYS: part, models, detector, offsets, panes, pane... ARGV: epoch, base, next, expiry
 * ms, pane starts in memory, prefix of pane keys, partition, number of words, fields and
 * values of the part hash, then for each pane: start, lineage or '', number of arguments,
 * arguments. {1, champion, shadows} or {0, what it found}. */
extern const struct lw_script lw_script_flush;
/* KEYS: part, offsets:<p>, audit. ARGV: epoch, next_offset that is held, next_offset to
 * start at, cap of the audit, who, detail, wall ms. {1} or {0, what it found}. */
extern const struct lw_script lw_script_restart;
/* KEYS: part, pane, unreadable:<start>:<p>, unreadable. ARGV: epoch, field and text of
 * the note, ttl ms. 1, or 0 when the epoch is another. */
extern const struct lw_script lw_script_aside;
/* KEYS: lease, fence. ARGV: who, token held or 0, ttl ms. The token, or '' (held by
 * another). */
extern const struct lw_script lw_script_lease;
/* KEYS: fence, detector. ARGV: token, sealed_until that was loaded, id of the step or ''
 * (then sealed_until is not looked at), then operations: number of words, words. A word
 * list is a Redis command, or one of HISTORY, FORGET, ASIDE, PROMOTE
 * (scripts.c).
 * {'OK'} | {'AGAIN'} (this step is in already) | {'FENCED', why} | {'NOTFOUND', version}.
 */
extern const struct lw_script lw_script_guarded;
/* KEYS: models, audit, detector. ARGV: version, prefix of model keys, wall ms, who,
 * reason, cap of the audit. 1, or 0 when there is no such version. */
extern const struct lw_script lw_script_promote;
/* KEYS: outbox, outbox:tries. ARGV: count, receiver or '' (all).
 * {{entry, {field, value...}, tries or ''}...} */
extern const struct lw_script lw_script_outbox;

#endif
