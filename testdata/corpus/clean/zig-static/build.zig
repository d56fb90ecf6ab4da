pub fn build(b: *@import("std").Build) void { _ = b; }
