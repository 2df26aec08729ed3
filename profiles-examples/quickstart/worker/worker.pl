# Works, and crashes every ten seconds or so: by turns with exit code 1 and with SIGKILL. The log tells which it was.
use strict;
use warnings;

$| = 1;
my $lifetime = $ENV{LIFETIME} || 10;
my $started = time;
print "worker: pid $$ begins\n";

my $jobs = 0;
while (time - $started < $lifetime) {
    # The work.
    select undef, undef, undef, 0.5;
    $jobs++;
}

print "worker: pid $$ crashes after $jobs jobs\n";
kill 'KILL', $$ if $started % 2;
exit 1;
