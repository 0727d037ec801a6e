/* The parts of the configuration about single events: event, target, features. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "draft/draft_private.h"
#include "event/event.h"

#define EXACT_LEVELS 1024 /* counted exactly without a `cap` */
#define CAP          4096

static const char *name_of(const struct lw_draft *d, int column) {
    return d->sample->column[column].name;
}

/* ", unit: s", or nothing. */
static const char *unit_text(const struct lw_draft *d, int column, char out[24]) {
    out[0] = 0;
    if (d->field[column].unit != LW_UNIT_OF_TYPE)
        snprintf(out, 24, ", unit: %s", lw_event_unit_name(d->field[column].unit));
    return out;
}

static void write_time(const struct lw_draft *d, struct lw_buf *out) {
    char line[400], unit[24];
    if (d->time < 0) {
        lw__draft_write_line(out, "  time: record",
                             "no field is a time: the time that Kafka has recorded, "
                             "which files lack");
        return;
    }
    unit_text(d, d->time, unit);
    snprintf(line, sizeof line, *unit ? "  time: {field: %s%s}" : "  time: %s%s",
             lw__draft_scalar(name_of(d, d->time)).text, unit);
    lw__draft_write_line(out, line, "%s", d->time_why);
}

static void write_field(const struct lw_draft *d, size_t column, struct lw_buf *out) {
    static const char *const kinds[] = {
        [LW_DRAFT_OUT] = "timestamp",     [LW_DRAFT_ID] = "text",
        [LW_DRAFT_NUMBER] = "numeric",    [LW_DRAFT_CATEGORY] = "category",
        [LW_DRAFT_INSTANT] = "timestamp", [LW_DRAFT_USED] = "timestamp"};
    const struct lw_draft_column *c = &d->sample->column[column];
    const struct lw_draft_field *f = &d->field[column];
    char line[400], unit[24], null[60] = "";
    bool required = !c->nullable && c->missing == 0;
    if (c->missing > 0)
        snprintf(null, sizeof null, "%s%.2g %% are missing", *f->why ? "; " : "",
                 100 * f->missing);
    else if (c->nullable)
        snprintf(null, sizeof null, "%snullable", *f->why ? "; " : "");
    snprintf(line, sizeof line, "    %s: {kind: %s%s%s}", lw__draft_scalar(c->name).text,
             kinds[f->role], unit_text(d, (int)column, unit),
             required ? ", required: true" : "");
    lw__draft_write_line(out, line, "%s%s", f->why, null);
}

static bool is_listed(const struct lw_draft *d, size_t column) {
    const struct lw_draft_field *f = &d->field[column];
    bool pair = d->from != d->to && ((int)column == d->from || (int)column == d->to);
    return f->role == LW_DRAFT_NUMBER || f->role == LW_DRAFT_CATEGORY ||
           f->role == LW_DRAFT_INSTANT ||
           (pair && f->role == LW_DRAFT_USED && (int)column != d->time &&
            f->unit != LW_UNIT_OF_TYPE);
}

static void write_left_out(const struct lw_draft *d, struct lw_buf *out) {
    char shown[LW_NAME_MAX * 2];
    for (size_t i = 0; i < d->sample->n; i++) {
        const char *name = name_of(d, (int)i);
        if (d->field[i].role != LW_DRAFT_OUT)
            continue;
        lw_text_show(shown, sizeof shown, name, strlen(name));
        lw__draft_write_line(out, "    ", "left out: %s: %s", shown, d->field[i].why);
    }
    for (size_t i = 0; i < d->sample->nskipped; i++) {
        const struct lw_draft_skipped *s = &d->sample->skipped[i];
        lw_text_show(shown, sizeof shown, s->name, strlen(s->name));
        lw__draft_write_line(out, "    ", "left out: %s: %s", shown, s->why);
    }
}

static void write_event(const struct lw_draft *d, struct lw_buf *out) {
    char line[400];
    lw_buf_printf(out, "event:\n");
    if (d->id >= 0) {
        snprintf(line, sizeof line, "  id: %s", lw__draft_scalar(name_of(d, d->id)).text);
        lw__draft_write_line(out, line, "%s", d->id_why);
    } else {
        lw__draft_write_line(out, "  ",
                             "id: no field has a different value in each event");
    }
    write_time(d, out);
    if (d->time_zone) {
        snprintf(line, sizeof line, "  time_zone: %s", d->time_zone);
        lw__draft_write_line(out, line, "--time-zone");
    } else
        lw__draft_write_line(out, "  # time_zone: America/New_York",
                             "for hours, days and weeks by local clocks; without it UTC, "
                             "or the clocks of local types");
    lw_buf_printf(out, "  fields:\n");
    for (size_t i = 0; i < d->sample->n; i++)
        if (is_listed(d, i))
            write_field(d, i, out);
    write_left_out(d, out);
}

static void write_target(const struct lw_draft *d, struct lw_buf *out) {
    const struct lw_draft_range *r = &d->range;
    char line[500], lo[32], hi[32];
    lw_buf_printf(out, "\ntarget:\n");
    if (d->from == d->to)
        snprintf(line, sizeof line, "  field: %s",
                 lw__draft_scalar(name_of(d, d->to)).text);
    else
        snprintf(line, sizeof line, "  minutes_between: [%s, %s]",
                 lw__draft_scalar(name_of(d, d->from)).text,
                 lw__draft_scalar(name_of(d, d->to)).text);
    lw__draft_write_line(out, line, "%s", d->target_why);
    snprintf(line, sizeof line, "  range: [%s, %s]", lw_format_f64(lo, sizeof lo, r->lo),
             lw_format_f64(hi, sizeof hi, r->hi));
    lw__draft_write_line(out, line,
                         "median %.4g, middle 90 %%: %.4g to %.4g; %.2g %% are outside "
                         "(%.6g to %.6g) and will be rejected",
                         r->median, r->q05, r->q95, 100 * r->outside, r->least, r->most);
}

/* ---- features ---- */

/* "sched_dep_hour", or another name if a field has this one. */
static void hour_name(const struct lw_draft *d, size_t column, char *out, size_t size) {
    snprintf(out, size, "%.80s_hour", name_of(d, (int)column));
    if (lw_draft_sample_find(d->sample, out) >= 0)
        snprintf(out, size, "%.80s_hour-of-day", name_of(d, (int)column));
}

/* Whether there is something to monitor besides hours. */
static bool has_values(const struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++)
        if (d->field[i].role == LW_DRAFT_NUMBER || d->field[i].role == LW_DRAFT_CATEGORY)
            return true;
    return false;
}

/* An hour by UTC drifts whenever the clocks that the stream lives by change, which is no
 * news to anybody: it is only suggested. */
static void write_clock(const struct lw_draft *d, size_t column, struct lw_buf *out) {
    const struct lw_draft_column *c = &d->sample->column[column];
    bool date = c->type == LW_DRAFT_DATE;
    bool steady = date || c->local || d->time_zone || !has_values(d);
    char line[400], hour[LW_NAME_MAX];
    hour_name(d, column, hour, sizeof hour);
    snprintf(line, sizeof line, "  %s%s: {of: \"%s(%s)\"}", steady ? "" : "# ",
             lw__draft_scalar(hour).text, date ? "weekday" : "hour",
             name_of(d, (int)column));
    lw__draft_write_line(out, line, "%s",
                         steady ? ""
                                : "with time_zone; an hour by UTC drifts when summer "
                                  "time begins and ends");
}

static void write_feature(const struct lw_draft *d, size_t column, struct lw_buf *out) {
    const struct lw_draft_field *f = &d->field[column];
    struct lw_draft_scalar name = lw__draft_scalar(name_of(d, (int)column));
    char line[400], lo[32], hi[32];
    if (f->role == LW_DRAFT_NUMBER) {
        snprintf(line, sizeof line, "  %s: {range: [%s, %s]}", name.text,
                 lw_format_f64(lo, sizeof lo, f->range.lo),
                 lw_format_f64(hi, sizeof hi, f->range.hi));
        lw__draft_write_line(out, line, "%s", f->why);
    } else if (f->role == LW_DRAFT_CATEGORY) {
        bool many = 2 * f->distinct > EXACT_LEVELS;
        snprintf(line, sizeof line, many ? "  %s: {cap: %d}" : "  %s: {}", name.text,
                 CAP);
        lw__draft_write_line(out, line, "%.0f values", f->distinct);
    } else if (f->role == LW_DRAFT_INSTANT)
        write_clock(d, column, out);
}

void lw__draft_write_events(const struct lw_draft *d, struct lw_buf *out) {
    write_event(d, out);
    write_target(d, out);
    lw_buf_printf(out, "\n");
    lw__draft_write_line(
        out, "# valid: [\"speed < 200\"]",
        "conditions that every event must meet; others are rejected and counted");
    lw__draft_write_heading(out, "what is monitored");
    lw__draft_write_line(
        out, "features:",
        "compared with the reference; values outside a range are counted apart");
    for (size_t i = 0; i < d->sample->n; i++)
        write_feature(d, i, out);
}
