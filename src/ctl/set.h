/* ctl/set: what the files of the set command share: small changes to what is there. First thread.
 *
 *   set.c               selecting, changing, saying so
 *   cmd_set.c           image, resources, selector, serviceaccount, subject
 *   set_env.c           env
 */
#pragma once

#include "ctl/flags_common.h"
#include "ctl/print.h"
#include "ctl/target.h"

struct setting {
    struct ctl *c;
    const char *done;    /* "image updated" */
    const char *failure; /* before the server's refusal; NULL: nothing is */
    bool always;         /* say so when nothing changed, too */
    bool local;
    enum dry_run dry;
    struct printer *printer;
    /* What the object would be; it is *ret already. */
    int (*change)(struct setting *x, const struct target *t, struct jval *ret, struct problem *p);
    void *arg;
};

/* Selects what args mean and changes each. The exit status. */
int set_run(struct setting *x, const struct str *args, size_t n_args);

/* Where the pod's spec is in objects of a kind ("spec.template.spec"), or a problem when there is none. */
int set_pod_path(struct ctl *c, const struct target *t, const char **ret, struct problem *p);

/* Calls change for each container (of init ones, too) whose name is wanted ("*": all) and puts what it makes
 * in its place. *ret_n: how many there were. */
int set_containers(struct ctl *c, const struct target *t, struct str wanted,
                   int (*change)(void *arg, struct jval *container, struct problem *p), void *arg,
                   struct jval *object, size_t *ret_n, struct problem *p);

#define FLAGS_SET(manager_)                                                                                  \
    FLAGS_PRINT, FLAG_DRY_RUN, FLAGS_FILES("Files that say which objects."), FLAG_SELECTOR,                  \
        FLAG_ALL("All objects of the types in the namespace."), FLAG_LOCAL, FLAG_FIELD_MANAGER(manager_)

extern const struct command set_env;
