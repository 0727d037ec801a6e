/* Replays a corpus through a harness without libFuzzer: every file of the given folders
 * and every given file, sorted by name. No input at all is an error, so that a missing
 * corpus fails the test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    struct lw_err err = {0};
    size_t len;
    char *text = lw_read_file(path, INPUT_MAX, &len, &err);
    if (!text) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    uint8_t *exact = lw_malloc(len ? len : 1); /* exact: ASan detects overreads */
    memcpy(exact, text, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    free(text);
    return 1;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Runs the files of a folder, or the file itself; returns their number, or -1. */
static int replay(const char *path) {
    struct dirent **entries;
    int n = scandir(path, &entries, visible, alphasort);
    if (n < 0)
        return replay_file(path);
    int ran = 0;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (ran >= 0)
            ran = replay_file(file) < 0 ? -1 : ran + 1;
        free(entries[i]);
    }
    free(entries);
    return ran;
}

int main(int argc, char **argv) {
    int ran = 0;
    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);
        if (n < 0)
            return 1;
        ran += n;
    }
    printf("%d inputs\n", ran);
    return ran > 0 ? 0 : 1;
}
