/* Requests that change state. guard.c checks their token; the audit records the token's
 * name and the client's address. */
#include <stdio.h>
#include <string.h>

#include "http/private.h"
#include "http/serve.h"
#include "store/requests.h"

void lw_call_asker(struct lw_call *c, char *out, size_t size) {
    char address[64];
    lw_address_text((const struct sockaddr *)&c->peer->from, address, sizeof address);
    snprintf(out, size, "http:%s%s%s", c->token, c->token[0] ? "@" : "", address);
}

void lw_serve_retrain(struct lw_call *c) {
    struct lw_err err = {0};
    char who[90];
    lw_call_asker(c, who, sizeof who);
    if (lw_requests_add(c->redis, c->server->spec, "retrain", who, &err)) {
        lw_call_err(c, &err);
        return;
    }
    lw_call_json(c, json_pack("{sb}", "asked", 1));
    c->status = MHD_HTTP_ACCEPTED;
}

/* The body may be {"reason": "..."}, for the audit. */
static bool reason_of(struct lw_call *c, char *out, size_t size) {
    json_error_t at;
    snprintf(out, size, "over HTTP");
    if (c->body.len == 0)
        return true;
    json_t *o =
        json_loadb((const char *)c->body.data, c->body.len, JSON_REJECT_DUPLICATES, &at);
    const char *text = json_string_value(json_object_get(o, "reason"));
    bool ok = json_is_object(o) && (text || json_object_size(o) == 0);
    if (text)
        snprintf(out, size, "%.200s", text);
    else if (!ok)
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                     "the body must be empty or {\"reason\": \"text\"}");
    json_decref(o);
    return ok;
}

void lw_serve_promote(struct lw_call *c) {
    struct lw_err err = {0};
    char who[90], reason[240];
    uint32_t version;
    if (!lw_call_version(c, &version) || !reason_of(c, reason, sizeof reason))
        return;
    lw_call_asker(c, who, sizeof who);
    if (lw_models_usable(c->redis, c->server->spec, version, &err) ||
        lw_models_promote(c->redis, c->server->spec,
                          &(struct lw_promotion){version, who, reason, NULL}, &err))
        lw_call_err(c, &err);
    else
        lw_call_json(c, json_pack("{sI}", "champion", (json_int_t)version));
}
