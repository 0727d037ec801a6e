/* Helpers shared by the registry's tests: options for a peer, answers, frames, a
 * directory. */
#ifndef LW_TESTS_UNIT_REGISTRY_SUPPORT_H
#define LW_TESTS_UNIT_REGISTRY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "registry/registry_private.h"

#define REC(name, fields)                                                                \
    "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define ZONE "{\"name\":\"zone\",\"type\":\"int\"}"
#define MISS                                                                             \
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n"                   \
    "{\"error_code\":40403,\"message\":\"Schema not found\"}"

static inline struct lw_frame by_id(uint32_t id) {
    return (struct lw_frame){.by = LW_SCHEMA_ID, .id = id};
}

static inline struct lw_registry_options options_of(int port) {
    struct lw_registry_options o = {
        .timeout_ms = 5000, .retry_max_ms = 10, .missing_wait_ms = 0};
    snprintf(o.url, sizeof o.url, "http://127.0.0.1:%d/api/", port);
    return o;
}

/* 200 with {"schema": text, ...more}; free() it. */
static inline char *answer_of(const char *schema, const char *more) {
    struct lw_buf out = {0};
    json_error_t where;
    json_t *root = json_loads(more, 0, &where);
    if (!root)
        fail_msg("%s: %s", more, where.text);
    json_object_set_new(root, "schema", json_string(schema));
    char *body = json_dumps(root, 0);
    lw_buf_printf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
                  body);
    char *text = strdup(lw_buf_str(&out));
    free(body);
    json_decref(root);
    lw_buf_fini(&out);
    return text;
}

static inline void remove_dir(const char *dir) {
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

/* The only file of a directory. */
static inline void only_file(const char *dir, char *out, size_t size) {
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;
    assert_non_null(d);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.') {
            snprintf(out, size, "%s/%s", dir, e->d_name);
            n++;
        }
    closedir(d);
    assert_int_equal(n, 1);
}

#endif
