/* Five columns of a month of trips in memory, for the drift benchmarks. */
#ifndef LW_BENCHMARKS_DRIFT_TRIPS_H
#define LW_BENCHMARKS_DRIFT_TRIPS_H

#include "leeway/profile.h"

enum { TRIPS_COLUMNS = 5 };

struct trips {
    size_t n;
    struct lw_cell *cells; /* n rows of TRIPS_COLUMNS */
    int *day;              /* of the pick-up, counted from 1 January 1970 */
};

extern const struct lw_column trips_columns[TRIPS_COLUMNS];

/* Reads an Avro file of green trips; exits with the reason on failure. */
struct trips trips_load(const char *path);
void trips_free(struct trips *t);
/* Profile of rows order[from .. from + n); order NULL: in file order. */
struct lw_profile *trips_profile(const struct trips *t, const size_t *order, size_t from,
                                 size_t n, uint64_t seed);

#endif
