/* PID 1 of a sandbox: starts its processes, reaps what dies, reports to the server outside.
 *
 * There is one for every environment, so it is small: some 30 KB of memory, where a Python process
 * would dirty 1.5 MB. Freestanding: no libc, system calls only. Built on the machine by compile.py.
 *
 * It speaks over one socket that no process of the user ever holds (argv[1]: its descriptor), in
 * packets of native integers; argv[2] is the pid of a runtime process that was forked ahead.
 *
 *   START  u32 1, id, argc, envc, then NUL-terminated cwd, argv..., env...; + 2 or 3 descriptors
 *   SIGNAL u32 2, id, number          KILL_ALL u32 3, 0, 0          EVERY u32 4, 0, number
 *   report u32 id, what, value;  what: 0 exit code, 1 signal, 2 errno of a failed start
 */

typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

enum { START = 1, SIGNAL = 2, KILL_ALL = 3, EVERY = 4 };
enum { EXITED = 0, KILLED = 1, FAILED = 2 };
enum { FRAMES_FD = 62, FAILURE_FD = 63, PARKED = 0, MOST = 64, PACKET = 65536, STRINGS = 4096 };

#if defined(__x86_64__)
enum { NR_read = 0, NR_write = 1, NR_close = 3, NR_recvmsg = 47, NR_sendto = 44,
       NR_clone = 56, NR_execve = 59, NR_exit = 60, NR_wait4 = 61, NR_kill = 62, NR_chdir = 80,
       NR_prctl = 157, NR_sigprocmask = 14, NR_dup3 = 292,
       NR_pipe2 = 293, NR_signalfd4 = 289, NR_close_range = 436, NR_ppoll = 271,
       NR_setsid = 112, NR_openat = 257, NR_shmctl = 31, NR_semctl = 66, NR_msgctl = 71 };
static s64 call(s64 n, s64 a, s64 b, s64 c, s64 d, s64 e, s64 f)
{
    s64 result; /* operands in memory: small compilers know no register variables */
    __asm__ volatile("movq %5, %%r10\n movq %6, %%r8\n movq %7, %%r9\n syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "m"(d), "m"(e), "m"(f)
                     : "rcx", "r8", "r9", "r10", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call start_here\n");
#elif defined(__aarch64__)
enum { NR_read = 63, NR_write = 64, NR_close = 57, NR_recvmsg = 212, NR_sendto = 206,
       NR_clone = 220, NR_execve = 221, NR_exit = 93, NR_wait4 = 260, NR_kill = 129,
       NR_chdir = 49, NR_prctl = 167, NR_sigprocmask = 135, NR_dup3 = 24,
       NR_pipe2 = 59, NR_signalfd4 = 74, NR_close_range = 436, NR_ppoll = 73,
       NR_setsid = 157, NR_openat = 56, NR_shmctl = 195, NR_semctl = 191, NR_msgctl = 187 };
static s64 call(s64 n, s64 a, s64 b, s64 c, s64 d, s64 e, s64 f)
{
    register s64 x8 __asm__("x8") = n;
    register s64 x0 __asm__("x0") = a;
    register s64 x1 __asm__("x1") = b;
    register s64 x2 __asm__("x2") = c;
    register s64 x3 __asm__("x3") = d;
    register s64 x4 __asm__("x4") = e;
    register s64 x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n mov x0, sp\n bl start_here\n");
#endif

void *memset(void *to, int value, u64 count) /* compilers call it to clear a struct */
{
    volatile char *at = to;
    while (count--)
        *at++ = (char)value;
    return to;
}

#define CALL1(n, a) call(NR_##n, (s64)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) call(NR_##n, (s64)(a), (s64)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call(NR_##n, (s64)(a), (s64)(b), (s64)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) call(NR_##n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), 0, 0)
#define CALL6(n, a, b, c, d, e, f) \
    call(NR_##n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), (s64)(e), (s64)(f))

struct iovec { void *base; u64 size; };
struct msghdr { void *name; u32 name_size; struct iovec *io; u64 io_count;
                void *control; u64 control_size; int flags; };
struct cmsghdr { u64 size; int level, kind; };
struct pollfd { int fd; short events, revents; };

static int ctl;
static int pids[MOST]; /* by id; 0: none */
static char packet[PACKET];
static char *strings[STRINGS];
static const u64 sigchld = 1ul << 16; /* SIGCHLD is 17 */

static void report(u32 id, u32 what, u32 value)
{
    u32 message[3] = { id, what, value };
    if (CALL6(sendto, ctl, message, sizeof message, 0x4000 /* MSG_NOSIGNAL */, 0, 0) < 0)
        CALL1(exit, 0); /* the server is gone */
}

/* In the child: descriptors, directory, program. Returns the errno of what failed. */
static int become(u32 argc, u32 envc, u64 size, int *fds, int count)
{
    u64 at = 16, used = 0;
    u32 i;
    int fd;
    for (i = 0; i < argc + envc + 1; i++) {
        if (at >= size || used + 2 >= STRINGS)
            return 7; /* E2BIG */
        strings[used++] = packet + at;
        if (i == argc || i == argc + envc)
            strings[used++] = 0; /* argv ends, env ends (the first string is cwd) */
        while (at < size && packet[at])
            at++;
        at++;
    }
    CALL1(setsid, 0); /* a snapshot has the session and the input that began inside, no others */
    fd = (int)CALL3(openat, -100, "/dev/null", 0);
    if (fd > 2)
        CALL3(dup3, fd, 0, 0);
    CALL3(dup3, fds[0], 1, 0);
    CALL3(dup3, fds[1], 2, 0);
    if (count > 2)
        CALL3(dup3, fds[2], FRAMES_FD, 0);
    CALL3(close_range, 3, FRAMES_FD - (count > 2), 0);
    CALL3(close_range, FAILURE_FD + 1, ~0u, 0);
    fd = (int)CALL1(chdir, strings[0]);
    if (fd < 0)
        return -fd;
    {
        u64 none = 0;
        CALL4(sigprocmask, 2 /* SIG_SETMASK */, &none, 0, 8);
    }
    return (int)-CALL3(execve, strings[1], strings + 1, strings + argc + 2);
}

static void start_process(u64 size, int *fds, int count)
{
    u32 *head = (u32 *)packet;
    int failure[2], pid, i, error = 0;
    if (size < 16 || head[1] >= MOST || count < 2 || CALL2(pipe2, failure, 02000000) < 0)
        return report(size < 8 ? 0 : head[1], FAILED, 22);
    pid = (int)CALL6(clone, 17, 0, 0, 0, 0, 0);
    if (pid == 0) {
        CALL3(dup3, failure[1], FAILURE_FD, 02000000); /* closes itself at a successful exec */
        error = become(head[2], head[3], size, fds, count);
        CALL3(write, FAILURE_FD, &error, sizeof error);
        CALL1(exit, 127);
    }
    CALL1(close, failure[1]);
    if (pid < 0)
        error = -pid;
    else if (CALL3(read, failure[0], &error, sizeof error) > 0)
        CALL4(wait4, pid, 0, 0, 0);
    CALL1(close, failure[0]);
    for (i = 0; i < count; i++)
        CALL1(close, fds[i]);
    if (error)
        report(head[1], FAILED, (u32)error);
    else
        pids[head[1]] = pid;
}

/* System V's objects outlive their makers: after a reset they would be memory that nobody has. */
static void forget_objects(void)
{
    s64 i, id, last = CALL3(shmctl, 0, 14 /* SHM_INFO */, packet);
    for (i = 0; i <= last; i++)
        if ((id = CALL3(shmctl, i, 13 /* SHM_STAT */, packet)) >= 0)
            CALL3(shmctl, id, 0 /* IPC_RMID */, 0);
    last = CALL3(msgctl, 0, 12 /* MSG_INFO */, packet);
    for (i = 0; i <= last; i++)
        if ((id = CALL3(msgctl, i, 11 /* MSG_STAT */, packet)) >= 0)
            CALL3(msgctl, id, 0, 0);
    last = CALL4(semctl, 0, 0, 19 /* SEM_INFO */, packet);
    for (i = 0; i <= last; i++)
        if ((id = CALL4(semctl, i, 0, 18 /* SEM_STAT */, packet)) >= 0)
            CALL4(semctl, id, 0, 0, 0);
}

static void obey(void)
{
    char control[16 + 16 * sizeof(int)];
    struct iovec io = { packet, PACKET - 1 };
    struct msghdr message = { 0, 0, &io, 1, control, sizeof control, 0 };
    struct cmsghdr *rights = (struct cmsghdr *)control;
    u32 *head = (u32 *)packet;
    int count = 0;
    s64 size = CALL3(recvmsg, ctl, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    if (size == 0 || (size < 0 && size != -4 && size != -11))
        CALL1(exit, 0); /* the server hung up: with us ends the whole pid namespace */
    if (size < 12)
        return;
    packet[size] = 0;
    if (message.control_size >= sizeof *rights && rights->level == 1 && rights->kind == 1)
        count = (int)((rights->size - sizeof *rights) / sizeof(int));
    if (head[0] == START)
        start_process((u64)size, (int *)(rights + 1), count);
    else if (head[0] == SIGNAL && head[1] < MOST && pids[head[1]])
        CALL2(kill, -pids[head[1]], head[2]);
    else if (head[0] == KILL_ALL) {
        CALL2(kill, -1, 9); /* everyone in this pid namespace but us, in one go */
        forget_objects();
    } else if (head[0] == EVERY)
        CALL2(kill, -1, head[2]);
}

static void reap(void)
{
    int status = 0, pid, id;
    while ((pid = (int)CALL4(wait4, -1, &status, 1 /* WNOHANG */, 0)) > 0)
        for (id = 0; id < MOST; id++)
            if (pids[id] == pid) {
                pids[id] = 0;
                if (status & 0x7f)
                    report((u32)id, KILLED, (u32)status & 0x7f);
                else
                    report((u32)id, EXITED, (u32)(status >> 8) & 0xff);
            }
}

static int number(const char *text)
{
    int value = 0;
    while (*text)
        value = value * 10 + (*text++ - '0');
    return value;
}

void start_here(u64 *stack)
{
    char **argv = (char **)(stack + 1);
    struct pollfd watched[2];
    char told[128];
    CALL2(prctl, 4 /* PR_SET_DUMPABLE */, 0);
    ctl = number(argv[1]);
    pids[PARKED] = number(argv[2]);
    CALL4(sigprocmask, 0 /* SIG_BLOCK */, &sigchld, 0, 8);
    watched[0].fd = ctl;
    watched[1].fd = (int)CALL4(signalfd4, -1, &sigchld, 8, 02004000 /* CLOEXEC, NONBLOCK */);
    watched[0].events = watched[1].events = 1; /* POLLIN */
    reap(); /* whoever died before we could be told */
    for (;;) {
        if (CALL6(ppoll, watched, 2, 0, 0, 8, 0) < 0)
            continue;
        if (watched[1].revents) {
            CALL3(read, watched[1].fd, told, sizeof told);
            reap();
        }
        if (watched[0].revents)
            obey();
    }
}
