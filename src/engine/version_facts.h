/* The facts of a version (version_facts.c). */
#ifndef LW_ENGINE_VERSION_FACTS_H
#define LW_ENGINE_VERSION_FACTS_H

#include "engine/engine_private.h"

/* The data that a training read. */
struct lw_lineage {
    const char *topic;
    const struct lw_range *range;
    size_t nranges;
    uint64_t read, gone,
        undecodable; /* messages read; offsets deleted in Kafka; not decodable */
};
/* Facts of a version (lineage and results of its training) as JSON; free(). */
struct lw_job;
char *lw__version_facts(const struct lw_config *config, const struct lw_job *job,
                        const struct lw_lineage *lineage, double seconds);

#endif
