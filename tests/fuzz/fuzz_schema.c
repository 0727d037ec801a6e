/* Schemas: the text of a writer's schema, a zero byte, that of a reader's, a zero
 * byte, a datum (each optional). A schema that parses must have a canonical form that
 * parses to the same fingerprint; every field of the reader is resolved for every kind
 * that its type allows, and the datum is decoded. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "event/canonical.h"
#include "event/decoder.h"
#include "event/event.h"
#include "event/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes up to the next zero byte (or the end), which is skipped. */
static const uint8_t *cut(const uint8_t **data, size_t *size, size_t *len) {
    const uint8_t *start = *data;
    const uint8_t *zero = *size ? memchr(start, 0, *size) : NULL;
    *len = zero ? (size_t)(zero - start) : *size;
    size_t used = zero ? *len + 1 : *len;
    *data += used;
    *size -= used;
    return start;
}

static struct lw_schema *parse(const uint8_t *text, size_t len) {
    struct lw_err err = {0};
    struct lw_schema *schema = lw_schema_parse((const char *)text, len, &err);
    lw_assert(schema ? err.code == LW_OK : err.code == LW_ECONFIG && err.msg[0]);
    return schema;
}

/* The canonical form cannot leave a namespace (Avro 1.11 has no "namespace": ""), so that
 * of a schema with names both inside and outside namespaces parses to another schema. */
static bool mixed_namespaces(const struct lw_schema *schema) {
    size_t in = 0, out = 0;
    for (size_t i = 0; i < schema->nnodes; i++) {
        const char *name = schema->nodes[i]->name;
        in += name && strchr(name, '.');
        out += name && !strchr(name, '.');
    }
    return in > 0 && out > 0;
}

static void check_form(const struct lw_schema *schema) {
    struct lw_buf form = {0};
    if (mixed_namespaces(schema))
        return;
    lw_canonical_form(schema, &form);
    struct lw_schema *again = parse(form.data, form.len);
    lw_assert(again && lw_schema_fingerprint(again) == lw_schema_fingerprint(schema));
    lw_schema_free(again);
    lw_buf_fini(&form);
}

static void check_field(const struct lw_schema *writer, const struct lw_schema *reader,
                        const char *name, const uint8_t *data, size_t size) {
    for (int kind = LW_NUMERIC; kind <= LW_TEXT; kind++) {
        struct lw_fields fields = {0};
        struct lw_cell cell;
        struct lw_err err = {0};
        if (lw_fields_add(&fields, name, (enum lw_kind)kind, false, NULL) < 0)
            return;
        struct lw_event_time_reading reading;
        if (kind == LW_TIMESTAMP)
            fields.field[0].unit = (uint8_t)(size % (LW_UNIT_NS + 1));
        lw_event_time_reading(reader, &fields, 0, &reading);
        struct lw_decoder *d = lw_decoder_new_avro(writer, reader, &fields, &err);
        lw_assert(d ? err.code == LW_OK : err.code == LW_ECONFIG && err.msg[0]);
        if (d && lw_decoder_decode_bytes(d, data, size, &cell, &err) < 0)
            lw_assert(err.code == LW_EINPUT && err.msg[0]);
        lw_decoder_free(d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t wlen, rlen;
    const char *const *names;
    const uint8_t *wtext = cut(&data, &size, &wlen);
    const uint8_t *rtext = cut(&data, &size, &rlen);
    struct lw_schema *writer = parse(wtext, wlen);
    struct lw_schema *reader = rlen ? parse(rtext, rlen) : NULL;
    if (writer) {
        check_form(writer);
        const struct lw_schema *as = reader ? reader : writer;
        size_t n = lw_schema_fields(as, &names);
        for (size_t i = 0; i < n && i < 8; i++) {
            char below[LW_NAME_MAX];
            check_field(writer, as, names[i], data, size);
            int len = snprintf(below, sizeof below, "%s.a", names[i]);
            if (len > 0 && len < (int)sizeof below)
                check_field(writer, as, below, data, size);
        }
    }
    lw_schema_free(writer);
    lw_schema_free(reader);
    return 0;
}
