/* ctl/sort: objects in the order of a field, as --sort-by says. */
#pragma once

#include "ctl/target.h"

/* The rows of a table whose rows have their objects, or the items of a list. */
int sort_table(struct ctl *c, struct jval *table, struct str by, struct problem *p);
int sort_targets(struct ctl *c, struct targets *t, struct str by, struct problem *p);
