/* The page's files, compiled into the program: `web/` and Chart.js, turned into C by
 * assets.cmake at build time. Nothing is read from disk when serving. */
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
