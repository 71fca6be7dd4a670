/* ctl: the command line, with kubectl's verbs, flags and output.
 *
 * One invocation is one `struct ctl`: parsed flags, streams, the connection (made on first use) and an arena
 * in which everything lies until the end. Objects are JSON trees (codec/jval.h), so that any kind of any
 * server can be worked on. A command is a row (`struct command`) with a function that prints what it did and
 * returns the exit status. Everything runs on the first thread; streams of the client call back on its own.
 *
 *     int cmd_thing(struct ctl *c) {
 *         struct problem p;
 *         struct targets t = {0};
 *         if (ctl_select(c, &(struct select){.args = c->opts.args, .n_args = c->opts.n_args}, &t, &p))
 *             return ctl_fail(c, &p);
 *         …
 *     }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "client/config.h"
#include "codec/jval.h"
#include "ctl/options.h"

struct client;
struct command;
struct discovery;

/* What the program around this folder knows. */
struct ctl_setup {
    const char *program;        /* in texts: "kubectl", "coxswain kubectl" */
    const char *version;        /* of ours, "v1.36.2" */
    const char *build;          /* "coxswain 0.1.0" */
    const char *kubeconfig_own; /* of the cluster of this machine, where users have none; may be NULL */
};

struct ctl {
    struct arena arena;
    const struct ctl_setup *setup;
    FILE *in, *out, *err;
    bool colour; /* standard output is a terminal that shows colours */

    const struct command *command;
    struct str path; /* "kubectl create deployment" */
    struct opts opts;

    /* by ctl_connect */
    struct client_config *config; /* server and namespace; what it takes to connect has moved on */
    struct client *client;
    struct str server_url;
    struct discovery *discovery; /* by discovery.h */

    struct str ns; /* by ctl_config: --namespace, the context's, or "default" */
    bool ns_said;  /* by --namespace */

    int status; /* exit status, when something failed on the way */
    size_t n_warnings;
    bool dry_run_told; /* that a form of --dry-run is deprecated */
};

/* Runs argv (argv[0] is the program) and returns the exit status. */
int ctl_main(const struct ctl_setup *setup, int argc, char **argv);

/* -- commands -- */

struct command {
    const char *name;
    const char *aliases; /* "cs other", NULL: none */
    const char *args;    /* usage behind the name, with [flags] where there are; NULL: it only has commands */
    const char *brief;   /* one line */
    const char *about;   /* paragraphs; NULL: brief is all */
    const char *examples;                  /* lines "  # what it does\n  kubectl …\n" */
    const struct opt_row *flags;           /* NULL: none */
    const struct command *const *commands; /* below this one, NULL at the end; may be NULL */
    int (*run)(struct ctl *c);             /* NULL: says what commands there are */
    bool unmixed;                          /* what comes behind the first argument is no flag of ours */
    bool hidden;
};

/* All of them, by section; table.c is where a command is added. */
struct command_section {
    const char *title;
    const struct command *const *commands; /* NULL at the end */
};
extern const struct command_section command_sections[]; /* a NULL title ends it */
extern const struct opt_row global_flags[];

/* -- what goes wrong -- */

/* Why something failed, at full length, as the user will read it. Lies in the arena. */
struct problem {
    int http_code;      /* of the server's answer; 0: it is not from there */
    struct str reason;  /* NotFound, … */
    struct str message; /* the Status's, or ours without "error: " */
    struct str text;    /* to be printed, several lines perhaps */
    struct jval status; /* the Status; null: none */
};

#define CTL_PROBLEM (-1) /* what functions with a problem return; never 0 */

/* "error: …". Returns CTL_PROBLEM. */
int problem_set(struct ctl *c, struct problem *p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The text alone, without "error: ". */
int problem_say(struct ctl *c, struct problem *p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int problem_of_err(struct ctl *c, struct problem *p, const struct err *err);
/* Puts "error when …" between "Error from server (…): " and the message. */
void problem_wrap(struct ctl *c, struct problem *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool problem_not_found(const struct problem *p) {
    return p->http_code == 404;
}

/* Prints it and makes the exit status 1. Returns 1. */
int ctl_fail(struct ctl *c, const struct problem *p);
/* The same for one object of several: without "error: " before texts of our own. */
int ctl_fail_item(struct ctl *c, const struct problem *p);
/* The same for a text of our own: "error: …". */
int ctl_error(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "error: …" and where help is to be found. */
int ctl_usage_error(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "Warning: …" to standard error. */
void ctl_warn(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To standard output. */
void ctl_say(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ctl_put(struct ctl *c, struct str text);

/* -- flags that many commands have -- */

enum dry_run { DRY_RUN_NONE, DRY_RUN_CLIENT, DRY_RUN_SERVER };
/* --dry-run; ERR texts as kubectl's. */
int ctl_dry_run(struct ctl *c, enum dry_run *ret, struct problem *p);

/* -- the connection -- */

/* Reads the kubeconfig and flags: c->config, c->ns. Does not connect. */
int ctl_config(struct ctl *c, struct problem *p);
/* The same, and c->client. */
int ctl_connect(struct ctl *c, struct problem *p);

/* Asks on standard error and reads a line; true for y or yes. */
bool ctl_confirm(struct ctl *c, const char *question);
