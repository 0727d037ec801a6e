/* C11 threads on top of POSIX threads, for the thread sanitizer.
 *
 * It intercepts pthread_*, but not thrd_*, mtx_* and cnd_*, which librdkafka uses: a
 * thread created without its knowledge crashes, and each lock that it does not see
 * causes a false report. These functions override the C library's in every program of
 * such a build (LeewayFlags.cmake links them), and call the intercepted ones. glibc
 * implements them the same way: a mtx_t has the layout of a pthread_mutex_t. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mtx_t is a mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a cnd_t is a condition");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thrd_t is a thread");

#pragma GCC visibility push(default)

struct start {
    thrd_start_t main;
    void *arg;
};

static int result_of(int error) {
    switch (error) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

static pthread_mutex_t *posix_mutex(mtx_t *m) {
    return (pthread_mutex_t *)(void *)m;
}

static pthread_cond_t *posix_condition(cnd_t *c) {
    return (pthread_cond_t *)(void *)c;
}

static void *thread_run(void *arg) {
    struct start start = *(struct start *)arg;
    free(arg);
    return (void *)(intptr_t)start.main(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *arg) {
    struct start *s = malloc(sizeof *s);
    if (!s)
        return thrd_nomem;
    *s = (struct start){start, arg};
    int error = pthread_create((pthread_t *)thread, NULL, thread_run, s);
    if (error)
        free(s);
    return error == EAGAIN ? thrd_nomem : result_of(error);
}

int thrd_join(thrd_t thread, int *result) {
    void *got;
    int error = pthread_join((pthread_t)thread, &got);
    if (!error && result)
        *result = (int)(intptr_t)got;
    return result_of(error);
}

int thrd_detach(thrd_t thread) {
    return result_of(pthread_detach((pthread_t)thread));
}

void thrd_exit(int result) {
    pthread_exit((void *)(intptr_t)result);
}

int mtx_init(mtx_t *m, int type) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int error = pthread_mutex_init(posix_mutex(m), &attr);
    pthread_mutexattr_destroy(&attr);
    return result_of(error);
}

void mtx_destroy(mtx_t *m) {
    pthread_mutex_destroy(posix_mutex(m));
}

int mtx_lock(mtx_t *m) {
    return result_of(pthread_mutex_lock(posix_mutex(m)));
}

int mtx_trylock(mtx_t *m) {
    return result_of(pthread_mutex_trylock(posix_mutex(m)));
}

int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until) {
    return result_of(pthread_mutex_timedlock(posix_mutex(m), until));
}

int mtx_unlock(mtx_t *m) {
    return result_of(pthread_mutex_unlock(posix_mutex(m)));
}

int cnd_init(cnd_t *c) {
    return result_of(pthread_cond_init(posix_condition(c), NULL));
}

void cnd_destroy(cnd_t *c) {
    pthread_cond_destroy(posix_condition(c));
}

int cnd_signal(cnd_t *c) {
    return result_of(pthread_cond_signal(posix_condition(c)));
}

int cnd_broadcast(cnd_t *c) {
    return result_of(pthread_cond_broadcast(posix_condition(c)));
}

int cnd_wait(cnd_t *c, mtx_t *m) {
    return result_of(pthread_cond_wait(posix_condition(c), posix_mutex(m)));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m,
                  const struct timespec *restrict until) {
    return result_of(pthread_cond_timedwait(posix_condition(c), posix_mutex(m), until));
}

void call_once(once_flag *flag, void (*once)(void)) {
    pthread_once((pthread_once_t *)(void *)flag, once);
}

#pragma GCC visibility pop
