/* A message in words, for the formats that people read. Internal to the layer. */
#ifndef LW_ALERT_PHRASE_H
#define LW_ALERT_PHRASE_H

#include "alert/message.h"

/* A figure for people: four significant digits, "n/a" for NAN. */
char *lw__phrase_figure(char *out, size_t size, double v);
/* "[CRITICAL] green: error", "[RESOLVED] green: psi of trip_distance". */
char *lw__phrase_title(const struct lw_message *m, char *out, size_t size);
/* Facts as name and value ("Value", "1.234 (threshold 1.2)"), the most urgent first.
 * Returns how many were written, at most LW_FACTS. */
#define LW_FACTS 10
struct lw_fact {
    const char *name;
    char value[320];
};
size_t lw__phrase_facts(const struct lw_message *m, struct lw_fact out[LW_FACTS]);
/* The top drifted features, one line each: "trip_distance: PSI 0.31, median 1.9 → 2.6
 * (p10 0.8 → 0.9, p90 6.1 → 9.8)"; last those that are only shifted: "also shifted: flag
 * (1: 0.5 → 5.0 %)". */
size_t lw__phrase_drifted_count(const struct lw_message *m);
char *lw__phrase_drifted(const struct lw_message *m, size_t i, char *out, size_t size);
/* Segments, one line each: "PULocationID 74: 31 % of the increase, RMSE 2.1 → 3.9". */
size_t lw__phrase_segment_count(const struct lw_message *m);
char *lw__phrase_segment(const struct lw_message *m, size_t i, char *out, size_t size);

#endif
