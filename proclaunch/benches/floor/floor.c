/* The floor: the least that a supervisor of the same profiles directory can do.
 *
 *     floor PROFILES
 *
 * Starts `run` of every directory in PROFILES, starts it again when it ends, and on SIGTERM ends them all and then
 * itself. It reads no setting, keeps no record, writes no log, and watches nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVICES_MAX = 10000 };

extern char **environ;

static char *runs[SERVICES_MAX];
static volatile pid_t pids[SERVICES_MAX];
static int count;
static volatile sig_atomic_t ending;

static void start(int i)
{
    char *argv[] = { runs[i], NULL };
    pid_t pid = vfork();
    if (pid == 0) {
        execve(runs[i], argv, environ);
        _exit(127);
    }
    pids[i] = pid;
}

static void end(int signal)
{
    (void)signal;
    ending = 1;
    for (int i = 0; i < count; i++)
        if (pids[i] > 0) kill(pids[i], SIGTERM);
}

int main(int argc, char **argv)
{
    DIR *profiles = argc == 2 ? opendir(argv[1]) : NULL;
    if (!profiles) return 100;
    for (struct dirent *entry; (entry = readdir(profiles)) && count < SERVICES_MAX;)
        if (entry->d_name[0] != '.' && asprintf(&runs[count], "%s/%s/run", argv[1], entry->d_name) > 0) count++;
    closedir(profiles);
    struct sigaction action = { .sa_handler = end };
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < count && !ending; i++) start(i);
    for (;;) {
        pid_t pid = waitpid(-1, NULL, 0);
        if (pid < 0 && errno == ECHILD) {
            if (ending) return 0;
            pause();
        }
        for (int i = 0; pid > 0 && i < count; i++) {
            if (pids[i] != pid) continue;
            pids[i] = 0;
            if (!ending) start(i);
            break;
        }
    }
}
