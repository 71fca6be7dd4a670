/* ctl/manifest_run: the objects of -f, one after the other: for create, apply, replace, … First thread. */
#pragma once

#include "ctl/target.h"

/* Calls each for every object of the command's files (as far as -l selects it). Problems of single objects
 * are printed and make c->status 1. *ret_n: how many objects there were. */
int manifests_run(struct ctl *c, int (*each)(void *arg, struct target *t, struct problem *p), void *arg,
                  size_t *ret_n, struct problem *p);
/* 0 when files are given and nothing else; else the exit status, and it was said. */
int manifests_check_args(struct ctl *c);
/* --raw: sends the one file or standard input as it is to that path, prints the answer. -> exit status. */
int manifest_send_raw(struct ctl *c, const char *method);
/* The text of one file or "-". */
int manifest_text(struct ctl *c, struct str file, struct str *ret, struct problem *p);
