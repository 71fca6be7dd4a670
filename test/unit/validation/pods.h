/* test/unit/validation: a pod that has all a pod needs, to be edited, and the ways to check it. */
#pragma once

#include "valid.h"

/* Containers a and b, init container i, a sidecar s, and volumes data (emptyDir) and claim. */
static const char pod[] =
    "{'metadata':{'name':'p','namespace':'ns'},'spec':{"
    "'restartPolicy':'Always','dnsPolicy':'ClusterFirst','terminationGracePeriodSeconds':30,'securityContext'"
    ":{},"
    "'volumes':[{'name':'data','emptyDir':{}},{'name':'claim','persistentVolumeClaim':{'claimName':'c'}}],"
    "'initContainers':["
    "{'name':'i','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'},"
    "{'name':'s','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always','restartPolicy':'"
    "Always'}],"
    "'containers':["
    "{'name':'a','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'},"
    "{'name':'b','image':'x','terminationMessagePolicy':'FallbackToLogsOnError','imagePullPolicy':'"
    "IfNotPresent'}]}}";

#define POD(edits, expected) assert_create(KIND_CORE_POD, pod, edits, expected)
#define POD_UPDATE(old_edits, new_edits, expected)                                                           \
    assert_update(KIND_CORE_POD, pod, old_edits, new_edits, expected)
#define POD_STATUS(old_edits, new_edits, expected)                                                           \
    assert_status_update(KIND_CORE_POD, pod, old_edits, new_edits, expected)
#define POD_EPHEMERAL(old_edits, new_edits, expected)                                                        \
    assert_subresource(KIND_CORE_POD, "ephemeralcontainers", pod, old_edits, new_edits, expected)
#define POD_RESIZE(old_edits, new_edits, expected)                                                           \
    assert_subresource(KIND_CORE_POD, "resize", pod, old_edits, new_edits, expected)

#define CA "spec.containers[0]."
#define DEBUGGER "{'name':'d','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'}"
