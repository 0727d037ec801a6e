/* Logical types: what a value means beyond its type.
 *
 * Avro puts "logicalType" into the type's own object, and ignores one beside "type" in a
 * field. Producers write it there too, and mean it, so it is used, and `leeway check`
 * reports it. Kafka Connect and Debezium use "connect.name". A Debezium time without a
 * zone is a local time as if it were UTC, like local-timestamp-. So is a date. An
 * unknown or ill-formed logical type is ignored, as the specification requires. */
#include <stdlib.h>
#include <string.h>

#include "event/node.h"
#include "event/schema_text.h"

#define PRECISION_MAX 300

struct meaning {
    const char *name;
    enum lw_type type;
    enum lw_logical logical;
    bool local;
};

static const struct meaning logical_types[] = {
    {"timestamp-millis", LW_T_LONG, LW_L_MILLIS, false},
    {"timestamp-micros", LW_T_LONG, LW_L_MICROS, false},
    {"timestamp-nanos", LW_T_LONG, LW_L_NANOS, false},
    {"local-timestamp-millis", LW_T_LONG, LW_L_MILLIS, true},
    {"local-timestamp-micros", LW_T_LONG, LW_L_MICROS, true},
    {"local-timestamp-nanos", LW_T_LONG, LW_L_NANOS, true},
    {"date", LW_T_INT, LW_L_DATE, true},
    {"time-millis", LW_T_INT, LW_L_SPAN, false},
    {"time-micros", LW_T_LONG, LW_L_SPAN, false},
    {"time-nanos", LW_T_LONG, LW_L_SPAN, false},
    {"duration", LW_T_FIXED, LW_L_SPAN, false},
    {"uuid", LW_T_FIXED, LW_L_UUID, false},
    {"uuid", LW_T_BYTES, LW_L_UUID, false},
    {"decimal", LW_T_BYTES, LW_L_DECIMAL, false},
    {"decimal", LW_T_FIXED, LW_L_DECIMAL, false}};

static const struct meaning connect_names[] = {
    {"org.apache.kafka.connect.data.Timestamp", LW_T_LONG, LW_L_MILLIS, false},
    {"org.apache.kafka.connect.data.Date", LW_T_INT, LW_L_DATE, true},
    {"org.apache.kafka.connect.data.Time", LW_T_INT, LW_L_SPAN, false},
    {"org.apache.kafka.connect.data.Decimal", LW_T_BYTES, LW_L_DECIMAL, false},
    {"io.debezium.time.Timestamp", LW_T_LONG, LW_L_MILLIS, true},
    {"io.debezium.time.MicroTimestamp", LW_T_LONG, LW_L_MICROS, true},
    {"io.debezium.time.NanoTimestamp", LW_T_LONG, LW_L_NANOS, true},
    {"io.debezium.time.Date", LW_T_INT, LW_L_DATE, true},
    {"io.debezium.time.Time", LW_T_INT, LW_L_SPAN, false},
    {"io.debezium.time.MicroTime", LW_T_LONG, LW_L_SPAN, false},
    {"io.debezium.time.NanoTime", LW_T_LONG, LW_L_SPAN, false},
    {"io.debezium.time.MicroDuration", LW_T_LONG, LW_L_SPAN, false},
    {"io.debezium.time.NanoDuration", LW_T_LONG, LW_L_SPAN, false}};

static const struct meaning *meaning_find(const struct meaning *list, size_t n,
                                          const char *name, enum lw_type type) {
    for (size_t i = 0; name && i < n; i++)
        if (list[i].type == type && strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

/* A number, possibly in quotes as in Connect's parameters; else -1. */
static long json_whole(const json_t *json) {
    const char *text = json_string_value(json);
    char *end;
    if (json_is_integer(json))
        return (long)json_integer_value(json);
    long v = text && *text ? strtol(text, &end, 10) : -1;
    return text && *text && !*end ? v : -1;
}

/* Scale and precision; the precision is optional (Connect omits it). */
static bool set_decimal(struct lw_node *node, json_t *json) {
    json_t *parameters = json_object_get(json, "connect.parameters");
    json_t *scale = json_object_get(json, "scale");
    json_t *precision = json_object_get(json, "precision");
    bool avro = json_object_get(json, "logicalType") != NULL;
    if (!scale)
        scale = json_object_get(parameters, "scale");
    long s = scale ? json_whole(scale) : 0;
    long p = precision || avro ? json_whole(precision) : PRECISION_MAX;
    if (p < 1 || p > PRECISION_MAX || s < 0 || s > p)
        return false;
    node->scale = (int)s;
    return true;
}

bool lw_node_logical(struct lw_node *node, json_t *json) {
    const char *name = lw_schema_text_name(json_object_get(json, "logicalType"));
    const struct meaning *m = meaning_find(
        logical_types, sizeof logical_types / sizeof *logical_types, name, node->type);
    const char *connect = lw_schema_text_name(json_object_get(json, "connect.name"));
    const struct meaning *c = meaning_find(
        connect_names, sizeof connect_names / sizeof *connect_names, connect, node->type);
    /* A logical type gives the unit; only Debezium marks a time as local. */
    m = m ? m : c;
    if (!m || (m->logical == LW_L_DECIMAL && !set_decimal(node, json)))
        return false;
    node->logical = m->logical;
    node->local = m->local || (c && c->local);
    node->meaning = m->name;
    if (json_is_false(json_object_get(json, "adjust-to-utc"))) /* Iceberg's */
        node->local = true;
    return true;
}

void lw_node_beside(struct lw_node *type, json_t *field) {
    struct lw_node *node = (struct lw_node *)(uintptr_t)lw_node_strip(type);
    if (node->name || node->type >= LW_T_PRIMITIVES || node->logical != LW_L_NONE)
        return;
    node->beside = lw_node_logical(node, field);
}
