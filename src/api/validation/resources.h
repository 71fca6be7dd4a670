/* api/validation: amounts of resources in pods, nodes, quotas and limits. */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/types/core.h"

/* A resource's name: any standard one, one for containers, one for quotas; or with a domain. */
bool check_resource_name(struct field_errors *e, const struct field_path *p, struct str name);
bool check_container_resource_name(struct field_errors *e, const struct field_path *p, struct str name);
bool check_quota_resource_name(struct field_errors *e, const struct field_path *p, struct str name);

/* Not negative; a whole number when the resource is counted. */
bool check_resource_amount(struct field_errors *e, const struct field_path *p, struct str name,
                           const struct quantity *amount);

/* Names, amounts, and requests against limits of a container or a pod. check_name: one of the above, or a
 * pod's. Claims are not looked at. */
void check_resource_requirements(struct field_errors *e, const struct field_path *p,
                                 const struct core_resource_requirements *r,
                                 bool (*check_name)(struct field_errors *e, const struct field_path *p,
                                                    struct str name));

/* Overhead and the like: a map of container resources. */
void check_container_resources(struct field_errors *e, const struct field_path *p,
                               const struct quantity_map *amounts);
