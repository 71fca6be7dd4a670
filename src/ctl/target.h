/* ctl/target: the objects that a command line means: TYPE NAME, TYPE/NAME, TYPE -l …, -f FILE.
 *
 * A target is what is known of one object before and after it was asked for. Everything lies in the
 * invocation's arena.
 */
#pragma once

#include "ctl/discovery.h"

struct target {
    const struct resource *resource;
    struct str ns, name; /* ns "": none */
    struct jval object;  /* from the file or the server; null: not yet there */
    struct str source;   /* file or URL, "STDIN"; "": the command line */
};

struct targets {
    struct target *v;
    size_t n, cap;
    bool one;   /* one object was named, by TYPE NAME or TYPE/NAME or a file with one */
    bool lists; /* they come from lists (a selector, or all), so none at all is no error */
};

struct select {
    const struct str *args;
    size_t n_args;
    /* -f, -R, -l, --field-selector, --all, -A, --local are read from the command's flags, as far as it has
     * them */
    bool fetch;      /* objects are asked for by name (those of lists always are there) */
    bool all;        /* TYPE alone means all of it */
    bool no_objects; /* objects of files are only names: the server's are asked for */
    bool ignore_not_found;
    bool one_type; /* "… may not be specified together" */
    bool items;    /* problems are told as of one object of several, even when there is only one */
    /* as objects are asked for */
    const char *accept;     /* NULL: plain ones */
    bool include_object;    /* in the rows of tables: all of it */
    bool whole_lists;       /* a list is one target (or several, one for each page) */
    int64_t limit;          /* of a page; 0: 500; < 0: none */
    struct str subresource; /* of objects by name */
    bool any_namespace;     /* a manifest's namespace may differ from --namespace */
};

/* Problems with single objects are printed at once, make c->status 1, and leave the object out; *p is of what
 * makes the whole impossible. */
int ctl_select(struct ctl *c, const struct select *s, struct targets *ret, struct problem *p);

/* The types of "pods,svc,all", each once. */
int select_types(struct ctl *c, struct str list, const struct resource *const **ret, size_t *ret_n,
                 struct problem *p);

/* Says which selectors a list was refused with. */
void problem_of_list(struct ctl *c, struct problem *p, const struct resource *r, struct str labels,
                     struct str fields);

/* Asks for the target's object anew. */
int target_fetch(struct ctl *c, struct target *t, struct problem *p);

/* -- manifests -- */

struct manifest {
    struct jval object;
    struct str source;
};
struct manifests {
    struct manifest *v;
    size_t n, cap;
};
/* The folders and patterns among files become the files in them. */
int manifest_files(struct ctl *c, const struct str *files, size_t n, bool recursive, struct str **ret,
                   size_t *ret_n, struct problem *p);
/* All documents of files, folders and "-"; items of lists are taken apart. Texts as kubectl's. */
int manifests_read(struct ctl *c, const struct str *files, size_t n, bool recursive, struct manifests *ret,
                   struct problem *p);
/* Of one text. */
int manifests_parse(struct ctl *c, struct str text, struct str source, struct manifests *ret,
                    struct problem *p);
/* The resource and namespace of a manifest. local: nothing is asked of the server as far as possible. */
int manifest_target(struct ctl *c, const struct manifest *m, bool any_namespace, struct target *ret,
                    struct problem *p);
