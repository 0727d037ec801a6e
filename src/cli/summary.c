/* A run summary by month, as JSON and as a table. */
#include <inttypes.h>
#include <math.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/summary.h"
#include "core/run_summary.h"

const char *lw_summary_month_name(char out[16], const struct lw_month *m) {
    snprintf(out, 16, "%04d-%02d", m->year, m->month);
    return out;
}

void lw_summary_errors_json(const struct lw_task *task, double frozen, double managed,
                            json_t *into) {
    lw_json_set_number(into, lw_task_error_key(task, "frozen_", "").text, frozen);
    lw_json_set_number(into, lw_task_error_key(task, "managed_", "").text, managed);
}

static json_t *month_json(const struct lw_task *task, const struct lw_month *m) {
    char name[16];
    json_t *o = json_object();
    lw_json_set_text(o, "month", lw_summary_month_name(name, m));
    lw_json_set_count(o, "events", m->events);
    lw_json_set_count(o, "scored", m->answered.n);
    lw_summary_errors_json(task, lw_run_summary_frozen_error(m),
                           lw_losses_error(&m->answered), o);
    return o;
}

void lw_summary_json(const struct lw_run_summary *summary, const struct lw_task *task,
                     json_t *into) {
    struct lw_month all;
    json_t *months = json_array();
    lw_run_summary_totals(summary, &all);
    lw_json_set_count(into, "scored", all.answered.n);
    lw_summary_errors_json(task, lw_run_summary_frozen_error(&all),
                           lw_losses_error(&all.answered), into);
    lw_json_set_number(into, lw_task_error_key(task, "untracked_", "").text,
                       lw_losses_error(&all.untracked));
    lw_json_set_number(into, lw_task_error_key(task, "frozen_tracked_", "").text,
                       lw_losses_error(&all.first_tracked));
    lw_json_set_count(into, "alerts", summary->warnings + summary->criticals);
    lw_json_set_count(into, "critical_alerts", summary->criticals);
    lw_json_set_count(into, "retrains", summary->retrains);
    lw_json_set_count(into, "promotions", summary->promotions);
    lw_json_set_count(into, "rejections", summary->rejections);
    lw_json_set_count(into, "failures", summary->failures);
    lw_json_set_count(into, "rollbacks", summary->rollbacks);
    for (size_t i = 0; i < summary->nmonths; i++)
        json_array_append_new(months, month_json(task, &summary->month[i]));
    lw_json_set(into, "months", months);
}

static void print_row(FILE *out, const char *name, const struct lw_month *m) {
    char count[32];
    lw_format_count(count, sizeof count, m->answered.n);
    if (m->answered.n < 2) {
        fprintf(out, "  %-10s %10s %10s %10s\n", name, count, "-", "-");
        return;
    }
    double frozen = lw_run_summary_frozen_error(m),
           managed = lw_losses_error(&m->answered);
    if (isnan(frozen)) {
        fprintf(out, "  %-10s %10s %10s %10s\n", name, count, "-",
                lw_digits(managed, 3).text);
        return;
    }
    fprintf(out, "  %-10s %10s %10s %10s %9s%%\n", name, count, lw_digits(frozen, 3).text,
            lw_digits(managed, 3).text, lw_digits(100 * (managed / frozen - 1), 1).text);
}

void lw_summary_print(const struct lw_run_summary *summary, FILE *out) {
    struct lw_month all;
    lw_run_summary_totals(summary, &all);
    fprintf(out, "  %-10s %10s %10s %10s\n", "", "scored", "frozen", "managed");
    for (size_t i = 0; i < summary->nmonths; i++) {
        char name[16];
        if (summary->month[i].answered.n == 0)
            continue; /* before the first model, or a wrong clock */
        print_row(out, lw_summary_month_name(name, &summary->month[i]),
                  &summary->month[i]);
    }
    print_row(out, "all", &all);
    fprintf(out,
            "  alerts %" PRIu64 " (%" PRIu64 " critical)   retrains %" PRIu64
            "   promoted %" PRIu64 "   rejected %" PRIu64 "   rolled back %" PRIu64 "\n",
            summary->warnings + summary->criticals, summary->criticals, summary->retrains,
            summary->promotions, summary->rejections, summary->rollbacks);
}
