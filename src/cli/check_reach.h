/* Can the server of a URL be reached? Shared by the files of `leeway check` only. */
#ifndef LW_CLI_CHECK_REACH_H
#define LW_CLI_CHECK_REACH_H

#include "leeway/err.h"

/* Connects (with TLS for https://, verified; ca_file "" for the system's), and sends
 * nothing. LW_EAGAIN with curl's reason. Blocks for at most timeout_ms. */
int lw_curl_reach(const char *url, const char *ca_file, long timeout_ms,
                  struct lw_err *err);

#endif
