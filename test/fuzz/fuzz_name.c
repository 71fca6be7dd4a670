/* Formats of names: no input overflows a check, messages come exactly with refusals, and what the narrower of
 * two formats accepts the wider one accepts too. */
#include "api/name.h"
#include "fuzz/fuzz.h"

static const name_check_fn checks[] = {
    name_check_dns1123_label,
    name_check_dns1123_subdomain,
    name_check_dns1035_label,
    name_check_path_segment,
    name_check_dns1123_subdomain_underscore,
    name_check_wildcard_dns1123_subdomain,
    name_check_fully_qualified_name,
    name_check_fully_qualified_domain,
    name_check_domain_prefixed_path,
    name_check_qualified,
    name_check_label_value,
    name_check_annotation_key,
    name_check_env_name,
    name_check_env_name_strict,
    name_check_config_key,
    name_check_port_name,
    name_check_http_header,
    name_check_percent,
    name_check_c_identifier,
    name_check_cel_identifier,
    name_check_sysctl,
    name_check_condition_reason,
    name_check_node_feature,
    name_check_iscsi_name,
    name_check_absolute_path,
    name_check_no_backsteps,
    name_check_local_path,
};

static bool ok(name_check_fn rule, struct str s) {
    return rule(s, NULL) == 0;
}

static void implies(name_check_fn narrow, name_check_fn wide, struct str s) {
    must(!ok(narrow, s) || ok(wide, s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str s = fuzz_text(data, n);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct name_errors errors = NAME_ERRORS_INIT;
        must((checks[i](s, &errors) == 0) == (errors.n == 0));
        (void)name_check_prefix(checks[i], s, NULL);
    }
    implies(name_check_dns1035_label, name_check_dns1123_label, s);
    implies(name_check_dns1123_label, name_check_dns1123_subdomain, s);
    implies(name_check_dns1123_label, name_check_label_value, s);
    implies(name_check_dns1123_label, name_check_qualified, s);
    implies(name_check_dns1123_subdomain, name_check_dns1123_subdomain_underscore, s);
    implies(name_check_dns1123_subdomain, name_check_path_segment, s);
    implies(name_check_qualified, name_check_annotation_key, s);
    implies(name_check_port_name, name_check_dns1123_label, s);
    implies(name_check_cel_identifier, name_check_c_identifier, s);
    implies(name_check_local_path, name_check_no_backsteps, s);
    return 0;
}
