/* main/api_flags: the flags of the API server, for every program that has one in it. First thread. */
#pragma once

#include <stdbool.h>

#include "apiserver/server.h"
#include "main/flags.h"

struct api_flags {
    struct apiserver_options o;
    const char *config, *store, *logging_format, *authorization_mode;
    int64_t port, loops, verbosity, drain_ns;
    struct flag_list tls_names;
    bool version;
};

#define API_FLAGS_MAX 64

/* Sets the defaults and appends the rows, which point into s; returns how many there are now. v has room for
 * API_FLAGS_MAX. */
size_t api_flags_add(struct api_flags *s, struct flag *v, size_t n);

/* Checks what was given, completes s->o, sets logging up. False: complained to standard error. */
bool api_flags_finish(struct api_flags *s, const char *program);
