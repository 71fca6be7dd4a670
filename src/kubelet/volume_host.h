/* kubelet/volume_host: paths of the node as volumes of pods and as persistent volumes. */
#pragma once

#include "base/str.h"

struct arena;
struct err;

/* Makes it where the type (a HostPathType, "" for none) says so and checks what it is. The path comes back in
 * the arena with a NUL. */
int volume_host_prepare(struct str path, struct str type, struct arena *a, struct str *ret_path,
                        struct err *err);
