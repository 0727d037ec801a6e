/* Signatures: the test vectors of the Standard Webhooks specification, and the forms in
 * which people write keys. */
#include "alert/sign.h"
#include "alert_test.h"

#define SPEC_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define LONG_KEY                                                                         \
    "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SPEC_SIG "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct lw_sign_key key(const char *text) {
    struct lw_sign_key k;
    struct lw_err err = {0};
    if (lw_sign_key_parse(text, &k, &err) < 0)
        fail_msg("%s", err.msg);
    return k;
}

static void the_specifications_vector_matches(void **state) {
    (void)state;
    const char *body = "{\"test\": 2432232314}";
    struct lw_sign_key k = key(SPEC_KEY);
    char out[LW_SIGNATURE_MAX];
    assert_int_equal(k.len, 24);
    lw_sign_message(&k, 1,
                    &(struct lw_sign_input){"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                            body, strlen(body)},
                    out);
    assert_string_equal(out, SPEC_SIG);
}

/* make_alert.py creates tests/data/alert/signatures.json with Python's hmac. */
static void python_signatures_match(void **state) {
    (void)state;
    char *text = data_file("signatures.json", NULL);
    json_t *all = json_loads(text, 0, NULL);
    free(text);
    assert_true(json_array_size(all) >= 3);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *v = json_array_get(all, i);
        json_t *names = json_object_get(v, "keys");
        struct lw_sign_key keys[2];
        char out[LW_SIGNATURE_MAX];
        const char *body = json_string_value(json_object_get(v, "body"));
        for (size_t k = 0; k < json_array_size(names); k++)
            keys[k] = key(json_string_value(json_array_get(names, k)));
        lw_sign_message(
            keys, json_array_size(names),
            &(struct lw_sign_input){json_string_value(json_object_get(v, "id")),
                                    json_integer_value(json_object_get(v, "timestamp")),
                                    body, strlen(body)},
            out);
        assert_string_equal(out, json_string_value(json_object_get(v, "signature")));
    }
    json_decref(all);
}

/* Rotation: two keys, two signatures, newest first. */
static void two_keys_give_two_signatures(void **state) {
    (void)state;
    struct lw_sign_key k[2] = {key("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                               key(SPEC_KEY)};
    const char *body = "{\"test\": 2432232314}";
    char out[LW_SIGNATURE_MAX], first[LW_SIGNATURE_MAX];
    lw_sign_message(k, 2,
                    &(struct lw_sign_input){"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                            body, strlen(body)},
                    out);
    lw_sign_message(k, 1,
                    &(struct lw_sign_input){"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                            body, strlen(body)},
                    first);
    char want[2 * LW_SIGNATURE_MAX];
    snprintf(want, sizeof want, "%s %s", first, SPEC_SIG);
    assert_string_equal(out, want);
}

static void longest_keys_fit(void **state) {
    (void)state;
    struct lw_sign_key k[2] = {{.len = 64}, {.len = 64}};
    char out[LW_SIGNATURE_MAX];
    lw_sign_message(k, 2, &(struct lw_sign_input){"id", INT64_MAX, "", 0}, out);
    assert_int_equal(strlen(out), 2 * strlen(SPEC_SIG) + 1);
}

static void bad_keys_are_refused_and_not_shown(void **state) {
    (void)state;
    const char *bad[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",          /* wrong length */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",         /* wrong alphabet */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La=aSw",         /* padding inside */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQM===", /* too much padding, longer */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL===",         /* too much padding */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2I=",             /* 23 bytes */
        LONG_KEY};                                        /* 66 bytes */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lw_sign_key k;
        struct lw_err err = {0};
        assert_int_equal(lw_sign_key_parse(bad[i], &k, &err), -1);
        assert_int_equal(err.code, LW_ECONFIG);
        assert_null(strstr(err.msg, "MfKQ9r8G")); /* never shown */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specifications_vector_matches),
        cmocka_unit_test(python_signatures_match),
        cmocka_unit_test(two_keys_give_two_signatures),
        cmocka_unit_test(longest_keys_fit),
        cmocka_unit_test(bad_keys_are_refused_and_not_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
