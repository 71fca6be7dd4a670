/* ctl/flags_common: rows of flags that many commands have, as pieces of a command's list:
 *
 *     static const struct opt_row flags[] = {FLAGS_PRINT, FLAGS_FILES("objects to label"), {0}};
 */
#pragma once

#include "ctl/options.h"

#define OUTPUT_FORMATS                                                                                       \
    "json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, "             \
    "jsonpath-as-json, jsonpath-file"

#define FLAGS_PRINT                                                                                          \
    {"output", 'o', OPT_STRING, .help = "Format of the output: one of (" OUTPUT_FORMATS ")."},               \
        {"template", 0, OPT_STRING, .help = "The template of -o template, or its file."},                    \
        {"allow-missing-template-keys", 0, OPT_BOOL, "true",                                                 \
         .help = "Fields that a template asks for and objects lack are no errors."},                         \
    {                                                                                                        \
        "show-managed-fields", 0, OPT_BOOL, .help = "Print metadata.managedFields too."                      \
    }

#define FLAGS_FILES(help_)                                                                                   \
    {"filename", 'f', OPT_LIST, .help = help_},                                                              \
        {"kustomize", 'k', OPT_STRING,                                                                       \
         .help = "A folder with a kustomization; not together with -f or -R."},                              \
    {                                                                                                        \
        "recursive", 'R', OPT_BOOL, .help = "Look for files in the folders below, too."                      \
    }

#define FLAG_SELECTOR                                                                                        \
    {                                                                                                        \
        "selector", 'l', OPT_STRING,                                                                         \
            .help = "Only objects with these labels: key=value, key!=value, key in (a,b), key, !key."        \
    }

#define FLAG_FIELD_SELECTOR                                                                                  \
    {                                                                                                        \
        "field-selector", 0, OPT_STRING,                                                                     \
            .help = "Only objects with these fields: key=value, key!=value. Which keys there are depends "   \
                    "on the "                                                                                \
                    "kind."                                                                                  \
    }

#define FLAG_ALL_NAMESPACES                                                                                  \
    { "all-namespaces", 'A', OPT_BOOL, .help = "Look in all namespaces; --namespace does not count then." }

#define FLAG_ALL(help_)                                                                                      \
    { "all", 0, OPT_BOOL, .help = help_ }

#define FLAG_DRY_RUN                                                                                         \
    {                                                                                                        \
        "dry-run", 0, OPT_STRING, "none", "unchanged",                                                       \
            .help =                                                                                          \
                "none, client (print what would be sent, send nothing) or server (send it, store nothing)."  \
    }

#define FLAG_FIELD_MANAGER(name_)                                                                            \
    { "field-manager", 0, OPT_STRING, name_, .help = "Who owns the fields that are set, for apply." }

#define FLAG_VALIDATE                                                                                        \
    {                                                                                                        \
        "validate", 0, OPT_STRING, "strict", "strict",                                                       \
            .help =                                                                                          \
                "Unknown and duplicate fields are errors (strict), warnings (warn), or dropped (ignore)."    \
    }

#define FLAG_SUBRESOURCE(help_)                                                                              \
    { "subresource", 0, OPT_STRING, .help = help_ }

#define FLAG_LOCAL                                                                                           \
    { "local", 0, OPT_BOOL, .help = "Ask nothing of the server: change what the files say and print it." }

#define FLAG_RECORD                                                                                          \
    { "record", 0, OPT_BOOL, .help = "Deprecated: note the command line in an annotation.", .hidden = true }
