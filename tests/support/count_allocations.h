/* Counts every allocation of the program: the linker's --wrap redirects malloc, calloc
 * and realloc to wrappers. A test links count_allocations.c with
 * LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc. */
#ifndef LW_TESTS_SUPPORT_COUNT_ALLOCATIONS_H
#define LW_TESTS_SUPPORT_COUNT_ALLOCATIONS_H

#include <stddef.h>

extern size_t allocations; /* so far; one thread */

#endif
