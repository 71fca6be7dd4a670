/* ctl/manifest_run: the objects of -f, one after the other: for create, apply, replace, … First thread. */
#pragma once

#include "ctl/target.h"

/* Calls each for every object of the command's files (as far as -l selects it). Problems of single objects
 * are printed and make c->status 1. *ret_n: how many objects there were. */
int manifests_run(struct ctl *c, int (*each)(void *arg, struct target *t, struct problem *p), void *arg,
                  size_t *ret_n, struct problem *p);
/* The text of one file or "-". */
int manifest_text(struct ctl *c, struct str file, struct str *ret, struct problem *p);
