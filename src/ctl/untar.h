/* ctl/untar: unpacks what a container packed, which may be hostile. Any thread, one at a time.
 *
 * Nothing lands outside of the target: names with ".." are left out, links that would lead elsewhere are
 * never made, and no file gets more rights than read, write and execute.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

struct arena;

struct untar {
    struct arena *arena;
    int fd;          /* the archive; read to its end */
    struct str from; /* what was packed: names lose this */
    struct str to;   /* where it goes */
    bool keep_modes;
    FILE *err;        /* warnings */
    struct str again; /* the command line that would bring links along, for the warning */
    struct str why;   /* result: the first thing that went wrong; "": nothing did */
};

void untar(struct untar *u);
