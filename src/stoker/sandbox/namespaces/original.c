/* The original: a zygote's memory as a file, which its children map copies of.
 *
 * A fork copies a page when it first writes to it, and an interpreter writes wherever it counts a
 * reference: most of these copies soon hold what the zygote has there, to the byte. Of memory that
 * is anonymous such a copy can never be undone. So the zygote's is exchanged, before its first
 * fork, for private mappings of a file that nobody can write; and a child that has come to rest
 * throws away pages that are as they are in the file, which are shared again from then on. It looks
 * at those that every child writes to (trial.py), so that it takes no longer than that.
 *
 * Nothing is found out about anybody else by that: a page is compared with the zygote's only.
 *
 * Linked with birth.c into one library; original.py is its other half.
 */

extern long syscall(long number, ...);
extern int openat(int directory, const char *path, int flags, ...), close(int fd);
extern int fcntl(int fd, int command, ...), *__errno_location(void);
extern long read(int fd, void *to, unsigned long size);
extern long pwrite(int fd, const void *from, unsigned long size, long offset);
extern void *mmap(void *, unsigned long, int protection, int flags, int fd, long offset);
extern int munmap(void *, unsigned long), madvise(void *, unsigned long, int);
extern int ppoll(void *, unsigned long count, const void *timeout, const void *mask);
extern int memcmp(const void *, const void *, unsigned long);
extern char *strstr(const char *, const char *);
extern unsigned long strtoul(const char *, char **, int base);

#if defined(__x86_64__)
enum { SIGPROCMASK = 14, WAITID = 247, STATX = 332 };
#else
enum { SIGPROCMASK = 135, WAITID = 95, STATX = 291 };
#endif
enum { READ = 1, WRITE = 2, PRIVATE = 2, FIXED = 0x10, ANONYMOUS = 0x20, DONTNEED = 4, POPULATE_WRITE = 23 };
enum { PAGE = 4096, REST_NS = 200000, TEXT = 8192, RANGES = 128 };
enum { ADD_SEALS = 1033, ALL_SEALS = 15, ECHILD = 10 };
struct span { unsigned long address, length, advice; }; /* as in birth.c */
struct range { unsigned long start, end, offset; };

static struct {
    unsigned long inode, size;
    const char *view; /* the file, to compare with */
    const struct span *spans; /* of memory that children use: trial.py */
    int span_count, filters;
} original;

static int written(int file, const struct range *r)
{
    unsigned long done = 0, size = r->end - r->start;
    long count;
    for (; done < size; done += (unsigned long)count) {
        count = pwrite(file, (const char *)r->start + done, size - done, (long)(r->offset + done));
        if (count <= 0)
            return 0;
    }
    return 1;
}

/* In the zygote, which has one thread: exchange the ranges of its memory for mappings of `file`.
 * Their pages are neither ours nor the stack's. `filters`: of system calls, that it has. 0, or the
 * errno. */
int take_original(int file, unsigned long inode, const struct range *ranges, int count,
                  const struct span *spans, int span_count, int filters)
{
    const unsigned long all = ~0ul;
    unsigned long before, size = ranges[count - 1].offset + ranges[count - 1].end - ranges[count - 1].start;
    int i, result = 0;
    syscall(SIGPROCMASK, 0 /* SIG_BLOCK */, &all, &before, 8ul);
    for (i = 0; i < count && result == 0; i++)
        if (!written(file, &ranges[i]))
            result = *__errno_location();
    if (result == 0 && fcntl(file, ADD_SEALS, ALL_SEALS) < 0)
        result = *__errno_location();
    if (result == 0) {
        original.view = mmap(0, size, READ, PRIVATE, file, 0);
        if (original.view == (const char *)-1)
            result = *__errno_location();
    }
    for (i = 0; i < count && result == 0; i++)
        if (mmap((void *)ranges[i].start, ranges[i].end - ranges[i].start, READ | WRITE,
                 PRIVATE | FIXED, file, (long)ranges[i].offset) == (void *)-1)
            result = *__errno_location();
    original.inode = inode;
    original.size = size;
    original.spans = spans;
    original.span_count = span_count;
    original.filters = filters;
    syscall(SIGPROCMASK, 2 /* SIG_SETMASK */, &before, 0, 8ul);
    return result;
}

/* Whether a filter of system calls was installed since birth.c did: the user's, who knows nothing
 * of our calls, and may have us killed for one. So this does what any import does, and no more. */
static int filtered(void)
{
    char text[4096], *line;
    int fd = openat(-100, "/proc/self/status", 02000000 /* O_CLOEXEC */);
    long size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = 0;
    line = strstr(text, "\nSeccomp_filters:");
    return !line || (long)strtoul(line + 17, 0, 10) > original.filters + 1;
}

/* Whether nobody else can write to our memory: no thread, and no child that might share it. */
static int alone(int proc)
{
    struct { unsigned mask, block; unsigned long attributes; unsigned links, more[59]; } task;
    if (syscall(STATX, (long)proc, "self/task", 0l, 4l /* NLINK */, &task) < 0
        || task.links != 3 /* as any directory, and one thread */)
        return 0;
    return syscall(WAITID, 0l /* P_ALL */, 0l, &task, 0x41000005l /* all, WEXITED NOHANG NOWAIT */, 0l) < 0
        && *__errno_location() == ECHILD;
}

/* One line of /proc/self/maps. -1 where the kernel writes to our memory at times of its own. */
static int take_in(char *line, struct range *r)
{
    char *at = line;
    r->start = strtoul(at, &at, 16);
    r->end = strtoul(at + 1, &at, 16);
    if (strstr(at, "/[aio]"))
        return -1;
    if (memcmp(at, " rw-p ", 6) || !strstr(at, " /memfd:"))
        return 0;
    r->offset = strtoul(at + 6, &at, 16);
    while (*++at != ' ') /* the device */
        if (!*at)
            return 0;
    return strtoul(at, 0, 10) == original.inode && r->offset + (r->end - r->start) <= original.size;
}

/* What of our memory maps the original, now: the user's code may have mapped anything in its place. */
static int mapped(int proc, char *text, struct range *ranges)
{
    int fd = openat(proc, "self/maps", 02000000 /* O_CLOEXEC */), count = 0, taken;
    long have = 0, size;
    char *line, *end;
    while (fd >= 0 && count < RANGES && (size = read(fd, text + have, (unsigned long)(TEXT - 1 - have))) > 0) {
        have += size;
        text[have] = 0;
        line = text;
        for (end = line; *end; end++)
            if (*end == '\n') {
                *end = 0;
                taken = take_in(line, &ranges[count]);
                if (taken < 0) {
                    close(fd);
                    return 0;
                }
                count += taken && count < RANGES - 1;
                line = end + 1;
            }
        have = end - line;
        for (size = 0; size < have; size++)
            text[size] = line[size];
    }
    close(fd);
    return count;
}

/* Give back what of a span lies in `r` and is as it is in the file. */
static void restore(const struct span *span, const struct range *r)
{
    unsigned long at = span->address > r->start ? span->address : r->start, run = 0;
    unsigned long end = span->address + span->length < r->end ? span->address + span->length : r->end;
    for (; at < end; at += PAGE)
        if (memcmp((const char *)at, original.view + r->offset + (at - r->start), PAGE) == 0)
            run += PAGE;
        else if (run) {
            madvise((void *)(at - run), run, DONTNEED);
            run = 0;
        }
    if (run)
        madvise((void *)(at - run), run, DONTNEED);
}

/* In a child that waits for its next event: if none comes for a moment, give back the memory that
 * is as it was. Not while anybody else could write to it, nor under a filter of the user's. Whether
 * that was done. */
int give_back(int connection)
{
    const unsigned long all = ~0ul;
    const long rest[2] = { 0, REST_NS };
    struct { int fd; short wanted, got; } event;
    struct { char text[TEXT]; struct range ranges[RANGES]; } *work;
    unsigned long before;
    int i, j, count, done = 0, proc;
    if (filtered())
        return 0;
    event.fd = connection;
    event.wanted = 1; /* POLLIN */
    work = mmap(0, sizeof *work, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0); /* for now: no page stays */
    if (work == (void *)-1)
        return 0;
    syscall(SIGPROCMASK, 0, &all, &before, 8ul);
    proc = openat(-100, "/proc", 012000000 /* O_PATH, O_CLOEXEC */);
    if (proc >= 0 && alone(proc) && ppoll(&event, 1, rest, 0) == 0) {
        count = mapped(proc, work->text, work->ranges);
        for (i = 0; i < count; i++)
            for (j = 0; j < original.span_count; j++)
                if (original.spans[j].advice == POPULATE_WRITE)
                    restore(&original.spans[j], &work->ranges[i]);
        munmap((void *)original.view, original.size);
        done = 1;
    }
    close(proc);
    syscall(SIGPROCMASK, 2, &before, 0, 8ul);
    munmap(work, sizeof *work);
    return done;
}
