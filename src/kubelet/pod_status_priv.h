/* What the files of pod_status share. */
#pragma once

#include "api/types/constants.h"
#include "api/types/core.h"
#include "kubelet/container_spec.h"
#include "kubelet/pod_status.h"

/* Statuses of all containers into ret. */
void status_containers(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret);

/* Conditions into ret, whose phase and containers are there. */
void status_conditions(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret);

/* Of a list of statuses, or NULL. */
const struct core_container_status *status_find(const struct core_container_status_array *all,
                                                struct str name);
