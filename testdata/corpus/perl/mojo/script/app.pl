print "up\n";
