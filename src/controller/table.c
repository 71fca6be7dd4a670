/* controller/table: all controllers there are, in the order in which they start. */
#include "controller/controller_priv.h"
#include "controller/replicas.h"
#include "controller/rows.h"

const struct controller_row controller_rows[] = {
    {"serviceaccount-controller", "service-account-controller", false, serviceaccount_start, NULL},
    {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher", false, rootca_start, NULL},
    {"replicaset-controller", "replicaset-controller", false, replicaset_start, replicas_stop},
    {"replicationcontroller-controller", "replication-controller", false, replicationcontroller_start,
     replicas_stop},
    {"deployment-controller", "deployment-controller", false, deployment_start, deployment_stop},
    {"statefulset-controller", "statefulset-controller", false, statefulset_start, statefulset_stop},
    {"daemonset-controller", "daemon-set-controller", false, daemonset_start, daemonset_stop},
    {"job-controller", "job-controller", false, job_start, job_stop},
    {"cronjob-controller", "cronjob-controller", false, cronjob_start, NULL},
    {"endpointslice-controller", "endpointslice-controller", false, endpointslice_start, endpointslice_stop},
    {"namespace-controller", "namespace-controller", false, namespace_start, namespace_stop},
    {"garbage-collector-controller", "generic-garbage-collector", false, garbagecollector_start,
     garbagecollector_stop},
};
const size_t n_controller_rows = sizeof controller_rows / sizeof *controller_rows;
