/* Rendering of messages: the first byte selects a format, the rest is the message as
 * stored in the outbox; or, for a template, the template's text. For any input, rendering
 * fails with a reason or gives JSON, and every header of the request is one line. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alert/post.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char message[] =
    "{\"version\":1,\"id\":\"2f\",\"fingerprint\":\"00000000000000aa\",\"status\":\"firing\","
    "\"severity\":\"critical\",\"stream\":\"s\",\"rule\":\"r\",\"metric\":\"psi\",\"feature\":\"x\","
    "\"at\":\"2020-03-12T05:00:00Z\",\"since\":\"2020-03-12T05:00:00Z\",\"summary\":\"a \\\"b\\\"\","
    "\"value\":0.5,\"threshold\":0.2,\"window\":null,\"details\":{\"top_drifted\":[]}}";

static void check_request(const struct lw_post_request *req) {
    json_error_t why;
    json_t *body =
        json_loadb((const char *)req->body.data, req->body.len, JSON_DECODE_ANY, &why);
    lw_assert(body);
    json_decref(body);
    for (size_t i = 0; i < req->nheaders; i++)
        lw_assert(strchr(req->header[i], ':') && !strpbrk(req->header[i], "\r\n"));
}

static void render(const struct lw_receiver *r, const struct lw_secrets *secrets,
                   const char *json, size_t len) {
    struct lw_post_request req;
    struct lw_err err = {0};
    if (lw_render_request(r, secrets, &(struct lw_render_input){json, len, 1583989200000},
                          &req, &err)) {
        lw_assert((err.code == LW_EINPUT || err.code == LW_ECONFIG) && err.msg[0]);
        return;
    }
    check_request(&req);
    lw_post_request_fini(&req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct lw_receiver r = lw_receiver_defaults();
    struct lw_secrets secrets = {.token = "token"};
    lw_copy(r.name, sizeof r.name, "r");
    lw_copy(r.url, sizeof r.url, "http://localhost/");
    lw_copy(secrets.url, sizeof secrets.url, r.url);
    r.format = (enum lw_format)(data[0] % LW_FORMATS);
    if (r.format == LW_FORMAT_TEMPLATE) {
        secrets.template_text = lw_strndup((const char *)data + 1, size - 1);
        render(&r, &secrets, message, sizeof message - 1);
        free(secrets.template_text);
    } else {
        render(&r, &secrets, (const char *)data + 1, size - 1);
    }
    return 0;
}
