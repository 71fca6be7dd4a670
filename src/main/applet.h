/* main/applet: the programs of the multi-call binary; each parses its own arguments. The first thread. */
#pragma once

/* Returns the exit status. */
int applet_apiserver(int argc, char **argv);
int applet_controller_manager(int argc, char **argv);
int applet_backup(int argc, char **argv);
int applet_restore(int argc, char **argv);
int applet_server(int argc, char **argv);
int applet_agent(int argc, char **argv);
int applet_down(int argc, char **argv);
int applet_supervise(int argc, char **argv);
int applet_token(int argc, char **argv);
int applet_up(int argc, char **argv);
int applet_kubelet(int argc, char **argv);
int applet_kube_proxy(int argc, char **argv);
int applet_simulate(int argc, char **argv);
int applet_kube_scheduler(int argc, char **argv);
int applet_dns(int argc, char **argv);
int applet_kubectl(int argc, char **argv);
