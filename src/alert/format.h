/* The formats in which receivers take a message. */
#ifndef LW_ALERT_FORMAT_H
#define LW_ALERT_FORMAT_H

enum lw_format {
    LW_FORMAT_JSON,                 /* "json": schemas/alert.schema.json */
    LW_FORMAT_ALERTMANAGER_WEBHOOK, /* the body of its webhooks, version 4 */
    LW_FORMAT_ALERTMANAGER,         /* POST <url>/api/v2/alerts */
    LW_FORMAT_SLACK,                /* incoming webhook */
    LW_FORMAT_PAGERDUTY,            /* Events API v2; token_file: the routing key */
    LW_FORMAT_TEAMS,                /* adaptive card to a workflow webhook */
    LW_FORMAT_TEMPLATE,             /* template_file with {{field}} placeholders */
    LW_FORMATS
};
const char *lw_format_name(enum lw_format f);

/* How a receiver of that format recognises messages about the same alert: not at all; by
 * the incident; or by labels, which are equal for all incidents of an alert. */
enum lw_keyed { LW_KEYED_NOT, LW_KEYED_INCIDENT, LW_KEYED_LABELS };
enum lw_keyed lw_format_keyed(enum lw_format f);

#endif
