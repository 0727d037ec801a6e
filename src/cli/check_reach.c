/* See check_reach.h. */
#include "cli/check_reach.h"

#include <curl/curl.h>

int lw_curl_reach(const char *url, const char *ca_file, long timeout_ms,
                  struct lw_err *err) {
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (!curl)
        return lw_fail(err, LW_ESTOP, "curl cannot start");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    if (*ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return rc == CURLE_OK
               ? 0
               : lw_fail(err, LW_EAGAIN, "%s", why[0] ? why : curl_easy_strerror(rc));
}
