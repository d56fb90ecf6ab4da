#!/usr/bin/perl
use strict;
print "report\n";
