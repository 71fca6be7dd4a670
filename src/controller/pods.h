/* pods: what controllers ask of pods, make of templates, and which of them goes first.
 *
 * Pure functions on frozen objects; any thread. What they make lies in the arena and borrows from its
 * sources.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "api/types/core.h"
#include "base/arena.h"

struct cow_item;
struct meta_owner_reference;

/* The body of a Pod object. */
static inline const struct core_pod *pod_of(const struct object *o) {
    return o->body;
}

/* A list of borrowed objects in an arena. */
struct objects {
    const struct object **v;
    size_t n, cap;
};

/* The condition of that type, or NULL. */
const struct core_pod_condition *pod_condition(const struct core_pod *p, struct str type);

bool pod_is_ready(const struct core_pod *p);
/* Neither succeeded, nor failed, nor being deleted. */
bool pod_is_active(const struct core_pod *p);
/* Succeeded or failed. */
bool pod_is_finished(const struct core_pod *p);
/* Ready for at least so long; *ret_wait_ns (may be NULL): how long until it is, when only that is missing. */
bool pod_is_available(const struct core_pod *p, int32_t min_ready_seconds, int64_t now_ns,
                      int64_t *ret_wait_ns);
/* The most restarts of a container. */
int32_t pod_restarts_max(const struct core_pod *p);

/* A pod of a template, to be created for its owner: generateName "<owner>-", labels, annotations, finalizers
 * and spec of the template. Borrows from both. */
struct core_pod *pod_from_template(struct arena *a, const struct core_pod_template_spec *template,
                                   const struct object *owner);

/* Orders active pods so that those to be deleted first come first. node_rank: how many pods of the same
 * family run on the node of each pod (parallel to pods, moved along). CONFORMS: ActivePodsWithRanks. */
void pods_rank(struct objects *pods, const struct objects *family, int64_t now_ns, struct arena *a);

/* Sets (or replaces) a condition; a status that stays keeps its transition time. Returns whether anything
 * changed. The list is copied into the arena first. */
bool pod_set_condition(struct arena *a, struct core_pod_condition_array *list,
                       const struct core_pod_condition *wanted);
