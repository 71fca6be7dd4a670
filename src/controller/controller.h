/* controller: the controller manager: one table of controllers, each a few reconcilers.
 *
 *     struct controllers *cs;
 *     controllers_start(&(struct controllers_options){.client = c}, &cs, &err);
 *     …
 *     controllers_stop(cs);
 *
 * All controllers share one loop (events, timers) and one small pool of worker threads; what they know of the
 * cluster are the shared informers of options.client. With service_accounts each acts as the account
 * kube-system/<controller>, so that RBAC bounds what it may do.
 *
 * With leader election the controllers run while this process holds the lease, and stop when it loses it.
 *
 * Start and stop from one thread that is neither the loop nor a worker. Options are copied; texts and the
 * client are borrowed until controllers_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct client;
struct controllers;
struct err;
struct metrics;

/* Zero is a default everywhere (upstream's). Durations in nanoseconds. */
struct controllers_options {
    struct client *client;   /* of the manager itself: lists and watches everything */
    struct metrics *metrics; /* may be NULL */
    unsigned threads;        /* of the pool; 0: 4 */

    /* As --controllers: "*" all that are on by default, "foo" one more, "-foo" not that one. NULL: "*". */
    const struct str *controllers;
    uint32_t n_controllers;
    bool service_accounts; /* --use-service-account-credentials */

    bool leader_elect;
    struct str lease_namespace, lease_name; /* kube-system, kube-controller-manager */
    struct str identity;
    int64_t lease_ns, renew_ns, retry_ns;

    struct str root_ca_pem;         /* for root-ca-certificate-publisher and tokens; "": neither */
    struct str service_account_key; /* PEM of the private key that signs tokens; "": no token secrets */
    struct str service_account_issuer;

    /* cluster signing: PEM of certificate and key; "": the signer stays off */
    struct str signing_cert_pem, signing_key_pem;
    int64_t signing_duration_ns; /* 8,760 h */

    bool allocate_node_cidrs;
    struct str cluster_cidrs;                 /* "10.244.0.0/16" or "v4,v6" */
    struct str service_cidrs;                 /* never given to nodes */
    int node_cidr_mask_v4, node_cidr_mask_v6; /* 24, 64 */

    int64_t node_monitor_period_ns, node_monitor_grace_ns, node_startup_grace_ns; /* 5 s, 50 s, 60 s */
    double node_eviction_rate, secondary_node_eviction_rate;                      /* 0.1, 0.01 a second */
    double unhealthy_zone_threshold;                                              /* 0.55 */
    uint32_t large_cluster_threshold;                                             /* 50 */

    int32_t terminated_pod_threshold;  /* 12,500; < 0: never */
    int32_t max_endpoints_per_slice;   /* 100 */
    int64_t quota_resync_ns;           /* 5 min */
    int64_t legacy_token_unused_ns;    /* 8,760 h */
    int64_t endpoint_updates_batch_ns; /* 0 */
    int64_t volume_sync_ns;            /* 15 s */
};

/* Starts what is asked for; ERR_INVALID for a controller that does not exist. */
int controllers_start(const struct controllers_options *options, struct controllers **ret, struct err *err);

/* Waits for what is under way, gives the lease back. NULL is fine. */
void controllers_stop(struct controllers *cs);

/* Whether this process acts now; always without leader election. Any thread. */
bool controllers_leading(const struct controllers *cs);

/* Keys that wait or run, of all controllers: for tests and readiness. Not while starting or stopping. */
size_t controllers_busy(struct controllers *cs);

/* The names there are, NULL behind the last, and whether one runs without being named. */
const char *controllers_name(size_t i);
bool controllers_on_by_default(const char *name);
