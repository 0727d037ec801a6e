/* Model files of other programs: any bytes are refused with a reason, or give a model that
 * predicts a number and whose exports give the same model again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "exchange/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void describe_stream(struct lw_exchange *to, struct lw_fields *fields) {
    static const struct lw_calendars none;
    static const char *const names[] = {"x", "y", "zone", "at", "fare"};
    static const enum lw_kind kinds[] = {LW_NUMERIC, LW_NUMERIC, LW_CATEGORY,
                                         LW_TIMESTAMP, LW_NUMERIC};
    for (size_t i = 0; i < 5; i++)
        lw_fields_add(fields, names[i], kinds[i], false, NULL);
    *to = (struct lw_exchange){.name = "model",
                               .fields = fields,
                               .leaks = 4,
                               .zone_name = "",
                               .calendars = &none};
}

static void export_again(const struct lw_exchange *to, const struct lw_model *m) {
    for (int format = LW_EXCHANGE_AVRO; format <= LW_EXCHANGE_XGBOOST; format++) {
        struct lw_buf out = {0};
        struct lw_err err = {0};
        enum lw_exchange_format was;
        if (lw_exchange_export(m, (enum lw_exchange_format)format, &out, &err)) {
            lw_assert(err.msg[0]);
            continue;
        }
        struct lw_model *again = lw_exchange_import(to, out.data, out.len, &was, &err);
        lw_assert(again && lw_model_fingerprint(again) == lw_model_fingerprint(m));
        lw_model_free(again);
        lw_buf_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_fields fields = {0};
    struct lw_exchange to;
    struct lw_err err = {0};
    enum lw_exchange_format format;
    describe_stream(&to, &fields);
    struct lw_model *m = lw_exchange_import(&to, data, size, &format, &err);
    if (!m) {
        lw_assert((err.code == LW_EINPUT || err.code == LW_ECONFIG) && err.msg[0]);
        return 0;
    }
    struct lw_cell cells[5];
    for (int i = 0; i < 5; i++)
        cells[i] = lw_cell_missing();
    struct lw_row row = {.cells = cells, .target = NAN};
    lw_assert(!isnan(lw_model_predict(m, &row)));
    if (format != LW_EXCHANGE_AVRO) /* nodes of a file may be in any order */
        export_again(&to, m);
    lw_model_free(m);
    return 0;
}
