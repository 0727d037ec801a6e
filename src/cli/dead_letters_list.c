/* Reads the dead-letter topic; leeway dead-letters list. */
#include "cli/dead_letters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/lag.h"
#include "kafka/probe.h"
#include "kafka/ranges.h"

#define KAFKA_MS 10000

/* ---- reading ---- */

struct dead_letters_reading {
    const struct lw_dead_letters *letters;
    lw_dead_letters_each each;
    void *arg;
};

int64_t lw_dead_letters_time(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t kind;
    int64_t ms = rd_kafka_message_timestamp(m, &kind);
    return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : ms;
}

static int filter_message(void *arg, const rd_kafka_message_t *m) {
    const struct dead_letters_reading *r = arg;
    const struct lw_dead_letters *l = r->letters;
    struct lw_letter letter;
    bool ours = lw_letter_read(m, &letter);
    if (l->since_ms != INT64_MIN && lw_dead_letters_time(m) < l->since_ms)
        return 0;
    if (l->reason && (!ours || !strstr(letter.reason, l->reason)))
        return 0;
    return r->each(r->arg, m, ours ? &letter : NULL);
}

/* The end offset of each partition; free() the array. */
static int64_t *end_offsets(const struct lw_config *config, int32_t *n,
                            struct lw_err *err) {
    const char *topic = config->source.dead_letters;
    int64_t *end = NULL;
    struct lw_probe *probe = lw_probe_new(&config->kafka, err);
    struct lw_lag *lag = probe ? lw_lag_new(&config->kafka, topic, err) : NULL;
    *n = lag ? lw_probe_partitions(probe, topic, KAFKA_MS, err) : -1;
    if (*n > 0) {
        end = lw_calloc((size_t)*n, sizeof *end);
        if (lw_lag_ends(lag, *n, KAFKA_MS, end, err)) {
            free(end);
            end = NULL;
        }
    }
    lw_lag_free(lag);
    lw_probe_free(probe);
    return end;
}

static struct lw_offset_range partition_range(const struct lw_dead_letters *l,
                                              int64_t newest, int32_t partition,
                                              int64_t end) {
    struct lw_offset_range range = {.partition = partition, .last = end - 1};
    if (newest > 0 && end > newest)
        range.first = end - newest;
    if (l->partition >= 0) {
        range.first = partition == l->partition && l->offset < end ? l->offset : -1;
        range.last = range.first;
    }
    return range;
}

int lw_dead_letters_read(const struct lw_dead_letters *l, int64_t newest,
                         lw_dead_letters_each each, void *arg, struct lw_err *err) {
    int32_t n;
    struct dead_letters_reading reading = {.letters = l, .each = each, .arg = arg};
    struct lw_read_options how = {
        .timeout_ms = KAFKA_MS, .each = filter_message, .arg = &reading};
    int64_t *end = end_offsets(l->config, &n, err);
    if (!end)
        return -1;
    struct lw_offset_range *range = lw_calloc((size_t)n, sizeof *range);
    for (int32_t p = 0; p < n; p++)
        range[p] = partition_range(l, newest, p, end[p]);
    int rc = lw_ranges_read(&l->config->kafka, l->config->source.dead_letters,
                            (struct lw_offset_ranges){range, (size_t)n}, &how, NULL, err);
    free(range);
    free(end);
    return rc;
}

/* ---- the list ---- */

struct listing_line {
    int64_t time_ms, offset, bytes;
    int32_t partition;
    bool ours;
    struct lw_letter letter;
};

struct listing {
    const struct lw_dead_letters *letters;
    struct listing_line *line;
    size_t n, cap;
    uint64_t matched;
};

static int compare_time(const void *a, const void *b) {
    const struct listing_line *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void print_json(const struct listing_line *l) {
    json_t *o = json_object(), *source = json_object();
    lw_json_set_int(o, "partition", l->partition);
    lw_json_set_int(o, "offset", l->offset);
    lw_json_set_time(o, "time", l->time_ms);
    lw_json_set_int(o, "bytes", l->bytes);
    lw_json_set_bool(o, "dead_letter", l->ours);
    if (l->ours) {
        lw_json_set_text(source, "topic", l->letter.topic);
        lw_json_set_int(source, "partition", l->letter.partition);
        lw_json_set_int(source, "offset", l->letter.offset);
        json_object_set(o, "source", source);
        lw_json_set_text(o, "stream", l->letter.stream);
        lw_json_set_text(o, "stage", l->letter.stage);
        lw_json_set_text(o, "kind", l->letter.kind);
        lw_json_set_text(o, "reason", l->letter.reason);
        lw_json_set_count(o, "replays", l->letter.replays);
    }
    json_decref(source);
    lw_cli_print_json(o);
}

static void print_line(const struct listing_line *l) {
    char when[32] = "-", at[40], source[300] = "-";
    char stage[64] = "-", reason[512] = "no dead-letter headers";
    if (l->time_ms != INT64_MIN)
        lw_format_time(when, sizeof when, l->time_ms);
    snprintf(at, sizeof at, "%" PRId32 ":%" PRId64, l->partition, l->offset);
    if (l->ours)
        snprintf(source, sizeof source, "%s %" PRId32 ":%" PRId64, l->letter.topic,
                 l->letter.partition, l->letter.offset);
    if (l->ours) {
        lw_copy(stage, sizeof stage, l->letter.stage);
        lw_copy(reason, sizeof reason, l->letter.reason);
    }
    lw_cli_line(stdout, "%-24s  %-10s  %-28s  %-15s  %7" PRIu64 "  %s", when, at, source,
                stage, l->letter.replays, reason);
}

static void listing_print(const struct listing *g, const struct listing_line *line) {
    if (g->letters->json)
        print_json(line);
    else
        print_line(line);
}

/* Keeps the newest `limit`; the array holds twice as many. */
static void listing_trim(struct listing *g) {
    size_t limit = (size_t)g->letters->limit;
    if (g->n)
        qsort(g->line, g->n, sizeof *g->line, compare_time);
    if (g->n <= limit)
        return;
    memmove(g->line, g->line + (g->n - limit), limit * sizeof *g->line);
    g->n = limit;
}

static int listing_add(void *arg, const rd_kafka_message_t *m,
                       const struct lw_letter *letter) {
    struct listing *g = arg;
    struct listing_line line = {.time_ms = lw_dead_letters_time(m),
                                .partition = m->partition,
                                .offset = m->offset,
                                .bytes = (int64_t)m->len,
                                .ours = letter != NULL};
    if (letter)
        line.letter = *letter;
    g->matched++;
    if (g->letters->limit == 0) {
        listing_print(g, &line);
        return 0;
    }
    if (g->n == g->cap) {
        size_t most = 2 * (size_t)g->letters->limit;
        if (g->cap == most)
            listing_trim(g);
        else
            g->cap = g->cap == 0 ? (most < 64 ? most : 64)
                                 : (2 * g->cap < most ? 2 * g->cap : most);
        g->line = lw_realloc(g->line, g->cap, sizeof *g->line);
    }
    g->line[g->n++] = line;
    return 0;
}

int lw_dead_letters_list(const struct lw_dead_letters *l, struct lw_err *err) {
    struct listing g = {.letters = l};
    bool filtered = l->reason || l->since_ms != INT64_MIN;
    if (!l->json)
        printf("%-24s  %-10s  %-28s  %-15s  %7s  %s\n", "TIME", "POSITION", "FROM",
               "STAGE", "REPLAYS", "REASON");
    int rc = lw_dead_letters_read(l, filtered ? 0 : l->limit, listing_add, &g, err);
    if (rc == 0 && l->limit > 0)
        listing_trim(&g);
    for (size_t i = 0; i < g.n && rc == 0; i++)
        listing_print(&g, &g.line[i]);
    if (rc == 0 && !l->json && g.matched == 0)
        fprintf(stderr, "no dead letters in %s\n", l->config->source.dead_letters);
    else if (rc == 0 && !l->json && l->limit > 0 && g.matched > g.n)
        fprintf(stderr, "showing the newest %zu; --limit 0 lists all\n", g.n);
    free(g.line);
    return rc ? -1 : LW_EXIT_OK;
}
