/* api/validation: containers of pods. */
#include "base/arena.h"
#include "pods.h"

static const char label_64[] = "0123456789012345678901234567890123456789012345678901234567890123";

TEST(test_containers__at_least_one) {
    POD("spec.containers = []", "spec.containers: Required value");
}

TEST(test_containers__names_are_labels) {
    POD(CA "name = ''", "spec.containers[0].name: Required value");
    POD(CA "name = 'a.b'", "spec.containers[0].name: Invalid value: \"a.b\": *");
    POD("spec.initContainers[0].name = ''", "spec.initContainers[0].name: Required value");
    _cleanup_arena struct arena a = ARENA_INIT;
    POD(arena_printf(&a, CA "name = '%s'", label_64).p,
        arena_printf(&a, "spec.containers[0].name: Invalid value: \"%s\": *", label_64).p);
    POD_EPHEMERAL("",
                  "spec.ephemeralContainers = "
                  "[{'name':'A','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'}]",
                  "spec.ephemeralContainers[0].name: Invalid value: \"A\": *");
}

TEST(test_containers__names_are_unique_over_all_lists) {
    POD(CA "name = 'b'", "spec.containers[1].name: Duplicate value: \"b\"");
    POD(CA "name = 'i'", "spec.initContainers[0].name: Duplicate value: \"i\"");
    POD("spec.initContainers[0].name = 's'", "spec.initContainers[1].name: Duplicate value: \"s\"");
    POD_EPHEMERAL("",
                  "spec.ephemeralContainers = "
                  "[{'name':'i','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'}]",
                  "spec.ephemeralContainers[0].name: Duplicate value: \"i\"");
    POD_EPHEMERAL("", "spec.ephemeralContainers = [" DEBUGGER "," DEBUGGER "]",
                  "spec.ephemeralContainers[1].name: Duplicate value: \"d\"");
}

TEST(test_containers__images_are_given) {
    POD(CA "image = ''", "spec.containers[0].image: Required value");
    POD("spec.initContainers[0].image = ''", "spec.initContainers[0].image: Required value");
}

TEST(test_containers__images_are_not_padded) {
    POD(CA "image = ' x'",
        "spec.containers[0].image: Invalid value: \" x\": must not have leading or trailing whitespace");
    POD("spec.initContainers[0].image = 'x\\n'", "spec.initContainers[0].image: Invalid value: \"x\\n\": *");
}

TEST(test_containers__policies_are_known) {
    POD(CA "terminationMessagePolicy = ''", "spec.containers[0].terminationMessagePolicy: Required value");
    POD(CA "terminationMessagePolicy = 'x'",
        "spec.containers[0].terminationMessagePolicy: Unsupported value: \"x\": "
        "supported values: \"File\", \"FallbackToLogsOnError\"");
    POD(CA "imagePullPolicy = ''", "spec.containers[0].imagePullPolicy: Required value");
    POD(CA "imagePullPolicy = 'x'",
        "spec.containers[0].imagePullPolicy: Unsupported value: \"x\": supported values: "
        "\"Always\", \"IfNotPresent\", \"Never\"");
}

/* ---- ports ---- */

TEST(test_container_ports__names_are_unique_port_names) {
    POD(CA "ports = [{'name':'http','containerPort':80,'protocol':'TCP'}]", "");
    POD(CA "ports = [{'name':'0123456789abcdef','containerPort':80,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].name: Invalid value: \"0123456789abcdef\": *");
    POD(CA
        "ports = "
        "[{'name':'x','containerPort':80,'protocol':'TCP'},{'name':'x','containerPort':81,'protocol':'TCP'}]",
        "spec.containers[0].ports[1].name: Duplicate value: \"x\"");
}

TEST(test_container_ports__numbers_are_ports) {
    POD(CA "ports = [{'containerPort':0,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].containerPort: Required value");
    POD(CA "ports = [{'containerPort':65536,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, "
        "inclusive");
    POD(CA "ports = [{'containerPort':80,'hostPort':-1,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].hostPort: Invalid value: -1: *");
}

TEST(test_container_ports__protocols_are_known) {
    POD(CA "ports = [{'containerPort':80,'protocol':''}]",
        "spec.containers[0].ports[0].protocol: Required value");
    POD(CA "ports = [{'containerPort':80,'protocol':'tcp'}]",
        "spec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", "
        "\"TCP\", \"UDP\"");
}

TEST(test_container_ports__host_ports_are_taken_once) {
    const char *port = "[{'containerPort':80,'hostPort':8080,'protocol':'TCP'}]";
    _cleanup_arena struct arena a = ARENA_INIT;
    POD(arena_printf(&a, CA "ports = %s ;; spec.containers[1].ports = %s", port, port).p,
        "spec.containers[1].ports[0].hostPort: Duplicate value: \"TCP//8080\"");
    POD(CA "ports = "
           "[{'containerPort':80,'hostPort':8080,'protocol':'TCP'},{'containerPort':80,'hostPort':8080,'"
           "protocol':'UDP'},"
           "{'containerPort':80,'hostPort':8080,'hostIP':'1.1.1.1','protocol':'TCP'}]",
        "");
    POD(arena_printf(
            &a, "spec.initContainers[0].ports = %s ;; spec.initContainers[1].ports = %s ;; " CA "ports = %s",
            port, port, port)
            .p,
        "");
    POD("spec.initContainers[0].ports = "
        "[{'containerPort':80,'hostPort':8080,'protocol':'TCP'},{'containerPort':81,'hostPort':8080,'"
        "protocol':'TCP'}]",
        "spec.initContainers[0].ports[1].hostPort: Duplicate value: \"TCP//8080\"");
}

/* ---- environment ---- */

#define ENV(json, expected) POD(CA "env = [" json "]", expected)
#define E0 "spec.containers[0].env[0]"

TEST(test_container_env__names_are_printable) {
    ENV("{'name':'A-B.C 1','value':'x'}", "");
    ENV("{'name':''}", E0 ".name: Required value");
    ENV("{'name':'a=b'}", E0 ".name: Invalid value: \"a=b\": *");
    ENV("{'name':'\\u00e4'}", E0 ".name: Invalid value: *");
}

TEST(test_container_env__has_one_source) {
    ENV("{'name':'A','valueFrom':{}}", E0 ".valueFrom: Invalid value: \"\": must specify one of: *");
    ENV("{'name':'A','value':'x','valueFrom':{'fieldRef':{'apiVersion':'v1','fieldPath':'metadata.name'}}}",
        E0 ".valueFrom: Invalid value: \"\": may not be specified when `value` is not empty");
    ENV("{'name':'A','valueFrom':{'fieldRef':{'apiVersion':'v1','fieldPath':'metadata.name'},'secretKeyRef':{"
        "'name':'s','key':'k'}}}",
        E0 ".valueFrom: Invalid value: \"\": may not have more than one field specified at a time");
}

#define FIELD(path, expected)                                                                                \
    ENV("{'name':'A','valueFrom':{'fieldRef':{'apiVersion':'v1','fieldPath':" path "}}}", expected)

TEST(test_container_env__fields_are_known) {
    FIELD("'metadata.name'", "");
    FIELD("'status.podIPs'", "");
    FIELD("'spec.host'", "");
    FIELD("''", E0 ".valueFrom.fieldRef.fieldPath: Required value");
    FIELD("'metadata.labels'",
          E0 ".valueFrom.fieldRef.fieldPath: Unsupported value: \"metadata.labels\": supported values: "
             "\"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", "
             "\"spec.serviceAccountName\", "
             "\"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\"");
    FIELD("'spec.x'", E0 ".valueFrom.fieldRef.fieldPath: Invalid value: \"spec.x\": *");
    ENV("{'name':'A','valueFrom':{'fieldRef':{'fieldPath':'metadata.name'}}}",
        E0 ".valueFrom.fieldRef.apiVersion: Required value");
    ENV("{'name':'A','valueFrom':{'fieldRef':{'apiVersion':'v2','fieldPath':'metadata.name'}}}",
        E0 ".valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name\": *");
}

TEST(test_container_env__subscripts_are_keys) {
    FIELD("'metadata.labels[\\u0027a/b\\u0027]'", "");
    FIELD("'metadata.annotations[\\u0027A.B/c\\u0027]'", "");
    FIELD("'metadata.labels[\\u0027a b\\u0027]'", E0 ".valueFrom.fieldRef: Invalid value: \"a b\": *");
    FIELD("'metadata.name[\\u0027a\\u0027]'",
          E0 ".valueFrom.fieldRef: Invalid value: \"metadata.name\": does not support subscript");
}

#define RESOURCE(json, expected) ENV("{'name':'A','valueFrom':{'resourceFieldRef':" json "}}", expected)

TEST(test_container_env__resources_are_known) {
    RESOURCE("{'resource':'limits.cpu'}", "");
    RESOURCE("{'resource':'requests.hugepages-2Mi'}", "");
    RESOURCE("{'resource':''}", E0 ".valueFrom.resourceFieldRef.resource: Required value");
    RESOURCE("{'resource':'limits.pods'}",
             E0 ".valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.pods\": supported values: "
                "\"limits.cpu\", "
                "\"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", "
                "\"requests.ephemeral-storage\", \"requests.memory\"");
}

TEST(test_container_env__divisors_are_units) {
    RESOURCE("{'resource':'limits.cpu','divisor':'1m'}", "");
    RESOURCE("{'resource':'limits.cpu','divisor':'1'}", "");
    RESOURCE("{'resource':'limits.cpu','divisor':'0'}", "");
    RESOURCE("{'resource':'limits.memory','divisor':'1Mi'}", "");
    RESOURCE("{'resource':'requests.ephemeral-storage','divisor':'1k'}", "");
    RESOURCE("{'resource':'limits.cpu','divisor':'1k'}",
             E0 ".valueFrom.resourceFieldRef.divisor: Invalid value: \"1k\": *");
    RESOURCE("{'resource':'limits.memory','divisor':'1m'}",
             E0 ".valueFrom.resourceFieldRef.divisor: Invalid value: \"1m\": *");
    RESOURCE("{'resource':'limits.memory','divisor':'2Mi'}",
             E0 ".valueFrom.resourceFieldRef.divisor: Invalid value: \"2Mi\": *");
}

TEST(test_container_env__keys_of_other_objects_have_their_forms) {
    ENV("{'name':'A','valueFrom':{'configMapKeyRef':{'name':'m','key':'k'}}}", "");
    ENV("{'name':'A','valueFrom':{'configMapKeyRef':{'name':'A','key':'a b'}}}",
        E0 ".valueFrom.configMapKeyRef.name: Invalid value: \"A\": *\n" E0
           ".valueFrom.configMapKeyRef.key: Invalid value: \"a b\": *");
    ENV("{'name':'A','valueFrom':{'secretKeyRef':{'name':'m','key':''}}}",
        E0 ".valueFrom.secretKeyRef.key: Required value");
}

#define FILE_KEY(json, expected) ENV("{'name':'A','valueFrom':{'fileKeyRef':" json "}}", expected)

TEST(test_container_env__file_keys_are_in_an_empty_dir) {
    FILE_KEY("{'volumeName':'data','path':'a/b','key':'K'}", "");
    FILE_KEY("{}", E0 ".valueFrom.fileKeyRef.key: Required value\n" E0
                      ".valueFrom.fileKeyRef.volumeName: Required value\n" E0
                      ".valueFrom.fileKeyRef.path: Required value");
    FILE_KEY("{'volumeName':'none','path':'a','key':'K'}",
             E0 ".valueFrom.fileKeyRef.volumeName: Not found: \"none\"");
    FILE_KEY("{'volumeName':'claim','path':'a','key':'K'}",
             E0 ".valueFrom.fileKeyRef.volumeName: Invalid value: \"claim\": *");
    FILE_KEY("{'volumeName':'data','path':'../a','key':'K'}",
             E0 ".valueFrom.fileKeyRef.path: Invalid value: \"../a\": *");
    FILE_KEY("{'volumeName':'data','path':'a','key':'K=V'}",
             E0 ".valueFrom.fileKeyRef.key: Invalid value: \"K=V\": *");
}

TEST(test_container_env_from__prefix_is_a_name) {
    POD(CA "envFrom = [{'prefix':'P_','configMapRef':{'name':'m'}}]", "");
    POD(CA "envFrom = [{'prefix':'a=','configMapRef':{'name':'m'}}]",
        "spec.containers[0].envFrom[0].prefix: Invalid value: \"a=\": *");
}

TEST(test_container_env_from__has_one_source) {
    POD(CA "envFrom = [{}]", "spec.containers[0].envFrom[0]: Invalid value: \"\": must specify one of: "
                             "`configMapRef` or `secretRef`");
    POD(CA "envFrom = [{'configMapRef':{'name':'m'},'secretRef':{'name':'s'}}]",
        "spec.containers[0].envFrom[0]: Invalid value: \"\": may not have more than one field specified at a "
        "time");
}

TEST(test_container_env_from__names_are_subdomains) {
    POD(CA "envFrom = [{'configMapRef':{'name':''}},{'secretRef':{'name':'A'}}]",
        "spec.containers[0].envFrom[0].configMapRef.name: Required value\n"
        "spec.containers[0].envFrom[1].secretRef.name: Invalid value: \"A\": *");
}

/* ---- mounts ---- */

#define MOUNT(json, expected) POD(CA "volumeMounts = [" json "]", expected)
#define M0 "spec.containers[0].volumeMounts[0]"

TEST(test_volume_mounts__name_a_volume) {
    MOUNT("{'name':'data','mountPath':'/d'}", "");
    MOUNT("{'name':'','mountPath':'/d'}", M0 ".name: Required value\n" M0 ".name: Not found: \"\"");
    MOUNT("{'name':'none','mountPath':'/d'}", M0 ".name: Not found: \"none\"");
    POD(CA "volumeDevices = [{'name':'claim','devicePath':'/dev/x'}] ;; " CA
           "volumeMounts = [{'name':'claim','mountPath':'/m'}]",
        M0 ".name: Invalid value: \"claim\": must not already exist in volumeDevices\n"
           "spec.containers[0].volumeDevices[0].name: Invalid value: \"claim\": must not already exist in "
           "volumeMounts");
}

TEST(test_volume_mounts__a_broken_volume_is_not_there) {
    POD("spec.volumes[0].hostPath = {'path':'/'} ;; " CA "volumeMounts = [{'name':'data','mountPath':'/d'}]",
        "spec.volumes[0].hostPath: Forbidden: *\n" M0 ".name: Not found: \"data\"");
}

TEST(test_volume_mounts__are_found_among_many_volumes) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str list = S("{'name':'data','emptyDir':{}}");
    for (int i = 0; i < 80; i++)
        list = arena_printf(&a, "%.*s,{'name':'v%d','emptyDir':{}}", STR_ARG(list), i);
    struct valid_case c = {.kind_index = KIND_CORE_POD, .base_json = pod};
    c.edits_text =
        arena_printf(&a,
                     "spec.volumes = [%.*s] ;; " CA
                     "volumeMounts = [{'name':'v79','mountPath':'/a'},{'name':'v80','mountPath':'/b'}]",
                     STR_ARG(list))
            .p;
    assert_valid(&c, "spec.containers[0].volumeMounts[1].name: Not found: \"v80\"", __FILE__, __LINE__);
}

TEST(test_volume_mounts__paths_are_unique) {
    MOUNT("{'name':'data','mountPath':''}", M0 ".mountPath: Required value");
    MOUNT("{'name':'data','mountPath':'/d'},{'name':'claim','mountPath':'/d'}",
          "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/d\": must be unique");
    POD(CA "volumeDevices = [{'name':'claim','devicePath':'/d'}] ;; " CA
           "volumeMounts = [{'name':'data','mountPath':'/d'}]",
        M0 ".mountPath: Invalid value: \"/d\": must not already exist as a path in volumeDevices\n"
           "spec.containers[0].volumeDevices[0].devicePath: Invalid value: \"/d\": must not already exist as "
           "a path in volumeMounts");
}

TEST(test_volume_mounts__sub_paths_are_local) {
    MOUNT("{'name':'data','mountPath':'/d','subPath':'a/b'}", "");
    MOUNT("{'name':'data','mountPath':'/d','subPath':'/a'}", M0 ".subPath: Invalid value: \"/a\": *");
    MOUNT("{'name':'data','mountPath':'/d','subPathExpr':'a/../b'}",
          M0 ".subPathExpr: Invalid value: \"a/../b\": *");
    MOUNT("{'name':'data','mountPath':'/d','subPath':'a','subPathExpr':'b'}",
          M0 ".subPathExpr: Invalid value: \"b\": subPathExpr and subPath are mutually exclusive");
}

TEST(test_volume_mounts__propagation_is_known) {
    MOUNT("{'name':'data','mountPath':'/d','mountPropagation':'HostToContainer'}", "");
    MOUNT("{'name':'data','mountPath':'/d','mountPropagation':'x'}",
          M0 ".mountPropagation: Unsupported value: \"x\": supported values: \"Bidirectional\", "
             "\"HostToContainer\", \"None\"");
}

TEST(test_volume_mounts__both_ways_needs_privileges) {
    MOUNT("{'name':'data','mountPath':'/d','mountPropagation':'Bidirectional'}",
          M0 ".mountPropagation: Forbidden: *");
    POD(CA "securityContext.privileged = true ;; " CA
           "volumeMounts = [{'name':'data','mountPath':'/d','mountPropagation':'Bidirectional'}]",
        "");
}

TEST(test_volume_mounts__recursive_read_only_is_read_only) {
    MOUNT("{'name':'data','mountPath':'/d','recursiveReadOnly':'Disabled'}", "");
    MOUNT("{'name':'data','mountPath':'/"
          "d','readOnly':true,'mountPropagation':'None','recursiveReadOnly':'Enabled'}",
          "");
    MOUNT("{'name':'data','mountPath':'/d','recursiveReadOnly':'x'}",
          M0 ".recursiveReadOnly: Unsupported value: \"x\": supported values: \"Disabled\", \"Enabled\", "
             "\"IfPossible\"");
    MOUNT("{'name':'data','mountPath':'/"
          "d','recursiveReadOnly':'IfPossible','mountPropagation':'HostToContainer'}",
          M0 ".recursiveReadOnly: Forbidden: may only be specified when readOnly is true\n" M0
             ".recursiveReadOnly: Forbidden: may only be specified when mountPropagation *");
}

#define DEVICE(json, expected) POD(CA "volumeDevices = [" json "]", expected)
#define D0 "spec.containers[0].volumeDevices[0]"

TEST(test_volume_devices__name_a_claim) {
    DEVICE("{'name':'claim','devicePath':'/dev/x'}", "");
    DEVICE("{'name':'','devicePath':'/dev/x'}", D0 ".name: Required value\n" D0 ".name: Not found: \"\"");
    DEVICE("{'name':'none','devicePath':'/dev/x'}", D0 ".name: Not found: \"none\"");
    DEVICE("{'name':'data','devicePath':'/dev/x'}", D0 ".name: Invalid value: \"data\": *");
    DEVICE("{'name':'claim','devicePath':'/a'},{'name':'claim','devicePath':'/b'}",
           "spec.containers[0].volumeDevices[1].name: Invalid value: \"claim\": must be unique");
}

TEST(test_volume_devices__paths_are_unique) {
    DEVICE("{'name':'claim','devicePath':''}", D0 ".devicePath: Required value");
    DEVICE("{'name':'claim','devicePath':'/a/../b'}", D0 ".devicePath: Invalid value: \"/a/../b\": *");
    POD("spec.volumes[2] = {'name':'c2','persistentVolumeClaim':{'claimName':'c'}} ;; " CA
        "volumeDevices = [{'name':'claim','devicePath':'/a'},{'name':'c2','devicePath':'/a'}]",
        "spec.containers[0].volumeDevices[1].devicePath: Invalid value: \"/a\": must be unique");
}

/* ---- resources ---- */

#define RES(json, expected) POD(CA "resources = " json, expected)
#define R "spec.containers[0].resources"

TEST(test_container_resources__names_are_known) {
    RES("{'limits':{'cpu':'1','memory':'1Mi','ephemeral-storage':'1','hugepages-2Mi':'2Mi','example.com/"
        "gpu':'1','kubernetes.io/x':'1m'},"
        "'requests':{'cpu':'1','hugepages-2Mi':'2Mi','example.com/gpu':'1'}}",
        "");
    RES("{'limits':{'pods':'1'}}",
        R ".limits[pods]: Invalid value: \"pods\": must be a standard resource for containers");
    RES("{'limits':{'a b':'1'}}", R ".limits[a b]: Invalid value: \"a b\": *");
    RES("{'limits':{'requests.example.com/x':'1'}}", R ".limits[requests.example.com/x]: Invalid value: *");
}

TEST(test_container_resources__amounts_fit_the_resource) {
    RES("{'limits':{'cpu':'-1'}}",
        R ".limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0");
    RES("{'limits':{'example.com/gpu':'500m'}}",
        R ".limits[example.com/gpu]: Invalid value: \"500m\": must be an integer");
    RES("{'limits':{'cpu':'1','hugepages-2Mi':'3Mi'}}",
        R ".limits[hugepages-2Mi]: Invalid value: \"3Mi\": *");
}

TEST(test_container_resources__requests_are_within_limits) {
    RES("{'limits':{'cpu':'1'},'requests':{'cpu':'500m'}}", "");
    RES("{'limits':{'cpu':'1'},'requests':{'cpu':'2'}}",
        R ".requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1");
    RES("{'limits':{'example.com/gpu':'2'},'requests':{'example.com/gpu':'1'}}",
        R ".requests: Invalid value: \"1\": must be equal to example.com/gpu limit of 2");
}

TEST(test_container_resources__some_need_limits) {
    RES("{'requests':{'example.com/gpu':'1'}}", R ".limits: Required value: *");
}

TEST(test_container_resources__huge_pages_need_cpu_or_memory) {
    RES("{'limits':{'hugepages-2Mi':'2Mi'}}", R ": Forbidden: *");
    RES("{'limits':{'hugepages-2Mi':'2Mi'},'requests':{'memory':'1','hugepages-2Mi':'2Mi'}}", "");
}

#define CLAIMS "spec.resourceClaims = [{'name':'gpu','resourceClaimName':'c'}] ;; "

TEST(test_container_resources__claims_are_those_of_the_pod) {
    POD(CLAIMS CA "resources.claims = [{'name':'gpu'},{'name':'gpu','request':'r'}]", "");
    POD(CLAIMS CA "resources.claims = [{'name':''}]", R ".claims[0]: Required value");
    POD(CLAIMS CA "resources.claims = [{'name':'gpu','request':'R'}]",
        R ".claims[0].request: Invalid value: \"R\": *");
    POD(CLAIMS CA "resources.claims = [{'name':'gpu'},{'name':'gpu'}]",
        R ".claims[1]: Duplicate value: \"gpu\"");
    POD(CLAIMS CA "resources.claims = [{'name':'x'}]", R ".claims[0]: Not found: \"x\": *");
}

TEST(test_resize_policy__resources_are_known_and_unique) {
    POD(CA "resizePolicy = "
           "[{'resourceName':'cpu','restartPolicy':'NotRequired'},{'resourceName':'memory','restartPolicy':'"
           "RestartContainer'}]",
        "");
    POD(CA "resizePolicy = "
           "[{'resourceName':'cpu','restartPolicy':'NotRequired'},{'resourceName':'cpu','restartPolicy':'"
           "NotRequired'}]",
        "spec.containers[0].resizePolicy[1]: Duplicate value: \"cpu\"");
    POD(CA "resizePolicy = [{'resourceName':'','restartPolicy':''}]",
        "spec.containers[0].resizePolicy: Required value");
    POD(CA "resizePolicy = [{'resourceName':'x','restartPolicy':'y'}]",
        "spec.containers[0].resizePolicy: Unsupported value: \"x\": supported values: \"cpu\", \"memory\"\n"
        "spec.containers[0].resizePolicy: Unsupported value: \"y\": supported values: \"NotRequired\", "
        "\"RestartContainer\"");
}

TEST(test_resize_policy__never_restarting_pods_restart_nothing) {
    POD("spec.restartPolicy = 'Never' ;; " CA
        "resizePolicy = [{'resourceName':'cpu','restartPolicy':'RestartContainer'}]",
        "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": *");
}

TEST(test_resize_policy__one_shot_containers_do_not_restart) {
    POD("spec.initContainers[0].resizePolicy = [{'resourceName':'cpu','restartPolicy':'RestartContainer'}]",
        "spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": *");
    POD("spec.initContainers[1].resizePolicy = [{'resourceName':'cpu','restartPolicy':'RestartContainer'}]",
        "");
}

/* ---- restart rules ---- */

TEST(test_restart_rules__policy_is_known) {
    POD(CA "restartPolicy = 'OnFailure'", "");
    POD(CA "restartPolicy = 'x'", "spec.containers[0].restartPolicy: Unsupported value: \"x\": supported "
                                  "values: \"Always\", \"Never\", \"OnFailure\"");
}

#define RULE "{'action':'Restart','exitCodes':{'operator':'In','values':[1]}}"

TEST(test_restart_rules__need_a_policy) {
    POD(CA "restartPolicy = 'Never' ;; " CA "restartPolicyRules = [" RULE "]", "");
    POD(CA "restartPolicyRules = [" RULE "]", "spec.containers[0].restartPolicy: Required value: *");
    POD("spec.initContainers[1].restartPolicyRules = [" RULE "]",
        "spec.initContainers[1].restartPolicyRules: Forbidden: *");
}

TEST(test_restart_rules__have_actions_and_codes) {
    POD(CA "restartPolicy = 'Never' ;; " CA "restartPolicyRules = "
           "[{'action':'RestartAllContainers','exitCodes':{'operator':'NotIn','values':[0]}}]",
        "");
    POD(CA "restartPolicy = 'Never' ;; " CA "restartPolicyRules = [{'action':'x'}]",
        "spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"x\": supported values: "
        "\"Restart\", \"RestartAllContainers\"\n"
        "spec.containers[0].restartPolicyRules[0].exitCodes: Required value: *");
    POD(CA "restartPolicy = 'Never' ;; " CA
           "restartPolicyRules = [{'action':'Restart','exitCodes':{'operator':'x'}}]",
        "spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: \"x\": supported "
        "values: \"In\", \"NotIn\"");
}

static struct str repeated(struct arena *a, const char *item, int n) {
    struct str list = str_from(item);
    for (int i = 1; i < n; i++)
        list = arena_printf(a, "%.*s,%s", STR_ARG(list), item);
    return list;
}

TEST(test_restart_rules__are_few) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str rules = repeated(&a, RULE, 21);
    POD(arena_printf(&a, CA "restartPolicy = 'Never' ;; " CA "restartPolicyRules = [%.*s]", STR_ARG(rules)).p,
        "spec.containers[0].restartPolicyRules: Too many: 21: must have at most 20 items");
}

TEST(test_restart_rules__codes_are_few) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str codes = repeated(&a, "1", 256);
    POD(arena_printf(
            &a,
            CA "restartPolicy = 'Never' ;; " CA
               "restartPolicyRules = [{'action':'Restart','exitCodes':{'operator':'In','values':[%.*s]}}]",
            STR_ARG(codes))
            .p,
        "spec.containers[0].restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 "
        "items");
}

/* ---- probes ---- */

#define PROBE(kind, json, expected) POD(CA kind " = " json, expected)
#define P "spec.containers[0].livenessProbe"
#define LIVE(json, expected) PROBE("livenessProbe", json, expected)

TEST(test_probes__have_one_handler) {
    LIVE("{'exec':{'command':['x']},'successThreshold':1}", "");
    LIVE("{'successThreshold':1}", P ": Required value: must specify a handler type");
    LIVE("{'exec':{'command':['x']},'tcpSocket':{'port':80},'successThreshold':1}",
         P ".tcpSocket: Forbidden: may not specify more than 1 handler type");
    PROBE("readinessProbe", "{}", "spec.containers[0].readinessProbe: Required value: *");
    PROBE("startupProbe", "{'successThreshold':1}", "spec.containers[0].startupProbe: Required value: *");
}

TEST(test_probes__numbers_are_not_negative) {
    PROBE("readinessProbe",
          "{'exec':{'command':['x']},'initialDelaySeconds':-1,'timeoutSeconds':-2,'periodSeconds':-3,'"
          "successThreshold':-4,'failureThreshold':-5}",
          "spec.containers[0].readinessProbe.initialDelaySeconds: Invalid value: -1: *\n"
          "spec.containers[0].readinessProbe.timeoutSeconds: Invalid value: -2: *\n"
          "spec.containers[0].readinessProbe.periodSeconds: Invalid value: -3: *\n"
          "spec.containers[0].readinessProbe.successThreshold: Invalid value: -4: *\n"
          "spec.containers[0].readinessProbe.failureThreshold: Invalid value: -5: *");
}

TEST(test_probes__those_that_restart_succeed_at_once) {
    LIVE("{'exec':{'command':['x']},'successThreshold':2}",
         P ".successThreshold: Invalid value: 2: must be 1");
    PROBE("startupProbe", "{'exec':{'command':['x']}}",
          "spec.containers[0].startupProbe.successThreshold: Invalid value: 0: must be 1");
    PROBE("readinessProbe", "{'exec':{'command':['x']},'successThreshold':2}", "");
}

TEST(test_probes__grace_periods_are_positive) {
    LIVE("{'exec':{'command':['x']},'successThreshold':1,'terminationGracePeriodSeconds':1}", "");
    LIVE("{'exec':{'command':['x']},'successThreshold':1,'terminationGracePeriodSeconds':0}",
         P ".terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0");
    PROBE("readinessProbe", "{'exec':{'command':['x']},'terminationGracePeriodSeconds':1}",
          "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be "
          "set for readinessProbes");
}

TEST(test_handlers__commands_are_given) {
    LIVE("{'exec':{},'successThreshold':1}", P ".exec.command: Required value");
}

TEST(test_handlers__http_requests_are_complete) {
    LIVE("{'httpGet':{'path':'/"
         "','port':'http','scheme':'HTTPS','httpHeaders':[{'name':'X-A','value':'b'}]},'successThreshold':1}",
         "");
    LIVE("{'httpGet':{'path':'','port':0,'scheme':'http'},'successThreshold':1}",
         P ".httpGet.path: Required value\n" P ".httpGet.port: Invalid value: 0: *\n" P
           ".httpGet.scheme: Unsupported value: \"http\": supported values: \"HTTP\", \"HTTPS\"");
    LIVE("{'httpGet':{'path':'/','port':80,'scheme':'HTTP','httpHeaders':[{'name':'a "
         "b'}]},'successThreshold':1}",
         P ".httpGet.httpHeaders: Invalid value: \"a b\": *");
}

TEST(test_handlers__ports_are_ports) {
    LIVE("{'tcpSocket':{'port':'http'},'successThreshold':1}", "");
    LIVE("{'tcpSocket':{'port':65536},'successThreshold':1}", P ".tcpSocket.port: Invalid value: 65536: *");
    LIVE("{'grpc':{'port':9},'successThreshold':1}", "");
    LIVE("{'grpc':{'port':0},'successThreshold':1}", P ".grpc.port: Invalid value: 0: *");
}

TEST(test_lifecycle__hooks_have_one_handler) {
    POD(CA "lifecycle = {'postStart':{'exec':{'command':['x']}},'preStop':{'sleep':{'seconds':5}}}", "");
    POD(CA "lifecycle = {'postStart':{},'preStop':{'sleep':{'seconds':5},'tcpSocket':{'port':1}}}",
        "spec.containers[0].lifecycle.postStart: Required value: *\n"
        "spec.containers[0].lifecycle.preStop.sleep: Forbidden: *");
}

TEST(test_lifecycle__sleeps_end_within_the_grace_period) {
    POD(CA "lifecycle = {'preStop':{'sleep':{'seconds':0}}}", "");
    POD(CA "lifecycle = {'preStop':{'sleep':{'seconds':30}}}", "");
    POD(CA "lifecycle = {'preStop':{'sleep':{'seconds':31}}}",
        "spec.containers[0].lifecycle.preStop.sleep.seconds: Invalid value: 31: *");
    POD(CA "lifecycle = {'preStop':{'sleep':{'seconds':-1}}}",
        "spec.containers[0].lifecycle.preStop.sleep.seconds: Invalid value: -1: *");
}

TEST(test_lifecycle__stop_signals_are_the_systems) {
    POD(CA "lifecycle = {'stopSignal':'SIGTERM'}", "spec.containers[0].lifecycle.stopSignal: Forbidden: *");
    POD("spec.os = {'name':'linux'} ;; " CA "lifecycle = {'stopSignal':'SIGUSR1'}", "");
    POD("spec.os = {'name':'linux'} ;; " CA "lifecycle = {'stopSignal':'x'}",
        "spec.containers[0].lifecycle.stopSignal: Unsupported value: \"x\": *");
    POD("spec.os = {'name':'windows'} ;; spec.securityContext = - ;; " CA
        "lifecycle = {'stopSignal':'SIGUSR1'}",
        "spec.containers[0].lifecycle.stopSignal: Unsupported value: \"SIGUSR1\": supported values: "
        "\"SIGKILL\", \"SIGTERM\"");
}

/* ---- init and ephemeral containers ---- */

TEST(test_init_containers__only_sidecars_have_probes_and_hooks) {
    const char *probe = "{'exec':{'command':['x']},'successThreshold':1}";
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *format =
        "spec.initContainers[%d].lifecycle = {'preStop':{'exec':{'command':['x']}}} ;; "
        "spec.initContainers[%d].livenessProbe = %s ;; spec.initContainers[%d].readinessProbe = %s ;; "
        "spec.initContainers[%d].startupProbe = %s";
    struct str edits[2];
    for (int i = 0; i < 2; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        edits[i] = arena_printf(&a, format, i, i, probe, i, probe, i, probe);
#pragma GCC diagnostic pop
    }
    POD(edits[0].p,
        "spec.initContainers[0].lifecycle: Forbidden: *\nspec.initContainers[0].livenessProbe: Forbidden: *\n"
        "spec.initContainers[0].readinessProbe: Forbidden: *\nspec.initContainers[0].startupProbe: "
        "Forbidden: *");
    POD(edits[1].p, "");
}

TEST(test_ephemeral_containers__only_debug) {
    POD_EPHEMERAL("",
                  "spec.ephemeralContainers = [" DEBUGGER
                  "] ;; spec.ephemeralContainers[0].env = [{'name':'A'}] ;; "
                  "spec.ephemeralContainers[0].stdin = true",
                  "");
    POD_EPHEMERAL(
        "",
        "spec.ephemeralContainers = [" DEBUGGER "] ;; "
        "spec.ephemeralContainers[0].ports = [{'containerPort':80,'protocol':'TCP'}] ;; "
        "spec.ephemeralContainers[0].resources = {'limits':{'cpu':'1'}} ;; "
        "spec.ephemeralContainers[0].resizePolicy = [{'resourceName':'cpu','restartPolicy':'NotRequired'}] "
        ";; "
        "spec.ephemeralContainers[0].restartPolicy = 'Always' ;; "
        "spec.ephemeralContainers[0].restartPolicyRules = [" RULE "] ;; "
        "spec.ephemeralContainers[0].livenessProbe = {} ;; spec.ephemeralContainers[0].readinessProbe = {} "
        ";; "
        "spec.ephemeralContainers[0].startupProbe = {} ;; spec.ephemeralContainers[0].lifecycle = {} ;; "
        "spec.ephemeralContainers[0].volumeMounts = "
        "[{'name':'data','mountPath':'/a','subPath':'x'},{'name':'data','mountPath':'/b','subPathExpr':'y'}]",
        "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container\n"
        "spec.ephemeralContainers[0].resources: Forbidden: *\n"
        "spec.ephemeralContainers[0].resizePolicy: Forbidden: *\n"
        "spec.ephemeralContainers[0].restartPolicy: Forbidden: *\n"
        "spec.ephemeralContainers[0].restartPolicyRules: Forbidden: *\n"
        "spec.ephemeralContainers[0].livenessProbe: Forbidden: *\n"
        "spec.ephemeralContainers[0].readinessProbe: Forbidden: *\n"
        "spec.ephemeralContainers[0].startupProbe: Forbidden: *\n"
        "spec.ephemeralContainers[0].lifecycle: Forbidden: *\n"
        "spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: *\n"
        "spec.ephemeralContainers[0].volumeMounts[1].subPathExpr: Forbidden: *");
}

TEST(test_ephemeral_containers__target_another_container) {
    POD_EPHEMERAL("",
                  "spec.ephemeralContainers = [" DEBUGGER
                  "] ;; spec.ephemeralContainers[0].targetContainerName = 'i'",
                  "");
    POD_EPHEMERAL("",
                  "spec.ephemeralContainers = [" DEBUGGER
                  "] ;; spec.ephemeralContainers[0].targetContainerName = 'd'",
                  "spec.ephemeralContainers[0].targetContainerName: Not found: \"d\"");
}
