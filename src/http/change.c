/* What changes state: behind the token (guard.c), and noted with the asker's address. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "http/private.h"

void lw_call_asker(struct lw_call *c, char *out, size_t size) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char address[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr *a = info ? info->client_addr : NULL;
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
                  address, sizeof address);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  address, sizeof address);
    snprintf(out, size, "http:%s", address);
}

void lw_serve_retrain(struct lw_call *c) {
    struct lw_err err = {0};
    char who[80];
    lw_call_asker(c, who, sizeof who);
    if (lw_ask(c->server->ask_redis, c->server->spec, "retrain", who, &err)) {
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
    char who[80], reason[240];
    uint32_t version;
    if (!lw_call_version(c, &version) || !reason_of(c, reason, sizeof reason))
        return;
    lw_call_asker(c, who, sizeof who);
    if (lw_models_usable(c->server->ask_redis, c->server->spec, version, &err) ||
        lw_models_promote(c->server->ask_redis, c->server->spec, version, who, reason,
                          NULL, &err))
        lw_call_err(c, &err);
    else
        lw_call_json(c, json_pack("{sI}", "champion", (json_int_t)version));
}
