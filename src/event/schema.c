/* The schema handle: from text to nodes and fingerprint. */
#include "event/canonical.h"
#include "event/node.h"
#include "event/schema_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static int parse_json(struct lw_schema *schema, struct lw_err *err) {
    json_error_t where;
    schema->root = lw_schema_text_load(schema->json, schema->json_len, &where);
    if (!schema->root)
        return lw_fail(err, LW_ECONFIG, "Avro schema: line %d, column %d: %.150s",
                       where.line, where.column, where.text);
    return 0;
}

static void schema_finish(struct lw_schema *schema) {
    const struct lw_node *top = schema->top;
    schema->names = lw_calloc(top->n + 1, sizeof *schema->names);
    for (size_t i = 0; i < top->n; i++)
        schema->names[i] = top->fields[i].name;
    struct lw_buf form = {0};
    lw_canonical_form(schema, &form);
    schema->fingerprint = lw_canonical_crc64(form.data, form.len);
    lw_buf_fini(&form);
}

static int schema_parse_text(struct lw_schema *schema, struct lw_err *err) {
    if (parse_json(schema, err) < 0 || lw_nodes_parse(schema, err) < 0)
        return -1;
    if (schema->top->type != LW_T_RECORD)
        return lw_fail(err, LW_ECONFIG, "Avro schema: an event must be a record, not %s",
                       lw_node_type_name(schema->top->type));
    schema_finish(schema);
    return 0;
}

struct lw_schema *lw_schema_parse(const char *json, size_t len, struct lw_err *err) {
    if (len > LW_SCHEMA_BYTES_MAX) {
        lw_fail(err, LW_ECONFIG, "Avro schema: %zu bytes; at most %d are supported", len,
                LW_SCHEMA_BYTES_MAX);
        return NULL;
    }
    struct lw_schema *schema = lw_calloc(1, sizeof *schema);
    struct lw_buf text = {0};
    int rc = lw_schema_text(json, len, &text, err);
    schema->json = lw_strdup(lw_buf_str(&text));
    schema->json_len = strlen(schema->json);
    if (rc == 0 && schema->json_len != text.len)
        rc = lw_fail(err, LW_ECONFIG, "Avro schema: a zero byte in the text (UTF-16?)");
    lw_buf_fini(&text);
    if (rc < 0 || schema_parse_text(schema, err) < 0) {
        lw_schema_free(schema);
        return NULL;
    }
    return schema;
}

struct lw_schema *lw_schema_load(const char *path, struct lw_err *err) {
    size_t len;
    char *json = lw_read_file(path, LW_SCHEMA_BYTES_MAX, &len, err);
    if (!json) {
        if (err && err->code == LW_EINPUT)
            err->code = LW_ECONFIG; /* name the configured file */
        return NULL;
    }
    struct lw_schema *schema = lw_schema_parse(json, len, err);
    free(json);
    if (!schema)
        lw_err_context(err, "%s", path);
    return schema;
}

void lw_schema_free(struct lw_schema *schema) {
    if (!schema)
        return;
    lw_nodes_free(schema);
    free(schema->names);
    free(schema->json);
    json_decref(schema->root);
    free(schema);
}

const char *lw_schema_name(const struct lw_schema *schema) {
    return schema->top->name;
}

const char *lw_schema_json(const struct lw_schema *schema) {
    return schema->json;
}

uint64_t lw_schema_fingerprint(const struct lw_schema *schema) {
    return schema->fingerprint;
}

size_t lw_schema_fields(const struct lw_schema *schema, const char *const **names) {
    *names = schema->names;
    return schema->top->n;
}
