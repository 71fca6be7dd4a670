/* api/validation: claims, classes and slices of devices. */
#include "base/buf.h"
#include "valid.h"

static const char claim[] =
    "{'metadata':{'name':'n','namespace':'ns'},'spec':{'devices':{'requests':[{'name':'r','exactly':{"
    "'deviceClassName':'c','allocationMode':'ExactCount','count':1}},{'name':'f','firstAvailable':[{'name':'"
    "s',"
    "'deviceClassName':'c','allocationMode':'All'}]}]}}}";
#define CLAIM(edits, expected) assert_create(KIND_RESOURCE_RESOURCE_CLAIM, claim, edits, expected)
#define STATUS(old, new, expected)                                                                           \
    assert_status_update(KIND_RESOURCE_RESOURCE_CLAIM, claim, old, new, expected)
#define D "spec.devices"
#define R D ".requests[0]"

/* path = [item,item,…] of n equal items */
static const char *many(struct buf *b, const char *path, const char *item, int n) {
    buf_str(b, str_from(path));
    buf_lit(b, " = [");
    for (int i = 0; i < n; i++) {
        buf_str(b, str_from(i ? "," : ""));
        buf_str(b, str_from(item));
    }
    buf_byte(b, ']');
    return buf_cstr(b);
}

TEST(test_device_claim__name_is_a_subdomain) {
    CLAIM("", "");
    CLAIM("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_device_claim__spec_stays) {
    assert_update(KIND_RESOURCE_RESOURCE_CLAIM, claim, "", R ".exactly.count = 2", "spec: Invalid value: *");
    assert_update(KIND_RESOURCE_RESOURCE_CLAIM, claim, "", "metadata.labels.a = 'b'", "");
}

TEST(test_device_claim__requests_are_unique) {
    _cleanup_buf struct buf b = BUF_INIT;
    CLAIM(D ".requests[1].name = 'r'", D ".requests[1].name: Duplicate value: \"r\"");
    CLAIM(R ".name = ''", R ".name: Required value");
    CLAIM(R ".name = 'A'", R ".name: Invalid value: \"A\": *");
    CLAIM(
        many(&b, D ".requests", "{'name':'','exactly':{'deviceClassName':'c','allocationMode':'All'}}", 33), D
        ".requests: Too many: 33: *\n" R ".name: Required value\n" D ".requests[1].name*\n" D
        ".requests[1].name*\n" D ".requests[2].name*\n" D ".requests[2].name*\n" D ".requests[3].name*\n" D
        ".requests[3].name*\n" D ".requests[4].name*\n" D ".requests[4].name*\n" D ".requests[5].name*\n" D
        ".requests[5].name*\n" D ".requests[6].name*\n" D ".requests[6].name*\n" D ".requests[7].name*\n" D
        ".requests[7].name*\n" D ".requests[8].name*\n" D ".requests[8].name*\n" D ".requests[9].name*\n" D
        ".requests[9].name*\n" D ".requests[10].name*\n" D ".requests[10].name*\n" D ".requests[11].name*\n" D
        ".requests[11].name*\n" D ".requests[12].name*\n" D ".requests[12].name*\n" D
        ".requests[13].name*\n" D ".requests[13].name*\n" D ".requests[14].name*\n" D
        ".requests[14].name*\n" D ".requests[15].name*\n" D ".requests[15].name*\n" D
        ".requests[16].name*\n" D ".requests[16].name*\n" D ".requests[17].name*\n" D
        ".requests[17].name*\n" D ".requests[18].name*\n" D ".requests[18].name*\n" D
        ".requests[19].name*\n" D ".requests[19].name*\n" D ".requests[20].name*\n" D
        ".requests[20].name*\n" D ".requests[21].name*\n" D ".requests[21].name*\n" D
        ".requests[22].name*\n" D ".requests[22].name*\n" D ".requests[23].name*\n" D
        ".requests[23].name*\n" D ".requests[24].name*\n" D ".requests[24].name*\n" D
        ".requests[25].name*\n" D ".requests[25].name*\n" D ".requests[26].name*\n" D
        ".requests[26].name*\n" D ".requests[27].name*\n" D ".requests[27].name*\n" D
        ".requests[28].name*\n" D ".requests[28].name*\n" D ".requests[29].name*\n" D
        ".requests[29].name*\n" D ".requests[30].name*\n" D ".requests[30].name*\n" D
        ".requests[31].name*\n" D ".requests[31].name*\n" D ".requests[32].name*\n" D ".requests[32].name*");
}

TEST(test_device_claim__request_is_exact_or_a_choice) {
    CLAIM(R " = {'name':'r'}", R ": Required value: *");
    CLAIM(R ".firstAvailable = [{'name':'s','deviceClassName':'c','allocationMode':'All'}]",
          R ": Invalid value: *");
    CLAIM(D ".requests[1].firstAvailable[1] = {'name':'s','deviceClassName':'c','allocationMode':'All'}",
          D ".requests[1].firstAvailable[1].name: Duplicate value: \"s\"");
    _cleanup_buf struct buf b = BUF_INIT;
    CLAIM(many(&b, D ".requests[1].firstAvailable",
               "{'name':'A','deviceClassName':'c','allocationMode':'All'}", 9),
          D ".requests[1].firstAvailable: Too many: 9: *\n" D
            ".requests[1].firstAvailable[0].name: Invalid*\n" D
            ".requests[1].firstAvailable[1].name: Invalid*\n" D
            ".requests[1].firstAvailable[2].name: Invalid*\n" D
            ".requests[1].firstAvailable[3].name: Invalid*\n" D
            ".requests[1].firstAvailable[4].name: Invalid*\n" D
            ".requests[1].firstAvailable[5].name: Invalid*\n" D
            ".requests[1].firstAvailable[6].name: Invalid*\n" D
            ".requests[1].firstAvailable[7].name: Invalid*\n" D
            ".requests[1].firstAvailable[8].name: Invalid*");
}

TEST(test_device_claim__request_names_a_class_and_a_mode) {
#define E R ".exactly"
    CLAIM(E ".deviceClassName = ''", E ".deviceClassName: Required value");
    CLAIM(E ".deviceClassName = 'A'", E ".deviceClassName: Invalid value: \"A\": *");
    CLAIM(E ".allocationMode = 'x'", E ".allocationMode: Unsupported value: \"x\": *");
    CLAIM(E ".allocationMode = 'All'", E ".count: Invalid value: 1: *");
    CLAIM(E ".count = 0", E ".count: Invalid value: 0: *");
}

TEST(test_device_claim__selectors_have_expressions) {
    _cleanup_buf struct buf b = BUF_INIT;
    CLAIM(E ".selectors = [{'cel':{'expression':'true'}}]", "");
    CLAIM(E ".selectors = [{},{'cel':{'expression':''}}]",
          E ".selectors[0].cel: Required value\n" E ".selectors[1].cel.expression: Required value");
    CLAIM(many(&b, E ".selectors", "{'cel':{'expression':'true'}}", 33), E ".selectors: Too many: 33: *");
    _cleanup_buf struct buf c = BUF_INIT;
    buf_lit(&c, E ".selectors = [{'cel':{'expression':'");
    for (int i = 0; i < 10241; i++)
        buf_byte(&c, 'x');
    buf_lit(&c, "'}}]");
    CLAIM(buf_cstr(&c), E ".selectors[0].cel.expression: Too long: *");
}

TEST(test_device_claim__tolerations_have_a_form) {
#define T E ".tolerations"
    CLAIM(T " = [{'operator':'Exists','effect':'NoSchedule'},{'key':'a/b','operator':'Equal','value':'c'}]",
          "");
    CLAIM(T " = [{'key':'a "
            "b','operator':'Exists','value':'x','effect':'y'},{'operator':''},{'key':'a','operator':'x'},"
            "{'operator':'Equal','value':'a b'}]",
          T "[0].key: Invalid value: \"a b\": *\n" T "[0].value: Invalid value: \"x\": *\n" T
            "[0].effect: Unsupported value: \"y\": *\n" T "[1].operator: Required value\n" T
            "[2].operator: Unsupported value: \"x\": *\n" T "[3].value: Invalid value: \"a b\": *\n" T
            "[3].key: Required value: *");
#undef T
#undef E
}

TEST(test_device_claim__constraints_name_requests_and_an_attribute) {
#define C D ".constraints"
    _cleanup_buf struct buf b = BUF_INIT;
    CLAIM(C " = [{'requests':['r','f','f/s'],'matchAttribute':'a.b/c'}]", "");
    CLAIM(C " = [{'requests':['x','r','r','f/x'],'distinctAttribute':'c'}]", C
          "[0].requests[0]: Invalid value: \"x\": *\n" C "[0].requests[2]: Duplicate value: \"r\"\n" C
          "[0].requests[3]: Invalid value: \"f/x\": *\n" C "[0].distinctAttribute: Invalid value: \"c\": *");
    CLAIM(C " = [{}]", C "[0].matchAttribute: Required value");
    CLAIM(C " = [{'matchAttribute':'a.b/1c'}]", C "[0].matchAttribute: Invalid value: \"1c\": *");
    CLAIM(many(&b, C, "{'matchAttribute':'a.b/c'}", 33), C ": Too many: 33: *");
#undef C
}

TEST(test_device_claim__configuration_is_opaque) {
#define C D ".config"
    _cleanup_buf struct buf b = BUF_INIT;
    CLAIM(C " = [{'requests':['r'],'opaque':{'driver':'a.b','parameters':{'x':1}}}]", "");
    CLAIM(C " = [{'requests':['x','x']}]",
          C "[0].requests[0]: Invalid value: \"x\": *\n" C "[0].requests[1]: Invalid value: \"x\": *\n" C
            "[0].requests[1]: Duplicate value: \"x\"\n" C "[0].opaque: Required value");
    CLAIM(C " = [{'opaque':{'driver':'','parameters':[1]}},{'opaque':{'driver':'a_b'}}]",
          C "[0].opaque.driver: Required value\n" C "[0].opaque.parameters: Invalid value: *\n" C
            "[1].opaque.driver: Invalid value: \"a_b\": *\n" C "[1].opaque.parameters: Required value");
    CLAIM(many(&b, C, "{'opaque':{'driver':'a.b','parameters':{}}}", 33), C ": Too many: 33: *");
#undef C
}

#define RESULT "{'request':'r','driver':'a.b','pool':'p','device':'d'}"
#define ALLOCATION "{'devices':{'results':[" RESULT "]}}"

TEST(test_device_claim_status__reservations_are_unique) {
#define F "status.reservedFor"
    STATUS("",
           "status = {'allocation':" ALLOCATION ",'reservedFor':[{'resource':'pods','name':'p','uid':'1'}]}",
           "");
    STATUS("", F " = [{'resource':'pods','name':'p','uid':'1'}]", F ": Forbidden: *");
    STATUS("status.allocation = " ALLOCATION, F " = [{'uid':''},{'resource':'a','name':'b','uid':''}]",
           F "[0].resource: Required value\n" F "[0].name: Required value\n" F "[0].uid: Required value\n" F
             "[1].uid: Required value\n" F "[1]: Duplicate value: \"\"");
    STATUS("metadata.deletionTimestamp = '2020-01-01T00:00:00Z' ;; metadata.finalizers = ['a.b/c'] ;; "
           "status.allocation = " ALLOCATION,
           F " = [{'resource':'pods','name':'p','uid':'1'}]", F ": Forbidden: *");
#undef F
}

TEST(test_device_claim_status__allocation_is_set_or_cleared) {
#define A "status.allocation"
    STATUS("", A " = " ALLOCATION, "");
    STATUS(A " = " ALLOCATION, A " = -", "");
    STATUS(A " = " ALLOCATION, A ".devices.results[0].device = 'e'", A ": Invalid value: *");
}

TEST(test_device_claim_status__results_name_devices) {
    _cleanup_buf struct buf b = BUF_INIT;
    STATUS(
        "",
        A " = {'devices':{'results':[{'request':'x','driver':'','pool':'A//b','device':'D','shareID':'X'}]}}",
        A ".devices.results[0].request: Invalid value: \"x\": *\n" A
          ".devices.results[0].driver: Required value\n" A
          ".devices.results[0].pool: Invalid value: \"A\": *\n" A
          ".devices.results[0].pool: Invalid value: \"\": *\n" A
          ".devices.results[0].device: Invalid value: \"D\": *\n" A
          ".devices.results[0].shareID: Invalid value: *");
    STATUS("", many(&b, A ".devices.results", RESULT, 33), A ".devices.results: Too many: 33: *");
}

TEST(test_device_claim_status__configuration_has_a_source) {
#define C A ".devices.config"
    _cleanup_buf struct buf b = BUF_INIT;
    STATUS("", C " = [{'source':'FromClass','opaque':{'driver':'a.b','parameters':{}}}]", "");
    STATUS(
        "",
        C
        " = [{'source':'','opaque':{'driver':'a.b','parameters':{}}},{'source':'x','opaque':{'driver':'a.b',"
        "'parameters':{}}}]",
        C "[0].source: Required value\n" C "[1].source: Unsupported value: \"x\": *");
    STATUS("", many(&b, C, "{'source':'FromClass','opaque':{'driver':'a.b','parameters':{}}}", 65),
           C ": Too many: 65: *");
    STATUS("", A " = {'nodeSelector':{'nodeSelectorTerms':[]}}",
           A ".nodeSelector.nodeSelectorTerms: Required value*");
#undef C
#undef A
}

TEST(test_device_claim_status__devices_are_allocated) {
#define V "status.devices"
#define DEVICE "{'driver':'a.b','pool':'p','device':'d'}"
    STATUS("status.allocation = " ALLOCATION, V " = [" DEVICE "]", "");
    STATUS("status.allocation = " ALLOCATION,
           V " = [" DEVICE "," DEVICE ",{'driver':'x','pool':'p','device':'d'}]",
           V "[1]: Duplicate value: \"d\"\n" V "[2]: Invalid value: \"d\": *");
    STATUS("status.allocation = " ALLOCATION " ;; " V " = [" DEVICE "]",
           V "[0].data = [1] ;; " V "[0].networkData = {'ips':['10.0.0.1/8','10.0.0.1/8','x']}",
           V "[0].data: Invalid value: *\n" V "[0].networkData.ips[1]: Duplicate value: \"10.0.0.1/8\"\n" V
             "[0].networkData.ips[2]: Invalid value: \"x\": *");
    _cleanup_buf struct buf b = BUF_INIT;
    STATUS("status.allocation = " ALLOCATION " ;; " V " = [" DEVICE "]",
           many(&b, V "[0].networkData.ips", "'10.0.0.1/8'", 17),
           V "[0].networkData.ips: Too many: 17: *\n" V "[0].networkData.ips[1]: Dup*\n" V
             "[0].networkData.ips[2]: Dup*\n" V "[0].networkData.ips[3]: Dup*\n" V
             "[0].networkData.ips[4]: Dup*\n" V "[0].networkData.ips[5]: Dup*\n" V
             "[0].networkData.ips[6]: Dup*\n" V "[0].networkData.ips[7]: Dup*\n" V
             "[0].networkData.ips[8]: Dup*\n" V "[0].networkData.ips[9]: Dup*\n" V
             "[0].networkData.ips[10]: Dup*\n" V "[0].networkData.ips[11]: Dup*\n" V
             "[0].networkData.ips[12]: Dup*\n" V "[0].networkData.ips[13]: Dup*\n" V
             "[0].networkData.ips[14]: Dup*\n" V "[0].networkData.ips[15]: Dup*\n" V
             "[0].networkData.ips[16]: Dup*");
}

TEST(test_device_claim_status__texts_are_short) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, V "[0].networkData = {'interfaceName':'");
    for (int i = 0; i < 257; i++)
        buf_byte(&b, 'x');
    buf_lit(&b, "','hardwareAddress':'");
    for (int i = 0; i < 129; i++)
        buf_byte(&b, 'x');
    buf_lit(&b, "'}");
    STATUS("status.allocation = " ALLOCATION " ;; " V " = [" DEVICE "]", buf_cstr(&b),
           V "[0].networkData.interfaceName: Too long: *\n" V "[0].networkData.hardwareAddress: Too long: *");
    _cleanup_buf struct buf c = BUF_INIT;
    STATUS("status.allocation = " ALLOCATION " ;; " V " = [" DEVICE "]",
           many(&c, V "[0].conditions",
                "{'type':'A','status':'True','reason':'R','message':'','lastTransitionTime':'2020-01-01T00:"
                "00:00Z'}",
                9),
           V "[0].conditions: Too many: 9: *\n" V "[0].conditions[1].type: Dup*\n" V
             "[0].conditions[2].type: Dup*\n" V "[0].conditions[3].type: Dup*\n" V
             "[0].conditions[4].type: Dup*\n" V "[0].conditions[5].type: Dup*\n" V
             "[0].conditions[6].type: Dup*\n" V "[0].conditions[7].type: Dup*\n" V
             "[0].conditions[8].type: Dup*");
#undef DEVICE
#undef V
}

TEST(test_claim_template__has_metadata_and_stays) {
    static const char base[] = "{'metadata':{'name':'n','namespace':'ns'},'spec':{'metadata':{'labels':{'a':'"
                               "b'}},'spec':{'devices':{}}}}";
    const uint32_t kind = KIND_RESOURCE_RESOURCE_CLAIM_TEMPLATE;
    assert_create(kind, base, "", "");
    assert_create(
        kind, base, "spec.metadata = {'labels':{'a b':''},'annotations':{'c d':''}}",
        "spec.metadata.labels: Invalid value: \"a b\": *\nspec.metadata.annotations: Invalid value: *");
    assert_create(kind, base, "spec.spec.devices.requests = [{'name':'r'}]",
                  "spec.spec.devices.requests[0]: Required*");
    assert_update(kind, base, "", "spec.metadata.labels.a = 'c'", "spec: Invalid value: *");
}

TEST(test_device_class__names_an_extended_resource) {
    static const char base[] =
        "{'metadata':{'name':'n'},'spec':{'selectors':[{'cel':{'expression':'true'}}]}}";
    const uint32_t kind = KIND_RESOURCE_DEVICE_CLASS;
    assert_create(kind, base, "spec.extendedResourceName = 'example.com/gpu'", "");
    assert_create(kind, base, "metadata.name = 'A'", "metadata.name: Invalid value: *");
    assert_create(kind, base, "spec.extendedResourceName = 'cpu'",
                  "spec.extendedResourceName: Invalid value: \"cpu\": *");
    assert_create(kind, base, "spec.config = [{}]", "spec.config[0].opaque: Required value");
}

/* ---- ResourceSlice ---- */

static const char slice[] =
    "{'metadata':{'name':'n'},'spec':{'driver':'a.b','pool':{'name':'p','generation':0,'resourceSliceCount':"
    "1},"
    "'nodeName':'n','devices':[{'name':'d','attributes':{'x':{'int':1}},'capacity':{'c':{'value':'4'}}}]}}";
#define SLICE(edits, expected) assert_create(KIND_RESOURCE_RESOURCE_SLICE, slice, edits, expected)
#define SLICE_UPDATE(old, new, expected)                                                                     \
    assert_update(KIND_RESOURCE_RESOURCE_SLICE, slice, old, new, expected)
#define V "spec.devices[0]"
#define V_CAPACITY V ".capacity[c].requestPolicy"
#define V_CAPACITY_IN V ".capacity.c.requestPolicy"

TEST(test_resource_slice__driver_and_pool_stay) {
    SLICE("", "");
    SLICE("spec.driver = '' ;; spec.pool.name = ''",
          "spec.driver: Required value\nspec.pool.name: Required value");
    SLICE("spec.driver = 'a_b' ;; spec.pool.name = 'a/B'",
          "spec.driver: Invalid value: \"a_b\": *\nspec.pool.name: Invalid value: \"B\": *");
    SLICE_UPDATE(
        "", "spec.driver = 'c.d' ;; spec.pool.name = 'q' ;; spec.nodeName = 'm'",
        "spec.driver: Invalid value: *\nspec.pool.name: Invalid value: *\nspec.nodeName: Invalid value: *");
}

TEST(test_resource_slice__pool_counts_are_positive) {
    SLICE("spec.pool.resourceSliceCount = 0 ;; spec.pool.generation = -1",
          "spec.pool.resourceSliceCount: Invalid value: 0: *\nspec.pool.generation: Invalid value: -1: *");
}

TEST(test_resource_slice__says_where_devices_are) {
    SLICE("spec.nodeName = -", "spec: Required value: *");
    SLICE("spec.allNodes = true", "spec: Invalid value: 2: *");
    SLICE("spec.nodeName = - ;; spec.allNodes = false", "spec.allNodes: Invalid value: false: *");
    SLICE("spec.nodeName = ''", "spec.nodeName: Invalid value: \"\": *");
    SLICE("spec.nodeName = 'A'", "spec.nodeName: Invalid value: \"A\": *");
    SLICE("spec.nodeName = - ;; spec.nodeSelector = "
          "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'a','operator':"
          "'Exists'}]},{'matchExpressions':[{'key':'a','operator':'Exists'}]}]}",
          "spec.nodeSelector.nodeSelectorTerms: Invalid value: 2: *");
    SLICE("spec.sharedCounters = [{'name':'a','counters':{'b':{'value':'1'}}}]", "spec: Invalid value: 1: *");
}

TEST(test_resource_slice__devices_say_where_they_are) {
#define PER "spec.nodeName = - ;; spec.perDeviceNodeSelection = true ;; "
    SLICE(PER V ".nodeName = 'n'", "");
    SLICE(V ".nodeName = 'n'", V ".nodeName: Invalid value: \"n\": *");
    SLICE(V ".allNodes = true", V ".allNodes: Invalid value: true: *");
    SLICE("spec.nodeName = - ;; spec.perDeviceNodeSelection = true", V ": Required value: *");
    SLICE(PER V ".nodeName = 'n' ;; " V ".allNodes = true", V ": Invalid value: *");
#undef PER
}

TEST(test_resource_slice__devices_are_unique_and_few) {
    _cleanup_buf struct buf b = BUF_INIT, c = BUF_INIT;
    SLICE("spec.devices[1] = {'name':'d'}", "spec.devices[1].name: Duplicate value: \"d\"");
    SLICE("spec.devices = [{'name':''}]", V ".name: Required value");
    SLICE("spec.devices = [{'name':'A'}]", V ".name: Invalid value: \"A\": *");
    SLICE(many(&b, "spec.devices", "{'name':'d'}", 129), "spec.devices: Too many: 129: *");
    SLICE(many(&c, "spec.devices", "{'name':'d','attributes':{'x':{'ints':[1]}}}", 65),
          "spec.devices: Too many: 65: *");
}

TEST(test_resource_slice__device_has_few_entries_and_values) {
    _cleanup_buf struct buf b = BUF_INIT, c = BUF_INIT;
    buf_lit(&b, V ".attributes = {");
    for (int i = 0; i < 32; i++)
        buf_printf(&b, "%s'a%d':{'bool':true}", i ? "," : "", i);
    buf_byte(&b, '}');
    SLICE(buf_cstr(&b), V ": Invalid value: 33: *");
    SLICE(many(&c, V ".attributes.x.ints", "1", 49),
          V ".attributes[x]: Invalid value: *\n" V ": Invalid value: 49: *");
}

TEST(test_resource_slice__attributes_have_a_name_and_one_value) {
#define A V ".attributes"
    SLICE(A " = {'a.b/c':{'version':'1.2.3-rc.1+build.01'}}", "");
    SLICE(A " = {'1':{'bool':true},'A_b/c':{'bool':true},'a.b/':{'bool':true}}",
          A "[1]: Invalid value: \"1\": *\n" A "[A_b/c]: Invalid value: \"A_b\": *\n" A
            "[a.b/]: Invalid value: \"\": *");
    SLICE(A " = {'abcdefghijklmnopqrstuvwxyzabcdefg':{'bool':true}}",
          A "[abcdefghijklmnopqrstuvwxyzabcdefg]: Too long: *");
    SLICE(A " = {'a':{}}", A "[a]: Invalid value: {}: *");
    SLICE(A " = {'a':{'int':1,'bool':true}}", A "[a]: Invalid value: *");
    SLICE(A " = {'a':{'strings':[]}}", A "[a].strings: Invalid value: []: *");
}

TEST(test_resource_slice__attribute_texts_are_short_versions_semantic) {
    static const char *const wrong[] = {"1",      "1.2",    "01.2.3", "1.2.3-",    "1.2.3-01",
                                        "1.2.3+", "1.2.3 ", "v1.2.3", "1.2.3-a..b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_buf struct buf b = BUF_INIT;
        buf_printf(&b, A " = {'a':{'version':'%s'}}", wrong[i]);
        SLICE(buf_cstr(&b), A "[a].version: Invalid value: *");
    }
    _cleanup_buf struct buf c = BUF_INIT;
    buf_lit(&c, A " = {'a':{'strings':['");
    for (int i = 0; i < 65; i++)
        buf_byte(&c, 'x');
    buf_lit(&c, "']}}");
    SLICE(buf_cstr(&c), A "[a].strings[0]: Too long: *");
#undef A
}

TEST(test_resource_slice__request_policy_needs_sharing) {
    SLICE(V_CAPACITY_IN " = {'default':'1'}", V_CAPACITY ": Forbidden: *");
#define SHARED V ".allowMultipleAllocations = true ;; "
    SLICE(SHARED V_CAPACITY_IN " = {'default':'1'}", "");
    SLICE(SHARED V_CAPACITY_IN " = {'validValues':['1'],'validRange':{'min':'1'}}",
          V_CAPACITY ".default: Required value: *\n" V_CAPACITY ".validRange: Forbidden: *");
}

TEST(test_resource_slice__valid_values_ascend_to_the_capacity) {
    _cleanup_buf struct buf b = BUF_INIT;
    SLICE(SHARED V_CAPACITY_IN " = {'default':'2','validValues':['1','2','4']}", "");
    SLICE(SHARED V_CAPACITY_IN " = {'default':'3','validValues':['2','1','1','5']}", V_CAPACITY
          ".validValues[1]: Invalid value: \"1\": *\n" V_CAPACITY
          ".validValues[2]: Duplicate value: \"1\"\n" V_CAPACITY
          ".validValues[3]: Invalid value: \"5\": *\n" V_CAPACITY ".validValues: Invalid value: \"3\": *");
    buf_lit(&b, SHARED V_CAPACITY_IN " = {'default':'1','validValues':['1'");
    for (int i = 1; i <= 10; i++)
        buf_printf(&b, ",'1%02d0m'", i);
    buf_lit(&b, "]}");
    SLICE(buf_cstr(&b), V_CAPACITY ".validValues: Too many: 11: *");
}

TEST(test_resource_slice__valid_range_fits_the_capacity) {
#define RANGE(default_, range) SHARED V_CAPACITY_IN " = {'default':'" default_ "','validRange':" range "}"
    SLICE(RANGE("2", "{'min':'1','max':'3','step':'1'}"), "");
    SLICE(RANGE("2", "{}"), V_CAPACITY ".validRange.min: Required value");
    SLICE(RANGE("2", "{'min':'5'}"), V_CAPACITY ".validRange.min: Invalid value: \"5\": *\n" V_CAPACITY
                                                ".validRange.min: Invalid value: \"5\": *");
    SLICE(RANGE("2", "{'min':'1','max':'5'}"), V_CAPACITY ".validRange.max: Invalid value: \"5\": *");
    SLICE(RANGE("3", "{'min':'1','max':'2'}"), V_CAPACITY ".validRange.max: Invalid value: \"2\": *");
    SLICE(RANGE("2", "{'min':'1','step':'4'}"),
          V_CAPACITY ".validRange.step: Invalid value: \"4\": *\n" V_CAPACITY
                     ".validRange.step: Invalid value: \"2\": *");
    SLICE(RANGE("3", "{'min':'1','max':'4','step':'2'}"),
          V_CAPACITY ".validRange.step: Invalid value: \"4\": *");
    SLICE(RANGE("2", "{'min':'1','step':'0'}"), V_CAPACITY ".validRange.step: Invalid value: \"0\": *");
#undef RANGE
#undef SHARED
}

TEST(test_resource_slice__taints_have_a_form) {
    _cleanup_buf struct buf b = BUF_INIT, c = BUF_INIT;
    SLICE(V ".taints = [{'key':'a','value':'b','effect':'NoExecute'}]", "");
    SLICE(V ".taints = [{'key':'a b','value':'c d','effect':''},{'key':'a','effect':'x'}]",
          V ".taints[0].key: Invalid value: \"a b\": *\n" V ".taints[0].value: Invalid value: \"c d\": *\n" V
            ".taints[0].effect: Required value\n" V ".taints[1].effect: Unsupported value: \"x\": *");
    SLICE(many(&b, V ".taints", "{'key':'a','effect':'None'}", 17), V ".taints: Too many: 17: *");
    SLICE_UPDATE(many(&c, V ".taints", "{'key':'a','effect':'None'}", 17), "spec.pool.generation = 1", "");
}

TEST(test_resource_slice__counters_are_named) {
#define C V ".consumesCounters"
    SLICE(C " = [{'counterSet':'a','counters':{'b':{'value':'1'}}}]", "");
    SLICE(C " = [{'counterSet':'','counters':{}},{'counterSet':'a','counters':{'B':{'value':'1'}}},"
            "{'counterSet':'a','counters':{'b':{'value':'1'}}}]",
          C ": Too many: 3: *\n" C "[0].counterSet: Required value\n" C "[0].counters: Required value\n" C
            "[1].counters[B]: Invalid value: \"B\": *\n" C "[2].counterSet: Duplicate value: \"a\"");
#undef C
#define S_ "spec.sharedCounters"
    SLICE("spec.devices = [] ;; " S_ " = [{'name':'a','counters':{'b':{'value':'1'}}}]", "");
    SLICE("spec.devices = [] ;; " S_
          " = [{'name':'','counters':{}},{'name':'a','counters':{'b':{'value':'1'}}},"
          "{'name':'a','counters':{'b':{'value':'1'}}}]",
          S_ "[0].name: Required value\n" S_ "[0].counters: Required value\n" S_
             "[2].name: Duplicate value: \"a\"");
#undef S_
}

TEST(test_resource_slice__binding_conditions_come_in_pairs) {
    SLICE(V ".bindingConditions = ['a'] ;; " V ".bindingFailureConditions = ['b']", "");
    SLICE(V ".bindingConditions = ['a']", V ".bindingFailureConditions: Invalid value: null: *");
    SLICE(V ".bindingFailureConditions = ['a']", V ".bindingConditions: Invalid value: null: *");
    SLICE(V ".bindingConditions = ['a','a','b c'] ;; " V ".bindingFailureConditions = ['a']",
          V ".bindingConditions[1]: Duplicate value: \"a\"\n" V
            ".bindingConditions[2]: Invalid value: \"b c\": *\n" V
            ".bindingFailureConditions[0]: Invalid value: \"a\": *");
    SLICE(V ".bindingConditions = ['a','b','c','d','e'] ;; " V ".bindingFailureConditions = ['f']",
          V ".bindingConditions: Too many: 5: *");
}
