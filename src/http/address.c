/* Client addresses: one entry each, while it has a connection and for an hour after it
 * sent a token.
 *
 * An IPv6 client owns at least a /64, so the first 64 bits count as one address; an IPv4
 * address counts whole. All clients behind one proxy are one address.
 *
 * Wrong tokens slow their address: after ten of them, tokens from that address are not
 * checked for a while, which stops guessing at full speed. Two cases are exempt, so that
 * a guesser cannot lock out others: a token that was right from that address is always
 * checked, and the same wrong token sent repeatedly (a browser with an old one) slows
 * only itself. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "http/private.h"

#define KEPT_MAX     4096 /* addresses without a connection */
#define KEEP_MS      LW_HOUR
#define FREE_GUESSES 10
#define PAUSE_MS     500 /* after the tenth wrong one, doubled with each further one */
#define DOUBLED_MAX  4   /* ... to 8 s */

void lw_address_text(const struct sockaddr *a, char *out, size_t size) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, text,
                  sizeof text);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  text, sizeof text);
    snprintf(out, size, "%s", strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text);
}

static void key_of(const struct sockaddr *a, uint8_t key[16]) {
    memset(key, 0, 16);
    if (a->sa_family == AF_INET) {
        key[10] = key[11] = 0xff; /* as an IPv6 socket reports it */
        memcpy(key + 12, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    } else if (a->sa_family == AF_INET6) {
        memcpy(key, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        if (memcmp(key, mapped, sizeof mapped) != 0)
            memset(key + 8, 0, 8);
    }
}

static struct lw_address **bucket_of(struct lw_server *s, const uint8_t key[16]) {
    uint32_t h = 2166136261u;
    for (int i = 0; i < 16; i++)
        h = (h ^ key[i]) * 16777619u;
    return &s->addresses[h % LW_ADDRESS_BUCKETS];
}

/* Frees the entries of a bucket that hold no information any more. */
static void bucket_sweep(struct lw_server *s, struct lw_address **at) {
    int64_t old = lw_mono_ms() - KEEP_MS;
    while (*at) {
        struct lw_address *a = *at;
        bool paid = a->rated_us < lw_mono_us();
        if (a->connections == 0 && paid && (!a->kept || a->token_ms < old)) {
            *at = a->next;
            s->kept -= a->kept;
            free(a);
        } else {
            at = &a->next;
        }
    }
}

struct lw_address *lw_address_take(struct lw_server *s, const struct sockaddr *from) {
    uint8_t key[16];
    key_of(from, key);
    struct lw_address **bucket = bucket_of(s, key), *a;
    bucket_sweep(s, bucket);
    for (a = *bucket; a && memcmp(a->key, key, sizeof key) != 0; a = a->next)
        ;
    if (!a) {
        a = lw_calloc(1, sizeof *a);
        memcpy(a->key, key, sizeof key);
        a->next = *bucket;
        *bucket = a;
    }
    a->connections++;
    return a;
}

void lw_address_give(struct lw_server *s, struct lw_address *a) {
    a->connections--;
    bucket_sweep(s, bucket_of(s, a->key));
}

void lw_address_free_all(struct lw_server *s) {
    for (size_t i = 0; i < LW_ADDRESS_BUCKETS; i++)
        while (s->addresses[i]) {
            struct lw_address *a = s->addresses[i];
            s->addresses[i] = a->next;
            free(a);
        }
}

/* ---- requests ---- */

/* Each request costs a span of time; up to two seconds may be spent in advance. */
bool lw_address_rate(struct lw_server *s, struct lw_address *a, int rate) {
    pthread_mutex_lock(&s->peers_lock);
    int64_t now = lw_mono_us(), cost = 1000000 / rate;
    if (a->rated_us < now)
        a->rated_us = now;
    bool may = a->rated_us + cost <= now + 2000000;
    if (may)
        a->rated_us += cost;
    pthread_mutex_unlock(&s->peers_lock);
    return may;
}

/* ---- tokens ---- */

/* Keeps the entry if there is room. */
static void address_keep(struct lw_server *s, struct lw_address *a, int64_t now) {
    if (a->token_ms < now - KEEP_MS)
        a->guesses.wrong = a->repeats.wrong = 0;
    a->token_ms = now;
    if (!a->kept && s->kept < KEPT_MAX) {
        a->kept = true;
        s->kept++;
    }
}

static bool digest_seen(const struct lw_seen *seen, const uint8_t digest[LW_DIGEST]) {
    bool found = false;
    for (size_t i = 0; i < LW_SEEN_MAX; i++)
        found |= memcmp(seen->digest[i], digest, LW_DIGEST) == 0;
    return found;
}

static void digest_remember(struct lw_seen *to, const uint8_t digest[LW_DIGEST]) {
    if (!digest_seen(to, digest))
        memcpy(to->digest[to->next++ % LW_SEEN_MAX], digest, LW_DIGEST);
}

static struct lw_slow *slow_of(struct lw_address *a, const uint8_t digest[LW_DIGEST]) {
    return digest_seen(&a->wrong, digest) ? &a->repeats : &a->guesses;
}

int64_t lw_address_pause(struct lw_server *s, struct lw_address *a,
                         const uint8_t digest[LW_DIGEST]) {
    pthread_mutex_lock(&s->peers_lock);
    int64_t left =
        digest_seen(&a->right, digest) ? 0 : slow_of(a, digest)->until_ms - lw_mono_ms();
    pthread_mutex_unlock(&s->peers_lock);
    return left > 0 ? left : 0;
}

int lw_address_wrong(struct lw_server *s, struct lw_address *a,
                     const uint8_t digest[LW_DIGEST]) {
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&s->peers_lock);
    address_keep(s, a, now);
    struct lw_slow *slow = slow_of(a, digest);
    int wrong = ++slow->wrong, doubled = wrong - FREE_GUESSES;
    if (doubled >= 0)
        slow->until_ms =
            now + (PAUSE_MS << (doubled < DOUBLED_MAX ? doubled : DOUBLED_MAX));
    digest_remember(&a->wrong, digest);
    pthread_mutex_unlock(&s->peers_lock);
    return wrong;
}

void lw_address_right(struct lw_server *s, struct lw_address *a,
                      const uint8_t digest[LW_DIGEST]) {
    pthread_mutex_lock(&s->peers_lock);
    digest_remember(&a->right, digest);
    address_keep(s, a, lw_mono_ms());
    pthread_mutex_unlock(&s->peers_lock);
}
