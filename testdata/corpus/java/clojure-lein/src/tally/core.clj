# core.clj
