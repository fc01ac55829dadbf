/* Holds a snapshot: a runtime that waits after its init, and makes copies of it on request.
 *
 * The runtime is the user's process, so nothing here relies on what is in it. It is stopped by
 * ptrace for good, and made to issue system calls of ours (with its seccomp filter suspended):
 *
 *   runtime (stopped) ── clone, new namespaces ──► shell: later PID 1 (init.c)
 *                                                    └── fork ──► the copy, pid as in the snapshot
 *
 * No instruction of the user's runs between the clone, which gives privileges over the new
 * namespaces, and the moment when the copy has lost them. Then it goes on in the system call in
 * which the runtime waits. Its pid namespace lies in the snapshot's: they live as long as that.
 *
 * Loaded by ctypes, like birth.c, into a process of the launcher's that is root; see snapshot.py.
 */

extern int fork(void);
extern long syscall(long number, ...);
extern int *__errno_location(void);
extern int snprintf(char *, unsigned long, const char *, ...);
extern int open(const char *path, int flags, ...), close(int fd);
extern int setns(int fd, int kind), socket(int, int, int), bind(int, const void *, unsigned);
extern int listen(int fd, int backlog), accept(int fd, void *, void *);
extern int getsockname(int fd, void *, unsigned *);
extern long sendmsg(int fd, const void *, int flags), recvmsg(int fd, void *, int flags);
extern long send(int fd, const void *, unsigned long, int flags);
extern long write(int fd, const void *, unsigned long), read(int fd, void *, unsigned long);
extern int waitpid(int pid, int *status, int options);
extern int mount(const char *, const char *, const char *, unsigned long, const char *);
extern int access(const char *path, int mode);
extern int nanosleep(const void *, void *);
extern int kill(int pid, int signal);
extern void *memcpy(void *, const void *, unsigned long);
extern unsigned long strlen(const char *);
extern char *strstr(const char *, const char *);
extern void _exit(int status);

enum { MOVE_MOUNT = 429, FSOPEN = 430, FSCONFIG = 431, FSMOUNT = 432, CLONE3 = 435,
       CLOSE_RANGE = 436 };
enum { SEIZE = 0x4206, INTERRUPT = 0x4207, GETEVENTMSG = 0x4201, GETREGSET = 0x4204,
       SETREGSET = 0x4205, STEP = 9, CONT = 7, DETACH = 17, PEEK = 1 };
enum { OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 1 << 20 /* EXITKILL */ | 1 << 21 /* SUSPEND_SECCOMP */ };
enum { WALL = 0x40000000, TRAP = 5 };
enum { SIGNALLED = 0x100, /* more than any event; plus the signal */
       MOST_SIGNALS = 100, HAS_TIMER = -1 /* see keeper.py */ };
enum { NEWNET = 0x40000000, NEWUSER = 0x10000000, NEWNS = 0x20000, NEWPID = 0x20000000,
       NEWIPC = 0x8000000, NEWUTS = 0x4000000, NEWCGROUP = 0x2000000,
       SHARE_MEMORY = 0x100, SAME_PARENT = 0x8000 };
enum { CLOEXEC = 02000000, FRAMES = 62, PAGE = 16384, TRIES = 2000 };

#if defined(__x86_64__)
enum { NR_PTRACE = 101, NR_VM_READ = 310, NR_VM_WRITE = 311, NR_ROBUST = 274 };
enum { SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_SOCKET = 41, SYS_CONNECT = 42, SYS_SENDTO = 44,
       SYS_RECVMSG = 47, SYS_SETSOCKOPT = 54, SYS_CLOSE = 3, SYS_FCNTL = 72, SYS_CHDIR = 80,
       SYS_SETPGID = 109, SYS_SETSID = 112, SYS_CAPSET = 126, SYS_PRCTL = 157, SYS_OPENAT = 257,
       SYS_LSEEK = 8, SYS_GETITIMER = 36, SYS_UNSHARE = 272, SYS_ROBUST = 273, SYS_DUP3 = 292, SYS_EXECVEAT = 322 };
struct regs { unsigned long r[27]; };
enum { R10 = 7, R9 = 8, R8 = 9, RAX = 10, RDX = 12, RSI = 13, RDI = 14, ORIG = 15, RIP = 16 };
#define RESULT(x) ((long)(x).r[RAX])
enum { LENGTH = 2, INSTRUCTION_MASK = 0xffff, INSTRUCTION = 0x050f };
static void ask(struct regs *x, long number, const unsigned long *a)
{
    x->r[RAX] = (unsigned long)number;
    x->r[RDI] = a[0]; x->r[RSI] = a[1]; x->r[RDX] = a[2];
    x->r[R10] = a[3]; x->r[R8] = a[4]; x->r[R9] = a[5];
    x->r[RIP] -= LENGTH;
    x->r[ORIG] = ~0ul; /* nothing is to be restarted */
}
static void again(struct regs *x)
{
    x->r[RIP] -= LENGTH;
    x->r[RAX] = x->r[ORIG];
    x->r[ORIG] = ~0ul;
}
#define PC(x) ((x).r[RIP])
#define FIRST(x) ((x).r[RDI])
/* Its call was interrupted, and the kernel would restart it. */
#define ASLEEP(x) ((long)(x).r[ORIG] >= 0 && RESULT(x) <= -512 && RESULT(x) >= -516)
#else
enum { NR_PTRACE = 117, NR_VM_READ = 270, NR_VM_WRITE = 271, NR_ROBUST = 100 };
enum { SYS_MMAP = 222, SYS_MUNMAP = 215, SYS_SOCKET = 198, SYS_CONNECT = 203, SYS_SENDTO = 206,
       SYS_RECVMSG = 212, SYS_SETSOCKOPT = 208, SYS_CLOSE = 57, SYS_FCNTL = 25, SYS_CHDIR = 49,
       SYS_SETPGID = 154, SYS_SETSID = 157, SYS_CAPSET = 91, SYS_PRCTL = 167, SYS_OPENAT = 56,
       SYS_LSEEK = 62, SYS_GETITIMER = 102, SYS_UNSHARE = 97, SYS_ROBUST = 99, SYS_DUP3 = 24, SYS_EXECVEAT = 281 };
struct regs { unsigned long r[34]; };
enum { PC_AT = 32 };
#define RESULT(x) ((long)(x).r[0])
/* Here the kernel shows an interrupted call as it was before it began, which restarts it. */
enum { LENGTH = 0 };
#define INSTRUCTION_MASK 0xffffffffu
#define INSTRUCTION 0xd4000001u
static void ask(struct regs *x, long number, const unsigned long *a)
{
    int i;
    for (i = 0; i < 6; i++)
        x->r[i] = a[i];
    x->r[8] = (unsigned long)number;
}
static void again(struct regs *x)
{
    (void)x;
}
#define PC(x) ((x).r[PC_AT])
#define FIRST(x) ((x).r[0])
#define ASLEEP(x) 1
#endif

struct iovec { void *base; unsigned long size; };
/* keeper.py: _File. Without a path it is a socket: position is its family, flags its type. */
struct file { int fd, flags; long position; const char *path; };
/* The order is that of keeper._Held. */
struct held {
    int sock, pid; /* the launcher's socket; the runtime, as seen outside */
    int inside_uid, inside_gid, uid, root; /* uid: of the user, outside; root: of what looks so */
    int tid; /* of the runtime, as it sees itself; each copy has the next, so that random number
              * generators that look for forks (OpenSSL's) find one */
    int api; /* descriptor of its connection to the Runtime API, to be made anew */
    const char *request; /* what it has asked there */
    const char *cwd, *masks;
    int file_count;
    const struct file *files;
    /* What follows is for us. */
    int own_pids; /* descriptor of our pid namespace */
    unsigned long scratch; /* a few pages in the runtime's memory */
    unsigned long robust, robust_size;
    unsigned long thread; /* where the C library keeps the thread's number */
    struct regs regs;
};
enum { STEP_ATTACH = 1, STEP_CLONE, STEP_MAP, STEP_PROC, STEP_CALL, STEP_CHANNEL, STEP_COPY,
       STEP_FILES, STEP_API, STEP_DROP, STEP_INIT };

static long trace(int what, int pid, long address, void *data)
{
    return syscall(NR_PTRACE, (long)what, (long)pid, address, data);
}

static int get(int pid, struct regs *x)
{
    struct iovec io = { x->r, sizeof x->r };
    return (int)trace(GETREGSET, pid, 1 /* NT_PRSTATUS */, &io);
}

static int set(int pid, const struct regs *x)
{
    struct iovec io = { (void *)x->r, sizeof x->r };
    return (int)trace(SETREGSET, pid, 1, &io);
}

static int put(const struct held *h, int pid, unsigned long offset, const void *from, unsigned long size)
{
    struct iovec here = { (void *)from, size }, there = { (void *)(h->scratch + offset), size };
    if (offset + size > PAGE)
        return -1;
    return syscall(NR_VM_WRITE, (long)pid, &here, 1l, &there, 1l, 0l) == (long)size ? 0 : -1;
}

static int take(const struct held *h, int pid, unsigned long offset, void *to, unsigned long size)
{
    struct iovec here = { to, size }, there = { (void *)(h->scratch + offset), size };
    return syscall(NR_VM_READ, (long)pid, &here, 1l, &there, 1l, 0l) == (long)size ? 0 : -1;
}

/* Wait for its next stop. Returns the event that it is (0: a trap), SIGNALLED and the signal that it
 * would get next, or -1. */
static int stopped(int pid)
{
    int status;
    if (waitpid(pid, &status, WALL) != pid || (status & 0xff) != 0x7f)
        return -1;
    if ((status >> 8 & 0xff) == TRAP || status >> 16)
        return status >> 16;
    return SIGNALLED | (status >> 8 & 0xff);
}

/* Have it do one system call. Signals get lost, as they do in any fork. `born`: where to tell the process that the call made. */
static long call(const struct held *h, int pid, int *born, long number, unsigned long a, unsigned long b,
                 unsigned long c, unsigned long d, unsigned long e, unsigned long f)
{
    unsigned long arguments[6], message = 0;
    struct regs x = h->regs;
    int event, signals = 0;
    arguments[0] = a; arguments[1] = b; arguments[2] = c;
    arguments[3] = d; arguments[4] = e; arguments[5] = f;
    ask(&x, number, arguments);
    if (set(pid, &x) < 0)
        return -1;
    do {
        if (trace(STEP, pid, 0, 0) < 0 || (event = stopped(pid)) < 0)
            return -1;
        if (event >= SIGNALLED && ++signals > MOST_SIGNALS)
            return -1;
        if (event >= 1 && event <= 3 && born) { /* fork, vfork, clone */
            trace(GETEVENTMSG, pid, 0, &message);
            *born = (int)message;
        }
        if (event == 4) /* exec */
            return 0;
    } while (event);
    return get(pid, &x) < 0 ? -1 : RESULT(x);
}

#define DO(pid, number, a, b, c) \
    call(h, pid, 0, number, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), 0, 0, 0)
#define DO6(pid, number, a, b, c, d, e, f) \
    call(h, pid, 0, number, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), \
         (unsigned long)(d), (unsigned long)(e), (unsigned long)(f))

static int at_call(const struct held *h)
{
    unsigned word = 0;
    struct iovec here = { &word, 4 }, there = { (void *)(PC(h->regs) - LENGTH), 4 };
    return syscall(NR_VM_READ, (long)h->pid, &here, 1l, &there, 1l, 0l) == 4
        && (word & INSTRUCTION_MASK) == INSTRUCTION;
}

/* Whether setitimer or alarm will send it a signal: /proc does not tell. No fork inherits that. */
static int has_timer(const struct held *h)
{
    unsigned long timer[4]; /* interval and rest, in seconds and microseconds */
    int which;
    for (which = 0; which < 3; which++)
        if (DO(h->pid, SYS_GETITIMER, which, h->scratch, 0) != 0
            || take(h, h->pid, 0, timer, sizeof timer) < 0 || timer[2] || timer[3])
            return 1;
    return 0;
}

/* Stop the runtime in the system call in which it waits. 0, or the errno, or HAS_TIMER. */
int hold(struct held *h)
{
    const long pause[2] = { 0, 1000000 };
    long result;
    int tries, event;
    h->own_pids = open("/proc/self/ns/pid", CLOEXEC);
    if (trace(SEIZE, h->pid, 0, (void *)(long)OPTIONS) < 0)
        return *__errno_location();
    for (tries = 0; tries < TRIES; tries++) {
        if (trace(INTERRUPT, h->pid, 0, 0) < 0 || (event = stopped(h->pid)) < 0
            || get(h->pid, &h->regs) < 0)
            return 3; /* ESRCH: it died */
        if (event < SIGNALLED && ASLEEP(h->regs) && at_call(h))
            break;
        trace(CONT, h->pid, 0, (void *)(long)(event < SIGNALLED ? 0 : event - SIGNALLED));
        nanosleep(pause, 0);
    }
    if (tries == TRIES)
        return 11; /* EAGAIN */
    *__errno_location() = 0;
    syscall(NR_ROBUST, (long)h->pid, &h->robust, &h->robust_size);
    result = DO6(h->pid, SYS_MMAP, 0, PAGE, 3, 0x22, -1l, 0);
    if (result < 0 && result > -4096)
        return (int)-result;
    h->scratch = (unsigned long)result;
    if (DO(h->pid, SYS_PRCTL, 40 /* GET_TID_ADDRESS */, h->scratch, 0) != 0
        || take(h, h->pid, 0, &h->thread, sizeof h->thread) < 0)
        h->thread = 0;
    return has_timer(h) ? HAS_TIMER : 0;
}

/* The first argument of the system call in which it waits. */
int waits_on(const struct held *h)
{
    return (int)FIRST(h->regs);
}

/* -- a shell: the namespaces of a copy, and who will be PID 1 in them ------------------------- */

struct clone_args { unsigned long flags, pidfd, child, parent, signal, stack, size, tls, set, count, cgroup; };

static int in_namespace(int pid, const char *name, int kind)
{
    char path[48];
    int fd, result;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    fd = open(path, CLOEXEC);
    if (fd < 0)
        return -1;
    result = setns(fd, kind);
    close(fd);
    return result;
}

static int finished(int pid)
{
    int status = 1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

/* Only who is in the snapshot's user namespace may map a child of it. */
static int map(const struct held *h, int pid)
{
    const char *names[2] = { "uid_map", "gid_map" };
    char path[48], text[64];
    int child = fork(), i, fd, size;
    if (child)
        return finished(child);
    for (i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
        size = snprintf(text, sizeof text, "0 0 1\n%d %d 1\n", i ? h->inside_gid : h->inside_uid,
                        i ? h->inside_gid : h->inside_uid);
        if (i == 0 && in_namespace(h->pid, "user", NEWUSER) < 0)
            _exit(1);
        fd = open(path, 1 /* O_WRONLY */);
        if (fd < 0 || write(fd, text, (unsigned long)size) != size)
            _exit(1);
        close(fd);
    }
    _exit(0);
}

/* A /proc of its own. Made by root: a masked one cannot be mounted by who has only what it shows. */
static int mount_proc(const struct held *h, int pid)
{
    const char *path;
    int child, fs, tree;
    if (in_namespace(pid, "pid", NEWPID) < 0)
        return -1;
    child = fork();
    if (child) {
        setns(h->own_pids, NEWPID);
        return finished(child);
    }
    fs = (int)syscall(FSOPEN, "proc", 1l);
    if (fs < 0 || syscall(FSCONFIG, (long)fs, 6l /* CREATE */, 0l, 0l, 0l) < 0
        || (tree = (int)syscall(FSMOUNT, (long)fs, 1l, 2l | 4l | 8l /* nosuid nodev noexec */)) < 0)
        _exit(2);
    if (in_namespace(pid, "mnt", NEWNS) < 0
        || syscall(MOVE_MOUNT, (long)tree, "", -100l, "/proc", 4l) < 0)
        _exit(3);
    for (path = h->masks; *path; path += strlen(path) + 1)
        if (access(path, 0) == 0 && mount("/dev/null", path, "", 0x1000 /* BIND */, 0) < 0)
            _exit(4);
    _exit(0);
}

static int make_shell(const struct held *h, int *pid)
{
    struct clone_args how = { SHARE_MEMORY | SAME_PARENT | NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC
                              | NEWUTS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    long result;
    if (put(h, h->pid, 0, &how, sizeof how) < 0)
        return STEP_CLONE;
    result = call(h, h->pid, pid, CLONE3, h->scratch, sizeof how, 0, 0, 0, 0);
    if (result < 0 || *pid <= 0 || stopped(*pid) < 0) {
        *__errno_location() = result < 0 ? (int)-result : 3;
        return STEP_CLONE;
    }
    if (map(h, *pid) < 0)
        return STEP_MAP;
    return mount_proc(h, *pid) < 0 ? STEP_PROC : 0;
}

/* -- a copy in a shell ------------------------------------------------------------------------ */

struct message { void *name; unsigned name_size; struct iovec *io; unsigned long io_count;
                 void *control; unsigned long control_size; int flags; };
struct rights { unsigned long size; int level, kind, fds[4]; };

/* A connection between us and the shell, by which it gets descriptors. */
static int open_channel(const struct held *h, int shell, int *theirs)
{
    unsigned char address[112];
    unsigned size = sizeof address;
    const short family = 1;
    int own = open("/proc/self/ns/net", CLOEXEC), door, ours = -1;
    if (in_namespace(shell, "net", NEWNET) < 0)
        return -1;
    door = socket(1, 5 /* SEQPACKET */ | CLOEXEC, 0);
    setns(own, NEWNET);
    close(own);
    if (bind(door, &family, sizeof family) == 0 && listen(door, 1) == 0
        && getsockname(door, address, &size) == 0 && put(h, shell, 0, address, size) == 0
        && (*theirs = (int)DO(shell, SYS_SOCKET, 1, 5 | CLOEXEC, 0)) >= 0
        && DO(shell, SYS_CONNECT, *theirs, h->scratch, size) == 0)
        ours = accept(door, 0, 0);
    close(door);
    return ours;
}

static int pass(const struct held *h, int ours, int shell, int theirs, const int *fds, int *numbers)
{
    struct rights rights = { 16 + 3 * sizeof(int), 1, 1, { fds[0], fds[1], fds[2], 0 } };
    char byte = 0;
    struct iovec io = { &byte, 1 }, there = { (void *)(h->scratch + 512), 1 };
    struct message out = { 0, 0, &io, 1, &rights, 16 + 4 * sizeof(int), 0 };
    struct message in = { 0, 0, (struct iovec *)(h->scratch + 256), 1, (void *)(h->scratch + 1024),
                          16 + 4 * sizeof(int), 0 };
    if (sendmsg(ours, &out, 0) != 1 || put(h, shell, 0, &in, sizeof in) < 0
        || put(h, shell, 256, &there, sizeof there) < 0
        || DO(shell, SYS_RECVMSG, theirs, h->scratch, 0) != 1
        || take(h, shell, 1024, &rights, sizeof rights) < 0 || rights.size != 16 + 3 * sizeof(int))
        return -1;
    memcpy(numbers, rights.fds, 3 * sizeof(int));
    return 0;
}

static int move(const struct held *h, int pid, int fd, int to, int flags)
{
    return DO(pid, SYS_DUP3, fd, to, flags) == to && DO(pid, SYS_CLOSE, fd, 0, 0) == 0 ? 0 : -1;
}

/* The kernel's word for it: what it was told came from memory that is the user's. */
static int is_harmless(int pid)
{
    static const char *const lines[] = {
        "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
        "\nCapEff:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n",
        "\nCapAmb:\t0000000000000000\n", "\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n" };
    char path[32], text[8192];
    unsigned long i;
    long size;
    int fd;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    fd = open(path, CLOEXEC);
    size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size < 0 ? 0 : size] = 0;
    for (i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(text, lines[i])) {
            *__errno_location() = 1; /* EPERM */
            return 0;
        }
    return 1;
}

static int drop(const struct held *h, int pid)
{
    struct { unsigned version, pid, nothing[6]; } caps = { 0x20080522, 0, { 0, 0, 0, 0, 0, 0 } };
    int capability;
    for (capability = 0; capability <= 40; capability++)
        DO(pid, SYS_PRCTL, 24 /* CAPBSET_DROP */, capability, 0);
    if (put(h, pid, 0, &caps, sizeof caps) < 0
        || DO(pid, SYS_CAPSET, h->scratch, h->scratch + 8, 0) != 0 || !is_harmless(pid))
        return -1;
    return (int)DO(pid, SYS_PRCTL, 4 /* SET_DUMPABLE */, 1, 0);
}

/* Descriptors that lead somewhere else in each copy: files have a position of their own, and
 * sockets lead nowhere, as after a restore on AWS. */
static int reopen(const struct held *h, int copy)
{
    int i;
    long fd;
    for (i = 0; i < h->file_count; i++) {
        const struct file *file = &h->files[i];
        if (!file->path) {
            fd = DO(copy, SYS_SOCKET, file->position, file->flags | CLOEXEC, 0);
            if (fd < 0 || move(h, copy, (int)fd, file->fd, CLOEXEC) < 0)
                return -1;
            continue;
        }
        if (put(h, copy, 0, file->path, strlen(file->path) + 1) < 0)
            return -1;
        fd = DO6(copy, SYS_OPENAT, -100l, h->scratch, file->flags & ~0100 /* O_CREAT */ & ~01000, 0, 0, 0);
        if (fd < 0) {
            *__errno_location() = (int)-fd;
            return -1;
        }
        if (file->position)
            DO(copy, SYS_LSEEK, fd, file->position, 0);
        if (move(h, copy, (int)fd, file->fd, file->flags & CLOEXEC) < 0)
            return -1;
    }
    return 0;
}

static int connect_api(const struct held *h, int copy)
{
    const unsigned char address[16] = { 2, 0, 9001 >> 8, 9001 & 255, 127, 0, 0, 1 };
    const int one = 1;
    unsigned long size = strlen(h->request);
    long fd = DO(copy, SYS_SOCKET, 2, 1, 0), result;
    if (fd < 0 || put(h, copy, 0, address, sizeof address) < 0
        || put(h, copy, 64, &one, sizeof one) < 0 || put(h, copy, 128, h->request, size) < 0)
        return -1;
    result = DO(copy, SYS_CONNECT, fd, h->scratch, sizeof address);
    DO6(copy, SYS_SETSOCKOPT, fd, 6, 1 /* TCP_NODELAY */, h->scratch + 64, 4, 0);
    if (result != 0
        || DO6(copy, SYS_SENDTO, fd, h->scratch + 128, size, 0x4000, 0, 0) != (long)size) {
        *__errno_location() = result ? (int)-result : 32;
        return -1;
    }
    return move(h, copy, (int)fd, h->api, CLOEXEC);
}

static int settle(const struct held *h, int copy, int theirs, const int *outputs)
{
    static const int numbers[3] = { 1, 2, FRAMES };
    struct regs x = h->regs;
    int i;
    for (i = 0; i < 3; i++)
        if (move(h, copy, outputs[i], numbers[i], 0) < 0)
            return STEP_FILES;
    DO(copy, SYS_CLOSE, theirs, 0, 0);
    DO(copy, SYS_SETPGID, 0, 0, 0);
    DO(copy, SYS_ROBUST, h->robust, h->robust_size, 0);
    if (drop(h, copy) < 0)
        return STEP_DROP;
    if (put(h, copy, 0, h->cwd, strlen(h->cwd) + 1) < 0 || reopen(h, copy) < 0)
        return STEP_FILES;
    DO(copy, SYS_CHDIR, h->scratch, 0, 0); /* if it cannot, it stays where it is */
    if (connect_api(h, copy) < 0)
        return STEP_API;
    DO(copy, SYS_MUNMAP, h->scratch, PAGE, 0);
    again(&x);
    return set(copy, &x) < 0 || trace(DETACH, copy, 0, 0) < 0 ? STEP_CALL : 0;
}

/* The shell becomes init, without privileges, with one door: ctl. */
static int become_init(const struct held *h, int shell, const int *fds)
{
    char strings[48];
    unsigned long argv[4];
    int i, size;
    for (i = 0; i < 3; i++)
        DO(shell, SYS_DUP3, fds[2], i, 0);
    DO(shell, SYS_SETSID, 0, 0, 0);
    if (drop(h, shell) < 0 || DO(shell, CLOSE_RANGE, 3, ~0u, 4 /* CLOEXEC */) != 0
        || DO(shell, SYS_FCNTL, fds[0], 2 /* F_SETFD */, 0) != 0)
        return -1;
    size = snprintf(strings, sizeof strings, "init%c%d%c%d", 0, fds[0], 0, h->tid + 1) + 1;
    argv[0] = h->scratch + 256;
    argv[1] = argv[0] + 5;
    argv[2] = argv[1] + strlen(strings + 5) + 1;
    argv[3] = 0;
    if (put(h, shell, 256, strings, (unsigned long)size) < 0 || put(h, shell, 0, argv, sizeof argv) < 0
        || put(h, shell, 512, "", 1) < 0)
        return -1;
    if (DO6(shell, SYS_EXECVEAT, fds[1], h->scratch + 512, h->scratch, h->scratch + 24, 0x1000, 0) != 0)
        return -1;
    return (int)trace(DETACH, shell, 0, 0);
}

static int fill(const struct held *h, int shell, const int *fds, int *copy)
{
    struct clone_args how = { 0, 0, 0, 0, 17 /* SIGCHLD */, 0, 0, 0, 0, 1, 0 };
    int ours, theirs = -1, numbers[3], step = 0, number = h->tid + 1;
    long result;
    if (DO(shell, SYS_UNSHARE, NEWCGROUP, 0, 0) != 0)
        return STEP_CALL;
    if ((ours = open_channel(h, shell, &theirs)) < 0)
        return STEP_CHANNEL;
    if (pass(h, ours, shell, theirs, fds, numbers) < 0)
        step = STEP_CHANNEL;
    how.set = h->scratch + 256;
    if (h->thread) {
        how.flags = 0x01000000 | 0x00200000; /* CHILD_SETTID, CHILD_CLEARTID */
        how.child = h->thread;
    }
    if (!step) {
        put(h, shell, 0, &how, sizeof how);
        put(h, shell, 256, &number, sizeof number);
        result = call(h, shell, copy, CLONE3, h->scratch, sizeof how, 0, 0, 0, 0);
        if (result < 0 || *copy <= 0 || stopped(*copy) < 0) {
            *__errno_location() = result < 0 ? (int)-result : 3;
            step = STEP_COPY;
        }
    }
    if (!step)
        step = settle(h, *copy, theirs, numbers);
    if (!step && pass(h, ours, shell, theirs, fds + 3, numbers) < 0)
        step = STEP_CHANNEL;
    if (!step && become_init(h, shell, numbers) < 0)
        step = STEP_INIT;
    close(ours);
    return step;
}

/* Serve the launcher: { what, slot, pid } and for 2 six descriptors (stdout, stderr, frames;
 * ctl, init, /dev/null). Answers { what, slot, pid, step, errno }. Returns when it hangs up. */
void serve(struct held *h)
{
    int request[3], answer[5], i, count;
    struct { unsigned long size; int level, kind, fds[8]; } rights;
    for (;;) {
        struct iovec io = { request, sizeof request };
        struct message message = { 0, 0, &io, 1, &rights, sizeof rights, 0 };
        if (recvmsg(h->sock, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */) != sizeof request)
            return;
        count = message.control_size < 16 ? 0 : (int)((rights.size - 16) / sizeof(int));
        answer[0] = request[0];
        answer[1] = request[1];
        answer[2] = request[2];
        *__errno_location() = 0;
        if (request[0] == 1)
            answer[3] = make_shell(h, &answer[2]);
        else if (request[0] == 2 && count == 6)
            answer[3] = fill(h, request[2], rights.fds, &answer[2]);
        else
            return;
        answer[4] = answer[3] ? *__errno_location() : 0;
        if (answer[3] && answer[2] > 0) {
            kill(answer[2], 9);
            if (request[0] == 2)
                kill(request[2], 9);
        }
        for (i = 0; i < count; i++)
            close(rights.fds[i]);
        while (waitpid(-1, &i, WALL | 1 /* WNOHANG */) > 0)
            ; /* who was killed while we held it */
        send(h->sock, answer, sizeof answer, 0x4000);
    }
}
