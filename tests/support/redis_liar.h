/* A proxy in front of a real Redis that replaces the replies to chosen commands. One
 * thread per connection; ends with _stop. */
#ifndef LW_TESTS_SUPPORT_REDIS_LIAR_H
#define LW_TESTS_SUPPORT_REDIS_LIAR_H

#include <stddef.h>

struct redis_liar;

/* port: of the real server, on the loopback interface. */
struct redis_liar *redis_liar_start(int port);
void redis_liar_stop(struct redis_liar *l);
const char *redis_liar_url(const struct redis_liar *l);
/* From the next command on, commands whose first word is verb (any letter case; "": all,
 * NULL: none) get these bytes as the reply, and the server's reply is dropped. Without
 * bytes, the connection is closed instead. The bytes are borrowed. */
void redis_liar_say(struct redis_liar *l, const char *verb, const char *bytes,
                    size_t len);
/* The number of replaced replies since. */
int redis_liar_lies(struct redis_liar *l);

#endif
