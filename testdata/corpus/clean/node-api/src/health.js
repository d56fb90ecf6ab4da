require("http").get("http://127.0.0.1:3000", (r) => process.exit(r.statusCode === 200 ? 0 : 1));
