/* api/validation: certificates, reviews, priority and fairness. */
#include "valid.h"

/* A request for a certificate, and one whose signature is wrong: base64 of PEM. */
#define REQUEST                                                                                              \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3QllUQl"             \
    "pNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCQ0tub1c2MmwxeFNoakxFNTMvNFVGaEo0akdlQ0Y2S0Zj"             \
    "cGFzZS92TlRoeUhjQXVmQS9RWjh3RUhIWkgxa3oyCjNhUVpnSXRRaENzMFJmZWo4SWxkRmdhZ0FEQUtCZ2dxaGtqT1"             \
    "BRUURBZ05JQURCRkFpRUEwVlZ1SUNxL25kR0kKZmROVzJiU0U1dWhNckpMOWhkOHRZSVl3U3RqUFh3QUNJRTNjNVhW"             \
    "Vkt2djlTSU5hK01lSnUxQUgrNFJLSTQvZgpRRnFoTVFQSTI3Y1AKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC"             \
    "0tLS0tCg=="
#define BROKEN_REQUEST                                                                                       \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3QllUQl"             \
    "pNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCQ0tub1c2MmwxeFNoakxFNTMvNFVGaEo0akdlQ0Y2S0Zj"             \
    "cGFzZS92TlRoeUhjQXVmQS9RWjh3RUhIWkgxa3oyCjNhUVpnSXRRaENzMFJmZWo4SWxkRmdhZ0FEQUtCZ2dxaGtqT1"             \
    "BRUURBZ05JQURCRkFpRUEwVlZ1SUNxL25kR0kKZmROVzJiU0U1dWhNckpMOWhkOHRZSVl3U3RqUFh3QUNJRTNjNVhW"             \
    "Vkt2djlTSU5hK01lSnUxQUgrNFJLSTQvZgpRRnFoTVFQSTI3Y08KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC"             \
    "0tLS0tCg=="

/* A certificate: base64 of PEM. */
#define CERTIFICATE                                                                                          \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJhekNDQVJLZ0F3SUJBZ0lVTnUwdndYVTlId2JvSWZ5WHFtQk"             \
    "1VWjBad1JBd0NnWUlLb1pJemowRUF3SXcKRERFS01BZ0dBMVVFQXd3QllqQWdGdzB5TmpFeE1qTXlNakV3TlRoYUdB"             \
    "OHlNVEkyTVRBek1ESXlNVEExT0ZvdwpEREVLTUFnR0ExVUVBd3dCWWpCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OU"             \
    "F3RUhBMElBQkNLbm9XNjJsMXhTCmhqTEU1My80VUZoSjRqR2VDRjZLRmNwYXNlL3ZOVGh5SGNBdWZBL1FaOHdFSEha"             \
    "SDFrejIzYVFaZ0l0UWhDczAKUmZlajhJbGRGZ2FqVURCT01CMEdBMVVkRGdRV0JCUkhoTWFkcWV3b2Y2WTV2ZXpJNE"             \
    "tQSDk1WDROakFmQmdOVgpIU01FR0RBV2dCUkhoTWFkcWV3b2Y2WTV2ZXpJNEtQSDk1WDROakFNQmdOVkhSTUJBZjhF"             \
    "QWpBQU1Bb0dDQ3FHClNNNDlCQU1DQTBjQU1FUUNJQzVpWWUvMmo5RFFHTTdkS3RjaG9NbzN4RTg2TFJTeVlPM01iZ1"             \
    "JrMjZFdUFpQmIKZ1A4ckk2MEtXZnNNcjB0eW1nTHdUaTZWTDJvNitmejZqRVR1RDZDV3BBPT0KLS0tLS1FTkQgQ0VS"             \
    "VElGSUNBVEUtLS0tLQo="

/* PEM, as JSON string content: of an authority, and of none. */
#define AUTHORITY                                                                                            \
    "-----BEGIN CERTIFICATE-----\\n"                                                                         \
    "MIIBcDCCARWgAwIBAgIUSuflf/OV4vJ8A1mEXU1CjtfjvDgwCgYIKoZIzj0EAwIw\\n"                                    \
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjMyMjEwNThaGA8yMTI2MTAzMDIyMTA1OFow\\n"                                    \
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCKnoW62l1xS\\n"                                    \
    "hjLE53/4UFhJ4jGeCF6KFcpase/vNThyHcAufA/QZ8wEHHZH1kz23aQZgItQhCs0\\n"                                    \
    "Rfej8IldFgajUzBRMB0GA1UdDgQWBBRHhMadqewof6Y5vezI4KPH95X4NjAfBgNV\\n"                                    \
    "HSMEGDAWgBRHhMadqewof6Y5vezI4KPH95X4NjAPBgNVHRMBAf8EBTADAQH/MAoG\\n"                                    \
    "CCqGSM49BAMCA0kAMEYCIQDbSCvdCf1bkbe85pK3dv575fgup7G7Lj9K9D6IhV+l\\n"                                    \
    "rwIhAJF8lpQF20z9yWly2dLIG4feIFScjpH9qXxnCngABnll\\n"                                                    \
    "-----END CERTIFICATE-----\\n"
#define LEAF                                                                                                 \
    "-----BEGIN CERTIFICATE-----\\n"                                                                         \
    "MIIBazCCARKgAwIBAgIUNu0vwXU9HwboIfyXqmBMUZ0ZwRAwCgYIKoZIzj0EAwIw\\n"                                    \
    "DDEKMAgGA1UEAwwBYjAgFw0yNjExMjMyMjEwNThaGA8yMTI2MTAzMDIyMTA1OFow\\n"                                    \
    "DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCKnoW62l1xS\\n"                                    \
    "hjLE53/4UFhJ4jGeCF6KFcpase/vNThyHcAufA/QZ8wEHHZH1kz23aQZgItQhCs0\\n"                                    \
    "Rfej8IldFgajUDBOMB0GA1UdDgQWBBRHhMadqewof6Y5vezI4KPH95X4NjAfBgNV\\n"                                    \
    "HSMEGDAWgBRHhMadqewof6Y5vezI4KPH95X4NjAMBgNVHRMBAf8EAjAAMAoGCCqG\\n"                                    \
    "SM49BAMCA0cAMEQCIC5iYe/2j9DQGM7dKtchoMo3xE86LRSyYO3MbgRk26EuAiBb\\n"                                    \
    "gP8rI60KWfsMr0tymgLwTi6VL2o6+fz6jETuD6CWpA==\\n"                                                        \
    "-----END CERTIFICATE-----\\n"

static const char csr[] = "{'metadata':{'name':'n'},'spec':{'request':'" REQUEST
                          "','usages':['client auth'],'signerName':'a.b/c','expirationSeconds':600}}";
#define CSR(edits, expected)                                                                                 \
    assert_create(KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, csr, edits, expected)
#define CSR_SUB(sub, old, new, expected)                                                                     \
    assert_subresource(KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, sub, csr, old, new, expected)

TEST(test_csr__request_is_signed_pem) {
    CSR("", "");
    CSR("spec.request = 'AAAA'", "spec.request: Invalid value: *");
    CSR("spec.request = '" BROKEN_REQUEST "'", "spec.request: Invalid value: *");
    CSR("spec.request = '" CERTIFICATE "'", "spec.request: Invalid value: *");
}

TEST(test_csr__usages_are_known) {
    CSR("spec.usages = []", "spec.usages: Required value");
    CSR("spec.usages = ['x','client auth','client auth']",
        "spec.usages[0]: Unsupported value: \"x\": *\nspec.usages[2]: Duplicate value: \"client auth\"");
}

TEST(test_csr__signer_is_a_path_with_a_domain) {
    CSR("spec.signerName = ''", "spec.signerName: Required value");
    CSR("spec.signerName = 'a/b'", "spec.signerName: Invalid value: \"a/b\": *");
    CSR("spec.signerName = 'kubernetes.io/legacy-unknown'", "spec.signerName: Invalid value: *");
}

TEST(test_csr__expiration_is_long_enough) {
    CSR("spec.expirationSeconds = 599", "spec.expirationSeconds: Invalid value: 599: *");
}

#define C "status.conditions"
#define APPROVED "{'type':'Approved','status':'True'}"
#define DENIED "{'type':'Denied','status':'True'}"

TEST(test_csr__decisions_exclude_each_other) {
    CSR_SUB("approval", "", C " = [" APPROVED "]", "");
    CSR_SUB("approval", "", C " = [" APPROVED "," DENIED "]", C ": Invalid value: *");
    CSR_SUB("approval", "",
            C " = [{'type':'','status':''},{'type':'Denied','status':'False'},"
              "{'type':'x','status':'y'},{'type':'x','status':'Unknown'}]",
            C "[0].type: Required value\n" C "[0].status: Required value\n" C
              "[1].status: Unsupported value: \"False\": *\n" C "[2].status: Unsupported value: \"y\": *\n" C
              "[3].type: Duplicate value: \"x\"");
}

TEST(test_csr__decisions_are_made_once_and_in_their_place) {
    CSR_SUB("status", "", C " = [" APPROVED "]", C ": Forbidden: *");
    CSR_SUB("status", "", C " = [{'type':'Failed','status':'True'}]", "");
    CSR_SUB("approval", C " = [" APPROVED "]", C " = []", C ": Forbidden: *");
    CSR_SUB("approval", C " = [" APPROVED "]", C "[0].reason = 'x'", C ": Forbidden: *");
    assert_update(KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, csr, "", C " = [" DENIED "]",
                  C ": Forbidden: *");
    assert_update(KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, csr, C " = [" DENIED "]",
                  "metadata.labels.a = 'b'", "");
}

TEST(test_csr__certificate_is_set_once) {
    CSR_SUB("status", "", "status.certificate = '" CERTIFICATE "'", "");
    CSR_SUB("status", "", "status.certificate = 'AAAA'", "status.certificate: Invalid value: *");
    CSR_SUB("approval", "", "status.certificate = '" CERTIFICATE "'", "status.certificate: Forbidden: *");
    CSR_SUB("status", "status.certificate = '" CERTIFICATE "'", "status.certificate = -",
            "status.certificate: Forbidden: *");
}

#undef C

TEST(test_trust_bundle__holds_authorities) {
    const uint32_t kind = KIND_CERTIFICATES_V1BETA1_CLUSTER_TRUST_BUNDLE;
    static const char base[] = "{'metadata':{'name':'n'},'spec':{'trustBundle':'" AUTHORITY "'}}";
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.trustBundle = ''", "spec.trustBundle: Invalid value: *");
    assert_create(kind, base, "spec.trustBundle = '" LEAF "'", "spec.trustBundle: Invalid value: *");
    assert_create(kind, base, "spec.trustBundle = '" AUTHORITY AUTHORITY "'",
                  "spec.trustBundle: Invalid value: *");
    assert_create(kind, base, "metadata.name = 'a:b'", "metadata.name: Invalid value: \"a:b\": *");
    assert_create(kind, base, "metadata.name = 'a.b:c:d' ;; spec.signerName = 'a.b/c'", "");
    assert_create(kind, base, "spec.signerName = 'a.b/c'", "metadata.name: Invalid value: \"n\": *");
    assert_update(kind, base, "metadata.name = 'a.b:c:d' ;; spec.signerName = 'a.b/c'",
                  "spec.signerName = 'a.b/e'",
                  "metadata.name: Invalid value: *\nspec.signerName: Invalid value: *");
}

TEST(test_pod_certificate_request__expiration_is_bounded) {
    const uint32_t kind = KIND_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST;
#define AT "spec.maxExpirationSeconds"
    static const char base[] =
        "{'metadata':{'name':'n','namespace':'ns'},'spec':{'signerName':'a.b/c','podName':'p','podUID':'u',"
        "'serviceAccountName':'s','serviceAccountUID':'u','nodeName':'n','nodeUID':'u','maxExpirationSeconds'"
        ":3600}}";
    assert_create(kind, base, "", "");
    assert_create(kind, base, AT " = -", AT ": Required value");
    assert_create(kind, base, AT " = 3599", AT ": Invalid value: 3599: *");
    assert_create(kind, base, AT " = 7862401", AT ": Invalid value: 7862401: *");
    assert_create(kind, base, AT " = 86401 ;; spec.signerName = 'kubernetes.io/x'",
                  AT ": Invalid value: 86401: *");
    assert_update(kind, base, "", AT " = 3601", "spec: Invalid value: *");
#undef AT
}

/* ---- reviews ---- */

TEST(test_access_review__asks_one_thing_of_someone) {
    static const char base[] = "{'spec':{'resourceAttributes':{'verb':'get'},'user':'u'}}";
    const uint32_t kind = KIND_AUTHORIZATION_SUBJECT_ACCESS_REVIEW;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.user = ''", "spec.user: Invalid value: \"\": *");
    assert_create(kind, base, "spec.user = '' ;; spec.groups = ['g']", "");
    assert_create(kind, base, "spec.resourceAttributes = -", "spec.resourceAttributes: Invalid value: *");
    assert_create(kind, base, "spec.nonResourceAttributes = {}",
                  "spec.nonResourceAttributes: Invalid value: *");
    assert_create(kind, base, "metadata.labels.a = 'b'", "metadata: Invalid value: *");
    assert_create(kind, base, "spec.resourceAttributes.fieldSelector = {}",
                  "spec.resourceAttributes.fieldSelector.requirements: Required value: *");
}

TEST(test_self_access_review__asks_one_thing) {
    static const char base[] = "{'spec':{'nonResourceAttributes':{'verb':'get','path':'/'}}}";
    const uint32_t kind = KIND_AUTHORIZATION_SELF_SUBJECT_ACCESS_REVIEW;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.resourceAttributes = {}", "spec.nonResourceAttributes: Invalid value: *");
    assert_create(kind, base, "spec = {}", "spec.resourceAttributes: Invalid value: *");
    assert_create(kind, base, "metadata.name = 'b'", "metadata: Invalid value: *");
}

TEST(test_local_access_review__stays_in_its_namespace) {
    static const char base[] = "{'metadata':{'namespace':'ns'},'spec':{'resourceAttributes':{'namespace':'ns'"
                               ",'verb':'get'},'user':'u'}}";
    const uint32_t kind = KIND_AUTHORIZATION_LOCAL_SUBJECT_ACCESS_REVIEW;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.resourceAttributes.namespace = 'x'",
                  "spec.resourceAttributes.namespace: Invalid value: \"x\": *");
    assert_create(kind, base, "spec.resourceAttributes = - ;; spec.nonResourceAttributes = {}",
                  "spec.nonResourceAttributes: Invalid value: *");
}

TEST(test_token_request__expiration_is_bounded) {
    static const char base[] =
        "{'metadata':{'name':'n','namespace':'ns'},'spec':{'audiences':[],'expirationSeconds':600}}";
    const uint32_t kind = KIND_AUTHENTICATION_TOKEN_REQUEST;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.expirationSeconds = 599",
                  "spec.expirationSeconds: Invalid value: 599: *");
    assert_create(kind, base, "spec.expirationSeconds = 4294967297",
                  "spec.expirationSeconds: Invalid value: 4294967297: *");
}

/* ---- priority and fairness ---- */

#define ALL                                                                                                  \
    "'resourceRules':[{'verbs':['*'],'apiGroups':['*'],'resources':['*'],'clusterScope':true,"               \
    "'namespaces':['*']}],'nonResourceRules':[{'verbs':['*'],'nonResourceURLs':['*']}]"
static const char schema[] =
    "{'metadata':{'name':'n'},'spec':{'matchingPrecedence':50,'priorityLevelConfiguration':{'name':'p'},"
    "'distinguisherMethod':{'type':'ByUser'},'rules':[{'subjects':[{'kind':'User','user':{'name':'u'}}]," ALL
    "}]}}";
#define SCHEMA(edits, expected) assert_create(KIND_FLOWCONTROL_FLOW_SCHEMA, schema, edits, expected)
#define R "spec.rules[0]"

TEST(test_flow_schema__precedence_is_bounded) {
    SCHEMA("", "");
    SCHEMA("spec.matchingPrecedence = 10000", "");
    SCHEMA("spec.matchingPrecedence = 0", "spec.matchingPrecedence: Invalid value: 0: *");
    SCHEMA("spec.matchingPrecedence = 10001", "spec.matchingPrecedence: Invalid value: 10001: *");
    SCHEMA("spec.matchingPrecedence = 1", "spec.matchingPrecedence: Invalid value: 1: *");
}

TEST(test_flow_schema__names_a_level_and_a_method) {
    SCHEMA("spec.priorityLevelConfiguration.name = ''",
           "spec.priorityLevelConfiguration.name: Required value");
    SCHEMA("spec.priorityLevelConfiguration.name = 'A'",
           "spec.priorityLevelConfiguration.name: Invalid value: *");
    SCHEMA("spec.distinguisherMethod.type = 'x'",
           "spec.distinguisherMethod.type: Unsupported value: \"x\": *");
}

TEST(test_flow_schema__rules_have_subjects_and_requests) {
    SCHEMA(R " = {}", R ".subjects: Required value: *\n" R ": Required value: *");
    SCHEMA(R ".subjects = [{'kind':'x'},{'kind':'User'},{'kind':'Group','user':{'name':'u'}},"
             "{'kind':'ServiceAccount','serviceAccount':{'name':'A','namespace':''}}]",
           R ".subjects[0].kind: Unsupported value: \"x\": *\n" R ".subjects[1].user: Required value: *\n" R
             ".subjects[2].user: Forbidden: *\n" R ".subjects[2].group: Required value: *\n" R
             ".subjects[3].serviceAccount.name: Invalid value: \"A\": *\n" R
             ".subjects[3].serviceAccount.namespace: Required value");
    SCHEMA(R ".resourceRules = [{'verbs':['x'],'apiGroups':[],'resources':['*','a']}]",
           R ".resourceRules[0].verbs: Unsupported value: \"x\": *\n" R
             ".resourceRules[0].apiGroups: Required value\n" R
             ".resourceRules[0].resources: Invalid value: \"*\": *\n" R
             ".resourceRules[0].namespaces: Required value: *");
    SCHEMA(R ".nonResourceRules = [{'verbs':['*','get'],'nonResourceURLs':['a','/a*','/a//b','/a/*']}]",
           R ".nonResourceRules[0].verbs: Invalid value: \"*\": *\n" R
             ".nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"a\": *\n" R
             ".nonResourceRules[0].nonResourceURLs[1]: Invalid value: \"/a*\": *\n" R
             ".nonResourceRules[0].nonResourceURLs[2]: Invalid value: \"/a//b\": *");
}

TEST(test_flow_schema__the_servers_own_are_fixed) {
#define EXEMPT                                                                                               \
    "metadata.name = 'exempt' ;; spec = {'matchingPrecedence':1,'priorityLevelConfiguration':{'name':"       \
    "'exempt'},'rules':[{'subjects':[{'kind':'Group','group':{'name':'system:masters'}}]," ALL "}]}"
    SCHEMA(EXEMPT, "");
    SCHEMA(EXEMPT " ;; spec.matchingPrecedence = 2", "spec: Invalid value: *");
    SCHEMA("metadata.name = 'catch-all'", "spec: Invalid value: *");
    assert_status_update(
        KIND_FLOWCONTROL_FLOW_SCHEMA, schema, "", "status.conditions = [{'type':''},{'type':''}]",
        "status.conditions[0].type: Required value\nstatus.conditions[1].type: Duplicate value: \"\"\n"
        "status.conditions[1].type: Required value");
#undef EXEMPT
}

static const char level[] = "{'metadata':{'name':'n'},'spec':{'type':'Limited','limited':{'"
                            "nominalConcurrencyShares':10,'limitResponse':{"
                            "'type':'Queue','queuing':{'queues':64,'handSize':6,'queueLengthLimit':50}}}}}";
#define LEVEL(edits, expected)                                                                               \
    assert_create(KIND_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION, level, edits, expected)
#define Q "spec.limited.limitResponse.queuing"

TEST(test_priority_level__type_has_its_member) {
    LEVEL("", "");
    LEVEL("spec.type = 'x'", "spec.type: Unsupported value: \"x\": *");
    LEVEL("spec = {'type':'Exempt'}", "spec.type: Invalid value: \"Exempt\": *");
    LEVEL("metadata.name = 'exempt' ;; spec = {'type':'Exempt','exempt':{'lendablePercent':101}}",
          "spec.exempt.lendablePercent: Invalid value: 101: *");
    LEVEL("spec = {'type':'Limited'}", "spec.limited: Required value: *");
    LEVEL("spec.exempt = {}", "spec.exempt: Forbidden: *");
}

TEST(test_priority_level__limits_are_bounded) {
    LEVEL("spec.limited.nominalConcurrencyShares = -1 ;; spec.limited.lendablePercent = 101 ;; "
          "spec.limited.borrowingLimitPercent = -1",
          "spec.limited.nominalConcurrencyShares: Invalid value: -1: *\n"
          "spec.limited.lendablePercent: Invalid value: 101: *\n"
          "spec.limited.borrowingLimitPercent: Invalid value: -1: *");
}

TEST(test_priority_level__response_queues_or_rejects) {
    LEVEL("spec.limited.limitResponse = {'type':'Reject'}", "");
    LEVEL("spec.limited.limitResponse.type = 'Reject'", Q ": Forbidden: *");
    LEVEL("spec.limited.limitResponse = {'type':'Queue'}", Q ": Required value: *");
    LEVEL("spec.limited.limitResponse = {'type':'x'}",
          "spec.limited.limitResponse.type: Unsupported value: \"x\": *");
}

TEST(test_priority_level__queues_fit_a_hash) {
    LEVEL(Q " = {'queues':0,'handSize':0,'queueLengthLimit':0}",
          Q ".queueLengthLimit: Invalid value: 0: *\n" Q ".queues: Invalid value: 0: *\n" Q
            ".handSize: Invalid value: 0: *");
    LEVEL(Q " = {'queues':10000001,'handSize':1,'queueLengthLimit':1}",
          Q ".queues: Invalid value: 10000001: *");
    LEVEL(Q ".handSize = 65", Q ".handSize: Invalid value: 65: *");
    LEVEL(Q ".handSize = 10", "");
    LEVEL(Q ".handSize = 11", Q ".handSize: Invalid value: 11: *");
    LEVEL("metadata.name = 'catch-all'", "spec: Invalid value: *");
}
