/* The requests to a registry, and what its answers mean.
 *
 * Only two kinds of answer are final for an id: a schema (200), and 404 with one of the
 * API's own error codes 40401 to 40403. A 404 without such a code comes from another
 * server at that address: a proxy, a wrong path. That, and every other status, is an
 * outage that a person or time will end, and is reported as one.
 *
 * Many registries have no route for GUIDs (Apicurio 2, Karapace, Confluent's before 8)
 * and answer with their web server's 404. Seventeen bytes of garbage that begin with 1
 * look like a GUID and must not block a partition: where the rest of the API answers,
 * such a 404 means that this registry does not know the GUID. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "registry/registry_private.h"

#define NO_GUIDS_MS LW_MINUTE /* garbage may contain many GUIDs: one ping covers all */

struct lw_registry_client {
    struct lw_registry_options options;
    struct lw_connection *connection;
    struct lw_buf answer;
    long status;            /* of the last answer; 0: none came */
    int64_t no_guids_until; /* monotonic: it finds none, and is not asked again before */
};

struct lw_registry_client *lw_registry_client_new(const struct lw_registry_options *o,
                                                  struct lw_err *err) {
    struct lw_registry_client *c = lw_calloc(1, sizeof *c);
    c->options = *o;
    c->connection = lw__connection_new(o, err);
    if (c->connection)
        return c;
    free(c);
    return NULL;
}

void lw_registry_client_free(struct lw_registry_client *c) {
    if (!c)
        return;
    lw__connection_free(c->connection);
    lw_buf_fini(&c->answer);
    free(c);
}

void lw__client_stop(struct lw_registry_client *c) {
    lw__connection_stop(c->connection);
}

int64_t lw_registry_client_retry_after(const struct lw_registry_client *c) {
    return lw__connection_retry_after(c->connection);
}

char *lw_frame_name(char *out, size_t size, const struct lw_frame *frame) {
    const uint8_t *g = frame->guid;
    if (frame->by == LW_SCHEMA_GUID)
        snprintf(
            out, size,
            "GUID %02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
            g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11],
            g[12], g[13], g[14], g[15]);
    else
        snprintf(out, size, "id %" PRIu32, frame->id);
    return out;
}

char *lw_registry_subject(char *out, size_t size, const struct lw_registry_options *o,
                          const char *topic) {
    if (o->subject[0])
        snprintf(out, size, "%s", o->subject);
    else
        snprintf(out, size, "%s-value", topic);
    return out;
}

/* ---- what a status means ---- */

static int client_refuse(struct lw_registry_client *c, long status, struct lw_err *err) {
    const char *url = c->options.url;
    int64_t code = lw__answer_error(c->answer.data, c->answer.len);
    if (status == 404 && code >= 40401 && code <= 40403)
        return lw_fail(err, LW_ENOTFOUND, "%s does not know it (error code %" PRId64 ")",
                       url, code);
    if (status == 401 || status == 403)
        return lw_fail(err, LW_EAGAIN,
                       "%s answered %ld: check user and password, or the token, and "
                       "whether they may read schemas",
                       url, status);
    if (status >= 300 && status < 400)
        return lw_fail(err, LW_EAGAIN,
                       "%s answered %ld, a redirect, which is not followed: correct "
                       "source.registry.url",
                       url, status);
    if (status == 404)
        return lw_fail(
            err, LW_EAGAIN,
            "%s answered 404, but not as a schema registry does (error code %" PRId64
            "): is it the base of the Confluent API?",
            url, code);
    return lw_fail(err, LW_EAGAIN, "%s answered %ld (error code %" PRId64 ")", url,
                   status, code);
}

/* GET into c->answer. */
static int client_get(struct lw_registry_client *c, const char *path,
                      struct lw_err *err) {
    long status = c->status = 0;
    if (lw__connection_ask(c->connection, path, NULL, &c->answer, &status, err))
        return -1;
    c->status = status;
    return status == 200 ? 0 : client_refuse(c, status, err);
}

static int get_version(struct lw_registry_client *c, const char *subject, int64_t version,
                       struct lw_registered *out, struct lw_err *err) {
    struct lw_buf path = {0};
    char *escaped = lw__connection_escape(c->connection, subject);
    if (version > 0)
        lw_buf_printf(&path, "/subjects/%s/versions/%" PRId64, escaped, version);
    else
        lw_buf_printf(&path, "/subjects/%s/versions/latest", escaped);
    int rc = client_get(c, lw_buf_str(&path), err);
    if (rc == 0)
        rc = lw__registered_parse(c->answer.data, c->answer.len, out, err);
    free(escaped);
    lw_buf_fini(&path);
    return rc;
}

int lw_registry_client_ping(struct lw_registry_client *c, struct lw_err *err) {
    if (client_get(c, "/subjects", err)) {
        if (err && err->code == LW_ENOTFOUND)
            err->code = LW_EAGAIN;
        return -1;
    }
    json_t *list = json_loadb((const char *)c->answer.data, c->answer.len, 0, NULL);
    bool good = json_is_array(list);
    json_decref(list);
    return good ? 0
                : lw_fail(err, LW_EAGAIN,
                          "%s answered, but not as a schema registry does: is it the "
                          "base of the Confluent API?",
                          c->options.url);
}

/* ---- references ---- */

/* Schemas fetched because another refers to them. */
struct gathered_references {
    struct lw_registered part[LW_REFERENCES_MAX];
    struct lw_schema_reference from[LW_REFERENCES_MAX]; /* texts owned by the caller */
    size_t n, bytes;
};

static bool gathered_has(const struct gathered_references *g,
                         const struct lw_schema_reference *r) {
    for (size_t i = 0; i < g->n; i++)
        if (g->from[i].version == r->version &&
            strcmp(g->from[i].subject, r->subject) == 0)
            return true;
    return false;
}

static int gathered_add(struct lw_registry_client *c, struct gathered_references *g,
                        const struct lw_registered *of, struct lw_err *err) {
    for (size_t i = 0; i < of->nreferences; i++) {
        const struct lw_schema_reference *r = &of->reference[i];
        if (gathered_has(g, r))
            continue;
        if (g->n == LW_REFERENCES_MAX)
            return lw_fail(err, LW_EINPUT, "it refers to more than %d schemas",
                           LW_REFERENCES_MAX);
        struct lw_registered *part = &g->part[g->n];
        if (get_version(c, r->subject, r->version, part, err))
            return lw_err_context(
                err, "version %" PRId64 " of subject %.100s, to which it refers",
                r->version, r->subject);
        g->from[g->n++] = *r;
        g->bytes += part->len;
        if (g->bytes > LW_REFERENCED_BYTES_MAX)
            return lw_fail(err, LW_EINPUT,
                           "the schemas that it refers to exceed %zu bytes",
                           LW_REFERENCED_BYTES_MAX);
    }
    return 0;
}

/* All levels, breadth first: added parts are processed in turn. */
static int gather_all(struct lw_registry_client *c, struct gathered_references *g,
                      const struct lw_registered *top, struct lw_err *err) {
    int rc = gathered_add(c, g, top, err);
    for (size_t i = 0; rc == 0 && i < g->n; i++)
        rc = gathered_add(c, g, &g->part[i], err);
    return rc;
}

static char *client_compose(const struct lw_registered *top,
                            const struct gathered_references *g, struct lw_err *err) {
    struct lw_text text[LW_REFERENCES_MAX];
    for (size_t i = 0; i < g->n; i++)
        text[i] = (struct lw_text){g->part[i].schema, g->part[i].len};
    return lw__compose((struct lw_text){top->schema, top->len}, text, g->n, err);
}

static struct lw_schema *client_parse(const char *text, size_t len, struct lw_err *err) {
    struct lw_schema *schema = lw_schema_parse(text, len, err);
    if (!schema && err && err->code == LW_ECONFIG)
        err->code = LW_EINPUT; /* nobody here wrote it */
    return schema;
}

static struct lw_schema *schema_of(struct lw_registry_client *c,
                                   const struct lw_registered *top, struct lw_err *err) {
    if (top->nreferences == 0)
        return client_parse(top->schema, top->len, err);
    struct gathered_references *g = lw_calloc(1, sizeof *g);
    struct lw_schema *schema = NULL;
    char *text = NULL;
    if (gather_all(c, g, top, err) == 0)
        text = client_compose(top, g, err);
    if (text)
        schema = client_parse(text, strlen(text), err);
    free(text);
    for (size_t i = 0; i < g->n; i++)
        lw__registered_fini(&g->part[i]);
    free(g);
    return schema;
}

/* ---- requests ---- */

/* A request by GUID got an answer from outside the API: does the rest of the API answer? */
static void without_guids(struct lw_registry_client *c, const struct lw_frame *frame,
                          struct lw_err *why) {
    struct lw_err away = {0};
    int64_t now = lw_mono_ms();
    if (frame->by != LW_SCHEMA_GUID || why->code != LW_EAGAIN || c->status != 404)
        return;
    if (now >= c->no_guids_until && lw_registry_client_ping(c, &away))
        return;
    if (now >= c->no_guids_until)
        c->no_guids_until = now + NO_GUIDS_MS;
    lw_err_clear(why);
    lw_fail(why, LW_ENOTFOUND,
            "%s does not know it: it is a registry that finds no schema by GUID",
            c->options.url);
}

struct lw_schema *lw_registry_client_schema(struct lw_registry_client *c,
                                            const struct lw_frame *frame,
                                            struct lw_err *err) {
    char path[96], name[48];
    struct lw_registered top;
    lw_assert(frame->by == LW_SCHEMA_ID || frame->by == LW_SCHEMA_GUID);
    lw_frame_name(name, sizeof name, frame);
    snprintf(path, sizeof path, "/schemas/%s/%s",
             frame->by == LW_SCHEMA_ID ? "ids" : "guids", strchr(name, ' ') + 1);
    struct lw_schema *schema = NULL;
    struct lw_err why = {0};
    if (client_get(c, path, &why))
        without_guids(c, frame, &why);
    else if (lw__registered_parse(c->answer.data, c->answer.len, &top, &why) == 0) {
        schema = schema_of(c, &top, &why);
        lw__registered_fini(&top);
    }
    if (!schema)
        lw_fail(err, why.code, "schema %s: %s", name, why.msg);
    return schema;
}

int lw_registry_client_latest(struct lw_registry_client *c, const char *subject,
                              struct lw_latest *out, struct lw_err *err) {
    struct lw_registered top;
    *out = (struct lw_latest){0};
    if (get_version(c, subject, 0, &top, err))
        return lw_err_context(err, "subject %.100s", subject);
    out->schema = schema_of(c, &top, err);
    out->id = top.id >= 0 && top.id <= UINT32_MAX ? (uint32_t)top.id : 0;
    out->version = top.version;
    lw__registered_fini(&top);
    return out->schema ? 0 : lw_err_context(err, "subject %.100s", subject);
}

static int client_post(struct lw_registry_client *c, const char *path, const char *schema,
                       uint32_t *id, struct lw_err *err) {
    long status = 0;
    json_t *request = json_object();
    json_object_set_new(request, "schema", json_string(schema));
    char *body = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!body)
        return lw_fail(err, LW_ECONFIG, "the schema is not valid UTF-8");
    int rc = lw__connection_ask(c->connection, path, body, &c->answer, &status, err);
    free(body);
    if (rc)
        return -1;
    int64_t got = lw__answer_id(c->answer.data, c->answer.len);
    if (status == 200 && got >= 0) {
        *id = (uint32_t)got;
        return 0;
    }
    if (status == 409 || status == 422)
        return lw_fail(err, LW_ECONFIG,
                       "%s refuses the schema (status %ld, error code %" PRId64
                       "): is it compatible with those that the subject has?",
                       c->options.url, status,
                       lw__answer_error(c->answer.data, c->answer.len));
    return client_refuse(c, status, err);
}

/* Looks the schema up before registering it, so that a client with read access can
 * produce with a registered schema. */
int lw_registry_client_register(struct lw_registry_client *c, const char *subject,
                                const char *schema, uint32_t *id, struct lw_err *err) {
    struct lw_buf path = {0};
    struct lw_err why = {0};
    char *escaped = lw__connection_escape(c->connection, subject);
    lw_buf_printf(&path, "/subjects/%s", escaped);
    int rc = client_post(c, lw_buf_str(&path), schema, id, &why);
    if (rc && why.code == LW_ENOTFOUND) {
        lw_err_clear(&why);
        lw_buf_printf(&path, "/versions");
        rc = client_post(c, lw_buf_str(&path), schema, id, &why);
    }
    if (rc)
        lw_fail(err, why.code == LW_ENOTFOUND ? LW_EAGAIN : why.code,
                "subject %.100s: %s", subject, why.msg);
    free(escaped);
    lw_buf_fini(&path);
    return rc;
}
