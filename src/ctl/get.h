/* ctl/get: what the files of the get command share. First thread. */
#pragma once

#include "ctl/print.h"
#include "ctl/table_print.h"
#include "ctl/target.h"

struct get {
    struct ctl *c;
    struct table_style style;
    bool table; /* -o wide or none: as rows */
    bool ignore_not_found;
    bool events; /* --output-watch-events */
    struct str subresource;
    struct str sort_by;
    struct printer *printer; /* of everything but tables */
};

/* -w and --watch-only. Returns the exit status. */
int get_watch(struct get *g);
/* Prints the rows of tables, or what is no table as names and ages, in the style of the command line. */
void get_print_tables(struct get *g, const struct targets *t);
