/* Reads `history`, thinned out: the stream has tens of thousands of entries with
 * hundreds of fields, a chart about a thousand pixels. Redis returns the chosen fields
 * of the last entry of each slice of time, a few slices per step, so neither side
 * handles more than is shown. Thread: the connection's. */
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
    void (*pause)(void *arg); /* between two steps; NULL: no pause */
    void *arg;
};

/* Rows in order of time: value[i * nfields + k], NAN if the entry lacks the field. The
 * span's last entry is always included. thinned: some entries were left out. */
struct lw_history {
    size_t n;
    int64_t *at_ms;
    double *value;
    bool thinned;
};
/* One round trip per 20 slices. */
int lw_history_read(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_history_query *query, struct lw_history *out,
                    struct lw_err *err);
void lw_history_fini(struct lw_history *h);

#endif
