/* client/revision: the history of templates: ControllerRevisions of stateful and daemon sets, and the hash
 * that names them and replica sets.
 *
 * Functions that call the API block: workers only. What they make lies in the arena.
 *
 * CONFORMS: upstream's controller history: names, labels, numbers, what is equal, collisions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "base/arena.h"

struct client;
struct err;
struct world;

#define REVISION_HASH_LABEL "controller-revision-hash"
#define POD_TEMPLATE_HASH_LABEL "pod-template-hash"

/* The value of the label pod-template-hash. */
struct str pod_template_hash(struct arena *a, const struct core_pod_template_spec *t,
                             struct opt_i32 collision_count);

/* What a revision of a stateful or daemon set holds: the patch that puts its pod template in place:
 * {"spec":{"template":{…,"$patch":"replace"}}}. */
struct str revision_data_of(struct arena *a, const struct object *parent);

/* The parent as it was at that revision: a packed body of its kind. */
int revision_apply(struct arena *a, const struct object *parent, struct str data, void **ret_body,
                   struct err *err);

/* A revision to be created: named after the hash of its data, controlled by its parent, labelled as the pods
 * it is for (labels) and with its hash. */
void revision_make(struct arena *a, const struct object *parent, struct str_map labels, struct str data,
                   int64_t number, struct opt_i32 collision_count, struct apps_controller_revision *ret);

/* Whether two hold the same. */
bool revision_equal(const struct apps_controller_revision *a, const struct apps_controller_revision *b);

static inline const struct apps_controller_revision *revision_of(const struct object *o) {
    return (const struct apps_controller_revision *)o->body;
}

/* The revisions that the parent controls, oldest first; borrowed from the world. */
size_t revisions_owned(struct arena *a, struct world *w, const struct object *parent,
                       const struct object ***ret);
void revisions_sort(const struct object **v, size_t n);
/* The number of the next one; v is sorted. */
int64_t revisions_next(const struct object *const *v, size_t n);
/* The newest of them that is equal, or NULL. */
const struct object *revisions_find(const struct object *const *v, size_t n,
                                    const struct apps_controller_revision *like);

/* Creates it. When its name is taken by one with the same data that one is the answer; when by another, the
 * collision count goes up and the next name is tried. One reference in *ret. */
int revision_create(struct client *c, struct arena *a, const struct object *parent,
                    struct apps_controller_revision *revision, struct opt_i32 *collision_count,
                    struct object **ret, struct err *err);

/* Gives an older one a new number, after a rollback to it; nothing is written when it has it. */
int revision_renumber(struct client *c, struct arena *a, const struct object *revision, int64_t number,
                      struct object **ret, struct err *err);

/* Deletes the oldest of those that nobody uses, so that no more than `limit` of these stay. in_use: hashes or
 * names of revisions. */
int revisions_truncate(struct client *c, const struct object *const *v, size_t n, const struct str *in_use,
                       size_t n_in_use, int32_t limit, struct err *err);
