/* The bodies of the formats, one file each (format_*.c). Internal to the layer. */
#ifndef LW_ALERT_FORMAT_BODY_H
#define LW_ALERT_FORMAT_BODY_H

#include "alert/message.h"
#include "alert/secrets.h"
#include "base/buf.h"

typedef int lw__format_fn(const struct lw_receiver *r, const struct lw_secrets *secrets,
                          const struct lw_message *m, struct lw_buf *out,
                          struct lw_err *err);
lw__format_fn lw__format_alertmanager, lw__format_alertmanager_webhook, lw__format_slack,
    lw__format_pagerduty, lw__format_teams, lw__format_template;

#endif
