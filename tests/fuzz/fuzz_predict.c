/* Records in JSON, as /api/v1/predict takes them: the first byte says what is required,
 * the rest is the body. Whatever it is, decoding fails with LW_EINPUT and a reason, or
 * fills each cell as the Avro decoder would. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder.h"
#include "event/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"id\",\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}},"
    "{\"name\":\"n\",\"type\":[\"null\",\"double\"],\"default\":null},"
    "{\"name\":\"i\",\"type\":\"int\",\"default\":7},"
    "{\"name\":\"c\",\"type\":[\"null\",\"string\",\"long\"]},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
    "{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"l\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}},"
    "{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":20,\"scale\":2}},"
    "{\"name\":\"y\",\"type\":\"bytes\",\"default\":\"\\u00ff\"},"
    "{\"name\":\"s\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":["
    "{\"name\":\"x\",\"type\":\"float\"},{\"name\":\"a\",\"type\":{\"type\":\"array\","
    "\"items\":\"long\"}},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"string\"}}]}}]}";

static const struct {
    const char *name;
    enum lw_kind kind;
} wanted[] = {{"id", LW_TEXT},     {"n", LW_NUMERIC},  {"i", LW_NUMERIC},
              {"c", LW_CATEGORY},  {"e", LW_CATEGORY}, {"t", LW_TIMESTAMP},
              {"l", LW_TIMESTAMP}, {"d", LW_NUMERIC},  {"y", LW_CATEGORY},
              {"s.x", LW_NUMERIC}};
#define N (sizeof wanted / sizeof *wanted)

static struct lw_decoder *decoder_of(void) {
    static struct lw_decoder *made;
    static struct lw_fields fields;
    struct lw_err err = {0};
    if (made)
        return made;
    struct lw_schema *schema = lw_schema_parse(schema_text, strlen(schema_text), &err);
    lw_assert(schema);
    for (size_t i = 0; i < N; i++)
        lw_assert(lw_fields_add(&fields, wanted[i].name, wanted[i].kind, false, &err) >=
                  0);
    made = lw_decoder_new_json(schema, &fields, &err);
    lw_assert(made);
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_cell cells[N];
    struct lw_decoder_scratch scratch = {0};
    bool needed[N];
    json_error_t why;
    if (size == 0)
        return 0;
    for (size_t i = 0; i < N; i++)
        needed[i] = data[0] >> i % 8 & 1;
    json_t *body =
        json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, &why);
    struct lw_encoded_record record = {.json = body, .needed = needed};
    int rc = body ? lw_decoder_decode(decoder_of(), &record, &scratch, cells, &err) : 0;
    lw_assert(rc == 0 || (err.code == LW_EINPUT && err.msg[0]));
    for (size_t i = 0; body && rc == 0 && i < N; i++) {
        lw_assert(cells[i].present || (isnan(cells[i].num) && !cells[i].text));
        volatile char sink = 0;
        for (uint32_t k = 0; cells[i].text && k < cells[i].len; k++)
            sink = (char)(sink ^ cells[i].text[k]);
    }
    json_decref(body);
    lw_decoder_scratch_fini(&scratch);
    return 0;
}
