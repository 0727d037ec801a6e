/* Dead letters: an unreadable message, unchanged, with the reason in the headers of
 * Kafka Connect; and the way back from a dead letter to the message.
 *
 * Key, value, time and headers are the original's. Its headers are followed, in this
 * order, by __connect.errors.topic, .partition, .offset, .connector.name (the
 * stream), .stage, .class.name ("leeway"), .exception.class.name (the error's code),
 * .exception.message. A replayed message carries leeway.replays, the number of
 * replays. */
#ifndef LW_KAFKA_LETTER_H
#define LW_KAFKA_LETTER_H

#include "kafka/producer.h"

#define LW_LETTER_REPLAYS "leeway.replays"
/* For a value that is too large for the dead-letter topic: the value is null, and
 * this is its size in bytes. The value is still in the original topic. */
#define LW_LETTER_SIZE "leeway.value.size"

struct lw_reason {
    const char *topic;  /* of dead letters */
    const char *stream; /* that rejects the message */
    const char
        *stage; /* "VALUE_CONVERTER": decoding, "TRANSFORMATION": making an event */
    const struct lw_err *why;
};

/* Queues the letter of m. LW_EAGAIN: no room in the local queue for timeout_ms. A value
 * that has been found too large for the topic is left out. */
int lw_letter_send(struct lw_producer *p, const rd_kafka_message_t *m,
                   const struct lw_reason *reason, int timeout_ms, struct lw_err *err);

/* A letter as it was read. */
struct lw_letter {
    char topic[250]; /* where the message came from */
    int32_t partition;
    int64_t offset;
    char stream[96], stage[64], kind[64];
    char reason[512];
    uint64_t replays; /* how often the message had been replayed when it failed */
    int64_t cut;      /* bytes of a value that was left out; -1: nothing was */
    size_t noriginal; /* so many of the headers are the message's own */
};
/* False: m lacks the headers above, so it is not a dead letter. */
int lw_letter_read(const rd_kafka_message_t *m, struct lw_letter *out);
/* Queues the message that the letter m was made from: same key, value, time and
 * headers, and leeway.replays one higher. partition: RD_KAFKA_PARTITION_UA, or where
 * to. LW_EINPUT: its value is not in the letter, or it can never be sent; LW_EAGAIN,
 * LW_ENOTFOUND: as lw_producer_produce. */
int lw_letter_replay(struct lw_producer *p, const rd_kafka_message_t *m,
                     const struct lw_letter *letter, const char *topic, int32_t partition,
                     struct lw_err *err);

#endif
