/* The configuration's keys as data: one row a key. One loop (read.c) reads, bounds,
 * completes and refuses by these rows, one (print.c) prints the effective configuration,
 * one (document.c) writes docs/config.md. A row holds offsets into the struct that its
 * section fills, never addresses, so that any number of configurations live side by side.
 */
#ifndef LW_CONFIG_KEYS_H
#define LW_CONFIG_KEYS_H

#include "config/config.h"
#include "config/tree.h"

enum lw_key_type {
    LW_KEY_TEXT,     /* char[size] */
    LW_KEY_BOOL,     /* bool */
    LW_KEY_INT,      /* any integer; width from size, sign from min */
    LW_KEY_REAL,     /* double */
    LW_KEY_DURATION, /* int64_t ms */
    LW_KEY_SIZE,     /* int64_t bytes */
    LW_KEY_TIME,     /* int64_t Unix ms */
    LW_KEY_RATE,     /* struct lw_rate */
    LW_KEY_WORD,     /* enum: the index in the row's words */
    LW_KEY_FILE, /* char[size]: relative to the configuration file; "env:NAME" as it is */
    LW_KEY_RANGE, /* double and the double after it: [lo, hi] */
    LW_KEY_MAP,   /* a section of its own, in the same struct */
    LW_KEY_LIST,  /* items, by `read` */
    LW_KEY_NAMED  /* a map from names that the user chooses to items, by `read` */
};

enum {
    LW_REQUIRED = 1,
    LW_SECRET = 2,  /* masked when printed */
    LW_GRID = 4,    /* in a candidate, each value of a list makes a candidate */
    LW_PATHS = 16,  /* a list of paths, printed resolved */
    LW_OR_MAP = 32, /* a single value, or a map of `section` in the same struct */
    LW_IMPLIED = 8 /* the default is not printed: beside other keys it would be refused */
};

struct lw_load;

struct lw_key {
    const char *name;
    enum lw_key_type type;
    unsigned flags;
    size_t offset, size;
    const char
        *standard;   /* default, as one would write it; NULL: the field stays untouched */
    double min, max; /* both 0: unbounded (durations and sizes: not negative) */
    const char *const *words; /* of WORD (index is the value) and TEXT; NULL-terminated */
    const char *(*word)(int i);       /* the same as a function; NULL past the end */
    const char *const *misplaced;     /* WORD: values of another key; see instead */
    const char *instead;              /* names that key, for the message */
    const struct lw_section *section; /* of MAP; of one item of LIST and NAMED */
    /* LIST, NAMED: takes the whole node. MAP and scalars: called after the value is in
     * its place (node NULL when absent), to check what a row cannot say. */
    int (*read)(struct lw_load *load, const struct lw_yaml *node);
    const char *item;  /* LIST, NAMED: what an item is, when it is no section */
    const char *unset; /* how the documentation calls the default when standard is NULL */
    const char *doc;   /* one or two sentences */
};

struct lw_section {
    const char *title, *doc;
    size_t n;
    const struct lw_key *key;
};

/* A key that had another name before. It is refused with a sentence that names the new
 * one; nothing reads it. */
struct lw_renamed_key {
    const char *section; /* title of a key's section ("": the top level); key of a word */
    const char *old, *new;
};
/* renamed.c; ends with a row of NULLs */
extern const struct lw_renamed_key lw_renamed_keys[];
/* The new name of the section's key, or NULL when it was never renamed. */
const char *lw_renamed_key_find(const struct lw_renamed_key *table, const char *section,
                                const char *name);

#define LW_SETS_MAX 32

/* A feature set. */
struct lw_set {
    const char *name;     /* borrowed from the tree */
    struct lw_plan *plan; /* its terms, and no others */
};

/* What reading needs at hand. */
struct lw_load {
    struct lw_config *config;
    const struct lw_tree *tree;
    struct lw_err *err;
    size_t pick; /* which combination of a grid; each grid key divides its share off */
    char picked[48]; /* the values that were picked, for the candidate's name */
    size_t nsets;
    struct lw_set set[LW_SETS_MAX];
};

extern const struct lw_section lw_config_root;
extern const struct lw_section lw_section_time, lw_section_field, lw_section_feature,
    lw_section_rule, lw_section_term, lw_section_candidate, lw_section_webhook;

/* Reads a map (or NULL, or null: all defaults) into base by the section's rows. */
int lw_config_read_section(struct lw_load *load, const struct lw_section *section,
                           const struct lw_yaml *node, void *base);
/* A word's text by index, or NULL past the end. */
const char *lw_key_word(const struct lw_key *key, int i);
/* Resolves a path of the configuration. */
int lw_config_resolve_path(const char *config_name, const char *path, char *out,
                           size_t size);

/* "; did you mean 'x'?", or "; there is a, b, c", or "". */
char *lw_config_suggest(char *out, size_t size, const char *name,
                        const char *const *candidates, size_t n);
/* Refuses names that cannot be part of a Redis key, a metric and a URL. */
int lw_config_check_name(struct lw_load *load, const struct lw_yaml *node,
                         const char *name, size_t max);

/* The hooks of the tables, by the file that has them. */
int lw_config_read_kafka(struct lw_load *load,
                         const struct lw_yaml *node); /* services.c */
int lw_config_read_redis_url(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_redis_tls(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_source(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_schemas(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_registry(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_shown_url(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_webhooks(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_http(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_stream(struct lw_load *load,
                          const struct lw_yaml *node); /* events.c */
int lw_config_read_fields(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_event(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_between(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_target(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_calendars(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_valid(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_features(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_panes(struct lw_load *load, const struct lw_yaml *node); /* rules.c */
int lw_config_read_windows(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_change(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_rules(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_alerts(struct lw_load *load,
                          const struct lw_yaml *node); /* budgets.c */
int lw_config_read_sets(struct lw_load *load,
                        const struct lw_yaml *node); /* candidates.c */
int lw_config_read_candidates(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_search(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_prediction(struct lw_load *load,
                              const struct lw_yaml *node); /* predictor.c */
int lw_config_read_tracking(struct lw_load *load, const struct lw_yaml *node);
int lw_config_read_retrain(struct lw_load *load, const struct lw_yaml *node);

#endif
