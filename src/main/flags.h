/* main/flags: command lines and configuration files of all programs.
 *
 * A program has one table of flags. Values come from a file (--config, YAML with the flags' names as keys)
 * and from the command line, which wins. Written as upstream's programs take them: --flag=value, --flag
 * value, --bool,
 * --bool=false, -f value, -f=value, -fvalue; "--" ends the flags. Lists are separated by commas and may be
 * given several times. The first thread, before others start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;
struct err;

enum flag_type {
    FLAG_STRING,   /* const char *: as given, "" is a value */
    FLAG_BOOL,     /* bool */
    FLAG_INT,      /* int64_t */
    FLAG_DURATION, /* int64_t, nanoseconds: 1m30s */
    FLAG_LIST,     /* struct flag_list */
    FLAG_SECTION,  /* no flag: help is a headline in the usage */
};

/* Values of a FLAG_LIST; NULL-terminated, so that it can be handed on as such. */
struct flag_list {
    const char *const *v; /* NULL: never given */
    size_t n;
};

struct flag {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum flag_type type;
    void *to;         /* holds the default before */
    const char *help; /* shown in the usage; NULL: hidden */
};

struct flags {
    const char *program, *about, *arguments; /* for the usage; arguments: "[FILE…]", NULL: none are taken */
    const struct flag *v;
    size_t n;
    struct arena *arena; /* texts that have to be made */
    bool own_config;     /* a flag "config" is the program's own affair */
};

enum flags_outcome { FLAGS_RUN, FLAGS_HELP };

/* Reads argv[1…]. FLAGS_HELP when --help or -h was there (print the usage and end with 0); ERR_INVALID names
 * the flag. *ret_args: what is no flag, in order. A flag "config" in the table names the file. */
int flags_parse(const struct flags *f, int argc, char **argv, struct flag_list *ret_args, struct err *err);

void flags_usage(const struct flags *f, FILE *to);

/* Parses, and prints what is wrong or was asked for. True: run; false: end with *ret_status. */
bool flags_parse_or_end(const struct flags *f, int argc, char **argv, struct flag_list *ret_args,
                        int *ret_status);
