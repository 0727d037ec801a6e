/* leeway check: does a reference hold a whole week, where windows need its parts? */
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/check.h"
#include "core/week.h"

/* The panes that a reference is made of are kept for the longest window only. */
static int64_t reach_of(const struct lw_spec *spec) {
    return lw_earlier(spec->retrain.reference_ms, lw_spec_longest_window(spec));
}

void lw_check_reference(struct lw_check_findings *f, const struct lw_config *config) {
    const struct lw_spec *spec = &config->spec;
    char text[500], reach[32];
    size_t blocks = lw_spec_blocks(spec);
    if (blocks == 0)
        return;
    lw_format_duration(reach, sizeof reach, reach_of(spec));
    if (reach_of(spec) >= LW_WEEK)
        snprintf(text, sizeof text,
                 "%s by part of the week (%zu blocks of a day), for windows shorter than "
                 "a week",
                 reach, blocks);
    else
        snprintf(
            text, sizeof text,
            "a window shorter than a week is compared with the same hours and kind of "
            "day, but a reference holds only %s: drift is not judged on days of a "
            "kind that it lacks; set retrain.reference to 7d%s",
            reach,
            lw_spec_longest_window(spec) < LW_WEEK ? " and add a window of 7d" : "");
    lw_check_report(f, "reference",
                    reach_of(spec) < LW_WEEK ? LW_CHECK_WARNING : LW_CHECK_OK, text);
}
