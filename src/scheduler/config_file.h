/* scheduler/config_file: KubeSchedulerConfiguration from a file.
 *
 * CONFORMS: kubescheduler.config.k8s.io/v1, read strictly: fields that are unknown or there twice are
 * refused, as are settings that this scheduler would not obey (extenders).
 */
#pragma once

struct arena;
struct err;
struct scheduler_config_kube_scheduler_configuration;

/* YAML or JSON; the configuration and its texts lie in the arena. Errors name the file and the field. Blocks;
 * any thread. */
int scheduler_config_read(const char *path, struct arena *a,
                          const struct scheduler_config_kube_scheduler_configuration **ret, struct err *err);
