/* Properties of librdkafka that a configuration may not set.
 *
 * A configuration is data: nothing that it names is executed or loaded, not even by
 * `check`. Properties that the exactly-once contract depends on are set after the
 * user's (client.c), so another value would have no effect. Names of newer versions
 * that load or execute something are recognised by their form. */
#include <string.h>

#include "kafka/client.h"

#define NO_CODE "it loads code into the process, and leeway loads none: remove it"
#define TICKETS                                                                          \
    "leeway starts no program, not even kinit: remove it, let the system renew the "     \
    "ticket (k5start, a timer) and name its cache in KRB5CCNAME"
#define OFFSETS                                                                          \
    "leeway commits offsets when an event's effects are stored, and always sets this "   \
    "to false: remove it"
#define STORE "leeway keeps offsets in Redis and in the group: remove it"

static const struct {
    const char *key, *why;
} refused[] = {
    {"ssl.providers", NO_CODE},
    {"sasl.kerberos.kinit.cmd", TICKETS},
    {"sasl.kerberos.keytab", TICKETS}, /* only kinit reads it */
    {"sasl.kerberos.min.time.before.relogin", TICKETS},
    {"enable.auto.commit", OFFSETS},
    {"auto.commit.enable", OFFSETS},
    {"enable.auto.offset.store", OFFSETS},
    {"enable.partition.eof", "leeway sets it for each client: remove it"},
    {"offset.store.method", STORE},
    {"offset.store.path", STORE},
    {"metadata.broker.list", "is not used: write 'bootstrap.servers'"},
};

static bool text_begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool text_ends(const char *text, const char *with) {
    size_t len = strlen(text), n = strlen(with);
    return len >= n && strcmp(text + len - n, with) == 0;
}

const char *lw_kafka_refused(const char *property) {
    if (text_begins(property, "topic."))
        property += strlen("topic."); /* librdkafka's other name of a topic's property */
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(property, refused[i].key) == 0)
            return refused[i].why;
    if (text_ends(property, ".cmd"))
        return "leeway starts no program: remove it";
    return text_begins(property, "plugin.") || text_begins(property, "ssl.engine.")
               ? NO_CODE
               : NULL;
}
