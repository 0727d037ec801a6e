/* Records that a worker sends to Kafka: dead letters, and predictions for
 * source.scored.
 *
 * Both are acknowledged before the flush that moves the offset past their message, so
 * a crash may repeat but never lose them. Every wait is bounded, because the worker
 * must keep polling: what finds no room or no answer is retried in the next round,
 * and consuming is paused until then.
 *
 * Records that Kafka rejects (a revoked permission, a topic that does not accept
 * them), and those that a failed producer did not deliver, are produced again from
 * the messages since the last flush, with a new producer if needed, and with growing
 * back-off until Kafka accepts them. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "event/scored.h"

#define ACK_MS         1000 /* one wait for acknowledgements */
#define AGAIN_FIRST_MS 3000 /* after a rejection, doubling */
#define AGAIN_MAX_MS   60000

int lw__worker_out_open(struct lw_worker *w, struct lw_err *err) {
    const struct lw_config_source *source = &w->config->source;
    if (!source->dead_letters[0] && !source->scored[0])
        return 0;
    w->out = lw_producer_new(&w->config->kafka, err);
    if (w->out && source->scored[0])
        w->predictions = lw_sender_new(w->out, source->scored, err);
    return w->out && (w->predictions || !source->scored[0]) ? 0 : -1;
}

void lw__worker_out_close(struct lw_worker *w) {
    lw_sender_free(w->predictions);
    lw_producer_free(w->out);
    w->predictions = NULL;
    w->out = NULL;
}

/* Refreshes the client's metadata: a missing topic may have been created. */
static int look_for(struct lw_worker *w, const char *topic, struct lw_err *err) {
    return topic[0] ? lw_kafka_partitions(lw_producer_handle(w->out), topic, ACK_MS, err)
                    : 0;
}

int lw__worker_out_letter(struct lw_worker *w, const rd_kafka_message_t *m,
                          const char *stage, const struct lw_err *why,
                          struct lw_err *err) {
    const struct lw_reason reason = {.topic = w->config->source.dead_letters,
                                     .stream = w->spec->stream,
                                     .stage = stage,
                                     .why = why};
    if (!reason.topic[0])
        return 0; /* counted and dropped, as configured */
    struct lw_err trouble = {0};
    w->unacked = true;
    if (lw_letter_send(w->out, m, &reason, ACK_MS, &trouble) == 0) {
        w->letter_sent = true;
        return 0;
    }
    lw__worker_trouble_report(w, LW_WORKER_TROUBLE_LETTERS, &trouble);
    if (trouble.code == LW_ENOTFOUND) /* librdkafka does not check again by itself */
        look_for(w, reason.topic, NULL);
    return lw_fail(err, trouble.code, "%s", trouble.msg);
}

void lw__worker_out_prediction(struct lw_worker *w, const rd_kafka_message_t *m,
                               const struct lw_row *row, const struct lw_scored *scored) {
    int id = w->spec->event.id_field;
    const struct lw_scored_event e = {.id = id >= 0 ? &row->cells[id] : NULL,
                                      .topic = w->config->source.topic,
                                      .partition = m->partition,
                                      .offset = m->offset,
                                      .time_ms = row->time_ms,
                                      .prediction = scored->served,
                                      .version = scored->version,
                                      .untracked = scored->prediction};
    w->unacked = w->scored_sent = true;
    lw_scored_key(e.id, lw_sender_key(w->predictions));
    lw_scored_value(&e, lw_sender_value(w->predictions));
    lw_sender_put(w->predictions);
}

/* A rejection is kept until the partitions are read again; every wait for
 * acknowledgements returns it. */
static int keep_refusal(struct lw_worker *w, struct lw_err *err) {
    if (err->code != LW_EAGAIN)
        w->refusal = *err;
    return -1;
}

int lw__worker_out_send(struct lw_worker *w, struct lw_err *err) {
    if (!w->out)
        return 0;
    if (!w->predictions || lw_sender_left(w->predictions) == 0) {
        lw_producer_poll(w->out);
        return 0;
    }
    return lw_sender_send(w->predictions, err) ? keep_refusal(w, err) : 0;
}

/* librdkafka queues messages for a missing topic without an error. Asked once,
 * because the reason is logged once. */
static void explain_missing_topic(struct lw_worker *w, struct lw_err *why) {
    const struct lw_config_source *source = &w->config->source;
    struct lw_err missing = {0};
    if (why->code != LW_EAGAIN || w->paused)
        return;
    if (look_for(w, source->dead_letters, &missing) >= 0 ||
        missing.code != LW_ENOTFOUND) {
        lw_err_clear(&missing);
        look_for(w, source->scored, &missing);
    }
    if (missing.code == LW_ENOTFOUND)
        lw_err_context(why, "%s (create it; see leeway check)",
                       lw_kafka_bare(missing.msg));
}

static void schedule_renewal(struct lw_worker *w, const struct lw_err *why) {
    int64_t next = w->send_wait_ms ? 2 * w->send_wait_ms : AGAIN_FIRST_MS;
    w->send_wait_ms = next < AGAIN_MAX_MS ? next : AGAIN_MAX_MS;
    w->renew_at_ms = lw_mono_ms() + w->send_wait_ms;
    lw_copy(w->out_why, sizeof w->out_why, why->msg);
}

/* True if the text names the topic. */
static bool names_topic(const char *text, const char *topic) {
    size_t len = strlen(topic);
    for (const char *at = len ? strstr(text, topic) : NULL; at;
         at = strstr(at + 1, topic))
        if (at > text && at[-1] == ' ' && (!at[len] || strchr(" :", at[len])))
            return true;
    return false;
}

/* A reason that names neither topic counts for both. */
static void report_unsent(struct lw_worker *w, const struct lw_err *why) {
    const struct lw_config_source *source = &w->config->source;
    bool letters = names_topic(why->msg, source->dead_letters);
    bool scored = names_topic(why->msg, source->scored);
    if (source->dead_letters[0] && (letters || !scored))
        lw__worker_trouble_report(w, LW_WORKER_TROUBLE_LETTERS, why);
    if (source->scored[0] && (scored || !letters))
        lw__worker_trouble_report(w, LW_WORKER_TROUBLE_PREDICTIONS, why);
}

/* A rejection is over when a record is acknowledged, not when none was sent. */
static void report_sent(struct lw_worker *w) {
    if (w->letter_sent)
        lw__worker_trouble_clear(w, LW_WORKER_TROUBLE_LETTERS);
    if (w->scored_sent)
        lw__worker_trouble_clear(w, LW_WORKER_TROUBLE_PREDICTIONS);
    lw__worker_trouble_clear_retry(w, LW_WORKER_TROUBLE_LETTERS);
    lw__worker_trouble_clear_retry(w, LW_WORKER_TROUBLE_PREDICTIONS);
    w->letter_sent = w->scored_sent = false;
}

int lw__worker_out_await_acks(struct lw_worker *w, struct lw_err *err) {
    struct lw_err why = w->refusal;
    if (!w->unacked)
        return 0;
    if (why.code == LW_OK && lw__worker_out_send(w, &why) == 0 &&
        lw_producer_flush(w->out, ACK_MS, &why))
        keep_refusal(w, &why);
    explain_missing_topic(w, &why);
    if (why.code) {
        report_unsent(w, &why);
        return lw_fail(err, why.code, "%s", why.msg);
    }
    report_sent(w);
    w->unacked = false;
    w->send_wait_ms = 0;
    return 0;
}

/* Replaces a failed producer. If that fails (a certificate is being written), the next
 * rejection tries again. */
static void renew_producer(struct lw_worker *w) {
    struct lw_err err = {0};
    if (!lw_producer_failed(w->out))
        return;
    if (lw_producer_renew(w->out, &err)) {
        lw_log(producer_retry, w->owner, LW_QUOTE(err.msg));
        return;
    }
    lw_log(producer_renewed, w->owner, LW_QUOTE(w->out_why));
}

int64_t lw__worker_out_drop(struct lw_worker *w, const struct lw_err *why) {
    w->letter_sent = w->scored_sent = false;
    if (w->predictions)
        lw_sender_drop(w->predictions);
    lw_err_clear(&w->refusal);
    w->unacked = false;
    schedule_renewal(w, why);
    renew_producer(w);
    look_for(w, w->config->source.dead_letters, NULL);
    look_for(w, w->config->source.scored, NULL);
    return w->send_wait_ms;
}

void lw__worker_out_check(struct lw_worker *w, int64_t now) {
    struct lw_err why = {0};
    if (!w->out || w->unacked || now < w->renew_at_ms)
        return;
    if (lw_producer_failed(w->out) && lw_producer_flush(w->out, 0, &why)) {
        lw_log(refused, w->owner, LW_QUOTE(why.msg));
        report_unsent(w, &why);
        schedule_renewal(w, &why);
        renew_producer(w);
    } else {
        w->send_wait_ms = 0; /* no failure during the back-off */
    }
}
