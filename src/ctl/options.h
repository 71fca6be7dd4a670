/* ctl/options: command lines as kubectl reads them.
 *
 *     --name value  --name=value  -n value  -nvalue  -n=value  -it (a bundle)  -- (the rest are arguments)
 *
 * Flags and arguments may be mixed unless a command says otherwise. A row says what a flag is; values are
 * asked for by name, and asking for a flag that the command does not have is a bug (check). One thread;
 * texts are borrowed from the command line.
 *
 * CONFORMS: what pflag accepts, and the words it refuses with.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

enum opt_kind {
    OPT_BOOL,
    OPT_STRING,
    OPT_INT,
    OPT_DURATION, /* 1m30s */
    OPT_LIST,     /* a,b; may be repeated */
    OPT_ARRAY,    /* a; may be repeated, commas mean nothing */
};

struct opt_row {
    const char *name;  /* NULL ends a list of rows */
    char letter;       /* 0: none */
    uint8_t kind;      /* enum opt_kind */
    const char *value; /* when it is not given, NULL: "false", "", "0", an empty list */
    const char *bare;  /* what it means without a value, NULL: it needs one (but OPT_BOOL: "true") */
    const char *help;
    bool hidden;
    bool required;
};

struct opt_value {
    const struct opt_row *row;
    struct str text;  /* the last one given, or the default */
    struct str *list; /* OPT_LIST, OPT_ARRAY */
    size_t n_list, cap_list;
    bool given;
};

struct opts {
    struct arena *arena;
    struct opt_value *v;
    size_t n, cap;
    struct str *args; /* what is no flag */
    size_t n_args, cap_args;
    size_t n_before_dash; /* arguments before "--"; n_args when there is none */
    bool dash;            /* "--" was there */
    bool help;            /* -h or --help; parsing ended there */
};

void opts_init(struct opts *o, struct arena *a);
/* rows must outlive o. A row whose name is there already is left out. */
void opts_add(struct opts *o, const struct opt_row *rows);
/* The flag of that name ("all-namespaces") or letter, or NULL. */
struct opt_value *opts_find(const struct opts *o, struct str name);
struct opt_value *opts_find_letter(const struct opts *o, char letter);

/* mixed: flags may come after arguments. ERR_INVALID: the message is what the user is told. */
int opts_parse(struct opts *o, const struct str *argv, size_t n, bool mixed, struct err *err);

bool opt_given(const struct opts *o, const char *name);
/* Whether the command has such a flag. */
bool opt_known(const struct opts *o, const char *name);
struct str opt_str(const struct opts *o, const char *name);
bool opt_bool(const struct opts *o, const char *name);
int64_t opt_int(const struct opts *o, const char *name);
int64_t opt_ns(const struct opts *o, const char *name); /* OPT_DURATION */
const struct str *opt_list(const struct opts *o, const char *name, size_t *ret_n);
