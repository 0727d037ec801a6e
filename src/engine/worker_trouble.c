/* Troubles that a worker reports for health. They are rare, so a lock is cheap. */
#include "base/text.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define OVER_MS 90000 /* longer than any wait: the trouble is over */

void lw__worker_trouble_report(struct lw_worker *w, enum lw_worker_trouble_kind which,
                               const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&w->word_lock);
    struct lw_worker_trouble *word = &w->word[which];
    if (!word->text[0] || now - word->heard_ms >= OVER_MS)
        *word = (struct lw_worker_trouble){.since_ms = now};
    word->heard_ms = now;
    word->code = why->code;
    if (!word->text[0] || why->code != LW_EAGAIN) /* the first text says most */
        lw_copy(word->text, sizeof word->text, why->msg);
    pthread_mutex_unlock(&w->word_lock);
}

void lw__worker_trouble_clear(struct lw_worker *w, enum lw_worker_trouble_kind which) {
    pthread_mutex_lock(&w->word_lock);
    w->word[which].text[0] = '\0';
    pthread_mutex_unlock(&w->word_lock);
}

void lw__worker_trouble_clear_retry(struct lw_worker *w,
                                    enum lw_worker_trouble_kind which) {
    pthread_mutex_lock(&w->word_lock);
    if (w->word[which].code == LW_EAGAIN)
        w->word[which].text[0] = '\0';
    pthread_mutex_unlock(&w->word_lock);
}

void lw__worker_troubles(struct lw_worker *w,
                         struct lw_worker_trouble out[LW_WORKER_TROUBLES]) {
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&w->word_lock);
    for (int i = 0; i < LW_WORKER_TROUBLES; i++) {
        out[i] = w->word[i];
        /* the client reports only once why it cannot join */
        bool stays = i == LW_WORKER_TROUBLE_STALLED ||
                     (i == LW_WORKER_TROUBLE_GROUP && atomic_load(&w->owned) == 0);
        if (!stays && now - out[i].heard_ms >= OVER_MS)
            out[i].text[0] = '\0';
    }
    pthread_mutex_unlock(&w->word_lock);
}
