/* Container files: any bytes are refused with LW_EINPUT and a reason, or give a finite
 * number of records that the file's schema accepts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/container.h"
#include "event/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX 100000 /* a bomb of small records is slow, but not an error */

static void read_records(struct lw_file *file) {
    struct lw_err err = {0};
    const uint8_t *record;
    size_t len;
    int rc = 1;
    for (int n = 0; rc == 1 && n < RECORDS_MAX; n++) {
        rc = lw_file_next(file, &record, &len, &err);
        lw_assert(rc != 1 || len > 0);
        lw_assert(lw_file_progress(file) >= 0 && lw_file_progress(file) <= 1);
    }
    lw_assert(rc >= 0 || (err.code == LW_EINPUT && err.msg[0]));
    lw_file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct lw_err err = {0};
    uint8_t *copy = lw_memdup(data, size);
    FILE *stream = fmemopen(copy, size, "rb");
    lw_assert(stream);
    struct lw_file *file = lw_file_open_stream(stream, "fuzz", &err);
    if (file)
        read_records(file);
    else
        lw_assert(err.code == LW_EINPUT && err.msg[0]);
    free(copy);
    return 0;
}
