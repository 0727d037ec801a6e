/* Values of JSON that all who write it share: what is not known is null. */
#ifndef LW_JSON_JSON_H
#define LW_JSON_JSON_H

#include <jansson.h>
#include <stdint.h>

/* null unless finite. */
json_t *lw_json_number(double v);
/* A time as Unix milliseconds; null for INT64_MIN and 0. */
json_t *lw_json_ms(int64_t ms);
/* A time as text, "2020-03-12T05:00:00Z". */
json_t *lw_json_instant(int64_t ms);

#endif
