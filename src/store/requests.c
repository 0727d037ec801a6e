/* Requests by people, which the leader answers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/requests.h"
#include "store/scripts.h"

int lw_requests_add(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                    const char *who, struct lw_err *err) {
    if (!*what || strchr(what, ' '))
        return lw_fail(err, LW_EINPUT, "cannot request \"%.80s\": it is not one word",
                       what);
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%s %s", what, who);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_key_arg(c, spec, "asks");
    lw_cmd_arg(c, text.data, text.len);
    lw_cmd_int(c, LW_REQUESTS_CAP);
    lw_buf_fini(&text);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_ask, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

int lw_requests_first(struct lw_redis *r, const struct lw_spec *spec,
                      struct lw_requested *out, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "LINDEX %s 0", lw_key(key, spec, "asks"));
    if (!reply)
        return -1;
    const char *text = lw_reply_text(reply, NULL);
    size_t n = text ? strcspn(text, " ") : 0;
    if (text) {
        lw_copy(out->what, n + 1 < sizeof out->what ? n + 1 : sizeof out->what, text);
        const char *name = text[n] ? text + n + 1 : "";
        lw_text_safe(out->who, sizeof out->who, name, strlen(name));
    }
    lw_reply_free(reply);
    return text != NULL;
}
