/* Helpers shared by the alert tests: files under tests/data/alert, comparison of JSON as
 * values, a receiver. */
#ifndef LW_TESTS_UNIT_ALERT_ALERT_TEST_H
#define LW_TESTS_UNIT_ALERT_ALERT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/render.h"
#include "base/text.h"

#define DATA LW_SOURCE_DIR "/tests/data/alert/"

static inline char *data_file(const char *name, size_t *len) {
    char path[512];
    struct lw_err err = {0};
    size_t unused;
    snprintf(path, sizeof path, DATA "%s", name);
    char *text = lw_read_file(path, (size_t)1 << 20, len != NULL ? len : &unused, &err);
    if (text == NULL)
        fail_msg("%s", err.msg);
    return text;
}

/* Fails unless both are equal as JSON values, and prints both. Releases both. */
static inline void assert_json(json_t *got, json_t *want, const char *what) {
    assert_non_null(got);
    assert_non_null(want);
    if (!json_equal(got, want)) {
        char *a = json_dumps(got, JSON_INDENT(1)), *b = json_dumps(want, JSON_INDENT(1));
        fprintf(stderr, "%s: got\n%s\nwant\n%s\n", what, a, b);
        free(a);
        free(b);
        fail_msg("%s differs", what);
    }
    json_decref(got);
    json_decref(want);
}

static inline json_t *json_of(const struct lw_buf *buf) {
    json_error_t why;
    json_t *root = json_loadb((const char *)buf->data, buf->len, JSON_DECODE_ANY, &why);
    if (root == NULL)
        fail_msg("not JSON: %s\n%.*s", why.text, (int)buf->len, (const char *)buf->data);
    return root;
}

static inline struct lw_receiver receiver(const char *name, enum lw_format format) {
    struct lw_receiver r = lw_receiver_defaults();
    lw_copy(r.name, sizeof r.name, name);
    lw_copy(r.url, sizeof r.url, "https://alerts.example.org/hook");
    r.format = format;
    if (format == LW_FORMAT_TEMPLATE)
        lw_copy(r.template_file, sizeof r.template_file, "template.txt");
    if (format == LW_FORMAT_PAGERDUTY)
        lw_copy(r.token_file, sizeof r.token_file, "token");
    assert_int_equal(lw_receiver_check(&r, NULL), 0);
    return r;
}

#endif
