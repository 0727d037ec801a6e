/* All time zones that have differed since 1970. */
#ifndef LW_TESTS_SUPPORT_ZONES_H
#define LW_TESTS_SUPPORT_ZONES_H

#include <stdio.h>

/* Calls `visit` with each name; how many there were, or -1 on a machine without tzdata. */
static inline int zones_visit(void (*visit)(const char *name)) {
    FILE *list = fopen("/usr/share/zoneinfo/zone1970.tab", "r");
    char line[512], name[128];
    int zones = 0;
    if (!list)
        return -1;
    while (fgets(line, sizeof line, list)) {
        if (line[0] == '#' || sscanf(line, "%*s %*s %127s", name) != 1)
            continue;
        visit(name);
        zones++;
    }
    fclose(list);
    return zones;
}

#endif
