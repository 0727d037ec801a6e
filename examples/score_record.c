/* Scores records with a model: an example of embedding.
 *
 *   score_record MODEL.avro < records.tsv
 *
 * The first line of the input names the columns, and each further line is one record,
 * separated by tabs. The output has one line per record: the prediction with full
 * precision.
 *
 * The four steps of embedding: decode the model's bytes, list the fields of your records,
 * bind the model to them once, predict. Only the public headers are used (leeway/model.h,
 * row.h, err.h), and no configuration is needed: the model file contains the features,
 * their levels and the coefficients.
 *
 * A timestamp is milliseconds since 1970, a category written as an integer is an integer,
 * and an empty value is missing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "leeway/err.h"
#include "leeway/model.h"
#include "leeway/row.h"

#define COLUMNS_MAX 256

/* For each column the field that it holds, or -1. */
struct table {
    struct lw_fields fields;
    int field_of[COLUMNS_MAX];
    size_t columns;
};

static struct lw_model *read_model(const char *path, struct lw_err *err) {
    char *bytes = NULL;
    size_t len = 0, room = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
        lw_fail(err, LW_EINPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        room = room ? 2 * room : 1 << 20;
        bytes = realloc(bytes, room);
        if (!bytes)
            abort();
        len += fread(bytes + len, 1, room - len, file);
    } while (len == room);
    fclose(file);
    struct lw_model *model = lw_model_decode(bytes, len, err);
    free(bytes);
    if (!model)
        lw_err_context(err, "%s", path);
    return model;
}

/* The next tab-separated value, possibly empty (unlike strtok), or NULL at the end of the
 * line. */
static char *next_value(char **line) {
    char *value = *line;
    if (value)
        value[strcspn(value, "\r\n")] = '\0';
    char *tab = value ? strchr(value, '\t') : NULL;
    if (tab)
        *tab = '\0';
    *line = tab ? tab + 1 : NULL;
    return value;
}

/* Columns unknown to the model are skipped; known ones become fields of the kind that the
 * model expects. lw_model_bind reports missing ones. */
static int read_header(char *line, const struct lw_fields *known, struct table *t,
                       struct lw_err *err) {
    for (char *name; (name = next_value(&line)) != NULL; t->columns++) {
        if (t->columns == COLUMNS_MAX)
            return lw_fail(err, LW_EINPUT, "more than %d columns", COLUMNS_MAX);
        int at = lw_fields_find(known, name);
        int field = -1;
        if (at >= 0 && (field = lw_fields_add(&t->fields, name, known->field[at].kind,
                                              false, err)) < 0)
            return -1;
        t->field_of[t->columns] = field;
    }
    return 0;
}

static int read_cell(char *text, enum lw_kind kind, struct lw_cell *cell,
                     struct lw_err *err) {
    char *end = text;
    if (*text == '\0') {
        *cell = lw_cell_missing();
        return 0;
    }
    if (kind == LW_NUMERIC)
        *cell = lw_cell_num(strtod(text, &end));
    else if (kind != LW_TEXT)
        *cell = lw_cell_int(strtoll(text, &end, 10));
    if (*end == '\0')
        return 0;
    if (kind == LW_NUMERIC || kind == LW_TIMESTAMP)
        return lw_fail(err, LW_EINPUT, "\"%.40s\" is no %s", text, lw_kind_name(kind));
    *cell = lw_cell_text(text, strlen(text)); /* borrows the line */
    return 0;
}

static int read_record(char *line, const struct table *t, struct lw_cell *cells,
                       struct lw_err *err) {
    char *value = NULL;
    for (size_t i = 0; i < t->columns; i++) {
        if (!(value = next_value(&line)))
            return lw_fail(err, LW_EINPUT, "%zu values for %zu columns", i, t->columns);
        int field = t->field_of[i];
        if (field >= 0 &&
            read_cell(value, t->fields.field[field].kind, &cells[field], err))
            return -1;
    }
    return line ? lw_fail(err, LW_EINPUT, "more values than columns") : 0;
}

static int score_line(const struct lw_model *model, const struct table *t, char *line,
                      struct lw_err *err) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row = {.cells = cells};
    if (read_record(line, t, cells, err))
        return -1;
    printf("%.17g\n", lw_model_predict(model, &row));
    return 0;
}

static int score_records(struct lw_model *model, FILE *in, struct lw_err *err) {
    struct table table = {0};
    char *line = NULL;
    size_t room = 0;
    int rc = getline(&line, &room, in) > 0
                 ? read_header(line, lw_model_fields(model), &table, err)
                 : lw_fail(err, LW_EINPUT, "the input has no header");
    if (rc == 0)
        rc = lw_model_bind(model, &table.fields, err);
    for (unsigned long n = 2; rc == 0 && getline(&line, &room, in) > 0; n++)
        if (score_line(model, &table, line, err))
            rc = lw_err_context(err, "line %lu", n);
    free(line);
    return rc;
}

int main(int argc, char **argv) {
    struct lw_err err = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: score_record MODEL.avro < records.tsv\n");
        return 2;
    }
    struct lw_model *model = read_model(argv[1], &err);
    int failed = !model || score_records(model, stdin, &err);
    lw_model_free(model);
    if (failed)
        fprintf(stderr, "score_record: %s\n", err.msg);
    return failed ? 1 : 0;
}
