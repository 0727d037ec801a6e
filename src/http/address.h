/* Client addresses, their rates and their wrong tokens. */
#ifndef LW_HTTP_ADDRESS_H
#define LW_HTTP_ADDRESS_H

#include <sys/socket.h>

#include "http/server.h"
#include "http/tokens.h"

#define LW_ADDRESS_BUCKETS 256
#define LW_SEEN_MAX        4

struct lw_address {
    uint8_t key[16];
    int connections;
    int64_t rated_us; /* monotonic: its requests are paid for until then */
    bool kept;        /* for a while without a connection, because it sent a token */
    int64_t token_ms; /* monotonic: the newest token */
    struct lw_slow {  /* wrong tokens: different ones, and repeated ones */
        int wrong;
        int64_t until_ms; /* tokens are not checked before */
    } guesses, repeats;
    struct lw_seen {
        size_t next;
        uint8_t digest[LW_SEEN_MAX][LW_DIGEST];
    } right, wrong;  /* the latest tokens */
    uint64_t served; /* sequence number of its last read */
    int reading;     /* its reads in progress */
    struct lw_address *next;
};

/* _take and _give need peers_lock. */
void lw_address_text(const struct sockaddr *a, char *out, size_t size);
struct lw_address *lw_address_take(struct lw_server *s, const struct sockaddr *from);
void lw_address_give(struct lw_server *s, struct lw_address *a);
void lw_address_free_all(struct lw_server *s);
/* Milliseconds until a token from that address is checked; 0: now. */
int64_t lw_address_pause(struct lw_server *s, struct lw_address *a,
                         const uint8_t digest[LW_DIGEST]);
/* Counts a wrong token and returns how many of its kind there have been. */
int lw_address_wrong(struct lw_server *s, struct lw_address *a,
                     const uint8_t digest[LW_DIGEST]);
/* May the address send another request at this rate per second? */
bool lw_address_rate(struct lw_server *s, struct lw_address *a, int rate);
void lw_address_right(struct lw_server *s, struct lw_address *a,
                      const uint8_t digest[LW_DIGEST]);

#endif
