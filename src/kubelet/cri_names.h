/* Labels and annotations by which the kubelet knows its sandboxes and containers in the runtime. CONFORMS:
 * upstream's names, so that tools that read them work. */
#pragma once

#include "base/str.h"

#define CRI_LABEL_POD_NAME S("io.kubernetes.pod.name")
#define CRI_LABEL_POD_NAMESPACE S("io.kubernetes.pod.namespace")
#define CRI_LABEL_POD_UID S("io.kubernetes.pod.uid")
#define CRI_LABEL_CONTAINER_NAME S("io.kubernetes.container.name")

#define CRI_ANNOTATION_CONTAINER_HASH S("io.kubernetes.container.hash")
#define CRI_ANNOTATION_RESTART_COUNT S("io.kubernetes.container.restartCount")
#define CRI_ANNOTATION_MESSAGE_PATH S("io.kubernetes.container.terminationMessagePath")
#define CRI_ANNOTATION_MESSAGE_POLICY S("io.kubernetes.container.terminationMessagePolicy")
#define CRI_ANNOTATION_PRE_STOP S("io.kubernetes.container.preStopHandler")
#define CRI_ANNOTATION_PORTS S("io.kubernetes.container.ports")
#define CRI_ANNOTATION_POD_GRACE S("io.kubernetes.pod.terminationGracePeriod")
#define CRI_ANNOTATION_POD_DELETION_GRACE S("io.kubernetes.pod.deletionGracePeriod")
