/* A service that waits for a word and then writes as much as it was told, as fast as it is taken from it.
 *
 * It is the interpreter of its `run`, so that no shell is measured; what follows the second argument is ignored:
 *
 *     #!/PATH/producer GO:LINES
 *
 * Reads one byte from the FIFO GO; then it writes so many lines of 100 bytes, each with its number, to its standard
 * output: 40 lines, which are the whole ones of 4 KiB, in one write(2). Then it waits to be killed. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 100, DIGITS = 9, BLOCK = 4096 / LINE };

/* Writes all of it, or ends the process. */
static void put(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(1, bytes, length);
        if (count < 0) _exit(1);
        bytes += count;
        length -= count;
    }
}

int main(int argc, char **argv)
{
    char *colon = argc > 1 ? strrchr(argv[1], ':') : NULL;
    if (!colon) return 100;
    *colon = 0;
    long lines = atol(colon + 1);

    char block[BLOCK][LINE];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < BLOCK; i++) block[i][DIGITS] = ' ', block[i][LINE - 1] = '\n';

    char word;
    int go = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (go < 0 || read(go, &word, 1) != 1) return 111;
    for (long number = 0; number < lines;) {
        int count = 0;
        for (; count < BLOCK && number < lines; count++, number++) {
            long rest = number;
            for (int digit = DIGITS; digit-- > 0; rest /= 10) block[count][digit] = '0' + rest % 10;
        }
        put(block[0], (size_t)count * LINE);
    }
    for (;;) pause();
}
