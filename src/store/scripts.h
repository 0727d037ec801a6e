/* The Lua scripts: every write of more than one command is one of them. A script runs
 * alone on the server, and an append-only file or a replica receives its writes as one
 * transaction: this is the atomic step of the exactly-once contract. An error means
 * that nothing was written.
 *
 * The sources are lua/NAME.lua, which document KEYS, ARGV and answer in their first
 * lines; the build embeds them (lua.cmake). Rules:
 *
 * - A script plans its writes and commits them (lua/plan.lua).
 * - Lua's numbers are doubles. Offsets, epochs and tokens stay below 2^53; where equality
 *   matters they are compared as decimal text, and they are printed with %.0f.
 * - While a slot of a cluster moves to another node, a missing key counts as moved and
 *   every command on it is refused. So a script declares all keys that it must find or
 *   create: the server checks them first and answers TRYAGAIN. No key is deleted and
 *   created again: hashes are overwritten, then lose the fields that are not named. */
#ifndef LW_STORE_SCRIPTS_H
#define LW_STORE_SCRIPTS_H

#include "store/redis.h"

extern const struct lw_script lw_script_ask;
extern const struct lw_script lw_script_claim;
extern const struct lw_script lw_script_drop;
extern const struct lw_script lw_script_fetch;
extern const struct lw_script lw_script_fill;
extern const struct lw_script lw_script_flush;
extern const struct lw_script lw_script_guarded;
extern const struct lw_script lw_script_history;
extern const struct lw_script lw_script_import;
extern const struct lw_script lw_script_lease;
extern const struct lw_script lw_script_mend;
extern const struct lw_script lw_script_meta;
extern const struct lw_script lw_script_move_unreadable;
extern const struct lw_script lw_script_outbox;
extern const struct lw_script lw_script_parked_retry;
extern const struct lw_script lw_script_permissions;
extern const struct lw_script lw_script_privacy;
extern const struct lw_script lw_script_promote;
extern const struct lw_script lw_script_rebuild;
extern const struct lw_script lw_script_reread;
extern const struct lw_script lw_script_reserve;
extern const struct lw_script lw_script_restart;
extern const struct lw_script lw_script_silence_add;
extern const struct lw_script lw_script_silence_end;
extern const struct lw_script lw_script_write;

#endif
