/* What a zygote does all day: fork sandboxes, each to its PID 1 and the runtime parked beside it.
 *
 * In C because the runtime is a fork of the zygote: every page that either of them writes after
 * the fork is a page more for that environment, and an interpreter writes wherever it counts a
 * reference (1 MB an environment, measured). Loaded into zygotes by ctypes; uses nothing but a few functions of the libc that is already there, declared here, so
 * that no header is needed. Built on the machine by compile.py.
 *
 *   zygote ── fork ──► first: cgroups, namespaces, /tmp ── fork ──► second: /proc, then without
 *   privileges ── fork ──► the runtime (back into Python);  second becomes init (init.c)
 */

extern int fork(void);
extern long syscall(long number, ...);
extern int *__errno_location(void);
extern int setns(int fd, int kind), unshare(int flags), prctl(int option, ...), pipe(int *ends);
extern int mount(const char *, const char *, const char *, unsigned long, const char *);
extern int openat(int directory, const char *path, int flags, ...), close(int fd), chdir(const char *);
extern int sethostname(const char *name, unsigned long size), setgroups(unsigned long, const void *);
extern int setresgid(int, int, int), setresuid(int, int, int), setpgid(int, int), setsid(void);
extern int prlimit(int pid, int what, const void *set, void *old), fcntl(int fd, int command, ...);
extern int access(const char *path, int mode), snprintf(char *, unsigned long, const char *, ...);
extern int execve(const char *, char *const *, char *const *);
extern long read(int fd, void *to, unsigned long size), write(int fd, const void *, unsigned long);
extern void _exit(int status);
extern int waitpid(int pid, int *status, int options);
extern long recvmsg(int fd, void *message, int flags);
extern int umask(int mask), madvise(void *, unsigned long, int);

enum { MOVE_MOUNT = 429, CLONE3 = 435, CLOSE_RANGE = 436 };
#if defined(__x86_64__)
enum { SIGACTION = 13, CAPSET = 126, EXECVEAT = 322 };
#else
enum { SIGACTION = 134, CAPSET = 91, EXECVEAT = 281 };
#endif
enum { NEWNET = 0x40000000, NEWUSER = 0x10000000, NEWNS = 0x20000, NEWPID = 0x20000000,
       NEWIPC = 0x8000000, NEWUTS = 0x4000000, NEWCGROUP = 0x2000000 };
enum { NOSUID = 2, NODEV = 4, NOEXEC = 8, BIND = 0x1000 };
enum { SET_DUMPABLE = 4, SET_SECCOMP = 22, CAPBSET_DROP = 24, NO_NEW_PRIVS = 38 };
enum { FD_DIRECTORY = 10 /* where the runtime keeps its socket */ };

struct span { unsigned long address, length, advice; };

/* The order is that of zygote.Order. */
struct order {
    int proc, report; /* descriptors: the host's /proc, the launcher's socket */
    int inside_uid, inside_gid, root; /* root: outside, of what looks like root's */
    int files, processes; /* RLIMIT_NOFILE; RLIMIT_NPROC, or 0 where a cgroup counts them */
    int runtime; /* whether one is forked ahead */
    int span_count;
    const struct span *spans; /* of memory that every runtime will touch: trial.py */
    const char *masks; /* paths to cover with /dev/null, each ended by NUL, ended by an empty one */
    unsigned short filter_length; /* a struct sock_fprog */
    const void *filter;
    /* What follows is of the one request in hand. */
    int slot, uid; /* uid: of the user, outside */
    int birthplace; /* its directory in cgroup 2, or -1 */
    int net, tmp, init, ctl, go; /* descriptors; tmp may be -1 */
    int entrances[8]; /* tasks files of cgroups of version 1, ended by -1 */
};

/* Which step failed; zygote.STEPS has the words. */
enum { JOIN_CGROUPS = 1, ENTER_NET, NEW_NAMESPACES, MOUNT_TMP, FORK, MOUNT_PROC, LIMITS, NEW_USER,
       MAP_USER, TAKE_UID, DROP_PRIVILEGES, FILTER, BECOME_INIT };

static void tell(const struct order *o, int pid, int step)
{
    int message[4] = { o->slot, pid, step, step ? *__errno_location() : 0 };
    write(o->report, message, sizeof message);
}

static void fail(const struct order *o, int step)
{
    tell(o, 0, step);
    _exit(1);
}

static void map(const struct order *o, int pid, const char *name, int inside)
{
    char path[64], text[96];
    int fd, size;
    snprintf(path, sizeof path, "%d/%s", pid, name);
    size = snprintf(text, sizeof text, "0 %d 1\n%d %d 1\n", o->root, inside, o->uid);
    fd = openat(o->proc, path, 1 /* O_WRONLY */);
    if (fd < 0 || write(fd, text, (unsigned long)size) != size)
        fail(o, MAP_USER);
    close(fd);
}

/* Every descriptor but the one given, which moves to FD_DIRECTORY, and 0, 1, 2. */
static void keep_only(int fd)
{
    if (fd != FD_DIRECTORY) {
        syscall(CLOSE_RANGE, FD_DIRECTORY, FD_DIRECTORY, 0);
        fcntl(fd, 1030 /* F_DUPFD_CLOEXEC */, FD_DIRECTORY);
    }
    syscall(CLOSE_RANGE, 3, FD_DIRECTORY - 1, 0);
    syscall(CLOSE_RANGE, FD_DIRECTORY + 1, ~0u, 0);
}

/* Everyone here goes before anyone else when the machine's memory runs out. Said by root, it is
 * also the least that can be said later: the user cannot take it back. (When their own limit is
 * reached the largest process goes first. PID 1 is always the smallest.) */
static void yield_memory(const struct order *o)
{
    int fd = openat(o->proc, "self/oom_score_adj", 1 /* O_WRONLY */);
    if (fd >= 0) {
        write(fd, "1000", 4);
        close(fd);
    }
}

static void drop(const struct order *o)
{
    unsigned int header[2] = { 0x20080522, 0 }, nothing[6] = { 0, 0, 0, 0, 0, 0 };
    struct { unsigned short length; const void *filter; } program;
    int capability;
    program.length = o->filter_length;
    program.filter = o->filter;
    if (setresgid(o->inside_gid, o->inside_gid, o->inside_gid) < 0
        || setresuid(o->inside_uid, o->inside_uid, o->inside_uid) < 0)
        fail(o, TAKE_UID);
    for (capability = 0; capability <= 40; capability++)
        prctl(CAPBSET_DROP, (unsigned long)capability, 0ul, 0ul, 0ul);
    if (syscall(CAPSET, header, nothing) < 0 || prctl(NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) < 0
        || prctl(SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul) < 0)
        fail(o, DROP_PRIVILEGES);
    if (prctl(SET_SECCOMP, 2ul, &program, 0ul, 0ul) < 0)
        fail(o, FILTER);
}

/* What a process ignores its children ignore, also the user's programs. Not by the C library, which
 * keeps two signals (32 and 33) for itself. */
static void by_default(int first, int last)
{
    unsigned long action[4] = { 0, 0, 0, 0 };
    for (; first <= last; first++)
        syscall(SIGACTION, first, action, 0, 8ul);
}

/* Copy the pages it will write to, and map those it will read, before anybody waits for it: at
 * once, where a fault each would be ten times dearer. What fails is done by faults. */
static void provide(const struct order *o)
{
    int i;
    for (i = 0; i < o->span_count; i++)
        madvise((void *)o->spans[i].address, o->spans[i].length, (int)o->spans[i].advice);
}

/* PID 1: root until it is in its user namespace. Returns only in the runtime's process. */
static void second(const struct order *o, int up, int mapped)
{
    unsigned long files[2] = { 0, 0 }, none[2] = { 0, 0 };
    const char *path;
    char ctl[16], pid[16], byte;
    char *argv[4], *environment[1];
    int runtime = 0;
    files[0] = files[1] = (unsigned long)o->files;
    if (mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC, 0) < 0)
        fail(o, MOUNT_PROC);
    for (path = o->masks; *path; path++) {
        if (access(path, 0) == 0 && mount("/dev/null", path, "", BIND, 0) < 0)
            fail(o, MOUNT_PROC);
        while (*path)
            path++;
    }
    umask(022);
    /* EPERM: ours is lower, and may not be raised here. Then theirs is that one, too. */
    if (prlimit(0, 7 /* NOFILE */, files, 0) < 0 && *__errno_location() != 1)
        fail(o, LIMITS);
    files[0] = files[1] = (unsigned long)o->processes;
    if (o->processes && prlimit(0, 6 /* NPROC */, files, 0) < 0)
        fail(o, LIMITS);
    if (setgroups(0, 0) < 0 || prlimit(0, 4 /* CORE */, none, 0) < 0 || setsid() < 0)
        fail(o, LIMITS);
    if (unshare(NEWUSER) < 0)
        fail(o, NEW_USER);
    write(up, "u", 1);
    if (read(mapped, &byte, 1) != 1)
        _exit(1); /* the mapping failed, and was told */
    drop(o);
    if (o->runtime) {
        runtime = fork();
        if (runtime < 0)
            fail(o, FORK);
        if (runtime == 0) {
            setpgid(0, 0);
            prctl(SET_DUMPABLE, 1ul, 0ul, 0ul, 0ul); /* its /proc/self is its own, unlike PID 1's */
            keep_only(o->go);
            provide(o);
            return;
        }
    } else
        write(o->go, "ready", 5);
    write(up, "d", 1);
    by_default(1, 64);
    /* It, and what it forks, holds one door only: the host's /proc and our sockets are behind. */
    syscall(CLOSE_RANGE, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
    fcntl(o->ctl, 2 /* F_SETFD */, 0);
    snprintf(ctl, sizeof ctl, "%d", o->ctl);
    snprintf(pid, sizeof pid, "%d", runtime);
    argv[0] = "init";
    argv[1] = ctl;
    argv[2] = pid;
    argv[3] = environment[0] = 0;
    syscall(EXECVEAT, o->init, "", argv, environment, 0x1000 /* AT_EMPTY_PATH */);
    fail(o, BECOME_INIT);
}

/* fork(), into the cgroup. A process that is moved to another cgroup waits for an RCU grace period
 * (5 to 10 ms) unless it is born there, or is a single thread that moves itself; birth() does the
 * latter where cgroups are of version 1. The C library does not learn of this fork: the child may
 * do little more than fork again. */
static int fork_into(int cgroup)
{
    struct { unsigned long flags, pidfd, child, parent, signal, stack, size, tls, set, count, cgroup; }
        how = { 0x200000000ul /* CLONE_INTO_CGROUP */, 0, 0, 0, 17 /* SIGCHLD */, 0, 0, 0, 0, 0, 0 };
    how.cgroup = (unsigned long)cgroup;
    return cgroup < 0 ? fork() : (int)syscall(CLONE3, &how, sizeof how);
}

/* Returns the intermediate process's pid to the zygote, 0 in a new runtime process. */
static int birth(const struct order *o)
{
    int up[2], mapped[2], pid, i;
    char byte;
    pid = fork_into(o->birthplace);
    if (pid)
        return pid;
    yield_memory(o);
    for (i = 0; o->entrances[i] >= 0; i++)
        if (write(o->entrances[i], "0", 1) != 1)
            fail(o, JOIN_CGROUPS);
    if (setns(o->net, NEWNET) < 0)
        fail(o, ENTER_NET);
    if (unshare(NEWNS | NEWPID | NEWIPC | NEWUTS | NEWCGROUP) < 0)
        fail(o, NEW_NAMESPACES);
    sethostname("sandbox", 7);
    if (o->tmp >= 0 && syscall(MOVE_MOUNT, o->tmp, "", -100, "/tmp", 4) < 0)
        fail(o, MOUNT_TMP);
    if (pipe(up) < 0 || pipe(mapped) < 0 || (pid = fork()) < 0)
        fail(o, FORK);
    if (pid == 0) {
        close(mapped[1]);
        second(o, up[1], mapped[0]);
        return 0;
    }
    close(up[1]);
    if (read(up[0], &byte, 1) != 1)
        _exit(1);
    map(o, pid, "uid_map", o->inside_uid);
    map(o, pid, "gid_map", o->inside_gid);
    write(mapped[1], "m", 1);
    if (read(up[0], &byte, 1) == 1)
        tell(o, pid, 0);
    _exit(0);
}

/* Serve the launcher's requests. Returns 0 in every new runtime process, -1 to the zygote itself
 * when the launcher has hung up. A request: slot, uid and whether there is a birthplace, with
 * descriptors: network namespace, /tmp, init, ctl, go, entrances, birthplace. */
int serve(struct order *o)
{
    struct { void *base; unsigned long size; } io;
    struct { unsigned long size; int level, kind, fds[16]; } rights;
    struct { void *name; unsigned name_size; void *io; unsigned long io_count;
             void *control; unsigned long control_size; int flags; } message;
    int request[3], count, last, pid, i;
    by_default(32, 33); /* zygote.py did the others */
    for (;;) {
        io.base = request;
        io.size = sizeof request;
        message.name = 0;
        message.name_size = 0;
        message.io = &io;
        message.io_count = 1;
        message.control = &rights;
        message.control_size = sizeof rights;
        message.flags = 0;
        if (recvmsg(o->report, &message, 0) != sizeof request)
            return -1;
        count = (int)((rights.size - 16) / sizeof(int));
        if (message.control_size < 16 || count < 5 || count > 12)
            return -1;
        o->slot = request[0];
        o->uid = request[1];
        o->net = rights.fds[0];
        o->tmp = rights.fds[1];
        o->init = rights.fds[2];
        o->ctl = rights.fds[3];
        o->go = rights.fds[4];
        for (i = 5; i < count; i++)
            o->entrances[i - 5] = rights.fds[i];
        last = request[2] ? count - 1 : count;
        o->birthplace = request[2] ? rights.fds[last] : -1;
        o->entrances[last - 5] = -1;
        pid = birth(o);
        if (pid == 0)
            return 0;
        if (pid < 0)
            tell(o, 0, FORK);
        else
            waitpid(pid, 0, 0);
        for (i = 0; i < count; i++)
            close(rights.fds[i]);
    }
}
