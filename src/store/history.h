/* Reading `history`, thinned: a chart has some thousand pixels, the stream has some ten
 * thousand entries of some hundred fields. Redis picks the fields and, of each slice of
 * time, the last entry, a few slices a step, so that neither it nor we handle more than
 * is shown. Thread: the one of the connection. */
#ifndef LW_STORE_HISTORY_H
#define LW_STORE_HISTORY_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_HISTORY_FIELDS_MAX 256

struct lw_history_query {
    int64_t from_ms, until_ms; /* inclusive; INT64_MIN, INT64_MAX: open */
    size_t max;                /* entries at most; >= 1 */
    size_t nfields;            /* <= LW_HISTORY_FIELDS_MAX */
    const char *const *field;
    void (*pause)(void *arg); /* between two steps; NULL: go on at once */
    void *arg;
};

/* Rows in order of time: value[i * nfields + k], NAN where the entry lacks the field. The
 * last entry of the span is always among them. thinned: some were passed over. */
struct lw_history {
    size_t n;
    int64_t *at_ms;
    double *value;
    bool thinned;
};
/* One round trip for every 20 slices. */
int lw_history_read(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_history_query *query, struct lw_history *out,
                    struct lw_err *err);
void lw_history_fini(struct lw_history *h);

#endif
