/* What a process counts of its own work since it started. One row makes a counter: the
 * workers add to it, the engine sums it over them, and /metrics and its manual show it
 * under the row's name. */
#ifndef LW_CORE_PROCESS_COUNTER_H
#define LW_CORE_PROCESS_COUNTER_H

#include <stdint.h>

/* X(name, metric, unit, counts per unit, meaning) */
#define LW_PROCESS_COUNTER_ROWS(X)                                                       \
    X(MESSAGES, "leeway_messages_total", "", 1, "Messages consumed by this process.")    \
    X(SCORED, "leeway_scored_total", "", 1,                                              \
      "Events predicted by a champion in this process.")                                 \
    X(DEAD_LETTERED, "leeway_dead_letters_total", "", 1,                                 \
      "Messages that this process could not read and sent to the dead-letter topic.")    \
    X(FLUSHES, "leeway_flushes_total", "", 1, "Partitions flushed to Redis.")            \
    X(FLUSH_FAILURES, "leeway_flush_failures_total", "", 1,                              \
      "Flushes that Redis refused or did not answer; they are tried again.")             \
    X(FLUSH_US, "leeway_flush_seconds_total", "seconds", 1e6,                            \
      "Time in flushes; over leeway_flushes_total it is the mean.")

enum lw_process_counter {
#define LW_PROCESS_COUNTER_ENUM(name, metric, unit, per, meaning) LW_PROCESS_##name,
    LW_PROCESS_COUNTER_ROWS(LW_PROCESS_COUNTER_ENUM)
#undef LW_PROCESS_COUNTER_ENUM
        LW_PROCESS_COUNTERS
};

struct lw_process_counts {
    uint64_t n[LW_PROCESS_COUNTERS];
};

#endif
