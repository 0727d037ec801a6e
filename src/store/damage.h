/* State in Redis that nobody can work with, moved out of the way.
 *
 * Everything that is moved away goes to unreadable:<name>, is kept there for 30 days, and
 * has a note "<wall ms> <why>" under <name> in the hash `unreadable`, with a line in the
 * audit. Panes are noted by unread.h under "<start>:<p>"; all other keys by their name.
 */
#ifndef LW_STORE_DAMAGE_H
#define LW_STORE_DAMAGE_H

#include "store/lease.h"
#include "store/state.h"

#define LW_UNREADABLE_KEEP_MS (30 * LW_DAY)

/* What is moved away, as noted. */
struct lw_damage {
    char name[300]; /* of the key behind leeway:{stream}: */
    int64_t at_ms;  /* wall clock */
    char why[256];
};
struct lw_damages { /* all zero is empty */
    size_t n;
    struct lw_damage *item; /* free() */
};

/* Looks at every key that is read in every step, and moves away what is of another type
 * than it must be, or can take no more entries. Safe while others run: a script looks
 * again and moves in one step, and nobody could have worked with what it moves. Then *out
 * gets all notes about keys (not panes) that are not older than since_ms. One round trip,
 * or two. */
struct lw_damage_of {
    const char *topic, *who;
    int32_t npartitions;
    int64_t since_ms;
    bool thorough; /* all versions of a model that may be there, not the newest only */
};
int lw_damage_mend(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err);
/* The first part of _mend without changing anything: what it would moved away. */
int lw_damage_look(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err);

/* ---- a person's word, each with a line in the audit (store/repair.c) ---- */

/* Moves a key away, whatever it holds. LW_ENOTFOUND. */
int lw_damage_move(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err);
/* Deletes unreadable keys under the name, and its note. LW_ENOTFOUND. */
int lw_damage_drop(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err);
/* A partition is read again from an offset. In one step the part hash is moved away and
 * replaced there under a new epoch, so that its owner is fenced and claims again; panes
 * that are not sealed are deleted, to be made again from what is read; sealed ones stay,
 * and events of them are late. counter: as it goes on with. LW_EAGAIN: something changed
 * meanwhile. */
struct lw_reread {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t sealed_ms;   /* INT64_MIN: nothing is sealed */
    uint64_t base_epoch; /* as it was when this was decided */
};
int lw_damage_reread(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_reread *what, const char *who, struct lw_err *err);
/* Is the name of a note that of a pane? */
bool lw_damage_is_pane(const struct lw_spec *spec, const char *name, int64_t *start_ms,
                       int32_t *partition);
/* What is known of a pane that was moved away. LW_ENOTFOUND: it was not, or no offsets are
 * kept of it. */
struct lw_lost_pane {
    int64_t first, last; /* offsets */
    uint64_t events;
    bool remainder; /* there is a pane, of what came after it was moved away */
    struct lw_active_versions force; /* that scored it: the newest first */
};
int lw_damage_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t start_ms,
                   int32_t partition, struct lw_lost_pane *out, struct lw_err *err);
/* Puts it back, made again, in the place of what is left of it; the note about it goes,
 * and whoever leads reads its windows anew. LW_EFENCED: it is not sealed yet, or no
 * longer noted. */
int lw_damage_fill(struct lw_redis *r, const struct lw_spec *spec, struct lw_pane *pane,
                   int32_t partition, const char *who, struct lw_err *err);
/* The least offset from which every pane that is not sealed and starts at from_ms or
 * later can be made again; -1: no offsets are kept of any. */
int lw_damage_offset(struct lw_redis *r, const struct lw_spec *spec, int32_t partition,
                     int64_t from_ms, int64_t *out, struct lw_err *err);

/* The index of panes, when there is none: made again from the keys of the panes, for
 * which the whole server is searched. */
int lw_damage_index(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);
/* All notes, those about panes included, in no order. */
int lw_damage_list(struct lw_redis *r, const struct lw_spec *spec, struct lw_damages *out,
                   struct lw_err *err);
/* What the loss of the key means, and what follows; one sentence or two. */
const char *lw_damage_follows(const char *name);

/* Keeps `len` bytes of a field that could not be used, of a hash that goes on; by the
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
