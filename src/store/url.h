/* Addresses of Redis servers. */
#ifndef LW_STORE_URL_H
#define LW_STORE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "leeway/err.h"

#define LW_URL_SEEDS_MAX 8

enum lw_url_kind { LW_URL_TCP, LW_URL_UNIX, LW_URL_SENTINEL };

struct lw_url_seed {
    char host[200];
    int port;
};

struct lw_url {
    enum lw_url_kind kind;
    bool tls; /* rediss://, sentinels:// */
    char user[64], password[256], path[200], master[96];
    int db;
    size_t nseeds;
    struct lw_url_seed seed[LW_URL_SEEDS_MAX];
};
/* LW_ECONFIG: the text names the error and the form of a URL. */
int lw_url_parse(const char *text, struct lw_url *out, struct lw_err *err);
/* "host:port" or "[v6]:port" in text[0 .. len); port 0 when none is given. */
bool lw_url_seed_parse(const char *text, size_t len, struct lw_url_seed *out);

#endif
