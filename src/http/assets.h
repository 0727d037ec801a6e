/* The page's files, compiled into the program: assets.cmake turns `web/` and Chart.js
 * into C at build time. Serving reads nothing from disk. */
#ifndef LW_HTTP_ASSETS_H
#define LW_HTTP_ASSETS_H

#include <stddef.h>

struct lw_asset {
    const char *path; /* as requested: "/", "/assets/<hash>/main.js" */
    const char *type; /* Content-Type */
    const unsigned char *data;
    size_t len;
    const char *etag; /* with its quotes: a hash of the content */
};

extern const struct lw_asset lw_assets[];
extern const size_t lw_nassets;

#endif
