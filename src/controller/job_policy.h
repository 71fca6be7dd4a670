/* job_policy: what the failure of a pod means for its job, when a job has succeeded, how long to wait.
 *
 * Pure functions; any thread. CONFORMS: KEP-3329 (pod failure policy), KEP-3850 (backoff limit per index),
 * KEP-3998 (success policy), KEP-3939 (pod replacement policy).
 */
#pragma once

#include "api/types/batch.h"
#include "controller/job_indexes.h"
#include "controller/pods.h"

#define JOB_INDEX_KEY S("batch.kubernetes.io/job-completion-index")
#define JOB_TRACKING S("batch.kubernetes.io/job-tracking")
#define JOB_INDEX_FAILURES S("batch.kubernetes.io/job-index-failure-count")
#define JOB_INDEX_IGNORED S("batch.kubernetes.io/job-index-ignored-failure-count")

enum pod_failure_action { FAILURE_COUNTS, FAILURE_IGNORED, FAILURE_OF_INDEX, FAILURE_OF_JOB };

bool job_is_indexed(const struct batch_job *j);
/* Only pods that have fully ended are replaced. */
bool job_replaces_failed_only(const struct batch_job *j);
/* Complete or Failed is True. */
bool job_is_finished(const struct batch_job *j);
const struct batch_job_condition *job_condition(const struct batch_job_status *s, struct str type);
bool job_condition_is_true(const struct batch_job_status *s, struct str type);

/* Counts as failed: has failed, or (unless only ended pods are replaced) is being deleted without success. */
bool job_pod_failed(const struct batch_job *j, const struct core_pod *p);

/* By the pod failure policy. *ret_message (may be NULL) of FAILURE_OF_JOB. */
enum pod_failure_action job_failure_action(const struct batch_job *j, const struct core_pod *p,
                                           struct arena *a, struct str *ret_message);

/* The index of a pod; -1: none. */
int32_t job_pod_index(const struct core_pod *p);
int32_t job_index_failures(const struct core_pod *p);
/* The index is lost with this pod. */
bool job_index_failed(const struct batch_job *j, const struct core_pod *p, struct arena *a);

/* The first rule of the success policy that holds, -1: none. */
int32_t job_success_rule(const struct batch_job *j, const struct index_set *succeeded, struct arena *a);

/* When a pod ended. */
int64_t job_pod_finish_ns(const struct core_pod *p, int64_t otherwise_ns);
/* The delay after so many failures in a row: 10 s, doubling to 10 min. */
int64_t job_backoff_ns(int64_t failures);
/* How long to wait before the next pod, by those that ended since the last success. */
int64_t job_backoff_left_ns(const struct batch_job *j, const struct objects *pods, int64_t now_ns);
/* Pods that restart in place have used up the backoff limit. */
bool job_restarts_exceed(const struct batch_job *j, const struct objects *pods);
