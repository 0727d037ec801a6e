/* The notifier's decisions: which outbox entries to send now, and what follows an
 * attempt. Pure. */
#ifndef LW_ALERT_NOTIFIER_H
#define LW_ALERT_NOTIFIER_H

#include "alert/post.h"

/* The outbox id of one alert for one receiver: "<alert id>@<receiver>", so each receiver
 * has its own entry, retry count and pace. */
char *lw_notifier_outbox_id(char *out, size_t size, const char *alert_id,
                            const char *receiver);
/* The receiver's name in an outbox id (borrowed), or NULL; *len: length of the alert id. */
const char *lw_notifier_outbox_receiver(const char *outbox_id, size_t *len);
/* Index of an outbox id's receiver, or -1 when the configuration no longer has it. */
int lw_notifier_find_receiver(const struct lw_receiver *r, size_t n,
                              const char *outbox_id);

/* Wait before attempt number attempts + 1: full jitter over min(1 h, 2 s * 2^attempts),
 * at least 1 s; deterministic in (attempts, seed). */
int64_t lw_notifier_backoff_ms(uint64_t attempts, uint64_t seed);

/* Which of the waiting entries (oldest first) to send now: those that are due, at most
 * one for each receiver, and none while an older one about the same alert waits for the
 * same receiver. Writes at most max indices into out and returns how many. Cost: O(n^2).
 */
struct lw_notifier_entry {
    const char *id; /* outbox id */
    uint64_t alert; /* fingerprint */
    int64_t not_before_ms;
};
size_t lw_notifier_due(const struct lw_notifier_entry *w, size_t n, int64_t now_ms,
                       size_t *out, size_t max);

/* What to do with an outbox entry after an attempt. */
enum lw_notifier_action { LW_NOTIFIER_DONE, LW_NOTIFIER_RETRY, LW_NOTIFIER_PARK };
struct lw_notifier_step {
    enum lw_notifier_action what;
    int64_t not_before_ms; /* LW_NOTIFIER_RETRY: wall */
};
/* DONE when delivered. A retry waits for the longer of lw_notifier_backoff_ms and what
 * the receiver asked for; a refusal that a person can fix (3xx, 401, 403, 404, 407) is
 * retried hourly. PARK: any other refusal, and entries older than give_up_ms. attempts
 * counts this one; put_ms: when the entry was put into the outbox. */
struct lw_notifier_step lw_notifier_next(const struct lw_receiver *r,
                                         const char *outbox_id,
                                         const struct lw_post_result *result,
                                         uint64_t attempts, int64_t put_ms,
                                         int64_t now_ms);

#endif
