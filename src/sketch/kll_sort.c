/* Sorting and merging the levels of a KLL sketch, which take most of its time.
 *
 * Sorting: level 0 takes all the room that the levels above leave: 16 to 128 unsorted
 * items during most of a sketch's life. A sorting network sorts runs of 16: its
 * comparisons are fixed, each is a minimum and a maximum, and no branch can be
 * mispredicted. The runs are then merged in pairs, alternating between the level and a
 * buffer on the stack. Shorter runs are padded with infinities, which stay at the end. 16
 * items: Green's network of 60 comparators; 8 items: Batcher's of 19 (Knuth, volume 3,
 * section 5.3.4). Levels longer than the buffer (k above 1000) are sorted in pieces of
 * its size, which are merged one after another.
 *
 * Merging: which of two items is smaller cannot be predicted, so the comparison moves
 * indices instead of branching, and each step waits for the one before. Two such chains,
 * one from the front and one from the back, run side by side in the time of one. Up to 16
 * items need no chain: one side ascending, infinities, and the other side descending form
 * a bitonic sequence, which four layers of comparators sort (Batcher 1968). */
#include <math.h>
#include <string.h>

#include "kll_impl.h"

/* Values are never NaN or negative zero, so a minimum and a maximum are an exchange. */
static inline void pair_order(double *w, int i, int j) {
    double a = w[i], b = w[j];
    w[i] = a < b ? a : b;
    w[j] = a > b ? a : b;
}
#define ORDER(i, j) pair_order(w, i, j)

/* Each layer of the network starts a new line. */
/* clang-format off */
static inline void network_8(double *w) {
    ORDER(0, 2); ORDER(1, 3); ORDER(4, 6); ORDER(5, 7);
    ORDER(0, 4); ORDER(1, 5); ORDER(2, 6); ORDER(3, 7);
    ORDER(0, 1); ORDER(2, 3); ORDER(4, 5); ORDER(6, 7);
    ORDER(2, 4); ORDER(3, 5);
    ORDER(1, 4); ORDER(3, 6);
    ORDER(1, 2); ORDER(3, 4); ORDER(5, 6);
}

static inline void network_16(double *w) {
    ORDER(0, 1); ORDER(2, 3); ORDER(4, 5); ORDER(6, 7); ORDER(8, 9);
    ORDER(10, 11); ORDER(12, 13); ORDER(14, 15);
    ORDER(0, 2); ORDER(1, 3); ORDER(4, 6); ORDER(5, 7); ORDER(8, 10);
    ORDER(9, 11); ORDER(12, 14); ORDER(13, 15);
    ORDER(0, 4); ORDER(1, 5); ORDER(2, 6); ORDER(3, 7); ORDER(8, 12);
    ORDER(9, 13); ORDER(10, 14); ORDER(11, 15);
    ORDER(0, 8); ORDER(1, 9); ORDER(2, 10); ORDER(3, 11); ORDER(4, 12);
    ORDER(5, 13); ORDER(6, 14); ORDER(7, 15);
    ORDER(5, 10); ORDER(6, 9); ORDER(3, 12); ORDER(13, 14); ORDER(4, 8);
    ORDER(7, 11); ORDER(1, 2);
    ORDER(1, 4); ORDER(7, 13); ORDER(2, 8); ORDER(11, 14);
    ORDER(2, 4); ORDER(5, 6); ORDER(9, 10); ORDER(11, 13); ORDER(3, 8);
    ORDER(7, 12);
    ORDER(6, 8); ORDER(10, 12); ORDER(3, 5); ORDER(7, 9);
    ORDER(3, 4); ORDER(5, 6); ORDER(7, 8); ORDER(9, 10); ORDER(11, 12);
    ORDER(6, 7); ORDER(8, 9);
}

/* Sorts a sequence that rises and then falls. */
static inline void bitonic_16(double *w) {
    ORDER(0, 8); ORDER(1, 9); ORDER(2, 10); ORDER(3, 11);
    ORDER(4, 12); ORDER(5, 13); ORDER(6, 14); ORDER(7, 15);
    ORDER(0, 4); ORDER(1, 5); ORDER(2, 6); ORDER(3, 7);
    ORDER(8, 12); ORDER(9, 13); ORDER(10, 14); ORDER(11, 15);
    ORDER(0, 2); ORDER(1, 3); ORDER(4, 6); ORDER(5, 7);
    ORDER(8, 10); ORDER(9, 11); ORDER(12, 14); ORDER(13, 15);
    ORDER(0, 1); ORDER(2, 3); ORDER(4, 5); ORDER(6, 7);
    ORDER(8, 9); ORDER(10, 11); ORDER(12, 13); ORDER(14, 15);
}
/* clang-format on */

/* Merges from the back, where the room is: no item is overwritten before it is read. */
static void merge_back(double *v, size_t na, const double *b, size_t nb) {
    while (na > 0 && nb > 0) {
        double x = v[na - 1], y = b[nb - 1];
        size_t first = x > y;
        v[na + nb - 1] = x > y ? x : y;
        na -= first;
        nb -= 1 - first;
    }
    if (nb > 0)
        memcpy(v, b, nb * sizeof *b);
}

/* Merges from both ends. A round takes half of the shorter side from each end, so neither
 * side can run out within it. At the end at most one item is left on a side. */
static void merge_both(double *v, const double *a, size_t na, const double *b,
                       size_t nb) {
    double *end = v + na + nb;
    while (na > 1 && nb > 1) {
        size_t rounds = (na < nb ? na : nb) / 2;
        const double *a_end = a + na, *b_end = b + nb;
        for (size_t i = 0; i < rounds; i++) {
            double x = *a, y = *b, p = a_end[-1], q = b_end[-1];
            size_t a_first = x<y, a_last = p> q;
            *v++ = x < y ? x : y;
            *--end = p > q ? p : q;
            a += a_first;
            b += 1 - a_first;
            a_end -= a_last;
            b_end -= 1 - a_last;
        }
        na = (size_t)(a_end - a);
        nb = (size_t)(b_end - b);
    }
    memcpy(v, a, na * sizeof *a);
    merge_back(v, na, b, nb);
}

/* Merges at most 16 items in total. */
static void merge_few(double *v, size_t na, const double *b, size_t nb) {
    double w[16];
    for (size_t i = 0; i < 16; i++)
        w[i] = INFINITY;
    for (size_t i = 0; i < na; i++)
        w[i] = v[i];
    for (size_t i = 0; i < nb; i++)
        w[15 - i] = b[i];
    bitonic_16(w);
    memcpy(v, w, (na + nb) * sizeof *v);
}

void lw__kll_merge_in(double *v, size_t na, const double *b, size_t nb) {
    enum { BOTH_MIN = 12, BOTH_MAX = 512 };
    double a[BOTH_MAX];
    if (na + nb <= 16) {
        merge_few(v, na, b, nb);
        return;
    }
    if (na < BOTH_MIN || nb < BOTH_MIN || na > BOTH_MAX) {
        merge_back(v, na, b, nb);
        return;
    }
    memcpy(a, v, na * sizeof *a);
    merge_both(v, a, na, b, nb);
}

/* Sorts at most 16 items. */
static void sort_few(double *v, uint32_t n) {
    double w[16];
    for (uint32_t i = 0; i < 16; i++)
        w[i] = INFINITY;
    memcpy(w, v, n * sizeof *v);
    if (n > 8)
        network_16(w);
    else
        network_8(w);
    memcpy(v, w, n * sizeof *v);
}

enum { RUN = 16, PIECE = 1024 };

static uint32_t key_least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Merges neighbouring runs of `run` items; the last may be shorter. */
static void merge_pairs(double *to, const double *from, uint32_t n, uint32_t run) {
    for (uint32_t at = 0; at < n; at += 2 * run) {
        uint32_t na = key_least(run, n - at), nb = key_least(run, n - at - na);
        merge_both(to + at, from + at, na, from + at + na, nb);
    }
}

/* Sorts at most PIECE items. */
static void sort_piece(double *v, uint32_t n) {
    double buffer[PIECE], *from = v, *to = buffer;
    for (uint32_t at = 0; at < n; at += RUN)
        sort_few(v + at, key_least(RUN, n - at));
    for (uint32_t run = RUN; run < n; run *= 2) {
        double *sorted = to;
        merge_pairs(to, from, n, run);
        to = from;
        from = sorted;
    }
    if (from != v)
        memcpy(v, from, n * sizeof *v);
}

void lw__kll_sort(double *v, uint32_t n) {
    for (uint32_t done = 0; done < n; done += PIECE) {
        double piece[PIECE];
        uint32_t size = key_least(PIECE, n - done);
        sort_piece(v + done, size);
        if (done == 0)
            continue;
        memcpy(piece, v + done, size * sizeof *v);
        lw__kll_merge_in(v, done, piece, size);
    }
}
