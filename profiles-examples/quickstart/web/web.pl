# A small HTTP service on 127.0.0.1:PORT. It answers with its pid, so that a restart can be seen from outside.
use strict;
use warnings;
use IO::Socket::INET;

# Output goes to a file: without this, lines would wait in a buffer.
$| = 1;

my $port = $ENV{PORT} || 8642;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1)
    or die "web: cannot listen on 127.0.0.1:$port: $! (another program has it? change PORT in web/env)\n";
print "web: pid $$ serves http://127.0.0.1:$port/\n";

# One client that goes away in the middle of an answer does not end the service.
$SIG{PIPE} = 'IGNORE';

while (1) {
    my $client = $server->accept or next;
    eval {
        # A client that says nothing holds up the others for two seconds at most.
        local $SIG{ALRM} = sub { die "slow client\n" };
        alarm 2;
        while (my $line = <$client>) { last if $line =~ /^\r?$/ }
        my $body = "Hello from pid $$\n";
        print $client "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ",
            length $body, "\r\nConnection: close\r\n\r\n", $body;
        alarm 0;
    };
    alarm 0;
    close $client;
}
