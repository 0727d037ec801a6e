/* The main thread blocks the signals and waits for them. OpenBLAS starts threads before
 * main() that do not block signals, so a signal that arrives while the main thread is busy
 * would be delivered to one of them and end the process. A handler records it instead. */
#include <signal.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/signals.h"

static const int ours[] = {SIGHUP, SIGINT, SIGTERM};
static volatile sig_atomic_t remembered;

static void remember_signal(int number) {
    if (number != SIGHUP || !remembered)
        remembered = number;
}

static sigset_t signal_set(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&set, ours[i]);
    return set;
}

void lw_signals_catch(void) {
    sigset_t set = signal_set();
    struct sigaction action = {.sa_handler = remember_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaction(ours[i], &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int lw_signals_wait(int64_t ms) {
    sigset_t set = signal_set();
    struct timespec wait = {.tv_sec = (time_t)(ms / 1000),
                            .tv_nsec = (long)(ms % 1000) * 1000000};
    int got = remembered ? 0 : sigtimedwait(&set, NULL, &wait);
    if (got > 0)
        return got;
    got = remembered;
    remembered = 0;
    return got;
}
