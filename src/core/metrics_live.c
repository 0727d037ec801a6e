/* Metrics of the running stream, by the wall clock: shares of the last ten minutes, and
 * counts. */
#include <math.h>

#include "core/monitor_private.h"

static struct lw_reading live_share(uint64_t part, const struct lw_live_facts *f) {
    double value = f->messages ? (double)part / (double)f->messages : 0;
    return (struct lw_reading){
        .value = fmin(value, 1), .n = f->messages, .known = true, .significant = true};
}

static struct lw_reading live_count(double value) {
    return (struct lw_reading){
        .value = value, .n = UINT64_MAX, .known = true, .significant = true};
}

struct lw_reading lw__metric_live_silence(const struct lw_live_facts *f) {
    return live_count(f->silent_minutes);
}

struct lw_reading lw__metric_live_lag(const struct lw_live_facts *f) {
    return live_count((double)f->lag);
}

struct lw_reading lw__metric_live_dead(const struct lw_live_facts *f) {
    return live_share(f->dead, f);
}

struct lw_reading lw__metric_live_late(const struct lw_live_facts *f) {
    return live_share(f->late, f);
}

struct lw_reading lw__metric_live_suspect(const struct lw_live_facts *f) {
    return live_share(f->suspect, f);
}
