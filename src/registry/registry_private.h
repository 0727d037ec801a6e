/* Shared by the registry layer's own files only. */
#ifndef LW_REGISTRY_REGISTRY_PRIVATE_H
#define LW_REGISTRY_REGISTRY_PRIVATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "registry/registry.h"

#define LW_ANSWER_BYTES_MAX     ((size_t)4 * 1024 * 1024) /* of one answer */
#define LW_REFERENCES_MAX       64 /* schemas that one refers to, all levels together */
#define LW_REFERENCED_BYTES_MAX ((size_t)4 * 1024 * 1024) /* of their texts */
#define LW_SUBJECT_MAX          512

/* ---- answer.c: the registry's JSON, bounded and checked ---- */

struct lw_schema_reference {
    const char *subject; /* borrowed from the answer */
    int64_t version;
};

/* The answer to GET of a schema, or of a version of a subject. */
struct lw_registered {
    void *root; /* the parsed JSON, which owns the texts */
    const char *schema;
    size_t len;
    int64_t id, version; /* -1: absent */
    struct lw_schema_reference *reference;
    size_t nreferences;
};

/* LW_EAGAIN: no answer of a schema registry; LW_EINPUT: a schema that is not Avro, or of
 * too many references. Free with _fini after success. */
int lw__registered_parse(const void *body, size_t len, struct lw_registered *out,
                         struct lw_err *err);
void lw__registered_fini(struct lw_registered *r);
/* The "id" of an answer to a registration, or -1. */
int64_t lw__answer_id(const void *body, size_t len);
/* The "error_code" of a refusal, or 0. */
int64_t lw__answer_error(const void *body, size_t len);

/* ---- compose.c: a schema and those that it refers to, as one ---- */

struct lw_text {
    const char *data;
    size_t len;
};
/* One self-contained schema (free()): each named type that the schema refers to and does
 * not define is defined where it is first used. LW_EINPUT: not JSON, too deep, too large. A
 * name that is nowhere defined stays for lw_schema_parse to refuse. */
char *lw__compose(struct lw_text schema, const struct lw_text *part, size_t nparts,
                  struct lw_err *err);

/* ---- connection.c: one exchange ---- */

struct lw_connection;

struct lw_connection *lw__connection_new(const struct lw_registry_options *o,
                                         struct lw_err *err);
void lw__connection_free(struct lw_connection *a);
/* Ends a request under way from another thread (looked at about each second). */
void lw__connection_stop(struct lw_connection *a);
/* GET, or POST with a body, of base + path; the answer's bytes (appended to an empty
 * buffer) and status, 200 to 599. LW_EAGAIN: no whole answer of at most
 * LW_ANSWER_BYTES_MAX came. */
int lw__connection_ask(struct lw_connection *a, const char *path, const char *body,
                       struct lw_buf *answer, long *status, struct lw_err *err);
/* Percent-encoded for a path; free() it. */
char *lw__connection_escape(struct lw_connection *a, const char *text);
int64_t lw__connection_retry_after(const struct lw_connection *a);

/* ---- client.c ---- */

void lw__client_stop(struct lw_registry_client *c);

/* ---- disk.c: schemas over restarts ---- */

/* LW_ENOTFOUND: there is none; LW_EINPUT: there is one and it is not whole. */
struct lw_schema *lw__disk_load(const struct lw_registry_options *o,
                                const struct lw_frame *frame, struct lw_err *err);
/* LW_EINPUT. Makes cache_dir if it is not there. */
int lw__disk_save(const struct lw_registry_options *o, const struct lw_frame *frame,
                  const struct lw_schema *schema, struct lw_err *err);

#endif
