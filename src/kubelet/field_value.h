/* kubelet/field_value: fields of a pod and amounts of resources as text, for the downward API.
 *
 * CONFORMS: upstream's fieldRef paths (metadata.name, …, metadata.labels['key'], status.podIPs) and
 * resourceFieldRef (ceil of the amount divided by the divisor; a limit that is not set is the node's
 * allocatable). Pure; results live in the arena. Any thread.
 */
#pragma once

#include "base/str.h"

struct arena;
struct core_container;
struct core_pod;
struct core_resource_field_selector;
struct err;
struct pod_facts;

/* ERR_INVALID for a path that is not supported. Fields that are not known yet are "". */
int field_value(const struct core_pod *pod, const struct pod_facts *facts, struct str path, struct arena *a,
                struct str *ret, struct err *err);

/* ERR_INVALID for a resource that is not supported. */
int resource_value(const struct core_container *c, const struct pod_facts *facts,
                   const struct core_resource_field_selector *ref, struct arena *a, struct str *ret,
                   struct err *err);

/* The container (app or init) of that name in the pod, or NULL. */
const struct core_container *pod_container(const struct core_pod *pod, struct str name);
