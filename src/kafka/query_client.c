#include "kafka/query_client.h"

#include <string.h>

int lw_query_client_open(struct lw_query_client *c,
                         const struct lw_kafka_options *options, const char *role,
                         struct lw_err *err) {
    char why[256];
    lw_kafka_log_init(&c->log);
    c->rk = NULL;
    rd_kafka_conf_t *conf = lw_kafka_conf(options, role, err);
    if (!conf)
        return -1;
    rd_kafka_conf_set_opaque(conf, &c->log);
    c->rk =
        rd_kafka_new(strcmp(role, "reader") == 0 ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                     conf, why, sizeof why);
    if (c->rk)
        return 0;
    rd_kafka_conf_destroy(conf);
    return lw_fail(err, LW_ECONFIG, "kafka: %s", why);
}

void lw_query_client_close(struct lw_query_client *c) {
    if (c->rk)
        rd_kafka_destroy(c->rk);
    c->rk = NULL;
    lw_kafka_log_fini(&c->log);
}
