# A daemon of the old kind: forks twice, makes a session, writes its pid into daemon.pid and lives on alone.
use strict;
use warnings;
use POSIX 'setsid';

my $child = fork // die "daemon: cannot fork: $!\n";
if ($child) {
    # The launcher ends with the exit code of what it launched: a failed start is seen.
    waitpid $child, 0;
    exit $? >> 8;
}
setsid();
my $grandchild = fork // die "daemon: cannot fork: $!\n";
exit 0 if $grandchild;

# Written under another name and renamed: nobody reads half a pid.
open my $file, '>', 'daemon.pid.new' or die "daemon: cannot write daemon.pid.new: $!\n";
print $file "$$\n";
close $file or die "daemon: cannot write daemon.pid.new: $!\n";
rename 'daemon.pid.new', 'daemon.pid' or die "daemon: cannot rename daemon.pid.new: $!\n";

$| = 1;
print "daemon: pid $$ went into the background\n";
$SIG{TERM} = sub { unlink 'daemon.pid'; print "daemon: pid $$ ends as it was told\n"; exit 0 };
sleep 60 while 1;
