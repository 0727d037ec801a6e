/* Kafka, Redis, the schema registry, webhooks, HTTP: addresses and secrets.
 *
 * A secret written into the configuration ends up in a repository. So a literal one is
 * refused: it must come from a `*_file` or the environment (`${NAME}` without a default).
 * Addresses that are shown must not contain a secret at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/items.h"

#define NO_PASSWORD                                                                      \
    "a password must not stand in the configuration; use %s, or ${NAME} for an "         \
    "environment variable"

/* Where user and host begin. Browsers do not mind further slashes. */
static const char *url_authority(const char *url) {
    const char *scheme = strstr(url, "://");
    return scheme ? scheme + 3 + strspn(scheme + 3, "/") : url;
}

static const char *last_at(const char *text, size_t len) {
    while (len > 0 && text[len - 1] != '@')
        len--;
    return len > 0 ? text + len - 1 : NULL;
}

/* The password of scheme://user:password@host, and its length; NULL when there is none.
 * The scheme may come from a variable. A password with a '/' in it makes no address, but
 * is a secret all the same; in http://host:80/@x there is only a port. */
static const char *url_password(const char *url, size_t *len) {
    const char *host = url_authority(url);
    size_t n = strcspn(host, "/?#");
    const char *end = last_at(host, n);
    bool redis = strncmp(url, "redis", 5) == 0 || strncmp(url, "sentinel", 8) == 0;
    bool within = end && !redis;
    *len = 0;
    if (strncmp(url, "unix:", 5) == 0 || *host == '/')
        return NULL;
    if (!within)
        end = last_at(host, strlen(host));
    const char *colon = end ? memchr(host, ':', (size_t)(end - host)) : NULL;
    if (!colon)
        return NULL;
    size_t port = strspn(colon + 1, "0123456789");
    if (!redis && !within &&
        (*host == '[' || colon > host + n || strchr("/?#", colon[1 + port])))
        return NULL;
    *len = (size_t)(end - colon - 1);
    return colon + 1;
}

/* Does the address name a user, with or without a password? */
static bool has_user(const char *url) {
    size_t len;
    const char *host = url_authority(url + strspn(url, "/"));
    return memchr(host, '@', strcspn(host, "/?#")) != NULL || url_password(url, &len);
}

static int add_property(struct lw_load *load, const struct lw_yaml *node, const char *key,
                        const char *value, const char *file) {
    struct lw_kafka_options *kafka = &load->config->kafka;
    struct lw_err why = {0};
    if (lw_kafka_add(kafka, key, value, file, &why) == 0)
        return 0;
    return kafka->n == LW_KAFKA_PROPERTIES_MAX
               ? lw_yaml_fail_key(load->tree, node, load->err, "%s", why.msg)
               : lw_yaml_fail(load->tree, node, load->err, "%s", why.msg);
}

/* sasl.password_file: the client reads the secret whenever one is made; here it is only
 * checked that there is one. */
static int property_from_file(struct lw_load *load, const struct lw_yaml *node,
                              const char *key) {
    char source[1024];
    struct lw_err why = {0};
    if (lw_config_resolve_path(load->tree->name, node->text, source, sizeof source))
        return lw_yaml_fail(load->tree, node, load->err, "the path is too long");
    char *secret = lw_secret_line(source, LW_SECRET_MAX, &why);
    if (!secret)
        return lw_yaml_fail(load->tree, node, load->err, "%s", why.msg);
    lw_secret_free_text(secret);
    return add_property(load, node, key, "", source);
}

/* librdkafka resolves paths against the current directory; here they are relative to the
 * configuration, as all other paths. "probe" is not a path. */
static bool is_path(const char *key, const char *value) {
    size_t len = strlen(key);
    return len > 9 && strcmp(key + len - 9, ".location") == 0 &&
           strcmp(value, "probe") != 0;
}

static int add_path(struct lw_load *load, const struct lw_yaml *node, const char *key) {
    char path[1024];
    if (lw_config_resolve_path(load->tree->name, node->text, path, sizeof path))
        return lw_yaml_fail(load->tree, node, load->err, "the path is too long");
    return add_property(load, node, key, path, "");
}

/* librdkafka treats an empty text as unset, and no client works without these. */
static bool needs_text(const char *key, const char *text) {
    const char *blank = strcmp(key, "group.id") == 0            ? " \t\r\n"
                        : strcmp(key, "bootstrap.servers") == 0 ? " \t\r\n,"
                                                                : NULL;
    return blank && text[strspn(text, blank)] == '\0';
}

static int read_property(struct lw_load *load, const struct lw_yaml *node) {
    const char *key = node->key;
    size_t len = strlen(key);
    const char *refused = lw_kafka_refused(key);
    if (refused)
        return lw_yaml_fail_key(load->tree, node, load->err, "%s", refused);
    if (node->kind != LW_YAML_SCALAR)
        return lw_yaml_fail(load->tree, node, load->err, "must be a single value");
    if (needs_text(key, node->text))
        return lw_yaml_fail(load->tree, node, load->err,
                            "is empty: set it, or remove it for the default");
    if (lw_kafka_secret(key) && *node->literal)
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "a secret must not be written in the configuration; write "
            "'%s_file: path', or ${NAME} for an environment variable",
            key);
    if (len > 5 && strcmp(key + len - 5, "_file") == 0) {
        char *property = lw_strndup(key, len - 5);
        int failed = lw_kafka_secret(property)
                         ? property_from_file(load, node, property)
                         : lw_yaml_fail_key(load->tree, node, load->err,
                                            "only a secret can be read from a file");
        free(property);
        return failed;
    }
    if (strstr(node->text, "://") && !lw_kafka_secret(key) && has_user(node->text))
        return lw_yaml_fail(load->tree, node, load->err,
                            "an address here must not contain a user or a password");
    return is_path(key, node->text) ? add_path(load, node, key)
                                    : add_property(load, node, key, node->text, "");
}

int lw_config_read_kafka(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config *config = load->config;
    for (size_t i = 0; node && i < node->n; i++)
        if (read_property(load, node->child[i]))
            return -1;
    const struct lw_yaml *at = node ? node : load->tree->root;
    char group[LW_NAME_MAX + 16];
    snprintf(group, sizeof group, "leeway-%s", config->spec.stream);
    if (!lw_kafka_property(&config->kafka, "group.id") &&
        add_property(load, at, "group.id", group, ""))
        return -1;
    if (!lw_kafka_property(&config->kafka, "bootstrap.servers"))
        return add_property(load, at, "bootstrap.servers", "localhost:9092", "");
    return 0;
}

/* An address for a message: as written in the file, unless it may contain a password. */
static const char *written_url(const struct lw_yaml *node) {
    bool whole = node && strcmp(node->literal, node->text) == 0;
    return whole && !strchr(node->text, '@') ? node->text : "***";
}

static bool url_begins(const char *url, const char *scheme) {
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

int lw_config_read_redis_url(struct lw_load *load, const struct lw_yaml *node) {
    size_t len;
    const char *url = load->config->redis.url;
    if (!url_begins(url, "redis://") && !url_begins(url, "rediss://") &&
        !url_begins(url, "sentinel://") && !url_begins(url, "sentinels://") &&
        !url_begins(url, "unix:"))
        return lw_yaml_fail(
            load->tree, node, load->err,
            "must begin with redis://, rediss://, sentinel:// or unix: (got '%.60s')",
            written_url(node));
    if (node && url_password(node->literal, &len) && len > 0)
        return lw_yaml_fail(load->tree, node, load->err, NO_PASSWORD, "password_file");
    return 0;
}

/* A certificate for a connection without TLS is a mistake. */
int lw_config_read_redis_tls(struct lw_load *load, const struct lw_yaml *node) {
    const struct lw_redis_options *o = &load->config->redis;
    if (!node || !*node->text)
        return 0;
    if (!url_begins(o->url, "rediss://") && !url_begins(o->url, "sentinels://"))
        return lw_yaml_fail(
            load->tree, node, load->err,
            "is for TLS: redis.url must begin with rediss:// or sentinels://");
    if (*o->key_file && !*o->cert_file)
        return lw_yaml_fail(load->tree, node, load->err,
                            "a key without its certificate: redis.cert_file is missing");
    return 0;
}

int lw_config_read_registry(struct lw_load *load, const struct lw_yaml *node) {
    const struct lw_registry_options *registry = &load->config->source.registry;
    if (!*registry->url)
        return 0;
    const struct lw_yaml *url = lw_yaml_find(node, "url");
    if (!url_begins(registry->url, "http://") && !url_begins(registry->url, "https://"))
        return lw_yaml_fail(load->tree, url, load->err,
                            "must begin with http:// or https:// (got '%.60s')",
                            written_url(url));
    if (has_user(registry->url))
        return lw_yaml_fail(
            load->tree, url, load->err,
            "the address must not contain user and password; use user and password_file");
    if (*registry->token_file && *registry->user)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "token_file"), load->err,
                            "set either a token or a user, not both");
    return 0;
}

int lw_config_read_shown_url(struct lw_load *load, const struct lw_yaml *node) {
    if (node && has_user(node->text))
        return lw_yaml_fail(
            load->tree, node, load->err,
            "this address is shown to people: it must not contain a user or a password");
    return 0;
}

int lw_config_read_schemas(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config_source *source = &load->config->source;
    for (size_t i = 0; node && i < node->n; i++) {
        const struct lw_yaml *item = node->child[i];
        struct lw_err why = {0};
        char path[1024];
        if (item->kind != LW_YAML_SCALAR)
            return lw_yaml_fail(load->tree, item, load->err, "must be a path");
        if (source->nknown == LW_SCHEMAS_MAX)
            return lw_yaml_fail(load->tree, item, load->err, "more than %d schemas",
                                LW_SCHEMAS_MAX);
        if (lw_config_resolve_path(load->tree->name, item->text, path, sizeof path))
            return lw_yaml_fail(load->tree, item, load->err, "the path is too long");
        struct lw_schema *schema = lw_schema_load(path, &why);
        if (!schema)
            return lw_yaml_fail(load->tree, item, load->err, "%s", why.msg);
        source->known[source->nknown++] = schema;
    }
    return 0;
}

static int check_topics(struct lw_load *load, const struct lw_yaml *node) {
    const struct lw_config_source *source = &load->config->source;
    const struct {
        const char *key, *topic;
    } out[] = {{"dead_letters", source->dead_letters}, {"scored", source->scored}};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        if (strcmp(out[i].topic, source->topic) == 0)
            return lw_yaml_fail(
                load->tree, lw_yaml_find(node, out[i].key), load->err,
                "is the topic that events are read from; they would be read again and again");
    if (*source->scored && strcmp(source->scored, source->dead_letters) == 0)
        return lw_yaml_fail(
            load->tree, lw_yaml_find(node, "scored"), load->err,
            "is the topic of dead letters; who reads one would be given the other");
    return 0;
}

int lw_config_read_source(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config_source *source = &load->config->source;
    struct lw_err why = {0};
    source->schema = lw_schema_load(source->schema_path, &why);
    if (!source->schema)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "schema"), load->err, "%s",
                            why.msg);
    if (source->framing == LW_FRAMING_CONFLUENT && !*source->registry.url)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "framing"), load->err,
                            "needs a schema registry: `source.registry.url`");
    if (source->framing != LW_FRAMING_SINGLE && source->nknown > 0)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "schemas"), load->err,
                            "only messages in single-object encoding name a schema that "
                            "these could be (`framing: single-object`)");
    return check_topics(load, node);
}

/* Does a pattern of a route match a rule, or a message that belongs to no rule? */
static bool route_exists(const struct lw_spec *spec, const char *pattern) {
    struct lw_receiver one = {.nrules = 1};
    lw_copy(one.rule[0], LW_NAME_MAX, pattern);
    for (size_t i = 0; i < spec->nrules; i++)
        if (lw_receiver_wants(&one, LW_SEVERITY_CRITICAL, spec->rule[i].name))
            return true;
    for (size_t i = 0; lw_alert_notice_name(i); i++)
        if (lw_receiver_wants(&one, LW_SEVERITY_CRITICAL, lw_alert_notice_name(i)))
            return true;
    return false;
}

static int fail_route(struct lw_load *load, const struct lw_yaml *node) {
    const struct lw_spec *spec = &load->config->spec;
    const char *names[LW_RULES_MAX];
    char hint[300];
    for (size_t i = 0; i < spec->nrules; i++)
        names[i] = spec->rule[i].name;
    return lw_yaml_fail(
        load->tree, node, load->err, "no rule is called '%.60s'%s", node->text,
        lw_config_suggest(hint, sizeof hint, node->text, names, spec->nrules));
}

static int read_routes(struct lw_load *load, const struct lw_yaml *node,
                       struct lw_receiver *receiver) {
    for (size_t i = 0; node && i < node->n; i++) {
        const struct lw_yaml *item = node->child[i];
        if (item->kind != LW_YAML_SCALAR || strlen(item->text) >= LW_NAME_MAX)
            return lw_yaml_fail(load->tree, item, load->err,
                                "must be the name of a rule");
        if (receiver->nrules == LW_RECEIVER_RULES)
            return lw_yaml_fail(load->tree, item, load->err,
                                "more than %d; use 'prefix*'", LW_RECEIVER_RULES);
        if (!route_exists(&load->config->spec, item->text))
            return fail_route(load, item);
        lw_copy(receiver->rule[receiver->nrules++], LW_NAME_MAX, item->text);
    }
    return 0;
}

static int read_webhook(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config *config = load->config;
    struct lw_receiver receiver = lw_receiver_defaults();
    struct lw_err why = {0};
    const struct lw_yaml *url = lw_yaml_find(node, "url");
    size_t len;
    receiver.repeat_ms = -1;
    if (lw_config_read_section(load, &lw_section_webhook, node, &receiver) ||
        read_routes(load, lw_yaml_find(node, "rules"), &receiver))
        return -1;
    if (url && url_password(url->literal, &len) && len > 0)
        return lw_yaml_fail(load->tree, url, load->err, NO_PASSWORD, "url_file");
    if (lw_receiver_check(&receiver, &why))
        return lw_yaml_fail(load->tree, node, load->err, "%s", why.msg);
    for (size_t i = 0; i < config->nreceivers; i++)
        if (strcmp(config->receiver[i].name, receiver.name) == 0)
            return lw_yaml_fail(load->tree, lw_yaml_find(node, "name"), load->err,
                                "a second webhook is called '%.60s'", receiver.name);
    config->receiver[config->nreceivers++] = receiver;
    return 0;
}

int lw_config_read_webhooks(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++) {
        if (load->config->nreceivers == LW_RECEIVERS_MAX)
            return lw_yaml_fail(load->tree, node->child[i], load->err,
                                "more than %d webhooks", LW_RECEIVERS_MAX);
        if (read_webhook(load, node->child[i]))
            return -1;
    }
    return 0;
}

bool lw_config_authority(const char *text, struct lw_config_origin *out) {
    int64_t port = 0;
    size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/?#@");
    *out = (struct lw_config_origin){0};
    if (len == 0 || len >= sizeof out->host || len > strlen(text))
        return false;
    const char *rest = text + len;
    if (*rest == ':' && (!lw_parse_i64(rest + 1, &port) || port < 1 || port > 65535))
        return false;
    if (*rest && *rest != ':')
        return false;
    memcpy(out->host, text, len);
    if (out->host[len - 1] == '.') /* the same name, said in full */
        out->host[len - 1] = '\0';
    out->port = (int)port;
    return out->host[0] != '\0';
}

bool lw_config_origin_parse(const char *text, struct lw_config_origin *out) {
    char authority[300];
    bool tls = strncmp(text, "https://", 8) == 0;
    *out = (struct lw_config_origin){0};
    if (!tls && strncmp(text, "http://", 7) != 0)
        return false;
    text += tls ? 8 : 7;
    size_t len = strcspn(text, "/?#");
    if (len >= sizeof authority)
        return false;
    memcpy(authority, text, len);
    authority[len] = '\0';
    bool ok = lw_config_authority(authority, out);
    out->tls = tls;
    if (out->port == 0)
        out->port = tls ? 443 : 80;
    if (!ok)
        out->host[0] = '\0';
    return ok;
}

/* The public address, and TLS. */
static int read_public(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config_http *http = &load->config->http;
    if (*http->public_url && !lw_config_origin_parse(http->public_url, &http->public))
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "public_url"), load->err,
                            "must be http://host:port or https://host:port (got '%.80s')",
                            http->public_url);
    if (!*load->config->page_url)
        lw_copy(load->config->page_url, sizeof load->config->page_url, http->public_url);
    http->tls.on = *http->tls.cert_file || *http->tls.key_file;
    if (http->tls.on && (!*http->tls.cert_file || !*http->tls.key_file))
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "tls"), load->err,
                            "needs both cert_file and key_file");
    return 0;
}

int lw_config_read_http(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config_http *http = &load->config->http;
    const char *colon = strrchr(http->listen, ':');
    int64_t port = 0;
    http->on = strcmp(http->listen, "off") != 0;
    if (read_public(load, node))
        return -1;
    if (!http->on)
        return 0;
    size_t len = colon ? (size_t)(colon - http->listen) : 0;
    if (len == 0 || len >= sizeof http->host || !lw_parse_i64(colon + 1, &port) ||
        port < 0 || port > 65535)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "listen"), load->err,
                            "must be host:port or off (got '%.80s')", http->listen);
    bool bracketed = http->listen[0] == '[' && len > 2 && http->listen[len - 1] == ']';
    memcpy(http->host, http->listen + bracketed, len - 2 * (size_t)bracketed);
    http->host[len - 2 * (size_t)bracketed] = '\0';
    http->port = (int)port;
    return 0;
}
