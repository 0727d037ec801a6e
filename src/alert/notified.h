/* What a receiver was last notified of, and what it is sent next. */
#ifndef LW_ALERT_NOTIFIED_H
#define LW_ALERT_NOTIFIED_H

#include "alert/receiver.h"
#include "core/alert_status.h"

/* What one receiver was last notified of about one alert. */
struct lw_notified {
    uint64_t incident; /* 0: the receiver has no open incident */
    enum lw_severity severity;
    int64_t sent_ms; /* wall clock */
    unsigned repeat; /* of the last message */
};
enum lw_notify {
    LW_NOTIFY_NOTHING,
    LW_NOTIFY_CHANGE, /* send the alert's newest message */
    LW_NOTIFY_REPEAT, /* the alert still fires */
    LW_NOTIFY_CLOSED, /* resolve the receiver's incident; the alert has a new one */
    LW_NOTIFY_FORGET  /* resolved, and this receiver takes no resolved messages */
};
struct lw_notified_step {
    enum lw_notify what;
    struct lw_notified notified; /* the state once the message is sent */
};
/* The next message to the receiver. It compares states, not changes: a message that a
 * silence, an inhibition or a missing receiver delayed follows when that ends, and
 * nothing is sent twice. While an alert is silenced nothing is sent; while it is
 * inhibited it is neither opened nor repeated, but an open incident may be resolved.
 * Pure. */
struct lw_notified_step lw_notified_next(const struct lw_receiver *r,
                                         const struct lw_alert_status *alert,
                                         const struct lw_notified *notified,
                                         int64_t now_ms);
#define LW_NOTIFIED_MAX 80
/* "<incident> <severity> <sent> <repeat>". */
char *lw_notified_print(char out[LW_NOTIFIED_MAX], const struct lw_notified *notified);
/* The inverse; false for any other text. */
bool lw_notified_parse(const char *text, struct lw_notified *out);

#endif
