require("better-sqlite3");
