/* Trips of a file as messages of the benchmark's schema (trip.avsc): everything but the
 * two times is encoded once, so that creating a message is a copy. */
#ifndef LW_BENCHMARKS_STREAM_TRIPS_H
#define LW_BENCHMARKS_STREAM_TRIPS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MESSAGE_MAX 96

struct bench_trips {
    size_t n;
    uint8_t *bytes;       /* the encoded fields after the times, one trip after another */
    uint32_t *start;      /* n + 1 positions in bytes */
    int64_t *duration_ms; /* of the trip */
    uint64_t zones;       /* 0: pick-up zones of the file; else drawn from this many */
};

/* Reads the trips with a positive duration of at most a day (drop-off times are replaced,
 * and a wrong clock would put the pick-up far away). Exits with a message if the file
 * cannot be read. */
void bench_trips_load(struct bench_trips *trips, const char *path);
void bench_trips_free(struct bench_trips *trips);

/* Message i, looping over the file, of a trip that ends at dropoff_ms; returns its
 * length. */
size_t bench_trips_message(const struct bench_trips *trips, uint64_t i,
                           int64_t dropoff_ms, uint8_t out[BENCH_MESSAGE_MAX]);

#endif
