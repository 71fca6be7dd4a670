/* api/managed: who set which field: metadata.managedFields, and server-side apply.
 *
 * Every write goes through here: managed_update for create, update and patch, managed_apply for apply. Both
 * look at the object before and after and give the managedFields entries that the object is to be stored
 * with. The caller puts them into the object (metadata.managed_fields of a packed one, managed_set_tree for a
 * tree).
 *
 * A manager is a name, an operation (Apply or Update), a subresource and, for Update, an API version. It owns
 * fields: for Apply those it applied last, for Update those it changed. Fields may have several owners as
 * long as they agree; who changes a field takes it from the others, and an apply that would do so is a
 * conflict unless forced. What an applier owned alone and no longer applies is removed.
 *
 * Objects are refs in the API version of the request, so packed structs are compared as they lie. Nothing is
 * changed in place; results live in the arena, borrow from the inputs, and both must stay while they are
 * used. Any thread.
 *
 * CONFORMS: KEP-555; upstream's field manager of 1.36: entry order, capping at 10 Update managers, resetting
 * with
 * [{}], first apply on objects that were not tracked, taking over from client-side apply.
 */
#pragma once

#include "api/fieldset.h"
#include "api/types/meta.h"

struct arena;
struct err;
struct field_errors;
struct field_path;
struct status;

#define MANAGED_ENTRIES_MAX 1024u /* more are refused */
#define MANAGED_UPDATERS_MAX                                                                                 \
    10u                        /* Update managers of one object; the oldest are merged into ancient-changes */
#define MANAGED_DEPTH_MAX 400u /* nesting of objects that are trees; deeper ones are refused */
#define MANAGER_NAME_MAX 128u  /* bytes */
#define MANAGED_SUBRESOURCE_MAX 256u

/* Which fields of an API version are tracked: a main resource resets its status, the status subresource
 * everything else. */
struct managed_filter {
    struct str api_version;
    const struct fieldset *except; /* not tracked, with all below; NULL: none */
    const struct fieldset *only;   /* nothing else is tracked; NULL: everything is */
};

/* Gives the object in another API version of its kind. ERR_NOT_FOUND when there is no such version (any
 * more): its managers are dropped. */
typedef int (*managed_convert_fn)(void *ctx, struct arena *a, struct ref object, struct str api_version,
                                  struct ref *ret_object, struct err *err);

struct managed_request {
    struct str manager;     /* see managed_name */
    struct str api_version; /* of the objects: "apps/v1" */
    struct str subresource; /* "status"; empty for the resource itself */
    struct timestamp now;
    const struct managed_filter *filters; /* of any versions, may be NULL */
    size_t n_filters;
    managed_convert_fn convert; /* NULL: all versions have the same fields */
    void *convert_ctx;

    struct ref before; /* the live object; absent when it is created */

    struct ref after; /* managed_update: the object to be stored */

    struct ref config; /* managed_apply: what is applied, at the position of its type */
    bool force;        /* managed_apply: conflicts are won */
};

/* A field that somebody else owns and the configuration would change. */
struct managed_conflict {
    struct str manager, subresource;
    struct str api_version; /* of an Update manager; empty for Apply */
    struct timestamp time;
    bool applied;
    struct str path; /* ".spec.replicas" */
};

struct managed_result {
    struct meta_managed_fields_entry_array entries; /* to store; v == NULL when there are none */

    /* managed_apply only: */
    struct jval object;  /* merged, without managedFields, in the version of the request; not defaulted */
    bool object_changed; /* it differs from the live one */
    bool entries_changed;
    const struct managed_conflict *conflicts; /* with ERR_CONFLICT */
    uint32_t n_conflicts;
    struct str problem; /* with ERR_INVALID: all that is wrong with config */
};

/* Tracks a create, update or patch. What the client wrote into managedFields of `after` counts when it is
 * valid, except on subresources. Errors (of conversions) leave *ret_result untouched; upstream then stores
 * the object without managedFields, and does not fail the write. */
int managed_update(struct arena *a, const struct managed_request *req, struct managed_result *ret_result,
                   struct err *err);

/* Applies a configuration. ERR_CONFLICT: see conflicts and managed_conflict_status. ERR_INVALID: config is of
 * another version, has managedFields or does not fit the schema. ERR_CORRUPT: the live managedFields cannot
 * be read. ERR_TOO_LARGE: too many managers, or nested too deep. Only then conflicts or problem are set. */
int managed_apply(struct arena *a, const struct managed_request *req, struct managed_result *ret_result,
                  struct err *err);

/* The answer to a conflict: 409 with one cause per field. */
struct status *managed_conflict_status(struct arena *a, const struct managed_conflict *conflicts, uint32_t n);

/* The managedFields of an object, borrowed. False when they are not what they should be (trees only). */
bool managed_of(struct arena *a, struct ref object, struct meta_managed_fields_entry_array *ret_entries);

/* Entries as a tree; and an object tree with them as its managedFields (none: without). */
struct jval managed_to_tree(struct arena *a, struct meta_managed_fields_entry_array entries);
struct jval managed_set_tree(struct arena *a, const struct jval *object,
                             struct meta_managed_fields_entry_array entries);

/* Whether two lists of entries say the same, times aside: a write that changes nothing else is none, and
 * keeps the old times. */
bool managed_same(struct meta_managed_fields_entry_array x, struct meta_managed_fields_entry_array y);

/* Checks entries that came from outside. */
void managed_check(struct field_errors *errors, const struct field_path *path,
                   struct meta_managed_fields_entry_array entries);

/* The manager of a request: its fieldManager parameter or else what the user agent says before its first
 * slash, printable characters only, at most MANAGER_NAME_MAX bytes; "unknown" when nothing is left. */
struct str managed_name(struct arena *a, struct str field_manager, struct str user_agent);

/* Checks a fieldManager parameter. */
void managed_check_name(struct field_errors *errors, const struct field_path *path, struct str name);

/* The scale subresource shows spec.replicas of a Scale in place of one field of its parent. A write to it is
 * tracked on the Scale: with the view of the parent's entries before, and back into the parent's after.
 *
 * map: per API version of the parent the set of that one field; versions that are not there have no scale. */
struct managed_scale {
    struct str api_version;
    const struct fieldset *replicas;
};
struct meta_managed_fields_entry_array managed_scale_view(struct arena *a,
                                                          struct meta_managed_fields_entry_array parent,
                                                          const struct managed_scale *map, size_t n_map);

/* api_version: of the parent, for managers that are new. Entries that cannot be read: ERR_INVALID. */
int managed_scale_back(struct arena *a, struct meta_managed_fields_entry_array parent,
                       struct meta_managed_fields_entry_array scale, const struct managed_scale *map,
                       size_t n_map, struct str api_version,
                       struct meta_managed_fields_entry_array *ret_entries, struct err *err);
