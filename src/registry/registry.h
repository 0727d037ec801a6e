/* The schema registry: which schema a message was written with, by its id or GUID.
 *
 *   lw_registry_decoder ──► known: a decoder at once
 *                       └─► not yet: LW_EAGAIN, and threads of the registry's own ask
 *                             memory ─► cache_dir ─► GET /schemas/ids/7, its references
 *
 * No caller waits for the network: a worker pauses the partition, continues polling and
 * tries again. An id's schema never changes, so it is cached for good, also on disk. The
 * answer decides about the message:
 *
 *   a schema that can be read with                the message is decoded
 *   a schema that cannot (not Avro, no record,    permanent: LW_EINPUT
 *     a required field missing)
 *   "no such id" (404 with error_code 404xx)      LW_ENOTFOUND, and for how long; retried
 *                                                 for `missing_wait`, then
 *                                                 occasionally
 *   anything else: no answer, 401, 403, 429, 5xx, an outage: LW_EAGAIN until it is over
 *     a redirect, a page that is no answer
 *
 * It speaks the Confluent API (Confluent, Redpanda, Karapace, Apicurio's ccompat). */
#ifndef LW_REGISTRY_REGISTRY_H
#define LW_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "event/decoder.h"
#include "event/framing.h"
#include "event/schema.h"

#define LW_REGISTRY_PATH_MAX 256

struct lw_registry_options {
    char url[512]; /* base of the API; "": there is none */
    char user[128];
    char password_file[LW_REGISTRY_PATH_MAX]; /* basic auth with user */
    char token_file[LW_REGISTRY_PATH_MAX];    /* bearer; all: "env:NAME" or a path */
    char ca_file[LW_REGISTRY_PATH_MAX];
    char cache_dir[LW_REGISTRY_PATH_MAX]; /* "": in memory only */
    char subject[256];                    /* "": the topic and "-value" */
    int64_t timeout_ms;                   /* of one request */
    int64_t retry_max_ms;                 /* longest wait between requests in an outage */
    int64_t missing_wait_ms; /* how long an unknown id is worth waiting for */
};

/* ---- one request after another, in the caller's thread ---- */

struct lw_registry_client;

/* LW_ECONFIG: a secret's file or the authorities' cannot be read. Connects to nothing. */
struct lw_registry_client *lw_registry_client_new(const struct lw_registry_options *o,
                                                  struct lw_err *err);
void lw_registry_client_free(struct lw_registry_client *c);
/* The configured subject, or the topic's by Confluent's naming. Returns out. */
char *lw_registry_subject(char *out, size_t size, const struct lw_registry_options *o,
                          const char *topic);
/* Does the registry answer? LW_EAGAIN: no. */
int lw_registry_client_ping(struct lw_registry_client *c, struct lw_err *err);
/* The schema of a frame's id or GUID, with what it refers to put in place. Owned by the
 * caller. LW_ENOTFOUND: the registry does not know it; LW_EINPUT: no Avro schema of a
 * record that we can read, and never will be; LW_EAGAIN: everything else. */
struct lw_schema *lw_registry_client_schema(struct lw_registry_client *c,
                                            const struct lw_frame *frame,
                                            struct lw_err *err);
/* The newest version of a subject. LW_ENOTFOUND: no such subject; else as above. */
struct lw_latest {
    struct lw_schema *schema; /* owned by the caller */
    uint32_t id;
    int64_t version;
};
int lw_registry_client_latest(struct lw_registry_client *c, const char *subject,
                              struct lw_latest *out, struct lw_err *err);
/* The id under which the subject has this schema; registers it if it does not.
 * LW_ECONFIG: refused (incompatible, not allowed); LW_EAGAIN. */
int lw_registry_client_register(struct lw_registry_client *c, const char *subject,
                                const char *schema, uint32_t *id, struct lw_err *err);
/* The last answer's Retry-After in ms; 0: absent. */
int64_t lw_registry_client_retry_after(const struct lw_registry_client *c);

/* ---- the shared memory of schemas, with threads that ask ---- */

struct lw_registry;

/* Starts a thread, and more when there is much to ask. LW_ECONFIG as above; LW_ESTOP. */
struct lw_registry *lw_registry_new(const struct lw_registry_options *o,
                                    struct lw_err *err);
/* Stops the threads within about a second, even if a request hangs. */
void lw_registry_free(struct lw_registry *r);

struct lw_asking {
    bool ahead;          /* in: nobody waits for it yet */
    int64_t patience_ms; /* in: so long an id is waited for that is not known */
    int64_t unknown_ms;  /* out, LW_ENOTFOUND: from the first such answer to the last */
};
/* A decoder for messages of that frame, owned by the caller; or NULL: LW_EAGAIN, not
 * fetched yet, try again; LW_ENOTFOUND, unknown to the registry, which may change;
 * LW_EINPUT, unreadable for good. Never blocks. Compiles the schema, so callers keep the
 * decoder. how NULL: waits without limit. Thread: any. */
struct lw_decoder *
lw_registry_decoder(struct lw_registry *r, const struct lw_frame *frame,
                    struct lw_asking *how, const struct lw_schema *reader,
                    const struct lw_fields *fields, struct lw_err *err);

struct lw_registry_status {
    bool away;                   /* an outage, since the last request */
    uint64_t known;              /* schemas in memory */
    uint64_t waited_for;         /* ids asked for and not answered yet */
    uint64_t missing;            /* ids that the registry does not know */
    uint64_t requests, failures; /* lookups over the network; those without an answer */
};
struct lw_registry_status lw_registry_status(struct lw_registry *r);

/* "id 7", "GUID 89791762-2336-4186-9674-299b90a802e2". Returns out; 48 bytes do. */
char *lw_frame_name(char *out, size_t size, const struct lw_frame *frame);

#endif
