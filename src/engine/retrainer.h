/* Trains in a thread of its own (retrainer.c). */
#ifndef LW_ENGINE_RETRAINER_H
#define LW_ENGINE_RETRAINER_H

#include "engine/engine_private.h"

/* One training: handed to the retrainer, and back. */
struct lw_job {
    struct lw_request request;
    uint32_t champion;      /* version to beat; 0: none */
    uint32_t imported;      /* version to judge in place of candidates; 0: none */
    struct lw_pane *recent; /* for the reference; owned */
    struct lw_quarantine quarantine;
    /* set by the retrainer */
    bool done, failed;
    struct lw_training
        training; /* owned; after a failure only `early` and its rows are valid */
    char *facts;  /* JSON; owned */
    char *origin; /* facts of the imported version, or NULL; JSON; owned */
    struct lw_err err;
};

void *lw__retrainer_main(void *engine);
/* Passes a job to the retrainer, which owns it; no other may be posted. */
void lw__retrainer_post(struct lw_engine *e, struct lw_job *job);
/* Asks the retrainer to rebuild unreadable panes (lw_rebuild_pane). */
void lw__retrainer_rebuild_panes(struct lw_engine *e);
/* The finished job, or NULL. The caller owns it. */
struct lw_job *lw__retrainer_collect(struct lw_engine *e);
void lw__retrainer_job_free(struct lw_job *job);
/* A job is posted, running or done and not yet collected. */
bool lw__retrainer_busy(struct lw_engine *e);

#endif
