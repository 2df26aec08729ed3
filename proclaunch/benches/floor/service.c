/* A service that says when it was started, and then waits.
 *
 * It is the interpreter of its `run`, so that no shell is measured:
 *
 *     #!/PATH/service STARTS
 *
 * Its first instruction reads the clock; then it appends a line to the file STARTS, in one write:
 *
 *     NANOSECONDS PID /PATH/NAME/run */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    char line[512];
    int starts = argc == 3 ? open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    int length = snprintf(line, sizeof line, "%lld%09ld %d %s\n", (long long)t.tv_sec, t.tv_nsec, getpid(), argv[argc - 1]);
    if (starts < 0 || write(starts, line, length) != length) return 1;
    close(starts);
    for (;;) pause();
}
