/* Reads leeway's JSON back.
 *
 * Messages are rendered from the JSON in the outbox and never from core's structs: the
 * message that was decided is the one that is sent, days later or by another leader. It
 * is leeway's own text, but it was stored in Redis, so it is bounded and validated like
 * any input; an unknown `version` is refused, unknown members are ignored. */
#include "alert/message.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/alert_json.h"
#include "alert/receiver.h"
#include "base/text.h"

#define MESSAGE_MAX ((size_t)64 * 1024)

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static double real_at(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static int64_t int_at(const json_t *object, const char *key) {
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static int time_at(const json_t *root, const char *key, const char **text, int64_t *ms,
                   struct lw_err *err) {
    *text = text_at(root, key);
    if (lw_parse_time(*text, ms))
        return 0;
    return lw_fail(err, LW_EINPUT, "alert message: `%s` is not a valid time", key);
}

static const json_t *array_at(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_array(v) ? v : NULL;
}

static void read_texts(struct lw_message *m) {
    const json_t *window = json_object_get(m->root, "window");
    const json_t *links = json_object_get(m->root, "links");
    const json_t *details = json_object_get(m->root, "details");
    const struct {
        const char **to;
        const json_t *from;
        const char *key;
    } text[] = {{&m->id, m->root, "id"},
                {&m->incident, m->root, "incident"},
                {&m->fingerprint, m->root, "fingerprint"},
                {&m->status, m->root, "status"},
                {&m->severity, m->root, "severity"},
                {&m->stream, m->root, "stream"},
                {&m->rule, m->root, "rule"},
                {&m->metric, m->root, "metric"},
                {&m->feature, m->root, "feature"},
                {&m->summary, m->root, "summary"},
                {&m->action, m->root, "action"},
                {&m->host, m->root, "host"},
                {&m->error_label, details, "error_label"},
                {&m->window, window, "name"},
                {&m->from, window, "from"},
                {&m->until, window, "until"},
                {&m->page, links, "page"},
                {&m->runbook, links, "runbook"}};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        *text[i].to = text_at(text[i].from, text[i].key);
}

static int message_check(const struct lw_message *m, struct lw_err *err) {
    if (int_at(m->root, "version") != 1)
        return lw_fail(err, LW_EINPUT,
                       "alert message: version 1 expected; was it written by a newer "
                       "leeway?");
    const struct {
        const char *name, *text;
    } needed[] = {{"id", m->id},
                  {"incident", m->incident},
                  {"fingerprint", m->fingerprint},
                  {"stream", m->stream},
                  {"rule", m->rule}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (needed[i].text[0] == '\0')
            return lw_fail(err, LW_EINPUT, "alert message: `%s` is missing",
                           needed[i].name);
    if (strlen(m->id) >= LW_ALERT_ID_MAX)
        return lw_fail(err, LW_EINPUT, "alert message: `id` is too long");
    for (const char *p = m->id; *p != '\0'; p++)
        if (!lw_receiver_name_char(*p))
            return lw_fail(err, LW_EINPUT, "alert message: `id` is not valid");
    if (strcmp(m->status, "firing") != 0 && strcmp(m->status, "resolved") != 0)
        return lw_fail(err, LW_EINPUT,
                       "alert message: `status` must be firing or resolved");
    return 0;
}

int lw__message_read(struct lw_message *m, const char *json, size_t len, int64_t now_ms,
                     struct lw_err *err) {
    json_error_t why;
    memset(m, 0, sizeof *m);
    m->now_ms = now_ms;
    if (len > MESSAGE_MAX)
        return lw_fail(err, LW_EINPUT, "alert message: longer than %zu bytes",
                       MESSAGE_MAX);
    m->root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(m->root)) {
        lw__message_fini(m);
        return lw_fail(err, LW_EINPUT, "alert message: not a JSON object: %s", why.text);
    }
    const json_t *details = json_object_get(m->root, "details");
    read_texts(m);
    m->firing = strcmp(m->status, "firing") == 0;
    m->value = real_at(m->root, "value");
    m->threshold = real_at(m->root, "threshold");
    m->n = int_at(m->root, "n");
    m->model_version = int_at(m->root, "model_version");
    m->repeat = int_at(m->root, "repeat");
    m->top_drifted = array_at(details, "top_drifted");
    m->shifted = array_at(details, "shifted");
    m->segments = array_at(details, "segments");
    m->examples = array_at(details, "examples");
    if (message_check(m, err) == 0 &&
        time_at(m->root, "since", &m->since, &m->since_ms, err) == 0 &&
        time_at(m->root, "at", &m->at, &m->at_ms, err) == 0 &&
        time_at(m->root, "raised_at", &m->raised_at, &m->raised_ms, err) == 0)
        return 0;
    lw__message_fini(m);
    return -1;
}

void lw__message_fini(struct lw_message *m) {
    json_decref(m->root);
    m->root = NULL;
}
