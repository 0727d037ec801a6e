/* SIGTERM, SIGINT and SIGHUP, caught and waited for by the main thread. */
#ifndef LW_CLI_SIGNALS_H
#define LW_CLI_SIGNALS_H

#include <stdint.h>

/* From here on these signals do not end the process; lw_signals_wait returns them. Call
 * it before any thread starts. */
void lw_signals_catch(void);
/* Waits up to ms for one of them and returns its number, or 0. Main thread. */
int lw_signals_wait(int64_t ms);

#endif
