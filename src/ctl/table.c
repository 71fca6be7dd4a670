/* The table of commands and the flags that all of them have: where a command is added. */
#include "ctl/commands.h"

static const struct command *const beginner[] = {&command_create, &command_expose, &command_run, &command_set,
                                                 NULL};
static const struct command *const intermediate[] = {&command_get, &command_delete, &command_edit,
                                                     &command_explain, NULL};
static const struct command *const deploy[] = {&command_rollout, &command_scale, &command_autoscale, NULL};
static const struct command *const cluster[] = {&command_cordon, &command_uncordon, &command_drain,
                                                &command_taint, NULL};
static const struct command *const trouble[] = {
    &command_describe, &command_logs, &command_attach, &command_exec, &command_port_forward,
    &command_cp,       NULL};
static const struct command *const advanced[] = {&command_patch, &command_replace, &command_apply,
                                                 &command_wait, NULL};
static const struct command *const settings[] = {&command_completion, &command_label, &command_annotate,
                                                 NULL};
static const struct command *const other[] = {&command_options, &command_version, &command_api_resources,
                                              &command_api_versions, NULL};

const struct command_section command_sections[] = {
    {"Basic Commands (Beginner):", beginner},
    {"Basic Commands (Intermediate):", intermediate},
    {"Deploy Commands:", deploy},
    {"Cluster Management Commands:", cluster},
    {"Troubleshooting and Debugging Commands:", trouble},
    {"Advanced Commands:", advanced},
    {"Settings Commands:", settings},
    {"Other Commands:", other},
    {NULL, NULL},
};

const struct opt_row global_flags[] = {
    {"as", 0, OPT_STRING, .help = "Act as this user, or as this service account."},
    {"as-group", 0, OPT_ARRAY, .help = "Act as a member of this group; may be repeated."},
    {"as-uid", 0, OPT_STRING, .help = "Act as a user with this UID."},
    {"as-user-extra", 0, OPT_ARRAY, .help = "Act as a user with this extra (key=value); may be repeated."},
    {"cache-dir", 0, OPT_STRING, .help = "Accepted and not used: nothing is cached."},
    {"certificate-authority", 0, OPT_STRING,
     .help = "File with the authorities that the server is checked by."},
    {"client-certificate", 0, OPT_STRING, .help = "File with our certificate."},
    {"client-key", 0, OPT_STRING, .help = "File with the key of our certificate."},
    {"cluster", 0, OPT_STRING, .help = "Which cluster of the kubeconfig."},
    {"context", 0, OPT_STRING, .help = "Which context of the kubeconfig."},
    {"disable-compression", 0, OPT_BOOL, .help = "Ask for answers that are not compressed."},
    {"insecure-skip-tls-verify", 0, OPT_BOOL,
     .help =
         "Do not check the server's certificate. Whoever is between us and the server can then read along."},
    {"kubeconfig", 0, OPT_STRING, .help = "The kubeconfig file."},
    {"kuberc", 0, OPT_STRING, .help = "Accepted and not used: there are no preferences."},
    {"log-flush-frequency", 0, OPT_DURATION, "5s", .help = "Accepted and not used."},
    {"match-server-version", 0, OPT_BOOL, .help = "Fail when the server is of another version."},
    {"namespace", 'n', OPT_STRING, .help = "The namespace to work in."},
    {"password", 0, OPT_STRING, .help = "Password, for basic authentication."},
    {"profile", 0, OPT_STRING, "none", .help = "Accepted and not used."},
    {"profile-output", 0, OPT_STRING, "profile.pprof", .help = "Accepted and not used."},
    {"request-timeout", 0, OPT_STRING, "0",
     .help =
         "How long one request may take (1s, 2m, 3h; a number alone is seconds); 0 is as long as it takes."},
    {"server", 's', OPT_STRING, .help = "Address of the API server."},
    {"tls-server-name", 0, OPT_STRING, .help = "Name that the server's certificate must have."},
    {"token", 0, OPT_STRING, .help = "Bearer token."},
    {"user", 0, OPT_STRING, .help = "Which user of the kubeconfig."},
    {"username", 0, OPT_STRING, .help = "User name, for basic authentication."},
    {"v", 'v', OPT_INT, .help = "How much to tell of what is done: 6 is every request."},
    {"vmodule", 0, OPT_STRING, .help = "Accepted and not used."},
    {"warnings-as-errors", 0, OPT_BOOL, .help = "Fail when the server sent warnings."},
    {0},
};
