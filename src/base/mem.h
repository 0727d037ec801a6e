/* Checked allocation. Exhausted memory ends the process with the size that was asked for:
 * sizes that come from outside are bounded before they get here, so no caller has an
 * out-of-memory branch that no test could reach. All results are freed with free().
 * Thread: any. */
#ifndef LW_BASE_MEM_H
#define LW_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *lw_malloc(size_t size);
void *lw_calloc(size_t count, size_t size); /* overflow of count * size aborts */
void *lw_realloc(void *old, size_t count, size_t size);
char *lw_strdup(const char *text);
char *lw_strndup(const char *text, size_t len);
void *lw_memdup(const void *data, size_t size);

/* Whether a crash may leave an image of the memory, with the secrets in it, and a
 * debugger of the same user may look at it. Nothing where the system is not Linux. */
void lw_mem_dumpable(bool allowed);
/* Tunes the allocator for a process that runs for months; once, before its threads start.
 * See mem.c. */
void lw_mem_policy(void);
/* Tunes the allocator for a command that trains again and again and then ends: freed blocks
 * are kept for the next training; once, before threads start. */
void lw_mem_keep(void);
/* Gives the pages of freed blocks back to the system, in every thread's arena. Nothing
 * where the C library is not glibc. Thread: any. Cost: milliseconds at most, in which
 * other threads may wait for the arena that is being looked through. */
void lw_mem_trim(void);
/* Bytes allocated and not freed, by all threads. 0: the C library does not report it.
 * Thread: any. Cost: as above. */
size_t lw_mem_used(void);

/* An assertion that stays on in release builds: our own mistakes, never the world's. */
#define lw_assert(cond)                                                                  \
    ((cond) ? (void)0 : lw_assert_failed(#cond, __FILE__, __LINE__, __func__))
_Noreturn void lw_assert_failed(const char *cond, const char *file, int line,
                                const char *func);

#endif
