/* The leader's part of telling people: what every receiver was told, in memory while it
 * leads, and what goes out next. Thread: the leader's. */
#ifndef LW_ENGINE_PAGER_H
#define LW_ENGINE_PAGER_H

#include "engine/engine_private.h"

struct lw_pager;

struct lw_pager *lw_pager_new(const struct lw_config *config);
void lw_pager_free(struct lw_pager *p);
/* What Redis knows of alerts, messages and who was told, and the silences. */
int lw_pager_load(struct lw_pager *p, struct lw_redis *r, struct lw_err *err);
/* The silences again, when they are older than a second. */
int lw_pager_silences(struct lw_pager *p, struct lw_redis *r, struct lw_err *err);

/* What follows from an evaluation's changes; json[i] is the message of alert i (empty:
 * none could be formed). The pages belong to the pager, and count as written: when
 * writing them fails, the pager must be loaded again. */
const struct lw_pages *lw_pager_changes(struct lw_pager *p, const struct lw_alert *alert,
                                        size_t n, const struct lw_buf *json,
                                        int64_t now_ms);
/* The same of one alert about leeway itself, whose state goes along: the detector does
 * not know it. */
const struct lw_pages *lw_pager_itself(struct lw_pager *p, const struct lw_alert *alert,
                                       const struct lw_buf *json, int64_t now_ms);
/* How an alert stands; NULL: never heard of. Borrowed until the next call. */
const struct lw_alert_status *lw_pager_standing(const struct lw_pager *p,
                                                uint64_t fingerprint);
/* Alerts of rules and features that the configuration no longer has, or that the
 * detector knows nothing of: they are over. */
const struct lw_pages *lw_pager_orphans(struct lw_pager *p, const struct lw_monitor *m,
                                        int64_t now_ms);

/* What else is to be said now: repetitions, and what a silence or a cause has held back.
 * again forms the present message of a firing alert as repetition `repeat` (true when it
 * could); waits tells whether something about the alert still waits for the receiver,
 * for then a repetition would only lengthen its queue. NULL: nothing. */
struct lw_pager_hooks {
    void *arg;
    bool (*again)(void *arg, uint64_t fingerprint, unsigned repeat, struct lw_buf *json);
    bool (*waits)(void *arg, const struct lw_receiver *r, uint64_t fingerprint);
};
const struct lw_pages *lw_pager_round(struct lw_pager *p,
                                      const struct lw_pager_hooks *hooks, int64_t now_ms);

#endif
