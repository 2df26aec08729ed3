# Reads GREETING from the file `env` at the start and again on each HUP, without a restart: the pid stays the same.
use strict;
use warnings;

$| = 1;

sub greeting {
    open my $file, '<', 'env' or die "reloader: cannot read env: $!\n";
    my ($greeting) = map { /^GREETING=(.*)/ ? $1 : () } <$file>;
    return $greeting // 'nothing to say';
}

my $reload = 0;
$SIG{HUP} = sub { $reload = 1 };

print "reloader: pid $$ says ", greeting(), "\n";
while (1) {
    # Short enough that a HUP just before the wait is not noticed late.
    select undef, undef, undef, 1;
    next unless $reload;
    $reload = 0;
    print "reloader: pid $$ reloaded and says ", greeting(), "\n";
}
