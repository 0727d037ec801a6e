/* From the JSON in the outbox to a receiver's request. */
#ifndef LW_ALERT_RENDER_H
#define LW_ALERT_RENDER_H

#include "alert/post.h"
#include "alert/secrets.h"

/* A message from the outbox, and the time of the attempt. */
struct lw_render_input {
    const char *json;
    size_t len;
    int64_t now_ms;
};
/* Body, content type, authorisation and signature. LW_EINPUT if the JSON is not a leeway
 * message, LW_ECONFIG if the receiver or its template is unusable. On error out is empty.
 */
int lw_render_request(const struct lw_receiver *r, const struct lw_secrets *secrets,
                      const struct lw_render_input *in, struct lw_post_request *out,
                      struct lw_err *err);
/* The body alone: for `leeway alerts test --print` and for tests. */
int lw_render_body(const struct lw_receiver *r, const struct lw_secrets *secrets,
                   const struct lw_render_input *in, struct lw_buf *out,
                   struct lw_err *err);

#endif
