/* The rows of the sections that occur once. Offsets are into struct lw_config.
 *
 * Defaults suit a stream of a few events per second; docs/policy.md and
 * docs/statistics.md justify those that were measured. */
#include <math.h>
#include <stddef.h>

#include "base/time.h"
#include "config/keys.h"
#include "core/usual.h"

#define AT(member)                                                                       \
    .offset = offsetof(struct lw_config, member),                                        \
    .size = sizeof(((struct lw_config *)0)->member)
#define SECTION(title_, doc_, rows)                                                      \
    {                                                                                    \
        .title = (title_), .doc = (doc_), .n = sizeof(rows) / sizeof *(rows),            \
        .key = (rows)                                                                    \
    }

static const char *const encodings[] = {"avro", NULL}; /* of enum lw_encoding */
static const char *const framings[] = {"raw", "confluent", "single-object", NULL};
static const char *const not_framings[] = {"avro", "json", NULL};
static const char *const corrections[] = {"none", "bonferroni", "bh", NULL};
static const char *const detectors[] = {"none", "adwin", "page_hinkley", "kswin", NULL};
static const char *const searches[] = {"grid", "halving", "random", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

static const struct lw_key redis_keys[] = {
    {"url", LW_KEY_TEXT, AT(redis.url), .flags = LW_SECRET,
     .standard = "redis://localhost:6379", .read = lw_config_read_redis_url,
     .doc = "`redis://[user@]host[:port][,host[:port]...][/db]`, where several hosts are "
            "nodes of one cluster; `sentinel://host[:port][,...]/master[/db]`; "
            "`rediss://...` and `sentinels://...` for TLS; or `unix:/path`."},
    {"password_file", LW_KEY_FILE, AT(redis.password_file), .standard = "",
     .doc = "File whose first line is the password, or `env:NAME`. It is read for each "
            "connection."},
    {"ca_file", LW_KEY_FILE, AT(redis.ca_file), .standard = "",
     .read = lw_config_read_redis_tls,
     .doc = "CA bundle (PEM) to use instead of the system's. This file and the "
            "next two are read for each connection."},
    {"cert_file", LW_KEY_FILE, AT(redis.cert_file), .standard = "",
     .read = lw_config_read_redis_tls,
     .doc = "Client certificate with its chain (PEM), for a Redis that asks for "
            "one."},
    {"key_file", LW_KEY_FILE, AT(redis.key_file), .standard = "",
     .read = lw_config_read_redis_tls,
     .doc = "Private key of the certificate, when it is not in `cert_file`; "
            "without a passphrase."},
    {"timeout", LW_KEY_DURATION, AT(redis.timeout_ms), .standard = "2s", .min = 10,
     .max = 10 * LW_MINUTE, .doc = "Limit for connecting and for each answer."},
    {"retry_max", LW_KEY_DURATION, AT(redis.retry_max_ms), .standard = "10s", .min = 10,
     .max = LW_HOUR, .doc = "Longest wait between attempts to connect again."},
    {"lease", LW_KEY_DURATION, AT(lease_ms), .standard = "10s", .min = 500,
     .max = 10 * LW_MINUTE,
     .doc = "How long a leader may be silent before another process takes over. "
            "The lease is renewed four times as often; correctness does not "
            "depend on it."},
};
static const struct lw_section redis_section = SECTION(
    "redis",
    "The store of state, models, history and alerts. Its contract is docs/redis.md.",
    redis_keys);

static const struct lw_key flush_keys[] = {
    {"interval", LW_KEY_DURATION, AT(source.flush_interval_ms), .standard = "1s",
     .min = 10, .max = LW_MINUTE,
     .doc = "Longest time between two flushes of a partition's state to Redis."},
    {"events", LW_KEY_INT, AT(source.flush_events), .standard = "1000000", .min = 1,
     .max = 1e7,
     .doc = "A worker also flushes after this many events. A new model is adopted "
            "at a flush: fewer events make the switch more precise in event time "
            "while a worker catches up, but write to Redis more often."},
};
static const struct lw_section flush_section = SECTION("source.flush", "", flush_keys);

static const struct lw_key registry_keys[] = {
    {"url", LW_KEY_TEXT, AT(source.registry.url), .standard = "",
     .doc = "Base address of the Confluent API, e.g. `http://registry:8081`."},
    {"user", LW_KEY_TEXT, AT(source.registry.user), .standard = "",
     .doc = "User for basic authentication."},
    {"password_file", LW_KEY_FILE, AT(source.registry.password_file), .standard = "",
     .doc = "File whose first line is that user's password, or `env:NAME`."},
    {"token_file", LW_KEY_FILE, AT(source.registry.token_file), .standard = "",
     .doc = "File whose first line is a bearer token, or `env:NAME`."},
    {"ca_file", LW_KEY_FILE, AT(source.registry.ca_file), .standard = "",
     .doc = "CA bundle (PEM) to use instead of the system's."},
    {"cache_dir", LW_KEY_FILE, AT(source.registry.cache_dir), .standard = "",
     .doc = "Directory that keeps schemas across restarts; empty: schemas are "
            "kept in memory only."},
    {"subject", LW_KEY_TEXT, AT(source.registry.subject), .standard = "",
     .doc = "Subject under which `replay` registers schemas and which `check` "
            "verifies; empty: the topic's name followed by `-value`."},
    {"timeout", LW_KEY_DURATION, AT(source.registry.timeout_ms), .standard = "5s",
     .min = 10, .max = 10 * LW_MINUTE, .doc = "Limit for one request."},
    {"retry_max", LW_KEY_DURATION, AT(source.registry.retry_max_ms), .standard = "10s",
     .min = 10, .max = LW_HOUR,
     .doc = "Longest wait between requests while the registry is unavailable."},
    {"missing_wait", LW_KEY_DURATION, AT(source.registry.missing_wait_ms),
     .standard = "10s", .min = 0, .max = LW_DAY,
     .doc = "How long to retry an id that the registry does not know before its "
            "events are dead-lettered. Each wait that fails shortens the next one "
            "for that partition to an eighth; the limit recovers with time."},
};
static const struct lw_section registry_section =
    SECTION("source.registry", "", registry_keys);

static const struct lw_key source_keys[] = {
    {"topic", LW_KEY_TEXT, AT(source.topic), .flags = LW_REQUIRED,
     .doc = "The Kafka topic with the events."},
    {"schema", LW_KEY_FILE, AT(source.schema_path), .flags = LW_REQUIRED,
     .doc = "Avro schema (`.avsc`) to read events with; raw messages are also "
            "written with it."},
    {"encoding", LW_KEY_WORD, AT(source.encoding), .words = encodings, .standard = "avro",
     .doc = "How a record is encoded: Avro's binary encoding."},
    {"framing", LW_KEY_WORD, AT(source.framing), .words = framings, .standard = "raw",
     .misplaced = not_framings,
     .instead = "`source.encoding`, which sets how a record is encoded",
     .doc = "How a message names its schema: not at all, Confluent's prefix or header "
            "(needs `registry`), or Avro single-object encoding. See formats.md."},
    {"schemas", LW_KEY_LIST, .flags = LW_PATHS, .item = "paths",
     .read = lw_config_read_schemas,
     .doc = "Further Avro schemas (`.avsc`) of single-object messages, besides "
            "`schema`."},
    {"dead_letters", LW_KEY_TEXT, AT(source.dead_letters), .standard = "",
     .doc = "Topic for events that cannot be read; empty: such events are counted "
            "and dropped."},
    {"scored", LW_KEY_TEXT, AT(source.scored), .standard = "",
     .doc =
         "Topic for the champion's predictions (schemas/scored.avsc, docs/scored.md); empty: none."},
    {"workers", LW_KEY_INT, AT(source.workers), .standard = "1", .min = 1, .max = 64,
     .doc = "Consumers in this process. More processes in the same group scale further."},
    {"flush", LW_KEY_MAP, .section = &flush_section, .doc = "When state moves to Redis."},
    {"registry", LW_KEY_MAP, .section = &registry_section,
     .read = lw_config_read_registry,
     .doc = "Schema registry, required by `framing: confluent`."},
};
static const struct lw_section source_section =
    SECTION("source", "The topic, and how its messages are encoded.", source_keys);

static const struct lw_key event_keys[] = {
    {"fields", LW_KEY_NAMED, .item = "kinds, or maps, below",
     .section = &lw_section_field, .read = lw_config_read_fields,
     .doc = "Fields of the schema that features and checks use: `name: kind`, or a map. "
            "Those that `id`, `time` and `target` name need not be listed. `a.b` is the "
            "field `b` of the record (or nullable record) `a`."},
    {"id", LW_KEY_TEXT, AT(names.event_id), .standard = "",
     .doc = "Field that identifies an event, for scored events and alerts."},
    {"time", LW_KEY_TEXT, AT(names.event_time), .flags = LW_OR_MAP, .standard = "record",
     .section = &lw_section_time,
     .doc = "Timestamp field that is the event's time, or `record` for Kafka's own; or a "
            "map with `field` and `unit`. An event without a time, or with one outside "
            "the years 1990 to 2100, is a dead letter."},
    {"time_zone", LW_KEY_TEXT, AT(names.time_zone), .standard = "",
     .doc = "Zone (e.g. `America/New_York`) of days, weeks and hours: of calendar "
            "functions such as `hour(t)`, of what is done every day (docs/policy.md), of "
            "local types (`local-timestamp-`, `date`), and of times without an offset; "
            "empty: UTC."},
};
static const struct lw_section event_section = SECTION(
    "event", "Fields of a record that are used, and the time of the event.", event_keys);

static const struct lw_key target_keys[] = {
    {"field", LW_KEY_TEXT, AT(names.target_field), .flags = LW_IMPLIED, .standard = "",
     .doc = "Numeric field that holds the truth. Use either this key or "
            "`minutes_between`."},
    {"minutes_between", LW_KEY_LIST, .read = lw_config_read_between,
     .item = "two timestamp fields",
     .doc = "`[from, to]`: the truth is the minutes between two timestamps."},
    {"range", LW_KEY_RANGE, AT(spec.event.target_lo),
     .unset = "required, unless `target: none`",
     .doc = "`[lowest, highest]` plausible truth, inclusive. Events outside it "
            "are rejected, and predictions are clipped to it."},
};
static const struct lw_section target_section =
    SECTION("target", "What is predicted.", target_keys);

static const struct lw_key pane_keys[] = {
    {"length", LW_KEY_DURATION, AT(spec.pane_ms), .standard = "1h", .min = LW_SECOND,
     .max = LW_DAY,
     .doc = "Length of the slices into which event time is divided; must divide a "
            "day."},
    {"lateness", LW_KEY_DURATION, AT(spec.lateness_ms), .standard = "1h", .min = 0,
     .max = LW_WEEK,
     .doc = "How far an event may lag behind the newest one and still be "
            "accumulated."},
    {"max_jump", LW_KEY_DURATION, AT(spec.max_jump_ms), .standard = "12h",
     .min = LW_SECOND, .max = 10 * 365.0 * LW_DAY,
     .doc = "A longer step of event time is accepted only when enough events "
            "confirm it (docs/design.md)."},
    {"jump_agree", LW_KEY_INT, AT(spec.jump_agree), .standard = "3", .min = 1, .max = 16,
     .doc = "An event that far ahead is accumulated when this many of the latest "
            "16 events agree with it."},
    {"idle_timeout", LW_KEY_DURATION, AT(spec.idle_timeout_ms), .standard = "1m",
     .min = LW_SECOND, .max = LW_WEEK,
     .doc = "A partition that is silent this long (wall time) no longer delays "
            "panes; when all partitions are silent, the existing panes are "
            "sealed."},
};
static const struct lw_section pane_section = SECTION(
    "panes", "How event time is divided, and when a slice is complete.", pane_keys);

static const struct lw_key drift_keys[] = {
    {"bins", LW_KEY_INT, AT(spec.drift.bins), .standard = "10", .min = 2,
     .max = LW_BINS_MAX,
     .doc = "Bins of a numeric feature, from the reference's quantiles."},
    {"min_n", LW_KEY_INT, AT(spec.drift.min_n), .standard = "100", .min = 2, .max = 1e9,
     .doc = "With fewer values on either side the verdict is `insufficient`."},
    {"alpha", LW_KEY_REAL, AT(spec.drift.alpha), .standard = "0.01", .min = 1e-12,
     .max = 0.5, .doc = "Significance level, after the correction."},
    {"correction", LW_KEY_WORD, AT(spec.drift.correction), .words = corrections,
     .standard = "bh",
     .doc = "Correction for testing many features at once; `bh` is "
            "Benjamini-Hochberg."},
    {"floor_psi", LW_KEY_REAL, AT(spec.drift.floor_psi), .standard = "0.2", .min = 0,
     .max = 10,
     .doc = "Smallest effect, in bias-corrected PSI, that gives the verdict "
            "`drift`. Rules use their own thresholds."},
    {"floor_shift", LW_KEY_REAL, AT(spec.drift.floor_shift), .standard = "0.1",
     .min = 0.001, .max = 10,
     .doc = "Smallest change, in standard deviations, that gives the verdict `shifted`: "
            "of a share (Cohen's h) or of a number's distribution (Wasserstein)."},
};
static const struct lw_section drift_section = SECTION(
    "drift", "The comparison of a window with the reference (docs/statistics.md).",
    drift_keys);

static const struct lw_key change_keys[] = {
    {"kind", LW_KEY_TEXT, AT(spec.change.kind), .words = detectors, .standard = "none",
     .doc =
         "Change-point detector on the stream of errors, for the metric `change_point`."},
    {"delta", LW_KEY_REAL, AT(spec.change.delta), .min = 1e-12, .max = 10,
     .unset = "0.002 (adwin), 0.005 (page_hinkley)",
     .doc = "ADWIN: confidence. Page-Hinkley: tolerated change."},
    {"lambda", LW_KEY_REAL, AT(spec.change.lambda), .standard = "50", .min = 1e-6,
     .max = 1e9, .doc = "Page-Hinkley: threshold."},
    {"alpha", LW_KEY_REAL, AT(spec.change.alpha), .standard = "0.0001", .min = 1e-12,
     .max = 0.5, .doc = "KSWIN: significance."},
};
static const struct lw_section change_section =
    SECTION("change", "Change points of the error.", change_keys);

static const struct lw_key bootstrap_keys[] = {
    {"until", LW_KEY_TIME, AT(spec.retrain.bootstrap_until_ms), .standard = NULL,
     .unset = "none", .doc = "Train version 1 when event time reaches this."},
    {"rows", LW_KEY_INT, AT(spec.retrain.bootstrap_rows), .min = 1, .max = 1e9,
     .unset = "`min_rows`, unless `until` is given",
     .doc = "Train version 1 when this many usable events are older than the "
            "hold-out, or when `window` is full. Either way at least `min_rows` "
            "of them are required."},
};
static const struct lw_section bootstrap_section =
    SECTION("retrain.bootstrap", "", bootstrap_keys);

static const struct lw_key search_keys[] = {
    {"kind", LW_KEY_WORD, AT(spec.retrain.search.kind), .words = searches,
     .standard = "grid",
     .doc = "`grid`: every candidate is fitted on all rows before the hold-out. "
            "`halving`: all candidates on the newest quarter of them, the better "
            "half on the newest half, the better half of those on all. `random`: "
            "`budget` candidates, drawn for each training."},
    {"budget", LW_KEY_INT, AT(spec.retrain.search.budget), .flags = LW_IMPLIED,
     .standard = "8", .min = 1, .max = LW_CANDIDATES_MAX,
     .doc = "`random`: number of candidates."},
    {"seed", LW_KEY_INT, AT(spec.retrain.search.seed), .flags = LW_IMPLIED,
     .standard = "1", .min = 0, .max = 1e9,
     .doc = "`random`: with the same seed the same candidates are drawn at the "
            "same moment."},
};
static const struct lw_section search_section =
    SECTION("retrain.search", "", search_keys);

static const struct lw_key budget_keys[] = {
    {"predict_us", LW_KEY_REAL, AT(spec.retrain.predict_us), .standard = "0", .min = 0,
     .max = 1e6,
     .doc = "Microseconds of one core that a prediction may take. A candidate whose "
            "estimated cost is higher is tried, but not chosen; 0: no limit."},
};
static const struct lw_section budget_section =
    SECTION("retrain.budget", "", budget_keys);

static const struct lw_key gate_keys[] = {
    {"min_gain", LW_KEY_REAL, AT(spec.retrain.gate.min_gain), .standard = "0", .min = -1,
     .max = 1, .doc = "Smallest relative reduction of the mean squared error."},
    {"z", LW_KEY_REAL, AT(spec.retrain.gate.z), .standard = "1.645", .min = -10,
     .max = 10,
     .doc = "Smallest z of the paired difference, raised for the best of several "
            "candidates; 0: more likely better than not."},
    {"block", LW_KEY_DURATION, AT(spec.retrain.gate.block_ms), .standard = "1d",
     .min = LW_SECOND, .max = LW_WEEK,
     .doc =
         "As long as errors depend on each other. The spread of the difference between "
         "such blocks is measured on the hold-out and four weeks before it. `1d` is local days."},
};
static const struct lw_section gate_section = SECTION("retrain.gate", "", gate_keys);

static const struct lw_key tracking_keys[] = {
    {"time_constant", LW_KEY_DURATION, AT(spec.tracking.time_constant_ms),
     .standard = "1h", .min = 0, .max = 365.0 * LW_DAY,
     .doc = "A sealed pane weighs 1/e at this age. 0: predictions are not tracked."},
};
static const struct lw_section tracking_section = SECTION(
    "tracking",
    "A correction of two numbers that follows the stream between trainings, and is served "
    "only where it is better (docs/statistics.md).",
    tracking_keys);

static const struct lw_key probation_keys[] = {
    {"length", LW_KEY_DURATION, AT(spec.retrain.probation_ms), .standard = "2d", .min = 0,
     .max = 365.0 * LW_DAY,
     .doc = "How long the old champion is scored beside the new one; 0: no "
            "probation."},
    {"z", LW_KEY_REAL, AT(spec.retrain.probation_z), .standard = "2.33", .min = 0,
     .max = 100, .doc = "Roll back when the new champion is worse by this z."},
};
static const struct lw_section probation_section =
    SECTION("retrain.probation", "", probation_keys);

static const struct lw_key stale_keys[] = {
    {"age", LW_KEY_DURATION, AT(spec.retrain.stale_age_ms), .standard = "0", .min = 0,
     .max = 3650.0 * LW_DAY,
     .doc = "Retrain when the champion is older than this and `gain` is reached; "
            "0: never."},
    {"gain", LW_KEY_REAL, AT(spec.retrain.stale_gain), .standard = "0.03", .min = 0,
     .max = 1,
     .doc = "Value of `recalibration_gain` over the longest window, less what its days "
            "differ by, computed once a day, at which age is considered to matter."},
};
static const struct lw_section stale_section = SECTION("retrain.stale", "", stale_keys);

static const struct lw_key retrain_keys[] = {
    {"bootstrap", LW_KEY_MAP, .section = &bootstrap_section, .doc = "The first model."},
    {"holdout", LW_KEY_DURATION, AT(spec.retrain.holdout_ms), .standard = "2d",
     .min = LW_MINUTE, .max = 365.0 * LW_DAY,
     .doc = "Newest events, excluded from fitting, on which candidates and "
            "champion are compared."},
    {"window", LW_KEY_DURATION, AT(spec.retrain.window_ms), .min = LW_HOUR,
     .max = 3650.0 * LW_DAY, .unset = "the longest candidate's",
     .doc = "Events older than this are never trained on."},
    {"reference", LW_KEY_DURATION, AT(spec.retrain.reference_ms), .standard = "7d",
     .min = LW_HOUR, .max = 3650.0 * LW_DAY,
     .doc =
         "Newest events that form a version's reference profile, at most as many as the "
         "longest window has. Windows shorter than a week are not judged on days "
         "(Monday to Friday, or the weekend) of which it has none: `7d` has both."},
    {"min_rows", LW_KEY_INT, AT(spec.retrain.min_rows), .standard = "1000", .min = 2,
     .max = 1e9,
     .doc = "Usable events older than the hold-out that a training requires."},
    {"min_fresh", LW_KEY_INT, AT(spec.retrain.min_fresh), .standard = "500", .min = 0,
     .max = 1e9, .doc = "Usable events required between two trainings."},
    {"cooldown", LW_KEY_DURATION, AT(spec.retrain.cooldown_ms), .standard = "3d",
     .min = 0, .max = 365.0 * LW_DAY,
     .doc = "Pause after a training; doubles with each rejection."},
    {"cooldown_max", LW_KEY_DURATION, AT(spec.retrain.cooldown_max_ms), .min = 0,
     .max = 365.0 * LW_DAY, .unset = "28d, or `cooldown` if that is longer",
     .doc = "Upper limit of the pause."},
    {"max_age", LW_KEY_DURATION, AT(spec.retrain.max_age_ms), .standard = "0", .min = 0,
     .max = 3650.0 * LW_DAY,
     .doc = "Retrain when the champion is older than this; 0: age alone never "
            "triggers a training."},
    {"stale", LW_KEY_MAP, .section = &stale_section,
     .doc = "When an ageing champion is challenged earlier."},
    {"max_per_week", LW_KEY_INT, AT(spec.retrain.max_per_week), .standard = "0", .min = 0,
     .max = 1000, .doc = "Limit on trainings in any seven days; 0: no limit."},
    {"search", LW_KEY_MAP, .section = &search_section, .read = lw_config_read_search,
     .doc = "How the best candidate is searched for."},
    {"budget", LW_KEY_MAP, .section = &budget_section, .doc = "What a model may cost."},
    {"gate", LW_KEY_MAP, .section = &gate_section,
     .doc = "What a challenger must show on the hold-out."},
    {"probation", LW_KEY_MAP, .section = &probation_section,
     .doc = "How a new champion is watched after its promotion."},
    {"keep_first", LW_KEY_BOOL, AT(spec.retrain.keep_first), .standard = "false",
     .doc = "Keep scoring version 1 beside the champion, to show the error "
            "without retraining."},
};
static const struct lw_section retrain_section = SECTION(
    "retrain", "When to train, on what, and what may be promoted (docs/policy.md).",
    retrain_keys);

static const struct lw_key alert_keys[] = {
    {"page", LW_KEY_TEXT, AT(page_url), .standard = "", .read = lw_config_read_shown_url,
     .doc = "Address of the dashboard for links in messages. Empty: "
            "`http.public_url`."},
    {"runbook", LW_KEY_TEXT, AT(runbook_url), .standard = "",
     .read = lw_config_read_shown_url,
     .doc = "Address of the runbook; the rule's name is added as fragment."},
    {"warning", LW_KEY_RATE, AT(alert_budget[LW_USUAL_WARN]), .standard = "1 per 30d",
     .doc =
         "Warnings that all rules without thresholds and without a budget of their own "
         "may send together."},
    {"critical", LW_KEY_RATE, AT(alert_budget[LW_USUAL_CRITICAL]),
     .standard = "1 per 90d", .doc = "The same for critical alerts."},
};
static const struct lw_section alert_section =
    SECTION("alerts", "Links that every message contains, and how many there may be.",
            alert_keys);

static const char *const examples[] = {"none", "ids", "hashed", NULL};
static const char *const categories[] = {"top", "hashed", NULL};

static const struct lw_key privacy_keys[] = {
    {"examples", LW_KEY_WORD, AT(privacy.examples), .words = examples, .standard = "ids",
     .doc = "How to include the ids of the events with the largest errors: not at "
            "all, as they are, or hashed."},
    {"categories", LW_KEY_WORD, AT(privacy.categories), .words = categories,
     .standard = "top",
     .doc = "How to name the categories that shifted or whose error rose: the top "
            "ones by name, or hashed."},
};
static const struct lw_section privacy_section =
    SECTION("privacy",
            "Which data of the events a message may contain "
            "(docs/alerts.md#privacy).",
            privacy_keys);

static const struct lw_key tls_keys[] = {
    {"cert_file", LW_KEY_FILE, AT(http.tls.cert_file), .standard = "",
     .doc = "Certificate with its chain, PEM."},
    {"key_file", LW_KEY_FILE, AT(http.tls.key_file), .standard = "",
     .doc = "Private key of the certificate, PEM."},
};
static const struct lw_section tls_section = SECTION("tls", "HTTPS.", tls_keys);

static const struct lw_key http_keys[] = {
    {"listen", LW_KEY_TEXT, AT(http.listen), .standard = "127.0.0.1:8080",
     .doc = "`host:port`, or `off`. Anyone who can reach it may read and request "
            "predictions, unless `read_token_file` is set. Port 0 picks a free "
            "one."},
    {"public_url", LW_KEY_TEXT, AT(http.public_url), .standard = "",
     .read = lw_config_read_shown_url,
     .doc = "Public address, e.g. `https://leeway.example.org`, when it differs "
            "from `listen` (a proxy, a DNS name). Requests for other host names "
            "are refused."},
    {"tls", LW_KEY_MAP, .section = &tls_section,
     .doc = "Serve HTTPS instead of HTTP; both files are reloaded when they "
            "change."},
    {"token_file", LW_KEY_FILE, AT(http.token_file), .standard = "",
     .doc = "File with the tokens for requests that change state, one per line: "
            "`TOKEN` (at least 16 characters) or `NAME SCOPES TOKEN`; reloaded "
            "when it changes. Empty: such requests are refused."},
    {"read_token_file", LW_KEY_FILE, AT(http.read_token_file), .standard = "",
     .doc = "File with the tokens for reading, in the same form. Empty: reading "
            "needs no token. Health endpoints never need one."},
    {"connections", LW_KEY_INT, AT(http.connections), .standard = "256", .min = 1,
     .max = 10000,
     .doc = "Maximum number of open connections; beyond it idle ones are closed, "
            "first those of the address that has most."},
    {"rate", LW_KEY_INT, AT(http.rate), .standard = "0", .min = 0, .max = 1000000,
     .doc = "Requests per second from one address, with bursts of twice as many; "
            "more get 429. 0: no limit. Health endpoints are not counted."},
    {"body_max", LW_KEY_SIZE, AT(http.body_max), .standard = "1MiB", .min = 1024,
     .max = 1 << 30,
     .doc = "Largest request body; an Avro container may expand to 8 times this "
            "size."},
    {"timeout", LW_KEY_DURATION, AT(http.timeout_ms), .standard = "30s", .min = LW_SECOND,
     .max = LW_HOUR,
     .doc = "Closes a connection that is idle, whose request is incomplete, or "
            "whose response is not read for this long."},
};
static const struct lw_section http_section =
    SECTION("http", "Predictions, metrics, the API and the page.", http_keys);

static const struct lw_key log_keys[] = {
    {"level", LW_KEY_WORD, AT(log_level), .words = levels, .standard = "info",
     .doc = "Lowest level to write."},
};
static const struct lw_section log_section =
    SECTION("log", "The log on standard error.", log_keys);

static const struct lw_key root_keys[] = {
    {"stream", LW_KEY_TEXT, AT(spec.stream), .flags = LW_REQUIRED,
     .read = lw_config_read_stream,
     .doc = "Name of the stream: the prefix of its keys in Redis."},
    {"kafka", LW_KEY_NAMED, .read = lw_config_read_kafka, .item = "values",
     .doc =
         "librdkafka's properties, passed through unchanged (docs/kafka.md), except that "
         "paths (`ssl.ca.location`) are relative to this file. Properties that load or run "
         "code, and those that leeway sets itself, are refused. A secret property (a "
         "password, a passphrase, a client secret, a private key in PEM, "
         "`sasl.oauthbearer.config`) is given as `<property>_file` or comes from the "
         "environment, and is never shown. Files, including certificates, are read again "
         "when they change. The default of `group.id` is `leeway-<stream>`."},
    {"redis", LW_KEY_MAP, .section = &redis_section, .doc = ""},
    {"source", LW_KEY_MAP, .section = &source_section, .read = lw_config_read_source,
     .doc = ""},
    {"event", LW_KEY_MAP, .section = &event_section, .read = lw_config_read_event,
     .doc = ""},
    {"target", LW_KEY_TEXT, AT(names.target_none), .flags = LW_OR_MAP | LW_IMPLIED,
     .section = &target_section, .read = lw_config_read_target, .unset = "required",
     .doc =
         "What is predicted, a map; or `none`: the truth never comes. Then there are "
         "no errors: features, predictions and the quality of the data are monitored."},
    {"prediction", LW_KEY_TEXT, AT(names.prediction_field), .flags = LW_IMPLIED,
     .read = lw_config_read_prediction, .unset = "none: `candidates` predict",
     .doc = "Numeric field with a prediction that was made elsewhere. An event without "
            "it is rejected."},
    {"calendars", LW_KEY_NAMED, .flags = LW_PATHS, .read = lw_config_read_calendars,
     .item = "paths",
     .doc = "Calendars for `holiday(t, NAME)` (docs/models.md), `NAME: file`: a file has "
            "one date a line, `YYYY-MM-DD` or `YYYY-MM-DD,name`, in any order; what "
            "follows `#` is a comment. Days are those of `event.time_zone`."},
    {"valid", LW_KEY_LIST, .read = lw_config_read_valid, .item = "conditions",
     .doc = "Conditions such as `trip_distance < 50` or `0 <= speed < 100`. An "
            "event that violates one is rejected: counted under that condition, "
            "but not scored and not used for training. A missing value passes."},
    {"features", LW_KEY_NAMED, .section = &lw_section_feature,
     .read = lw_config_read_features,
     .doc = "Features to monitor for drift, under names of your choice."},
    {"panes", LW_KEY_MAP, .section = &pane_section, .read = lw_config_read_panes,
     .doc = ""},
    {"windows", LW_KEY_NAMED, .read = lw_config_read_windows, .item = "durations",
     .doc = "Windows that rules evaluate, `name: length`: the most recent "
            "complete panes, at most 20,000."},
    {"drift", LW_KEY_MAP, .section = &drift_section, .doc = ""},
    {"change", LW_KEY_MAP, .section = &change_section, .read = lw_config_read_change,
     .doc = ""},
    {"rules", LW_KEY_LIST, .section = &lw_section_rule, .read = lw_config_read_rules,
     .doc = "Conditions that raise an alert, and what a firing alert triggers."},
    {"feature_sets", LW_KEY_NAMED, .item = "lists of terms, below",
     .section = &lw_section_term, .read = lw_config_read_sets,
     .doc = "Lists of terms for the candidates: a text in the formula language "
            "(docs/models.md), or a map."},
    {"candidates", LW_KEY_LIST, .section = &lw_section_candidate,
     .read = lw_config_read_candidates,
     .doc = "Models that every training fits; the hold-out decides between them. None: "
            "nothing is trained, and the stream is compared with its own past. "
            "`alpha`, `window`, `half_life` and `correction.half_life` may be "
            "lists: each combination is one candidate."},
    {"retrain", LW_KEY_MAP, .section = &retrain_section, .read = lw_config_read_retrain,
     .doc = ""},
    {"tracking", LW_KEY_MAP, .section = &tracking_section,
     .read = lw_config_read_tracking, .doc = ""},
    {"webhooks", LW_KEY_LIST, .section = &lw_section_webhook,
     .read = lw_config_read_webhooks, .doc = "Receivers of alerts."},
    {"alerts", LW_KEY_MAP, .section = &alert_section, .read = lw_config_read_alerts,
     .doc = ""},
    {"privacy", LW_KEY_MAP, .section = &privacy_section, .doc = ""},
    {"http", LW_KEY_MAP, .section = &http_section, .read = lw_config_read_http,
     .doc = ""},
    {"log", LW_KEY_MAP, .section = &log_section, .doc = ""},
    {"core_dumps", LW_KEY_BOOL, AT(core_dumps), .standard = "false",
     .doc = "Whether a crash of `run` may leave a core dump, and a debugger of the same "
            "user may attach. A dump holds the passwords and tokens in use."},
};
const struct lw_section lw_config_root = SECTION("", "", root_keys);
