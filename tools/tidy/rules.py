"""The tables of tools/tidy: what may include what, limits, banned calls and words."""
import re

# Folders of src/ in the order of the layers (docs/architecture.md): each may include from those before it.
LAYERS = ('base', 'codec', 'api', 'store', 'net', 'client', 'apiserver', 'controller', 'scheduler', 'simulate',
          'runtime', 'kubelet', 'network', 'dns', 'ingress', 'ctl', 'main')
# Roles meet at the API only: none includes another's headers. main starts them all.
ROLES = {'apiserver', 'controller', 'scheduler', 'simulate', 'kubelet', 'network', 'dns', 'ingress', 'ctl'}

LINE_MAX = {'.c': 110, '.h': 110, '.py': 120, '.sh': 120, '.build': 120}
FILE_WARN, FILE_MAX = 600, 1500
FUNCTION_WARN, FUNCTION_MAX = 50, 100

# call: what to do instead
BANNED_CALLS = {
    'strcpy': 'memcpy or arena_str', 'strcat': 'base/buf', 'strncpy': 'memcpy', 'strncat': 'base/buf',
    'sprintf': 'snprintf or base/buf', 'vsprintf': 'vsnprintf or base/buf', 'gets': 'fgets', 'strtok': 'str_split',
    'atoi': 'str_to_i64', 'atol': 'str_to_i64', 'atoll': 'str_to_i64', 'atof': 'strtod',
    'rand': 'base/rand', 'srand': 'base/rand', 'random': 'base/rand', 'drand48': 'base/rand',
    'system': 'base/process', 'popen': 'base/process', 'alloca': 'an arena',
    'gmtime': 'base/timefmt', 'localtime': 'base/timefmt', 'ctime': 'base/timefmt', 'asctime': 'base/timefmt',
    'time': 'base/clock', 'tmpnam': 'base/file', 'mktemp': 'base/file',
    'setlocale': 'nothing: the C locale is assumed',
}
# calls that only these folders of src/ may make; tests are free
RESTRICTED_CALLS = {
    'clock_gettime': {'base'}, 'gettimeofday': {'base'}, 'getrandom': {'base'}, 'getentropy': {'base'},
    'nanosleep': {'base'}, 'usleep': {'base'}, 'sleep': {'base'}, 'fork': {'base'}, 'vfork': {'base'},
    'abort': {'base'},
}
ALLOCATING_CALLS = ('malloc', 'calloc', 'realloc', 'reallocarray', 'strdup', 'strndup')

# Spelled with a gap so that this file does not offend.
UNFINISHED = ('TO' 'DO', 'FIX' 'ME', 'X' 'XX', 'HA' 'CK')
ELSEWHERE = ('/work' '/', '/tmp' '/wt', '/tmp' '/land', 'work' 'tree', 'sub' 'agent', 'clau' 'de', 'anthro' 'pic',
             'chat' 'gpt', 'co' 'pilot')
WORDS = re.compile(r'\b(?:' + '|'.join(UNFINISHED) + r')\b|(?i:(?<![a-z])(?:' + '|'.join(ELSEWHERE) + '))')

HOSTS = re.compile(r'\b(?:registry\.k8s|docker|quay|ghcr|gcr|k8s\.gcr|mcr\.microsoft)\.(?:io|com)\b|'
                   r'\b(?:pypi|npmjs|crates|rubygems|golang)\.(?:org|io|com)\b|'
                   r'\b(?:wget|curl)\b[^\n]*https?://|https?://[^\s"\')]*\.(?:tar|tgz|zip|gz|xz|deb|rpm|whl|sh)\b')
# files in which names of hosts are plain data
HOSTS_FREE = re.compile(r'^(?:schema|test/facts|test/golden|tools/tidy|test/tidy)/')

TEXT_SUFFIXES = ('.c', '.h', '.py', '.sh', '.md', '.build', '.api', '.ann', '.const', '.roles', '.in', '.yaml', '.yml',
                 '.txt', '.js', '.css', '.html')
