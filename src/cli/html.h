/* What the pages that commands write have in common: one look, light and dark. */
#ifndef LW_CLI_HTML_H
#define LW_CLI_HTML_H

/* A style sheet; defined with the report's page. */
extern const char lw_html_style[];

#endif
