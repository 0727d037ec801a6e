/* Delivers notifications, one thread per receiver (notifier.c). */
#ifndef LW_ENGINE_NOTIFIER_H
#define LW_ENGINE_NOTIFIER_H

#include "engine/engine_private.h"

struct lw_notifier {
    struct lw_engine *engine;
    int receiver;
    struct lw_direct_progress { /* of lw_direct_message, to this receiver */
        uint64_t done, trying, attempts;
        int64_t put_ms, not_before_ms; /* wall */
        bool notified;
    } handed[LW_COMPONENTS];
};

void *lw__notifier_main(void *notifier);
/* Logs the outcome of one attempt to deliver a message. */
void lw__notifier_log_attempt(const char *receiver, const char *id, uint64_t attempts,
                              const struct lw_notifier_step *next,
                              const struct lw_post_result *result);

#endif
