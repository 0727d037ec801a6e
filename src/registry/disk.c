/* Schemas kept across restarts, one file per id in `cache_dir`.
 *
 * An id is meaningful only together with its registry, so the file's name contains a hash
 * of the registry's address and the file contains the address. A file is written under a
 * temporary name and renamed: readers see all of it or nothing, and any number of
 * processes may share the directory. A file is used only if it names this registry and
 * this id, its checksum matches and the schema parses; otherwise the schema is fetched
 * and written again. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "event/canonical.h"
#include "event/node.h"
#include "registry/registry_private.h"

#define FILE_MAX (2 * LW_ANSWER_BYTES_MAX)

static void path_of(const struct lw_registry_options *o, const struct lw_frame *frame,
                    char *out, size_t size) {
    char name[48];
    lw_frame_name(name, sizeof name, frame);
    *strchr(name, ' ') = '-';
    snprintf(out, size, "%s/%016" PRIx64 "-%s.json", o->cache_dir,
             lw_canonical_crc64(o->url, strlen(o->url)), name);
}

static void sum_of(const char *schema, char *out, size_t size) {
    snprintf(out, size, "%016" PRIx64, lw_canonical_crc64(schema, strlen(schema)));
}

static bool field_equals(const json_t *root, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(root, key));
    return text && strcmp(text, value) == 0;
}

static struct lw_schema *read_schema(const json_t *root,
                                     const struct lw_registry_options *o,
                                     const struct lw_frame *frame, struct lw_err *err) {
    char name[48], sum[24];
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (!schema) {
        lw_fail(err, LW_EINPUT, "it contains no schema");
        return NULL;
    }
    sum_of(schema, sum, sizeof sum);
    if (!field_equals(root, "registry", o->url) ||
        !field_equals(root, "of", lw_frame_name(name, sizeof name, frame)) ||
        !field_equals(root, "crc64", sum)) {
        lw_fail(err, LW_EINPUT, "it is damaged or belongs to another schema");
        return NULL;
    }
    struct lw_schema *out = lw_schema_parse(schema, strlen(schema), err);
    if (!out && err)
        err->code = LW_EINPUT;
    return out;
}

struct lw_schema *lw__disk_load(const struct lw_registry_options *o,
                                const struct lw_frame *frame, struct lw_err *err) {
    char path[LW_REGISTRY_PATH_MAX + 96];
    size_t len;
    struct lw_err why = {0};
    path_of(o, frame, path, sizeof path);
    if (access(path, F_OK)) {
        lw_fail(err, LW_ENOTFOUND, "there is no %s", path);
        return NULL;
    }
    char *text = lw_read_file(path, FILE_MAX, &len, &why);
    if (!text) {
        lw_fail(err, LW_EINPUT, "%s", why.msg);
        return NULL;
    }
    json_t *root = json_loadb(text, len, 0, NULL);
    struct lw_schema *schema = read_schema(root, o, frame, &why);
    json_decref(root);
    free(text);
    if (!schema)
        lw_fail(err, LW_EINPUT, "%s: %s", path, why.msg);
    return schema;
}

int lw__disk_save(const struct lw_registry_options *o, const struct lw_frame *frame,
                  const struct lw_schema *schema, struct lw_err *err) {
    char path[LW_REGISTRY_PATH_MAX + 96], name[48], sum[24];
    const char *text = lw_schema_json(schema);
    if (mkdir(o->cache_dir, 0777) && errno != EEXIST)
        return lw_fail(err, LW_EINPUT, "cannot make %s: %s", o->cache_dir,
                       strerror(errno));
    path_of(o, frame, path, sizeof path);
    sum_of(text, sum, sizeof sum);
    json_t *root = json_object();
    json_object_set_new(root, "registry", json_string(o->url));
    json_object_set_new(root, "of", json_string(lw_frame_name(name, sizeof name, frame)));
    json_object_set_new(root, "crc64", json_string(sum));
    json_object_set_new(root, "schema", json_string(text));
    char *file = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (!file)
        return lw_fail(err, LW_EINPUT, "%s: the schema is not valid UTF-8", path);
    int rc = lw_write_file(path, file, strlen(file), err);
    free(file);
    return rc;
}
