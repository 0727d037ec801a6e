/* One exchange with the registry at a time, over within its timeout whatever the registry
 * does. The connection is kept between requests: a schema and its references come over
 * one. An answer of more than 4 MiB is broken off.
 *
 * Secrets are read for each request, so that a rotated one is used at once, and wiped
 * after it. No message of ours holds one, nor anything that the registry sent but
 * numbers: its text could repeat a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "net/curl.h"
#include "registry/registry_private.h"

#define SECRET_MAX   ((size_t)8 * 1024)
#define HEADER_MAX   ((size_t)64 * 1024)
#define USER_AGENT   "leeway"
#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

struct lw_connection {
    struct lw_registry_options options;
    struct lw_curl curl;
    atomic_bool stop;
    int64_t retry_after_ms;
    /* of the exchange under way */
    struct lw_buf *answer;
};

/* ---- secrets ---- */

static int read_secret(const char *key, const char *source, char *out, size_t size,
                       struct lw_err *err) {
    return lw_secret_copy(source, out, size, err)
               ? lw_err_context(err, "source.registry.%s", key)
               : 0;
}

/* Puts what authenticates us into the handle, which keeps copies of its own. */
static int set_secrets(struct lw_connection *a, struct lw_err *err) {
    const struct lw_registry_options *o = &a->options;
    char secret[SECRET_MAX] = "";
    int rc = 0;
    if (o->token_file[0]) {
        rc = read_secret("token_file", o->token_file, secret, sizeof secret, err);
        curl_easy_setopt(a->curl.easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(a->curl.easy, CURLOPT_XOAUTH2_BEARER, rc ? NULL : secret);
    } else if (o->user[0]) {
        if (o->password_file[0])
            rc = read_secret("password_file", o->password_file, secret, sizeof secret,
                             err);
        curl_easy_setopt(a->curl.easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(a->curl.easy, CURLOPT_USERNAME, o->user);
        curl_easy_setopt(a->curl.easy, CURLOPT_PASSWORD, rc ? NULL : secret);
    }
    lw_secret_wipe(secret, sizeof secret);
    return rc;
}

/* ---- the handle ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
    struct lw_connection *a = arg;
    size_t len = size * count;
    if (!lw_curl_take_body(&a->curl, len))
        return 0;
    lw_buf_put(a->answer, data, len);
    return len;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
    struct lw_connection *a = arg;
    (void)data;
    return lw_curl_take_header(&a->curl, size * count) ? size * count : 0;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down,
                       curl_off_t up_total, curl_off_t up) {
    struct lw_connection *a = arg;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return atomic_load(&a->stop) ? 1 : 0;
}

static void set_peer(struct lw_connection *a) {
    const struct lw_registry_options *o = &a->options;
    lw_curl_open(&a->curl, o->ca_file, o->timeout_ms, HEADER_MAX, LW_ANSWER_BYTES_MAX);
    lw_curl_header(&a->curl, "Accept: " CONTENT_TYPE ", application/json");
    lw_curl_header(&a->curl, "Content-Type: " CONTENT_TYPE);
    lw_curl_header(&a->curl, "Expect:");
    CURL *curl = a->curl.easy;
    curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, a);
}

struct lw_connection *lw__connection_new(const struct lw_registry_options *o,
                                         struct lw_err *err) {
    if (lw_curl_init(err))
        return NULL;
    struct lw_connection *a = lw_calloc(1, sizeof *a);
    a->options = *o;
    size_t len = strlen(a->options.url);
    while (len > 0 && a->options.url[len - 1] == '/')
        a->options.url[--len] = '\0';
    set_peer(a);
    char *authorities = NULL;
    size_t size;
    int rc = set_secrets(a, err);
    if (rc == 0 && o->ca_file[0]) {
        struct lw_err why = {0};
        authorities = lw_read_file(o->ca_file, LW_ANSWER_BYTES_MAX, &size, &why);
        if (!authorities)
            rc = lw_fail(err, LW_ECONFIG, "source.registry.ca_file: %s", why.msg);
    }
    free(authorities);
    if (rc == 0)
        return a;
    lw__connection_free(a);
    return NULL;
}

void lw__connection_free(struct lw_connection *a) {
    if (!a)
        return;
    lw_curl_close(&a->curl);
    free(a);
}

void lw__connection_stop(struct lw_connection *a) {
    atomic_store(&a->stop, true);
}

int64_t lw__connection_retry_after(const struct lw_connection *a) {
    return a->retry_after_ms;
}

char *lw__connection_escape(struct lw_connection *a, const char *text) {
    char *escaped = curl_easy_escape(a->curl.easy, text, 0);
    lw_assert(escaped != NULL);
    char *out = lw_strdup(escaped);
    curl_free(escaped);
    return out;
}

/* ---- one exchange ---- */

static int connection_transfer(struct lw_connection *a, struct lw_err *err) {
    CURLcode rc = curl_easy_perform(a->curl.easy);
    if (rc == CURLE_OK)
        return 0;
    if (a->curl.too_large)
        return lw_fail(err, LW_EAGAIN, "the answer of %s exceeds %zu bytes",
                       a->options.url, LW_ANSWER_BYTES_MAX);
    return lw_fail(err, LW_EAGAIN, "no answer from %s: %.200s", a->options.url,
                   lw_curl_reason(&a->curl, rc));
}

int lw__connection_ask(struct lw_connection *a, const char *path, const char *body,
                       struct lw_buf *answer, long *status, struct lw_err *err) {
    struct lw_buf url = {0};
    struct lw_err why = {0};
    lw_buf_printf(&url, "%s%s", a->options.url, path);
    a->answer = answer;
    lw_curl_rewind(&a->curl);
    lw_buf_clear(answer);
    curl_easy_setopt(a->curl.easy, CURLOPT_URL, lw_buf_str(&url));
    if (body) {
        curl_easy_setopt(a->curl.easy, CURLOPT_POST, 1L);
        curl_easy_setopt(a->curl.easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(a->curl.easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(body));
    } else {
        curl_easy_setopt(a->curl.easy, CURLOPT_HTTPGET, 1L);
    }
    int rc = set_secrets(a, &why);
    if (rc) /* a secret that is being replaced may be back in a moment */
        lw_fail(err, LW_EAGAIN, "%s", why.msg);
    else
        rc = connection_transfer(a, err);
    curl_easy_setopt(a->curl.easy, CURLOPT_PASSWORD, NULL);
    curl_easy_setopt(a->curl.easy, CURLOPT_XOAUTH2_BEARER, NULL);
    curl_easy_getinfo(a->curl.easy, CURLINFO_RESPONSE_CODE, status);
    a->retry_after_ms = lw_curl_retry_after_ms(&a->curl);
    lw_buf_fini(&url);
    return rc;
}
