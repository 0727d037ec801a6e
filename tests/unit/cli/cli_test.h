/* Headers shared by the unit tests of the command line. */
#ifndef LW_TESTS_UNIT_CLI_CLI_TEST_H
#define LW_TESTS_UNIT_CLI_CLI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
