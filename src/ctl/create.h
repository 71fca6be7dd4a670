/* ctl/create: the commands below create, one file for kinds that belong together. */
#pragma once

#include "ctl/maker.h"

extern const struct command create_clusterrole, create_clusterrolebinding, create_configmap, create_cronjob,
    create_deployment, create_ingress, create_job, create_namespace, create_poddisruptionbudget,
    create_priorityclass, create_quota, create_role, create_rolebinding, create_secret, create_service,
    create_serviceaccount, create_token;
