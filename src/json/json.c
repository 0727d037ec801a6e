/* See json.h. */
#include "json/json.h"

#include <math.h>

#include "base/text.h"

json_t *lw_json_number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *lw_json_ms(int64_t ms) {
    return ms == INT64_MIN || ms == 0 ? json_null() : json_integer(ms);
}

json_t *lw_json_instant(int64_t ms) {
    char text[32];
    return json_string(lw_format_time(text, sizeof text, ms));
}
