/* leeway alerts test: sends a test message to every receiver with the code that sends
 * notifications, so a missing secret, an expired certificate or a broken template shows
 * up before an alert fires. Needs neither Redis nor Kafka. */
#include <stdlib.h>
#include <string.h>

#include "alert/alert_json.h"
#include "alert/deliver.h"
#include "alert/post.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/alerts.h"
#include "net/curl.h"

static void test_message(const struct lw_config *config, const char *who,
                         struct lw_buf *json) {
    struct lw_err err = {0};
    int64_t now = lw_wall_ms();
    struct lw_alert a = {.fingerprint = lw_text_key("leeway-test", 11),
                         .firing = true,
                         .severity = LW_SEVERITY_CRITICAL,
                         .since_ms = now,
                         .at_ms = now};
    a.incident = a.fingerprint ^ (uint64_t)now;
    lw_copy(a.name, sizeof a.name, "leeway-test");
    snprintf(a.summary, sizeof a.summary,
             "A test message of stream %.60s, sent by %.80s: nothing is wrong.",
             config->spec.stream, who);
    struct lw_alert_context context = {.now_ms = now,
                                       .host = who,
                                       .action = "None: this is a test.",
                                       .page_url = config->page_url,
                                       .runbook_url = config->runbook_url};
    int failed = lw_alert_json_write(&config->spec, &a, &context, json, &err);
    lw_assert(!failed); /* name and stream are set */
}

static int print_body(const struct lw_receiver *r, const struct lw_buf *json,
                      struct lw_err *err) {
    struct lw_secrets secrets = {0};
    struct lw_buf body = {0};
    if (lw_secrets_load(r, &secrets, err))
        return -1;
    int rc = lw_render_body(
        r, &secrets,
        &(struct lw_render_input){(const char *)json->data, json->len, lw_wall_ms()},
        &body, err);
    if (rc == 0)
        printf("%s (%s):\n%s\n", r->name, lw_format_name(r->format), lw_buf_str(&body));
    lw_buf_fini(&body);
    lw_secrets_fini(&secrets);
    return rc;
}

static json_t *result_json(const struct lw_receiver *r,
                           const struct lw_post_result *result) {
    json_t *o = json_object();
    lw_json_set_text(o, "receiver", r->name);
    lw_json_set_text(o, "format", lw_format_name(r->format));
    lw_json_set_bool(o, "delivered", result->verdict == LW_POST_DELIVERED);
    lw_json_set_int(o, "status", result->status);
    lw_json_set_int(o, "took_ms", result->took_ms);
    lw_json_set_text(o, "reason", result->reason);
    return o;
}

/* Sends to all receivers in parallel. Returns the number of failed deliveries. */
static size_t send_to_all(const struct lw_receiver *const *to, size_t n,
                          const struct lw_buf *json, bool as_json) {
    struct lw_post_result result[LW_RECEIVERS_MAX];
    struct lw_envelope envelope[LW_RECEIVERS_MAX];
    size_t failed = 0;
    json_t *all = json_array();
    memset(result, 0, sizeof result);
    for (size_t i = 0; i < n; i++)
        envelope[i] =
            (struct lw_envelope){to[i], (const char *)json->data, json->len, &result[i]};
    lw_deliver_many(envelope, n, lw_wall_ms());
    for (size_t i = 0; i < n; i++) {
        bool delivered = result[i].verdict == LW_POST_DELIVERED;
        failed += !delivered;
        json_array_append_new(all, result_json(to[i], &result[i]));
        if (!as_json)
            lw_cli_line(stdout, "%-24s %-20s %-12s %s (%lld ms)", to[i]->name,
                        lw_format_name(to[i]->format), delivered ? "delivered" : "FAILED",
                        result[i].reason, (long long)result[i].took_ms);
    }
    if (as_json)
        lw_cli_print_json(json_incref(all));
    json_decref(all);
    return failed;
}

int lw_cli_alerts_test(const struct lw_config *config, const struct lw_alerts_test *test,
                       struct lw_err *err) {
    const struct lw_receiver *to[LW_RECEIVERS_MAX];
    struct lw_buf json = {0};
    size_t n = 0;
    int rc = LW_EXIT_OK;
    for (size_t i = 0; i < config->nreceivers; i++)
        if (!test->receiver || strcmp(config->receiver[i].name, test->receiver) == 0)
            to[n++] = &config->receiver[i];
    if (n == 0)
        return lw_fail(err, LW_ECONFIG,
                       test->receiver ? "there is no receiver \"%.60s\" in `webhooks`"
                                      : "`webhooks` lists no receivers%s",
                       test->receiver ? test->receiver : "");
    if (lw_curl_init(err))
        return -1;
    test_message(config, test->who, &json);
    if (!test->print)
        rc = send_to_all(to, n, &json, test->json) ? LW_EXIT_FAILED : LW_EXIT_OK;
    for (size_t i = 0; test->print && i < n && rc == 0; i++)
        rc = print_body(to[i], &json, err);
    lw_buf_fini(&json);
    return rc;
}
