cat("up\n")
