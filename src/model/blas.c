/* See blas.h. */
#include "model/blas.h"

#include <cblas.h>

void lw_blas_threads(int n) {
    openblas_set_num_threads(n);
}
