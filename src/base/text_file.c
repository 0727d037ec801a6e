/* Whole small files: configuration, schemas, secrets, models. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

/* Room for size bytes and a NUL, with the first len bytes of old, which is wiped. */
static char *buffer_grow(char *old, size_t len, size_t size) {
    char *data = lw_malloc(size + 1);
    if (len > 0)
        memcpy(data, old, len);
    lw_secret_free(old, len);
    return data;
}

char *lw_read_file(const char *path, size_t max, size_t *len, struct lw_err *err) {
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file) {
        lw_fail(err, LW_EINPUT, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    size_t got = 0;
    setvbuf(file, NULL, _IONBF, 0); /* a secret is in no buffer but ours */
    if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
        lw_fail(err, LW_EINPUT, "%s is a directory", path);
        fclose(file);
        return NULL;
    }
    /* Grown as it is read: pipes and /proc have no size to trust. */
    size_t cap = 4096;
    char *data = buffer_grow(NULL, 0, cap);
    while (!feof(file) && !ferror(file) && got <= max) {
        if (got == cap) {
            data = buffer_grow(data, cap, cap * 2);
            cap *= 2;
        }
        got += fread(data + got, 1, cap - got, file);
    }
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed || got > max) {
        if (failed)
            lw_fail(err, LW_EINPUT, "cannot read %s: %s", path, strerror(failed));
        else
            lw_fail(err, LW_EINPUT, "%s is larger than the %zu bytes allowed here", path,
                    max);
        lw_secret_free(data, got);
        return NULL;
    }
    data[got] = '\0';
    *len = got;
    return data;
}

static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

int lw_write_file(const char *path, const void *data, size_t len, struct lw_err *err) {
    size_t size = strlen(path) + 16;
    char *temp = lw_malloc(size);
    snprintf(temp, size, "%s.XXXXXX", path);
    int fd = mkstemp(temp);
    if (fd < 0) {
        lw_fail(err, LW_EINPUT, "cannot write %s: %s", path, strerror(errno));
        free(temp);
        return -1;
    }
    int failed = write_all(fd, data, len) || fchmod(fd, 0644);
    failed |= close(fd) != 0;
    if (failed || rename(temp, path) != 0) {
        lw_fail(err, LW_EINPUT, "cannot write %s: %s", path, strerror(errno));
        unlink(temp);
        failed = 1;
    }
    free(temp);
    return failed ? -1 : 0;
}
