/* Unreadable panes: damaged, or written by a program with another layout.
 *
 * An unreadable pane must not block the stream. It is moved to a key of its own, so
 * that nothing is lost and a person can inspect it; a note in the hash `unreadable`
 * has the reason, and windows continue without it. The leader moves the panes that it
 * finds in the step that evaluates without them. A worker moves an open pane when it
 * claims the partition, under its epoch; the leader reads the note when it seals that
 * pane. So each unreadable pane is reported once, whichever process crashes. */
#include "store/unreadable.h"
#include "store/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/evaluation.h"
#include "store/scripts.h"

#define KEEP_MS (30 * LW_DAY)

void lw_unreadable_add(struct lw_unreadable_panes *all,
                       const struct lw_unreadable_pane *one) {
    if (all->n == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 8;
        all->item = lw_realloc(all->item, all->cap, sizeof *all->item);
    }
    all->item[all->n++] = *one;
}

void lw_unreadable_fini(struct lw_unreadable_panes *all) {
    free(all->item);
    *all = (struct lw_unreadable_panes){0};
}

static void put_keys(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_unreadable_pane *one) {
    lw_key_arg(c, spec, "pane:%" PRId64 ":%d", one->start_ms, one->partition);
    lw_key_arg(c, spec, "unreadable:%" PRId64 ":%d", one->start_ms, one->partition);
    lw_key_arg(c, spec, "unreadable");
}

static void put_note(struct lw_cmd *c, const struct lw_unreadable_pane *one,
                     int64_t now_ms) {
    char text[sizeof one->why + 32];
    snprintf(text, sizeof text, "%" PRId64 ":%d", one->start_ms, one->partition);
    lw_cmd_str(c, text);
    snprintf(text, sizeof text, "%" PRId64 " %s", now_ms, one->why);
    lw_cmd_str(c, text);
    lw_cmd_int(c, KEEP_MS);
}

void lw__unreadable_put(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step) {
    char when[32], text[sizeof step->unread->item->why + 80];
    for (size_t i = 0; step->unread && i < step->unread->n; i++) {
        const struct lw_unreadable_pane *one = &step->unread->item[i];
        snprintf(text, sizeof text, "pane %s of partition %d: %s",
                 lw_format_time(when, sizeof when, one->start_ms), one->partition,
                 one->why);
        size_t slot = lw_cmd_slot(c);
        lw__audit_words(c, spec,
                        &(struct lw_audit_line){"unreadable", step->lease->who, text,
                                                step->evaluation->at_ms, step->now_ms});
        lw_cmd_fill(c, slot);
        if (one->moved)
            continue;
        slot = lw_cmd_slot(c);
        lw_cmd_str(c, "UNREADABLE");
        put_keys(c, spec, one);
        put_note(c, one, step->now_ms);
        lw_cmd_fill(c, slot);
    }
}

int lw__unreadable_move(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                        uint64_t epoch, const struct lw_unreadable_pane *one,
                        struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 4);
    lw_key_arg(c, spec, "part:%s:%d", topic, one->partition);
    put_keys(c, spec, one);
    lw_cmd_uint(c, epoch);
    put_note(c, one, lw_wall_ms());
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_move_unreadable, c, err);
    if (!reply)
        return -1;
    bool ours = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return ours ? 0 : lw_fail(err, LW_EAGAIN, "another process has claimed it");
}

void lw__unreadable_query(struct lw_cmd *c, const struct lw_spec *spec,
                          int32_t npartitions, int64_t start_ms) {
    char field[48];
    lw_cmd_str(c, "HMGET");
    lw_key_arg(c, spec, "unreadable");
    for (int32_t p = 0; p < npartitions; p++) {
        snprintf(field, sizeof field, "%" PRId64 ":%d", start_ms, p);
        lw_cmd_str(c, field);
    }
}

void lw__unreadable_notes(const struct lw_reply *notes, int64_t start_ms,
                          struct lw_unreadable_panes *out) {
    for (size_t p = 0; p < lw_reply_count(notes); p++) {
        const char *note = lw_reply_text(lw_reply_at(notes, p), NULL);
        if (!note)
            continue;
        struct lw_unreadable_pane one = {
            .start_ms = start_ms, .partition = (int32_t)p, .moved = true};
        note += strspn(note, "0123456789");
        lw_copy(one.why, sizeof one.why, *note == ' ' ? note + 1 : note);
        lw_unreadable_add(out, &one);
    }
}
