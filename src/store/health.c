/* See health.h. Unreadable entries count as missing. */
#include "store/health.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "store/keys.h"
#include "json/json.h"

#define GONE_MS  600000 /* such an entry is deleted */
#define TEXT_MAX (2 * LW_HEALTH_TEXT - 1)

int lw_health_put(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_process *p, struct lw_err *err) {
    char key[LW_KEY_MAX];
    json_t *o = json_object(), *troubles = json_array();
    lw_json_set_int(o, "at", p->at_ms);
    lw_json_set_ms(o, "passed", p->passed_ms);
    for (size_t i = 0; i < p->ntroubles; i++) {
        const struct lw_trouble *t = &p->trouble[i];
        json_t *one = json_object();
        lw_json_set_text(one, "what", lw_health_component_name(t->component));
        lw_json_set_int(one, "since", t->since_ms);
        lw_json_set(one, "text", lw_json_text(t->text, TEXT_MAX));
        json_array_append_new(troubles, one);
    }
    lw_json_set(o, "problems", troubles);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    struct lw_reply *reply = lw_redis_do(
        r, err, "HSET %s %s %s", lw_key(key, spec, "health"), p->who, text ? text : "{}");
    free(text);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

int lw_health_leave(struct lw_redis *r, const struct lw_spec *spec, const char *who,
                    struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HDEL %s %s", lw_key(key, spec, "health"), who);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

/* ---- reading ---- */

static void read_trouble(const json_t *one, const char *who, struct lw_process *out) {
    const char *what = json_string_value(json_object_get(one, "what"));
    const char *text = json_string_value(json_object_get(one, "text"));
    enum lw_component c = what ? lw_health_component_find(what) : LW_COMPONENTS;
    if (c == LW_COMPONENTS || !text || out->ntroubles == LW_COMPONENTS)
        return;
    struct lw_trouble *t = &out->trouble[out->ntroubles++];
    t->component = c;
    t->since_ms = (int64_t)json_integer_value(json_object_get(one, "since"));
    lw_copy(t->who, sizeof t->who, who);
    lw_copy(t->text, sizeof t->text, text);
}

static bool read_process(const char *who, const struct lw_reply *value,
                         struct lw_process *out) {
    size_t len, i;
    const char *text = lw_reply_text(value, &len);
    json_t *o = text ? json_loadb(text, len, 0, NULL) : NULL, *one;
    *out = (struct lw_process){0};
    lw_copy(out->who, sizeof out->who, who);
    out->at_ms = (int64_t)json_integer_value(json_object_get(o, "at"));
    out->passed_ms = (int64_t)json_integer_value(json_object_get(o, "passed"));
    json_array_foreach(json_object_get(o, "problems"), i, one)
        read_trouble(one, who, out);
    json_decref(o);
    return out->at_ms > 0;
}

static void read_processes(const struct lw_reply *hash, struct lw_stream_facts *out) {
    size_t fields = lw_reply_count(hash);
    for (size_t i = 0; i + 1 < fields && out->nprocesses < LW_PROCESSES_MAX; i += 2) {
        const char *who = lw_reply_text(lw_reply_at(hash, i), NULL);
        struct lw_process *p = &out->process[out->nprocesses];
        if (!who)
            continue;
        bool known = read_process(who, lw_reply_at(hash, i + 1), p);
        int64_t age = out->server_ms - p->at_ms;
        if (known && age <= LW_HEALTH_ALIVE_MS)
            out->nprocesses++;
        else if ((!known || age > GONE_MS) && out->ngone < 4)
            lw_copy(out->gone[out->ngone++], sizeof out->gone[0], who);
    }
}

/* The first has a key: a cluster's redirection shows in its answer. */
enum { ASK_LEASE, ASK_UPDATED, ASK_OLDEST, ASK_WAITING, ASK_HEALTH, ASK_TIME, ASKS };

static void put_asks(struct lw_batch *b, const struct lw_spec *spec) {
    static const char *const words[ASKS][6] = {
        [ASK_TIME] = {"TIME"},
        [ASK_LEASE] = {"GET", "lease"},
        [ASK_UPDATED] = {"HGET", "monitor", "updated"},
        [ASK_OLDEST] = {"XRANGE", "outbox", "-", "+", "COUNT", "1"},
        [ASK_WAITING] = {"XLEN", "outbox"},
        [ASK_HEALTH] = {"HGETALL", "health"},
    };
    for (size_t i = 0; i < ASKS; i++) {
        lw_cmd_str(b->cmd[i], words[i][0]);
        if (words[i][1])
            lw_key_arg(b->cmd[i], spec, "%s", words[i][1]);
        for (size_t k = 2; k < 6 && words[i][k]; k++)
            lw_cmd_str(b->cmd[i], words[i][k]);
    }
}

static void read_asks(const struct lw_batch *b, struct lw_stream_facts *out) {
    const char *lease = lw_reply_text(b->reply[ASK_LEASE], NULL);
    const char *who = lease ? strchr(lease, ' ') : NULL; /* "<token> <who>" */
    const char *oldest =
        lw_reply_text(lw_reply_at(lw_reply_at(b->reply[ASK_OLDEST], 0), 0), NULL);
    out->server_ms = lw_reply_int(lw_reply_at(b->reply[ASK_TIME], 0)) * 1000 +
                     lw_reply_int(lw_reply_at(b->reply[ASK_TIME], 1)) / 1000;
    lw_copy(out->leader, sizeof out->leader, who ? who + 1 : "");
    lw_copy(out->lease, sizeof out->lease, lease ? lease : "");
    out->updated_ms = lw_reply_int(b->reply[ASK_UPDATED]);
    out->oldest_ms = oldest ? (int64_t)strtoll(oldest, NULL, 10) : 0;
    out->waiting = (uint64_t)lw_reply_int(b->reply[ASK_WAITING]);
    read_processes(b->reply[ASK_HEALTH], out);
}

int lw_health_facts(struct lw_redis *r, const struct lw_spec *spec,
                    struct lw_stream_facts *out, struct lw_err *err) {
    struct lw_batch b;
    *out = (struct lw_stream_facts){0};
    lw_batch_init(&b, ASKS);
    put_asks(&b, spec);
    int rc = lw_batch_send(r, &b, err);
    if (rc == 0)
        read_asks(&b, out);
    lw_batch_fini(&b);
    return rc;
}
