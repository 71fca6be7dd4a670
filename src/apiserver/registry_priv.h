/* What the files of the registry share: one write on its way. Inside apiserver/registry*.c only.
 *
 * registry.c             which verb; get
 * registry_write.c       the way of every write: see the diagram there
 * registry_meta.c        metadata that the server fills in or keeps
 * registry_managed.c     who set which field
 * registry_create.c, registry_update.c, registry_patch.c, registry_apply.c
 *                        what the new state is
 * registry_delete.c      deletions
 * registry_collection.c  deletions of many
 * registry_scale.c       the scale subresource
 */
#pragma once

#include "api/object.h"
#include "apiserver/admission.h"
#include "apiserver/body.h"
#include "apiserver/call.h"
#include "apiserver/registry.h"
#include "apiserver/strategy.h"
#include "apiserver/subresource.h"

struct cached;
struct jval;
struct strict_errors;

/* How often a write looks at the newest state again when others come first. Each of them has made progress,
 * so this ends; the bound is for a client whose patch never gets its turn. */
#define WRITE_TRIES_MAX 64u

/* One write of one object. In the call's arena. */
struct write {
    struct call *call;
    const struct kind *asked; /* of the version that the request names */
    const struct kind *kind;  /* the hub */
    struct body_type body;    /* what clients send and patch: the asked kind, or a Scale */
    const struct strategy *strategy;
    struct cached *resource;
    struct str ns, name, subresource;
    unsigned tries;
    size_t warnings; /* of the call before the first try; each try complains anew */

    bool create;     /* the object must not be there */
    bool is_patch;   /* the sent version and uid come from the old state unless the patch changed them */
    bool may_create; /* PUT and apply: it need not be there */
    bool track;      /* managedFields are kept up to date */
    bool skip_admission;
    bool dry_run;
    bool sent_name;    /* creating: the client chose it */
    bool managed_done; /* make has done it */

    /* Makes w->object, of the hub's type, in the call's arena, not shared with anything frozen, from w->old
     * (NULL: it is being created) and what the client wants. 0, or w->failure is set. Again for each try. */
    int (*make)(struct write *w);
    void *make_arg;

    struct object *old; /* one reference, or NULL */
    void *object;       /* its top and metadata are this write's own */
    struct meta_object_meta *meta;
    struct str sent_rv, sent_uid; /* what the client's object says */
    struct timestamp now;
    struct status *failure;

    struct admission_request admit;
    bool allocated; /* settle is owed */
    bool removes;   /* the last finalizer has gone: the write is a deletion */

    /* The end; object is borrowed. Exactly one of object and failure is set. */
    void (*after)(struct write *w, int http_code, struct object *object, struct status *failure);
    void *after_arg;
};

/* A write for what the call asks for; ends in the call's answer. */
struct write *write_new(struct call *c);
void write_start(struct write *w);
/* Ends it. */
void write_fail(struct write *w, struct status *failure);

struct status_target write_target(const struct write *w);
/* Sets w->failure, returns ERR_INVALID. */
int write_refuse(struct write *w, struct status *failure);

/* A copy of the old state, to be edited. */
void *write_copy_old(struct write *w);

/* The old state in the version of the request. NULL when it cannot be converted: w->failure is set. */
const void *write_old_asked(struct write *w);

/* From the version of the request to the hub's. */
int write_to_hub(struct write *w, void *asked, void **ret_hub);

/* -- registry_meta.c -- */

/* A new object: clears and fills in what is the server's. */
void meta_prepare_create(struct write *w);
/* Clears the status of an object that is being created. */
void meta_clear_status(const struct kind *k, void *object);
/* A changed one: keeps what is not the client's. */
void meta_prepare_update(struct write *w);
/* Whether removing the last finalizer ends the object. */
bool meta_is_removed(struct write *w);
/* 400s about name and namespace of an object that was sent to a URL. */
int meta_check_name(struct write *w, const struct meta_object_meta *sent);
int meta_check_namespace(struct write *w, struct meta_object_meta *sent);
/* Preconditions in the object: uid and resourceVersion. */
int meta_check_preconditions(struct write *w);
/* The fieldManager parameter, as a 422 about kind_: CreateOptions, UpdateOptions. */
int meta_check_manager(struct write *w, const char *options_kind);
void meta_drop_equal_owners(struct write *w);

/* -- registry_managed.c -- */

struct managed_request;
void managed_track(struct write *w);
/* Everything but the objects. */
void managed_prepare_request(struct write *w, struct managed_request *ret_request);

/* -- verbs -- */

void registry_create(struct call *c);
void registry_put(struct call *c);
void registry_patch(struct call *c);
void registry_delete(struct call *c);
void registry_delete_collection(struct call *c);
void registry_scale(struct call *c);

/* What the patch of the call makes of an object of w->body's type: a new object of that type, with defaults.
 */
struct patch;
int patch_read(struct write *w, struct patch **ret_patch);
int patch_object(struct write *w, const struct patch *p, const void *old, void **ret_object);
/* The object of a tree that a patch made; what it complains about is a 422. before: earlier complaints, or
 * NULL. */
int patch_to_object(struct write *w, const struct jval *tree, const struct strict_errors *before,
                    void **ret_object);
/* Server-side apply to an object of w->body's type (NULL: there is none), with the managedFields that result
 * in its metadata. */
int apply_object(struct write *w, const void *old, void **ret_object);
int apply_make(struct write *w);
