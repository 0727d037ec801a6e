/* Unreadable state in Redis, moved out of the way.
 *
 * A key that is moved goes to unreadable:<name> and is kept for 30 days. The hash
 * `unreadable` has a note "<wall ms> <why>" under <name>, and the audit a line. Panes
 * are noted by unreadable.h as "<start>:<p>", all other keys by their name. */
#ifndef LW_STORE_DAMAGE_H
#define LW_STORE_DAMAGE_H

#include "store/lease.h"
#include "store/state.h"

#define LW_UNREADABLE_KEEP_MS (30 * LW_DAY)

/* A note about unreadable state. */
struct lw_damage {
    char name[300]; /* of the key, without leeway:{stream}: */
    int64_t at_ms;  /* wall clock */
    char why[256];
};
struct lw_damages { /* all zero is empty */
    size_t n;
    struct lw_damage *item; /* free() */
};

/* Checks every key that each step reads, and moves keys of the wrong type, or that can
 * take no more entries, to unreadable:<name>. Safe while others run: a script checks
 * and moves in one step, and a key of the wrong type is of no use to anyone. *out
 * receives the notes about keys (not panes) from since_ms on. One round trip, or two. */
struct lw_damage_of {
    const char *topic, *who;
    int32_t npartitions;
    int64_t since_ms;
    bool thorough; /* check all versions that may exist, not only the newest */
};
int lw_damage_mend(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err);
/* Reports what _mend would move, and changes nothing. */
int lw_damage_look(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err);

/* ---- repairs by a person, each with a line in the audit (damage_repair.c) ---- */

/* Moves a key to unreadable:<name>, whatever it holds. LW_ENOTFOUND. */
int lw_damage_move(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err);
/* Deletes the unreadable key of this name and its note. LW_ENOTFOUND. */
int lw_damage_drop(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err);
/* Makes a partition be read again from an offset. In one step the part hash is moved
 * to unreadable:<name> and replaced under a new epoch, so that its owner is fenced and
 * claims it again. Panes that are not sealed are deleted and accumulated again; sealed
 * panes stay, and their events count as late. counter: the values to continue with.
 * LW_EAGAIN: the epoch changed meanwhile. */
struct lw_reread {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t sealed_ms;   /* INT64_MIN: nothing is sealed */
    uint64_t base_epoch; /* the epoch when the caller decided this */
};
int lw_damage_reread(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_reread *what, const char *who, struct lw_err *err);
/* Does the note name a pane? */
bool lw_damage_is_pane(const struct lw_spec *spec, const char *name, int64_t *start_ms,
                       int32_t *partition);
/* What is known about an unreadable pane. LW_ENOTFOUND: it is not noted, or its
 * offsets are not kept. */
struct lw_lost_pane {
    int64_t first, last; /* offsets */
    uint64_t events;
    bool remainder;                   /* a pane exists: events that came after the move */
    struct lw_active_versions active; /* versions that scored it, newest first, and how */
};
int lw_damage_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t start_ms,
                   int32_t partition, struct lw_lost_pane *out, struct lw_err *err);
/* Replaces the rest of the pane by the rebuilt one and deletes the note; the leader
 * reads its windows again. LW_EFENCED: the pane is not sealed yet, or no longer noted. */
int lw_damage_fill(struct lw_redis *r, const struct lw_spec *spec, struct lw_pane *pane,
                   int32_t partition, const char *who, struct lw_err *err);
/* The least offset from which every unsealed pane that starts at from_ms or later can
 * be accumulated again; -1: no offsets are kept. */
int lw_damage_offset(struct lw_redis *r, const struct lw_spec *spec, int32_t partition,
                     int64_t from_ms, int64_t *out, struct lw_err *err);

/* Recreates a missing index of panes from the panes' keys, which are found by a scan
 * of the whole server. */
int lw_damage_index(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);
/* All notes, also those about panes, unordered. */
int lw_damage_list(struct lw_redis *r, const struct lw_spec *spec, struct lw_damages *out,
                   struct lw_err *err);
/* What the loss of the key means and what happens next; one or two sentences. */
const char *lw_damage_follows(const char *name);

/* Keeps `len` bytes of an unreadable field of a hash that stays in use; called by the
 * leader. LW_EFENCED. */
struct lw_unreadable_field {
    const char *key, *field, *why;
    const void *data;
    size_t len;
};
int lw_damage_keep(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_unreadable_field *what,
                   struct lw_err *err);

#endif
