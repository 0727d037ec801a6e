/* Samples made of cells, without files: a schema, and a function that fills the cells of
 * event i in the order of its fields. */
#ifndef LW_TESTS_UNIT_DRAFT_SUPPORT_H
#define LW_TESTS_UNIT_DRAFT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "draft/draft.h"

#define T0 INT64_C(1600000000000) /* a Sunday of September 2020 */

typedef void made_event(size_t i, struct lw_cell *cells, struct lw_rng *rng);

struct made {
    struct lw_schema *schema;
    struct lw_draft_sample *sample;
    struct lw_draft *draft; /* NULL: err */
    struct lw_err err;
};

/* "name:type name:type", where a type of `time`, `local` or `date` is a long or int with
 * that logical type, and `?` behind it makes it nullable. */
static inline struct lw_schema *schema_of_fields(const char *fields) {
    struct lw_buf json = {0};
    struct lw_err err = {0};
    char copy[16384], *rest = copy, *item;
    snprintf(copy, sizeof copy, "%s", fields);
    lw_buf_printf(&json, "{\"type\":\"record\",\"name\":\"Made\",\"fields\":[");
    for (int n = 0; (item = strtok_r(rest, " ", &rest)); n++) {
        char *type = strrchr(item, ':');
        *type++ = 0;
        bool null = type[strlen(type) - 1] == '?';
        if (null)
            type[strlen(type) - 1] = 0;
        lw_buf_printf(&json, "%s{\"name\":\"%s\",\"type\":%s", n ? "," : "", item,
                      null ? "[\"null\"," : "");
        if (strcmp(type, "time") == 0)
            lw_buf_printf(&json,
                          "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}");
        else if (strcmp(type, "local") == 0)
            lw_buf_printf(
                &json, "{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}");
        else if (strcmp(type, "date") == 0)
            lw_buf_printf(&json, "{\"type\":\"int\",\"logicalType\":\"date\"}");
        else
            lw_buf_printf(&json, "\"%s\"", type);
        lw_buf_printf(&json, "%s}", null ? "]" : "");
    }
    lw_buf_printf(&json, "]}");
    struct lw_schema *schema = lw_schema_parse(lw_buf_str(&json), json.len, &err);
    if (!schema)
        fail_msg("%s", err.msg);
    lw_buf_fini(&json);
    return schema;
}

static inline struct made made_of(const char *fields, size_t events, made_event *event,
                                  const struct lw_draft_wishes *wishes) {
    static const struct lw_draft_wishes none = {.lo = NAN, .hi = NAN};
    struct made m = {.schema = schema_of_fields(fields)};
    struct lw_rng rng;
    m.sample = lw_draft_sample_new(m.schema, 1);
    struct lw_cell *cells = calloc(LW_DRAFT_COLUMNS, sizeof *cells);
    lw_rng_seed(&rng, 7);
    for (size_t i = 0; i < events; i++) {
        for (size_t j = 0; j < LW_DRAFT_COLUMNS; j++)
            cells[j] = lw_cell_missing();
        event(i, cells, &rng);
        lw_draft_sample_add(m.sample, cells);
    }
    free(cells);
    m.draft = lw_draft_new(m.sample, wishes ? wishes : &none, &m.err);
    return m;
}

static inline void made_free(struct made *m) {
    lw_draft_free(m->draft);
    lw_draft_sample_free(m->sample);
    lw_schema_free(m->schema);
}

static inline const struct lw_draft_field *field_named(const struct made *m,
                                                       const char *name) {
    if (!m->draft)
        fail_msg("%s", m->err.msg);
    int at = lw_draft_sample_find(m->sample, name);
    assert_true(at >= 0);
    return &m->draft->field[at];
}

static inline void assert_role(const struct made *m, const char *name,
                               enum lw_draft_role role) {
    const struct lw_draft_field *f = field_named(m, name);
    if (f->role != role)
        fail_msg("%s has the role %d, not %d: %s", name, (int)f->role, (int)role, f->why);
}

static inline void assert_says(const struct made *m, const char *name, const char *part) {
    const char *why = field_named(m, name)->why;
    if (!strstr(why, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, why, part);
}

static inline struct lw_cell time_cell(int64_t ms) {
    return lw_cell_int(ms);
}

static inline char *text_of(const struct made *m) {
    struct lw_buf out = {0};
    const struct lw_draft_names names = {
        .stream = "made", .schema = "made.avsc", .files = "made.avro"};
    if (!m->draft)
        fail_msg("%s", m->err.msg);
    lw_draft_write(m->draft, &names, &out);
    char *text = strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return text;
}

#endif
