/* Parses the registry's answers. They come from outside: connection.c limits their size,
 * and every field is checked before it is used.
 *
 * A schema is a text inside JSON. "schemaType" names its language and is absent for Avro.
 * References are by subject and version; Avro ignores the "name" beside them. An answer
 * without a schema does not come from a registry but from something in front of it (a
 * proxy, a login page), and proves nothing about the id. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "registry/registry_private.h"

static json_t *answer_parse(const void *body, size_t len) {
    return json_loadb(body, len, 0, NULL);
}

static int64_t json_whole(const json_t *object, const char *key, int64_t absent) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : absent;
}

static int read_references(const json_t *list, struct lw_registered *out,
                           struct lw_err *err) {
    size_t n = json_array_size(list);
    if (n > LW_REFERENCES_MAX)
        return lw_fail(err, LW_EINPUT, "it refers to %zu schemas; at most %d are read", n,
                       LW_REFERENCES_MAX);
    out->reference = lw_calloc(n + 1, sizeof *out->reference);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const char *subject = json_string_value(json_object_get(item, "subject"));
        if (!subject || !*subject || strlen(subject) >= LW_SUBJECT_MAX)
            return lw_fail(err, LW_EINPUT,
                           "reference %zu has no subject of 1 to %d bytes", i,
                           LW_SUBJECT_MAX - 1);
        out->reference[out->nreferences++] =
            (struct lw_schema_reference){subject, json_whole(item, "version", -1)};
    }
    return 0;
}

int lw__registered_parse(const void *body, size_t len, struct lw_registered *out,
                         struct lw_err *err) {
    json_t *root = answer_parse(body, len);
    const json_t *schema = json_object_get(root, "schema");
    const char *type = json_string_value(json_object_get(root, "schemaType"));
    *out = (struct lw_registered){.root = root, .id = -1, .version = -1};
    int rc = 0;
    if (!json_is_string(schema))
        rc = lw_fail(err, LW_EAGAIN,
                     "received %zu bytes that are not the answer of a schema registry",
                     len);
    else if (type && strcmp(type, "AVRO") != 0)
        rc = lw_fail(err, LW_EINPUT, "its schema is of type %.40s, not AVRO", type);
    else
        rc = read_references(json_object_get(root, "references"), out, err);
    if (rc) {
        lw__registered_fini(out);
        return -1;
    }
    out->schema = json_string_value(schema);
    out->len = json_string_length(schema);
    out->id = json_whole(root, "id", -1);
    out->version = json_whole(root, "version", -1);
    return 0;
}

void lw__registered_fini(struct lw_registered *r) {
    free(r->reference);
    json_decref(r->root);
    *r = (struct lw_registered){0};
}

int64_t lw__answer_id(const void *body, size_t len) {
    json_t *root = answer_parse(body, len);
    int64_t id = json_whole(root, "id", -1);
    json_decref(root);
    return id >= 0 && id <= UINT32_MAX ? id : -1;
}

int64_t lw__answer_error(const void *body, size_t len) {
    json_t *root = answer_parse(body, len);
    int64_t code = json_whole(root, "error_code", 0);
    json_decref(root);
    return code;
}
