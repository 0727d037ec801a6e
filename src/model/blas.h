/* Sets the size of OpenBLAS's thread pool, which the whole process shares. */
#ifndef LW_MODEL_BLAS_H
#define LW_MODEL_BLAS_H

/* Sets how many threads a factorisation may use, for the whole process. Call it once at
 * startup: the retrainer must not take cores from the workers that score at the same
 * time. */
void lw_blas_threads(int n);

#endif
