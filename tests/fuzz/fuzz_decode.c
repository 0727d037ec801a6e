/* Fuzzes decoding: the first byte chooses a pair of schemas, the rest is the datum, seen
 * under each framing too. Whatever the bytes, decoding either fails with LW_EINPUT and a
 * reason, or fills every cell with what the contract of lw_cell allows, twice the same.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder.h"
#include "event/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REC(fields)       "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, l)  "{\"type\":\"" type "\",\"logicalType\":\"" l "\"}"
#define DECIMAL(more)                                                                    \
    "{\"logicalType\":\"decimal\",\"precision\":20,\"scale\":2,\"type\":" more "}"

struct wish {
    const char *name;
    enum lw_kind kind;
};

static const struct {
    const char *writer, *reader;
    struct wish wish[12];
} pairs[] = {
    {REC(FIELD("id", "\"string\"") "," FIELD("vendor", "[\"null\",\"int\"]") "," FIELD("from", LOGICAL("long", "local-timestamp-millis")) "," FIELD(
         "to",
         LOGICAL(
             "long",
             "timestamp-micros")) "," FIELD("flag",
                                            "[\""
                                            "null\""
                                            ",\""
                                            "string\""
                                            "]") "," FIELD("zone",
                                                           "\"int\"") "," FIELD("miles",
                                                                                "\"double\"")),
     NULL,
     {{"id", LW_TEXT},
      {"vendor", LW_CATEGORY},
      {"from", LW_TIMESTAMP},
      {"to", LW_TIMESTAMP},
      {"flag", LW_CATEGORY},
      {"zone", LW_NUMERIC},
      {"miles", LW_NUMERIC}}},
    {REC(FIELD("b", "\"boolean\"") "," FIELD("f", "\"float\"") "," FIELD("w", "\"double\"") "," FIELD("y", "\"bytes\"") "," FIELD(
         "e",
         "{\"type\":\"enum\",\"name\":"
         "\"E\",\"symbols\":[\"A\",\"B\"]}") "," FIELD("x",
                                                       "{\"type\":\"fixed\",\"name\":\"X\",\"size\":3}") "," FIELD("d",
                                                                                                                   DECIMAL(
                                                                                                                       "\"bytes\"")) "," FIELD("day",
                                                                                                                                               LOGICAL(
                                                                                                                                                   "int",
                                                                                                                                                   "date"))),
     NULL,
     {{"b", LW_CATEGORY},
      {"f", LW_NUMERIC},
      {"w", LW_CATEGORY},
      {"y", LW_CATEGORY},
      {"e", LW_CATEGORY},
      {"x", LW_TEXT},
      {"d", LW_NUMERIC},
      {"day", LW_TIMESTAMP}}},
    {REC(FIELD("list", "{\"type\":\"array\",\"items\":\"string\"}") "," FIELD("map", "{\"type\":\"map\",\"values\":[\"null\",\"int\",{\"type\":\"array\",\"items\":\"null\"}]}") "," FIELD(
         "next", "[\"null\",\"R\"]") "," FIELD("z", "\"long\"")),
     NULL,
     {{"z", LW_NUMERIC}}},
    {REC(FIELD("u", "[\"null\",\"int\",\"string\",\"double\",\"boolean\"]") "," FIELD(
         "trip",
         "[\"null\","
         "{\"type\":\"record\",\"name\":\"T\",\"fields\":[" FIELD(
             "miles",
             "\"float\"") "," FIELD("tags",
                                    "{\"type\":\"array\",\"items\":\"long\"}") "]}]")),
     NULL,
     {{"u", LW_CATEGORY}, {"trip.miles", LW_NUMERIC}}},
    {REC(FIELD("old", "\"int\"") "," FIELD("gone", "\"bytes\"") "," FIELD(
         "k", "{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"A\",\"B\",\"C\"]}")),
     REC(FIELD(
         "k",
         "{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"B\",\"O\"],\"default\":\"O\"}") ",{\"name\":\"new\",\"type\":[\"null\","
                                                                                           "\"double\"],\"aliases\":[\"old\"]},"
                                                                                           "{\"name\":\"fee\",\"type\":\"string\",\"default\":\"x\"}"),
     {{"k", LW_CATEGORY}, {"new", LW_NUMERIC}, {"fee", LW_TEXT}}},
    {REC(FIELD("t", "[{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"},\"string\"]") "," FIELD(
         "s", "\"string\"") "," FIELD("u", "{\"type\":\"fixed\",\"name\":\"U\",\"size\":"
                                           "16,\"logicalType\":\"uuid\"}")),
     NULL,
     {{"t", LW_TIMESTAMP}, {"s", LW_TIMESTAMP}, {"u", LW_CATEGORY}}},
};
#define NPAIRS (sizeof pairs / sizeof *pairs)

static struct lw_schema *parse(const char *json) {
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), NULL);
    lw_assert(schema);
    return schema;
}

static struct lw_fields fields_of(size_t i) {
    struct lw_fields fields = {0};
    for (const struct wish *wish = pairs[i].wish; wish->name; wish++)
        lw_assert(lw_fields_add(&fields, wish->name, wish->kind, false, NULL) >= 0);
    return fields;
}

/* Made once a process: the fuzzer calls millions of times. */
static const struct lw_decoder *decoder_of(size_t i, const struct lw_fields *fields) {
    static struct lw_decoder *made[NPAIRS];
    if (made[i])
        return made[i];
    struct lw_schema *w = parse(pairs[i].writer);
    struct lw_schema *r = parse(pairs[i].reader ? pairs[i].reader : pairs[i].writer);
    made[i] = lw_decoder_new_avro(w, r, fields, NULL);
    lw_assert(made[i]);
    lw_schema_free(w);
    lw_schema_free(r);
    return made[i];
}

static void check_cell(const struct lw_cell *cell, enum lw_kind kind) {
    if (!cell->present) {
        lw_assert(isnan(cell->num) && cell->key == 0 && !cell->text);
        return;
    }
    if (cell->text) {
        volatile char sink = 0;
        for (uint32_t i = 0; i < cell->len; i++) /* all of it can be read */
            sink = (char)(sink ^ cell->text[i]);
        lw_assert(kind == LW_TEXT || (kind == LW_CATEGORY && isnan(cell->num) &&
                                      cell->key == lw_text_key(cell->text, cell->len)));
        return;
    }
    lw_assert(!isnan(cell->num));
    if (kind == LW_TIMESTAMP)
        lw_assert(cell->num == (double)(int64_t)cell->key);
}

static void check_decode(const struct lw_decoder *d, const struct lw_fields *fields,
                         const uint8_t *data, size_t size) {
    struct lw_cell cells[LW_FIELDS_MAX], again[LW_FIELDS_MAX];
    struct lw_err err = {0};
    int rc = lw_decoder_decode_bytes(d, data, size, cells, &err);
    if (rc < 0) {
        lw_assert(err.code == LW_EINPUT && err.msg[0]);
        return;
    }
    lw_assert(lw_decoder_decode_bytes(d, data, size, again, NULL) == 0);
    for (size_t i = 0; i < fields->n; i++) {
        check_cell(&cells[i], fields->field[i].kind);
        lw_assert(cells[i].present == again[i].present && cells[i].key == again[i].key &&
                  cells[i].text == again[i].text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_frame frame;
    if (size == 0)
        return 0;
    struct lw_fields fields = fields_of(data[0] % NPAIRS);
    const struct lw_decoder *d = decoder_of(data[0] % NPAIRS, &fields);
    check_decode(d, &fields, data + 1, size - 1);
    if (lw_framing_parse(LW_FRAMING_CONFLUENT, data + 1, size - 1, &frame, NULL) == 0)
        check_decode(d, &fields, frame.payload, frame.len);
    if (lw_framing_parse(LW_FRAMING_SINGLE, data + 1, size - 1, &frame, NULL) == 0)
        check_decode(d, &fields, frame.payload, frame.len);
    return 0;
}
