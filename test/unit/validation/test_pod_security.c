/* api/validation: security contexts, operating systems, users of a pod's own. */
#include "base/arena.h"
#include "pods.h"

#define SC CA "securityContext = "
#define CSC "spec.containers[0].securityContext"
#define PSC "spec.securityContext"

TEST(test_security__ids_are_31_bits) {
    POD(PSC " = {'fsGroup':2147483647,'runAsUser':0,'runAsGroup':0,'supplementalGroups':[1]}", "");
    POD(PSC " = {'fsGroup':-1,'runAsUser':2147483648,'runAsGroup':-2,'supplementalGroups':[1,-3]}",
        PSC ".fsGroup: Invalid value: -1: *\n" PSC ".runAsUser: Invalid value: 2147483648: *\n" PSC
            ".runAsGroup: Invalid value: -2: *\n" PSC ".supplementalGroups[1]: Invalid value: -3: *");
    POD(SC "{'runAsUser':-1,'runAsGroup':-1}",
        CSC ".runAsUser: Invalid value: -1: *\n" CSC ".runAsGroup: Invalid value: -1: *");
}

TEST(test_security__processes_are_shared_with_the_host_or_the_pod) {
    POD("spec.shareProcessNamespace = true", "");
    POD("spec.shareProcessNamespace = true ;; spec.hostPID = true",
        PSC ".shareProcessNamespace: Invalid value: true: *");
}

TEST(test_security__sysctls_are_unique_names) {
    POD(PSC
        " = {'sysctls':[{'name':'kernel.shm_rmid_forced','value':'0'},{'name':'net/ipv4/x','value':'1'}]}",
        "");
    POD(PSC " = {'sysctls':[{'name':''},{'name':'A'},{'name':'a.b'},{'name':'a.b'}]}",
        PSC ".sysctls[0].name: Required value\n" PSC ".sysctls[1].name: Invalid value: \"A\": *\n" PSC
            ".sysctls[3].name: Duplicate value: \"a.b\"");
}

TEST(test_security__sysctls_are_of_the_pods_own_namespaces) {
    POD("spec.hostNetwork = true ;; " PSC " = {'sysctls':[{'name':'net.ipv4.x'}]}",
        PSC ".sysctls[0].name: Invalid value: \"net.ipv4.x\": *");
    POD("spec.hostIPC = true ;; " PSC
        " = {'sysctls':[{'name':'kernel.msgmax'},{'name':'kernel.sem'},{'name':'fs.mqueue.x'}]}",
        PSC ".sysctls[0].name: Invalid value: \"kernel.msgmax\": *\n" PSC
            ".sysctls[1].name: Invalid value: \"kernel.sem\": *\n" PSC
            ".sysctls[2].name: Invalid value: \"fs.mqueue.x\": *");
}

TEST(test_security__fs_group_policy_is_known) {
    POD(PSC " = {'fsGroupChangePolicy':'Always'}", "");
    POD(PSC " = {'fsGroupChangePolicy':'x'}", PSC
        ".fsGroupChangePolicy: Unsupported value: \"x\": supported values: \"Always\", \"OnRootMismatch\"");
}

TEST(test_security__supplemental_groups_policy_is_known) {
    POD(PSC " = {'supplementalGroupsPolicy':'Strict'}", "");
    POD(PSC " = {'supplementalGroupsPolicy':'x'}",
        PSC ".supplementalGroupsPolicy: Unsupported value: \"x\": supported values: \"Merge\", \"Strict\"");
}

TEST(test_security__selinux_policy_is_known) {
    POD(PSC " = {'seLinuxChangePolicy':'Recursive'}", "");
    POD(PSC " = {'seLinuxChangePolicy':'x'}", PSC
        ".seLinuxChangePolicy: Unsupported value: \"x\": supported values: \"MountOption\", \"Recursive\"");
}

TEST(test_security__seccomp_profiles_have_a_type) {
    POD(PSC " = {'seccompProfile':{'type':'RuntimeDefault'}}", "");
    POD(SC "{'seccompProfile':{'type':'Localhost','localhostProfile':'a/b'}}", "");
    POD(PSC " = {'seccompProfile':{'type':''}}", PSC ".seccompProfile.type: Required value: *");
    POD(SC "{'seccompProfile':{'type':'x'}}",
        CSC ".seccompProfile.type: Unsupported value: \"x\": supported values: \"Localhost\", "
            "\"RuntimeDefault\", \"Unconfined\"");
    POD(PSC " = {'seccompProfile':{'type':'Localhost'}}",
        PSC ".seccompProfile.localhostProfile: Required value: *");
    POD(PSC " = {'seccompProfile':{'type':'Localhost','localhostProfile':'/a'}}",
        PSC ".seccompProfile.localhostProfile: Invalid value: \"/a\": *");
    POD(PSC " = {'seccompProfile':{'type':'Unconfined','localhostProfile':'a'}}",
        PSC ".seccompProfile.localhostProfile: Invalid value: \"a\": *");
}

TEST(test_security__app_armor_profiles_have_a_type) {
    POD(PSC " = {'appArmorProfile':{'type':'Localhost','localhostProfile':'a'}}", "");
    POD(PSC " = {'appArmorProfile':{'type':''}}", PSC ".appArmorProfile.type: Required value: *");
    POD(SC "{'appArmorProfile':{'type':'x'}}",
        CSC ".appArmorProfile.type: Unsupported value: \"x\": supported values: \"Localhost\", "
            "\"RuntimeDefault\", \"Unconfined\"");
    POD(SC "{'appArmorProfile':{'type':'Localhost'}}",
        CSC ".appArmorProfile.localhostProfile: Required value: *");
    POD(SC "{'appArmorProfile':{'type':'Localhost','localhostProfile':''}}",
        CSC ".appArmorProfile.localhostProfile: Required value: *");
    POD(SC "{'appArmorProfile':{'type':'Localhost','localhostProfile':' a'}}",
        CSC ".appArmorProfile.localhostProfile: Invalid value: \" a\": must not be padded with whitespace");
    POD(SC "{'appArmorProfile':{'type':'RuntimeDefault','localhostProfile':'a'}}",
        CSC ".appArmorProfile.localhostProfile: Invalid value: \"a\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char *name = arena_alloc(&a, 4097);
    memset(name, 'a', 4096);
    POD(arena_printf(&a, SC "{'appArmorProfile':{'type':'Localhost','localhostProfile':'%s'}}", name).p,
        CSC ".appArmorProfile.localhostProfile: Too long: may not be more than 4095 bytes");
}

TEST(test_security__privileges_can_be_forbidden) {
    struct valid_case c = {
        .kind_index = KIND_CORE_POD, .base_json = pod, .edits_text = SC "{'privileged':true}"};
    assert_valid(&c, "", __FILE__, __LINE__);
    c.options.forbid_privileged = true;
    assert_valid(&c, CSC ".privileged: Forbidden: disallowed by cluster policy", __FILE__, __LINE__);
}

TEST(test_security__privileges_are_escalation) {
    POD(SC "{'allowPrivilegeEscalation':false,'capabilities':{'add':['NET_ADMIN']}}", "");
    POD(SC "{'allowPrivilegeEscalation':false,'privileged':true}", CSC ": Invalid value: *");
    POD(SC "{'allowPrivilegeEscalation':false,'capabilities':{'add':['CAP_SYS_ADMIN']}}",
        CSC ": Invalid value: *");
}

TEST(test_security__proc_mounts_are_unmasked_for_own_users) {
    POD(SC "{'procMount':'Default'}", "");
    POD(SC "{'procMount':'x'}",
        CSC ".procMount: Unsupported value: \"x\": supported values: \"Default\", \"Unmasked\"");
    POD(SC "{'procMount':'Unmasked'}", CSC ".procMount: Invalid value: \"Unmasked\": *");
    POD("spec.hostUsers = false ;; " SC "{'procMount':'Unmasked'}", "");
}

#define WIN "spec.os = {'name':'windows'} ;; "
#define WO PSC ".windowsOptions"
#define WINDOWS(json, expected) POD(WIN PSC " = {'windowsOptions':" json "}", expected)

TEST(test_windows__credentials_are_bounded) {
    WINDOWS("{'gmsaCredentialSpecName':'a.b','gmsaCredentialSpec':'x'}", "");
    WINDOWS("{'gmsaCredentialSpecName':'A','gmsaCredentialSpec':''}",
            WO ".gmsaCredentialSpecName: Invalid value: \"A\": *\n" WO
               ".gmsaCredentialSpec: Invalid value: \"\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char *text = arena_alloc(&a, 65538);
    memset(text, 'a', 65537);
    POD(arena_printf(&a, WIN PSC " = {'windowsOptions':{'gmsaCredentialSpec':'%s'}}", text).p,
        WO ".gmsaCredentialSpec: Invalid value: *");
}

TEST(test_windows__users_may_have_a_domain) {
    WINDOWS("{'runAsUserName':'NT AUTHORITY\\\\NETWORK SERVICE'}", WO ".runAsUserName: Invalid value: *");
    WINDOWS("{'runAsUserName':'WORKGROUP\\\\me'}", "");
    WINDOWS("{'runAsUserName':'a-very-long.example.com\\\\me'}", "");
    WINDOWS("{'runAsUserName':'me'}", "");
    WINDOWS("{'runAsUserName':''}", WO ".runAsUserName: Invalid value: \"\": *");
    WINDOWS("{'runAsUserName':'a\\tb'}", WO ".runAsUserName: Invalid value: \"a\\tb\": *");
    WINDOWS("{'runAsUserName':'a\\\\b\\\\c'}", WO ".runAsUserName: Invalid value: *");
    WINDOWS("{'runAsUserName':'a\\\\'}", WO ".runAsUserName: Invalid value: *");
    WINDOWS("{'runAsUserName':'. .'}", WO ".runAsUserName: Invalid value: *");
    WINDOWS("{'runAsUserName':'a|b'}", WO ".runAsUserName: Invalid value: *");
    WINDOWS("{'runAsUserName':'-a.toolongforanetbiosname\\\\me'}", WO ".runAsUserName: Invalid value: *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[300];
    memset(text, 'a', 256);
    text[256] = 0;
    POD(arena_printf(&a, WIN PSC " = {'windowsOptions':{'runAsUserName':'%s\\\\me'}}", text).p,
        WO ".runAsUserName: Invalid value: *\n" WO ".runAsUserName: Invalid value: *");
    text[105] = 0;
    POD(arena_printf(&a, WIN PSC " = {'windowsOptions':{'runAsUserName':'%s'}}", text).p,
        WO ".runAsUserName: Invalid value: *");
}

TEST(test_windows__host_processes_are_all_or_none) {
    WINDOWS("{'hostProcess':true}", "spec.hostNetwork: Invalid value: false: *");
    POD(WIN "spec.hostNetwork = true ;; " PSC " = {'windowsOptions':{'hostProcess':true}}", "");
    POD(WIN "spec.hostNetwork = true ;; " SC "{'windowsOptions':{'hostProcess':true}}",
        "spec: Invalid value: \"\": *");
    POD(WIN "spec.hostNetwork = true ;; " PSC " = {'windowsOptions':{'hostProcess':true}} ;; " SC
            "{'windowsOptions':{'hostProcess':false}}",
        CSC ".windowsOptions.hostProcess: Invalid value: false: *\nspec: Invalid value: \"\": *");
    struct valid_case c = {.kind_index = KIND_CORE_POD,
                           .base_json = pod,
                           .options.forbid_privileged = true,
                           .edits_text = WIN "spec.hostNetwork = true ;; " PSC
                                             " = {'windowsOptions':{'hostProcess':true}}"};
    assert_valid(&c, "spec: Forbidden: *", __FILE__, __LINE__);
}

TEST(test_os__name_is_known) {
    POD("spec.os = {'name':'linux'}", "");
    POD("spec.os = {'name':''}", "spec.os.name: Required value: *");
    POD("spec.os = {'name':'x'}",
        "spec.os.name: Unsupported value: \"x\": supported values: \"linux\", \"windows\"");
}

TEST(test_os__linux_pods_have_no_windows_fields) {
    POD("spec.os = {'name':'linux'} ;; " PSC " = {'windowsOptions':{}} ;; " SC "{'windowsOptions':{}}", PSC
        ".windowsOptions: Forbidden: cannot be set for a linux pod\n" CSC ".windowsOptions: Forbidden: *");
}

TEST(test_os__windows_pods_have_no_linux_fields) {
    POD(WIN "spec.hostPID = true ;; spec.hostIPC = true ;; spec.hostUsers = true ;; "
            "spec.shareProcessNamespace = false ;; " PSC " = "
            "{'appArmorProfile':{'type':'Unconfined'},'seLinuxOptions':{},'seccompProfile':{'type':'"
            "Unconfined'},'fsGroup':1,"
            "'fsGroupChangePolicy':'Always','sysctls':[{'name':'a'}],'runAsUser':1,'runAsGroup':1,'"
            "supplementalGroups':[1],"
            "'supplementalGroupsPolicy':'Merge','seLinuxChangePolicy':'Recursive'}",
        "spec.hostPID: Forbidden: cannot be set for a windows pod\nspec.hostIPC: Forbidden: "
        "*\nspec.hostUsers: Forbidden: *\n"
        "spec.shareProcessNamespace: Forbidden: *\n" PSC ".appArmorProfile: Forbidden: *\n" PSC
        ".seLinuxOptions: Forbidden: *\n" PSC ".seccompProfile: Forbidden: *\n" PSC
        ".fsGroup: Forbidden: *\n" PSC ".fsGroupChangePolicy: Forbidden: *\n" PSC
        ".sysctls: Forbidden: *\n" PSC ".runAsUser: Forbidden: *\n" PSC ".runAsGroup: Forbidden: *\n" PSC
        ".supplementalGroups: Forbidden: *\n" PSC ".supplementalGroupsPolicy: Forbidden: *\n" PSC
        ".seLinuxChangePolicy: Forbidden: *");
    POD(WIN SC "{'appArmorProfile':{'type':'Unconfined'},'seLinuxOptions':{},'seccompProfile':{'type':'"
               "Unconfined'},'capabilities':{},"
               "'readOnlyRootFilesystem':true,'privileged':false,'allowPrivilegeEscalation':true,'procMount':"
               "'Default','runAsUser':1,'runAsGroup':1}",
        CSC ".appArmorProfile: Forbidden: *\n" CSC ".seLinuxOptions: Forbidden: *\n" CSC
            ".seccompProfile: Forbidden: *\n" CSC ".capabilities: Forbidden: *\n" CSC
            ".readOnlyRootFilesystem: Forbidden: *\n" CSC ".privileged: Forbidden: *\n" CSC
            ".allowPrivilegeEscalation: Forbidden: *\n" CSC ".procMount: Forbidden: *\n" CSC
            ".runAsUser: Forbidden: *\n" CSC ".runAsGroup: Forbidden: *");
}

TEST(test_host_users__own_users_share_nothing_with_the_host) {
    POD("spec.hostUsers = false", "");
    POD("spec.hostUsers = false ;; spec.hostNetwork = true ;; spec.hostPID = true ;; spec.hostIPC = true "
        ";; " CA "volumeDevices = [{'name':'claim','devicePath':'/dev/x'}]",
        "spec.hostNetwork: Forbidden: not allowed when `hostUsers` is false\nspec.HostPID: Forbidden: "
        "*\nspec.HostIPC: Forbidden: *\n"
        "spec.containers[0].volumeDevices: Forbidden: *");
}
