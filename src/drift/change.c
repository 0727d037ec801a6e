/* The table of change detectors and what they share: scaling, rejection of non-finite
 * values, and the restart after an alarm.
 *
 * The restart is done at the next update, so that until then the width shows where the
 * detector locates the change. */
#include "drift/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drift/detector.h"

#define LW_CHANGE_VERSION 1

static const struct lw_detector *const detectors[] = {
    &lw_detector_adwin, &lw_detector_page_hinkley, &lw_detector_kswin};
enum { DETECTORS = sizeof detectors / sizeof *detectors };

struct lw_change {
    const struct lw_detector *impl;
    struct lw_change_params params;
    double inverse_scale;
    int fired;
    _Alignas(16) unsigned char state[];
};

static const struct lw_detector *change_find(const char *kind) {
    for (size_t i = 0; i < DETECTORS; i++)
        if (strcmp(kind, detectors[i]->name) == 0)
            return detectors[i];
    return NULL;
}

struct lw_change_params lw_change_defaults(const char *kind) {
    const struct lw_detector *impl = change_find(kind);
    return (struct lw_change_params){.delta = (impl ? impl : detectors[0])->delta,
                                     .lambda = 50.0,
                                     .alpha = 1e-4,
                                     .scale = 1.0,
                                     .min_n = 30};
}

static int fail_kind(const char *kind, struct lw_err *err) {
    const char *names[DETECTORS];
    for (size_t i = 0; i < DETECTORS; i++)
        names[i] = detectors[i]->name;
    const char *near = lw_nearest(kind, names, DETECTORS);
    if (near)
        return lw_fail(err, LW_ECONFIG,
                       "change detector '%s' is not known; did you mean '%s'?", kind,
                       near);
    return lw_fail(err, LW_ECONFIG,
                   "change detector '%s' is not known; use adwin, page_hinkley or kswin",
                   kind);
}

struct lw_change *lw_change_new(const char *kind, const struct lw_change_params *params,
                                struct lw_err *err) {
    const struct lw_detector *impl = change_find(kind);
    if (!impl) {
        (void)fail_kind(kind, err);
        return NULL;
    }
    if (!(params->scale > 0.0 && isfinite(1.0 / params->scale))) {
        (void)lw_fail(err, LW_ECONFIG, "%s: scale %g must be above 0 and finite", kind,
                      params->scale);
        return NULL;
    }
    if (impl->check(params, err) != 0)
        return NULL;
    struct lw_change *c = lw_calloc(1, sizeof *c + impl->size);
    c->impl = impl;
    c->params = *params;
    c->inverse_scale = 1.0 / params->scale;
    impl->reset(c->state, params);
    return c;
}

void lw_change_free(struct lw_change *c) {
    free(c);
}

static void change_restart(struct lw_change *c) {
    c->fired = 0;
    c->impl->reset(c->state, &c->params);
}

int lw_change_update(struct lw_change *c, double v) {
    v *= c->inverse_scale;
    if (!isfinite(v))
        return 0;
    if (c->fired)
        change_restart(c);
    c->fired = c->impl->update(c->state, v);
    return c->fired;
}

uint64_t lw_change_width(const struct lw_change *c) {
    return c->impl->width(c->state);
}

void lw_change_write(const struct lw_change *c, struct lw_buf *out) {
    lw_buf_u8(out, LW_CHANGE_VERSION);
    lw_buf_blob(out, c->impl->name, strlen(c->impl->name));
    lw_buf_f64(out, c->params.scale);
    lw_buf_u8(out, (uint8_t)c->fired);
    c->impl->write(c->state, out);
}

static int read_state(struct lw_change *c, struct lw_reader *r, struct lw_err *err) {
    const char *name = c->impl->name;
    unsigned version = lw_reader_u8(r);
    if (version != LW_CHANGE_VERSION)
        return lw_fail(err, LW_EINPUT, "%s state: version %u, expected %d", name, version,
                       LW_CHANGE_VERSION);
    size_t len = 0;
    const void *kind = lw_reader_blob(r, &len);
    if (!kind || len != strlen(name) || memcmp(kind, name, len) != 0)
        return lw_fail(err, LW_EINPUT, "%s state: the bytes belong to another detector",
                       name);
    double scale = lw_reader_f64(r);
    unsigned fired = lw_reader_u8(r);
    if (!r->bad && scale != c->params.scale)
        return lw_fail(err, LW_EINPUT, "%s state: scaled by %g, now by %g", name, scale,
                       c->params.scale);
    if (fired > 1 || c->impl->read(c->state, r) != 0 || r->bad || lw_reader_left(r) != 0)
        return lw_fail(err, LW_EINPUT, "%s state: damaged", name);
    c->fired = (int)fired;
    return 0;
}

int lw_change_read(struct lw_change *c, const void *data, size_t len,
                   struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    change_restart(c);
    if (read_state(c, &r, err) == 0)
        return 0;
    change_restart(c);
    return -1;
}
