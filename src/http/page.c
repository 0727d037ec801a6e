/* The page's files, which are compiled in. "/" may change with the program, so a browser
 * asks each time, and the ETag saves the transfer when nothing has changed. The other
 * files have a hash in their names and are cached indefinitely. */
#include <string.h>

#include "http/assets.h"
#include "http/private.h"
#include "http/serve.h"

static const struct lw_asset *asset_find(const char *path) {
    for (size_t i = 0; i < lw_nassets; i++)
        if (strcmp(lw_assets[i].path, path) == 0)
            return &lw_assets[i];
    return NULL;
}

bool lw_serve_asset(struct lw_call *c, const char *path) {
    const struct lw_asset *a = asset_find(path);
    if (!a)
        return false;
    const char *known =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "If-None-Match");
    bool fresh = known && strstr(known, a->etag);
    c->response = MHD_create_response_from_buffer(
        fresh ? 0 : a->len, (void *)(uintptr_t)a->data, MHD_RESPMEM_PERSISTENT);
    c->status = fresh ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    c->type = a->type;
    c->answered = true;
    MHD_add_response_header(c->response, "ETag", a->etag);
    bool named_by_hash = strncmp(path, "/assets/", 8) == 0;
    MHD_add_response_header(c->response, "Cache-Control",
                            named_by_hash ? "public, max-age=31536000, immutable"
                                          : "no-cache");
    return true;
}
