/* Every secret property of librdkafka is recognised, and no message shows its value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "kafka/client.h"

static const char *const secret[] = {"sasl.password",
                                     "sasl.oauthbearer.config",
                                     "sasl.oauthbearer.client.secret",
                                     "sasl.oauthbearer.client.credentials.client.secret",
                                     "sasl.oauthbearer.assertion.private.key.passphrase",
                                     "sasl.oauthbearer.assertion.private.key.pem",
                                     "ssl.key.password",
                                     "ssl.key.pem",
                                     "ssl.keystore.password",
                                     "ssl.truststore.password",
                                     "sasl.jaas.config"};
/* Paths, names, addresses, certificates, methods: not secret. */
static const char *const open_to_all[] = {
    "enable.sasl.oauthbearer.unsecure.jwt",
    "enable.ssl.certificate.verification",
    "https.ca.location",
    "https.ca.pem",
    "oauthbearer_token_refresh_cb",
    "sasl.kerberos.keytab",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.principal",
    "sasl.kerberos.service.name",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.assertion.algorithm",
    "sasl.oauthbearer.assertion.claim.aud",
    "sasl.oauthbearer.assertion.claim.exp.seconds",
    "sasl.oauthbearer.assertion.claim.iss",
    "sasl.oauthbearer.assertion.claim.jti.include",
    "sasl.oauthbearer.assertion.claim.nbf.seconds",
    "sasl.oauthbearer.assertion.claim.sub",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.grant.type",
    "sasl.oauthbearer.metadata.authentication.type",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.sub.claim.name",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.username",
    "ssl.ca.certificate.stores",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.certificate.verify_cb",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl_ca",
    "ssl_certificate",
    "ssl_key", /* set by a function, never as text */
    "ssl_engine_callback_data",
    "ssl.engine.location",
    "ssl.engine.id",
    "sasl.password_file",
    "ssl.key.pem_file"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool in(const char *name, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

static void the_lists_are_disjoint_and_known(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(secret); i++)
        if (!lw_kafka_secret(secret[i]))
            fail_msg("%s is a secret", secret[i]);
    for (size_t i = 0; i < COUNT(open_to_all); i++)
        if (lw_kafka_secret(open_to_all[i]))
            fail_msg("%s is not a secret", open_to_all[i]);
}

static bool sounds_like_one(const char *name) {
    static const char *const word[] = {"pass",  "secret", "key",  "pem",  "cred",
                                       "token", "sasl",   "jaas", "oauth"};
    for (size_t i = 0; i < COUNT(word); i++)
        if (strstr(name, word[i]))
            return true;
    return false;
}

static void the_library_has_no_other_secret_property(void **state) {
    (void)state;
    char line[4096], name[128];
    FILE *table = tmpfile();
    size_t seen = 0;
    assert_non_null(table);
    rd_kafka_conf_properties_show(table);
    rewind(table);
    while (fgets(line, sizeof line, table)) {
        if (sscanf(line, "%127[a-z0-9._] ", name) != 1 || !sounds_like_one(name))
            continue;
        seen++;
        if (!in(name, secret, COUNT(secret)) &&
            !in(name, open_to_all, COUNT(open_to_all)) &&
            strncmp(name, "sasl.oauthbearer.metadata", 25) != 0)
            fail_msg("librdkafka %s has the property %s: is it a secret? Add it here, "
                     "and in src/kafka/secret.c",
                     rd_kafka_version_str(), name);
    }
    fclose(table);
    assert_true(seen > 20);
}

/* A client whose configuration has secrets, and that never connects. */
static rd_kafka_t *client_with(const char *config, const char *password) {
    struct lw_kafka_options o = {.n = 2};
    struct lw_err err = {0};
    char why[200];
    lw_copy(o.property[0].key, sizeof o.property[0].key, "sasl.oauthbearer.config");
    lw_copy(o.property[0].value, sizeof o.property[0].value, config);
    lw_copy(o.property[1].key, sizeof o.property[1].key, "sasl.password");
    lw_copy(o.property[1].value, sizeof o.property[1].value, password);
    rd_kafka_conf_t *conf = lw_kafka_conf(&o, "producer", &err);
    if (!conf)
        fail_msg("%s", err.msg);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!rk)
        fail_msg("%s", why);
    return rk;
}

static void messages_of_the_library_have_no_secret(void **state) {
    (void)state;
    static const char config[] = "principal=me nonsense=s3cr3t-of-mine-0123456789";
    static const char *const said[][2] = {
        {"Unrecognized sasl.oauthbearer.config beginning at: "
         "nonsense=s3cr3t-of-mine-0123456789",
         "Unrecognized sasl.oauthbearer.config beginning at:***"},
        {"the end: of-mine-0123456789, and more", "the end: ***, and more"},
        {"hunter2 hunter2hunter2", "*** ******"},
        {"hunter", "hunter"}, /* a word that is not a secret */
        {"a reason cut off in nonsense=s3cr3t-of", "a reason cut off in***"},
        {"", ""}};
    rd_kafka_t *rk = client_with(config, "hunter2");
    char out[200];
    for (size_t i = 0; i < COUNT(said); i++) {
        assert_string_equal(lw_kafka_redact(out, sizeof out, rk, said[i][0]), said[i][1]);
        assert_string_equal(lw_kafka_redact(out, sizeof out, NULL, said[i][0]),
                            said[i][0]);
    }
    rd_kafka_destroy(rk);
}

/* In any surrounding text, and cut at any position. */
static void a_secret_is_masked_anywhere_in_a_text(void **state) {
    (void)state;
    const uint64_t seed = 20261130;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    static const char password[] = "correct-horse-battery";
    rd_kafka_t *rk = client_with("principal=x", password);
    for (int round = 0; round < 500; round++) {
        char text[160], out[160];
        size_t n = 0, before = lw_rng_below(&rng, 60), after = lw_rng_below(&rng, 60);
        while (n < before)
            text[n++] = (char)('A' + lw_rng_below(&rng, 26));
        memcpy(text + n, password, sizeof password - 1);
        n += sizeof password - 1;
        for (size_t i = 0; i < after; i++)
            text[n++] = (char)('A' + lw_rng_below(&rng, 26));
        text[n] = '\0';
        size_t size = 8 + lw_rng_below(&rng, sizeof out - 8);
        lw_kafka_redact(out, size, rk, text);
        assert_true(strlen(out) < size);
        assert_null(strpbrk(out, "abcdefghijklmnopqrstuvwxyz"));
    }
    rd_kafka_destroy(rk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lists_are_disjoint_and_known),
        cmocka_unit_test(the_library_has_no_other_secret_property),
        cmocka_unit_test(messages_of_the_library_have_no_secret),
        cmocka_unit_test(a_secret_is_masked_anywhere_in_a_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
