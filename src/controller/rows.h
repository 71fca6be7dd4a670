/* rows: the start and stop functions of all controllers, for the table in table.c. See controller_priv.h. */
#pragma once

struct controller;
struct err;

int replicaset_start(struct controller *c, struct err *err);
int replicationcontroller_start(struct controller *c, struct err *err);
int deployment_start(struct controller *c, struct err *err);
void deployment_stop(struct controller *c);
int garbagecollector_start(struct controller *c, struct err *err);
void garbagecollector_stop(struct controller *c);
int serviceaccount_start(struct controller *c, struct err *err);
int rootca_start(struct controller *c, struct err *err);
int namespace_start(struct controller *c, struct err *err);
void namespace_stop(struct controller *c);
int endpointslice_start(struct controller *c, struct err *err);
void endpointslice_stop(struct controller *c);
int endpoints_start(struct controller *c, struct err *err);
void endpoints_stop(struct controller *c);
int endpointslicemirroring_start(struct controller *c, struct err *err);
void endpointslicemirroring_stop(struct controller *c);
int daemonset_start(struct controller *c, struct err *err);
void daemonset_stop(struct controller *c);
int job_start(struct controller *c, struct err *err);
void job_stop(struct controller *c);
int cronjob_start(struct controller *c, struct err *err);
int statefulset_start(struct controller *c, struct err *err);
void statefulset_stop(struct controller *c);
