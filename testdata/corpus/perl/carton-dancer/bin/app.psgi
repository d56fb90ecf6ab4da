use Dancer2;
get "/" => sub { "ok" };
start;
