/* See pager.h. Which message is due is decided in alert/pager.c; here is the bookkeeping:
 * one page an alert, with its newest message and what each receiver was told, and the
 * lists of what changes in Redis by the next write. */
#include "engine/pager.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/alerts.h"

#define CLOSED                                                                           \
    "Resolved while nobody was to be told of it; another incident of its kind has "      \
    "begun "                                                                             \
    "since."
#define ORPHAN                                                                           \
    "Resolved: nothing watches for this any more (the rule has gone, or the detector "   \
    "began anew)."
#define SILENCES_MS LW_SECOND
#define SAY_MAX     4 /* closing one incident, opening the next, and to spare */

struct page {
    char *json; /* newest message, or NULL */
    size_t len;
    struct lw_told told[LW_RECEIVERS_MAX];
};

struct said {
    const char *json;
    size_t len;
};

struct told_line {
    char text[LW_TOLD_MAX];
};

struct lw_pager {
    const struct lw_config *config;
    size_t n, cap;
    struct lw_alert_status
        *standing; /* parallel to page: what judging wants in one piece */
    struct page *page;
    size_t nsilences;
    struct lw_silence *silence;
    int64_t silences_ms; /* monotonic: when they were read */
    /* The pages under construction. */
    struct lw_pages pages;
    struct lw_outgoing *outgoing;
    struct lw_page_field *message, *told;
    struct told_line *told_text;
    struct lw_page_line *line;
    struct lw_alert *alert;
    size_t outgoing_cap, message_cap, told_cap, line_cap, alert_cap;
    size_t nmade;
    struct lw_buf *made; /* messages that were restated for these pages */
};

struct lw_pager *lw_pager_new(const struct lw_config *config) {
    struct lw_pager *p = lw_calloc(1, sizeof *p);
    p->config = config;
    p->silences_ms = INT64_MIN;
    return p;
}

static void begin_pages(struct lw_pager *p) {
    for (size_t i = 0; i < p->nmade; i++)
        lw_buf_fini(&p->made[i]);
    p->nmade = 0;
    p->pages = (struct lw_pages){0};
}

void lw_pager_free(struct lw_pager *p) {
    if (!p)
        return;
    begin_pages(p);
    for (size_t i = 0; i < p->n; i++)
        free(p->page[i].json);
    free(p->standing);
    free(p->page);
    free(p->silence);
    free(p->outgoing);
    free(p->message);
    free(p->told);
    free(p->told_text);
    free(p->line);
    free(p->alert);
    free(p->made);
    free(p);
}

/* ---- loading ---- */

static size_t find(const struct lw_pager *p, uint64_t fingerprint) {
    size_t i = 0;
    while (i < p->n && p->standing[i].fingerprint != fingerprint)
        i++;
    return i;
}

static size_t find_or_add(struct lw_pager *p, uint64_t fingerprint) {
    size_t i = find(p, fingerprint);
    if (i < p->n)
        return i;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 32;
        p->standing = lw_realloc(p->standing, p->cap, sizeof *p->standing);
        p->page = lw_realloc(p->page, p->cap, sizeof *p->page);
    }
    p->standing[p->n] = (struct lw_alert_status){.fingerprint = fingerprint};
    memset(&p->page[p->n], 0, sizeof *p->page);
    return p->n++;
}

static void load_alert(void *arg, const struct lw_alert_status *alert) {
    struct lw_pager *p = arg;
    size_t i = find_or_add(p, alert->fingerprint);
    p->standing[i] = *alert;
}

static void keep_message(struct page *page, const char *json, size_t len) {
    free(page->json);
    page->json = lw_strndup(json, len);
    page->len = len;
}

static void load_message(void *arg, const char *fingerprint, const char *json,
                         size_t len) {
    struct lw_pager *p = arg;
    size_t i = find(p, strtoull(fingerprint, NULL, 16));
    if (i < p->n) /* else the message of an alert that is not there any more */
        keep_message(&p->page[i], json, len);
}

static void load_told(void *arg, const char *name, const char *text) {
    struct lw_pager *p = arg;
    struct lw_told told;
    int r = lw_receiver_find(p->config->receiver, p->config->nreceivers, name);
    size_t i = find(p, strtoull(name, NULL, 16));
    if (r >= 0 && i < p->n && lw_told_parse(text, &told))
        p->page[i].told[r] = told;
}

int lw_pager_load(struct lw_pager *p, struct lw_redis *r, struct lw_err *err) {
    const struct lw_pages_reader reader = {p, load_alert, load_message, load_told};
    return lw_pages_load(r, &p->config->spec, &reader, err) ||
                   lw_pager_silences(p, r, err)
               ? -1
               : 0;
}

int lw_pager_silences(struct lw_pager *p, struct lw_redis *r, struct lw_err *err) {
    struct lw_silence *fresh = NULL;
    int64_t now = lw_mono_ms();
    size_t n;
    if (p->silences_ms != INT64_MIN && now - p->silences_ms < SILENCES_MS)
        return 0;
    if (lw_silences_load(r, &p->config->spec, lw_wall_ms(), &fresh, &n, err))
        return -1;
    free(p->silence);
    p->silence = fresh;
    p->nsilences = n;
    p->silences_ms = now;
    return 0;
}

/* ---- pages ---- */

/* Room for one more; *n grows by one. */
#define ADD(list, n, cap)                                                                \
    ((n) == (cap) ? (void)((cap) = (cap) ? 2 * (cap) : 16,                               \
                           (list) = lw_realloc((list), (cap), sizeof *(list)))           \
                  : (void)0,                                                             \
     &(list)[(n)++])

static void add_outgoing(struct lw_pager *p, const struct lw_receiver *r,
                         const struct lw_alert_status *alert, const char *id,
                         struct said said) {
    struct lw_outgoing *o = ADD(p->outgoing, p->pages.noutgoing, p->outgoing_cap);
    lw_outbox_id(o->id, sizeof o->id, id, r->name);
    o->alert = alert->fingerprint;
    o->json = said.json;
    o->len = said.len;
}

/* The alert's newest message, for repetitions and for what is kept back. */
static void add_message(struct lw_pager *p, size_t i, const char *json, size_t len) {
    struct lw_page_field *f = ADD(p->message, p->pages.nmessages, p->message_cap);
    snprintf(f->name, sizeof f->name, "%016" PRIx64, p->standing[i].fingerprint);
    f->text = json;
    f->len = len;
}

/* What the receiver knows from now on. */
static void remember(struct lw_pager *p, size_t i, size_t r, const struct lw_told *told) {
    p->page[i].told[r] = *told;
    if (p->pages.ntold == p->told_cap) {
        p->told_cap = p->told_cap ? 2 * p->told_cap : 16;
        p->told = lw_realloc(p->told, p->told_cap, sizeof *p->told);
        p->told_text = lw_realloc(p->told_text, p->told_cap, sizeof *p->told_text);
    }
    struct lw_page_field *f = &p->told[p->pages.ntold];
    char *text = p->told_text[p->pages.ntold++].text;
    snprintf(f->name, sizeof f->name, "%016" PRIx64 "@%s", p->standing[i].fingerprint,
             p->config->receiver[r].name);
    f->text = told->incident ? lw_told_print(text, told) : NULL;
    f->len = f->text ? strlen(text) : 0;
}

/* Of an alert whose message is `json`: the message restated. The text stays where it is
 * when the list of texts grows. */
static const struct lw_buf *restate(struct lw_pager *p, const struct page *page,
                                    const struct lw_restated *how) {
    struct lw_err err = {0};
    struct lw_buf text = {0};
    if (lw_alert_restate(page->json, page->len, how, &text, &err)) {
        lw_log(LW_ERROR, "alert_unformed", "error=\"%s\"", err.msg);
        return NULL;
    }
    p->made = lw_realloc(p->made, p->nmade + 1, sizeof *p->made);
    p->made[p->nmade] = text;
    return &p->made[p->nmade++];
}

/* The id under which something is said: of the told incident for what is closed. */
static void id_of(char out[LW_ALERT_ID_MAX], const struct lw_alert_status *alert,
                  const struct lw_told *was, const struct lw_saying *say) {
    bool closed = say->what == LW_SAY_CLOSED;
    struct lw_alert named = {.incident = closed ? was->incident : alert->incident,
                             .firing = !closed && alert->firing,
                             .severity = alert->severity};
    lw_alert_id(out, LW_ALERT_ID_MAX, &named,
                say->what == LW_SAY_AGAIN ? say->told.repeat : 0);
}

static const struct lw_buf *say_again(struct lw_pager *p, size_t i,
                                      const struct lw_pager_hooks *hooks,
                                      const struct lw_saying *say, int64_t now_ms) {
    struct lw_buf text = {0};
    if (hooks &&
        hooks->again(hooks->arg, p->standing[i].fingerprint, say->told.repeat, &text)) {
        p->made = lw_realloc(p->made, p->nmade + 1, sizeof *p->made);
        p->made[p->nmade] = text;
        return &p->made[p->nmade++];
    }
    lw_buf_fini(&text);
    return restate(p, &p->page[i],
                   &(struct lw_restated){.told = say->told, .now_ms = now_ms});
}

/* Says one thing; false when there is nothing (more) to say. */
static bool say_one(struct lw_pager *p, size_t i, size_t r,
                    const struct lw_pager_hooks *hooks, int64_t now_ms) {
    const struct lw_receiver *receiver = &p->config->receiver[r];
    const struct lw_alert_status *alert = &p->standing[i];
    struct page *page = &p->page[i];
    struct lw_told was = page->told[r];
    struct lw_saying say = lw_pager_say(receiver, alert, &was, now_ms);
    char id[LW_ALERT_ID_MAX];
    if (say.what == LW_SAY_NOTHING || !page->json)
        return false;
    if (say.what == LW_SAY_AGAIN && hooks &&
        hooks->waits(hooks->arg, receiver, alert->fingerprint))
        return false;
    id_of(id, alert, &was, &say);
    const struct lw_buf *text = NULL;
    if (say.what == LW_SAY_AGAIN)
        text = say_again(p, i, hooks, &say, now_ms);
    else if (say.what == LW_SAY_CLOSED)
        text = restate(p, page, &(struct lw_restated){true, was, now_ms, CLOSED});
    if (say.what == LW_SAY_CHANGE)
        add_outgoing(p, receiver, alert, id, (struct said){page->json, page->len});
    else if (text)
        add_outgoing(p, receiver, alert, id,
                     (struct said){(const char *)text->data, text->len});
    remember(p, i, r, &say.told);
    return true;
}

static void say_all(struct lw_pager *p, size_t i, const struct lw_pager_hooks *hooks,
                    int64_t now_ms) {
    for (size_t r = 0; r < p->config->nreceivers; r++)
        for (int k = 0; k < SAY_MAX && say_one(p, i, r, hooks, now_ms); k++)
            continue;
}

static const struct lw_pages *finish_pages(struct lw_pager *p) {
    p->pages.outgoing = p->outgoing;
    p->pages.message = p->message;
    p->pages.told = p->told;
    p->pages.line = p->line;
    p->pages.alert = p->alert;
    return &p->pages;
}

static void judge(struct lw_pager *p, int64_t now_ms) {
    lw_alert_status_judge(&p->config->spec, p->standing, p->n, p->silence, p->nsilences,
                          now_ms);
}

static void stand(struct lw_alert_status *s, const struct lw_alert *a) {
    s->incident = a->incident;
    s->firing = a->firing;
    s->severity = a->severity;
    s->since_ms = a->since_ms;
    s->at_ms = a->at_ms;
    s->value = a->value;
    s->threshold = a->threshold;
    s->n = a->n;
    s->model_version = a->model_version;
    lw_copy(s->rule, sizeof s->rule, a->name);
    lw_copy(s->feature, sizeof s->feature, a->feature);
    lw_copy(s->window, sizeof s->window, a->window);
    lw_copy(s->summary, sizeof s->summary, a->summary);
}

/* What is kept back is said where people look for what became of an alert. */
static void note_withheld(struct lw_pager *p, const struct lw_alert_status *s) {
    if (!s->firing || (!s->silenced_by[0] && !s->inhibited_by[0]))
        return;
    struct lw_page_line *line = ADD(p->line, p->pages.nlines, p->line_cap);
    lw_copy(line->what, sizeof line->what, "withheld");
    snprintf(line->detail, sizeof line->detail, "%s%s%s: %s %.120s", s->rule,
             s->feature[0] ? " of " : "", s->feature,
             s->silenced_by[0] ? "silence" : "explained by",
             s->silenced_by[0] ? s->silenced_by : s->inhibited_by);
    lw_log(LW_INFO, "alert_withheld", "rule=%s feature=%s silence=%s cause=\"%s\"",
           s->rule, s->feature[0] ? s->feature : "-",
           s->silenced_by[0] ? s->silenced_by : "-", s->inhibited_by);
}

const struct lw_pages *lw_pager_changes(struct lw_pager *p, const struct lw_alert *alert,
                                        size_t n, const struct lw_buf *json,
                                        int64_t now_ms) {
    begin_pages(p);
    for (size_t k = 0; k < n; k++) { /* causes first: their order is of no meaning */
        size_t i = find_or_add(p, alert[k].fingerprint);
        stand(&p->standing[i], &alert[k]);
    }
    judge(p, now_ms);
    for (size_t k = 0; k < n; k++) {
        size_t i = find(p, alert[k].fingerprint);
        if (json[k].len == 0)
            continue;
        stand(&p->standing[i], &alert[k]); /* one may change twice in a step */
        keep_message(&p->page[i], (const char *)json[k].data, json[k].len);
        add_message(p, i, (const char *)json[k].data, json[k].len);
        say_all(p, i, NULL, now_ms);
        /* the page's own copy goes with the next message: what was said is the caller's
         */
        for (size_t o = 0; o < p->pages.noutgoing; o++)
            if (p->outgoing[o].json == p->page[i].json)
                p->outgoing[o].json = (const char *)json[k].data;
        note_withheld(p, &p->standing[i]);
    }
    return finish_pages(p);
}

const struct lw_pages *lw_pager_itself(struct lw_pager *p, const struct lw_alert *alert,
                                       const struct lw_buf *json, int64_t now_ms) {
    lw_pager_changes(p, alert, 1, json, now_ms);
    *ADD(p->alert, p->pages.nalerts, p->alert_cap) = *alert;
    return finish_pages(p);
}

const struct lw_alert_status *lw_pager_standing(const struct lw_pager *p,
                                                uint64_t fingerprint) {
    size_t i = find(p, fingerprint);
    return i < p->n ? &p->standing[i] : NULL;
}

const struct lw_pages *lw_pager_orphans(struct lw_pager *p, const struct lw_monitor *m,
                                        int64_t now_ms) {
    begin_pages(p);
    judge(p, now_ms);
    for (size_t i = 0; i < p->n; i++) {
        struct lw_alert_status *s = &p->standing[i];
        bool itself = lw_component_of_alert(s->rule) < LW_COMPONENTS;
        if (!s->firing || itself || lw_monitor_fires(m, s->fingerprint))
            continue;
        struct lw_alert *a = ADD(p->alert, p->pages.nalerts, p->alert_cap);
        *a = (struct lw_alert){.fingerprint = s->fingerprint,
                               .incident = s->incident,
                               .severity = s->severity,
                               .value = s->value,
                               .threshold = s->threshold,
                               .n = s->n,
                               .model_version = s->model_version,
                               .since_ms = s->since_ms,
                               .at_ms = s->at_ms};
        lw_copy(a->name, sizeof a->name, s->rule);
        lw_copy(a->feature, sizeof a->feature, s->feature);
        lw_copy(a->window, sizeof a->window, s->window);
        lw_copy(a->summary, sizeof a->summary, ORPHAN);
        const struct lw_restated how = {
            true, {s->incident, s->severity, 0, 0}, now_ms, ORPHAN};
        const struct lw_buf *text =
            p->page[i].json ? restate(p, &p->page[i], &how) : NULL;
        if (text) {
            keep_message(&p->page[i], (const char *)text->data, text->len);
            add_message(p, i, (const char *)text->data, text->len);
        }
        stand(s, a);
        say_all(p, i, NULL, now_ms);
    }
    return p->pages.nalerts ? finish_pages(p) : NULL;
}

const struct lw_pages *
lw_pager_round(struct lw_pager *p, const struct lw_pager_hooks *hooks, int64_t now_ms) {
    begin_pages(p);
    judge(p, now_ms);
    for (size_t i = 0; i < p->n; i++)
        say_all(p, i, hooks, now_ms);
    return p->pages.ntold ? finish_pages(p) : NULL;
}
