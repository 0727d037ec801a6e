/* Error by segment: the loss by value of each category, and the few worst events, of the
 * version that answers.
 *
 * Both are bounded. The first LW_SEGMENTS_MAX values of a category have a sum each, later
 * ones share one. The result depends on the events alone, not on the process or the
 * number of parts that counted them, so a pane rebuilt after a crash has the same bytes.
 * Cost: add O(1); no allocation for a value already seen. Thread: one at a time. */
#ifndef LW_CORE_SEGMENTS_H
#define LW_CORE_SEGMENTS_H

#include "base/buf.h"
#include "leeway/row.h"

#define LW_SEGMENTS_MAX  512
#define LW_EXAMPLES_MAX  3
#define LW_EXAMPLE_BYTES 48

struct lw_segment_error {
    uint64_t key; /* of the category (leeway/row.h) */
    uint64_t n;   /* 0: an empty slot */
    double loss;  /* sum of losses */
};

struct lw_segments {
    size_t n, slots; /* number of values; of slots, a power of two or 0 */
    struct lw_segment_error *slot;
    struct lw_segment_error rest; /* values past the bound, together */
};

void lw_segments_fini(struct lw_segments *s);
void lw_segments_reset(struct lw_segments *s); /* memory kept */
void lw_segments_add(struct lw_segments *s, uint64_t key, uint64_t n, double loss);
void lw_segments_merge(struct lw_segments *s, const struct lw_segments *other);
/* NULL when the value has no sum of its own. */
const struct lw_segment_error *lw_segments_find(const struct lw_segments *s,
                                                uint64_t key);
/* Little-endian, in order of key: equal contents, equal bytes. */
void lw_segments_write(const struct lw_segments *s, struct lw_buf *out);
/* Into an empty one; sets r->bad when the bytes are invalid. */
void lw_segments_read(struct lw_segments *s, struct lw_reader *r);

/* The events with the largest losses, largest first. */
struct lw_example {
    double loss;
    char id[LW_EXAMPLE_BYTES]; /* as lw_text_show() shows it; NUL-terminated */
};
struct lw_examples {
    size_t n;
    struct lw_example worst[LW_EXAMPLES_MAX];
};
/* id: the event's identifier; an event without one is skipped. Of equal losses the
 * first one stays. */
void lw_examples_add(struct lw_examples *x, const struct lw_cell *id, double loss);
void lw_examples_merge(struct lw_examples *x, const struct lw_examples *other);
void lw_examples_write(const struct lw_examples *x, struct lw_buf *out);
void lw_examples_read(struct lw_examples *x, struct lw_reader *r);

#endif
