/* The configuration: one YAML file describes one stream, and nothing about a stream is
 * compiled in. Its manual is docs/config.md, which is generated from the tables in keys.c.
 *
 * Loading reads the file, the schema it names and, for `${NAME}`, the environment. It
 * connects to nothing; secrets are read by their users (base/secret.h). Every refusal is
 * LW_ECONFIG and reads
 *
 *   configs/x.yaml:41:13: key 'rules[1].window': no window is called 'weak'; did you
 *   mean 'week'?
 *
 * There is no global state: tests load two configurations at once. */
#ifndef LW_CONFIG_CONFIG_H
#define LW_CONFIG_CONFIG_H

#include <stdio.h>

#include "alert/privacy.h"
#include "alert/receiver.h"
#include "base/log.h"
#include "core/spec.h"
#include "event/decoder.h"
#include "event/framing.h"
#include "event/schema.h"
#include "kafka/client.h"
#include "registry/registry.h"
#include "store/redis.h"

#define LW_PATH_MAX 256

#define LW_SCHEMAS_MAX 32

struct lw_config_source {
    char topic[250];
    enum lw_encoding encoding;
    enum lw_framing framing;
    char schema_path[LW_PATH_MAX];
    struct lw_schema *schema; /* what we read, and what raw messages are written with */
    struct lw_schema *known[LW_SCHEMAS_MAX]; /* further writers', for single-object */
    size_t nknown;
    char dead_letters[250]; /* topic; "": bad events are counted and dropped */
    char scored[250];       /* topic; "": predictions are not produced */
    int workers;
    int64_t flush_interval_ms;
    int64_t flush_events;
    struct lw_registry_options registry;
};

struct lw_config_tls {
    bool on;
    char cert_file[LW_PATH_MAX], key_file[LW_PATH_MAX];
};

/* What a browser calls an origin: the first part of an address. */
struct lw_config_origin {
    bool tls;
    char host[256]; /* "": none; an IPv6 address has its brackets */
    int port;       /* 0: not said */
};

struct lw_config_http {
    bool on;
    char host[128];
    int port;
    char public_url[LW_URL_MAX];       /* as others reach it; "" not said */
    struct lw_config_origin public;    /* its parts; the port is always there */
    struct lw_config_tls tls;          /* off: plain HTTP */
    char token_file[LW_PATH_MAX];      /* "": nothing that changes state is allowed */
    char read_token_file[LW_PATH_MAX]; /* "": every client may read */
    int connections;
    int rate;         /* requests a second from one address; 0: any */
    int64_t body_max; /* bytes */
    int64_t timeout_ms;
    char listen[160]; /* as written */
};

/* Names that the sections wrote, kept for messages; the resolved form is in spec. */
struct lw_config_names {
    char event_id[LW_NAME_MAX], event_time[LW_NAME_MAX], time_zone[64];
    enum lw_unit event_unit;
    char prediction_field[LW_NAME_MAX], target_none[LW_NAME_MAX];
    char target_field[LW_NAME_MAX], target_from[LW_NAME_MAX], target_to[LW_NAME_MAX];
};

struct lw_tree;

/* So many in a time. */
struct lw_rate {
    double n;
    int64_t per_ms;
};

struct lw_config {
    char *path; /* as given */
    struct lw_spec spec;
    struct lw_kafka_options kafka;
    struct lw_redis_options redis;
    int64_t lease_ms; /* of the leader */
    struct lw_config_source source;
    struct lw_config_http http;
    size_t nreceivers;
    struct lw_receiver receiver[LW_RECEIVERS_MAX];
    char page_url[LW_URL_MAX], runbook_url[LW_URL_MAX];
    struct lw_rate alert_budget[2]; /* of all rules together, by enum lw_usual_level */
    struct lw_privacy privacy;      /* without its key */
    enum lw_log_level log_level;
    bool core_dumps;
    /* Optional candidates of a kind that this build cannot fit. */
    char left_out[LW_CANDIDATES_MAX][LW_NAME_MAX];
    size_t nleft_out;
    struct lw_config_names names;
    struct lw_tree *tree; /* for lw_config_print */
};

/* Reads at most 1 MiB. NULL and LW_ECONFIG; when the file itself cannot be read,
 * LW_EINPUT. Thread: any. Free with lw_config_free. */
struct lw_config *lw_config_load(const char *path, struct lw_err *err);
/* The same from memory; messages show `name`, and relative paths start at its
 * directory. */
struct lw_config *lw_config_parse(const char *text, size_t len, const char *name,
                                  struct lw_err *err);
void lw_config_free(struct lw_config *config);

/* "host", "host:port", "[::1]:port", the port 0 if it is not there; and the same after
 * "http://" or "https://", with what may follow and the scheme's port if there is none.
 * False: it is not that. */
bool lw_config_authority(const char *text, struct lw_config_origin *out);
bool lw_config_origin_parse(const char *text, struct lw_config_origin *out);

/* The effective configuration as YAML: defaults filled in, paths resolved, secrets
 * masked. Read back (where nothing was masked) it means the same. */
void lw_config_print(const struct lw_config *config, FILE *out);
/* docs/config.md. */
void lw_config_document(FILE *out);

#endif
