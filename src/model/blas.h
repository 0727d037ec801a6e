/* OpenBLAS's own threads, which are the process's and not a caller's. */
#ifndef LW_MODEL_BLAS_H
#define LW_MODEL_BLAS_H

/* How many threads a factorisation may use, from now on and everywhere in the process.
 * Said once at the start of a program: the retrainer must not take the cores of the
 * workers that score meanwhile. */
void lw_blas_threads(int n);

#endif
