/* The parsed form of an Avro schema, private to the event layer.
 *
 * One node per type. A named type that is used again is the same node, so a recursive
 * schema is a graph, and every walk must bound its depth or remember visited nodes.
 * Names, defaults and symbols are borrowed from the JSON value that the schema keeps. */
#ifndef LW_EVENT_NODE_H
#define LW_EVENT_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/schema.h"

#define LW_SCHEMA_BYTES_MAX  (1024 * 1024)
#define LW_SCHEMA_DEPTH_MAX  256
#define LW_SCHEMA_NODES_MAX  16384
#define LW_RECORD_FIELDS_MAX 4096
#define LW_ENUM_SYMBOLS_MAX  65536
#define LW_FIXED_MAX         (1024 * 1024)

enum lw_type {
    LW_T_NULL,
    LW_T_BOOLEAN,
    LW_T_INT,
    LW_T_LONG,
    LW_T_FLOAT,
    LW_T_DOUBLE,
    LW_T_BYTES,
    LW_T_STRING,
    LW_T_RECORD,
    LW_T_ENUM,
    LW_T_FIXED,
    LW_T_ARRAY,
    LW_T_MAP,
    LW_T_UNION
};
#define LW_T_PRIMITIVES LW_T_RECORD

enum lw_logical {
    LW_L_NONE,
    LW_L_MILLIS, /* since 1970 */
    LW_L_MICROS,
    LW_L_NANOS,
    LW_L_DATE,
    LW_L_SPAN, /* a time of day or a duration, not an instant */
    LW_L_DECIMAL,
    LW_L_UUID
};

struct lw_node;

struct lw_node_field {
    const char *name;
    json_t *aliases;  /* array or NULL; borrowed */
    json_t *fallback; /* the default, or NULL; borrowed */
    struct lw_node *type;
};

struct lw_node {
    enum lw_type type;
    enum lw_logical logical;
    bool local;                   /* of a time: local, without a zone */
    bool beside;                  /* given in the field, where Avro ignores it */
    const char *meaning;          /* the name of the logical type, or NULL */
    int scale;                    /* of a decimal */
    bool complete;                /* false while a record's own fields are being read */
    char *name;                   /* full name of a named type; owned */
    json_t *source;               /* its definition; borrowed */
    struct lw_node_field *fields; /* RECORD; owned */
    struct lw_node **kids;        /* UNION branches; ARRAY and MAP: one; owned array */
    const char **symbols;         /* ENUM; owned array of borrowed texts */
    const char *fallback;         /* ENUM: default symbol or NULL */
    size_t n;                     /* fields, branches, symbols, or bytes of a FIXED */
};

struct lw_schema {
    json_t *root;
    char *json;
    size_t json_len;
    struct lw_node **nodes; /* all of them, for freeing and for names */
    size_t nnodes, cap;
    struct lw_node *top;
    const char **names;
    uint64_t fingerprint;
};

/* "int", "record", ...: as in the specification. */
const char *lw_node_type_name(enum lw_type type);

/* Fills schema->nodes and ->top from schema->root. LW_ECONFIG. */
int lw_nodes_parse(struct lw_schema *schema, struct lw_err *err);
void lw_nodes_free(struct lw_schema *schema);

/* Sets the logical type from the type's object; _beside sets it from the field's object,
 * if the type's object has none. */
bool lw_node_logical(struct lw_node *node, json_t *json);
void lw_node_beside(struct lw_node *type, json_t *field);

/* Finds a record's field by name, or NULL. */
const struct lw_node_field *lw_node_find(const struct lw_node *record, const char *name);
/* Finds the record's field at the beginning of a dotted path; *rest is the path below
 * it. NULL if there is none. A field whose own name contains dots takes precedence. */
const struct lw_node_field *lw_node_step(const struct lw_node *record, const char *path,
                                         const char **rest);
/* Returns the non-null branch of a union of null and one type, or the node itself. */
const struct lw_node *lw_node_strip(const struct lw_node *node);

#endif
