/* Replays files into the topic: each record as it was encoded (except for injected
 * drift), in the stream's framing, keyed by its id, with record time = event time; at
 * a rate, at a multiple of event time, or as fast as possible. */
#ifndef LW_ENGINE_REPLAY_H
#define LW_ENGINE_REPLAY_H

#include "engine/feed.h"

/* Before an event is sent. */
struct lw_replay_moment {
    int64_t clock_ms; /* its plausible event time (bounded by earlier events) */
    int64_t event_ms; /* its own; INT64_MIN: it is not a good event */
    int64_t mark_ms;  /* up to here, events before it have closed panes; INT64_MIN */
};

struct lw_replay_options {
    double speed; /* multiple of event time; 0: no pacing by it */
    double rate;  /* events a second; 0: no pacing by it */
    /* Called once before each event; returns false to stop. May wait. */
    bool (*pace)(void *arg, const struct lw_replay_moment *at);
    /* Called regularly while speed or rate make it wait; returns false to stop. */
    bool (*waiting)(void *arg);
    void *arg;
    const struct lw_injection *inject; /* as passed to lw_feed_inject */
    size_t ninject;
};

struct lw_replay_result {
    uint64_t produced,
        refused; /* acknowledged; unusable as events, but produced all the same */
};
/* 0, or -1: a file or the broker failed. */
int lw_replay(const struct lw_config *config, struct lw_event_feed *feed,
              const struct lw_replay_options *options, struct lw_replay_result *out,
              struct lw_err *err);

#endif
