/* pause: the program that keeps a pod's namespaces alive.
 *
 * It waits, as process 1 of the sandbox: SIGINT and SIGTERM end it, children of others that end up with it
 * are reaped. It has no C library and no heap, so that it is a few kilobytes and needs one page or two;
 * everything is system calls. `pause -v` prints its version.
 *
 * Signals are not handled but awaited (rt_sigtimedwait with all three blocked): there is no handler, no race.
 */
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

#define SIGINT_ 2
#define SIGTERM_ 15
#define SIGCHLD_ 17
#define WNOHANG_ 1
#define BIT(signal) (UINT64_C(1) << ((signal)-1))

#if defined(__x86_64__)
static long call4(long nr, long a, long b, long c, long d) {
    long ret;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call pause_main\n");
#elif defined(__aarch64__)
static long call4(long nr, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x0, sp\n bl pause_main\n");
#else
#error "pause knows x86-64 and AArch64 only"
#endif

static void __attribute__((noreturn)) leave(int status) {
    for (;;)
        (void)call4(__NR_exit_group, status, 0, 0, 0);
}

static void reap(void) {
    long n;
    do {
        n = call4(__NR_wait4, -1, 0, WNOHANG_, 0);
    } while (n > 0);
}

static void print_version(void) {
    static const char text[] = "coxswain pause 1\n";
    (void)call4(__NR_write, 1, (long)text, sizeof text - 1, 0);
    leave(0);
}

void pause_main(const long *stack);

/* stack: argc, argv[0], argv[1], … */
void __attribute__((noreturn)) pause_main(const long *stack) {
    if (stack[0] > 1) {
        const char *flag = (const char *)stack[2];
        if (flag[0] == '-' && flag[1] == 'v' && flag[2] == 0)
            print_version();
        leave(2);
    }
    uint64_t awaited = BIT(SIGINT_) | BIT(SIGTERM_) | BIT(SIGCHLD_);
    (void)call4(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)&awaited, 0, sizeof awaited);
    for (;;) {
        long signal = call4(__NR_rt_sigtimedwait, (long)&awaited, 0, 0, sizeof awaited);
        if (signal == SIGCHLD_)
            reap();
        else if (signal > 0)
            leave(0);
    }
}
