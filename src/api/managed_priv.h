/* Managers as the operations of managed.c and managed_apply.c work on them. */
#pragma once

#include "api/managed.h"

struct manager {
    struct str name, subresource;
    struct str api_version; /* that its set is in */
    bool applied;
    struct timestamp time;
    struct fieldset set;
    struct str text; /* FieldsV1 of the set as it was read; absent when the set is new */
};

struct managers {
    struct manager *v;
    size_t n, cap;
};

/* Reads entries. Of two with the same identity the later one counts. */
int managers_read(struct arena *a, struct meta_managed_fields_entry_array entries,
                  struct managers *ret_managers, struct err *err);

/* The entries of the managers that own something, in the order they are stored in. */
struct meta_managed_fields_entry_array managers_write(struct arena *a, const struct managers *m);

/* Who is meant: for Apply the version does not count. */
bool manager_is(const struct manager *m, const struct manager *who);
struct manager *managers_find(const struct managers *m, const struct manager *who);

/* Gives a manager another set. */
void manager_set(struct manager *m, struct fieldset set);

void managers_remove(struct managers *m, struct manager *which);

/* Order of managers in messages and on ties: name, operation, version, subresource. */
int manager_cmp(const struct manager *x, const struct manager *y);

/* CONFORMS: past MANAGED_UPDATERS_MAX Update managers the oldest of each version are merged. */
void managers_cap(struct arena *a, struct managers *m);

/* The object before and after a write, in every version that a manager's set is in. */
struct version {
    struct str api_version;
    bool missing;
    bool compared;
    struct ref before, after;
    struct fieldset set;     /* added or modified: what the writer gets */
    struct fieldset taken;   /* the same, and what went because a value became of another kind: conflicts */
    struct fieldset removed; /* together with taken: what other managers lose */
};

struct write {
    struct arena *a;
    const struct managed_request *req;
    struct version *v;
    size_t n, cap;
};

/* A write starts with the object before; before and after have no managedFields. */
void write_begin(struct write *w, struct arena *a, const struct managed_request *req, struct ref before);

/* Whether objects of both versions have the same fields: without conversion all do. */
static inline bool write_same_version(const struct write *w, struct str x, struct str y) {
    return !w->req->convert || str_eq(x, y);
}

/* The object in another version. ERR_NOT_FOUND when there is none. */
int write_convert(const struct write *w, struct ref object, struct str from, struct str to,
                  struct ref *ret_object, struct err *err);

/* What `set` of that version has that is tracked. */
struct fieldset write_filter(const struct write *w, struct str api_version, struct fieldset set);

/* Brings the sets up to date with the schema. */
int write_reconcile(struct write *w, struct managers *m, struct err *err);

/* Takes what the write changes from all managers but `self` (may be NULL), removes who then owns nothing, and
 * gives what was added or modified, in the version of the request. Without force, others that own something
 * of it are conflicts: ERR_CONFLICT. */
struct claim {
    struct ref after;
    const struct manager *self;
    bool force;
    struct fieldset set;                /* out */
    struct managed_conflict *conflicts; /* out */
    size_t n_conflicts, cap_conflicts;
};
int write_claim(struct write *w, struct managers *m, struct claim *claim, struct err *err);

/* The object without its managedFields: a shallow copy. */
struct ref without_managed(struct arena *a, struct ref object);

/* Without the fields that nobody owns: identity, version and server-set metadata. */
struct fieldset without_untracked(struct arena *a, const struct fieldset *set);

/* ERR_TOO_LARGE for a tree that is nested deeper than MANAGED_DEPTH_MAX. */
int check_depth(struct ref object, struct err *err);

/* An object of the same form that has nothing set. */
struct ref empty_like(struct arena *a, struct ref object);

/* Tracks the change from w's object before to `after` for an Update manager. */
int track_update(struct write *w, struct managers *m, struct ref after, struct str name, struct err *err);
