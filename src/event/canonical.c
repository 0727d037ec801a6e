/* Parsing Canonical Form and its CRC-64-AVRO fingerprint.
 *
 * Avro specification 1.11, "Transforming into Parsing Canonical Form": primitives by
 * name, full names, only the attributes that parsing needs, in a fixed order, no spaces.
 * The form is written from the nodes, so a named type is spelled out at its first use
 * and named after that. The fingerprint is the Rabin fingerprint of the specification,
 * with the polynomial 0xc15d213aa4d7a795, which is also the value for no bytes. Names
 * and symbols may be any text; only what JSON must escape is escaped, so those that the
 * specification allows are written as they are. */
#include "event/canonical.h"
#include "event/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define CRC64_EMPTY UINT64_C(0xc15d213aa4d7a795)

struct form {
    struct lw_buf *out;
    const struct lw_node **seen; /* named types already spelled out */
    size_t nseen;
};

static void form_node(struct form *f, const struct lw_node *node);

static void form_text(struct form *f, const char *text) {
    lw_buf_u8(f->out, '"');
    for (; *text; text++)
        if ((unsigned char)*text < 0x20)
            lw_buf_printf(f->out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            lw_buf_printf(f->out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    lw_buf_u8(f->out, '"');
}

static bool form_seen(struct form *f, const struct lw_node *node) {
    for (size_t i = 0; i < f->nseen; i++)
        if (f->seen[i] == node)
            return true;
    f->seen[f->nseen++] = node;
    return false;
}

static void form_record(struct form *f, const struct lw_node *node) {
    lw_buf_printf(f->out, "\"type\":\"record\",\"fields\":[");
    for (size_t i = 0; i < node->n; i++) {
        lw_buf_printf(f->out, "%s{\"name\":", i ? "," : "");
        form_text(f, node->fields[i].name);
        lw_buf_printf(f->out, ",\"type\":");
        form_node(f, node->fields[i].type);
        lw_buf_printf(f->out, "}");
    }
    lw_buf_printf(f->out, "]}");
}

static void form_named(struct form *f, const struct lw_node *node) {
    if (form_seen(f, node)) {
        form_text(f, node->name);
        return;
    }
    lw_buf_printf(f->out, "{\"name\":");
    form_text(f, node->name);
    lw_buf_u8(f->out, ',');
    if (node->type == LW_T_RECORD) {
        form_record(f, node);
    } else if (node->type == LW_T_FIXED) {
        lw_buf_printf(f->out, "\"type\":\"fixed\",\"size\":%zu}", node->n);
    } else {
        lw_buf_printf(f->out, "\"type\":\"enum\",\"symbols\":[");
        for (size_t i = 0; i < node->n; i++) {
            lw_buf_printf(f->out, "%s", i ? "," : "");
            form_text(f, node->symbols[i]);
        }
        lw_buf_printf(f->out, "]}");
    }
}

static void form_node(struct form *f, const struct lw_node *node) {
    if (node->name) {
        form_named(f, node);
    } else if (node->type == LW_T_UNION) {
        lw_buf_u8(f->out, '[');
        for (size_t i = 0; i < node->n; i++) {
            lw_buf_printf(f->out, "%s", i ? "," : "");
            form_node(f, node->kids[i]);
        }
        lw_buf_printf(f->out, "]");
    } else if (node->type == LW_T_ARRAY || node->type == LW_T_MAP) {
        lw_buf_printf(f->out, node->type == LW_T_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                       : "{\"type\":\"map\",\"values\":");
        form_node(f, node->kids[0]);
        lw_buf_printf(f->out, "}");
    } else {
        lw_buf_printf(f->out, "\"%s\"", lw_node_type_name(node->type));
    }
}

void lw_canonical_form(const struct lw_schema *schema, struct lw_buf *out) {
    struct form f = {.out = out,
                     .seen = lw_calloc(schema->nnodes, sizeof(struct lw_node *))};
    form_node(&f, schema->top);
    free(f.seen);
}

uint64_t lw_canonical_crc64(const void *data, size_t len) {
    const uint8_t *bytes = data;
    uint64_t crc = CRC64_EMPTY;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (CRC64_EMPTY & -(crc & 1));
    }
    return crc;
}
