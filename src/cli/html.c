#include "cli/html.h"

#include <stdint.h>
#include <string.h>

#include "base/text_media.h"

const char lw_html_style[] =
    ":root{--paper:#fff;--ink:#1c1f23;--soft:#5b646d;--line:#e1e5e9;--card:#f6f7f9;"
    "--ref:#97a1ab;--refline:#66717b;--cur:#0b5cad;--bad:#b42318;--badbg:#fdecea;"
    "--warn:#8a5a00;--warnbg:#fdf3dc;--good:#1b6e3c;--goodbg:#e6f4ea}"
    "@media(prefers-color-scheme:dark){:root{--paper:#15171a;--ink:#e7e9eb;"
    "--soft:#a2abb4;--line:#2e3338;--card:#1d2024;--ref:#77828c;--refline:#a7b0b8;"
    "--cur:#6cb2ff;--bad:#ff9b90;--badbg:#3d1b18;--warn:#f3c969;--warnbg:#372b10;"
    "--good:#7fd39b;--goodbg:#15301f}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    "main{max-width:1080px;margin:0 auto;padding:20px 16px 60px}"
    "h1{font-size:26px;margin:8px 0 4px}h2{font-size:19px;margin:34px 0 10px}"
    "h3{font-size:16px;margin:0;overflow-wrap:anywhere}p{margin:6px 0}"
    ".soft{color:var(--soft)}.lead{font-size:17px}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{text-align:right;padding:5px 8px;border-bottom:1px solid var(--line)}"
    "th{color:var(--soft);font-weight:500;font-size:13px;vertical-align:bottom}"
    "th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}"
    ".tag{display:inline-block;padding:1px 9px;border-radius:9px;font-size:13px;"
    "background:var(--card);color:var(--soft);white-space:nowrap}"
    ".drift{background:var(--warnbg);color:var(--warn)}"
    ".shifted{color:var(--warn)}"
    ".fault{background:var(--badbg);color:var(--bad)}"
    ".ok{background:var(--goodbg);color:var(--good)}"
    ".grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),"
    "1fr));gap:16px;align-items:start}"
    "table.mini th,table.mini td{padding:4px "
    "6px}.card{background:var(--card);border-radius:10px;padding:14px 16px;min-width:0}"
    ".head{display:flex;gap:10px;align-items:baseline;justify-content:space-between;"
    "flex-wrap:wrap;margin-bottom:6px}"
    "svg{width:100%;height:auto;display:block}svg text{font-size:12px;fill:var(--soft)}"
    ".grid{stroke:var(--line);fill:none}"
    ".ref{fill:var(--ref);fill-opacity:.45;stroke:var(--refline)}"
    ".cur{fill:var(--cur);fill-opacity:.12;stroke:var(--cur);stroke-width:2}"
    ".refbar{fill:var(--ref)}.curbar{fill:var(--cur)}"
    ".key{display:inline-block;width:14px;height:10px;margin:0 5px 0 12px}"
    ".key.r{background:var(--ref)}.key.c{background:var(--cur)}"
    "ul{padding-left:20px;margin:6px 0}"
    "@media(max-width:640px){table.stack thead{display:none}"
    "table.stack tr{display:block;background:var(--card);border-radius:10px;"
    "margin:0 0 10px;padding:8px 12px}"
    "table.stack td{display:flex;justify-content:space-between;gap:12px;border:0;"
    "padding:2px 0}table.stack td::before{content:attr(data-k);color:var(--soft)}"
    "table.stack td:first-child{font-weight:600}table.stack td.none{display:none}"
    "table.stack td:first-child::before{content:none}}";

void lw_html_text(struct lw_buf *out, const char *text, size_t len) {
    lw_text_for(LW_MEDIUM_HTML, out, text, len, SIZE_MAX);
}

void lw_html_str(struct lw_buf *out, const char *text) {
    lw_html_text(out, text, strlen(text));
}
