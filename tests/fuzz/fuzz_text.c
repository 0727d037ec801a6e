/* Texts: times, durations, sizes and numbers, which must survive a round trip; names for
 * terminals and JSON, which must be escaped; files of dates; and expressions over fields,
 * whose canonical form must have the same value. The first byte selects. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "leeway/err.h"
#include "leeway/row.h"
#include "model/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quantities(const char *text) {
    char out[64];
    int64_t ms, again;
    double v, w;
    if (lw_parse_duration(text, &ms))
        lw_assert(lw_parse_duration(lw_format_duration(out, sizeof out, ms), &again) &&
                  again == ms);
    if (lw_parse_time(text, &ms))
        lw_assert(lw_parse_time(lw_format_time(out, sizeof out, ms), &again) &&
                  again == ms);
    if (lw_parse_f64(text, &v))
        lw_assert(lw_parse_f64(lw_format_f64(out, sizeof out, v), &w) && w == v);
    if (lw_parse_i64(text, &ms)) {
        snprintf(out, sizeof out, "%lld", (long long)ms);
        lw_assert(lw_parse_i64(out, &again) && again == ms);
    }
    if (lw_parse_size(text, &ms))
        lw_assert(ms >= 0);
}

static void harmless(const char *text, size_t len) {
    for (size_t n; len > 0; text += n, len -= n) {
        unsigned char c = (unsigned char)*text;
        n = lw_utf8_sequence(text, len);
        lw_assert(n > 0 && c >= ' ' && c != 0x7f);
        lw_assert(n < 2 || c != 0xc2 || (unsigned char)text[1] >= 0xa0);
    }
}

static void names(const char *text, size_t len) {
    char shown[200];
    harmless(shown, lw_text_show(shown, sizeof shown, text, len));
    char *whole = lw_malloc(4 * len + 1);
    size_t n = lw_text_utf8(whole, text, len);
    lw_assert(n <= 4 * len && n == lw_text_utf8(NULL, text, len));
    for (size_t i = 0, step; i < n; i += step)
        lw_assert((step = lw_utf8_sequence(whole + i, n - i)) > 0);
    free(whole);
    harmless(shown, strlen(lw_text_safe(shown, sizeof shown, text, len)));
}

static void same_value(const struct lw_cell *a, const struct lw_cell *b) {
    lw_assert(a->present == b->present && a->key == b->key &&
              (a->num == b->num || (isnan(a->num) && isnan(b->num))));
}

/* A file of dates: what is accepted can be stored in a model. */
static void dates(const char *text, size_t len) {
    struct lw_calendars read = {0}, stored = {0};
    struct lw_err err = {0};
    if (lw_calendars_parse(&read, "any", text, len, "file", &err))
        lw_assert(err.code == LW_ECONFIG && err.msg[0]);
    else
        lw_assert(lw_calendars_add(&stored, "any", read.of[0].day, read.of[0].n, &err) ==
                  0);
    lw_calendars_fini(&read);
    lw_calendars_fini(&stored);
}

/* The expression as an atom, and its canonical text as an atom of another plan. */
static void expression(const char *text) {
    static struct lw_fields fields;
    struct lw_err err = {0};
    if (fields.n == 0) {
        lw_fields_add(&fields, "a", LW_NUMERIC, false, NULL);
        lw_fields_add(&fields, "b", LW_NUMERIC, false, NULL);
        lw_fields_add(&fields, "c", LW_CATEGORY, false, NULL);
        lw_fields_add(&fields, "t", LW_TIMESTAMP, false, NULL);
    }
    static int32_t days[] = {18322, 18323, 18330};
    static const struct lw_calendars calendars = {
        .n = 1, .of = {{.name = "US", .n = 3, .day = days}}};
    struct lw_plan *plan = lw_plan_new(&fields, NULL),
                   *again = lw_plan_new(&fields, NULL);
    lw_plan_set_calendars(plan, &calendars);
    lw_plan_set_calendars(again, &calendars);
    int atom = lw_plan_atom(plan, text, &err);
    lw_assert(atom >= 0 || (err.code == LW_ECONFIG && err.msg[0]));
    if (atom >= 0) {
        const char *canonical = lw_plan_atom_text(plan, (size_t)atom);
        int other = lw_plan_atom(again, canonical, &err);
        lw_assert(other >= 0 &&
                  strcmp(lw_plan_atom_text(again, (size_t)other), canonical) == 0);
        struct lw_cell cells[] = {
            {.present = true, .num = 2.5, .key = 3},
            {.present = true, .num = -1, .key = 4},
            {.present = true, .num = 5, .key = 5},
            {.present = true, .num = 1583020800000, .key = 1583020800000}};
        struct lw_row row = {.cells = cells, .target = NAN};
        struct lw_cell one[LW_ATOMS_MAX], two[LW_ATOMS_MAX];
        lw_plan_eval(plan, &row, one);
        lw_plan_eval(again, &row, two);
        same_value(&one[atom], &two[other]);
    }
    lw_err_clear(&err);
    int term = lw_plan_term(plan, text, 1, 0, &err);
    lw_assert(term >= 0 || (err.code == LW_ECONFIG && err.msg[0]));
    lw_plan_free(plan);
    lw_plan_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    char *text = lw_malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 255)
        dates(text, size - 1);
    else if (data[0] % 3 == 0)
        quantities(text);
    else if (data[0] % 3 == 1)
        names(text, size - 1);
    else
        expression(text);
    free(text);
    return 0;
}
