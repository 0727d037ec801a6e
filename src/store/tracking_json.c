/* See tracking_json.h. */
#include "store/tracking_json.h"

#include <math.h>

#include "json/json.h"

json_t *lw_tracking_json(const struct lw_tracking_spec *spec,
                         const struct lw_tracking_set *set, uint32_t champion,
                         int64_t since_ms) {
    const struct lw_tracking *t = lw_tracking_find(set, champion);
    if (!spec->time_constant_ms)
        return json_null();
    json_t *o = json_object();
    lw_json_set_bool(o, "served", set->served);
    lw_json_set_ms(o, "since_ms", since_ms);
    lw_json_set_number(o, "shift", t ? t->a : NAN);
    lw_json_set_number(o, "slope", t ? t->b : NAN);
    lw_json_set_number(o, "center", t ? t->c : NAN);
    return o;
}
