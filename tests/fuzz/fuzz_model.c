/* Model files: any bytes are refused with a reason, or give a model that survives a round
 * trip, binds to its own fields, and predicts a number for a row of missing values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "leeway/err.h"
#include "leeway/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict(struct lw_model *m) {
    struct lw_err err = {0};
    struct lw_fields fields = *lw_model_fields(m);
    struct lw_cell cells[LW_FIELDS_MAX];
    for (int filled = 0; filled < 2; filled++) {
        for (size_t i = 0; i < fields.n; i++)
            cells[i] = filled ? (struct lw_cell){.present = true, .num = 7, .key = 7}
                              : (struct lw_cell){.num = NAN};
        struct lw_row row = {.cells = cells, .target = NAN};
        if (lw_model_bind(m, &fields, &err) == 0)
            lw_assert(!isnan(lw_model_predict(m, &row)));
        else
            lw_assert(err.code == LW_ECONFIG && err.msg[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0};
    struct lw_model *m = lw_model_decode(data, size, &err);
    if (!m) {
        lw_assert(err.code == LW_EINPUT && err.msg[0]);
        return 0;
    }
    lw_assert(lw_model_encode(m, &bytes, &err) == 0);
    struct lw_model *again = lw_model_decode(bytes.data, bytes.len, &err);
    lw_assert(again && lw_model_fingerprint(again) == lw_model_fingerprint(m));
    predict(m);
    lw_model_free(again);
    lw_model_free(m);
    lw_buf_fini(&bytes);
    return 0;
}
