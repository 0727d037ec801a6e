/* A page of docs/ that is generated from tables of the program: its test compares the
 * page with them, and `TEST --write` writes it again. */
#ifndef LW_TESTS_SUPPORT_MANUAL_H
#define LW_TESTS_SUPPORT_MANUAL_H

#include <stddef.h>
#include <stdio.h>

struct manual {
    const char *path;         /* of the page */
    const char *test;         /* the program to run with --write */
    void (*write)(FILE *out); /* the page as it should be */
};

/* The page as it should be, terminated by a zero byte; free it. */
char *manual_text(const struct manual *m, size_t *len);
/* Fails the test if the file differs. */
void manual_is_up_to_date(const struct manual *m);
/* Given --write: writes the page and returns the exit status of the program; else -1. */
int manual_write(const struct manual *m, int argc, char **argv);

#endif
