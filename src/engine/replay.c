/* See replay.h. Outliers (a trip of 2009 among those of 2020) must not stop or rush
 * the replay: the pace follows the crowd (core/clock.h). Gaps longer than max_jump
 * are skipped. */
#include "engine/replay.h"

#include <math.h>
#include <string.h>

#include "base/time.h"
#include "core/clock.h"
#include "engine/frame_writer.h"
#include "engine/inject_avro.h"
#include "kafka/producer.h"

#define PRODUCE_MS 30000
#define FLUSH_MS   60000

struct pacer {
    const struct lw_config *config;
    const struct lw_replay_options *options;
    struct lw_clock crowd;
    int64_t clock_ms; /* plausible event time so far */
    int64_t first_ms; /* its first value */
    int64_t began_us; /* monotonic */
    uint64_t sent;
};

static void pacer_observe(struct pacer *p, int64_t event_ms) {
    lw_clock_event(&p->crowd, event_ms, INT64_MAX);
    if (p->first_ms == INT64_MIN)
        p->first_ms = p->clock_ms = event_ms;
    int64_t now = p->crowd.crowd_ms;
    if (now == INT64_MIN)
        return;
    int64_t step = now - p->clock_ms;
    if (step > p->config->spec.max_jump_ms || -step > p->config->spec.max_jump_ms)
        p->first_ms += step;
    else if (step < 0)
        return;
    p->clock_ms = now;
}

/* The time `seconds` after the start, at most a century. */
static bool sleep_until(const struct pacer *p, double seconds) {
    const double century = 100 * 365.25 * 86400;
    int64_t due_us = p->began_us + (int64_t)(fmin(seconds, century) * 1e6);
    for (;;) {
        int64_t left = due_us - lw_mono_us();
        if (left <= 0)
            return true;
        if (p->options->waiting && !p->options->waiting(p->options->arg))
            return false;
        lw_sleep_ms(left > 100000 ? 100 : left / 1000 + 1);
    }
}

/* `pace` is called once per event, after all waiting. */
static bool wait_turn(struct pacer *p, const struct lw_feed_event *event) {
    const struct lw_replay_options *o = p->options;
    struct lw_replay_moment at = {.event_ms = INT64_MIN,
                                  .mark_ms = lw_clock_mark(&p->crowd)};
    if (event->reason == LW_GOOD)
        at.event_ms = event->row.time_ms;
    if (event->reason >= 0)
        pacer_observe(p, event->row.time_ms);
    if (o->rate > 0 && !sleep_until(p, (double)p->sent / o->rate))
        return false;
    if (o->speed > 0 && p->first_ms != INT64_MIN &&
        !sleep_until(p, (double)(p->clock_ms - p->first_ms) / 1000 / o->speed))
        return false;
    p->sent++;
    at.clock_ms = p->clock_ms;
    return !o->pace || p->first_ms == INT64_MIN || o->pace(o->arg, &at);
}

static int send_event(const struct lw_config *config, struct lw_producer *producer,
                      struct lw_frame_writer *framing, const struct lw_feed_event *e,
                      struct lw_err *err) {
    const uint8_t *value;
    size_t len;
    if (lw_frame_writer_frame(framing, e, &value, &len, err))
        return -1;
    int id = config->spec.event.id_field;
    const struct lw_cell *key = e->reason >= 0 && id >= 0 ? &e->row.cells[id] : NULL;
    bool text = key && key->present && key->text;
    struct lw_record record = {.topic = config->source.topic,
                               .partition = RD_KAFKA_PARTITION_UA,
                               .key = text ? key->text : NULL,
                               .key_len = text ? key->len : 0,
                               .value = value,
                               .value_len = len,
                               .time_ms = e->reason >= 0 ? e->row.time_ms : -1};
    return lw_producer_produce(producer, &record, PRODUCE_MS, err);
}

/* Produces all events; 0 at the end or when a callback stops it. */
static int produce_all(struct pacer *p, struct lw_event_feed *feed,
                       struct lw_producer *producer, struct lw_inject_avro *reencoder,
                       struct lw_frame_writer *framing, struct lw_err *err) {
    const struct lw_replay_options *o = p->options;
    struct lw_feed_event event;
    int got;
    while ((got = lw_feed_next(feed, &event, err)) > 0) {
        if (event.injected &&
            lw_inject_avro_event(reencoder, o->inject, o->ninject, &event, err))
            return -1;
        if (!wait_turn(p, &event))
            return 0;
        if (send_event(p->config, producer, framing, &event, err))
            return -1;
    }
    return got;
}

int lw_replay(const struct lw_config *config, struct lw_event_feed *feed,
              const struct lw_replay_options *options, struct lw_replay_result *out,
              struct lw_err *err) {
    struct lw_producer *producer = lw_producer_new(&config->kafka, err);
    struct pacer pacer = {.config = config,
                          .options = options,
                          .first_ms = INT64_MIN,
                          .began_us = lw_mono_us()};
    if (!producer)
        return -1;
    struct lw_frame_writer *framing = lw_frame_writer_new(config, err);
    if (!framing) {
        lw_producer_free(producer);
        return -1;
    }
    lw_clock_init(&pacer.crowd, &config->spec);
    struct lw_inject_avro *reencoder = lw_inject_avro_new(&config->spec.event.fields);
    int rc = produce_all(&pacer, feed, producer, reencoder, framing, err);
    if (rc == 0)
        rc = lw_producer_flush(producer, FLUSH_MS, err);
    out->produced = lw_producer_acked(producer);
    out->refused = lw_feed_unusable(feed);
    lw_inject_avro_free(reencoder);
    lw_frame_writer_free(framing);
    lw_producer_free(producer);
    return rc;
}
