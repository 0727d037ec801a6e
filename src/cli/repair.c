/* leeway repair: shows damaged state in Redis and repairs it.
 *
 * A running stream moves unreadable keys to unreadable:NAME and continues (docs/redis.md).
 * This command lists them, checks the state that no process has read yet, and performs the
 * repairs that lose data or read the topic again. It changes nothing without --apply. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "core/partition.h"
#include "engine/rebuild.h"
#include "store/damage.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"

#define VERSIONS_MAX 1000 /* the newest are checked */

struct repair_session {
    const struct lw_config *config;
    const struct lw_spec *spec;
    struct lw_redis *redis;
    struct lw_registry *registry; /* NULL: not needed, or not open yet */
    bool json, apply;
    const char *from;
    char who[160];
};

/* ---- finding damage ---- */

static void damages_add(struct lw_damages *all, const char *name, const char *why) {
    all->item = lw_realloc(all->item, all->n + 1, sizeof *all->item);
    struct lw_damage *d = &all->item[all->n++];
    *d = (struct lw_damage){0};
    lw_copy(d->name, sizeof d->name, name);
    lw_copy(d->why, sizeof d->why, why);
}

static int check_panes(struct repair_session *s, int32_t npartitions,
                       struct lw_damages *out, struct lw_err *err) {
    int64_t start = -LW_DAY * 365 * 400;
    char name[64];
    for (;;) {
        struct lw_unreadable_panes unread = {0};
        if (lw_state_next_pane(s->redis, s->spec, start, &start, err))
            return -1;
        if (start == INT64_MAX)
            return 0;
        struct lw_pane *pane =
            lw_state_pane(s->redis, s->spec, npartitions, start, &unread, err);
        if (!pane)
            return -1;
        lw_pane_free(pane);
        for (size_t i = 0; i < unread.n; i++) {
            snprintf(name, sizeof name, "pane:%" PRId64 ":%d", start,
                     unread.item[i].partition);
            if (!unread.item[i].moved)
                damages_add(out, name, unread.item[i].why);
        }
        lw_unreadable_fini(&unread);
        start += s->spec->pane_ms;
    }
}

static int check_monitor(struct repair_session *s, struct lw_damages *out,
                         struct lw_err *err) {
    struct lw_monitor_state state = {0};
    struct lw_err why = {0};
    if (lw_monitor_state_load(s->redis, s->spec, &state, err))
        return -1;
    if (state.damaged[0] && (state.len || strcmp(state.damaged, "missing") != 0))
        damages_add(out, "monitor:sealed_until", state.damaged);
    struct lw_monitor *m = lw_monitor_new(s->spec);
    if (state.len && lw_monitor_read(m, state.state, state.len, &why))
        damages_add(out, "monitor:state", why.msg);
    lw_monitor_free(m);
    free(state.state);
    return 0;
}

static int check_version(struct repair_session *s, uint32_t version,
                         struct lw_damages *out, struct lw_err *err) {
    struct lw_err why = {0};
    struct lw_version v;
    char name[40];
    if (!version)
        return 0;
    if (lw_models_usable(s->redis, s->spec, version, &why)) {
        if (why.code == LW_EAGAIN)
            return lw_fail(err, why.code, "%s", why.msg);
        snprintf(name, sizeof name, "model:%u", version);
        damages_add(out, name, why.msg);
        return 0;
    }
    struct lw_reply *reply = lw_models_get(s->redis, s->spec, version, &v, err);
    if (!reply)
        return -1;
    lw_err_clear(&why);
    struct lw_reference *ref =
        v.reference_len ? lw_reference_read(s->spec, v.reference, v.reference_len, &why)
                        : NULL;
    snprintf(name, sizeof name, "reference:%u", version);
    if (!ref)
        damages_add(out, name, v.reference_len ? why.msg : "missing");
    lw_reference_free(ref);
    lw_reply_free(reply);
    return 0;
}

/* A version without an alias: damage is reported although nothing reads it. */
static int check_head(struct repair_session *s, uint32_t version, struct lw_damages *out,
                      struct lw_err *err) {
    struct lw_version v;
    struct lw_err why = {0};
    char name[40];
    struct lw_reply *reply = lw_models_head(s->redis, s->spec, version, &v, &why);
    lw_reply_free(reply);
    if (reply || why.code == LW_ENOTFOUND)
        return 0;
    if (why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    snprintf(name, sizeof name, "model:%u", version);
    damages_add(out, name, why.msg);
    return 0;
}

static int check_versions(struct repair_session *s, struct lw_damages *out,
                          struct lw_err *err) {
    struct lw_aliases a;
    if (lw_models_aliases(s->redis, s->spec, &a, err))
        return -1;
    if (a.damaged)
        damages_add(out, "models:champion", "the alias is not a version number");
    if (check_version(s, a.champion, out, err) || check_version(s, a.previous, out, err))
        return -1;
    for (uint32_t v = a.next; v-- > 1 && a.next - v <= VERSIONS_MAX;)
        if (v != a.champion && v != a.previous && check_head(s, v, out, err))
            return -1;
    return 0;
}

/* Checks everything but the partitions' progress, which owners check with each claim. A
 * key of the wrong type would make later reads fail, so such keys are reported alone. */
static int find_damage(struct repair_session *s, int32_t npartitions,
                       struct lw_damages *out, struct lw_err *err) {
    const struct lw_damage_of of = {s->config->source.topic, s->who, npartitions, 0,
                                    true};
    if (lw_damage_look(s->redis, s->spec, &of, out, err))
        return -1;
    if (out->n)
        return 0;
    if (check_monitor(s, out, err) || check_panes(s, npartitions, out, err) ||
        check_versions(s, out, err))
        return -1;
    return 0;
}

/* The number in `meta`; 1 without it. */
static int32_t partition_count(struct repair_session *s) {
    struct lw_err none = {0};
    int32_t n = lw_meta_partitions(s->redis, s->spec, s->config->source.topic, 1, &none);
    return n > 0 ? n : 1;
}

/* ---- list ---- */

static json_t *damage_json(const struct lw_damage *d, bool moved) {
    json_t *o = json_object();
    lw_json_set_text(o, "name", d->name);
    lw_json_set_text(o, "why", d->why);
    lw_json_set_text(o, "follows", lw_damage_follows(d->name));
    if (moved)
        lw_json_set_int(o, "at", d->at_ms);
    return o;
}

static void print_damages(const char *title, const struct lw_damages *all, bool moved) {
    char when[32];
    if (all->n)
        printf("%s\n", title);
    for (size_t i = 0; i < all->n; i++) {
        const struct lw_damage *d = &all->item[i];
        const char *follows = lw_damage_follows(d->name);
        lw_cli_line(stdout, "  %-28s %s%s%s", d->name,
                    moved ? lw_format_time(when, sizeof when, d->at_ms) : "",
                    moved ? "  " : "", d->why);
        if (*follows)
            lw_cli_line(stdout, "  %-28s %s", "", follows);
    }
}

static void print_all(const struct repair_session *s, const struct lw_damages *now,
                      const struct lw_damages *moved) {
    if (s->json) {
        json_t *o = json_object(), *a = json_array(), *b = json_array();
        for (size_t i = 0; i < now->n; i++)
            json_array_append_new(a, damage_json(&now->item[i], false));
        for (size_t i = 0; i < moved->n; i++)
            json_array_append_new(b, damage_json(&moved->item[i], true));
        lw_json_set(o, "damaged", a);
        lw_json_set(o, "unreadable", b);
        lw_cli_print_json(o);
        return;
    }
    print_damages(
        "damaged; moved away by a running leader or by `leeway repair --apply`:", now,
        false);
    print_damages(
        "unreadable, kept for 30 days as unreadable:NAME; delete it with `leeway repair drop NAME`:",
        moved, true);
    if (now->n + moved->n == 0)
        printf("nothing is damaged or unreadable\n");
}

static int repair_list(struct repair_session *s, struct lw_err *err) {
    struct lw_damages now = {0}, moved = {0};
    int32_t n = partition_count(s);
    const struct lw_damage_of of = {s->config->source.topic, s->who, n, 0, true};
    int rc = s->apply ? lw_damage_mend(s->redis, s->spec, &of, &moved, err) : 0;
    free(moved.item);
    moved = (struct lw_damages){0};
    rc = rc || find_damage(s, n, &now, err) ||
                 (lw_damage_list(s->redis, s->spec, &moved, err) && now.n == 0)
             ? -1
             : 0;
    if (rc == 0)
        print_all(s, &now, &moved);
    rc = rc ? rc : now.n + moved.n > 0;
    free(now.item);
    free(moved.item);
    return rc;
}

/* ---- repairs ---- */

static int print_outcome(const struct repair_session *s, const char *what) {
    lw_cli_line(stdout, "%s%s", what, s->apply ? "" : " (dry run; use --apply)");
    return 0;
}

static int repair_drop(struct repair_session *s, const char *name, struct lw_err *err) {
    char text[400];
    struct lw_damages all;
    bool found = false;
    if (s->apply && lw_damage_drop(s->redis, s->spec, name, s->who, err))
        return -1;
    if (!s->apply) {
        if (lw_damage_list(s->redis, s->spec, &all, err))
            return -1;
        for (size_t i = 0; i < all.n; i++)
            found |= strcmp(all.item[i].name, name) == 0;
        free(all.item);
        if (!found)
            return lw_fail(err, LW_ENOTFOUND, "there is no unreadable:%.80s", name);
    }
    snprintf(text, sizeof text, "unreadable:%.280s %s deleted", name,
             s->apply ? "is" : "would be");
    return print_outcome(s, text);
}

static int repair_reset(struct repair_session *s, const char *name, struct lw_err *err) {
    char text[800];
    const char *follows = lw_damage_follows(name);
    if (!*follows || strcmp(name, "lease") == 0 || strcmp(name, "fence") == 0)
        return lw_fail(
            err, LW_ENOTFOUND,
            "\"%.80s\" cannot be reset; use one of part:TOPIC:P, offsets:P, "
            "monitor, models, model:N, meta, alerts, outbox, silences, audit, ...",
            name);
    if (s->apply && lw_damage_move(s->redis, s->spec, name, s->who, err))
        return -1;
    snprintf(text, sizeof text, "%.280s %s moved to unreadable:%.280s. %s", name,
             s->apply ? "is" : "would be", name, follows);
    return print_outcome(s, text);
}

/* The offset of --from, given as an offset or an event time; by default that of the oldest
 * unsealed pane. */
static int start_offset(struct repair_session *s, int32_t partition, int64_t sealed_ms,
                        int64_t *out, struct lw_err *err) {
    int64_t from_ms = sealed_ms;
    if (s->from && lw_parse_i64(s->from, out))
        return *out >= 0 && *out < LW_OFFSET_MAX
                   ? 0
                   : lw_fail(err, LW_ECONFIG, "--from: %.40s is not a valid offset",
                             s->from);
    if (s->from && !lw_parse_time(s->from, &from_ms))
        return lw_fail(
            err, LW_ECONFIG,
            "--from: \"%.40s\" is not an offset or a time like 2020-03-01T00:00:00Z",
            s->from);
    if (lw_damage_offset(s->redis, s->spec, partition, from_ms, out, err))
        return -1;
    return *out >= 0
               ? 0
               : lw_fail(
                     err, LW_ENOTFOUND,
                     "no offsets of partition %d are stored from that time on; use --from OFFSET",
                     partition);
}

static int repair_reread(struct repair_session *s, const char *number,
                         struct lw_err *err) {
    struct lw_monitor_state state = {0};
    struct lw_partition_view *view;
    int64_t p, offset;
    char text[400];
    if (!lw_parse_i64(number, &p) || p < 0 || p >= LW_PARTITIONS_MAX)
        return lw_fail(err, LW_ECONFIG, "\"%.40s\" is not a valid partition", number);
    if (lw_monitor_state_load(s->redis, s->spec, &state, err))
        return -1;
    free(state.state);
    view = lw_calloc((size_t)p + 1, sizeof *view);
    int rc = lw_state_view(s->redis, s->spec, s->config->source.topic, (int32_t)p + 1,
                           view, err);
    struct lw_reread what = {.topic = s->config->source.topic,
                             .partition = (int32_t)p,
                             .sealed_ms = state.sealed_until_ms,
                             .base_epoch = view[p].epoch};
    free(view);
    rc = rc ? rc : start_offset(s, what.partition, what.sealed_ms, &offset, err);
    if (rc)
        return -1;
    what.offset = offset;
    if (s->apply && lw_damage_reread(s->redis, s->spec, &what, s->who, err))
        return -1;
    snprintf(text, sizeof text,
             "partition %" PRId64 " %s read again from offset %" PRId64
             ": unsealed panes are rebuilt, sealed panes stay, its counters "
             "restart, and predictions and dead letters from there on are sent again",
             p, s->apply ? "is" : "would be", offset);
    return print_outcome(s, text);
}

/* ---- panes ---- */

static int rebuild_pane(struct repair_session *s, int64_t start_ms, int32_t partition,
                        struct lw_err *err) {
    struct lw_rebuilt made;
    char when[32], text[300];
    const struct lw_rebuilder with = {s->config, s->registry, s->redis};
    if (lw_rebuild_pane(&with, start_ms, partition, &made, err))
        return -1;
    snprintf(text, sizeof text,
             "the pane of %s of partition %d %s rebuilt from %" PRIu64
             " events in Kafka; it had %" PRIu64 "%s",
             lw_format_time(when, sizeof when, start_ms), partition,
             s->apply ? "is" : "would be", made.pane->events, made.wanted,
             made.gone ? ", some no longer in Kafka" : "");
    int rc = s->apply
                 ? lw_damage_fill(s->redis, s->spec, made.pane, partition, s->who, err)
                 : 0;
    lw_partition_free(made.partition);
    return rc ? rc : print_outcome(s, text);
}

/* which: START:P from the list, or all. A pane that cannot be rebuilt is reported, and the
 * others are still rebuilt. */
static int repair_panes(struct repair_session *s, const char *which, struct lw_err *err) {
    struct lw_damages all;
    size_t found = 0, failed = 0;
    bool asks = s->config->source.framing == LW_FRAMING_CONFLUENT;
    if (asks && !(s->registry = lw_registry_new(&s->config->source.registry, err)))
        return -1;
    if (lw_damage_list(s->redis, s->spec, &all, err))
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        struct lw_err why = {0};
        const char *name = all.item[i].name;
        int64_t start;
        int32_t p;
        if ((strcmp(which, "all") != 0 && strcmp(which, name) != 0) ||
            !lw_damage_is_pane(s->spec, name, &start, &p))
            continue;
        found++;
        if (rebuild_pane(s, start, p, &why)) {
            lw_cli_line(stderr, "%s: %s", name, why.msg);
            failed++;
        }
    }
    free(all.item);
    if (failed)
        return lw_fail(err, LW_EINPUT, "%zu of %zu panes cannot be rebuilt", failed,
                       found);
    return found ? 0
                 : lw_fail(err, LW_ENOTFOUND, "there is no unreadable pane \"%.60s\"",
                           which);
}

static int repair_dispatch(struct repair_session *s, char **rest, int n,
                           struct lw_err *err) {
    const char *verb = n > 0 ? rest[0] : "list";
    static const struct {
        const char *name, *what;
        int (*run)(struct repair_session *s, const char *what, struct lw_err *err);
    } verbs[] = {
        {"drop", "drop needs a NAME (run 'leeway repair list')", repair_drop},
        {"reset", "reset needs a KEY (run 'leeway repair --help')", repair_reset},
        {"panes", "panes needs START:P from the list, or all", repair_panes},
        {"reread", "reread needs a partition", repair_reread}};
    if (strcmp(verb, "list") == 0)
        return n > 1 ? lw_fail(err, LW_ECONFIG, "unexpected argument \"%s\"", rest[1])
               : lw_meta_contract(s->redis, s->spec, err) ? -1
                                                          : repair_list(s, err);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verb, verbs[i].name) != 0)
            continue;
        if (s->from && verbs[i].run != repair_reread)
            return lw_fail(err, LW_ECONFIG, "--from applies only to reread, not to %s",
                           verb);
        if (n < 2)
            return lw_fail(err, LW_ECONFIG, "%s", verbs[i].what);
        if (n > 2)
            return lw_fail(err, LW_ECONFIG, "unexpected argument \"%s\"", rest[2]);
        return lw_meta_contract(s->redis, s->spec, err) ? -1
                                                        : verbs[i].run(s, rest[1], err);
    }
    return lw_fail(err, LW_ECONFIG,
                   "unknown subcommand \"%s\" (list, drop, reset, panes, reread)", verb);
}

static int repair_run(struct repair_session *s, char **rest, int n) {
    struct lw_err err = {0};
    lw_cli_person(s->who, sizeof s->who);
    s->spec = &s->config->spec;
    s->redis = lw_redis_new(&s->config->redis, &err);
    int rc = s->redis ? repair_dispatch(s, rest, n, &err) : -1;
    lw_registry_free(s->registry);
    lw_redis_free(s->redis);
    if (rc >= 0)
        return rc ? LW_EXIT_CONDITION : LW_EXIT_OK;
    return err.code == LW_ECONFIG ? lw_cli_usage(&lw_cmd_repair, "%s", err.msg)
                                  : lw_cli_fail(&lw_cmd_repair, &err);
}

static int repair_main(int argc, char **argv) {
    struct repair_session s = {0};
    const char *path = NULL;
    bool helped;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &path},
        {0, LW_OPTION_TEXT, "from", &s.from},
        {0, LW_OPTION_FLAG, "apply", &s.apply},
        {0, LW_OPTION_FLAG, "json", &s.json},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n =
        lw_options_parse(&lw_cmd_repair, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config =
        n < 0 || helped ? NULL : lw_cli_config(&lw_cmd_repair, path);
    if (!config && !helped)
        rc = path && n >= 0 ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config) {
        s.config = config;
        rc = repair_run(&s, rest, n);
    }
    lw_config_free(config);
    free(rest);
    return rc;
}

const struct lw_command lw_cmd_repair = {
    "repair", "-c FILE [list | drop NAME | reset KEY | panes WHICH | reread P] [--apply]",
    "Show and repair damaged state in Redis",
    "  -c, --config FILE   the stream's configuration\n"
    "      --apply         make the change; without it nothing is changed\n"
    "      --from WHERE    reread: an offset or an event time (default: the oldest unsealed pane)\n"
    "      --json          list: print JSON\n"
    "\n"
    "list            damaged keys, and unreadable keys that were moved away; exits with 3 if\n"
    "                there are any. With --apply, moves keys that block the stream now\n"
    "drop NAME       delete unreadable:NAME\n"
    "reset KEY       move a key to unreadable:KEY so that it starts empty: monitor, models,\n"
    "                part:TOPIC:P, offsets:P, silences, ...\n"
    "panes WHICH     rebuild unreadable panes (START:P from the list, or all) from Kafka\n"
    "reread P        read partition P again from Kafka and rebuild its unsealed panes\n"
    "\n"
    "Safe while processes run. The audit records every change.\n",
    repair_main};
