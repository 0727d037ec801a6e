/* Helpers of the event tests: golden files, hexadecimal text, decoders from JSON. */
#ifndef LW_TESTS_UNIT_EVENT_SUPPORT_H
#define LW_TESTS_UNIT_EVENT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "event/decoder.h"

#define EVENT_DATA LW_SOURCE_DIR "/tests/data/event/"

static inline json_t *load_json(const char *name) {
    char path[512];
    snprintf(path, sizeof path, EVENT_DATA "%s", name);
    json_error_t where;
    json_t *json = json_load_file(path, 0, &where);
    if (!json)
        fail_msg("%s: %s", path, where.text);
    return json;
}

/* free() the result. Exactly len bytes are allocated, so that ASan detects a read past
 * the end. */
static inline uint8_t *from_hex(const char *hex, size_t *len) {
    *len = strlen(hex) / 2;
    uint8_t *out = malloc(*len ? *len : 1);
    for (size_t i = 0; i < *len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return out;
}

static inline struct lw_schema *schema_of_text(const char *text) {
    struct lw_err err = {0};
    struct lw_schema *schema = lw_schema_parse(text, strlen(text), &err);
    if (!schema)
        fail_msg("%s", err.msg);
    return schema;
}

static inline struct lw_schema *schema_of_json(const json_t *json) {
    char *text = json_dumps(json, 0);
    struct lw_schema *schema = schema_of_text(text);
    free(text);
    return schema;
}

static inline struct lw_fields fields_of_json(const json_t *list) {
    struct lw_fields fields = {0};
    size_t i;
    json_t *field;
    json_array_foreach(list, i, field) {
        int kind = lw_kind_parse(json_string_value(json_object_get(field, "kind")));
        assert_true(kind >= 0);
        const char *name = json_string_value(json_object_get(field, "name"));
        assert_int_equal(lw_fields_add(&fields, name, (enum lw_kind)kind, false, NULL),
                         (int)i);
    }
    return fields;
}

/* "name:kind, name:kind!" where ! means required. */
static inline struct lw_fields fields_of_text(const char *text) {
    struct lw_fields fields = {0};
    char copy[512], *rest = copy, *item;
    snprintf(copy, sizeof copy, "%s", text);
    while ((item = strtok_r(rest, ", ", &rest))) {
        char *kind = strchr(item, ':');
        *kind++ = '\0';
        bool required = kind[strlen(kind) - 1] == '!';
        if (required)
            kind[strlen(kind) - 1] = '\0';
        assert_true(lw_fields_add(&fields, item, (enum lw_kind)lw_kind_parse(kind),
                                  required, NULL) >= 0);
    }
    return fields;
}

/* A decoder with the schema as writer and reader, which need not outlive it. */
static inline struct lw_decoder *decoder_of(const char *writer, const char *reader,
                                            const char *fields, struct lw_err *err) {
    struct lw_schema *w = schema_of_text(writer);
    struct lw_schema *r = schema_of_text(reader ? reader : writer);
    struct lw_fields list = fields_of_text(fields);
    struct lw_decoder *d = lw_decoder_new_avro(w, r, &list, err);
    lw_schema_free(w);
    lw_schema_free(r);
    return d;
}

#endif
