puts ENV["REV"]
