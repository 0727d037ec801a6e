/* Responses of a schema registry: bodies, each ended by a zero byte. The first is that of
 * an id, the others are those of the referenced subjects; as in the client, they are
 * parsed and combined, and the result is parsed as a schema. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "registry/registry_private.h"

#define PARTS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(const void *body, size_t len) {
    int64_t id = lw__answer_id(body, len);
    lw_assert(id >= -1 && id <= UINT32_MAX);
    lw__answer_error(body, len);
}

static void check_whole(const struct lw_registered *part, size_t n) {
    struct lw_text text[PARTS];
    struct lw_err err = {0};
    for (size_t i = 1; i < n; i++)
        text[i - 1] = (struct lw_text){part[i].schema, part[i].len};
    char *whole =
        lw__compose((struct lw_text){part[0].schema, part[0].len}, text, n - 1, &err);
    lw_assert(whole ? err.code == LW_OK : err.code == LW_EINPUT && err.msg[0]);
    struct lw_schema *schema = whole ? lw_schema_parse(whole, strlen(whole), &err) : NULL;
    lw_assert(!whole || (schema ? err.code == LW_OK : err.code == LW_ECONFIG));
    lw_schema_free(schema);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_registered part[PARTS];
    size_t n = 0;
    while (n < PARTS && size > 0) {
        const uint8_t *zero = memchr(data, 0, size);
        size_t len = zero ? (size_t)(zero - data) : size;
        struct lw_err err = {0};
        check_numbers(data, len);
        if (lw__registered_parse(data, len, &part[n], &err) == 0)
            n++;
        else
            lw_assert((err.code == LW_EAGAIN || err.code == LW_EINPUT) && err.msg[0]);
        data += len + (zero != NULL);
        size -= len + (zero != NULL);
    }
    if (n > 0)
        check_whole(part, n);
    for (size_t i = 0; i < n; i++)
        lw__registered_fini(&part[i]);
    return 0;
}
