/* The notifier's decisions that need neither clock nor store.
 *
 * Each (alert, receiver) has its own outbox entry. Two rules order them. A receiver gets
 * at most one message per round, oldest first. And messages about one alert stay in
 * order: while "firing" waits for a retry, "resolved" waits behind it, because otherwise
 * an incident would be opened after it was closed and stay open. The next incident of the
 * same alert also waits behind the resolution of the last: a receiver that recognises an
 * alert by its labels, such as Alertmanager, cannot distinguish the two, so a late
 * resolution would resolve the new incident. (A label with the incident would distinguish
 * them, but a silence created there from an alert's labels would then end with the
 * incident.) Other alerts are not delayed.
 *
 * The wait before a retry is exponential with full jitter (Brooker, "Exponential Backoff
 * And Jitter", AWS 2015): uniform up to min(1 h, 2 s * 2^attempts), at least a second,
 * and a function of (attempts, seed) alone, so that it can be tested. Each entry has its
 * own seed, so that a receiver is not hit by all retries at once after an outage. A
 * refusal that a person can fix (401, 403, 404, 407, a redirect) is retried hourly until
 * `give_up`. Any other refusal is parked at once, and so is an entry older than
 * `give_up`. */
#include "alert/notifier.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"

#define BACKOFF_FIRST (2 * LW_SECOND)
#define BACKOFF_MAX   LW_HOUR

int64_t lw_notifier_backoff_ms(uint64_t attempts, uint64_t seed) {
    int64_t cap = BACKOFF_MAX;
    if (attempts < 11) /* 2 s * 2^11 is more than an hour */
        cap = BACKOFF_FIRST << attempts;
    if (cap > BACKOFF_MAX)
        cap = BACKOFF_MAX;
    uint64_t x = lw_mix64(seed ^ lw_mix64(attempts + 1));
    return LW_SECOND + (int64_t)(x % (uint64_t)(cap - LW_SECOND + 1));
}

char *lw_notifier_outbox_id(char *out, size_t size, const char *alert_id,
                            const char *receiver) {
    size_t len = strlen(alert_id);
    lw_assert(len + 1 + strlen(receiver) < size);
    lw_copy(out, size, alert_id);
    out[len] = '@';
    lw_copy(out + len + 1, size - len - 1, receiver);
    return out;
}

const char *lw_notifier_outbox_receiver(const char *outbox_id, size_t *len) {
    const char *at = strchr(outbox_id, '@');
    if (at == NULL || at[1] == '\0')
        return NULL;
    *len = (size_t)(at - outbox_id);
    return at + 1;
}

int lw_notifier_find_receiver(const struct lw_receiver *r, size_t n,
                              const char *outbox_id) {
    size_t len;
    const char *name = lw_notifier_outbox_receiver(outbox_id, &len);
    for (size_t i = 0; name != NULL && i < n; i++)
        if (strcmp(r[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool same_receiver(const char *a, const char *b) {
    const char *x = strchr(a, '@'), *y = strchr(b, '@');
    return x != NULL && y != NULL ? strcmp(x, y) == 0 : x == y;
}

/* Must entry i wait for an earlier one? */
static bool held_back(const struct lw_notifier_entry *w, size_t i, const size_t *chosen,
                      size_t nchosen) {
    for (size_t j = 0; j < i; j++)
        if (w[j].alert == w[i].alert && same_receiver(w[j].id, w[i].id))
            return true;
    for (size_t k = 0; k < nchosen; k++)
        if (same_receiver(w[chosen[k]].id, w[i].id))
            return true;
    return false;
}

size_t lw_notifier_due(const struct lw_notifier_entry *w, size_t n, int64_t now_ms,
                       size_t *out, size_t max) {
    size_t used = 0;
    for (size_t i = 0; i < n && used < max; i++)
        if (w[i].not_before_ms <= now_ms && !held_back(w, i, out, used))
            out[used++] = i;
    return used;
}

static bool status_mendable(int status) {
    return (status >= 300 && status < 400) || status == 401 || status == 403 ||
           status == 404 || status == 407;
}

/* FNV-1a: the seed of an entry's jitter. */
static uint64_t seed_of(const char *id) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *id != '\0'; id++)
        h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    return h;
}

struct lw_notifier_step lw_notifier_next(const struct lw_receiver *r,
                                         const char *outbox_id,
                                         const struct lw_post_result *result,
                                         uint64_t attempts, int64_t put_ms,
                                         int64_t now_ms) {
    struct lw_notifier_step next = {LW_NOTIFIER_DONE, 0};
    if (result->verdict == LW_POST_DELIVERED)
        return next;
    bool refused = result->verdict == LW_POST_REFUSED;
    next.what = LW_NOTIFIER_PARK;
    if (now_ms - put_ms >= r->give_up_ms || (refused && !status_mendable(result->status)))
        return next;
    int64_t wait =
        refused ? BACKOFF_MAX : lw_notifier_backoff_ms(attempts, seed_of(outbox_id));
    if (wait < result->retry_after_ms)
        wait = result->retry_after_ms;
    next.what = LW_NOTIFIER_RETRY;
    next.not_before_ms = now_ms + wait;
    return next;
}
